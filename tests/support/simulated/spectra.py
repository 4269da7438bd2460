"""The truth: made-up spectra in physical units, and which of them a constraint selects, by brute force."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from ssap_mirror.core.sphere import separation_arcsec

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["DAY_S", "Spectra", "concatenated", "made_up", "overlap"]

DAY_S = 86400.0
#: In clusters (RA, declination, radius, share of the rows): both poles, RA 0, two fields, and the rest all round.
_CLUSTERS = ((10.0, 89.6, 0.4), (200.0, -89.7, 0.3), (359.9, 5.0, 1.5), (0.2, -30.0, 1.0), (83.6, 22.0, 2.0))
_BANDS_NM = ((370.0, 900.0), (495.0, 535.0), (630.0, 680.0))


@dataclass(frozen=True)
class Spectra:
    """Made-up spectra; arrays of shape (N,), NaN where a value is missing."""

    number: NDArray[np.int64]
    """Tells the rows apart, for tests."""
    ra: NDArray[np.float64]
    """ICRS right ascension [deg]."""
    dec: NDArray[np.float64]
    """ICRS declination [deg]."""
    t_mid: NDArray[np.float64]
    """Middle of the exposure, MJD [d]; a whole minute."""
    exposure: NDArray[np.float64]
    """Length of the exposure [s]; a whole number of even minutes."""
    wave_min: NDArray[np.float64]
    """Shortest vacuum wavelength [m]."""
    wave_max: NDArray[np.float64]
    """Longest vacuum wavelength [m]."""
    snr: NDArray[np.float64]
    """Signal to noise; a float32 value."""
    teff: NDArray[np.float64]
    """Temperature of a model [K], for services of computed spectra."""
    logg: NDArray[np.float64]
    """Surface gravity of a model, log10 of cm/s2."""
    target: NDArray[np.object_]
    """Name of the target, which has several spectra."""
    collection: NDArray[np.object_]
    """One of three collections."""
    velocity: NDArray[np.float64]
    """A number that no parameter asks for [km/s], so that only a comparison of whole rows shows that it changed."""

    def __len__(self) -> int:
        return len(self.number)

    def take(self, rows: Any) -> Spectra:
        """Give the spectra at some rows: indices, a mask or a slice."""
        return Spectra(**{item.name: getattr(self, item.name)[rows] for item in fields(self)})

    def changed(self, name: str, rows: Any, value: Any) -> Spectra:
        """Give the spectra with other values of one field in some rows."""
        values = getattr(self, name).copy()
        values[rows] = value
        return replace(self, **{name: values})

    @property
    def t_min(self) -> NDArray[np.float64]:
        """Beginning of the exposure, MJD [d]."""
        return self.t_mid - self.exposure / 2 / DAY_S

    @property
    def t_max(self) -> NDArray[np.float64]:
        """End of the exposure, MJD [d]."""
        return self.t_mid + self.exposure / 2 / DAY_S

    def in_cone(self, ra: float, dec: float, radius_deg: float) -> NDArray[np.bool_]:
        """Which lie in a cone."""
        return self.separations(ra, dec) <= radius_deg

    def separations(self, ra: float, dec: float) -> NDArray[np.float64]:
        """Angular distances from a position [deg]; infinite where there is no position."""
        with np.errstate(invalid="ignore"):
            found = separation_arcsec(ra, dec, self.ra, self.dec) / 3600
        return np.where(np.isfinite(self.ra) & np.isfinite(self.dec), found, np.inf)


def overlap(
    low: NDArray[np.float64], high: NDArray[np.float64], start: float | None, stop: float | None
) -> NDArray[np.bool_]:
    """Which coverages overlap a range, ends included; a missing end never does."""
    with np.errstate(invalid="ignore"):
        found = np.isfinite(low) & np.isfinite(high)
        found &= (high >= start) if start is not None else True
        found &= (low <= stop) if stop is not None else True
    return found


def made_up(count: int = 1500, seed: int = 1, first: int = 0) -> Spectra:
    """Make spectra: clusters at the poles and at RA 0, a dense field, the rest all round the sky.

    Some have no date, no position, or no signal to noise, and three have neither date nor position.

    Parameters
    ----------
    count : int
        How many.
    seed : int
        The same seed gives the same spectra.
    first : int
        Number of the first.
    """
    rng = np.random.default_rng(seed)
    targets = max(count // 3, 1)
    ra = rng.uniform(0, 360, targets)
    dec = np.degrees(np.arcsin(rng.uniform(-1, 1, targets)))
    share = targets // 12
    for at, (centre_ra, centre_dec, radius) in enumerate(_CLUSTERS):
        rows = slice(at * share, (at + 1) * share)
        turn, away = rng.uniform(0, 2 * np.pi, share), radius * np.sqrt(rng.uniform(0, 1, share))
        dec[rows] = np.clip(centre_dec + away * np.sin(turn), -90, 90)
        ra[rows] = (centre_ra + away * np.cos(turn) / np.cos(np.radians(dec[rows]))) % 360
    target = rng.integers(0, targets, count)
    minutes = rng.integers(0, 600, count) * 1440 + rng.integers(0, 600, count)
    bands = np.array(_BANDS_NM)[rng.integers(0, len(_BANDS_NM), count)] + rng.integers(0, 100, (count, 2)) / 10
    undated, unplaced = rng.random(count) < 0.01, rng.random(count) < 0.01
    undated[:3] = unplaced[:3] = True
    snr = rng.gamma(3.0, 12.0, count).astype(np.float32).astype(np.float64)
    return Spectra(
        number=np.arange(first, first + count),
        ra=np.where(unplaced, np.nan, ra[target]),
        dec=np.where(unplaced, np.nan, dec[target]),
        t_mid=np.where(undated, np.nan, 58000 + minutes / 1440),
        exposure=rng.choice([600.0, 1200.0, 3600.0], count),
        wave_min=bands[:, 0] / 1e9,
        wave_max=bands[:, 1] / 1e9,
        snr=np.where(rng.random(count) < 0.01, np.nan, snr),
        teff=rng.integers(30, 800, count) * 100.0,
        logg=rng.integers(0, 11, count) / 2,
        target=np.array([f"Star {number:04d}" for number in target], object),
        collection=np.array(["deep", "wide", "pilot"], object)[rng.integers(0, 3, count)],
        velocity=rng.integers(-3000, 3000, count) / 10,
    )


def concatenated(*spectra: Spectra) -> Spectra:
    """Put spectra after one another."""
    names = [item.name for item in fields(Spectra)]
    return Spectra(**{name: np.concatenate([getattr(item, name) for item in spectra]) for name in names})
