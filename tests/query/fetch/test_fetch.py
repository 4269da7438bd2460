"""Files behind rows: each once, whole or not at all, whatever the server does and however the process ends."""

from __future__ import annotations

import csv
import hashlib
import logging
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ssap_mirror.core import storage
from ssap_mirror.errors import BusyError, MirrorError, ParameterError
from ssap_query.fetch.folder import JOURNAL, stored_files
from ssap_query.fetch.lamost import TOKEN_VARIABLE
from ssap_query.fetch.options import FetchOptions
from ssap_query.fetch.run import fetch_files, to_fetch

from tests.query.fetch.conftest import FITS, HASTY, SDM, FileServer
from tests.support.simulated.services.http import Reply
from tests.support.spectra_files import mrs_fits, png, sdm_votable

OFFLINE = FetchOptions(offline=True)
_HTML = b"<!DOCTYPE html><html><head><title>Busy</title></head><body>Please try again later.</body></html>"


def manifest(folder: Path) -> list[dict[str, str]]:
    with (folder / "manifest.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def many(server: FileServer, rows_of, files: int, rows_each: int = 1):
    """A result with several rows for each file."""
    rows = []
    # To make each anew would take longer than to fetch it.
    templates = [mrs_fits(700_000_000, (1,), points=20 + number) for number in range(min(files, 7))]
    for number in range(files):
        body = templates[number % 7].replace(b"700000000", b"%09d" % (700_000_000 + number))
        address = server.add(f"/get/med-{number:04}.fits", body)
        rows += [
            {"accref": address, "mobsid": f"{number}-{row}", "mime": FITS, "accsize": len(body)}
            for row in range(rows_each)
        ]
    return rows_of(rows)


def test_each_file_is_fetched_once_however_many_rows_it_has(server, rows_of, tmp_path) -> None:
    found = many(server, rows_of, 12, rows_each=9)
    fetched = fetch_files(found, tmp_path / "spectra", policy=HASTY)
    assert fetched.complete
    assert len(fetched.files) == 12
    assert set(server.asked.values()) == {1}
    assert server.at_a_time <= 2
    lines = manifest(tmp_path / "spectra")
    assert [line["identity"] for line in lines] == found.to_arrow()["mobsid"].to_pylist()
    for line in lines:
        path = tmp_path / "spectra" / line["file"]
        assert hashlib.sha256(path.read_bytes()).hexdigest() == line["sha256"]
        assert (path.stat().st_size, line["state"]) == (int(line["bytes"]), "fetched")
    again = fetch_files(found, tmp_path / "spectra", policy=HASTY)
    assert {file.state for file in again.files} == {"kept"}
    assert set(server.asked.values()) == {1}
    assert len(manifest(tmp_path / "spectra")) == 108


def faulty(rate: float):
    """A server that spoils answers at random, the same at each run."""

    def spoil(path: str, times: int, reply: Reply) -> Reply:
        rng = np.random.default_rng([times, *path.encode()])
        if rng.random() >= rate:
            return reply
        match int(rng.integers(5)):
            case 0:
                reply.sent = int(rng.integers(1, len(reply.body)))
            case 1:
                return Reply(b"<html>sorry</html>", 503, {"Retry-After": "0"}, "text/html")
            case 2:  # shorter than it should be, and the protocol does not say so
                reply.body = reply.body[: int(rng.integers(1, len(reply.body)))]
            case 3:
                return Reply(_HTML, content_type="text/html")
            case 4:
                reply.sent = -1
        return reply

    return spoil


@pytest.mark.timeout(600)
def test_three_hundred_files_of_a_server_with_faults(server, rows_of, tmp_path) -> None:
    found = many(server, rows_of, 300)
    server.spoil = faulty(0.35)
    fetched = fetch_files(found, tmp_path, policy=HASTY)
    assert sum(server.asked.values()) > 400  # there were faults
    assert 0 < len(fetched.missing) < 60
    assert all(file.reason for file in fetched.missing)
    bodies = {server.root + path: body for path, (body, _) in server.files.items()}
    for _ in range(8):
        for file in fetched.files:
            assert (file.path is None) == (file.state == "missing")
            assert file.path is None or file.path.read_bytes() == bodies[file.wanted.address]
        if fetched.complete:
            break
        fetched = fetch_files(found, tmp_path, policy=HASTY)
    assert fetched.complete
    # What was whole once was never asked for again.
    assert set(server.whole.values()) == {1}
    assert {path.name for path in tmp_path.iterdir() if path.name.startswith(".")} == {JOURNAL, ".lock"}


COMMAND = [sys.executable, "-c", "from ssap_query.cli import command; command()", "fetch"]


def test_kill_and_go_on(server, rows_of, tmp_path) -> None:
    found = many(server, rows_of, 60)
    found.write(tmp_path / "found.vot")
    command = [*COMMAND, str(tmp_path / "found.vot"), "-o", str(tmp_path / "spectra")]

    def slowly(path: str, times: int, reply: Reply) -> Reply:
        time.sleep(0.03)
        return reply

    server.spoil = slowly
    for enough in (15, 35):
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
            deadline = time.monotonic() + 100
            while sum(server.asked.values()) < enough and time.monotonic() < deadline:
                time.sleep(0.01)
            process.send_signal(signal.SIGKILL)
            assert process.wait() == -signal.SIGKILL
        for entry in stored_files(tmp_path / "spectra").values():
            body = server.files[entry.address.removeprefix(server.root)][0]
            assert (tmp_path / "spectra" / entry.file).read_bytes() == body
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "60 files of 60 rows" in done.stderr
    assert len(stored_files(tmp_path / "spectra")) == 60
    # Only those that were under way when the process was killed, two at a time, come once more.
    assert sum(server.asked.values()) <= 60 + 2 * 2
    assert not list((tmp_path / "spectra").glob(".*.part"))


def test_a_file_that_was_journaled_takes_its_place(server, rows_of, tmp_path) -> None:
    found = many(server, rows_of, 1)
    fetched = fetch_files(found, tmp_path, policy=HASTY).files[0]
    # As if the process had died between the journal and the move.
    part = tmp_path / f".{hashlib.sha256(fetched.wanted.address.encode()).hexdigest()[:16]}.part"
    fetched.path.rename(part)
    again = fetch_files(found, tmp_path, policy=HASTY).files[0]
    assert (again.state, again.path) == ("kept", fetched.path)
    assert set(server.asked.values()) == {1}


def test_what_was_damaged_since_is_fetched_again(server, rows_of, tmp_path) -> None:
    found = many(server, rows_of, 3)
    files = fetch_files(found, tmp_path, policy=HASTY).files
    body = bytearray(files[1].path.read_bytes())
    body[-1] ^= 1
    files[1].path.write_bytes(body)
    files[2].path.unlink()
    assert [file.state for file in fetch_files(found, tmp_path, OFFLINE).files] == ["kept", "missing", "missing"]
    again = fetch_files(found, tmp_path, policy=HASTY)
    assert [file.state for file in again.files] == ["kept", "fetched", "fetched"]
    assert [file.path for file in again.files] == [file.path for file in files]
    assert sorted(server.asked.values()) == [1, 2, 2]


def test_offline_nobody_is_asked(server, rows_of, tmp_path) -> None:
    found = many(server, rows_of, 3)
    offline = fetch_files(found, tmp_path / "none", OFFLINE)
    assert [file.state for file in offline.files] == ["missing"] * 3
    assert not server.asked
    assert not (tmp_path / "none").exists()
    fetch_files(found[:2], tmp_path, policy=HASTY)
    assert [file.state for file in fetch_files(found, tmp_path, OFFLINE).files] == ["kept", "kept", "missing"]
    assert to_fetch(found, tmp_path).files == 1
    # Rows of several results share a folder and its manifest.
    fetch_files(found[2:], tmp_path, policy=HASTY)
    assert [line["identity"] for line in manifest(tmp_path)] == ["0-0", "1-0", "2-0"]


def test_too_much_is_not_begun_and_not_gone_on_with(server, rows_of, tmp_path) -> None:
    found = many(server, rows_of, 4)
    sizes = [len(body) for body, _ in server.files.values()]
    with pytest.raises(ParameterError, match=rf"max_bytes: 100 is less than .* 4 files, {sum(sizes):,} bytes"):
        fetch_files(found, tmp_path, FetchOptions(max_bytes=100))
    assert not server.asked
    table = found.to_arrow().to_pylist()
    unknown = rows_of([{**row, "accsize": None} for row in table])
    assert to_fetch(unknown, tmp_path).words() == "4 files of unknown size"
    fetched = fetch_files(unknown, tmp_path, FetchOptions(max_bytes=100), replace(HASTY, requests_at_a_time=1))
    assert [file.state for file in fetched.files] == ["fetched", "missing", "missing", "missing"]
    assert "which is the limit" in fetched.missing[0].reason


def test_names_of_files_are_told_apart_and_fit_their_content(server, rows_of, tmp_path) -> None:
    body, packed = mrs_fits(1), mrs_fits(2, packed=True)
    rows = [
        {"accref": server.add("/a/one.fits", body), "mime": FITS},
        {"accref": server.add("/b/one.fits", packed), "mime": FITS},
        {"accref": server.add("/c/one.fits", sdm_votable(), SDM), "mime": SDM},
        {"accref": server.add("/get?ID=ivo%3A%2F%2Fx%2F~%3Fmine%2F..%2Ftwo", body), "mime": FITS},
        {"accref": server.add("/d/one.fits?preview=True", png(), "image/png"), "mime": "image/png"},
    ]
    files = fetch_files(rows_of(rows), tmp_path, policy=HASTY).files
    names = [file.path.name for file in files]
    assert {names[0], names[1], names[2], names[4]} == {"one.fits", "one.fits.gz", "one.vot", "one.png"}
    assert names[3] == "get-two.fits"
    assert all(file.path.parent == tmp_path for file in files)
    # The same address is the same file, and another one never takes its name.
    rows += [{"accref": server.add("/e/one.fits", body), "mime": FITS}]
    added = fetch_files(rows_of(rows), tmp_path, policy=HASTY).files[-1].path
    assert added.name.startswith("one-")
    assert added.read_bytes() == body
    (tmp_path / "mine.fits").write_bytes(b"of the user's own")
    last = fetch_files(rows_of([{"accref": server.add("/mine.fits", body), "mime": FITS}]), tmp_path, policy=HASTY)
    assert (tmp_path / "mine.fits").read_bytes() == b"of the user's own"
    assert last.files[0].path.read_bytes() == body


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("ftp://example.org/a.fits", "no address on the web"),
        ("http://synthetic.invalid/a.fits", "made-up name"),
        ("nonsense", "no address on the web"),
    ],
)
def test_addresses_that_nobody_is_asked_for(rows_of, tmp_path, address, reason) -> None:
    fetched = fetch_files(rows_of([{"accref": address}, {"accref": None}]), tmp_path, policy=HASTY)
    assert reason in fetched.missing[0].reason
    assert fetched.rows_without_file == (1,)
    assert "rows without an address: 1" in fetched.words()


