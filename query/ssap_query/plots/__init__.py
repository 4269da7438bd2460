"""Pictures of a mirror."""
