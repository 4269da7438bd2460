"""A mirror opened for asking: requests in, answers out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from threading import Lock
from types import MappingProxyType
from typing import Any
from urllib.parse import urlencode

from ssap_mirror.catalog import Catalog, find_snapshot, open_catalog
from ssap_mirror.errors import ParameterError
from ssap_mirror.schema import Schema

from ssap_query.engine import Engine
from ssap_query.metadata import describe_inputs
from ssap_query.params.interpret import Query, interpret
from ssap_query.request import SsapRequest, parse
from ssap_query.result import InputParameter, ResultSet
from ssap_query.rowgroups import DEFAULT_CACHE_BYTES
from ssap_query.rows import Stored
from ssap_query.score import SCORE_RULE
from ssap_query.search import request_pairs

__all__ = ["Mirror", "open_mirror"]

_COLUMNS = "columns"
# Asks for every column, those included that no VERB shows.
_ALL_COLUMNS = "all"


class Mirror:
    """A mirror of a spectra service, opened at its live snapshot.

    It goes on reading that snapshot, whatever is synced meanwhile, until `refresh`. It may be used from many threads.

    Parameters
    ----------
    name : str or pathlib.Path
        A mirror's name below the home folder, or the path of a mirror or of one of its snapshots.
    home : pathlib.Path, optional
        Folder of the mirrors.
    cache_bytes : int
        Most that is kept of decoded columns between requests [byte]; 0 for a program that asks once.

    Raises
    ------
    CatalogError
        If there is no such mirror, or its manifest cannot be read.
    """

    def __init__(
        self, name: str | Path, home: str | Path | None = None, *, cache_bytes: int = DEFAULT_CACHE_BYTES
    ) -> None:
        self._name = name
        self._home = None if home is None else Path(home)
        self._engine = Engine(open_catalog(name, self._home), cache_bytes)
        self._inputs: tuple[Engine, tuple[InputParameter, ...]] | None = None
        self._lock = Lock()

    @property
    def catalog(self) -> Catalog:
        """The snapshot."""
        return self._engine.catalog

    @property
    def schema(self) -> Schema:
        """Columns of the snapshot, in the service's order."""
        return self.catalog.schema

    @property
    def engine(self) -> Engine:
        """What runs the requests."""
        return self._engine

    def refresh(self) -> bool:
        """Open the live snapshot if it is another one by now, and drop all that was kept of the old one.

        Returns
        -------
        bool
            Whether there was another one.

        Raises
        ------
        CatalogError
            If the mirror is gone or damaged; the old snapshot stays open.
        """
        with self._lock:
            if find_snapshot(self._name, self._home) == self.catalog.path:
                return False
            self._engine = Engine(open_catalog(self._name, self._home), self._engine.row_groups.max_bytes)
            return True

    def ssap(
        self,
        request: str | bytes | Iterable[tuple[str, object]],
        dialect: str = "ivoa",
        columns: str | Sequence[str] | None = None,
    ) -> ResultSet:
        """Answer a request as it comes over the wire.

        Parameters
        ----------
        request : str, bytes or iterable of (str, object)
            Query string, or decoded (name, value) pairs in order. REQUEST has to be among them.
        dialect : {'ivoa', 'dachs'}
            Whose reading of the parameters: the standard's, or the reference server's.
        columns : sequence of str, optional
            Names of the columns instead of those that VERB says; ``"all"`` is every column.

        Returns
        -------
        ResultSet
            Rows in the order of the sky; best first where TOP ranks them.

        Raises
        ------
        ParameterError
            For a bad value: its parameter, the value, the reason.
        CatalogError
            If the snapshot cannot be read.
        """
        asked = parse(request, dialect)
        engine = self._engine
        query = interpret(asked, engine.catalog.schema)
        return self._answer(engine, asked, query, columns)

    def search(
        self,
        pos: Any = None,
        size: Any = None,
        band: Any = None,
        time: Any = None,
        snr: Any = None,
        redshift: Any = None,
        *,
        diameter: Any = None,
        aperture: Any = None,
        spatres: Any = None,
        specrp: Any = None,
        targetname: Any = None,
        targetclass: Any = None,
        wildtarget: str | None = None,
        wildtargetcase: str | None = None,
        fluxcalib: Any = None,
        wavecalib: Any = None,
        collection: Any = None,
        pubdid: Any = None,
        creatordid: Any = None,
        mtime: Any = None,
        varampl: Any = None,
        timeres: Any = None,
        format: Any = None,
        top: int | None = None,
        maxrec: int | None = None,
        verb: int | None = None,
        columns: str | Sequence[str] | None = None,
        dialect: str = "ivoa",
        **parameters: object,
    ) -> ResultSet:
        """Find spectra. Each parameter is that of SSA 1.1 with the same name; all of them have to hold.

        What `pyvo.dal.SSAService.search` takes is taken here. Text is read as the standard writes it
        (``snr="20/"``, ``time="2018-05/2018-06"``).

        Parameters
        ----------
        pos : SkyCoord, pair of float [deg], array of shape (N, 2), sequence of pairs, or str, optional
            Centre of the region, or many of them (one pass over the table).
        size, diameter : float [deg], Quantity or str, optional
            Diameter of the region; without it, one arcminute.
        band : float [m], Quantity (wavelength, frequency, energy), pair of them, or str, optional
            Wavelength that the spectrum covers; a pair is a range that it overlaps.
        time, mtime : Time, datetime, date, float [MJD], pair of them, or str, optional
            When the spectrum was taken, and when its record was published.
        snr : float or pair of float, optional
            Signal to noise; a single value is a lower limit. In any pair, None is an open end.
        redshift, aperture, spatres, specrp, varampl, timeres : number, Quantity, pair of them, or str, optional
            Further numbers; aperture and spatres in degrees, timeres in seconds.
        targetname, targetclass, fluxcalib, wavecalib, collection, format : str or sequence of str, optional
            Words; a sequence is a union.
        pubdid, creatordid : str or sequence of str, optional
            Dataset identifiers, up to hundreds of thousands.
        wildtarget, wildtargetcase : str, optional
            Shell pattern of the target's name.
        top : int, optional
            Only so many rows; with `pos`, the best-scored ones, best first.
        maxrec : int, optional
            At most so many rows; what is left out is told by the status ``OVERFLOW``. No limit without it.
        verb : {1, 2, 3}, optional
            How many columns: the most important, the useful (default), all.
        columns : sequence of str, optional
            Names of the columns instead; ``"all"`` is every column.
        dialect : {'ivoa', 'dachs'}
            Whose reading of the parameters.
        **parameters : object
            The same parameters in any other case (``SNR=20``).

        Returns
        -------
        ResultSet

        Raises
        ------
        ParameterError
            For a bad value: its parameter, the value, the reason.
        CatalogError
            If the snapshot cannot be read.

        Examples
        --------
        >>> found = mirror.search(pos=(292.06, 43.93), size=0.2, snr=(20, None))  # doctest: +SKIP
        """
        given = {
            "pos": pos,
            "size": size,
            "diameter": diameter,
            "band": band,
            "time": time,
            "snr": snr,
            "redshift": redshift,
            "aperture": aperture,
            "spatres": spatres,
            "specrp": specrp,
            "targetname": targetname,
            "targetclass": targetclass,
            "wildtarget": wildtarget,
            "wildtargetcase": wildtargetcase,
            "fluxcalib": fluxcalib,
            "wavecalib": wavecalib,
            "collection": collection,
            "pubdid": pubdid,
            "creatordid": creatordid,
            "mtime": mtime,
            "varampl": varampl,
            "timeres": timeres,
            "format": format,
            "top": top,
            "maxrec": maxrec,
            "verb": verb,
            **parameters,
        }
        return self.ssap(request_pairs(given), dialect, columns)

    def _answer(
        self, engine: Engine, asked: SsapRequest, query: Query, columns: str | Sequence[str] | None
    ) -> ResultSet:
        import pyarrow as pa

        schema = engine.catalog.schema
        service_xml = engine.catalog.service_xml
        infos = _infos(engine.catalog, asked, query)
        if query.metadata_only:
            shown = _chosen(schema, 3, columns)
            nothing = Stored(shown.arrow_schema().empty_table())
            return ResultSet(
                shown, nothing, notes=query.notes, infos=infos, inputs=self._described(engine), service_xml=service_xml
            )
        if query.operation == "getTargetNames":
            shown = schema.select([schema.roles["target_name"]])
            names = pa.array(engine.distinct("target_name"), shown.columns[0].arrow_type())
            rows = Stored(pa.table([names], schema=shown.arrow_schema()))
            return ResultSet(shown, rows, notes=query.notes, infos=infos, service_xml=service_xml)
        shown = _chosen(schema, query.verb, columns)
        found, truncated = engine.run(query, shown)
        return ResultSet(shown, found, truncated, query.notes, infos, service_xml=service_xml)

    def _described(self, engine: Engine) -> tuple[InputParameter, ...]:
        with self._lock:
            if self._inputs is None or self._inputs[0] is not engine:
                self._inputs = engine, describe_inputs(engine)
            return self._inputs[1]


