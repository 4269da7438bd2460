"""What a service links with its rows: lists of links, and the files that they name."""

from __future__ import annotations

import pytest
from ssap_mirror.errors import MirrorError, ParameterError
from ssap_query.fetch.options import FetchOptions
from ssap_query.fetch.run import fetch_files, to_fetch

from tests.query.fetch.conftest import FITS, HASTY
from tests.support.spectra_files import mrs_fits, png, sdm_votable

LINKS = "application/x-votable+xml;content=datalink"


def links(*rows: tuple[str, str, str], error: str = "") -> bytes:
    names = ("ID", "access_url", "error_message", "semantics", "content_type")
    fields = "".join(f'<FIELD name="{name}" datatype="char" arraysize="*"/>' for name in names)
    cells = [("x", url, "", word, kind) for url, word, kind in rows] + (
        [("x", "", error, "#this", "")] if error else []
    )
    body = "".join("<TR>" + "".join(f"<TD>{cell}</TD>" for cell in row) + "</TR>" for row in cells)
    return (
        f'<VOTABLE version="1.4"><RESOURCE type="results"><TABLE>{fields}<DATA><TABLEDATA>{body}</TABLEDATA></DATA>'
        "</TABLE></RESOURCE></VOTABLE>"
    ).encode()


def header(address: str, ref: str = "ssa_pubDID", standard: str = "ivo://ivoa.net/std/DataLink#links-1.1") -> bytes:
    return (
        f'<VOTABLE version="1.4"><RESOURCE type="results"><TABLE><FIELD ID="{ref}" name="ssa_pubDID" datatype="char" '
        'arraysize="*"/></TABLE></RESOURCE><RESOURCE type="meta" utype="adhoc:service"><GROUP name="inputParams">'
        f'<PARAM name="ID" datatype="char" arraysize="*" ref="{ref}" value=""/></GROUP>'
        f'<PARAM name="standardID" datatype="char" arraysize="*" value="{standard}"/>'
        f'<PARAM name="accessURL" datatype="char" arraysize="*" value="{address}"/></RESOURCE></VOTABLE>'
    ).encode()


def test_links_by_the_block_of_the_service(server, rows_of, tmp_path) -> None:
    one = server.add("/one.fits", mrs_fits(1))
    two, picture = server.add("/two.fits", mrs_fits(2)), server.add("/two.png", png(), "image/png")
    server.add("/links?ID=ivo%3A%2F%2Fx%2F~%3Fa", links((one, "#this", FITS)), LINKS)
    server.add(
        "/links?ID=ivo%3A%2F%2Fx%2F~%3Fb", links((two, "#this", FITS), (picture, "#preview", "image/png")), LINKS
    )
    server.add("/links?ID=ivo%3A%2F%2Fx%2F~%3Fc", links((one, "#this", FITS)), LINKS)
    server.add("/links?ID=ivo%3A%2F%2Fx%2F~%3Fd", links(error="NotFoundFault: there is no such dataset"), LINKS)
    rows = [{"mobsid": name, "ssa_pubDID": f"ivo://x/~?{name}"} for name in "abcd"]
    found = rows_of(rows, header(f"{server.root}/links", ref="did"))
    fetched = fetch_files(found, tmp_path, FetchOptions("datalink"), HASTY)
    assert [(file.state, file.wanted.rows) for file in fetched.files] == [
        ("missing", (3,)), ("fetched", (0, 2)), ("fetched", (1,)),
    ]  # fmt: skip
    assert "there is no such dataset" in fetched.missing[0].reason
    assert fetched.files[1].path.name == "one.fits"
    assert not server.asked["/two.png"]
    everything = fetch_files(found, tmp_path, FetchOptions("datalink", semantics=()), HASTY)
    assert [file.path.name for file in everything.files_of(1)] == ["two.fits", "two.png"]
    failed = server.asked.pop("/links?ID=ivo%3A%2F%2Fx%2F~%3Fd")
    assert (failed, set(server.asked.values())) == (2 * HASTY.attempts, {1})
    offline = fetch_files(found, tmp_path, FetchOptions("datalink", offline=True))
    assert [file.state for file in offline.files if file.path] == ["kept", "kept"]


def test_an_address_may_be_that_of_a_list_of_links(server, rows_of, tmp_path) -> None:
    target = server.add("/a.vot", sdm_votable(), "application/x-votable+xml")
    rows = [
        {"mobsid": "a", "accref": server.add("/a/links", links((target, "#this", "")), LINKS), "mime": LINKS},
        {"mobsid": "b", "accref": server.add("/b.fits", mrs_fits(3)), "mime": FITS},
    ]
    for source in ("accref", "datalink"):
        fetched = fetch_files(rows_of(rows), tmp_path / source, FetchOptions(source), HASTY)
        assert fetched.complete
        assert fetched.files_of(0)[0].path.name == "a.vot"
        assert len(fetched.files_of(1)) == (source == "accref")
    assert to_fetch(rows_of(rows), tmp_path / "none").words() == "2 files of unknown size"


def test_what_is_no_list_of_links(server, rows_of, tmp_path) -> None:
    rows = [{"accref": server.add("/links", sdm_votable(), LINKS), "mime": LINKS}]
    fetched = fetch_files(rows_of(rows), tmp_path, policy=HASTY)
    assert "no list of links" in fetched.missing[0].reason


def test_blocks_that_are_of_no_use(server, rows_of, tmp_path) -> None:
    rows = [{"mobsid": "a", "ssa_pubDID": "ivo://x/~?a"}]
    broken = header(server.root).replace(b'name="ssa_pubDID"', b'name="elsewhere"')
    with pytest.raises(ParameterError, match="links go by the column elsewhere"):
        fetch_files(rows_of(rows, broken), tmp_path, FetchOptions("datalink"), HASTY)
    soda = header(server.root, standard="ivo://ivoa.net/std/SODA#sync-1.0") + b"<!-- no datalink -->"
    assert not fetch_files(rows_of(rows, soda), tmp_path, FetchOptions("datalink"), HASTY).files
    with pytest.raises(MirrorError, match="cannot be read"):
        fetch_files(rows_of(rows, b"<VOTABLE><datalink"), tmp_path, FetchOptions("datalink"), HASTY)
