"""What DuckDB says of a statement that it cannot answer."""

from __future__ import annotations

from ssap_mirror.errors import ParameterError

__all__ = ["SqlError"]


class SqlError(ParameterError):
    """A statement that DuckDB cannot answer; its reason is all that DuckDB says, in several lines."""

    def __str__(self) -> str:
        return f"SQL error: {self.reason}"
