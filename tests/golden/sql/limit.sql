SELECT "mobsid", "ssa_snr"
FROM read_parquet(?, hive_partitioning = false, can_have_nan = true)
WHERE ("ssa_snr" BETWEEN ?::FLOAT AND ?::FLOAT)
OR ("ssa_snr" BETWEEN ?::FLOAT AND ?::FLOAT)
LIMIT ?
