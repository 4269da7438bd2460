"""TAP 1.1: ADQL over HTTP."""
