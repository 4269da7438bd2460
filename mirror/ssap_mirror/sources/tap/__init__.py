"""A table of a TAP service as a source."""
