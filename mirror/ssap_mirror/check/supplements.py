"""Are the supplements of a snapshot what they say they are? What hats and LSDB read beside it is held to the same."""

from __future__ import annotations

from collections.abc import Iterator

from ssap_mirror.core import layout, storage
from ssap_mirror.core.catalog import Catalog
from ssap_mirror.core.snapshots.collection import read_supplements
from ssap_mirror.errors import CatalogError

__all__ = ["check_supplements"]


def check_supplements(catalog: Catalog) -> Iterator[str]:
    """Hold every file of the margin and the index against its checksum.

    Parameters
    ----------
    catalog : Catalog
        The snapshot; one that has no supplements is sound.

    Yields
    ------
    str
        A problem, one sentence.
    """
    folder = layout.supplements_dir(catalog.path)
    try:
        record = read_supplements(catalog.path)
    except CatalogError as error:
        yield str(error)
        return
    if record is None:
        return
    listed = {item["path"]: item["sha256"] for item in record["files"]}
    for name, digest in listed.items():
        try:
            if storage.sha256(folder / name) != digest:
                yield f"{folder / name} is damaged: its SHA-256 is not that in {layout.SUPPLEMENTS}"
        except OSError as error:
            yield f"{folder / name} cannot be read: {error.strerror}"
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if not path.is_dir() and name not in listed and name != layout.SUPPLEMENTS:
            yield f"{path} is not in {layout.SUPPLEMENTS}"