def test_what_a_server_says_is_why_it_is_missing(server, rows_of, tmp_path) -> None:
    server.add("/page.fits", _HTML, "text/html")
    server.add("/other.fits", sdm_votable(), SDM)
    server.add("/empty.fits", b"")
    paths = ("/gone.fits", "/page.fits", "/other.fits", "/empty.fits")
    found = rows_of([{"accref": server.root + path, "mime": FITS} for path in paths])
    fetched = fetch_files(found, tmp_path, policy=HASTY)
    for file, reason in zip(fetched.files, ("404", "web page", "no FITS", "empty"), strict=True):
        assert reason in file.reason
    assert server.asked["/gone.fits"] == 1  # a refusal; the others may do better the next time
    assert server.asked["/other.fits"] == HASTY.attempts
    assert [line["state"] for line in manifest(tmp_path)] == ["missing"] * 4


def test_a_server_that_wants_to_be_left_alone_is(server, rows_of, tmp_path) -> None:
    found = many(server, rows_of, 20)
    server.spoil = lambda path, times, reply: Reply(b"", 503, {"Retry-After": "5000"})
    fetched = fetch_files(found, tmp_path, policy=HASTY)
    assert len(fetched.missing) == 20
    assert sum(server.asked.values()) <= 2
    assert "come back at" in fetched.missing[-1].reason


