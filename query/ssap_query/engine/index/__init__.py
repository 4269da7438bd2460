"""The spatial index of a snapshot: the files and cells that a region touches, and the row groups in them."""
