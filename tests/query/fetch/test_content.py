"""What a file is by its bytes, and whether all of it is there."""

from __future__ import annotations

from io import BytesIO

import pytest
from astropy.io import fits
from ssap_mirror.errors import FormatError
from ssap_query.fetch.content import look_into

from tests.query.fetch.conftest import FITS, SDM
from tests.support.spectra_files import mrs_fits, png, sdm_votable


def looked(tmp_path, body: bytes, media_type: str = ""):
    path = tmp_path / "file"
    path.write_bytes(body)
    return look_into(path, media_type)


@pytest.mark.parametrize(
    ("body", "media_type", "kind", "ending"),
    [
        (mrs_fits(1), FITS, "FITS", ".fits"),
        (mrs_fits(1, packed=True), "image/fits", "FITS", ".fits.gz"),
        (mrs_fits(1, checksum=True), "", "FITS", ".fits"),
        (sdm_votable(), SDM, "VOTable", ".vot"),
        (png(), "image/png", "picture", ".png"),
        (b"wavelength,flux\n5000,1\n", "text/csv", "other", ""),
    ],
)
def test_what_it_is(tmp_path, body, media_type, kind, ending) -> None:
    found = looked(tmp_path, body, media_type)
    assert (found.kind, found.ending) == (kind, ending)


@pytest.mark.parametrize("packed", [False, True])
def test_a_fits_file_that_is_cut_off_anywhere(tmp_path, packed) -> None:
    body = mrs_fits(1, packed=packed)
    for size in {*range(0, len(body), len(body) // 40), len(body) - 1, 81, min(2881, len(body) - 2)}:
        with pytest.raises(FormatError):
            looked(tmp_path, body[:size], FITS)


@pytest.mark.parametrize(("keyword", "value"), [("NEXTEND", 4), ("N_EXTEN", 5)])
def test_a_fits_file_that_is_cut_off_between_two_parts(tmp_path, keyword, value) -> None:
    with fits.open(BytesIO(mrs_fits(1))) as hdus:
        hdus[0].header[keyword] = value
        whole, part = BytesIO(), BytesIO()
        hdus.writeto(whole)
        fits.HDUList(hdus[:3]).writeto(part)
    assert looked(tmp_path, whole.getvalue(), FITS).kind == "FITS"
    with pytest.raises(FormatError, match="cut off: 3 parts of 5"):
        looked(tmp_path, part.getvalue(), FITS)


def test_filling_behind_a_fits_file_is_no_damage(tmp_path) -> None:
    assert looked(tmp_path, mrs_fits(1) + b"\0" * 2880).kind == "FITS"


def test_damaged_bytes_show_in_checksums(tmp_path) -> None:
    body = bytearray(mrs_fits(1, checksum=True))
    body[-2000] ^= 64
    with pytest.raises(FormatError, match="checksum"):
        looked(tmp_path, bytes(body))


@pytest.mark.parametrize(
    ("body", "media_type", "said"),
    [
        (b"", FITS, "empty"),
        (sdm_votable(), FITS, "no FITS, as application/fits should be"),
        (mrs_fits(1), "image/png", "no picture"),
        (sdm_votable()[:-40], SDM, "ends too early"),
        (png()[:-60], "image/png", "no picture that can be read"),
    ],
)
def test_what_is_not_what_it_should_be(tmp_path, body, media_type, said) -> None:
    with pytest.raises(FormatError, match=said):
        looked(tmp_path, body, media_type)
