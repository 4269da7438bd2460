"""FITS: header, records, document."""
