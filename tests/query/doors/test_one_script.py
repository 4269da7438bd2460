"""One script over pyvo's result interface, run on a server by pyvo and on the mirror itself: the values are equal."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import ssap_query as ssap

CENTRE, DIAMETER = (56.1, 21.6), 2.0


def script(found: Any) -> dict[str, Any]:
    """What pyvo documents of a result, without a word about where it comes from."""
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
    }  # fmt: skip


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
def test_spectra(online: Callable[..., Any], corpus_mirror: ssap.Mirror) -> None:
    from pyvo.dal import SSAService

    here = script(corpus_mirror.search(pos=CENTRE, diameter=DIAMETER, band=(6.3e-7, 6.8e-7), SNR="20/"))
    there = script(online(SSAService, "ssap").search(pos=CENTRE, diameter=DIAMETER, band=(6.3e-7, 6.8e-7), SNR="20/"))
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
