"""What a match gives: columns, rows, notes."""
