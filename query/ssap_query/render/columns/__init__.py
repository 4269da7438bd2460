"""Columns of an answer on their way out: in plain types, as text, as FIELDs."""
