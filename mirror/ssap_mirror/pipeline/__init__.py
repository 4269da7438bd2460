"""From an address to a live snapshot."""
