"""The server as the programs of the Virtual Observatory meet it: pyvo, STILTS, and a browser's requests."""

from __future__ import annotations

import io
import json
import re
import subprocess
import warnings
from pathlib import Path
from xml.etree import ElementTree as ET

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import ssap_query as ssap
from ssap_mirror.errors import ParameterError
from ssap_query.render import FORMATS, Format
from ssap_query.server.application import application

from tests.support.serving import serving

_NS = "{http://www.ivoa.net/xml/VOTable/v1.3}"
CONE = {"REQUEST": "queryData", "POS": "56.1,21.6", "SIZE": "2"}


def votable(answer: httpx.Response) -> ET.Element:
    assert answer.status_code == 200
    return ET.fromstring(answer.content)


def status(root: ET.Element) -> str | None:
    return next(info.get("value") for info in root.iter(f"{_NS}INFO") if info.get("name") == "QUERY_STATUS")


class TestPrograms:
    @pytest.mark.extra("pyvo")
    def test_pyvo_searches(self, base_url: str, corpus_mirror: ssap.Mirror) -> None:
        import pyvo

        service = pyvo.dal.SSAService(f"{base_url}/corpus/ssap")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # astropy: xtype mjd
            found = service.search(pos=(56.1, 21.6), diameter=2.0)
        expected = corpus_mirror.search(pos=(56.1, 21.6), size=2.0)
        assert len(found) == len(expected) > 10
        assert list(found["mobsid"]) == expected.to_arrow()["mobsid"].to_pylist()
        record = found[0]
        assert record.acref == expected.to_arrow()["accref"][0].as_py()
        assert record.title == expected.to_arrow()["ssa_dstitle"][0].as_py()

    @pytest.mark.extra("pyvo")
    def test_pyvo_tells_an_overflow_and_an_error(self, base_url: str) -> None:
        import pyvo

        service = pyvo.dal.SSAService(f"{base_url}/corpus/ssap")
        with pytest.warns(pyvo.dal.DALOverflowWarning):
            found = service.search(pos=(56.1, 21.6), diameter=60.0, MAXREC=7)
        assert len(found) == 7
        with pytest.raises(pyvo.dal.DALQueryError, match="SNR: 'high' "):
            service.search(pos=(56.1, 21.6), diameter=60.0, SNR="high")

    @pytest.mark.extra("pyvo")
    def test_pyvo_cone_search(self, base_url: str, corpus_mirror: ssap.Mirror) -> None:
        import pyvo

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = pyvo.dal.SCSService(f"{base_url}/corpus/scs").search((56.1, 21.6), radius=1.0)
        assert sorted(found["mobsid"]) == sorted(_targets_within(corpus_mirror, 56.1, 21.6, 1.0))

    @pytest.mark.stilts
    def test_stilts_asks(self, base_url: str, corpus_mirror: ssap.Mirror, tmp_path: Path) -> None:
        words = ["stilts", "tcopy", f"in={base_url}/corpus/ssap?REQUEST=queryData&POS=56.1,21.6&SIZE=2", "ifmt=votable"]
        subprocess.run(
            [*words, f"out={tmp_path / 'x.csv'}", "ofmt=csv"], check=True, stdin=subprocess.DEVNULL, timeout=120
        )
        rows = (tmp_path / "x.csv").read_text("utf-8", "replace").count("\n") - 1
        assert rows >= len(corpus_mirror.search(pos=(56.1, 21.6), size=2.0)) > 10

    @pytest.mark.stilts
    @pytest.mark.parametrize("request_", ["POS=56.1,21.6&SIZE=2&VERB=3", "FORMAT=METADATA", "SNR=x", "MAXREC=3&VERB=1"])
    def test_votlint_finds_no_error(self, request_: str, base_url: str, tmp_path: Path) -> None:
        answer = httpx.get(f"{base_url}/corpus/ssap?REQUEST=queryData&{request_}")
        (tmp_path / "x.vot").write_bytes(answer.content)
        done = subprocess.run(
            ["stilts", "votlint", str(tmp_path / "x.vot")],
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0
        assert "ERROR" not in done.stdout


def _targets_within(mirror: ssap.Mirror, ra: float, dec: float, radius: float) -> list[str]:
    import numpy as np
    from astropy.coordinates import angular_separation

    table = mirror.search(columns=["mobsid", "ra", "dec"]).to_arrow()
    known = table.filter(pa.compute.and_(table["ra"].is_valid(), table["dec"].is_valid()))
    angles = np.radians([known["ra"].to_numpy(), known["dec"].to_numpy()])
    apart = np.degrees(angular_separation(*angles, *np.radians([ra, dec])))
    return known["mobsid"].filter(pa.array(apart <= radius)).to_pylist()


class TestSsap:
    def test_post_is_get(self, client: httpx.Client) -> None:
        assert client.post("/corpus/ssap", data=CONE).content == client.get("/corpus/ssap", params=CONE).content

    def test_the_first_mirror_is_at_the_root_too(self, client: httpx.Client) -> None:
        assert client.get("/ssap", params=CONE).content == client.get("/corpus/ssap", params=CONE).content
        assert client.get("/awkward/ssap", params=CONE).content != client.get("/corpus/ssap", params=CONE).content

    def test_default_limit_holds_rows_back(self, client: httpx.Client) -> None:
        root = votable(client.get("/corpus/ssap", params={"REQUEST": "queryData"}))
        assert status(root) == "OVERFLOW"
        assert sum(1 for _ in root.iter(f"{_NS}TR")) == 500
        more = votable(client.get("/corpus/ssap", params={"REQUEST": "queryData", "MAXREC": "600", "VERB": "1"}))
        assert sum(1 for _ in more.iter(f"{_NS}TR")) == 600

    def test_without_a_limit_all_rows_come(self, corpus_mirror: ssap.Mirror) -> None:
        with serving(application({"corpus": corpus_mirror})) as address:
            answer = httpx.get(f"{address}/ssap", params={"REQUEST": "queryData", "VERB": "1", "RESPONSEFORMAT": "csv"})
        assert answer.text.count("\n") >= corpus_mirror.catalog.rows + 1
        assert answer.headers["X-Query-Status"] == "OK"

    def test_metadata(self, client: httpx.Client, corpus_mirror: ssap.Mirror) -> None:
        for asked in ({"FORMAT": "METADATA"}, {"MAXREC": "0"}):
            root = votable(client.get("/corpus/ssap", params={"REQUEST": "queryData", **asked}))
            assert status(root) == "OK"
            assert [field.get("name") for field in root.iter(f"{_NS}FIELD")] == list(corpus_mirror.schema.names)
            inputs = {p.get("name"): p for p in root.iter(f"{_NS}PARAM")}
            assert {"INPUT:POS", "INPUT:SIZE", "INPUT:BAND", "INPUT:SNR", "INPUT:maxrec"} <= set(inputs)
            assert inputs["INPUT:SNR"].find(f"{_NS}VALUES/{_NS}MIN") is not None
            assert next(root.iter(f"{_NS}TR"), None) is None

    def test_synthetic_rows_are_called_so(self, client: httpx.Client) -> None:
        root = votable(client.get("/corpus/ssap", params={**CONE, "MAXREC": "1"}))
        assert ("synthetic", "true: the rows are made up") in [
            (i.get("name"), i.get("value")) for i in root.iter(f"{_NS}INFO")
        ]

    @pytest.mark.filterwarnings("ignore::ssap_query.render.LossWarning")
    @pytest.mark.parametrize("known", FORMATS, ids=lambda known: known.name)
    def test_every_format_is_served(self, known: Format, client: httpx.Client) -> None:
        asked = {**CONE, "MAXREC": "3", "VERB": "1", "RESPONSEFORMAT": known.response_format.replace("/bare", "_bare")}
        answer = client.get("/corpus/ssap", params=asked)
        assert answer.status_code == 200
        assert answer.headers["content-type"].partition(";")[0] == known.media_type.partition(";")[0]
        assert b"QUERY_STATUS" not in answer.content or b'value="ERROR"' not in answer.content
        if known.name == "json":
            assert len(json.loads(answer.content)["data"]) == 3
        if known.name == "parquet":
            assert pq.read_table(io.BytesIO(answer.content)).num_rows == 3

    def test_a_format_that_is_none(self, client: httpx.Client) -> None:
        root = votable(client.get("/corpus/ssap", params={**CONE, "RESPONSEFORMAT": "excel"}))
        assert status(root) == "ERROR"
        assert "RESPONSEFORMAT: 'excel' is none of the known formats" in "".join(root.itertext())

    def test_request_is_required(self, client: httpx.Client) -> None:
        assert status(votable(client.get("/corpus/ssap", params={"POS": "1,1"}))) == "ERROR"

    def test_hostile_text_comes_back_escaped(self, client: httpx.Client) -> None:
        answer = client.get("/corpus/ssap", params={"REQUEST": "<script>alert(1)</script>&\x00\x07"})
        assert status(votable(answer)) == "ERROR"
        assert b"<script>" not in answer.content

    def test_other_dialect(self, corpus_mirror: ssap.Mirror) -> None:
        with serving(application({"corpus": corpus_mirror}, dialect="dachs")) as address:
            answer = httpx.get(f"{address}/ssap", params={**CONE, "RESPONSEFORMAT": "csv", "VERB": "1"})
            refused = httpx.get(f"{address}/ssap", params={**CONE, "RESPONSEFORMAT": "geojson"})
        assert refused.text.count('value="ERROR"') == 1
        expected = corpus_mirror.ssap(list({**CONE, "VERB": "1"}.items()), "dachs")
        assert (
            answer.text.count("\n") - 1 >= len(expected) > len(corpus_mirror.ssap(list({**CONE, "VERB": "1"}.items())))
        )

    def test_a_body_that_is_no_form(self, client: httpx.Client) -> None:
        answer = client.post("/corpus/ssap", content=b"{}", headers={"content-type": "application/json"})
        assert status(votable(answer)) == "ERROR"

    def test_a_body_without_end(self, client: httpx.Client) -> None:
        answer = client.post(
            "/corpus/ssap",
            content=b"SNR=" + b"1," * 3_000_000,
            headers={"content-type": "application/x-www-form-urlencoded"},
        )
        assert status(votable(answer)) == "ERROR"


class TestConeSearch:
    def test_target_positions_within_the_radius(self, client: httpx.Client, corpus_mirror: ssap.Mirror) -> None:
        root = votable(client.get("/corpus/scs", params={"RA": "56.1", "DEC": "21.6", "SR": "1", "VERB": "1"}))
        at = [field.get("name") for field in root.iter(f"{_NS}FIELD")].index("mobsid")
        found = [row[at].text or "" for row in root.iter(f"{_NS}TR")]
        assert sorted(found) == sorted(_targets_within(corpus_mirror, 56.1, 21.6, 1.0))

    @pytest.mark.parametrize(
        "asked",
        [
            {},
            {"RA": "1", "DEC": "2"},
            {"RA": "x", "DEC": "0", "SR": "1"},
            {"RA": "0", "DEC": "91", "SR": "1"},
            {"RA": "0", "DEC": "0", "SR": "nan"},
        ],
    )
    def test_errors_are_infos(self, asked: dict[str, str], client: httpx.Client) -> None:
        root = votable(client.get("/corpus/scs", params=asked))
        info = next(root.iter(f"{_NS}INFO"))
        assert info.get("name") == "Error"
        assert re.match(r"(RA|DEC|SR): ", info.get("value") or "")


class TestVosi:
    def test_availability(self, client: httpx.Client) -> None:
        root = votable(client.get("/corpus/availability"))
        assert root.find("{http://www.ivoa.net/xml/VOSIAvailability/v1.0}available").text == "true"

    def test_capabilities_name_addresses_that_answer(self, client: httpx.Client) -> None:
        root = votable(client.get("/corpus/capabilities"))
        kinds = [capability.get("standardID") for capability in root.iter("capability")]
        assert "ivo://ivoa.net/std/SSA" in kinds
        assert "ivo://ivoa.net/std/ConeSearch" in kinds
        for address in root.iter("accessURL"):
            assert client.get(str(address.text)).status_code == 200

    def test_tables_list_every_column(self, client: httpx.Client, corpus_mirror: ssap.Mirror) -> None:
        root = votable(client.get("/corpus/tables"))
        assert [name.text for name in root.findall(".//column/name")] == list(corpus_mirror.schema.names)

    @pytest.mark.extra("pyvo")
    @pytest.mark.parametrize("path", ["availability", "capabilities", "tables"])
    def test_pyvo_reads_them(self, path: str, base_url: str) -> None:
        from pyvo.io import vosi

        read = {
            "availability": vosi.parse_availability,
            "capabilities": vosi.parse_capabilities,
            "tables": vosi.parse_tables,
        }
        with warnings.catch_warnings():
            # pyvo does not know the registry extensions of SSAP and SCS
            warnings.filterwarnings("ignore", message="Unknown xsi:type")
            warnings.filterwarnings("ignore", message=".*Unknown element")
            assert read[path](io.BytesIO(httpx.get(f"{base_url}/corpus/{path}").content)) is not None


def test_nothing_to_serve() -> None:
    with pytest.raises(ParameterError, match="no mirror to serve"):
        application({})
