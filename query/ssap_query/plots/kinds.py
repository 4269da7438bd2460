"""The kinds of pictures by name, and one of them as a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from ssap_mirror.errors import ParameterError

from ssap_query import plots
from ssap_query.plots.style import forget, form_of, save
from ssap_query.plots.subject import Drawable

__all__ = ["KINDS", "plot"]

#: Kind -> what draws it, and which options it takes.
KINDS: dict[str, tuple[Callable[..., Any], tuple[str, ...]]] = {
    "sky": (plots.sky, ("order",)),
    "field": (plots.field, ()),
    "time": (plots.time, ()),
    "snr": (plots.snr, ()),
    "bands": (plots.bands, ()),
    "density": (plots.density, ("x", "y")),
    "velocities": (plots.velocities, ("rv",)),
    "scatter": (plots.scatter, ("rv",)),
    "matches": (plots.matches, ()),
    "completeness": (plots.completeness, ("x",)),
}
# Without them there is nothing to draw.
_NEEDED = ("x", "y")


def plot(data: Drawable, target: Path | IO[bytes], kind: str = "sky", **options: Any) -> None:
    """Draw a picture into a file.

    Parameters
    ----------
    data : Mirror, or any result or table
        What to draw.
    target : pathlib.Path or binary file
        What to write. The ending of the path says how: ``.png``, ``.pdf`` or ``.svg``; a file that is open gets PNG.
    kind : str
        One of `KINDS`.
    **options : object
        What the function of this kind takes beside (``order``, ``x``, ``y``, ``rv``); None counts as not given.

    Raises
    ------
    ParameterError
        If the kind, an option or the ending is unknown, or an option is missing.
    MirrorError
        If the picture cannot be written, or the rows lack a column.
    """
    if kind not in KINDS:
        name = "kind"
        raise ParameterError(name, kind, f"is none of {', '.join(KINDS)}")
    form_of(target)
    draw, taken = KINDS[kind]
    given = {name: value for name, value in options.items() if value is not None}
    for name, value in given.items():
        if name not in taken:
            raise ParameterError(name, value, f"has no meaning for a picture of kind {kind}")
    for name in taken:
        if name in _NEEDED and name not in given:
            raise ParameterError(name, "", f"is needed for a picture of kind {kind}: the name of a column")
    axes = draw(data, **given)
    save(axes, target)
    forget(axes)
