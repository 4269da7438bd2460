"""Columns of a result on their way out: in plain types, as text, as FIELDs."""
