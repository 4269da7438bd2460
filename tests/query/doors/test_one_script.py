"""One script over pyvo's result interface, run on a server by pyvo and on the mirror itself: the values are equal."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import ssap_query as ssap

CENTRE, DIAMETER = (56.1, 21.6), 2.0


def script(found: Any, folder: str) -> dict[str, Any]:
    """What pyvo documents of a result, without a word about where it comes from.

    Left out is what pyvo takes from columns by names that this service does not have: `ra` and `dec` out of
    Target.Pos, `dateobs` out of DataID.Date; and the address of a query, which a mirror has none of.
    """
    first, last = found[0], found.getrecord(len(found) - 1)
    table = found.to_table()
    return {
        "rows": len(found),
        "fieldnames": list(found.fieldnames),
        "fields": [(f.name, f.unit and f.unit.to_string(), f.ucd, f.utype, f.datatype) for f in found.fielddescs],
        "by_ucd": found.fieldname_with_ucd("pos.eq.ra"),
        "by_utype": found.fieldname_with_utype("SSA:Derived.SNR"),
        "desc": found.getdesc("ssa_snr").description,
        "column": plain(found["ssa_snr"]),
        "same_column": plain(found.getcolumn("ssa_snr")),
        "text": list(map(str, found["mobsid"])),
        "value": plain(found["ra", 1]),
        "same_value": plain(found.getvalue("ra", 1)),
        "keys": list(first.keys()),
        # pyvo has some number for a NULL among integers; its tables say that it is masked, and so must ours.
        "first": {name: plain(value) for name, value in first.items()
                  if table[name].dtype.kind not in "iu" or not np.ma.is_masked(table[name][0])},
        "get": (plain(last.get("ra")), last.get("nothing", "default"), last.get("mobsid", decode=True)),
        "record_by_ucd": plain(first.getbyucd("stat.snr")),
        "record_by_utype": first.getbyutype("ssa:Target.Name", decode=True),
        "described": [
            (r.title, r.acref, r.format, r.instr, plain(r.filesize), r.getdataurl(), r.getdataformat()) for r in found
        ],
        "loop": [plain(record["ssa_snr"]) for record in found],
        "table": {name: [plain(value) for value in table[name]] for name in ("ra", "mobsid", "obsid")},
        "units": {name: str(table[name].unit) for name in ("ra", "ssa_dateObs", "rv_b0")},
        "quantity": plain(found.to_qtable()["ra"].to_value("arcsec")),
        "parsed": [str(value) for value in found.resultstable.array["mobsid"]],
        "tables": len(list(found.votable.iter_tables())),
        "status": (found.status[0], len(list(found.status))),
        "record": (len(first), list(first), "ra" in first, "nothing" in first, plain(dict(first)["ra"])),
        "records": [plain(record["ra"]) for record in (found[0], found.getrecord(-1))],
        "names": (first.suggest_dataset_basename(), first.make_dataset_filename(dir=folder, ext="vot"),
                  first.make_dataset_filename(dir=folder, base="a/b", ext="vot")),
        "cursor": cursor(found),
    }  # fmt: skip


def cursor(found: Any) -> tuple[Any, ...]:
    """What Python's database interface gives of a result."""
    rows = found.cursor()
    names = [column[0] for column in rows.description]
    ra = names.index("ra")
    first, others = rows.fetchone(), rows.fetchall()
    return names, rows.rowcount, plain(first[ra]), [plain(row[ra]) for row in others]


def plain(value: Any) -> Any:
    """Numbers and text of Python, NaN for what is masked; so that they can be compared."""
    if isinstance(value, np.ma.MaskedArray):
        value = value.filled(np.nan) if value.dtype.kind == "f" else value.filled()
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list):
        return [plain(item) for item in value]
    return str(value) if isinstance(value, float) and value != value else value


@pytest.fixture
def online(base_url: str) -> Iterator[Callable[..., Any]]:
    """Gives a service of pyvo's: by its class."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # astropy: xtype mjd
        yield lambda kind, path: kind(f"{base_url}/corpus/{path}")


@pytest.mark.extra("pyvo")
def test_spectra(online: Callable[..., Any], corpus_mirror: ssap.Mirror, tmp_path: Path) -> None:
    from pyvo.dal import SSAService

    wanted = {"pos": CENTRE, "diameter": DIAMETER, "band": (6.3e-7, 6.8e-7), "SNR": "20/"}
    here = script(corpus_mirror.search(**wanted), str(tmp_path))
    there = script(online(SSAService, "ssap").search(**wanted), str(tmp_path))
    assert here["rows"] > 5
    for part in there:
        assert here[part] == there[part], part


@pytest.mark.extra("pyvo")
def test_cone_search(online: Callable[..., Any], corpus_mirror: ssap.Mirror) -> None:
    from pyvo.dal import SCSService

    def positions(service: Any) -> list[Any]:
        found = service.search(pos=CENTRE, radius=DIAMETER / 2, verbosity=3)
        return [(r.id, r.pos.ra.deg, r.pos.dec.deg, plain(r["ssa_snr"]), r.getbyucd("POS_EQ_RA_MAIN")) for r in found]

    here, there = positions(corpus_mirror), positions(online(SCSService, "scs?"))
    assert here == there
    assert len(here) > 5


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"radius": 1}, "pos: '' is not the one position"),
        ({"pos": CENTRE, "radius": 1, "snr": 20}, "is no parameter of a cone search"),
        ({"pos": CENTRE, "radius": 1, "size": 2}, "only one of them can hold"),
        ({"pos": [CENTRE, (1, 1)], "radius": 1}, "is not the one position"),
        ({"pos": CENTRE, "radius": 181}, "is not from 0 to 180 degrees"),
    ],
)
def test_a_cone_search_that_is_none(words: dict[str, Any], said: str, corpus_mirror: ssap.Mirror) -> None:
    with pytest.raises(ssap.ParameterError, match=said):
        corpus_mirror.search(**words)


@pytest.mark.extra("pyvo")
def test_more_than_the_limit(online: Callable[..., Any], corpus_mirror: ssap.Mirror) -> None:
    from pyvo.dal import SSAService

    for service in (corpus_mirror, online(SSAService, "ssap")):
        found = service.search(pos=CENTRE, diameter=DIAMETER, maxrec=3)
        word, _ = found.status
        assert (len(found), word, found.status[0]) == (3, "OVERFLOW", "OVERFLOW")
