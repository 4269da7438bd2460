"""The parts of an open mirror, by what is asked of it: SQL, ADQL, a match, what it holds."""
