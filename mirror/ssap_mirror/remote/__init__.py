"""A mirror that is read where it lies: on a web server or in an object store."""
