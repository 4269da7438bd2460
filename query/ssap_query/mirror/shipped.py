"""The sample that comes with the program, so that everything can be tried before a mirror is made."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from ssap_mirror.core import layout
from ssap_mirror.errors import CatalogError

__all__ = ["SAMPLE", "SHIPPED", "sample_path", "where"]

#: Name of the shipped sample.
SAMPLE = "lamost6-mrs-sample"
#: Mirrors that a checkout has from the start.
SHIPPED = frozenset({SAMPLE, "lamost-mrs-real"})


def sample_path() -> Path:
    """Folder of the shipped sample: beside the source in a checkout, inside the package where that is installed.

    Raises
    ------
    CatalogError
        If this installation lacks it.
    """
    checkout = layout.checkout_home()
    packaged = Path(str(resources.files("ssap_query").joinpath("data")))
    for home in (checkout, packaged):
        if home is not None and layout.current_file(layout.mirror_dir(home, SAMPLE)).is_file():
            return layout.mirror_dir(home, SAMPLE)
    message = f"the shipped sample {SAMPLE} is missing from this installation"
    raise CatalogError(message)


def where(name: str | Path, home: Path | None) -> str | Path:
    """Give what a name means: the shipped sample is found by its name even where it is in no home."""
    if name != SAMPLE or layout.mirror_dir(home or layout.default_home(), SAMPLE).is_dir():
        return name
    return sample_path()
