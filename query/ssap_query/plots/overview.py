"""Pictures of a mirror: a map of the sky and histograms, as PNG, PDF or SVG.

healpy takes two seconds to import, so this module is loaded by the one command that draws.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from ssap_mirror.core.storage import replacing
from ssap_mirror.core.times import datetime_of
from ssap_mirror.errors import MirrorError, ParameterError

from ssap_query.mirror.mirror import Mirror

__all__ = ["KINDS", "plot"]

_PICTURES = ("png", "pdf", "svg")


def plot(mirror: Mirror, target: Path | IO[bytes], kind: str = "sky", order: int = 5) -> None:
    """Draw a picture of all rows of a mirror.

    Parameters
    ----------
    mirror : Mirror
        What to draw.
    target : pathlib.Path or binary file
        What to write. The ending of the path says how: ``.png``, ``.pdf`` or ``.svg``; a file that is open gets PNG.
    kind : {'sky', 'time', 'snr'}
        ``sky``: spectra per square degree, HEALPix cells in a Mollweide projection (ICRS, RA growing to the left);
        ``time``: spectra by month; ``snr``: spectra by signal to noise.
    order : int
        HEALPix order of the map: cells of 1.8 degrees at 5.

    Raises
    ------
    ParameterError
        If the kind or the ending is unknown, or the order is not from 0 to 9.
    MirrorError
        If the picture cannot be written, or the mirror lacks the column.
    """
    if kind not in KINDS:
        name = "kind"
        raise ParameterError(name, kind, f"is none of {', '.join(KINDS)}")
    # A map of order 9 has three million cells, more than a picture has points.
    if not 0 <= order <= 9:
        name = "order"
        raise ParameterError(name, order, "is not from 0 to 9")
    form = _PICTURES[0] if not isinstance(target, Path) else target.suffix.lower().removeprefix(".")
    if form not in _PICTURES:
        name = "output"
        raise ParameterError(name, str(target), f"ends in none of {', '.join(f'.{known}' for known in _PICTURES)}")
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure = KINDS[kind](mirror, order)
    try:
        if isinstance(target, Path):
            with replacing(target) as beside:
                _save(figure, beside, form)
        else:
            _save(figure, target, form)
    except OSError as error:
        message = f"{target} cannot be written: {error.strerror}"
        raise MirrorError(message) from error
    finally:
        plt.close(figure)


def _save(figure: Any, target: Path | IO[bytes], form: str) -> None:
    figure.savefig(target, dpi=150, format=form, bbox_inches="tight", pad_inches=0.2)


def _sky(mirror: Mirror, order: int) -> Any:
    import healpy
    import matplotlib.pyplot as plt
    import numpy as np

    counts = np.asarray(mirror.healpix_map(order), dtype=float)
    density = counts / healpy.nside2pixarea(1 << order, degrees=True)
    density[counts == 0] = healpy.UNSEEN
    healpy.mollview(
        density,
        nest=True,
        title="",
        cbar=False,
        norm="log" if counts.any() else None,
        cmap="viridis",
        badcolor="#eeeeee",
        xsize=1600,
        flip="astro",
        margins=(0.02, 0.13, 0.02, 0.11),
    )
    figure = plt.gcf()
    figure.set_size_inches(10, 6.4)
    healpy.graticule(dpar=30, dmer=60, color="#888888", alpha=0.5)
    axes = figure.axes[0]
    if counts.any():
        bar = figure.colorbar(axes.get_images()[0], ax=axes, orientation="horizontal", shrink=0.5, pad=0.04, aspect=30)
        bar.set_label("spectra per square degree (grey: none)")
        found = density[counts > 0]
        ticks = [step * 10.0**power for power in range(-3, 8) for step in (1, 2, 5)]
        ticks = [tick for tick in ticks if found.min() <= tick <= found.max()]
        bar.set_ticks(ticks, labels=[f"{tick:,g}" for tick in ticks])
        bar.ax.minorticks_off()
    for ra in range(60, 360, 60):
        healpy.projtext(ra, 2, f"{ra}°", lonlat=True, fontsize=8, color="#555555", ha="center")
    for dec in (-60, -30, 30, 60):
        healpy.projtext(0, dec, f"{dec:+}°", lonlat=True, fontsize=8, color="#555555", ha="center", va="center")
    _label(figure, mirror, f"ICRS, HEALPix order {order}")
    return figure


@dataclass(frozen=True)
class _Histogram:
    """How one column is drawn."""

    role: str
    label: str
    ticks: Callable[[Any], None]
    highest_quantile: float

    def __call__(self, mirror: Mirror, order: int) -> Any:
        import matplotlib.pyplot as plt
        import numpy as np

        column = mirror.catalog.schema.role(self.role)
        if column is None:
            message = f"{mirror.catalog.name} has no column for {self.label}"
            raise MirrorError(message)
        values = mirror.search(columns=[column.name]).to_arrow()[column.name].drop_null().to_numpy().astype(float)
        values = values[np.isfinite(values)]
        figure, axes = plt.subplots(figsize=(9, 5))
        if len(values):
            top = np.quantile(values, self.highest_quantile)
            axes.hist(values[values <= top], bins=60, color="#1f5fa8")
            if beyond := int((values > top).sum()):
                axes.set_title(f"{beyond:,} larger values are not shown", fontsize=9, loc="right")
        axes.set_xlabel(self.label + (f" [{column.unit}]" if column.unit and self.role != "t_mid" else ""))
        axes.set_ylabel("spectra")
        self.ticks(axes)
        axes.spines[["top", "right"]].set_visible(False)
        figure.subplots_adjust(top=0.82, bottom=0.14)
        _label(figure, mirror, f"{len(values):,} rows have a value")
        return figure


def _label(figure: Any, mirror: Mirror, note: str) -> None:
    catalog = mirror.catalog
    figure.text(0.5, 0.965, catalog.title, ha="center", va="top", fontsize=13)
    made_up = "SYNTHETIC rows, not observations; " if catalog.synthetic else ""
    figure.text(
        0.5,
        0.915,
        f"{catalog.rows:,} spectra, {made_up}{note}",
        ha="center",
        va="top",
        fontsize=9,
        color="#9a4b00" if made_up else "#555555",
    )


def _no_ticks(axes: Any) -> None:
    axes.ticklabel_format(axis="y", useOffset=False)


def _dates(axes: Any) -> None:
    """Label a time axis in MJD with calendar dates (UTC)."""
    low, high = axes.get_xlim()
    step = (high - low) / 6
    places = [low + step * (i + 0.5) for i in range(6)]
    axes.set_xticks(places, [datetime_of(place).strftime("%Y-%m-%d") for place in places])


KINDS: dict[str, Callable[[Mirror, int], Any]] = {
    "sky": _sky,
    "time": _Histogram("t_mid", "date of observation", _dates, 1.0),
    "snr": _Histogram("snr", "signal to noise", _no_ticks, 0.995),
}
