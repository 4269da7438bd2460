"""Parquet: of any program, and as VOParquet."""
