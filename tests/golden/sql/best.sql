SELECT "mobsid", (50 * greatest(0, 1 - degrees(2 * asin(least(1, sqrt(pow(sin(radians("ssa_location"[2] - ?::DOUBLE) / 2), 2) + cos(radians("ssa_location"[2])) * cos(radians(?::DOUBLE)) * pow(sin(radians("ssa_location"[1] - ?::DOUBLE) / 2), 2))))) / ?::DOUBLE) + 50 * CASE WHEN "ssa_snr" > 0 AND "ssa_snr" < 1e30 THEN "ssa_snr"::DOUBLE / ("ssa_snr"::DOUBLE + 10) ELSE 0 END)::FLOAT AS "ssa_score"
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
ORDER BY "ssa_score" DESC, "file_index", "file_row_number"
LIMIT ?
