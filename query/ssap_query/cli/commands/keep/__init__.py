"""Commands that make a mirror and look after it."""
