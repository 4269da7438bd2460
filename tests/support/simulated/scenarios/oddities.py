"""One odd thing of real servers each: how they write a document, a cell or a column, and what they do to a request."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import Any

import numpy as np
from ssap_mirror.core.schema import Column

from tests.support.simulated.forms.bands import BANDS
from tests.support.simulated.forms.parts import BASE, LIMITS, Form, Part, Shown, each, numbers, texts
from tests.support.simulated.forms.times import TIMES, with_origin
from tests.support.simulated.forms.whole import respelled
from tests.support.simulated.questions import PARAMETERS
from tests.support.simulated.scenarios.scenario import Scenario, first
from tests.support.simulated.services.documents import Layout, error_document
from tests.support.simulated.services.http import Reply, Request
from tests.support.simulated.services.ssap import SsapService
from tests.support.simulated.services.traits import Traits
from tests.support.simulated.spectra import DAY_S, Spectra
from tests.support.simulated.world import Must, Outcome, World

__all__ = ["SCENARIOS"]

_ALL = tuple(PARAMETERS)
_TEXT = Traits(serializations=("TABLEDATA",))
_LIGHT_M_S = 299_792_458.0
#: TT less UTC in the years of the spectra [d].
_TT_AHEAD_DAYS = 69.184 / DAY_S
_DESCRIPTOR = (
    b'<RESOURCE type="meta" utype="adhoc:service"><GROUP name="inputParams"><PARAM name="ID" datatype="char" '
    b'arraysize="*" value="" ref="pubdid"/></GROUP><PARAM name="accessURL" datatype="char" arraysize="*" '
    b'value="http://example.org/dl"/></RESOURCE>'
)


def _kind(name: str, traits: Traits = _TEXT, form: Form = BASE, must: Must = "whole", **options: Any) -> Scenario:
    given = {"run": first, "asked": _ALL, "rows": 600, "most_requests": 100, **options}
    return Scenario(name, must=must, traits=traits, form=form, **given)


def _answered(name: str, wraps: Callable[[Request, Reply], Reply], **options: Any) -> Scenario:
    """Have each answer changed on its way."""

    def run(world: World) -> Outcome:
        assert isinstance(world.service, SsapService)
        world.service.wraps = wraps
        return first(world)

    return _kind(name, run=run, **options)


def _written(name: str, change: Callable[[bytes], bytes], **options: Any) -> Scenario:
    """Have each document written otherwise."""
    return _answered(name, lambda request, reply: replace(reply, body=change(reply.body)), **options)


def _sub(pattern: bytes, by: bytes) -> Callable[[bytes], bytes]:
    return lambda document: re.sub(pattern, by, document, flags=re.DOTALL)


def _with(**parts: Part) -> Form:
    return replace(BASE, **parts)


def _also(*shown: Shown) -> Form:
    """Have further columns that no parameter is about."""
    return _with(others=Part((*BASE.others.shown, *shown)))


def _accented(spectra: Spectra) -> Spectra:
    names = [f"Étoile {name} à côté".replace("Star ", "") for name in spectra.target]
    return replace(spectra, target=np.array(names, object))


def _in_latin_1(document: bytes) -> bytes:
    text = document.decode().replace('<?xml version="1.0"?>', '<?xml version="1.0" encoding="ISO-8859-1"?>')
    return text.encode("latin-1")


def _in_utf_16(document: bytes) -> bytes:
    return (
        document.decode().replace('<?xml version="1.0"?>', '<?xml version="1.0" encoding="UTF-16"?>').encode("utf-16")
    )


def _content_type(kind: str) -> Callable[[Request, Reply], Reply]:
    return lambda request, reply: replace(reply, content_type=kind)


def _gzipped_silently(request: Request, reply: Reply) -> Reply:
    return replace(reply, body=gzip.compress(reply.body), content_type="application/gzip")


def _descriptors_around(document: bytes) -> bytes:
    document = document.replace(b'<RESOURCE type="results">', _DESCRIPTOR + b'<RESOURCE type="results">', 1)
    return document.replace(b"</VOTABLE>", _DESCRIPTOR + b"</VOTABLE>")


def _grouped_by_ref(document: bytes) -> bytes:
    """Give each FIELD an ID, and have GROUPs refer to them; the utypes stay with the FIELDs (SSA 1.1 §4.2)."""
    numbered = count(1)
    document = re.sub(rb"<FIELD ", lambda found: b'<FIELD ID="f%d" ' % next(numbered), document)
    fields = b"".join(b'<FIELDref ref="f%d"/>' % at for at in range(1, next(numbered)))
    return document.replace(b"<TABLE>", b'<TABLE><GROUP name="all" utype="ssa:Dataset">' + fields + b"</GROUP>", 1)


def _commented(document: bytes) -> bytes:
    document = document.replace(b"<VOTABLE", b'<?xml-stylesheet type="text/xsl" href="a.xsl"?><!-- <TR> --><VOTABLE', 1)
    return document.replace(b"</TR><TR>", b"</TR>\n<!-- <TD>x</TD> -->\r\n<TR>").replace(b"</TD><TD>", b"</TD> <TD>")


def _each_row_twice(world: World) -> Outcome:
    assert isinstance(world.service, SsapService)
    world.service.chooses = lambda params, rows: np.concatenate([rows, rows[: len(rows) // 2]])
    return first(world)


def _one_row_moves(world: World) -> Outcome:
    """Have one row elsewhere in each answer."""
    service, numbered = world.service, count(1)
    assert isinstance(service, SsapService)

    def before(service: SsapService, params: dict[str, str]) -> None:
        row = np.flatnonzero(np.isfinite(service.spectra.dec))[40]
        service.spectra = service.spectra.changed("dec", row, -40.0 + 0.5 * next(numbered))

    service.before = before
    return first(world)


def _columns_by_turns(world: World) -> Outcome:
    """Have the columns in another order in each answer."""
    service, numbered = world.service, count(1)
    assert isinstance(service, SsapService)

    def before(service: SsapService, params: dict[str, str]) -> None:
        shown = BASE.others.shown
        at = next(numbered) % len(shown)
        service.form = _with(others=Part((*shown[at:], *shown[:at])))

    service.before = before
    return first(world)


def _without_positions_across_zero(world: World) -> Outcome:
    """Have cones that end at right ascension 0, and have nothing about the poles."""
    service = world.service
    assert isinstance(service, SsapService)

    def choose(params: dict[str, str], rows: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        if "POS" not in params:
            return rows
        ra, dec = (float(part) for part in params["POS"].split(","))
        half = float(params.get("SIZE", 0)) / 2
        assert isinstance(service, SsapService)
        there = np.abs(service.spectra.ra[rows] - ra) * np.cos(np.radians(dec)) <= half
        return rows[there] if half < 90 else rows

    service.chooses = choose
    return first(world)


def _refused_by_turns(world: World) -> Outcome:
    """Answer every fifth request with an error in a VOTable under HTTP 500."""
    numbered = count(1)
    assert isinstance(world.service, SsapService)
    failed = Reply(error_document("the database has gone away"), 500)
    world.service.wraps = lambda request, reply: failed if next(numbered) % 5 == 0 else reply
    return first(world)


def _with_offset() -> Part:
    """Show dates to the tenth of a microsecond, with the offset of UTC."""

    def cells(item: Shown) -> Callable[[Spectra], list[Any]]:
        return lambda s: [text and text.replace(".000Z", ".0000000+00:00") for text in item.cells(s)]

    shown = TIMES["start and stop as ISO texts with Z"].shown
    return Part(tuple(replace(item, cells=cells(item)) for item in shown))


def _band_reversed() -> Part:
    """Frequencies whose start is the highest, so that start and stop are those of the wavelengths."""
    return Part(
        tuple(
            replace(item, column=replace(item.column, unit="Hz"), cells=_frequency(field))
            for item, field in zip(LIMITS.shown, ("wave_min", "wave_max"), strict=True)
        )
    )


def _frequency(field: str) -> Callable[[Spectra], list[Any]]:
    return lambda spectra: [float(_LIGHT_M_S / metres) for metres in getattr(spectra, field)]


def _named(prefix: str, unit: str) -> tuple[Shown, ...]:
    """Show the band's frequencies in columns that say nothing but their unit."""
    return tuple(
        replace(item, column=Column(f"{prefix}_{field}", "double", unit=unit), cells=_frequency(field))
        for item, field in zip(LIMITS.shown, ("wave_min", "wave_max"), strict=True)
    )


