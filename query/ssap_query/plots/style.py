"""How all pictures look: colours that everybody can tell apart, labels with units, and what is said above."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from ssap_mirror.core.schema import Column
from ssap_mirror.core.storage import replacing, translate_write_errors
from ssap_mirror.errors import ParameterError, needs_extra

# Every picture needs this module, so each says in the same sentence that there is nothing to draw with.
with needs_extra("plot", "matplotlib"):
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ssap_query.plots.subject import Subject

__all__ = [
    "BLUE",
    "COLOURS",
    "GREY",
    "MAP",
    "ORANGE",
    "counted",
    "forget",
    "form_of",
    "label",
    "new_axes",
    "save",
    "tell",
    "tidy",
]

#: Colours that can be told apart with any eyes (Okabe & Ito 2008).
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
BLUE, ORANGE, GREY = COLOURS[0], COLOURS[1], "#595959"
#: Colours of densities: the brighter the more, in print and with any eyes.
MAP = "viridis"

_FORMS = ("png", "pdf", "svg")
_SIZE = (9.0, 5.4)
# Modules that say whether somebody looks on.
_PYPLOT, _NOTEBOOK = "matplotlib.pyplot", "ipykernel"


def new_axes(axes: Axes | None, *, size: tuple[float, float] = _SIZE, **options: Any) -> Axes:
    """Give axes to draw on: those of the caller, or new ones.

    In a notebook, and where somebody has loaded pyplot, these are pyplot's, which shows them; else nobody else's.
    """
    if axes is not None:
        return axes
    if not {_PYPLOT, _NOTEBOOK}.isdisjoint(sys.modules):
        from matplotlib import pyplot

        figure: Any = pyplot.figure(figsize=size, layout="constrained")
    else:
        figure = Figure(figsize=size, layout="constrained")
        FigureCanvasAgg(figure)
    made: Axes = figure.add_subplot(**options)
    return made


def forget(axes: Axes) -> None:
    """Tell pyplot, if it is loaded, that nobody is to be shown a picture any more."""
    if _PYPLOT in sys.modules:
        sys.modules[_PYPLOT].close(axes.figure)


def tell(axes: Axes, subject: Subject, *facts: str) -> None:
    """Say above a picture what it is of, whether the rows are made up, and a few facts."""
    said = ["SYNTHETIC rows, not observations"] if subject.is_made_up else []
    said += [fact for fact in facts if fact]
    colour = "#8A3800" if subject.is_made_up else GREY
    # From the top of the axes upwards: first the facts, above them the title.
    place: dict[str, Any] = {"xycoords": "axes fraction", "textcoords": "offset points", "ha": "center", "va": "bottom"}
    axes.annotate("; ".join(said), (0.5, 1.0), (0, 6), fontsize=9, color=colour, **place)
    if subject.title:
        axes.annotate(subject.title, (0.5, 1.0), (0, 20), fontsize=12, **place)


def label(column: Column) -> str:
    """Give the name of a column with its unit."""
    return f"{column.name} [{column.unit}]" if column.unit else column.name


def counted(number: int, what: str = "spectra") -> str:
    """Say how many there are of something."""
    return f"{number:,} {what}"


def tidy(axes: Axes) -> None:
    """Take away the two lines around a picture that stand for nothing."""
    axes.spines[["top", "right"]].set_visible(False)


def scale_of_counts(axes: Axes, drawn: Any, words: str, **options: Any) -> None:
    """Draw the scale of colours of counts, logarithmic or not, with plain numbers."""
    from matplotlib.colors import LogNorm
    from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, StrMethodFormatter

    bar: Any = axes.figure.colorbar(drawn, ax=axes, **options)
    bar.set_label(words)
    bar.locator = LogLocator(subs=(1.0, 2.0, 5.0)) if isinstance(drawn.norm, LogNorm) else MaxNLocator(integer=True)
    bar.formatter = StrMethodFormatter("{x:,g}")
    bar.minorformatter = NullFormatter()
    bar.update_ticks()


def save(axes: Axes | Sequence[Axes], target: str | Path | IO[bytes]) -> None:
    """Write a picture to a file, which takes its name when it is complete.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        Any axes of it.
    target : path or binary file
        What to write. The ending of the path says how: ``.png``, ``.pdf`` or ``.svg``; a file that is open gets PNG.

    Raises
    ------
    ParameterError
        If the ending is none of these.
    MirrorError
        If the file cannot be written.
    """
    target = Path(target) if isinstance(target, str) else target
    form = form_of(target)
    figure: Any = (axes[0] if isinstance(axes, Sequence) else axes).figure
    options: dict[str, Any] = {"dpi": 150, "format": form, "bbox_inches": "tight", "pad_inches": 0.15}
    if isinstance(target, Path):
        with translate_write_errors(target), replacing(target) as beside:
            figure.savefig(beside, **options)
    else:
        figure.savefig(target, **options)


def form_of(target: Path | IO[bytes]) -> str:
    """Give the format of a picture by the name of its file.

    Raises
    ------
    ParameterError
        If the ending is none of those that are known.
    """
    form = target.suffix.lower().removeprefix(".") if isinstance(target, Path) else _FORMS[0]
    if form not in _FORMS:
        name = "output"
        raise ParameterError(name, str(target), f"ends in none of {', '.join(f'.{known}' for known in _FORMS)}")
    return form
