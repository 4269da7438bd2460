"""The page in a real Chromium: what an astronomer does with it, by mouse, by keyboard, on a phone, by screen reader."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pyarrow as pa
import pytest
import ssap_query as ssap
from ssap_mirror.core.schema import Schema
from ssap_query.arrow.formats import FORMATS
from ssap_query.server.application import application

from tests.support.browser import chromium
from tests.support.serving import serving

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

CONE = "?POS=56.1,21.6&SIZE=2"
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 375, "height": 800}


@pytest.fixture(scope="module")
def mirrors(
    tmp_path_factory: pytest.TempPathFactory, corpus_mirror: ssap.Mirror, schema: Schema, awkward, mirror_of: Callable
) -> dict[str, ssap.Mirror]:
    """The recorded rows, and a mirror whose first rows have NaN, infinities and NULL for signal to noise."""
    table = awkward.table.slice(0, 120)
    values = [math.nan, math.inf, -math.inf, None, *np.linspace(5, 90, 116)]
    index = table.schema.get_field_index("ssa_snr")
    table = table.set_column(index, table.schema.field(index), pa.array(values, pa.float32()))
    home = tmp_path_factory.mktemp("page")
    mirror_of(table, schema, home, "strange", 60)
    return {"corpus": corpus_mirror, "strange": ssap.open("strange", home)}


@pytest.fixture(scope="module")
def address(mirrors: dict[str, ssap.Mirror]) -> Iterator[str]:
    with serving(application(mirrors)) as found:
        yield found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture
def visit(browser: Browser, address: str) -> Iterator[Callable[..., Page]]:
    """Opens the page in a window of its own and waits for its answer; at the end, nothing must have gone wrong."""
    faults: list[str] = []
    contexts = []

    def note(said: str, expected: str | None) -> None:
        if expected is None or expected not in said:
            faults.append(said)

    def opened(path: str = "", mirror: str = "corpus", expected: str | None = None, **options: object) -> Page:
        context = browser.new_context(**{"viewport": DESKTOP, "reduced_motion": "reduce", **options})
        context.grant_permissions(["clipboard-read", "clipboard-write"], origin=address)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda said: said.type == "error" and note(said.text, expected))
        page.goto(f"{address}/{mirror}/{path}")
        settled(page)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert faults == []


def settled(page: Page) -> None:
    page.wait_for_selector("#results[aria-busy=false]")
    page.wait_for_selector("#pictures:not([aria-busy=true])", state="attached")


def travel(page: Page, direction: str) -> None:
    """Go back or forth in the history, and wait until the page has taken notice."""
    page.evaluate(
        "way => new Promise(done => {"
        " addEventListener('popstate', () => setTimeout(done), { once: true }); history[way](); })",
        direction,
    )
    settled(page)


def cells(page: Page, name: str) -> list[str]:
    heads = page.locator("#head th").all_inner_texts()
    at = next(i for i, head in enumerate(heads, 1) if head.split("\n")[0].strip() == name)
    return page.locator(f"#body tr > :nth-child({at})").all_inner_texts()


def total(page: Page) -> int:
    return int(page.locator("#status strong").inner_text().replace(",", ""))


def violations(page: Page) -> list[str]:
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [f"{one['id']}: {one['nodes'][0]['html']}" for one in found if one["impact"] in ("serious", "critical")]


def test_the_form_asks_and_the_address_says_so(visit, mirrors: dict[str, ssap.Mirror]) -> None:
    page = visit()
    assert total(page) == mirrors["corpus"].catalog.rows
    page.fill("#field-POS", "56.1,21.6")
    page.fill("#field-SIZE", "2")
    page.press("#field-SIZE", "Enter")
    settled(page)
    expected = mirrors["corpus"].search(pos=(56.1, 21.6), size=2.0)
    assert total(page) == len(expected)
    assert cells(page, "mobsid") == expected.to_arrow()["mobsid"].to_pylist()[:50]
    assert parse_qs(urlsplit(page.url).query) == {"POS": ["56.1,21.6"], "SIZE": ["2"]}
    page.reload()
    settled(page)
    assert total(page) == len(expected)
    travel(page, "back")
    assert total(page) == mirrors["corpus"].catalog.rows
    assert page.input_value("#field-POS") == ""
    travel(page, "forward")
    assert page.input_value("#field-SIZE") == "2"
    page.click("text=Clear")
    settled(page)
    assert total(page) == mirrors["corpus"].catalog.rows


def test_sorting_and_paging_are_over_the_whole_answer(visit, mirrors: dict[str, ssap.Mirror]) -> None:
    page = visit("?SNR=20/")
    values = mirrors["corpus"].search(snr=(20, None)).to_arrow()["ssa_snr"].to_pylist()
    page.click("#head button:text-is('ssa_snr')")
    settled(page)
    assert page.locator("[aria-sort=ascending]").count() == 1
    assert [float(text) for text in cells(page, "ssa_snr")] == pytest.approx(sorted(values)[:50], rel=1e-6)
    page.click("#head button:text-is('ssa_snr')")
    settled(page)
    assert [float(text) for text in cells(page, "ssa_snr")] == pytest.approx(sorted(values)[::-1][:50], rel=1e-6)
    page.click("#last-page")
    settled(page)
    last = (len(values) - 1) // 50 * 50
    assert [float(text) for text in cells(page, "ssa_snr")] == pytest.approx(sorted(values)[::-1][last:], rel=1e-6)
    assert page.is_disabled("#next-page")
    page.click("#previous-page")
    settled(page)
    page.select_option("#page-rows", "100")
    settled(page)
    assert len(cells(page, "ssa_snr")) == 100
    assert page.locator("#page-range").inner_text() == f"1–100 of {len(values):,}"


def test_columns_by_group_and_by_name(visit, mirrors: dict[str, ssap.Mirror]) -> None:
    page = visit(CONE)
    page.click("#choose-columns > summary")
    page.click("#verbs button:text-is('The most important')")
    settled(page)
    shown = page.locator("#head th button").all_inner_texts()
    assert shown == list(mirrors["corpus"].search(pos=(56.1, 21.6), size=2.0, verb=1).schema.names)
    page.fill("#column-filter", "fiberm")
    page.locator("#column-list label:visible input").check()
    settled(page)
    assert page.locator("#head th button").all_inner_texts() == [*shown, "fibermask"]


def test_bad_input_is_told_at_its_field(visit) -> None:
    page = visit(CONE)
    assert page.is_visible("#pictures")
    page.fill("#field-SNR", "high")
    page.click("#search button[type=submit]")
    settled(page)
    assert page.inner_text("#field-SNR-error") == "SNR: 'high' is not a number"
    assert page.get_attribute("#field-SNR", "aria-invalid") == "true"
    assert page.evaluate("document.activeElement.id") == "field-SNR"
    assert not page.is_visible("#pictures")
    assert not page.is_visible("#answer")
    assert violations(page) == []
    page.fill("#field-SNR", "20/")
    page.keyboard.press("Enter")
    settled(page)
    assert page.get_attribute("#field-SNR", "aria-invalid") is None
    assert page.is_visible("#pictures")


def test_nothing_found(visit) -> None:
    page = visit("?POS=10,-85&SIZE=0.1")
    assert total(page) == 0
    assert page.is_visible("text=Nothing matches.")
    assert not page.is_visible("#answer")
    assert violations(page) == []


def test_numbers_that_are_none(visit) -> None:
    page = visit("?_sort=-ssa_snr&_rows=1000", mirror="strange")
    found = cells(page, "ssa_snr")
    assert len(found) == 120
    assert found[0] == "Infinity"
    assert sorted(found[-2:]) == ["NaN", "—"]
    assert page.is_visible("#pictures")
    first = page.locator("#histograms figure").first
    assert "4 without a value" in first.inner_text()
    assert first.locator("rect").count() == 48


def test_map_and_histograms_are_of_all_rows(visit, mirrors: dict[str, ssap.Mirror]) -> None:
    page = visit()
    painted = page.evaluate(
        """() => { const c = document.getElementById("sky");
        const d = c.getContext("2d").getImageData(0, 0, c.width, c.height).data;
        let n = 0; for (let i = 3; i < d.length; i += 4) n += d[i] > 200; return n; }"""
    )
    assert painted > 200
    assert page.locator("#histograms svg").count() == 4
    titles = (
        page.locator("#histograms figure")
        .first.locator("rect title")
        .evaluate_all("all => all.map(t => t.textContent)")
    )
    counted = sum(int(text.rpartition(": ")[2].replace(",", "")) for text in titles)
    assert 0.9 * mirrors["corpus"].catalog.rows < counted <= mirrors["corpus"].catalog.rows
    page.select_option("#histograms figure:first-child select", "ssa_timeExt")
    settled(page)
    assert "Histogram of ssa_timeExt" in str(page.locator("#histograms svg").first.get_attribute("aria-label"))
    before = total(page)
    page.click("#sky", position={"x": 150, "y": 60})
    settled(page)
    assert total(page) < before
    assert page.input_value("#field-POS") != ""


def test_details_of_a_row(visit) -> None:
    page = visit(CONE)
    names = cells(page, "mobsid")
    page.locator("#body button").nth(1).click()
    page.wait_for_selector("#details[open]")
    assert names[1] in page.inner_text("#details-body")
    assert "no anomalies" in page.inner_text("#details-body") or "bad pixels" in page.inner_text("#details-body")
    assert violations(page) == []
    page.click("#details-next")
    page.wait_for_function("name => document.getElementById('details-body').innerText.includes(name)", arg=names[2])
    page.keyboard.press("Escape")
    assert not page.is_visible("#details")


@pytest.mark.filterwarnings("ignore::ssap_query.render.LossWarning")
@pytest.mark.parametrize("path", [CONE, "?QUERY=SELECT mobsid, ssa_snr FROM spectra WHERE ssa_snr > 200"])
def test_downloads_in_every_format(visit, path: str) -> None:
    page = visit(path)
    page.click("#downloads > summary")
    links = page.locator("#download-list a")
    assert links.count() == len(FORMATS)
    for link in links.all():
        answer = page.request.get(str(link.evaluate("link => link.href")))
        assert answer.status == 200, link.inner_text()
        assert b'value="ERROR"' not in answer.body()[:5000]
        if link.inner_text() == "CSV":
            rows = [line for line in csv.reader(io.StringIO(answer.text())) if line and not line[0].startswith("#")]
            assert len(rows) == total(page) + 1
    with page.expect_download() as download:
        page.click("#download-list a:text-is('Parquet')")
    assert download.value.suggested_filename == "corpus.parquet"


def test_adql(visit, mirrors: dict[str, ssap.Mirror]) -> None:
    page = visit()
    page.focus("#tab-search")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.id") == "tab-adql"
    page.wait_for_function("document.getElementById('query').value !== ''")
    page.fill("#query", "SELECT objtype, count(*) AS n FROM spectra GROUP BY objtype")
    page.press("#query", "Control+Enter")
    settled(page)
    kinds = (
        mirrors["corpus"].sql("SELECT objtype, count(*) AS n FROM spectra GROUP BY objtype ORDER BY n DESC").to_arrow()
    )
    assert total(page) == len(kinds)
    for _ in range(2):
        page.click("#head button:text-is('n')")
        settled(page)
    assert [int(text) for text in cells(page, "n")] == kinds["n"].to_pylist()
    assert violations(page) == []
    page.fill("#query", "SELECT nothing FROM spectra")
    page.click("#adql button[type=submit]")
    settled(page)
    assert page.get_attribute("#query", "aria-invalid") == "true"
    assert "nothing" in page.inner_text("#query-error")
    travel(page, "back")
    assert page.input_value("#query").startswith("SELECT objtype")


def test_addresses_for_programs(visit, address: str) -> None:
    page = visit(CONE)
    assert page.locator("#endpoints code").all_inner_texts() == [
        f"{address}/corpus/ssap?",
        f"{address}/corpus/scs?",
        f"{address}/corpus/tap",
        f"{address}/tap",
        f"{address}/corpus/capabilities",
    ]
    page.click("[aria-label='Copy the SSA address']")
    page.wait_for_selector("#toast:has-text('copied')")
    assert page.evaluate("navigator.clipboard.readText()") == f"{address}/corpus/ssap?"
    page.click("#copies > summary")
    texts = page.locator("#copy-list pre").all_inner_texts()
    assert f"{address}/corpus/ssap?REQUEST=queryData&POS=56.1,21.6&SIZE=2" in texts
    assert any(text.startswith("ssap-mirror query -m corpus --pos=56.1,21.6 --size=2 ") for text in texts)


def test_what_is_copied_runs(visit, mirrors: dict[str, ssap.Mirror], monkeypatch: pytest.MonkeyPatch) -> None:
    page = visit("?SNR=20/&TARGETCLASS=star&VERB=1")
    page.click("#copies > summary")
    ours = next(
        text for text in page.locator("#copy-list pre").all_inner_texts() if text.startswith("import ssap_query")
    )
    monkeypatch.setattr(ssap, "open", mirrors.__getitem__)
    names: dict[str, object] = {}
    exec(ours, names)  # what a person would paste
    assert len(names["table"]) == total(page)


def test_other_mirrors(visit) -> None:
    page = visit()
    page.click("#mirrors a:has-text('strange')")
    settled(page)
    assert total(page) == 120
    assert page.get_attribute("#mirrors a[aria-current]", "href") == "/strange/"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_for_everyone(visit, scheme: str, viewport: dict[str, int]) -> None:
    page = visit(f"{CONE}&VERB=3", color_scheme=scheme, viewport=viewport)
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    for tool in ("choose-columns", "downloads", "copies"):
        page.click(f"#{tool} > summary")
    page.click("#more-parameters > summary")
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    assert violations(page) == []
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, ground[4:-1].split(","))) < 300) == (scheme == "dark")
    page.click("#theme")  # the choice goes before the system's
    page.click("#theme")
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert sum(map(int, dark[4:-1].split(","))) < 300


def test_by_keyboard_alone(visit) -> None:
    page = visit(CONE)
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "results"
    reached = set()
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.id || document.activeElement.parentElement.id"))
    assert {"samp", "next-page", "page-rows"} <= reached


def test_without_javascript(browser: Browser, address: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{address}/corpus/")
    assert page.is_visible(".noscript")
    page.click(".noscript a")
    assert page.locator("tbody tr").count() == 100
    context.close()


def test_a_server_that_has_gone(visit, address: str) -> None:
    page = visit(CONE, expected="status of 503")
    page.route("**/rows.json*", lambda route: route.fulfill(status=503, body=""))
    page.click("#search button[type=submit]")
    page.fill("#field-SIZE", "3")
    page.click("#search button[type=submit]")
    page.wait_for_selector("#status.error")
    assert "503" in page.inner_text("#status")
    assert not page.is_visible("#pictures")
    page.unroute("**/rows.json*")


def test_tables_go_to_other_programs_by_samp(visit, address: str, tmp_path: Path) -> None:
    samp = pytest.importorskip("pyvo.samp")

    class Consent(samp.WebProfileDialog):
        """A user who lets the page in."""

        def show_dialog(self, samp_name: object, details: object, client: object, origin: object) -> None:
            self.consent()

    dialog, received = Consent(), []
    lock = str(tmp_path / "samp")
    hub = samp.SAMPHubServer(web_profile=True, web_profile_dialog=dialog, lockfile=lock)
    hub.start()
    program = samp.SAMPIntegratedClient("TOPCAT")
    try:
        if not hub._web_profile:
            pytest.skip("the port of SAMP's Web Profile is taken on this machine")
        program.connect(hub_params=hub.params)
        program.bind_receive_notification(
            "table.load.votable",
            lambda *said: received.extend(part for part in said if isinstance(part, dict) and "url" in part),
        )
        page = visit(CONE)
        page.click("#samp")
        for _ in range(300):
            dialog.handle_queue()
            page.wait_for_timeout(100)
            if received:
                break
        assert received, page.inner_text("#toast")
        assert (
            received[0]["url"]
            == f"{address}/corpus/ssap?REQUEST=queryData&POS=56.1,21.6&SIZE=2&RESPONSEFORMAT=votable/td"
        )
        page.wait_for_selector("#toast:has-text('Sent to one program')")
    finally:
        program.disconnect()
        hub.stop()
