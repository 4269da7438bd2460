"""Formats that are text: CSV, TSV, ECSV, JSON, HTML, a table to read."""
