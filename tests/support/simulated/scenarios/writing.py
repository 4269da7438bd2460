"""Services that write odd documents: old versions, other serialisations, bad cells, columns of the request."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from ssap_mirror.core.schema import Column

from tests.support.simulated.forms.others import IDENTITIES
from tests.support.simulated.forms.parts import BASE, Part, Shown
from tests.support.simulated.scenarios.scenario import Scenario, first
from tests.support.simulated.services.documents import Layout, Raw
from tests.support.simulated.services.http import Reply, Request
from tests.support.simulated.services.ssap import SsapService
from tests.support.simulated.services.traits import Traits
from tests.support.simulated.world import Must, Outcome, World

__all__ = ["SCENARIOS"]

_DTD = '<!DOCTYPE VOTABLE SYSTEM "http://us-vo.org/xml/VOTable.dtd">\n'
_PUBLIC = '<!DOCTYPE VOTABLE PUBLIC "-//VO//VOTABLE" "http://us-vo.org/xml/VOTable.dtd">\n'
_SUBSET = "<!DOCTYPE VOTABLE [<!ELEMENT VOTABLE ANY>]>\n"
_TEXT = Traits(serializations=("TABLEDATA",))


def _whole(name: str, traits: Traits = _TEXT, **options: Any) -> Scenario:
    return Scenario(name, first, "whole", traits=traits, most_requests=100, **options)


def _layout(**layout: Any) -> Traits:
    return replace(_TEXT, layout=Layout(**layout))


def _cells(part: str, column: int, spoil: Callable[[int, Any], Any], **attributes: Any) -> dict[str, Any]:
    """Spoil cells of a column: `spoil` is given the row's place in the table and its value."""
    shown = list(getattr(BASE, part).shown)
    item = shown[column]
    shown[column] = Shown(
        replace(item.column, **attributes),
        lambda s: [spoil(at, value) for at, value in enumerate(item.cells(s))],
    )
    return {"form": replace(BASE, **{part: Part(tuple(shown))})}


def _every_hundredth(text: str) -> Callable[[int, Any], Any]:
    return lambda at, value: Raw(text) if at % 100 == 9 else value


def _volatile(name: str, part: str = "identity") -> dict[str, Any]:
    """Make a column differ in each answer."""
    shown = tuple(
        replace(item, volatile=True) if item.column.name == name else item for item in getattr(BASE, part).shown
    )
    return {"form": replace(BASE, **{part: Part(shown)})}


def _wrapped(
    name: str, wraps: Callable[[Request, Reply], Reply], traits: Traits = _TEXT, *, must: Must = "whole", says: str = ""
) -> Scenario:
    """Have each answer changed on its way."""

    def run(world: World) -> Outcome:
        assert isinstance(world.service, SsapService)
        world.service.wraps = wraps
        return first(world)

    return Scenario(name, run, must, says, traits=traits)


def _with_the_last_row_twice(world: World) -> Outcome:
    assert isinstance(world.service, SsapService)
    world.service.chooses = lambda params, rows: np.concatenate([rows, rows[-1:]])
    return first(world)


def _written(name: str, change: Callable[[bytes], bytes], traits: Traits = _TEXT) -> Scenario:
    """Have each document written otherwise."""
    return _wrapped(name, lambda request, reply: replace(reply, body=change(reply.body)), traits)


def _with_prefix(document: bytes) -> bytes:
    return re.sub(rb"<(/?)([A-Z][A-Z0-9]*)\b", rb"<\1vot:\2", document).replace(b"xmlns=", b"xmlns:vot=")


def _nested(document: bytes) -> bytes:
    inner = document.replace(b'<RESOURCE type="results">', b'<RESOURCE name="outer">' + b'<RESOURCE type="results">')
    return inner.replace(b"</RESOURCE></VOTABLE>", b"</RESOURCE></RESOURCE></VOTABLE>")


def _behind_another(document: bytes) -> bytes:
    return document.replace(b'<RESOURCE type="results">', _OTHER_RESOURCE + b'<RESOURCE type="results">', 1)


def _without_fields(document: bytes) -> bytes:
    return document if b"<TR>" in document else re.sub(rb"<TABLE>.*</TABLE>", b'<TABLE nrows="0"/>', document)


def _status_above(document: bytes) -> bytes:
    status = re.search(rb'<INFO name="QUERY_STATUS"[^>]*/>', document)
    if status is None:
        return document
    return document.replace(status[0], b"").replace(b"<RESOURCE", status[0] + b"<RESOURCE", 1)


def _status_in_lower_case(document: bytes) -> bytes:
    return document.replace(b'"OVERFLOW"', b'"overflow"').replace(b'"QUERY_STATUS"', b'"query_status"')


def _no_content(request: Request, reply: Reply) -> Reply:
    return reply if b"<TR>" in reply.body or b"INPUT:" in reply.body else Reply(status=204)


def _zipped(request: Request, reply: Reply) -> Reply:
    return replace(reply, body=gzip.compress(reply.body), headers={"Content-Encoding": "gzip"})


def _in_chunks(request: Request, reply: Reply) -> Reply:
    return replace(reply, chunks=lambda: [reply.body[at : at + 7000] for at in range(0, len(reply.body), 7000)])


