"""What a mirror on disk is: names of files, columns, cells, snapshots."""
