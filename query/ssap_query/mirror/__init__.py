"""A mirror opened for asking, and what it answers."""
