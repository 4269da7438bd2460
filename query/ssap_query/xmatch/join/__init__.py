"""The join: zones, candidates, exact separation."""