def test_a_folder_is_filled_by_one_at_a_time(server, rows_of, tmp_path) -> None:
    found = many(server, rows_of, 1)
    held, over = threading.Event(), threading.Event()

    def hold() -> None:
        with storage.lock_mirror(tmp_path):
            held.set()
            over.wait()

    other = threading.Thread(target=hold)
    other.start()
    held.wait()
    try:
        with pytest.raises(BusyError, match="being filled"):
            fetch_files(found, tmp_path, policy=HASTY)
    finally:
        over.set()
        other.join()
    (tmp_path / JOURNAL).write_text("nonsense\n")
    with pytest.raises(MirrorError, match="is damaged"):
        fetch_files(found, tmp_path, policy=HASTY)


def test_previews(server, rows_of, tmp_path) -> None:
    rows = [{"mobsid": "a", "preview": server.add("/a.fits?preview=True", png(), "image/png")}]
    fetched = fetch_files(rows_of(rows), tmp_path, FetchOptions("preview"), HASTY)
    assert fetched.files[0].path.name == "a.png"
    assert fetched.files[0].wanted.semantics == "#preview"
    server.spoil = lambda path, times, reply: Reply(reply.body[:200], content_type="image/png")
    cut = fetch_files(rows_of(rows), tmp_path / "cut", FetchOptions("preview"), HASTY)
    assert "no picture" in cut.missing[0].reason


