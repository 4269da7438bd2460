"""What the page asks of its server, and what it is told."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest
import ssap_query as ssap
from ssap_query.server.application import application

from tests.support.serving import serving

CONE = {"REQUEST": "queryData", "POS": "56.1,21.6", "SIZE": "2"}


@pytest.fixture(scope="module")
def client(corpus_mirror: ssap.Mirror, awkward) -> Iterator[httpx.Client]:
    """What asks a server of two mirrors that holds rows back beyond 500."""
    app = application({"corpus": corpus_mirror, "awkward": awkward.open("tiny")}, default_maxrec=500)
    with serving(app) as address, httpx.Client(base_url=f"{address}/corpus/", timeout=60) as found:
        yield found


def column(answer: dict, name: str) -> list:
    at = [column["name"] for column in answer["columns"]].index(name)
    return [row[at] for row in answer["rows"]]


def test_the_page_and_all_its_files_need_nothing_from_elsewhere(client: httpx.Client) -> None:
    seen: set[str] = set()
    left = [""]
    while left:
        path = left.pop()
        answer = client.get(path)
        assert answer.status_code == 200, path
        text = re.sub(r"^\s*//.*$", "", answer.text, flags=re.MULTILINE)  # comments may name where a library is from
        assert not re.findall(r"""(?:src|href|import|from|url)\s*[=(]?\s*["']?(?:https?:)?//[^"'\s]*""", text), path
        base = "" if path == "" else path.rpartition("/")[0] + "/"
        links = re.findall(r"""(?:src|href)="(page/[^"]+)"|from "(\.[^"]+)";""", text)
        for link in (whole or base + relative for whole, relative in links):
            flat = str(httpx.URL("http://x/").join(link).path).lstrip("/")
            if flat not in seen:
                seen.add(flat)
                left.append(flat)
    assert len(seen) > 15
    assert all(name.startswith("page/") for name in seen)


def test_the_page_is_at_the_address_of_its_mirror(client: httpx.Client, corpus_mirror: ssap.Mirror) -> None:
    several = str(client.base_url.copy_with(path="/"))
    assert 'href="awkward/"' in httpx.get(several).text
    assert httpx.get(f"{several}awkward/about.json").json()["name"] == "awkward"
    with serving(application({"corpus": corpus_mirror})) as alone:
        root = httpx.get(f"{alone}/", params={"SNR": "20/"})
    assert (root.status_code, root.headers["location"]) == (307, "/corpus/?SNR=20%2F")


def test_a_browser_asks_again_whether_what_it_keeps_is_still_so(client: httpx.Client) -> None:
    first = client.get("page/js/main.js")
    assert first.headers["Cache-Control"] == "no-cache"
    again = client.get("page/js/main.js", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
    assert client.get("page/../../../limits.py").status_code == 404
    assert client.get("page/%2e%2e/%2e%2e/routes.py").status_code == 404


def test_about(client: httpx.Client, corpus_mirror: ssap.Mirror) -> None:
    about = client.get("about.json").json()
    assert about["synthetic"] is True
    assert about["rows"] == corpus_mirror.catalog.rows
    assert {"POS", "SIZE", "BAND", "TIME", "SNR", "TOP"} <= {one["name"] for one in about["parameters"]}
    assert not {"MAXREC", "VERB", "REQUEST"} & {one["name"] for one in about["parameters"]}
    assert [one["name"] for one in about["mirrors"]] == ["corpus", "awkward"]
    assert about["default_maxrec"] == 500
    assert about["histograms"] == ["ssa_snr", "ssa_dateObs", "ssa_specmid", "rv_br1"]


def test_pages_are_of_the_whole_answer(client: httpx.Client, corpus_mirror: ssap.Mirror) -> None:
    expected = corpus_mirror.ssap(list(CONE.items())).to_arrow()["mobsid"].to_pylist()
    found = []
    for offset in range(0, len(expected) + 1, 40):
        answer = client.get("rows.json", params={**CONE, "_offset": offset, "_rows": 40}).json()
        assert answer["total"] == len(expected) > 80
        found += column(answer, "mobsid")
    assert found == expected
    everything = client.get("rows.json", params={"REQUEST": "queryData", "_rows": 1}).json()
    assert everything["total"] == corpus_mirror.catalog.rows > 500  # the limit of the service is none of the page


def test_sorted_and_with_chosen_columns(client: httpx.Client, corpus_mirror: ssap.Mirror) -> None:
    asked = {"REQUEST": "queryData", "SNR": "0/500", "_sort": "-ssa_snr", "_rows": 5, "_columns": "ssa_snr,mobsid"}
    answer = client.get("rows.json", params=asked).json()
    assert [one["name"] for one in answer["columns"]] == ["ssa_snr", "mobsid"]
    best = sorted(corpus_mirror.search(snr=(0, 500)).to_arrow()["ssa_snr"].to_pylist(), reverse=True)[:5]
    assert column(answer, "ssa_snr") == pytest.approx(best)


def test_a_long_request_may_be_posted(client: httpx.Client) -> None:
    many = {"REQUEST": "queryData", "SIZE": "1", "POS": ",".join(f"{ra},{ra / 9}" for ra in range(360)), "_rows": "3"}
    posted = client.post("rows.json", data=many).json()
    assert posted == client.get("rows.json", params=many).json()
    assert posted["total"] > 3


@pytest.mark.parametrize(
    ("asked", "parameter"),
    [
        ({"SNR": "high"}, "SNR"),
        ({"POS": "1,2,3"}, "POS"),
        ({"_sort": "nothing"}, "_sort"),
        ({"_offset": "-1"}, "_offset"),
        ({"_rows": "many"}, "_rows"),
        ({"_columns": "nothing"}, "columns"),
    ],
)
def test_an_error_names_its_field(client: httpx.Client, asked: dict[str, str], parameter: str) -> None:
    answer = client.get("rows.json", params={"REQUEST": "queryData", **asked}).json()
    assert answer["status"] == "ERROR"
    assert answer["parameter"] == parameter
    assert answer["message"].startswith(f"{parameter}: ")


def test_requests_that_are_not_about_rows(client: httpx.Client) -> None:
    metadata = {"REQUEST": "queryData", "FORMAT": "METADATA"}
    assert client.get("rows.json", params=metadata).json()["rows"] == []
    assert client.get("overview.json", params=metadata).json()["total"] == 0
    names = client.get("rows.json", params={"REQUEST": "getTargetNames", "_rows": 2, "_offset": 1}).json()
    assert len(names["rows"]) == 2 < names["total"]


def test_the_overview_is_of_all_rows(client: httpx.Client, corpus_mirror: ssap.Mirror) -> None:
    answer = client.get("overview.json", params={"REQUEST": "queryData"}).json()
    assert answer["total"] == corpus_mirror.catalog.rows
    sky = answer["sky"]
    assert sum(sky["counts"]) + sky["unplaced"] == corpus_mirror.catalog.rows
    assert all(len(corners) == 8 for corners in sky["corners"])
    for one in answer["histograms"]:
        assert sum(one["counts"]) + one["below"] + one["above"] + one["without"] == corpus_mirror.catalog.rows
    assert client.get("overview.json", params={"REQUEST": "queryData"}).json() == answer
    text = client.get("overview.json", params={"REQUEST": "queryData", "_histograms": "mobsid"}).json()
    assert "is not a column of numbers" in text["message"]


def test_one_row_in_words(client: httpx.Client, corpus_mirror: ssap.Mirror) -> None:
    asked = {"REQUEST": "queryData", "_sort": "-ssa_snr", "_offset": 3}
    row = client.get("row.json", params=asked).json()
    assert column(row, "mobsid") == column(client.get("rows.json", params={**asked, "_rows": 1}).json(), "mobsid")
    assert len(row["columns"]) == sum(not one.is_hidden for one in corpus_mirror.schema)
    coded = corpus_mirror.sql(
        "SELECT ssa_creatorDID, mag_arr FROM spectra WHERE rv_r_flag = 0 AND fibermask = 0"
    ).to_arrow()
    one = client.get("row.json", params={"REQUEST": "queryData", "CREATORDID": coded[0][0].as_py()}).json()
    assert one["meanings"]["rv_r_flag"] == "no anomalies"
    assert one["meanings"]["fibermask"] == "no problem"
    assert re.fullmatch(r"(\w+ = \d+\.\d\d(, )?)+|none known", one["meanings"]["mag_arr"])
    nothing = client.get("row.json", params={"REQUEST": "queryData", "POS": "10,-80"}).json()
    assert nothing["rows"] == []


def test_queries_in_adql_page_by_page(client: httpx.Client, corpus_mirror: ssap.Mirror) -> None:
    query = {"QUERY": "SELECT TOP 300 mobsid, ssa_snr FROM spectra ORDER BY mobsid"}
    answer = client.get("adql.json", params={**query, "_offset": 290, "_rows": 50}).json()
    expected = corpus_mirror.adql(query["QUERY"]).to_arrow()
    assert answer["total"] == 300
    assert column(answer, "mobsid") == expected["mobsid"].to_pylist()[290:]
    best = client.get("adql.json", params={**query, "_sort": "-ssa_snr", "_rows": 1}).json()
    values = [value for value in expected["ssa_snr"].to_pylist() if value is not None]
    assert [float(value) for value in column(best, "ssa_snr")] == pytest.approx([max(values)])
    held = client.get("adql.json", params={"QUERY": "SELECT mobsid FROM spectra"}).json()
    assert (held["status"], held["total"]) == ("OVERFLOW", 500)
    wrong = client.get("adql.json", params={"QUERY": "SELECT nothing FROM spectra"}).json()
    assert wrong["parameter"] == "QUERY"
    assert client.get("adql.json").json()["parameter"] == "QUERY"
    for example in client.get("examples.json").json()["examples"]:
        assert client.get("adql.json", params={"QUERY": example["query"]}).json()["status"] == "OK"


def test_tables_for_people_keep_their_style(client: httpx.Client) -> None:
    answer = client.get("ssap", params={**CONE, "MAXREC": "2", "RESPONSEFORMAT": "html"})
    import base64
    import hashlib

    style = re.findall("<style>(.*?)</style>", answer.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style[0].encode()).digest()).decode()
    assert f"'sha256-{digest}'" in answer.headers["Content-Security-Policy"]
