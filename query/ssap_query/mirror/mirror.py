"""A mirror opened for asking: requests in, results out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ssap_mirror.core.catalog import Catalog
from ssap_mirror.core.schema import Schema
from ssap_mirror.errors import ParameterError

from ssap_query.engine.engine import Engine
from ssap_query.engine.plan import EngineLimits
from ssap_query.engine.snapshot_cache import DEFAULT_CACHE_BYTES
from ssap_query.mirror.answer import ColumnNames, Request, plan_request, read_request
from ssap_query.mirror.interfaces.adql import AdqlMirror
from ssap_query.mirror.interfaces.cones import ConeList, around, cones_in, search_cones
from ssap_query.mirror.interfaces.contents import DescribedMirror
from ssap_query.mirror.interfaces.matching import MatchingMirror
from ssap_query.mirror.live_engine import LiveEngine
from ssap_query.mirror.result import ResultSet
from ssap_query.ssap.python_values import one_request, request_pairs
from ssap_query.ssap.request import parse

if TYPE_CHECKING:
    from ssap_query.mirror.explain import Explanation

__all__ = ["Mirror", "open_mirror"]

_TARGET = "target"
# A server that reads from another asks it so often what is live [s].
_FRESH_S = 60.0


class Mirror(DescribedMirror, AdqlMirror, MatchingMirror):
    """A mirror of a spectra service, opened at its live snapshot.

    It goes on reading that snapshot, whatever is synced meanwhile, until `refresh`; as long as it does, and as long as
    a result reads from it, the snapshot is not pruned. It may be used from many threads.

    Parameters
    ----------
    name : str or pathlib.Path
        A mirror's name below the home folder, or the path of a mirror or of one of its snapshots. Or the address of
        either (``https://...``, ``s3://...``): it is read where it lies, and what was read is kept in the user's cache.
    home : pathlib.Path, optional
        Folder of the mirrors.
    cache_bytes : int
        Most that is kept between requests [byte], of everything; 0 for a program that asks once.
    limits : EngineLimits, optional
        What a single request may take.
    storage_options : mapping of str to object, optional
        For an address that is not HTTP: what fsspec's file system of its scheme takes (``{"anon": True}``).

    Raises
    ------
    CatalogError
        If there is no such mirror, it is damaged, or its host cannot be read.
    """

    def __init__(
        self,
        name: str | Path,
        home: str | Path | None = None,
        *,
        cache_bytes: int = DEFAULT_CACHE_BYTES,
        limits: EngineLimits | None = None,
        storage_options: Mapping[str, Any] | None = None,
    ) -> None:
        self._live = LiveEngine(name, None if home is None else Path(home), cache_bytes, limits, storage_options)

    @property
    def catalog(self) -> Catalog:
        """The snapshot."""
        return self.engine.catalog

    @property
    def schema(self) -> Schema:
        """Columns of the snapshot, in the service's order."""
        return self.catalog.schema

    @property
    def engine(self) -> Engine:
        """What runs the requests."""
        return self._live.engine

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
        return self._live.refresh()

    def live_engine(self) -> Engine:
        """Engine of the live snapshot, which may be another one than a moment ago; errors are those of `refresh`."""
        self._live.refresh(_FRESH_S)
        return self.engine

    def ssap(
        self, request: Request, dialect: str | None = None, columns: ColumnNames = None, *,
        ignore_unanswerable: bool = False, cones: ConeList | None = None,
    ) -> ResultSet:  # fmt: skip
        """Answer a request as it comes over the wire.

        Parameters
        ----------
        request : str, bytes, iterable of (str, object), or SsapRequest
            Query string, decoded (name, value) pairs in order, or what `ssap_query.ssap.request.parse` made of either.
            REQUEST has to be among them.
        dialect : {'ivoa', 'dachs'}, optional
            Whose reading of the parameters: the standard's, or the reference server's. By default ``ivoa``, or that
            of a parsed request.
        columns : sequence of str, optional
            Names of the columns instead of those that VERB says; ``"all"`` is every column.
        ignore_unanswerable : bool
            As in `search`.
        cones : ConeList, optional
            Positions in place of POS, as `ssap_query.read_cones` reads them: the result says of each row which of them
            it belongs to, and has a row for each of them that it lies around.

        Returns
        -------
        ResultSet
            Rows in the order of the sky; best first where TOP ranks them.

        Raises
        ------
        ParameterError
            For a bad value, or a constraint that cannot be tested: its parameter, the value, the reason.
        CatalogError
            If the snapshot cannot be read.
        """

        def asked(engine: Engine) -> ResultSet:
            schema, ignored = engine.catalog.schema, ignore_unanswerable
            whole = request if cones is None else around(request, dialect, cones)
            parsed = read_request(schema, whole, dialect, columns, ignore_unanswerable=ignored)
            return plan_request(engine, parsed).result() if cones is None else search_cones(engine, parsed, cones)

        return self._live.ask(asked)

    def search(
        self, pos: Any = None, size: Any = None, band: Any = None, time: Any = None, snr: Any = None,
        redshift: Any = None, *, diameter: Any = None, aperture: Any = None, spatres: Any = None, specrp: Any = None,
        targetname: Any = None, targetclass: Any = None, wildtarget: str | None = None,
        wildtargetcase: str | None = None, fluxcalib: Any = None, wavecalib: Any = None, collection: Any = None,
        pubdid: Any = None, creatordid: Any = None, mtime: Any = None, varampl: Any = None, timeres: Any = None,
        format: Any = None, top: int | None = None, maxrec: int | None = None, verb: int | None = None,
        radius: Any = None, verbosity: int | None = None, columns: ColumnNames = None, dialect: str = "ivoa",
        ignore_unanswerable: bool = False, target: str | None = None, sort: str | Sequence[str] = (),
        per: str | None = None, best: str | None = None, limit: int | None = None, **parameters: object,
    ) -> ResultSet:  # fmt: skip
        """Find spectra. Each parameter is that of SSA 1.1 with the same name; all of them have to hold.

        What `pyvo.dal.SSAService.search` takes is taken here. Text is read as the standard writes it
        (``snr="20/"``, ``time="2018-05/2018-06"``). Of a list of positions, each row says by the column ``cone`` which
        one it lies around, and comes twice if it lies around two; as text (``pos="0,20,180,-9.5"``) they are one
        region, whose rows come once, as with any service. With `radius` it is what `pyvo.dal.SCSService.search` takes:
        a cone search, which goes by the position of the target.

        Parameters
        ----------
        pos : SkyCoord, pair of float [deg], array of shape (N, 2), sequence of pairs, path, table, or str, optional
            Centre of the region, or many of them (one pass over the table). Of a table, or the path of one, the
            positions are found by UCD or usual name, and ``cone_name`` has the names of its rows if it has any.
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
            At most so many rows; if more match, the status is ``OVERFLOW``. No limit without it.
        verb : {1, 2, 3}, optional
            How many columns: the most important, the useful (default), all.
        radius : float [deg], Quantity or str, optional
            Radius of a cone search (SCS 1.03) around `pos`, in place of `size`; it takes `maxrec` and `verb` beside it.
        verbosity : {1, 2, 3}, optional
            Another name of `verb`, that of cone searches.
        columns : sequence of str, optional
            Names of the columns instead; ``"all"`` is every column.
        dialect : {'ivoa', 'dachs'}
            Whose reading of the parameters.
        ignore_unanswerable : bool
            Go on without the constraints about which no column of the mirror tells, with a note, instead of refusing
            them. In dialect ``dachs`` they are never refused.
        target : str, optional
            Name of a target of the mirror, around whose position is looked, in place of `pos`.
        sort : str or sequence of str
            Columns to sort by; with a minus in front from the largest down (``sort="-ssa_snr,mobsid"``).
        per : str, optional
            One row for each ``target``, each ``position`` or each value of a column.
        best : str, optional
            With `per`: the row with the largest value of this column; without it, the first.
        limit : int, optional
            Only the first rows, so many; more are no overflow.
        **parameters : object
            The same parameters in any other case (``SNR=20``).

        Returns
        -------
        ResultSet

        Raises
        ------
        ParameterError
            For a bad value, or a constraint that cannot be tested: its parameter, the value, the reason.
        CatalogError
            If the snapshot cannot be read.

        Examples
        --------
        >>> found = mirror.search(pos=(292.06, 43.93), size=0.2, snr=(20, None))  # doctest: +SKIP
        """
        from ssap_query.mirror.arrange import Arrangement, ask

        given = {
            "pos": pos, "size": size, "band": band, "time": time, "snr": snr, "redshift": redshift,
            "diameter": diameter, "aperture": aperture, "spatres": spatres, "specrp": specrp, "targetname": targetname,
            "targetclass": targetclass, "wildtarget": wildtarget, "wildtargetcase": wildtargetcase,
            "fluxcalib": fluxcalib, "wavecalib": wavecalib, "collection": collection, "pubdid": pubdid,
            "creatordid": creatordid, "mtime": mtime, "varampl": varampl, "timeres": timeres, "format": format,
            "top": top, "maxrec": maxrec, "verb": verb, "verbosity": verbosity, **parameters,
        }  # fmt: skip
        keys = sort.split(",") if isinstance(sort, str) else sort
        how = Arrangement(tuple(key.strip() for key in keys), per, best, limit)
        if radius is not None:
            words = {"target": target, "sort": how.sort or None, "per": per, "best": best, "limit": limit}
            return self._cone_search(given, radius, words)
        if target is not None:
            if pos is not None:
                raise ParameterError(_TARGET, target, f"is given beside pos ({pos!r}); only one of them can hold")
            given["pos"] = self.position_of(target)
        if (cones := cones_in(pos)) is not None:
            given["pos"] = None
        request = parse(request_pairs(given), dialect)
        return ask(self, request, how, columns, cones, ignore_unanswerable=ignore_unanswerable)

    def _cone_search(self, given: Mapping[str, object], radius: object, words: Mapping[str, object]) -> ResultSet:
        from ssap_query.mirror.cone_search import cone_of, cone_search

        for name, value in words.items():
            if value is not None:
                raise ParameterError(name, value, "is no word of a cone search (radius); it goes with size")
        request = cone_of(given, radius)
        return self._live.ask(lambda engine: plan_request(engine, cone_search(engine.catalog.schema, request)).result())

    def explain(
        self, request: Request | None = None, dialect: str | None = None, columns: ColumnNames = None, *,
        ignore_unanswerable: bool = False, **parameters: object,
    ) -> Explanation:  # fmt: skip
        """Say how a request, or a search by parameters, is read and what it will touch, without answering it.

        Parameters and errors are those of `ssap`, or, without a request, of `search` (``pos=..., size=...``);
        ``str()`` of the result is for people.
        """
        from ssap_query.mirror.explain import explain

        asked = one_request(request, parameters)
        engine = self.engine
        schema = engine.catalog.schema
        parsed = read_request(schema, asked, dialect, columns, ignore_unanswerable=ignore_unanswerable)
        return explain(engine, parsed.query, parsed.columns)


def open_mirror(
    name: str | Path,
    home: str | Path | None = None,
    *,
    cache_bytes: int = DEFAULT_CACHE_BYTES,
    limits: EngineLimits | None = None,
    storage_options: Mapping[str, Any] | None = None,
) -> Mirror:
    """Open a mirror at its live snapshot; parameters as for `Mirror`."""
    return Mirror(name, home, cache_bytes=cache_bytes, limits=limits, storage_options=storage_options)
