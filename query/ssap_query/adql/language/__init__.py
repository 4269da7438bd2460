"""ADQL as a language: its grammar, what names and functions mean, and the SQL that comes of it."""
