"""Places on the sky in a query: shapes, what is asked of them, and how to find rows about them fast."""