def _later(days: Any) -> list[float | None]:
    return [None if np.isnan(day) else float(day) for day in days]


_S_REGION = texts(
    "s_region",
    each(lambda ra, dec: f"Circle ICRS {ra!r} {dec!r} 0.0005", "ra", "dec"),
    ucd="pos.outline;obs.field",
    utype="obscore:Char.SpatialAxis.Coverage.Support.Area",
)
_POINT = Shown(
    Column("place", "double", "2", "deg", "pos.eq", xtype="point"), each(lambda ra, dec: [ra, dec], "ra", "dec")
)
_ODD_TYPES = (
    Shown(Column("is_good", "boolean"), lambda s: [bool(n % 2) for n in s.number]),
    Shown(Column("uni", "unicodeChar", "*"), lambda s: [f"δ {n}" for n in s.number]),
    Shown(Column("byte", "unsignedByte"), lambda s: [int(n % 200) for n in s.number]),
    Shown(Column("mags", "float", "3"), lambda s: [[1.5, 2.5, float(n)] for n in s.number]),
)
_ODD_NAMES = (
    numbers("Obs. RV (km/s)", lambda s: s.velocity, unit="km/s"),
    numbers("select", lambda s: s.velocity),
)
_SIZE_IN_ARCMIN = (b'name="INPUT:SIZE" datatype="char"', b'name="INPUT:SIZE" unit="arcmin" datatype="char"')
SCENARIOS: list[Scenario] = [
    _kind("every answer is cut at 437 without a word", replace(_TEXT, silent_rows=437), rows=1500, most_requests=150),
    _kind("the position is a POINT without a utype", form=_with(position=Part((_POINT,)))),
    _kind("the position is an s_region alone", form=_with(position=Part((_S_REGION,), "unclear"))),
    _kind("dates with a fraction and an offset", form=_with(time=_with_offset())),
    _written(
        "dates in TT, told by a TIMESYS",
        lambda document: document.replace(b'timescale="UTC"', b'timescale="TT"'),
        traits=replace(_TEXT, layout=Layout(time_origin="MJD-origin")),
        form=_with(
            time=Part(
                (
                    replace(with_origin(2400000.5).shown[0], cells=lambda s: _later(s.t_mid + _TT_AHEAD_DAYS)),
                    with_origin(2400000.5).shown[1],
                )
            )
        ),
    ),
    _kind("frequencies that start with the highest", form=_with(band=_band_reversed())),
    _kind("wavelengths in nm beside frequencies", form=_with(band=Part((*BANDS["nm"].shown, *_named("f", "Hz"))))),
    _written("GROUPs that refer to the FIELDs", _grouped_by_ref),
    _written("DataLink descriptors around the results", _descriptors_around),
    _written("comments, a style sheet and blanks", _commented),
    _kind("the utypes' prefix in capitals", form=respelled(BASE, lambda utype: utype.replace("ssa:", "SSA:"))),
    _written("Latin-1, declared", _in_latin_1, truth=_accented),
    _written("UTF-16", _in_utf_16, truth=_accented),
    _answered("VOTables as text/plain", _content_type("text/plain; charset=utf-8")),
    _answered("VOTables as text/html", _content_type("text/html")),
    _answered("gzip that nobody speaks of", _gzipped_silently, must="honest", says="VOTable", asked=()),
    _kind("booleans, Unicode, bytes and arrays", Traits(serializations=("TABLEDATA",)), _also(*_ODD_TYPES)),
    _kind("names with blanks, and SQL words", form=_also(*_ODD_NAMES)),
    _kind(
        "names that differ in their case alone",
        form=_also(numbers("VELOCITY", lambda s: s.velocity + 1)),
        must="refused",
        says="cannot have the column 'VELOCITY'",
        asked=(),
    ),
    _written("a wrong nrows", _sub(rb"<TABLE>", b'<TABLE nrows="3">')),
    _kind("half of the rows come twice in each answer", run=_each_row_twice),
    _kind("one row moves", run=_one_row_moves, must="honest", says="not|moved|changed", asked=(), most_requests=300),
    _kind("columns in another order each time", run=_columns_by_turns, must="honest", asked=()),
    _kind("cones that end at right ascension 0", run=_without_positions_across_zero, most_requests=150),
    _kind("every fifth answer is an error under HTTP 500", run=_refused_by_turns, most_requests=130),
    _written(
        "SIZE is declared in arcmin, 900 at most",
        lambda document: document.replace(*_SIZE_IN_ARCMIN).replace(b'MAX value="15"', b'MAX value="900"'),
        traits=replace(_TEXT, needs=("POS",), max_size=15, max_size_declared=True),
        placed=True,
        most_requests=1000,
    ),
    _kind("SIZE is read in arcmin", replace(_TEXT, size_unit_deg=1 / 60)),
    _kind(
        "SIZE is read in arcmin, and nothing but cones",
        replace(_TEXT, size_unit_deg=1 / 60, obeys=("POS",), most_rows=200),
        must="honest",
        says="not",
        asked=(),
    ),
]