def test_lamost_files_go_by_obsid_and_the_token_is_told_nobody(server, rows_of, tmp_path, monkeypatch, caplog) -> None:
    monkeypatch.setattr("ssap_query.fetch.plan._LAMOST", server.root)
    monkeypatch.setenv(TOKEN_VARIABLE, "very-secret")
    caplog.set_level(logging.INFO)
    server.add("/dr6/v2.0/mrs/spectrum/fits?obsid=7&token=very-secret", mrs_fits(7, packed=True))
    found = rows_of([{"obsid": 7, "mobsid": "7B"}, {"obsid": 7, "mobsid": "7R"}, {"obsid": 8, "mobsid": "8B"}])
    server.spoil = lambda path, times, reply: reply
    fetched = fetch_files(found, tmp_path, FetchOptions("lamost", release="dr6/v2.0"), HASTY)
    assert [file.state for file in fetched.files] == ["fetched", "missing"]
    assert fetched.files[0].path.name == "mrs-7.fits.gz"
    assert server.asked == Counter(
        {f"/dr6/v2.0/mrs/spectrum/fits?obsid={obsid}&token=very-secret": 1 for obsid in (7, 8)}
    )
    told = caplog.text + fetched.words() + str(fetched.to_json())
    told += "".join(path.read_text() for path in (tmp_path / "manifest.csv", tmp_path / JOURNAL))
    assert "very-secret" not in told
    assert "token=$LAMOST_TOKEN" in caplog.text


def test_a_token_that_a_server_repeats_is_hidden(server, rows_of, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("ssap_query.fetch.plan._LAMOST", server.root)
    monkeypatch.setenv(TOKEN_VARIABLE, "very-secret")
    server.add("/dr10/v2.0/mrs/spectrum/fits?obsid=7&token=very-secret", b"")
    server.spoil = lambda path, times, reply: Reply(
        b"the token very-secret is not valid", 403, content_type="text/plain"
    )
    fetched = fetch_files(rows_of([{"obsid": 7}]), tmp_path, FetchOptions("lamost"), HASTY)
    assert "the token $LAMOST_TOKEN is not valid" in fetched.missing[0].reason


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"source": "elsewhere"}, "source: 'elsewhere' is none of accref"),
        ({"release": "latest"}, "release: 'latest' is not of the form dr10/v2.0"),
        ({"max_bytes": -1}, "max_bytes: -1 is less than 0"),
    ],
)
def test_bad_options(options, message) -> None:
    with pytest.raises(ParameterError, match=message):
        FetchOptions(**options)


@pytest.mark.parametrize("source", ["accref", "preview", "lamost", "datalink"])
def test_rows_that_do_not_tell_where_files_are(rows_of, tmp_path, source) -> None:
    found = rows_of([{"mobsid": "a"}])[["mobsid", "ssa_snr"]]
    with pytest.raises(ParameterError, match=f"source: '{source}' cannot be fetched"):
        fetch_files(found, tmp_path, FetchOptions(source), HASTY)
