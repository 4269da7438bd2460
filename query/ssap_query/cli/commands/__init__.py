"""The commands, a file for each, by what a person wants of them."""
