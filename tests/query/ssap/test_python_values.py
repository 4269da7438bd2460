"""What `Mirror.search` takes from Python, and the request it makes of it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.time import Time
from astropy.utils.masked import Masked
from ssap_mirror.errors import ParameterError
from ssap_query.ssap import REGISTRY
from ssap_query.ssap.python_values import request_pairs

ANGSTROMS = (6300, 6800) * u.AA


def value(**given: object) -> object:
    pairs = request_pairs(given)
    assert pairs[0] == ("REQUEST", "queryData")
    assert len(pairs) == 2
    return pairs[1][1]


@pytest.mark.parametrize(
    ("pos", "text"),
    [
        ((292.06, 43.93), "292.06,43.93"),
        ([292, 43], "292,43"),
        ("292.06,43.93;ICRS", "292.06,43.93;ICRS"),
        (np.array([292.06, 43.93]), "292.06,43.93"),
        (np.array([292.06, 43.93], np.float32), "292.05999755859375,43.93000030517578"),
        ([(1.0, 2.0), (3, 4)], "1.0,2.0,3,4"),
        (np.array([[1.0, 2.0], [3.0, 4.0]]), "1.0,2.0,3.0,4.0"),
        (SkyCoord(10, 20, unit="deg"), "10.0,20.0"),
        (SkyCoord([10, 11], [20, 21], unit="deg"), "10.0,20.0,11.0,21.0"),
        ([SkyCoord(10, 20, unit="deg"), SkyCoord(11, 21, unit="deg")], "10.0,20.0,11.0,21.0"),
        ((10 * u.deg, 1200 * u.arcmin), "10.0,20.0"),
        (SkyCoord([[10, 11], [12, 13]], [[0, 1], [2, 3]], unit="deg"), "10.0,0.0,11.0,1.0,12.0,2.0,13.0,3.0"),
    ],
)
def test_positions(pos, text) -> None:
    assert value(pos=pos) == text


def test_positions_of_other_frames_are_turned_to_icrs() -> None:
    ra, dec = map(float, str(value(pos=SkyCoord(0, 0, unit="deg", frame="galactic"))).split(","))
    assert (ra, dec) == pytest.approx((266.40498829, -28.93617776), abs=1e-7)


@pytest.mark.parametrize("pos", [5, (1, 2, 3), [(1, 2), (3,)], [], [()], object(), (None, 1), ((1, 2), 3), {"ra": 1}])
def test_what_is_no_position(pos) -> None:
    with pytest.raises(ParameterError) as caught:
        value(pos=pos)
    assert caught.value.name == "POS"


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"size": 0.2}, "0.2"),
        ({"size": 12 * u.arcmin}, "0.2"),
        ({"diameter": 0.2 * u.deg}, "0.2"),
        ({"size": "0.2"}, "0.2"),
        ({"size": np.float64(1)}, "1.0"),
        ({"band": 6.3e-7}, "6.3e-07"),
        ({"band": (6.3e-7, 6.8e-7)}, "6.3e-07/6.8e-07"),
        ({"band": [6.3e-7, None]}, "6.3e-07/"),
        ({"band": ANGSTROMS}, "/".join(repr(float(x)) for x in ANGSTROMS.to_value(u.m))),
        ({"band": [(1e-7, 2e-7), (None, 5e-8)]}, "1e-07/2e-07,/5e-08"),
        ({"band": "Optical"}, "Optical"),
        ({"snr": 20}, "20"),
        ({"snr": (20, None)}, "20/"),
        ({"snr": (None, 50)}, "/50"),
        ({"snr": (None, None)}, "/"),
        ({"snr": np.array([20, 50])}, "20/50"),
        ({"SNR": "20/"}, "20/"),
        ({"redshift": (-0.1, 0.1)}, "-0.1/0.1"),
        ({"aperture": 3.3 * u.arcsec}, repr(float((3.3 * u.arcsec).to_value(u.deg)))),
        ({"timeres": 2 * u.min}, "120.0"),
        ({"specrp": 5000}, "5000"),
        ({"targetname": "HD 1"}, "HD 1"),
        ({"targetname": ["HD 1", "a,b", "50%;"]}, "HD 1,a%2Cb,50%25%3B"),
        ({"collection": np.array(["a", "b"])}, "a,b"),
        ({"format": "all"}, "all"),
        ({"pubdid": "ivo://a?b"}, "ivo://a?b"),
        ({"pubdid": ["ivo://a", "ivo://b,c"]}, ("ivo://a", "ivo://b,c")),
        ({"top": 5}, "5"),
        ({"maxrec": 0}, "0"),
        ({"verb": 1}, "1"),
        ({"compress": True}, "true"),
    ],
)
def test_values(given, text) -> None:
    assert value(**given) == text


def test_frequencies_and_energies_are_wavelengths_in_order() -> None:
    low, high = map(float, str(value(band=(500, 400) * u.THz)).split("/"))
    assert (low, high) == pytest.approx((299792458 / 500e12, 299792458 / 400e12))
    low, high = map(float, str(value(band=(400 * u.THz, 500 * u.THz))).split("/"))
    assert low < high
    assert float(str(value(band=2 * u.eV))) == pytest.approx(6.199e-7, rel=1e-3)


@pytest.mark.parametrize(
    ("time", "text"),
    [
        ("2018-05", "2018-05"),
        (("2018-05-01", "2018-06-01"), "2018-05-01/2018-06-01"),
        (("2018-05-01", None), "2018-05-01/"),
        (58239.5, "58239.5"),
        (58239, "58239.0"),
        (date(2018, 5, 1), "2018-05-01"),
        (datetime(2018, 5, 1, 12, 30), "2018-05-01T12:30:00.000000"),
        (datetime(2018, 5, 1, 12, 30, tzinfo=timezone(timedelta(hours=8))), "2018-05-01T04:30:00.000000"),
        (datetime(2018, 5, 1, tzinfo=UTC), "2018-05-01T00:00:00.000000"),
        (np.datetime64("2018-05-01"), "2018-05-01"),
        (np.datetime64("2018-05-01T01:02:03.123456789"), "2018-05-01T01:02:03.123456"),
        (Time("2018-05-01T00:00:00"), "2018-05-01T00:00:00.000000"),
        (Time(["2018-05-01", "2018-06-01"]), "2018-05-01T00:00:00.000000/2018-06-01T00:00:00.000000"),
        (Time("2018-05-01T00:01:09.184", scale="tt"), "2018-05-01T00:00:00.000000"),
        ([(date(2018, 5, 1), None), ("2017", "2017")], "2018-05-01/,2017/2017"),
    ],
)
def test_times(time, text) -> None:
    assert value(time=time) == text
    assert value(mtime=time) == text


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"snr": object()}, "SNR"),
        ({"snr": True}, "SNR"),
        ({"snr": (1, 2, 3)}, "SNR"),
        ({"snr": []}, "SNR"),
        ({"snr": (1, (2, 3))}, "SNR"),
        ({"snr": 5 * u.m}, "SNR"),
        ({"size": 5 * u.m}, "SIZE"),
        ({"size": (1, 2)}, "SIZE"),
        ({"time": object()}, "TIME"),
        ({"band": 1j}, "BAND"),
        ({"targetname": 5}, "TARGETNAME"),
        ({"targetname": ["a", 5]}, "TARGETNAME"),
        ({"wildtarget": ["a"]}, "WILDTARGET"),
        ({"pubdid": []}, "PUBDID"),
        ({"verb": None, "nonsense": 1}, "nonsense"),
        ({"size": 1, "diameter": 1}, "diameter"),
        ({"snr": 1, "SNR": 1}, "SNR"),
    ],
)
def test_bad_values_are_named(given, name) -> None:
    with pytest.raises(ParameterError) as caught:
        request_pairs(given)
    assert caught.value.name == name


@pytest.mark.parametrize("param", REGISTRY, ids=lambda param: param.name)
def test_every_parameter_is_a_keyword_that_takes_its_text(param) -> None:
    for example in param.examples:
        found = request_pairs({param.name.lower(): example})
        assert (param.name, example) in found
        assert param.parse(example, "ivoa") == param.parse(dict(found)[param.name], "ivoa")


def test_a_pyvo_script_moves_by_one_line(mirror, awkward) -> None:
    place = next(row["location"] for row in awkward.rows if row["location"] and abs(row["location"][1]) < 80)
    found = mirror.search(
        pos=SkyCoord(*place, unit="deg"),
        diameter=1 * u.deg,
        band=(4e-7, 7e-7) * u.m,
        time=Time(["2017-01-01", "2019-01-01"]),
        format="all",
        SNR="0/",
        MAXREC=1000,
    )
    assert 0 < len(found) <= 1000
    assert found.status == "OK"


def test_values_of_a_search_are_those_of_its_request(mirror) -> None:
    found = mirror.search(pos=(56.1, 21.6), size=1, snr=(5, None), top=3, verb=1)
    wired = mirror.ssap("REQUEST=queryData&POS=56.1,21.6&SIZE=1&SNR=5/&TOP=3&VERB=1")
    assert found.to_arrow().to_pylist() == wired.to_arrow().to_pylist()
    assert len(found) == 3


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"pos": (33.0, np.ma.masked)}, "POS"),
        ({"pos": np.ma.array([33.0, 5.0], mask=[True, False])}, "POS"),
        ({"pos": [(33.0, 5.0), (np.ma.masked, 5.0)]}, "POS"),
        ({"pos": Masked([33.0, 5.0] * u.deg, mask=[True, False])}, "POS"),
        ({"size": np.ma.masked}, "SIZE"),
        ({"snr": np.ma.masked}, "SNR"),
        ({"snr": (np.ma.masked, None)}, "SNR"),
        ({"snr": np.ma.array([0.0, 5.0], mask=[False, True])}, "SNR"),
        ({"band": (3e-7, np.ma.masked)}, "BAND"),
        ({"redshift": [(0.1, 0.2), (np.ma.masked, 0.5)]}, "REDSHIFT"),
        ({"time": np.ma.masked}, "TIME"),
        ({"time": (58000.0, np.ma.masked)}, "TIME"),
        ({"maxrec": np.ma.masked}, "MAXREC"),
    ],
)
def test_what_is_masked_is_no_value(given, name) -> None:
    """Nor is it 0, or whatever number lies under the mask."""
    with pytest.raises(ParameterError) as caught:
        request_pairs(given)
    assert caught.value.name == name
