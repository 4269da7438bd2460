"""ADQL, the query language of TAP: read, checked against what is there, and written as DuckDB's SQL."""
