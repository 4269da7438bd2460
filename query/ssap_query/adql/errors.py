"""What is wrong with a query, before anybody knows which query it is."""

from __future__ import annotations

__all__ = ["AdqlError"]


class AdqlError(ValueError):
    """A query that is no ADQL, or asks for what is not there; the message completes "QUERY: '...' ..."."""
