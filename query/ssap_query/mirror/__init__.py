"""A mirror opened for asking, and the results it gives."""
