"""Results as columnar files: Parquet and Arrow's own."""