def open_mirror(name: str | Path, home: str | Path | None = None, *, cache_bytes: int = DEFAULT_CACHE_BYTES) -> Mirror:
    """Open a mirror at its live snapshot; parameters as for `Mirror`."""
    return Mirror(name, home, cache_bytes=cache_bytes)


def _chosen(schema: Schema, verb: int, columns: str | Sequence[str] | None) -> Schema:
    """Columns of an answer: by name, or those whose level is at most ten times VERB."""
    if columns is None:
        return schema.up_to(10 * verb)
    if columns == _ALL_COLUMNS:
        return schema
    names = [columns] if isinstance(columns, str) else list(columns)
    spelled = {name.lower(): name for name in schema.names}
    found: list[str] = []
    for name in names:
        known = name if name in schema else spelled.get(str(name).lower())
        if known is None:
            raise ParameterError(_COLUMNS, name, "is not a column of the mirror")
        if known in found:
            raise ParameterError(_COLUMNS, name, "is there twice")
        found.append(known)
    if not found:
        raise ParameterError(_COLUMNS, columns, "holds no name of a column")
    return schema.select(found)


def _infos(catalog: Catalog, asked: SsapRequest, query: Query) -> MappingProxyType[str, str]:
    infos = {"mirror": f"{catalog.name}, snapshot {catalog.path.name}"}
    if catalog.synthetic:
        infos["synthetic"] = "true: the rows are made up"
    infos["request"] = urlencode([(name, str(value)) for name, value in asked.pairs])[:2000]
    infos["dialect"] = asked.dialect
    if query.words:
        infos["selection"] = "; ".join(query.words)
    if query.cones and query.dialect == "ivoa":
        infos["score"] = SCORE_RULE
    return MappingProxyType(infos)
