"""A mirror as a folder of plain files that any static web server offers to others."""
