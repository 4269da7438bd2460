"""How many spectra: by signal to noise, by date, and at each wavelength."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ssap_mirror.core.units import to_wavelength
from ssap_mirror.errors import MirrorError

from ssap_query.plots.style import BLUE, counted, label, new_axes, tell, tidy
from ssap_query.plots.subject import Drawable, Subject

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

__all__ = ["bands", "dates_of", "snr", "time"]

_BINS = 60
# The largest values of a signal to noise would press all others into one bin.
_SHOWN_SHARE = 0.995
_MJD_ZERO = "1858-11-17"


def snr(data: Drawable, axes: Axes | None = None) -> Axes:
    """Draw a histogram of the signal to noise; the largest half per cent is counted above it.

    Parameters
    ----------
    data : Mirror, or any result or table
        What to draw.
    axes : matplotlib.axes.Axes, optional
        Axes to draw on; new ones without it.

    Raises
    ------
    MirrorError
        If there is no column for it.
    """
    import numpy as np

    subject = Subject(data)
    column = subject.role("snr", "signal to noise")
    values = _known(*subject.numbers(column.name))
    axes = new_axes(axes)
    beyond = ""
    if len(values):
        top = float(np.quantile(values, _SHOWN_SHARE))
        axes.hist(values[values <= top], bins=_BINS, color=BLUE)
        larger = int((values > top).sum())
        beyond = f"{larger:,} above {top:,.4g} not shown" if larger else ""
    axes.set_xlabel(f"signal to noise ({label(column)})")
    axes.set_ylabel("spectra")
    tidy(axes)
    tell(axes, subject, counted(len(values), "spectra with a value"), beyond)
    return axes


def time(data: Drawable, axes: Axes | None = None) -> Axes:
    """Draw how many spectra were taken when, on an axis of calendar dates (UTC).

    Parameters and errors are those of `snr`.
    """
    subject = Subject(data)
    column = subject.role("t_mid", "dates of observation")
    values = _known(*subject.numbers(column.name))
    axes = new_axes(axes)
    span = ""
    if len(values):
        dates = dates_of(values)
        axes.hist(dates, bins=_BINS, color=BLUE)
        # The axis names a year where it begins only.
        span = f"{str(dates.min())[:10]} to {str(dates.max())[:10]}"
    label_dates(axes)
    axes.set_ylabel("spectra")
    tidy(axes)
    tell(axes, subject, counted(len(values), "spectra with a date"), span)
    return axes


def bands(data: Drawable, axes: Axes | None = None) -> Axes:
    """Draw how many spectra cover each wavelength in vacuum.

    Parameters and errors are those of `snr`.
    """
    import numpy as np

    subject = Subject(data)
    low_high = []
    for role, what in (("em_min", "the start of the coverage"), ("em_max", "its end")):
        column = subject.role(role, what)
        try:
            metres = to_wavelength(column.unit).apply(subject.numbers(column.name)[0])
        except ValueError as error:
            message = f"{column.name} is no wavelength: {error}"
            raise MirrorError(message) from error
        low_high.append(metres * 1e9)
    # Of frequencies and energies the lower end is that of the longer wave.
    starts, ends = np.minimum(*low_high), np.maximum(*low_high)
    covered = np.isfinite(starts) & np.isfinite(ends)
    places, sums = _coverage(starts[covered], ends[covered])
    axes = new_axes(axes)
    if len(places):
        axes.fill_between(places, sums, step="post", color=BLUE, alpha=0.35, linewidth=0)
        axes.step(places, sums, where="post", color=BLUE, linewidth=1)
        axes.set_ylim(bottom=0)
    axes.set_xlabel("wavelength [nm]")
    axes.set_ylabel("spectra that cover it")
    tidy(axes)
    tell(axes, subject, counted(int(covered.sum()), "spectra with a coverage"))
    return axes


def dates_of(mjd: NDArray[Any]) -> NDArray[Any]:
    """Dates of Modified Julian Dates, as ``datetime64[s]``."""
    import numpy as np

    seconds = np.round(mjd * 86400.0).astype(np.int64)
    return np.datetime64(_MJD_ZERO, "s") + seconds.astype("timedelta64[s]")


def label_dates(axes: Axes) -> None:
    """Put calendar dates on the axis of times."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator()
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    axes.set_xlabel("date of observation (UTC)")


def _coverage(starts: NDArray[Any], ends: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Wavelengths at which the number of spectra that cover them changes, and that number from each on."""
    import numpy as np

    places, where = np.unique(np.concatenate([starts, ends]), return_inverse=True)
    steps = np.zeros(len(places))
    np.add.at(steps, where[: len(starts)], 1)
    np.add.at(steps, where[len(starts) :], -1)
    return places, np.cumsum(steps)


def _known(values: NDArray[Any]) -> NDArray[Any]:
    import numpy as np

    known: NDArray[Any] = values[np.isfinite(values)]
    return known
