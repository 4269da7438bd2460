"""What pyvo's results have beside rows: their columns by meaning, and the whole as astropy's VOTable objects."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Any

from ssap_mirror.errors import needs_extra

from ssap_query.render.faces.columns import column_with_ucd, column_with_utype

if TYPE_CHECKING:
    from astropy.io.votable.tree import TableElement, VOTableFile

    from ssap_query.render.faces.record import Record
    from ssap_query.render.renderable import Renderable

    # What the methods below are methods of; at run time that is `ssap_query.render.result.Result`.
    class _Base(Renderable):
        def __getitem__(self, chosen: Any) -> Any: ...
else:
    _Base = object

__all__ = ["PyvoInterface"]


class PyvoInterface(_Base):
    """The methods of `pyvo.dal.DALResults`, so that a script for it takes a result of a mirror as it is."""

    @property
    def fieldnames(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(self.schema.names)

    @property
    def fielddescs(self) -> Sequence[Any]:
        """Columns as `astropy.io.votable.tree.Field`."""
        found: Sequence[Any] = _first_table(self[:0]).fields
        return found

    def getdesc(self, name: str) -> Any:
        """Give a column as `astropy.io.votable.tree.Field`.

        Raises
        ------
        KeyError
            If there is no such column.
        """
        if name not in self.fieldnames:
            raise KeyError(name)
        return self.fielddescs[self.fieldnames.index(name)]

    def fieldname_with_ucd(self, ucd: str) -> str | None:
        """Name of the first column that shares a word with a UCD; None where there is none."""
        return column_with_ucd(self.schema, ucd)

    def fieldname_with_utype(self, utype: str) -> str | None:
        """Name of the first column of a utype; None where there is none."""
        return column_with_utype(self.schema, utype)

    def getcolumn(self, name: str) -> Any:
        """Values of a column, shape (rows,); as ``result[name]``.

        Raises
        ------
        KeyError
            If there is no such column.
        """
        return self[name]

    def getrecord(self, index: int) -> Record:
        """Give a row; as ``result[index]``.

        Raises
        ------
        IndexError
            If there is no such row.
        """
        found: Record = self[index]
        return found

    def getvalue(self, name: str, index: int) -> Any:
        """Value of a column in a row."""
        return self.getrecord(index)[name]

    @property
    def votable(self) -> VOTableFile:
        """The result as an `astropy.io.votable.tree.VOTableFile`, all of it in memory."""
        return _parsed(self)

    @property
    def resultstable(self) -> TableElement:
        """The rows as an `astropy.io.votable.tree.TableElement`, all of them in memory."""
        return _first_table(self)

    @property
    def queryurl(self) -> str | None:
        """The request as a query string; None for what no request has given."""
        return self.infos.get("request")

    def cursor(self) -> Any:
        """Give a cursor of Python's database interface (PEP 249); needs pyvo.

        Raises
        ------
        MissingPackageError
            If pyvo is not installed.
        """
        with needs_extra("pyvo"):
            from pyvo.dal.dbapi2 import Cursor

        return Cursor(self)


def _parsed(result: Renderable) -> VOTableFile:
    from astropy.io.votable import parse

    from ssap_query.render.formats import chunks

    return parse(BytesIO(b"".join(chunks(result, "binary2"))), verify="ignore")


def _first_table(result: Renderable) -> TableElement:
    return _parsed(result).get_first_table()
