"""What belongs to a record, fetched from where its service has it: the spectrum, and what is linked with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pyarrow as pa
import pytest
import ssap_query as ssap
from ssap_mirror.core.schema import Column, Schema
from ssap_mirror.errors import SourceError
from ssap_mirror.sources.source import RequestPolicy
from ssap_query.fetch.run import fetch_document

from tests.support.serving import serving_files
from tests.support.spectra_files import mrs_fits
from tests.support.static_host import Spoiled, static_host

SCHEMA = Schema(
    (
        Column("id", "char", "*", ucd="meta.id;meta.main"),
        Column("ra", "double", unit="deg", ucd="pos.eq.ra;meta.main"),
        Column("dec", "double", unit="deg", ucd="pos.eq.dec;meta.main"),
        Column("accref", "char", "*", utype="ssa:Access.Reference"),
        Column("mime", "char", "*", utype="ssa:Access.Format"),
        Column("title", "char", "*", utype="ssa:DataID.Title"),
    )
)
LINKS = """<?xml version="1.0"?>
<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3"><RESOURCE type="results">
<INFO name="standardID" value="ivo://ivoa.net/std/DataLink#links-1.1"/><INFO name="QUERY_STATUS" value="OK"/><TABLE>
<FIELD name="ID" datatype="char" arraysize="*" ucd="meta.id;meta.main"/>
<FIELD name="access_url" datatype="char" arraysize="*" ucd="meta.ref.url"/>
<FIELD name="service_def" datatype="char" arraysize="*" ucd="meta.ref"/>
<FIELD name="error_message" datatype="char" arraysize="*" ucd="meta.code.error"/>
<FIELD name="semantics" datatype="char" arraysize="*" ucd="meta.code"/>
<FIELD name="description" datatype="char" arraysize="*" ucd="meta.note"/>
<FIELD name="content_type" datatype="char" arraysize="*" ucd="meta.code.mime"/>
<FIELD name="content_length" datatype="long" unit="byte" ucd="phys.size;meta.file"/>
<DATA><TABLEDATA>
<TR><TD>a</TD><TD>{0}/a.fits</TD><TD/><TD/><TD>#this</TD><TD/><TD>application/fits</TD><TD>7</TD></TR>
<TR><TD>a</TD><TD>{0}/a.png</TD><TD/><TD/><TD>#preview</TD><TD/><TD>image/png</TD><TD>3</TD></TR>
</TABLEDATA></DATA></TABLE></RESOURCE></VOTABLE>
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """A service with a spectrum and a DataLink document."""
    folder = tmp_path / "served"
    folder.mkdir()
    (folder / "a.fits").write_bytes(b"SIMPLE!")
    (folder / "a.png").write_bytes(b"PNG")
    with serving_files(folder) as address:
        (folder / "links.xml").write_text(LINKS.format(address))
        yield address


@pytest.fixture
def records(server: str, tmp_path: Path, mirror_of: Callable[..., Path]) -> ssap.ResultSet:
    fits, links = "application/fits", "application/x-votable+xml;content=datalink"
    rows = [
        ("a", f"{server}/a.fits", fits, "Star a/1"),
        ("b", f"{server}/links.xml", links, "Star b"),
        ("c", f"{server}/gone.fits", fits, "Star c"),
    ]
    columns = [[row[0] for row in rows], [1.0] * 3, [2.0] * 3, *([row[i] for row in rows] for i in (1, 2, 3))]
    mirror_of(pa.table(columns, schema=SCHEMA.arrow_schema()), SCHEMA, tmp_path, "some", 100)
    found = ssap.open("some", tmp_path).search(columns="all")
    assert sorted(found["id"]) == ["a", "b", "c"]
    return found


def of(records: ssap.ResultSet, name: str) -> object:
    return next(record for record in records if record.id == name)


def test_a_spectrum(records: ssap.ResultSet, server: str, tmp_path: Path) -> None:
    record = of(records, "a")
    assert record.getdataurl() == f"{server}/a.fits"
    with record.getdataset() as file:
        assert file.read() == b"SIMPLE!"
    first, second = (record.cachedataset(dir=str(tmp_path / "files")) for _ in range(2))
    assert [path.name for path in (first, second)] == ["Star_a_1.fits", "Star_a_1-1.fits"]
    assert second.read_bytes() == b"SIMPLE!"
    named = record.cachedataset(filename="x.fits", dir=str(tmp_path / "files"))
    assert named == tmp_path / "files" / "x.fits"


def test_what_is_gone(records: ssap.ResultSet, tmp_path: Path) -> None:
    record = of(records, "c")
    with pytest.raises(SourceError, match=r"gone.fits cannot be fetched: .*404"):
        record.getdataset()
    with pytest.raises(SourceError, match="404"):
        record.cachedataset(dir=str(tmp_path / "none"))
    assert not (tmp_path / "none").exists()


def test_what_is_cut_off_is_fetched_again(
    records: ssap.ResultSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ssap_query.fetch.run.RequestPolicy", partial(RequestPolicy, first_wait_s=0.01))
    whole = mrs_fits(7)
    (tmp_path / "whole.fits").write_bytes(whole)
    with static_host(tmp_path) as host:
        host.fault = lambda path, content: Spoiled(cut_at=4000) if len(host.asked) < 3 else None
        with fetch_document(f"{host.url}/whole.fits") as file:
            assert file.read() == whole
        assert len(host.asked) == 3
        # A file that is short on the server itself comes with its length, and never gets whole.
        (tmp_path / "half.fits").write_bytes(whole[:4000])
        with pytest.raises(SourceError, match=r"half.fits cannot be fetched: .*cut off"):
            fetch_document(f"{host.url}/half.fits")


def test_made_up_rows_ask_nobody() -> None:
    record = ssap.open("lamost6-mrs-sample").search(maxrec=1)[0]
    with pytest.raises(SourceError, match="there are no spectra behind made-up rows"):
        record.getdataset()


def test_what_is_linked(records: ssap.ResultSet, server: str) -> None:
    links = of(records, "b").getdatalink()
    assert [(link.semantics, link.access_url) for link in links] == [
        ("#this", f"{server}/a.fits"),
        ("#preview", f"{server}/a.png"),
    ]
    with pytest.raises(SourceError, match="its format is 'application/fits'"):
        of(records, "a").getdatalink()
