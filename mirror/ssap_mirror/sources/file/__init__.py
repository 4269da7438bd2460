"""A file of rows as a source."""
