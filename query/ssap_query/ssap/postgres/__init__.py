"""Text search as the reference server's database does it."""
