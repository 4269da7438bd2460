"""Units are converted or refused, never guessed."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from ssap_mirror.core import units
from ssap_mirror.core.units import conversion, says_no_unit, to_degrees, to_wavelength


@pytest.mark.parametrize(
    ("given", "wanted", "value", "expected"),
    [
        ("deg", "deg", 83.25, 83.25),
        ("Angstrom", "m", 5000.0, 5e-07),
        ("0.1nm", "m", 6562.5, 6562.5e-10),
        ("nm", "m", 656.25, 6.5625e-07),
        ("um", "m", 0.5, 5e-07),
        ("rad", "deg", np.pi, 180.0),
        ("arcsec", "deg", 3600.0, 1.0),
        ("h", "s", 0.5, 1800.0),
        ("min", "s", 15.0, 900.0),
        ("yr", "a", 12.5, 12.5),
        ("kbyte", "byte", 41.0, 41000.0),
        ("m/s", "km/s", 12345.0, 12.345),
        ("km s-1", "km/s", 3.5, 3.5),
        ("m.s**-1", "km/s", 500.0, 0.5),
        ("", None, 3.0, 3.0),
        ("---", "", 3.0, 3.0),
        (" deg ", "deg", 1.5, 1.5),
        ("degrees", "deg", 1.5, 1.5),
        ("nm", "Angstrom", 656.25, 6562.5),
        ("[nm]", "m", 656.25, 6.5625e-07),
        ("Days", "s", 0.5, 43200.0),
        ("SECONDS", "s", 5.0, 5.0),
        ("sec.", "s", 5.0, 5.0),
        ("[ks]", "s", 5.0, 5000.0),
    ],
)
def test_converted(given: str | None, wanted: str | None, value: float, expected: float) -> None:
    assert conversion(given, wanted).apply(np.array([value])).tolist() == [expected]


@pytest.mark.parametrize(
    ("given", "wanted", "reason"),
    [
        ("mag", "Jy", "'mag' cannot be converted to 'Jy'"),
        ("A", "m", "'A' cannot be converted"),  # ampere
        ("h", "deg", "'h' cannot be converted"),
        ("K", "m", "'K' cannot be converted"),
        ("furlong", "m", "the unit 'furlong' is not known"),
        ("mag", None, "'mag' is not 'no unit'"),
        (None, "deg", "'no unit' is not 'deg'"),
        ("m;DROP", "m", "is not known"),
        ("MJD", "s", "'MJD' counts days from a date, and is no length of time"),
        ("TJD", "d", "'TJD' counts days from a date"),
    ],
)
def test_refused(given: str | None, wanted: str | None, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        conversion(given, wanted)


def test_the_case_of_a_prefix_is_its_meaning() -> None:
    mega, milli = (conversion(unit, "deg").apply(np.array([1.0]))[0] for unit in ("Mrad", "mrad"))
    assert mega == pytest.approx(1e9 * milli)


def test_ways_to_say_nothing() -> None:
    assert all(map(says_no_unit, (None, "", " ", "-", "---", "1")))
    assert not says_no_unit("deg")


def test_equal_units_do_not_load_astropy() -> None:
    code = "import sys; from ssap_mirror.core.units import conversion; conversion('deg', 'deg')"
    code += "; sys.exit('astropy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_factors_are_those_of_astropy() -> None:
    from astropy import units as astropy_units

    spelled = {"degrees": "deg", "microns": "micron", "AA": "Angstrom", "sec": "s", "hours": "h", "days": "d"}
    checked = 0
    for spelling, (dimension, factor) in units._table().items():
        try:
            unit = astropy_units.Unit(spelled.get(spelling, spelling))
        except ValueError:
            continue
        base = {"wavenumber": "1/m", "angle": "deg"}.get(dimension, units._BASES[dimension])
        assert float(factor) == pytest.approx(unit.to(base), rel=1e-12), spelling
        checked += 1
    assert checked > 60


@pytest.mark.parametrize(
    "unit",
    ["m", "cm", "nm", "um", "Angstrom", "Hz", "GHz", "THz", "eV", "keV", "TeV", "J", "erg", "1/cm", "cm-1", "10*nm"],
)
def test_spectral_coordinates_are_those_of_astropy(unit: str) -> None:
    from astropy import units as astropy_units

    values = np.array([0.37, 1.0, 512.5])
    asked = astropy_units.Unit(unit.replace("cm-1", "1/cm"))
    expected = (values * asked).to_value("m", equivalencies=astropy_units.spectral())
    np.testing.assert_allclose(to_wavelength(unit).apply(values), expected, rtol=1e-14)


@pytest.mark.parametrize("unit", ["furlong", "K", "s", "deg", "mag"])
def test_what_is_no_spectral_coordinate(unit: str) -> None:
    with pytest.raises(ValueError, match=unit):
        to_wavelength(unit)


def test_what_only_some_columns_mean() -> None:
    assert to_wavelength("A") == to_wavelength("Angstrom")
    assert to_wavelength(None).is_identity
    assert to_degrees("h").apply(np.array([1.5])).tolist() == [22.5]
    assert to_degrees("hourangle").apply(np.array([1.5])).tolist() == [22.5]
    with pytest.raises(ValueError, match="'s' cannot be converted"):
        to_degrees("s")


def test_units_of_the_table_do_not_load_astropy() -> None:
    code = "import sys; from ssap_mirror.core.units import conversion, to_wavelength"
    code += "; conversion('nm', 'm'); to_wavelength('keV'); sys.exit('astropy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
