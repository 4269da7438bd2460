"""What matched: how far off the partners are, and which share of a catalogue has one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ssap_query.plots.style import BLUE, GREY, MAP, ORANGE, counted, label, new_axes, scale_of_counts, tell
from ssap_query.plots.subject import Drawable, Subject

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["completeness", "matches"]

# Columns of a match, as `ssap_query.crossmatch` names them.
_SEPARATION, _ANGLE = "separation_arcsec", "position_angle_deg"
_FEW = 3000
_BINS = 20
_CELLS = 100


def matches(data: Drawable, axes: Axes | None = None) -> Axes:
    """Draw where the partners of a match are: their offsets to the north and the east, with circles of half and 95 %.

    Parameters
    ----------
    data : Match, or a table of one
        With the columns ``separation_arcsec`` and ``position_angle_deg``.
    axes : matplotlib.axes.Axes, optional
        Axes to draw on; new ones without it.

    Raises
    ------
    ParameterError
        If the columns are not there.
    """
    import numpy as np
    from matplotlib.colors import LogNorm

    subject = Subject(data)
    for name in (_SEPARATION, _ANGLE):
        subject.column(name)
    separation, angle = subject.numbers(_SEPARATION, _ANGLE)
    known = np.isfinite(separation) & np.isfinite(angle)
    separation, angle = separation[known], np.radians(angle[known])
    east, north = separation * np.sin(angle), separation * np.cos(angle)
    axes = new_axes(axes, size=(6.8, 6))
    edge = float(separation.max(initial=0.0)) * 1.05 or 1.0
    if len(np.unique(np.stack([east, north]), axis=1).T) > _FEW:
        drawn: Any = axes.hist2d(
            east, north, bins=_CELLS, range=[(-edge, edge), (-edge, edge)], cmap=MAP, norm=LogNorm(), rasterized=True
        )[3]
        scale_of_counts(axes, drawn, "pairs in a cell")
    else:
        axes.scatter(east, north, s=10, color=BLUE, alpha=0.5, linewidths=0)
    turn = np.linspace(0, 2 * np.pi, 181)
    for share, style in ((0.5, "-"), (0.95, "--")) if len(separation) else ():
        radius = float(np.quantile(separation, share))
        words = f"{share:.0%} within {radius:.3g} arcsec"
        axes.plot(radius * np.sin(turn), radius * np.cos(turn), color=ORANGE, ls=style, lw=1.8, label=words)
    if len(separation):
        # Below the picture, which the circles fill.
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, -0.2), ncols=2, frameon=False, fontsize=9)
    axes.set_xlim(-edge, edge)
    axes.set_ylim(-edge, edge)
    axes.axhline(0, color=GREY, linewidth=0.5)
    axes.axvline(0, color=GREY, linewidth=0.5)
    axes.set_aspect("equal")
    axes.invert_xaxis()
    axes.set_xlabel("offset to the east [arcsec]")
    axes.set_ylabel("offset to the north [arcsec]")
    tell(axes, subject, counted(len(separation), "pairs"))
    return axes


def completeness(data: Drawable, x: str, axes: Axes | None = None) -> Axes:
    """Draw which share of a catalogue has a spectrum, along one of its columns, with errors of counting.

    Parameters
    ----------
    data : Match, or a table of one
        The catalogue matched with spectra so that rows without a partner stay (``join="left"``): these have no
        ``separation_arcsec``. A row is an object (``find="best"``).
    x : str
        Column of the catalogue, its magnitude for one.
    axes : matplotlib.axes.Axes, optional
        Axes to draw on; new ones without it.

    Raises
    ------
    ParameterError
        If the columns are not there.
    """
    import numpy as np

    subject = Subject(data)
    column = subject.column(x, "x")
    subject.column(_SEPARATION)
    values, separation = subject.numbers(x, _SEPARATION)
    known = np.isfinite(values)
    values, matched = values[known], np.isfinite(separation[known])
    axes = new_axes(axes)
    if len(values):
        edges = np.histogram_bin_edges(values, _BINS)
        every, found = (np.histogram(part, edges)[0] for part in (values, values[matched]))
        there = every > 0
        middles = (edges[1:] + edges[:-1])[there] / 2
        share, low, high = _shares(found[there], every[there])
        axes.errorbar(
            middles, share, (share - low, high - share), fmt="o", color=BLUE, ecolor=BLUE, capsize=2, markersize=5
        )
        beside: Any = axes.twinx()
        beside.stairs(every, edges, color=GREY, alpha=0.6)
        beside.set_ylabel("objects in the catalogue", color=GREY)
        beside.set_yscale("log")
        beside.yaxis.set_major_formatter("{x:,g}")
        beside.spines["top"].set_visible(False)
    axes.set_ylim(-0.02, 1.02)
    axes.set_xlabel(label(column))
    axes.set_ylabel("share with a spectrum")
    axes.spines["top"].set_visible(False)
    tell(axes, subject, f"{int(matched.sum()):,} of {len(values):,} objects have a spectrum", "bars: 68 % (Wilson)")
    return axes


def _shares(found: Any, every: Any) -> tuple[Any, Any, Any]:
    """Shares with the ends of their intervals of one sigma (Wilson 1927), which stay between 0 and 1."""
    import numpy as np

    share = found / every
    middle = (share + 0.5 / every) / (1 + 1 / every)
    half = np.sqrt(share * (1 - share) / every + 0.25 / every**2) / (1 + 1 / every)
    return share, np.minimum(middle - half, share), np.maximum(middle + half, share)
