"""Commands that give rows."""
