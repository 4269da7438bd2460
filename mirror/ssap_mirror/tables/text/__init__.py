"""Tables of text: CSV and its relatives, ECSV, IPAC."""
