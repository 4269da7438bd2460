"""What is drawn: the columns of a mirror, a result or a match as arrays, and what has to be said of their rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ssap_mirror.core.schema import Column, Schema
from ssap_mirror.errors import MirrorError, ParameterError

from ssap_query.fetch.rows import Rows
from ssap_query.mirror.mirror import Mirror

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["Drawable", "Subject"]

#: What can be drawn.
Drawable = Mirror | Rows

_MADE_UP = b'name="synthetic"'


class Subject:
    """Rows to draw.

    Parameters
    ----------
    data : Mirror, or any result or table
        Where they are.
    """

    def __init__(self, data: Drawable) -> None:
        self._data = data
        self._table: pa.Table | None = None

    @property
    def schema(self) -> Schema:
        """Columns."""
        return self._data.schema

    @property
    def title(self) -> str:
        """What the rows are of."""
        if isinstance(self._data, Mirror):
            return self._data.catalog.title
        return str(getattr(self._data, "infos", {}).get("mirror", "")).partition(",")[0]

    @property
    def is_made_up(self) -> bool:
        """Whether the rows were made up."""
        if isinstance(self._data, Mirror):
            return self._data.catalog.synthetic
        return "synthetic" in getattr(self._data, "infos", {}) or _MADE_UP in self._data.service_xml

    def column(self, name: str, parameter: str = "column") -> Column:
        """Give a column by name.

        Raises
        ------
        ParameterError
            If there is none.
        """
        if name not in self.schema:
            raise ParameterError(parameter, name, "is no column of what is to be drawn")
        return self.schema[name]

    def role(self, role: str, what: str) -> Column:
        """Give the column that plays a role.

        Raises
        ------
        MirrorError
            If there is none; `what` says what it would be.
        """
        found = self.schema.role(role)
        if found is None:
            message = f"{self.title or 'the table'} has no column for {what}"
            raise MirrorError(message)
        return found

    def numbers(self, *names: str) -> list[NDArray[Any]]:
        """Values of columns as float64, shape (rows,); NULL is NaN.

        Raises
        ------
        ParameterError
            If a column has no numbers.
        """
        table = self._columns(names)
        return [_as_numbers(table, name) for name in names]

    def table(self, *names: str) -> pa.Table:
        """Give columns as an Arrow table."""
        return self._columns(names)

    def positions(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """Right ascension and declination [deg] of the rows that have both."""
        import numpy as np

        roles = self.schema.roles
        for ra, dec in (("ra", "dec"), ("location_ra", "location_dec")):
            if ra in roles and dec in roles:
                pair = self.numbers(roles[ra], roles[dec])
                break
        else:
            name = self.role("location", "positions").name
            values = self._columns([name]).column(name).combine_chunks()
            known = values.drop_null()
            pair = list(np.asarray(known.flatten(), dtype=float).reshape(len(known), 2).T)
        placed = np.isfinite(pair[0]) & np.isfinite(pair[1])
        return pair[0][placed] % 360.0, pair[1][placed]

    def _columns(self, names: Any) -> pa.Table:
        import pyarrow as pa

        chosen = list(dict.fromkeys(names))
        if isinstance(self._data, Mirror):
            return self._data.search(columns=chosen).to_arrow()
        if self._table is None:
            batches = list(self._data.batches())
            self._table = pa.Table.from_batches(batches) if batches else self.schema.arrow_schema().empty_table()
        return self._table.select(chosen)


def _as_numbers(table: pa.Table, name: str) -> NDArray[Any]:
    import numpy as np
    import pyarrow as pa

    try:
        values = table.column(name).cast(pa.float64()).combine_chunks()
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        parameter = "column"
        raise ParameterError(parameter, name, "has no numbers") from error
    return np.asarray(values.to_numpy(zero_copy_only=False), dtype=float)
