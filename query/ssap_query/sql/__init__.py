"""SQL of people: the view, its macros, the columns that are kept in memory."""
