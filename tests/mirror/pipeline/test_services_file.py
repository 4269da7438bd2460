"""``services.toml``: read, refused with reasons, written without harm to the rest; and what a mirror remembers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from ssap_mirror.core.catalog import open_catalog
from ssap_mirror.core.quantities.positions import Positions
from ssap_mirror.errors import ParameterError
from ssap_mirror.pipeline.address import FileAddress, SsapAddress, TapAddress
from ssap_mirror.pipeline.known_services import find_service, find_source, services
from ssap_mirror.pipeline.service import KnownService
from ssap_mirror.pipeline.services_file import save_service
from ssap_mirror.pipeline.sync import SyncOptions, sync
from ssap_mirror.sources.source import RequestPolicy

from tests.support import fake_ssap
from tests.support.fake_ssap import FakeService

QUICK = RequestPolicy(attempts=2, first_wait_s=0.001, longest_wait_s=0.01)
ROWS = fake_ssap.rows(300, seed=6)
ENTRY = """
# my own
[mine]
url = "http://example.org/ssap"
title = "Mine"
roles = { snr = "quality" }
units = { quality = "" }
identity = "id"
nulls = { quality = [-1, 99.5], name = "N/A" }
size_is_radius = true
max_size = 15
max_rows = 2000
parameters = { COLLECTION = "x", k = [1, 2] }
pace = { requests_at_a_time = 1, longest_wait_s = 30, pause_s = 2 }
"""


@pytest.fixture
def service() -> Iterator[FakeService]:
    with fake_ssap.running(FakeService(ROWS)) as running:
        yield running


def write(home: Path, text: str) -> Path:
    path = home / "services.toml"
    path.write_text(text)
    return path


def test_all_keys_are_read(tmp_path: Path) -> None:
    write(tmp_path, ENTRY)
    found = find_service("mine", tmp_path)
    assert found is not None
    assert found.habits.parameters == (("COLLECTION", "x"), ("k", "1"), ("k", "2"))
    assert (found.habits.largest_size_deg, found.habits.largest_answer_rows) == (15.0, 2000)
    assert found.corrections.nulls == {"quality": ("-1", "99.5"), "name": ("N/A",)}
    assert found.corrections.roles == {"snr": "quality", "identity": "id"}
    policy = found.policy()
    assert (policy.requests_at_a_time, policy.longest_wait_s, policy.pause_s, policy.slice_rows) == (1, 30.0, 2.0, 1000)
    assert found.policy(RequestPolicy(longest_wait_s=5.0)).longest_wait_s == 5.0
    assert [one.name for one in services(tmp_path)][:2] == ["mine", "lamost6-mrs"]


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ("url =", "is no TOML"),
        ('[a]\nurl = "http://x.org"\nmax_size = "big"', r"services.toml: \[a\] max_size: 'big' is not a number"),
        ('[a]\nurl = "http://x.org"\nmax_rows = true', r"\[a\] max_rows: True is not a whole number"),
        ('[a]\nurl = "http://x.org"\ncolour = 1', r"\[a\] colour: 1 is no key of a service"),
        ('[a]\nurl = "http://x.org"\nroles = { nonsense = "x" }', r"\[a\] roles.nonsense: 'x' is the column of a role"),
        ('[a]\nurl = "http://x.org"\npace = { haste = 1 }', r"\[a\] pace.haste: 1 is a wish that is not known"),
        ('[a]\nurl = "http://x.org"\nparameters = { POS = "1,2" }', r"\[a\] parameters.POS: '1,2' is the value"),
        ('[a]\nurl = "http://x.org"\nwhere = "z > 0"', r"\[a\] where: 'z > 0' can only be asked of a table"),
        ('[a]\nurl = "http://x.org"\nnulls = { x = true }', r"\[a\] nulls.x: True is neither a text nor a number"),
        ('[a]\nurl = "http://x.org"\nkind = "tap"', r"\[a\] kind: 'tap' does not fit"),
        ('[a]\ntitle = "x"', r"\[a\] url: None is missing"),
        ('[a]\nurl = "rows.csv"\nmax_size = 1.0', r"\[a\] max_size: 1.0 has no meaning for a source of kind 'file'"),
        ('[a]\nurl = "rows.csv"\ntable = "b.c"', r"\[a\] table: 'b.c' is a table of a TAP service"),
        ('[a]\nurl = "http://x.org#b.c"\ncolumns = "lamost6_mrs"', r"\[a\] columns: .* has no meaning for a source"),
        ('[a]\nurl = "http://x.org"\npace = { job_rows = 9 }', r"\[a\] pace.job_rows: 9 has no meaning for a source"),
        ('[a]\nurl = "http://x.org"\npace = { strict = 1 }', r"\[a\] pace.strict: 1 is neither true nor false"),
        ('a = "http://x.org"', "services.toml: a: 'http://x.org' is not in the table of a service"),
        ('["a/b"]\nurl = "http://x.org"', "'a/b' cannot be the name"),
    ],
)
def test_what_cannot_be_is_refused_by_file_key_value_and_reason(lines: str, says: str, tmp_path: Path) -> None:
    path = write(tmp_path, lines)
    with pytest.raises(ParameterError, match=says) as refused:
        services(tmp_path)
    assert str(path) in str(refused.value)


def test_what_is_built_in_holds_as_far_as_it_has_a_meaning(tmp_path: Path) -> None:
    write(tmp_path, '[lamost6-mrs]\nurl = "http://x.org/tap#a.b"\npace = { strict = true, job_rows = 9 }\n')
    found = find_service("lamost6-mrs", tmp_path)
    assert found is not None
    assert (found.columns, found.policy().strict, found.policy().job_rows) == (None, True, 9)
    moved = found.moved_to(SsapAddress("http://x.org/ssap"))
    assert moved.pace == {"strict": True}


def test_what_is_saved_is_read_again_and_the_rest_stays(tmp_path: Path) -> None:
    path = write(tmp_path, ENTRY)
    saved = KnownService("other", TapAddress("http://example.org/tap", "a.b"), units={"x": "nm"})
    save_service(path, saved)
    assert path.read_text().startswith(ENTRY)
    assert find_service("other", tmp_path) == saved
    mine = find_service("mine", tmp_path)
    assert mine is not None
    save_service(path, replace(mine, max_rows=None, title="New"))
    assert "# my own" in path.read_text()
    assert find_service("mine", tmp_path) == replace(mine, max_rows=None, title="New")


def test_a_name_alone_is_enough_after_save(service: FakeService, tmp_path: Path) -> None:
    sync("mine", source=service.url, home=tmp_path, policy=QUICK, options=SyncOptions(dry_run=True, save=True))
    assert find_service("mine", tmp_path) == KnownService("mine", SsapAddress(service.url))
    assert sync("mine", home=tmp_path, policy=QUICK).rows == len(ROWS)


def test_parameters_are_sent_with_every_request_and_roles_count(service: FakeService, tmp_path: Path) -> None:
    write(tmp_path, f'[mine]\nurl = "{service.url}"\nparameters = {{ MODEL = "x y" }}\nroles = {{ snr = "gone" }}\n')
    with pytest.raises(ParameterError, match=r"\[mine\] roles.snr: 'gone' is no column of the source"):
        sync("mine", home=tmp_path, policy=QUICK)
    write(tmp_path, f'[mine]\nurl = "{service.url}"\nparameters = {{ MODEL = "x y" }}\n')
    service.requests.clear()
    assert sync("mine", home=tmp_path, policy=QUICK).complete
    assert {request.get("MODEL") for request in service.requests} == {"x y"}


def test_parameters_may_be_said_beside_the_name(service: FakeService, tmp_path: Path) -> None:
    write(tmp_path, f'[mine]\nurl = "{service.url}"\nparameters = {{ MODEL = "x y" }}\n')
    asked = find_source("mine", home=tmp_path, parameters={"COLLECTION": ("a",), "K": ("1", "2")})
    assert asked.parameters == {"MODEL": "x y", "COLLECTION": "a", "K": ("1", "2")}
    first = sync("mine", source=asked, home=tmp_path, policy=QUICK)
    service.requests.clear()
    sync("mine", source=replace(asked, said_in=""), home=tmp_path, policy=QUICK)
    assert {request.get("COLLECTION") for request in service.requests} == {"a"}
    refreshed = open_catalog("mine", tmp_path).manifest["harvest"]["refresh_of"]
    assert first.snapshot is not None
    assert refreshed == first.snapshot.name
    # With another value the rows are others, so nothing of the snapshot counts.
    sync("mine", source=replace(asked, parameters={"COLLECTION": "b"}), home=tmp_path, policy=QUICK)
    assert open_catalog("mine", tmp_path).manifest["harvest"]["refresh_of"] is None


def test_parameters_that_cannot_be_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match=r"parameters\.POS: .* is the value of a parameter that a harvest sets"):
        find_source("mine", "http://example.org/ssap", home=tmp_path, parameters={"POS": ("1,2",)})
    for source, kind in (("http://example.org/tap#a.b", "tap"), ("rows.csv", "file")):
        with pytest.raises(ParameterError, match=f"parameters: 'K=1' has no meaning for a source of kind '{kind}'"):
            find_source("mine", source, home=tmp_path, parameters={"K": ("1",)})


def test_a_mirror_knows_the_service_that_it_came_from(service: FakeService, tmp_path: Path) -> None:
    sync("mine", source=service.url, home=tmp_path, policy=QUICK)
    again = sync("mine", home=tmp_path, policy=QUICK)
    assert again.complete
    assert open_catalog("mine", tmp_path).manifest["source"]["url"] == service.url


def test_what_is_said_beside_a_name_changes_the_one_thing(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("name,l,b\na,10.5,-20.25\n")
    write(tmp_path, '[mine]\nurl = "rows.csv"\npositions = { ra = "l", dec = "b", frame = "galactic" }\n')
    found = find_source("mine", home=tmp_path, units={"l": "deg"})
    assert found.address == FileAddress(
        tmp_path / "rows.csv", {"l": "deg"}, Positions(ra="l", dec="b", frame="galactic")
    )
    assert find_source("lamost6-lrs", where="z > 0").address.origin.endswith("#lamost6.ssa_lrs WHERE z > 0")
    with pytest.raises(ParameterError, match="where: 'z > 0' can only be asked of a table"):
        find_source("mine", home=tmp_path, where="z > 0")


def test_a_mirror_knows_the_file_that_it_came_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "rows.csv").write_text("name,ra,dec,flux\na,10.5,-20.25,1\n")
    monkeypatch.chdir(tmp_path)
    asked = find_source("mine", "rows.csv", home=tmp_path, units={"flux": "Jy"})
    sync("mine", source=asked, home=tmp_path)
    (tmp_path / "rows.csv").write_text("name,ra,dec,flux\na,10.5,-20.25,1\nb,11.5,-20.25,1\n")
    monkeypatch.chdir("/")
    assert sync("mine", home=tmp_path).rows == 2
    assert open_catalog("mine", tmp_path).schema["flux"].unit == "Jy"
