"""Answers that are hard to write: every type, and every value that formats spell differently."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pytest
from ssap_mirror.core.schema import Column, Schema
from ssap_query.mirror.result import InputParameter

NAN, INF = math.nan, math.inf

SERVICE_XML = b"""<?xml version="1.0"?>
<v:VOTABLE xmlns:v="http://www.ivoa.net/xml/VOTable/v1.3" version="1.4">
  <v:INFO name="legal" value="Cite us &amp; be well"/>
  <v:RESOURCE type="results">
    <v:INFO name="QUERY_STATUS" value="OK"/>
    <v:INFO name="citation" value="1996A&amp;A...312..539S">A paper</v:INFO>
    <v:COOSYS ID="system" system="ICRS" refposition="BARYCENTER"/>
    <v:TIMESYS ID="clock" timescale="TT" refposition="BARYCENTER" timeorigin="MJD-origin"/>
    <v:TABLE name="result">
      <v:FIELD ID="did" name="pubdid" datatype="char" arraysize="*"/>
      <v:FIELD ID="when" name="mjd" datatype="double" ref="clock"/>
      <v:FIELD ID="where" name="location" datatype="double" arraysize="2" ref="system"/>
    </v:TABLE>
  </v:RESOURCE>
  <v:RESOURCE type="meta" utype="adhoc:service">
    <v:GROUP name="inputParams"><v:PARAM name="ID" datatype="char" arraysize="*" ref="did" value="ivo://x/1"/></v:GROUP>
    <v:PARAM name="accessURL" datatype="char" arraysize="*" value="http://example.org/dl"/>
    <v:PARAM name="standardID" datatype="char" arraysize="*" value="ivo://ivoa.net/std/DataLink#links-1.0"/>
  </v:RESOURCE>
</v:VOTABLE>
"""


@dataclass(frozen=True)
class StandIn:
    """An answer with rows in memory."""

    table: pa.Table
    schema: Schema
    status: str = "OK"
    infos: Mapping[str, str] = field(default_factory=lambda: {"mirror": "stand-in, snapshot 1"})
    notes: Sequence[str] = ()
    inputs: Sequence[InputParameter] = ()
    service_xml: bytes = b""
    protocol: str = "SSAP"
    batch_rows: int = 3

    def __len__(self) -> int:
        return int(self.table.num_rows)

    @property
    def arrow_schema(self) -> pa.Schema:
        return self.table.schema

    def batches(self) -> Iterator[pa.RecordBatch]:
        yield from self.table.to_batches(self.batch_rows)


def stand_in(columns: Sequence[tuple[Column, Sequence[Any]]], **more: Any) -> StandIn:
    """An answer of columns with their values."""
    schema = Schema(tuple(column for column, _ in columns))
    arrays = [pa.array(values, column.arrow_type()) for column, values in columns]
    return StandIn(pa.Table.from_arrays(arrays, schema=schema.arrow_schema()), schema, **more)


#: Values in rows: plain, missing, and whatever is odd for the type.
_TRIANGLE = [0, 0, 1, 0, 1, 1]
HARD: tuple[tuple[Column, list[Any]], ...] = (
    (Column("pubdid", "char", "*", ucd="meta.ref.ivoid"), ["x/1", None, "", 'a "b", c', "<x> & y", " lead", "é✓"]),
    (
        Column("plain", "char", "*", description="only ASCII & so <char>"),
        ["x", None, "", "tab\tend", "two\nlines", "cr\rlf\r\n", "NaN"],
    ),
    (Column("fixed", "char", "4"), ["abcd", "ab", None, "", "abcd", "a", "b"]),
    (Column("mjd", "double", unit="d", ucd="time.epoch", xtype="mjd"), [58100.0, None, NAN, INF, -INF, 1e-300, -0.0]),
    (Column("snr", "float", ucd="stat.snr"), [0.1, None, NAN, INF, -INF, 1.17549435e-38, 3.4028235e38]),
    (Column("obsid", "long"), [2**63 - 1, None, -1, 0, -(2**63) + 1, 2**53 + 1, 7]),
    (Column("length", "int", null="-1"), [2**31 - 1, None, 0, 1, 2, 3, 4]),
    (Column("flag", "short"), [-32767, None, 32767, 0, 1, 2, 3]),
    (Column("mask", "unsignedByte"), [0, None, 254, 1, 2, 3, 4]),
    (Column("coadd", "boolean"), [True, None, False, True, True, False, False]),
    (
        Column("location", "double", "2", unit="deg", ucd="pos.eq"),
        [[1.5, -2.25], None, [NAN, 3.0], [INF, 0.1], [0, 0], [1, 2], [3, 4]],
    ),
    (Column("point", "double", "2", unit="deg", xtype="point"), [[1.5, -2.25], None, *[[0, 90]] * 5]),
    (Column("mag_arr", "float", "3"), [[1, 2, 3], None, [NAN, 99, 0.1], [1, None, 3], *[[0, -1, 1e9]] * 3]),
    (Column("region", "double", "*", xtype="polygon"), [_TRIANGLE, None, [*_TRIANGLE, 0, 1], *[_TRIANGLE] * 4]),
    (Column("counts", "int", "2"), [[1, 2], None, [3, None], [4, 5], [6, 7], [8, 9], [0, 0]]),
    (Column("visits", "long", "*"), [[], None, [1], [1, 2], [1, 2, 3], [2**62], [4]]),
)


@pytest.fixture(scope="session")
def hard() -> StandIn:
    """Rows of every type and every oddity."""
    return stand_in(HARD, status="OVERFLOW", service_xml=SERVICE_XML, notes=("a note",))


@pytest.fixture(scope="session")
def plain() -> StandIn:
    """Four rows that a person can read, for the golden files."""
    return stand_in(
        [
            (Column("mobsid", "char", "*", ucd="meta.id;meta.main", description="Identifier"), ["1B", "2R", None, ""]),
            (Column("ra", "double", unit="deg", ucd="pos.eq.ra;meta.main"), [292.06, 0.0, None, 359.999]),
            (Column("snr", "float", ucd="stat.snr", description="S/N <median>"), [12.5, math.nan, None, math.inf]),
            (Column("obsid", "long", null="-1"), [635003103, None, 7, 0]),
            (
                Column("location", "double", "2", unit="deg", xtype="point"),
                [[292.06, 43.93], None, [0.5, -0.5], [1, 2]],
            ),
            (Column("target", "char", "*"), ["HIP 95119, A", 'the "b"', "<é>", None]),
        ],
        infos={"mirror": "sample, snapshot 1", "synthetic": "true: the rows are made up"},
        status="OVERFLOW",
    )
