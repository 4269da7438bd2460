"""Requests and matches on a Dask cluster: LSDB reads the partitions there, and the engine's conditions choose rows."""
