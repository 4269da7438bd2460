"""Rows in cones: cells, files, row groups, exact separation."""
