"""Any table, in a file or in memory, as Arrow batches with units and UCDs."""
