"""Made-up rows in the shape of the LAMOST6 services, piece by piece; ``synthetic_rows`` is the way in."""
