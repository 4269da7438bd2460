"""Files as spectra of specutils, and each row's own among those of its file."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.units import Unit
from ssap_mirror.errors import FormatError, SourceError
from ssap_query.fetch.options import FetchOptions

pytest.importorskip("specutils", reason="the extra spectra is not installed")

from ssap_query.fetch.spectra.read import read_spectra

from tests.query.fetch.conftest import FITS, SDM
from tests.support import spectra_files as made

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def read(tmp_path, body: bytes, name: str = "file"):
    path = tmp_path / name
    path.write_bytes(body)
    return read_spectra(path)


@pytest.mark.parametrize("packed", [False, True])
def test_a_file_of_the_medium_resolution_survey(tmp_path, packed) -> None:
    found = read(tmp_path, made.mrs_fits(666, (101, 102, 103), packed=packed))
    assert [one.meta["identity"] for one in found] == [
        "666B", "666R", "666101B", "666102B", "666103B", "666101R", "666102R", "666103R",
    ]  # fmt: skip
    coadd, single = found[0], found[2]
    assert (coadd.meta["hdu"], single.meta["hdu"], single.meta["LMJM"]) == ("COADD_B", "B-101", "101")
    assert (coadd.spectral_axis.unit, coadd.flux.unit) == ("Angstrom", "")
    assert (np.diff(coadd.spectral_axis.value) > 0).all()
    # float32 makes one wavelength of some neighbours; the first of them stays.
    assert 10 < len(coadd.flux) < 40
    places = (3.69 + 1.2e-7 * np.arange(40)).astype(np.float32)
    kept = np.append(True, np.diff(places) > 0)
    np.testing.assert_array_equal(coadd.flux.value, np.arange(40)[kept])
    np.testing.assert_allclose(coadd.spectral_axis.value, 10 ** places[kept].astype(float))
    # No weight, or bad in any exposure.
    np.testing.assert_array_equal(coadd.mask, np.isin(np.arange(40)[kept], (2, 6)))
    kept_of_single = np.arange(36)[kept[:36]]
    np.testing.assert_array_equal(single.mask, np.isin(kept_of_single, (2, 5)))
    np.testing.assert_array_equal(np.unique(coadd.uncertainty.array), [0, 4])


def test_a_coadd_that_could_not_be_made(tmp_path) -> None:
    found = read(tmp_path, made.mrs_fits(5, (9,), stub=True, wavelengths=True))
    assert [one.meta["identity"] for one in found] == ["5R", "59B", "59R"]
    assert found[0].spectral_axis.value[0] == 5000


@pytest.mark.parametrize("body", [made.lrs_image(77), made.lrs_table(77)], ids=["image", "table"])
def test_files_of_the_low_resolution_survey(tmp_path, body) -> None:
    (one,) = read(tmp_path, body)
    assert (one.meta["identity"], one.meta["obsid"], len(one.flux)) == ("77", 77, 50)
    assert (one.spectral_axis.unit, one.spectral_axis.value[0]) == ("Angstrom", pytest.approx(10**3.57, rel=1e-6))
    assert np.flatnonzero(one.mask).tolist() == [7]


@pytest.mark.parametrize("utypes", [True, False])
def test_the_tables_of_the_ivoa(tmp_path, utypes) -> None:
    (one,) = read(tmp_path, made.sdm_votable(utypes=utypes, ucds=not utypes, values=(5002, 5000, 5001)))
    assert one.spectral_axis.value.tolist() == [5000, 5001, 5002]
    assert one.flux.value.tolist() == [2, 3, 1]
    assert one.meta["ssa_targname"] == "made up"


def test_an_axis_of_another_kind(tmp_path) -> None:
    (one,) = read(tmp_path, made.sdm_votable(unit="GHz", values=(1.4, 1.5, float("nan"))))
    assert one.spectral_axis.unit == "GHz"
    assert len(one.flux) == 2


def test_a_fits_table_with_utypes(tmp_path) -> None:
    (one,) = read(tmp_path, made.ssa_fits())
    assert (one.flux.unit, len(one.flux)) == (Unit("erg / (s cm2 Angstrom)"), 30)
    assert set(one.uncertainty.array) == {0.5}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (made.sdm_votable(utypes=False, ucds=False), "neither utypes nor UCDs"),
        (made.sdm_votable(unit="parrots"), "'parrots' is not known"),
        (made.sdm_votable(values=(5000,)), "a spectrum of 1 points"),
        (made.mrs_fits(1)[:-2880], "cut off"),
        (b"no spectrum", "specutils"),
    ],
)
def test_what_is_no_spectrum(tmp_path, body, message) -> None:
    with pytest.raises(FormatError, match=message):
        read(tmp_path, body)
    with pytest.raises(SourceError, match="cannot be read"):
        read_spectra(tmp_path / "nothing.fits")


def test_each_row_has_its_own(server, rows_of, tmp_path) -> None:
    first = server.add("/one.fits.gz", made.mrs_fits(31, (11, 12), packed=True))
    second = server.add("/two.vot", made.sdm_votable(), SDM)
    rows = [
        {"accref": first, "mobsid": name, "mime": FITS, "ssa_snr": number}
        for number, name in enumerate(("31R", "3112B", "3111R", "31B", "3111B", "3112R"))
    ]
    rows.insert(2, {"accref": second, "mobsid": "of another service", "mime": SDM, "ssa_snr": 99})
    found = rows_of(rows)
    spectra = found.to_specutils(tmp_path)
    assert [one.meta["identity"] for one in spectra] == found.to_arrow()["mobsid"].to_pylist()
    assert [one.meta["row"]["ssa_snr"] for one in spectra] == found.to_arrow()["ssa_snr"].to_pylist()
    assert [one.meta.get("hdu") for one in spectra] == ["COADD_R", "B-12", None, "R-11", "COADD_B", "B-11", "R-12"]
    assert set(server.asked.values()) == {1}
    # Offline it reads what is there.
    assert len(found[1:3].to_specutils(tmp_path, options=FetchOptions(offline=True))) == 2
    assert set(server.asked.values()) == {1}


def test_rows_without_a_spectrum(server, rows_of, tmp_path) -> None:
    rows = [
        {"accref": server.add("/one.fits", made.mrs_fits(31, (11,))), "mobsid": "31B"},
        {"accref": server.root + "/gone.fits", "mobsid": "32B"},
        {"accref": None, "mobsid": "33B"},
    ]
    with pytest.raises(SourceError, match="2 of 3 rows have no spectrum"):
        rows_of(rows).to_specutils(tmp_path)
    (one,) = rows_of(rows).to_specutils(tmp_path, skip_missing=True)
    assert (one.meta["identity"], one.meta["row_number"]) == ("31B", 0)
    wrong = [{**rows[0], "mobsid": "31X"}]
    with pytest.raises(FormatError, match="no spectrum of the row '31X': it has 31B, 31R"):
        rows_of(wrong).to_specutils(tmp_path)


def test_a_file_that_two_rows_share_and_that_does_not_tell_whose_it_is(server, rows_of, tmp_path) -> None:
    address = server.add("/one.vot", made.sdm_votable(), SDM)
    with pytest.raises(FormatError, match="spectra without a name"):
        rows_of([{"accref": address, "mobsid": "a"}, {"accref": address, "mobsid": "b"}]).to_specutils(tmp_path)