def _with_empty_row(request: Request, reply: Reply) -> Reply:
    return replace(reply, body=reply.body.replace(b"</TABLEDATA>", b"<TR/></TABLEDATA>"))


def _shorter_than_said(request: Request, reply: Reply) -> Reply:
    rows = reply.body.count(b"<TR>")
    return replace(reply, sent=len(reply.body) - 20) if rows > 1 else reply


_OTHER_RESOURCE = (
    b'<RESOURCE type="meta"><TABLE><FIELD name="k" datatype="char" arraysize="*"/><DATA><TABLEDATA>'
    b"<TR><TD>hello</TD></TR></TABLEDATA></DATA></TABLE></RESOURCE>"
)
_CUT = replace(_TEXT, most_rows=500)
_DISTANCE = Shown(Column("distance", "char", "*", unit="deg"), lambda s: ["0.1"] * len(s), volatile=True)
_BEFORE_COLUMNS = '<PARAM name="instrument" datatype="char" arraysize="*" ucd="meta.id;instr" value="MRS"/>'
SCENARIOS: list[Scenario] = [
    _whole("TABLEDATA alone"),
    _whole("BINARY alone", Traits(serializations=("BINARY",))),
    _whole("BINARY2 alone", Traits(serializations=("BINARY2",))),
    _whole("VOTable 1.0 with a DOCTYPE", _layout(version="1.0", doctype=_DTD)),
    _whole("VOTable 1.1 with a public DOCTYPE", _layout(version="1.1", doctype=_PUBLIC)),
    Scenario("a DOCTYPE that defines something", first, "refused", "DOCTYPE|DTD", traits=_layout(doctype=_SUBSET)),
    _whole("VOTable 1.1", _layout(version="1.1")),
    _whole("VOTable 1.2", _layout(version="1.2")),
    _whole("VOTable 1.5", _layout(version="1.5")),
    _whole("FIELDs with ID and without name", _layout(id_instead_of_name=True)),
    _whole("cells as CDATA between line breaks", _layout(cdata=True)),
    _whole('arraysize="" on scalars', _layout(arraysize=' arraysize=""')),
    _whole('texts of datatype "date"', _layout(text_datatype="date")),
    _whole('texts of datatype "string"', _layout(text_datatype="string")),
    _whole("two TABLEs of the same columns", _layout(tables="same columns")),
    Scenario(
        "two TABLEs of other columns",
        first,
        "refused",
        "table",
        traits=_layout(tables="other columns"),
        most_requests=20,
    ),
    _whole("a constant as PARAM of the TABLE", _layout(constants=(_BEFORE_COLUMNS,))),
    _whole("the word NULL for a missing number", _layout(missing="NULL")),
    _whole("the word null for a missing number", _layout(missing="null")),
    _whole("nothing for a missing number", _layout(missing=" ")),
    _whole("OVERFLOW is told behind the table", replace(_layout(status="after"), most_rows=500)),
    _whole("OVERFLOW is a sentence in a warning", replace(_layout(status="warning"), most_rows=500)),
    _whole("a token in the link", **_volatile("accref")),
    _whole("a distance from POS", form=replace(BASE, others=Part((*BASE.others.shown, _DISTANCE)))),
    _whole("no identifier", form=replace(BASE, identity=IDENTITIES["no identifier"])),
    _whole("links that are relative", form=replace(BASE, identity=IDENTITIES["links that are relative"])),
    _whole("links that two rows share", form=replace(BASE, identity=IDENTITIES["links that two rows share"])),
    _whole("NULL in an int", **_cells("others", 3, _every_hundredth("NULL"))),
    _whole("1. in an int", **_cells("others", 3, _every_hundredth("1."))),
    _whole("n/a in a double", **_cells("time", 0, _every_hundredth("n/a"))),
    _whole(
        "a number that is no number, once", **_cells("snr", 0, lambda at, value: Raw("12..5") if at == 7 else value)
    ),
    _whole("one half of a pair", **_cells("position", 0, _every_hundredth("10.5"))),
    _whole("a decimal comma", **_cells("snr", 0, _every_hundredth("12,5"))),
    Scenario("the last row comes twice", _with_the_last_row_twice, "whole", traits=_TEXT, most_requests=120),
    _written("elements with a prefix", _with_prefix),
    _written("results within another RESOURCE", _nested),
    _written("a RESOURCE of other rows before the results", _behind_another),
    _written("a TABLE without FIELDs where nothing matches", _without_fields),
    _written("a status outside of the results", _status_above, _CUT),
    _written("a status in lower case", _status_in_lower_case, _CUT),
    _written("a byte order mark, and blanks before", lambda document: b"\xef\xbb\xbf" + document),
    _wrapped("a TR without cells", _with_empty_row, must="refused", says="has 0 cells, and the table 12 columns"),
    _wrapped("HTTP 204 where nothing matches", _no_content),
    _wrapped("gzip on the way", _zipped),
    _wrapped("chunks of 7,000 bytes", _in_chunks),
    _wrapped("answers that are shorter than they say", _shorter_than_said, must="honest", says="broke off"),
]
