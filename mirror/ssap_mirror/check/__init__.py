"""Whether a snapshot is what its manifest says, and how two differ."""
