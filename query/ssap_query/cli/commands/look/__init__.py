"""Commands that tell of a mirror."""
