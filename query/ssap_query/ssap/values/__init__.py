"""Grammars of parameter values."""
