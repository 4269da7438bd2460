SELECT "mobsid"
FROM read_parquet(?, hive_partitioning = false, can_have_nan = true)
WHERE "ssa_targname" IN (SELECT unnest(?::VARCHAR[]))
ORDER BY "file_index", "file_row_number"
LIMIT ?
