"""The tables that a query may read: those of mirrors, those that describe them, and those that come with it."""
