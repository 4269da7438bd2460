"""One column against another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ssap_query.plots.histograms import label_dates
from ssap_query.plots.style import BLUE, MAP, counted, label, new_axes, scale_of_counts, tell
from ssap_query.plots.subject import Drawable, Subject

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

__all__ = ["density"]

_FEW = 1000
# matplotlib counts days from 1970-01-01.
_MJD_OF_MATPLOTLIB = 40587.0
_CELLS = 120
# Beyond this share at each side are the outliers, which would press all others into a corner.
_LEFT_OUT = 0.001


def density(data: Drawable, x: str, y: str, axes: Axes | None = None) -> Axes:
    """Draw one column against another: points, or densities where there are many; dates of observation as such.

    Parameters
    ----------
    data : Mirror, or any result or table
        What to draw.
    x, y : str
        Names of columns of numbers.
    axes : matplotlib.axes.Axes, optional
        Axes to draw on; new ones without it.

    Raises
    ------
    ParameterError
        If there is no such column, or it has no numbers.
    """
    import numpy as np
    from matplotlib.colors import LogNorm

    subject = Subject(data)
    columns = subject.column(x, "x"), subject.column(y, "y")
    across, up = subject.numbers(x, y)
    known = np.isfinite(across) & np.isfinite(up)
    across, up = across[known], up[known]
    of_dates = subject.schema.roles.get("t_mid") == x
    if of_dates:
        across = across - _MJD_OF_MATPLOTLIB
    axes = new_axes(axes, size=(7.5, 6))
    beyond = 0
    if len(across) > _FEW:
        edges = [_edges(values) for values in (across, up)]
        drawn = axes.hist2d(across, up, bins=edges, cmap=MAP, norm=LogNorm(), rasterized=True)
        beyond = len(across) - int(np.nansum(drawn[0]))
        scale_of_counts(axes, drawn[3], "rows in a cell")
    else:
        axes.scatter(across, up, s=12, color=BLUE, alpha=0.6, linewidths=0)
    axes.set_ylabel(label(columns[1]))
    axes.ticklabel_format(useOffset=False)
    if of_dates:
        label_dates(axes)
    else:
        axes.set_xlabel(label(columns[0]))
    outliers = f"{beyond:,} outliers not shown" if beyond else ""
    tell(axes, subject, counted(len(across), "rows with both values"), outliers)
    return axes


def _edges(values: NDArray[Any]) -> NDArray[Any]:
    """Edges of cells that hold most values; of values in steps, each cell holds the same number of steps.

    Else some cells hold one step more than others, and bands are seen that are not there.
    """
    import numpy as np

    low, high = np.quantile(values, (_LEFT_OUT, 1 - _LEFT_OUT))
    if low == high:
        return np.linspace(low - 0.5, low + 0.5, _CELLS + 1)
    different = np.unique(np.float32(values[(values >= low) & (values <= high)]).astype(float))
    step = float(np.quantile(np.diff(different), 0.05)) if len(different) < len(values) / 5 else 0.0
    width = (high - low) / _CELLS
    if step > width / 20:
        width = max(round(width / step), 1) * step
        low -= step / 2
    return np.asarray(low + width * np.arange(int(np.ceil((high - low) / width)) + 1))
