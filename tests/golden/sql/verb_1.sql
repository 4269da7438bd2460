SELECT "accref", "mobsid", "ra", "dec", "ssa_location"::DOUBLE[2] AS "ssa_location", "ssa_dateObs", "ssa_timeExt", "ssa_length"
FROM read_parquet(?, hive_partitioning = false, can_have_nan = true)
WHERE "ssa_redshift" BETWEEN ?::FLOAT AND ?::FLOAT
