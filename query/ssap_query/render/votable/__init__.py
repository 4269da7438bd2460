"""VOTable: header, rows, document."""
