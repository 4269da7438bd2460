"""One row of a result, as pyvo gives it: a mapping, and what a record of a spectra service says under any name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ssap_mirror.core.schema import Schema
from ssap_mirror.errors import SourceError, needs_extra

from ssap_query.render.faces.columns import column_with_ucd, column_with_utype
from ssap_query.render.faces.dataset import FileOfRecord
from ssap_query.render.renderable import Renderable, pieces

if TYPE_CHECKING:
    import pyarrow as pa
    from astropy.coordinates import SkyCoord
    from astropy.time import Time

__all__ = ["Record", "records_of"]

_DATALINK = "application/x-votable+xml;content=datalink"


class _Rows:
    """Rows of one batch as numpy arrays, each column made when it is first asked for."""

    def __init__(self, batch: pa.RecordBatch, result: Renderable) -> None:
        from ssap_query.render.columns.plain import plain_columns

        self._batch = batch
        self._columns = {column.column.name: column for column in reversed(plain_columns(result))}
        self._arrays: dict[str, tuple[Any, Any]] = {}
        self.names = tuple(dict.fromkeys(column.column.name for column in plain_columns(result)))

    def value(self, name: str, row: int) -> Any:
        """Give one value; KeyError where there is no such column."""
        if name not in self._arrays:
            from ssap_query.render.astropy_table import values_and_missing

            self._arrays[name] = values_and_missing(self._columns[name].values(self._batch))
        values, missing = self._arrays[name]
        return _known(values[row], missing[row])


def _known(value: Any, missing: Any) -> Any:
    """Give a value, or what stands for NULL: NaN among numbers with a fraction, empty text, else None."""
    import numpy as np

    if not np.any(missing):
        return str(value) if isinstance(value, np.str_) else value
    if np.ndim(value):
        return np.ma.MaskedArray(value, missing) if value.dtype.kind != "f" else np.where(missing, np.nan, value)
    kind = getattr(value, "dtype", np.dtype(object)).kind
    if kind == "f":
        return value.dtype.type("nan")
    return "" if kind == "U" else None


class Record(FileOfRecord, Mapping[str, Any]):
    """One row of a result; its columns by name, and what pyvo's `SSARecord` and `SCSRecord` have as attributes.

    The attributes go by what a column means, not by its name. None stands for what the result does not have.
    A NULL is NaN in a column of floating-point numbers, empty text in one of text, and None in any other.
    """

    def __init__(self, rows: _Rows, row: int, schema: Schema) -> None:
        self._rows = rows
        self._row = row
        self._schema = schema

    def __getitem__(self, name: str) -> Any:
        try:
            return self._rows.value(name, self._row)
        except KeyError:
            message = f"No such column: {name}"
            raise KeyError(message) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows.names)

    def __len__(self) -> int:
        return len(self._rows.names)

    def __repr__(self) -> str:
        return f"<Record {', '.join(f'{name}={value!s}' for name, value in self.items())}>"

    def _repr_html_(self) -> str:
        from ssap_query.render.faces.notebook import record_html

        return record_html((self._schema[name] for name in self), self.values())

    def get(self, key: str | None, default: Any = None, decode: bool = False) -> Any:  # noqa: FBT001
        """Value of a column, or a default where there is no such column; `decode` makes text of bytes, as in pyvo."""
        value = self[key] if key is not None and key in self._rows.names else default
        return value.decode("utf-8") if decode and isinstance(value, bytes) else value

    def getbyucd(self, ucd: str, default: Any = None, decode: bool = False) -> Any:  # noqa: FBT001
        """Value of the first column that shares a word with a UCD, as pyvo looks for it."""
        return self.get(column_with_ucd(self._schema, ucd), default, decode)

    def getbyutype(self, utype: str, default: Any = None, decode: bool = False) -> Any:  # noqa: FBT001
        """Value of the first column of a utype."""
        return self.get(column_with_utype(self._schema, utype), default, decode)

    def _by_role(self, role: str) -> Any:
        """Value of the column that plays a role; None without one, and where it is NULL."""
        value = self.get(self._schema.roles.get(role))
        return None if _is_missing(value) else value

    @property
    def ra(self) -> float | None:
        """Right ascension of the target, else of the observed position, ICRS [deg]."""
        return self._coordinate("ra", "location_ra", 0)

    @property
    def dec(self) -> float | None:
        """Declination of the target, else of the observed position, ICRS [deg]."""
        return self._coordinate("dec", "location_dec", 1)

    def _coordinate(self, role: str, other: str, place: int) -> float | None:
        for value in (self._by_role(role), self._by_role(other)):
            if value is not None:
                return float(value)
        pair = self._by_role("location")
        return None if pair is None or _is_missing(pair[place]) else float(pair[place])

    @property
    def pos(self) -> SkyCoord | None:
        """Position of the target."""
        from astropy.coordinates import SkyCoord

        if self.ra is None or self.dec is None:
            return None
        return SkyCoord(self.ra, self.dec, unit="deg", frame="icrs")

    @property
    def id(self) -> Any:
        """What identifies the row."""
        return self._by_role("identity")

    @property
    def dateobs(self) -> Time | None:
        """Middle of the exposure."""
        value = self._by_role("t_mid")
        if value is None:
            return None
        from astropy.time import Time

        return Time(float(value), format="mjd")

    @property
    def title(self) -> str | None:
        """Title of the spectrum."""
        return self._text("ssa:DataID.Title", "obscore:DataID.Title") or None

    @property
    def instr(self) -> str | None:
        """Instrument that took the spectrum."""
        return self._text("ssa:DataID.Instrument", "obscore:Provenance.ObsConfig.Instrument.name") or None

    @property
    def filesize(self) -> Any:
        """Size of the spectrum's file, in the unit of its column; a guess of the service."""
        return self.getbyutype("ssa:Access.Size", self.getbyutype("obscore:Access.Size"))

    @property
    def acref(self) -> str | None:
        """Address of the spectrum."""
        value = self._by_role("access_url")
        return None if value is None else str(value)

    @property
    def format(self) -> str | None:
        """Media type of the spectrum."""
        value = self._by_role("access_format")
        return None if value is None else str(value)

    def _text(self, *utypes: str) -> str:
        return next((str(value) for utype in utypes if (value := self.getbyutype(utype))), "")

    def getdataurl(self) -> str | None:
        """Address of the spectrum; as `acref`."""
        return self.acref

    def getdataformat(self) -> str | None:
        """Media type of the spectrum; as `format`."""
        return self.format

    def getdatalink(self) -> Any:
        """Fetch what the service links with the spectrum (`pyvo.dal.adhoc.DatalinkResults`); needs pyvo.

        Raises
        ------
        SourceError
            If the record's address is not that of a DataLink document.
        MissingPackageError
            If pyvo is not installed.
        """
        if (self.format or "").replace(" ", "").lower() != _DATALINK:
            message = f"no DataLink document belongs to the record: its format is {self.format!r}"
            raise SourceError(message)
        with needs_extra("pyvo"):
            from pyvo.dal.adhoc import DatalinkResults

        return DatalinkResults.from_result_url(self.address())

    def broadcast_samp(self, *, client_name: str | None = None) -> None:
        """Send the spectrum's address to the programs on the SAMP hub that show spectra (SPLAT, Cassis).

        Parameters
        ----------
        client_name : str, optional
            Only to the program of this name.

        Raises
        ------
        MirrorError
            If there is no hub, or no such program on it.
        """
        from ssap_query.render.faces.samp import send_spectrum

        send_spectrum(self.address(), self.title or "spectrum", self.format, client_name)


def _is_missing(value: Any) -> bool:
    # NaN is the one value that is not equal to itself; an array answers for each of its elements.
    return value is None or value is getattr(value, "masked", object()) or (isinstance(value, float) and value != value)


def records_of(result: Renderable) -> Iterator[Record]:
    """Yield each row of a result."""
    schema = result.schema
    for batch in pieces(result):
        rows = _Rows(batch, result)
        for row in range(batch.num_rows):
            yield Record(rows, row, schema)
