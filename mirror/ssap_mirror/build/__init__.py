"""Batches of rows to a snapshot on disk."""
