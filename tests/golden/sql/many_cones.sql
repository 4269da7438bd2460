SELECT "file_index", "file_row_number"
FROM read_parquet(?, hive_partitioning = false, can_have_nan = true)
JOIN cones ON (_healpix_29 >> ?::INTEGER) = cone_cell
WHERE test_sign * (pow(sin(radians("ssa_location"[2] - test_dec) / 2), 2) + cos(radians("ssa_location"[2])) * cos(radians(test_dec)) * pow(sin(radians("ssa_location"[1] - test_ra) / 2), 2)) <= test_limit
GROUP BY "file_index", "file_row_number"
