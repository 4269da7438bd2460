"""Where on the sky: a map of all of it, and a field."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ssap_mirror.errors import ParameterError

from ssap_query.mirror.mirror import Mirror
from ssap_query.plots.style import BLUE, GREY, MAP, counted, new_axes, scale_of_counts, tell
from ssap_query.plots.subject import Drawable, Subject

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

__all__ = ["field", "sky"]

_NONE = "#E8E8E8"
_WHOLE_SKY_DEG2 = 41252.96
# Points that can still be told apart in a field.
_FEW = 3000
_CELLS = 160
_WIDEST_DEG = 60.0
# A logarithmic scale of less than this has hardly a number on it.
_DECADE = 10


def sky(data: Drawable, order: int = 5, axes: Axes | None = None) -> Axes:
    """Draw spectra per square degree in HEALPix cells over the whole sky (Mollweide, ICRS, RA growing to the left).

    Parameters
    ----------
    data : Mirror, or any result or table
        What to draw.
    order : int
        HEALPix order of the cells, 0 to 9: 1.8 degrees at 5.
    axes : matplotlib.axes.Axes, optional
        Axes in the projection ``mollweide`` to draw on; new ones without it.

    Raises
    ------
    ParameterError
        If the order is not from 0 to 9.
    MirrorError
        If there are no positions.
    """
    import hpgeom
    import numpy as np
    from matplotlib.colors import LogNorm

    # A map of order 9 has three million cells, more than a picture has points.
    if not 0 <= order <= 9:
        name = "order"
        raise ParameterError(name, order, "is not from 0 to 9")
    subject = Subject(data)
    axes = new_axes(axes, size=(10, 6.2), projection="mollweide")
    counts = _counts(data, subject, order)
    width = 720 if order < 6 else 1440
    edges_x, edges_y = np.linspace(-180, 180, width + 1), np.linspace(-90, 90, width // 2 + 1)
    x, y = np.meshgrid((edges_x[1:] + edges_x[:-1]) / 2, (edges_y[1:] + edges_y[:-1]) / 2)
    # East is to the left, and RA 0 in the middle.
    cells = hpgeom.angle_to_pixel(1 << order, -x % 360.0, y, nest=True, lonlat=True, degrees=True)
    density = counts[cells] * len(counts) / _WHOLE_SKY_DEG2
    axes.set_facecolor(_NONE)
    axes.grid(visible=False)
    drawn: Any = axes.pcolormesh(
        np.radians(edges_x),
        np.radians(edges_y),
        np.ma.masked_equal(density, 0),
        cmap=MAP,
        norm=LogNorm() if counts.any() else None,
        rasterized=True,
    )
    _label_sky(axes)
    if counts.any():
        words = "spectra per square degree (grey: none)"
        scale_of_counts(axes, drawn, words, orientation="horizontal", shrink=0.5, pad=0.05, aspect=30)
    tell(axes, subject, counted(int(counts.sum())), f"ICRS, HEALPix order {order}")
    return axes


def field(data: Drawable, axes: Axes | None = None) -> Axes:
    """Draw the positions of a field: points, or densities where there are many.

    Parameters
    ----------
    data : Mirror, or any result or table
        What to draw.
    axes : matplotlib.axes.Axes, optional
        Axes to draw on; new ones without it.

    Raises
    ------
    ParameterError
        If the positions are wider apart than a field.
    MirrorError
        If there are no positions.
    """
    import numpy as np
    from matplotlib.colors import LogNorm

    subject = Subject(data)
    axes = new_axes(axes, size=(7, 6.2))
    ra, dec = subject.positions()
    ra = _beside(ra)
    middle = float((dec.min() + dec.max()) / 2) if len(dec) else 0.0
    narrow = max(np.cos(np.radians(middle)), 0.01)
    wide = max(np.ptp(ra) * narrow, np.ptp(dec)) if len(ra) else 0.0
    if wide > _WIDEST_DEG:
        name = "kind"
        raise ParameterError(name, "field", f"has positions over {wide:.0f} degrees; draw them as sky")
    places, spectra = _places(ra, dec)
    if len(spectra) > _FEW:
        drawn: Any = axes.hist2d(ra, dec, bins=_CELLS, cmap=MAP, norm=LogNorm(), rasterized=True)[3]
        scale_of_counts(axes, drawn, "spectra in a cell")
    elif len(spectra) and spectra.max() > 1:
        # Those with many are drawn last, over the others.
        norm = LogNorm() if spectra.max() >= _DECADE * spectra.min() else None
        drawn = axes.scatter(places[0], places[1], s=18, c=spectra, cmap=MAP, norm=norm, linewidths=0)
        scale_of_counts(axes, drawn, "spectra at a position")
    else:
        axes.scatter(places[0], places[1], s=14, color=BLUE, alpha=0.6, linewidths=0)
    axes.set_aspect(1 / narrow, adjustable="datalim")
    axes.invert_xaxis()
    axes.set_xlabel("RA (ICRS) [deg]")
    axes.set_ylabel("Dec (ICRS) [deg]")
    axes.ticklabel_format(useOffset=False)
    if len(ra) and ra.min() < 0:
        axes.xaxis.set_major_formatter(lambda value, place: f"{value % 360:g}")
    tell(axes, subject, counted(len(ra)), counted(len(spectra), "positions"))
    return axes


def _places(ra: NDArray[Any], dec: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Different positions, shape (2, positions), and how many spectra each has, in the order of these."""
    import numpy as np

    places, spectra = np.unique(np.stack([ra, dec]), axis=1, return_counts=True)
    order = np.argsort(spectra, kind="stable")
    return places[:, order], spectra[order]


