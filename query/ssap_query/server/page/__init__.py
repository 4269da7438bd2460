"""The page for a browser: its files, and the addresses that it asks."""
