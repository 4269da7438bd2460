"""Pull the whole metadata table of a spectra service into a HEALPix-partitioned Parquet mirror."""
