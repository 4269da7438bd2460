"""Radial velocities: of one object along time, and how much those of many objects scatter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ssap_mirror.errors import ParameterError

from ssap_query.plots.histograms import dates_of, label_dates
from ssap_query.plots.style import BLUE, MAP, ORANGE, counted, label, new_axes, scale_of_counts, tell, tidy
from ssap_query.plots.subject import Drawable, Subject

if TYPE_CHECKING:
    import pyarrow as pa
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

__all__ = ["scatter", "velocities"]

# What a column of velocities is called with its error and its flag behind it, as LAMOST has them: rv_br1, rv_br1_err,
# rv_br_flag.
_ERROR, _FLAG = "_err", "_flag"
_COADD = "coadd"
_FEW = 2000
_NAMED = 5


def velocities(data: Drawable, rv: str = "rv_br1", axes: Axes | None = None) -> Axes:
    """Draw the radial velocities of one object along time, with errors; those with a flag are hollow.

    Each exposure is one point, however many spectra (arms) have its velocity. Co-adds are none, and left out where a
    column tells of them (``coadd``).

    Parameters
    ----------
    data : Mirror, or any result or table
        Rows of one object.
    rv : str
        Column of velocities. Its error is in the column of this name and ``_err``, its flag in one without a number
        and with ``_flag`` (``rv_br1_err``, ``rv_br_flag``), if they are there.
    axes : matplotlib.axes.Axes, optional
        Axes to draw on; new ones without it.

    Raises
    ------
    ParameterError
        If the rows are of several objects, or there is no such column.
    MirrorError
        If there is no column of dates.
    """
    import numpy as np

    subject = Subject(data)
    column = subject.column(rv, "rv")
    error, flag = _with(subject, rv, _ERROR), _with(subject, rv.rstrip("0123456789"), _FLAG)
    target = subject.schema.role("target_name")
    names = [] if target is None else subject.table(target.name).column(0).drop_null().unique().to_pylist()
    if len(names) > 1:
        name = "rows"
        shown = ", ".join(sorted(map(str, names))[:_NAMED]) + (", …" if len(names) > _NAMED else "")
        raise ParameterError(name, len(names), f"objects are among the rows, and one can be drawn: {shown}")
    wanted = [subject.role("t_mid", "dates of observation").name, rv, *(name for name in (error, flag) if name)]
    values, added = _exposures(subject, wanted)
    flagged = np.nan_to_num(values[:, -1]) != 0 if flag else np.zeros(len(values), bool)
    errors = np.nan_to_num(values[:, 2]) if error else np.zeros(len(values))
    axes = new_axes(axes)
    for chosen, fill, words in ((~flagged, BLUE, "no flag"), (flagged, "white", "flagged")):
        if chosen.any():
            bars = errors[chosen] if error else None
            colour = BLUE if fill == BLUE else ORANGE
            axes.errorbar(
                dates_of(values[chosen, 0]), values[chosen, 1], bars, fmt="o", color=colour, ecolor=colour,
                markerfacecolor=fill, markersize=5, capsize=2, linewidth=1, label=f"{words} ({chosen.sum():,})",
            )  # fmt: skip
    if flagged.any():
        axes.legend(loc="best", fontsize=9)
    outside = _narrow(axes, values[~flagged, 1], errors[~flagged], values[flagged, 1])
    label_dates(axes)
    axes.set_ylabel(label(column))
    axes.ticklabel_format(axis="y", useOffset=False)
    tidy(axes)
    facts = (f"{added:,} of co-adds left out" if added else "", f"{outside:,} flagged outside" if outside else "")
    tell(axes, subject, str(names[0]) if names else "", counted(len(values), "exposures"), *facts)
    return axes


def scatter(data: Drawable, rv: str = "rv_br1", axes: Axes | None = None) -> Axes:
    """Draw the standard deviation of each object's radial velocities against the number of its epochs.

    Exposures of one object at one time are one epoch; co-adds, and velocities with a flag, are left out where columns
    tell of them (``coadd``, ``rv_br_flag``).

    Parameters
    ----------
    data : Mirror, or any result or table
        Rows of many objects.
    rv : str
        Column of velocities.
    axes : matplotlib.axes.Axes, optional
        Axes to draw on; new ones without it.

    Raises
    ------
    ParameterError
        If there is no such column.
    MirrorError
        If there is no column of dates or of names of objects.
    """
    import numpy as np
    from matplotlib.colors import LogNorm
    from matplotlib.ticker import LogLocator, NullFormatter

    subject = Subject(data)
    column = subject.column(rv, "rv")
    epochs, deviations = _spreads(subject, rv)
    axes = new_axes(axes)
    if len(epochs) > _FEW:
        top = int(epochs.max())
        steps = np.unique(np.round(np.geomspace(2, top + 1, 40))).astype(int) - 0.5
        bins = (steps, np.geomspace(max(float(np.quantile(deviations, 0.001)), 1e-3), float(deviations.max()), 80))
        drawn: Any = axes.hist2d(epochs, deviations, bins=bins, cmap=MAP, norm=LogNorm(), rasterized=True)[3]
        scale_of_counts(axes, drawn, "objects in a cell")
    else:
        axes.scatter(epochs, deviations, s=16, color=BLUE, alpha=0.6, linewidths=0)
    if len(epochs):
        axes.set_yscale("log")
        axes.set_xscale("log")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
            axis.set_major_formatter("{x:g}")
            axis.set_minor_formatter(NullFormatter())
        axes.set_xlim(1.8, 1.1 * max(float(epochs.max()), 10.0))
    axes.set_xlabel("epochs of an object")
    axes.set_ylabel(f"standard deviation of {label(column)}")
    tidy(axes)
    tell(axes, subject, counted(len(epochs), "objects with two or more epochs"))
    return axes


def _exposures(subject: Subject, wanted: list[str]) -> tuple[NDArray[Any], int]:
    """Different rows of columns that have a date and a velocity, and how many of co-adds are not among them."""
    import numpy as np

    values = np.stack(subject.numbers(*wanted), axis=1)
    whole = np.isfinite(values[:, :2]).all(axis=1)
    added = np.zeros(len(values), bool)
    if _COADD in subject.schema:
        added = np.nan_to_num(subject.numbers(_COADD)[0]) != 0
    return np.unique(values[whole & ~added], axis=0), len(np.unique(values[whole & added], axis=0))


def _narrow(axes: Axes, good: NDArray[Any], errors: NDArray[Any], flagged: NDArray[Any]) -> int:
    """Show the velocities without a flag, and those with one as far as these leave room; how many do not fit."""
    import numpy as np

    if len(good) < 2:
        return 0
    low, high = (good - errors).min(), (good + errors).max()
    room = max(0.25 * (high - low), 1.0)
    if len(flagged) and (flagged.min() < low - room or flagged.max() > high + room):
        axes.set_ylim(low - room, high + room)
    return int(np.sum((flagged < low - room) | (flagged > high + room)))


def _with(subject: Subject, beginning: str, ending: str) -> str | None:
    name = beginning + ending
    return name if name in subject.schema else None


def _spreads(subject: Subject, rv: str) -> tuple[Any, Any]:
    """Work out the number of epochs and the standard deviation of the velocities of objects that have two epochs."""
    import numpy as np
    import pyarrow.compute as pc

    time = subject.role("t_mid", "dates of observation").name
    target = subject.role("target_name", "names of objects").name
    flag = _with(subject, rv.rstrip("0123456789"), _FLAG)
    tests = [name for name in (flag, _COADD if _COADD in subject.schema else None) if name]
    table: pa.Table = subject.table(target, time, rv, *tests)
    for name in tests:
        table = table.filter(pc.fill_null(pc.equal(table[name], 0), fill_value=True))
    table = table.filter(pc.and_(pc.is_finite(table[rv]), pc.is_valid(table[target])))
    # Both arms of an exposure have its velocity; of two at one time the mean is one epoch.
    epochs = table.group_by([target, time]).aggregate([(rv, "mean")])
    options = pc.VarianceOptions(ddof=1)
    spreads = epochs.group_by(target).aggregate([(f"{rv}_mean", "stddev", options), (time, "count")])
    counts, deviations = (np.asarray(spreads[name]) for name in (f"{time}_count", f"{rv}_mean_stddev"))
    several = (counts >= 2) & (deviations > 0)
    return counts[several], deviations[several]
