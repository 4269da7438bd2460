"""Units are converted or refused, never guessed."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from ssap_mirror.core.units import conversion, says_no_unit


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
    ],
)
def test_refused(given: str | None, wanted: str | None, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        conversion(given, wanted)


def test_ways_to_say_nothing() -> None:
    assert all(map(says_no_unit, (None, "", " ", "-", "---", "1")))
    assert not says_no_unit("deg")


def test_equal_units_do_not_load_astropy() -> None:
    code = "import sys; from ssap_mirror.core.units import conversion; conversion('deg', 'deg')"
    code += "; sys.exit('astropy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
