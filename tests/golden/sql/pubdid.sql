SELECT "mobsid"
FROM read_parquet(?, hive_partitioning = false, can_have_nan = true)
WHERE lower("ssa_pubDID") = ?::VARCHAR