def _beside(ra: NDArray[Any]) -> NDArray[Any]:
    """Right ascensions without the step from 360 to 0 where a field lies across it: those beyond it are negative."""
    import numpy as np

    if not len(ra):
        return ra
    turned = (ra + 180.0) % 360.0 - 180.0
    return turned if np.ptp(turned) < np.ptp(ra) else ra


def _counts(data: Drawable, subject: Subject, order: int) -> NDArray[Any]:
    """Spectra in each cell (NESTED)."""
    import hpgeom
    import numpy as np

    if isinstance(data, Mirror):
        return np.asarray(data.healpix_map(order), dtype=float)
    ra, dec = subject.positions()
    cells = hpgeom.angle_to_pixel(1 << order, ra, dec, nest=True, lonlat=True, degrees=True)
    return np.bincount(np.asarray(cells, dtype=np.int64), minlength=12 << 2 * order).astype(float)


def _label_sky(axes: Axes) -> None:
    """Draw meridians and parallels, with numbers beside them and not across them."""
    import numpy as np
    from matplotlib.patheffects import withStroke

    edge = [withStroke(linewidth=2.5, foreground="white")]
    along = np.radians(np.linspace(-90, 90, 91))
    for x in range(-120, 180, 60):
        axes.plot(np.full(91, np.radians(x)), along, color=GREY, linewidth=0.5, alpha=0.5)
        text = f" {-x % 360}°"
        axes.text(np.radians(x), np.radians(2), text, fontsize=8, ha="left", va="bottom", path_effects=edge)
    across = np.radians(np.linspace(-180, 180, 181))
    for y in range(-60, 90, 30):
        axes.plot(across, np.full(181, np.radians(y)), color=GREY, linewidth=0.5, alpha=0.5)
        if y:
            # Outside, where the parallel ends.
            axes.annotate(
                f"{y:+}°", (np.radians(-180), np.radians(y)), (-6, 0), textcoords="offset points",
                fontsize=8, ha="right", va="bottom" if y > 0 else "top",
            )  # fmt: skip
    axes.set_xticks([])
    axes.set_yticks([])
