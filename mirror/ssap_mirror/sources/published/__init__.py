"""A mirror that somebody publishes: its files are fetched as they are."""
