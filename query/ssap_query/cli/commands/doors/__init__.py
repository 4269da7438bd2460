"""Commands that open another door."""
