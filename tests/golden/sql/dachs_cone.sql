SELECT "mobsid"
FROM read_parquet(?, hive_partitioning = false, can_have_nan = true)
WHERE ((_healpix_29 BETWEEN ? AND ?)
OR (_healpix_29 BETWEEN ? AND ?)
OR (_healpix_29 BETWEEN ? AND ?)
OR (_healpix_29 BETWEEN ? AND ?)
OR (_healpix_29 BETWEEN ? AND ?)
OR (_healpix_29 BETWEEN ? AND ?)
OR (_healpix_29 BETWEEN ? AND ?)
OR (_healpix_29 BETWEEN ? AND ?)
OR (_healpix_29 IS NULL))
AND (?::DOUBLE * (pow(sin(radians("ssa_location"[2] - ?::DOUBLE) / 2), 2) + cos(radians("ssa_location"[2])) * cos(radians(?::DOUBLE)) * pow(sin(radians("ssa_location"[1] - ?::DOUBLE) / 2), 2)) <= ?::DOUBLE)
AND ("ssa_snr" IN (SELECT unnest(?::FLOAT[])))
LIMIT ?
