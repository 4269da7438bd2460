"""A lease on a snapshot: while someone reads it, it is not pruned.

A reader holds a shared lock (flock) on the snapshot's manifest, and `prune` removes only what it can lock alone. The
kernel gives the lock back when the reader is gone, however it went. Where there are no such locks (some network file
systems) reading works as well, without the promise.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import weakref
from collections.abc import Iterator
from pathlib import Path

from ssap_mirror.core import layout
from ssap_mirror.core.catalog import Catalog, find_snapshot, open_catalog
from ssap_mirror.errors import CatalogError

__all__ = ["Lease", "open_leased", "unread"]

# Each try finds a newer live snapshot: only a mirror that is synced all the time could need more than two.
_TRIES = 10


class Lease:
    """A promise that a snapshot stays as long as this object, or until `release`.

    Parameters
    ----------
    descriptor : int
        Open file that holds the lock.
    """

    def __init__(self, descriptor: int) -> None:
        self._release = weakref.finalize(self, os.close, descriptor)

    def release(self) -> None:
        """Give it back; a second time does nothing."""
        self._release()


def open_leased(name: str | Path, home: Path | None = None) -> tuple[Catalog, Lease]:
    """Open the live snapshot of a mirror for reading: it is not pruned until the lease is given back.

    Parameters
    ----------
    name, home
        As for `ssap_mirror.core.catalog.find_snapshot`.

    Raises
    ------
    CatalogError
        If there is no such mirror, or it cannot be read.
    """
    for _ in range(_TRIES):
        snapshot = find_snapshot(name, home)
        lease = _take(snapshot)
        if lease is not None:
            return open_catalog(snapshot), lease
    message = f"snapshot {snapshot} is being removed"
    raise CatalogError(message)


def _take(snapshot: Path) -> Lease | None:
    """Lock a snapshot's manifest with others who read; None if it is being removed, or gone."""
    manifest = snapshot / layout.MANIFEST
    try:
        descriptor = os.open(manifest, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        message = f"{manifest} cannot be read: {error.strerror}"
        raise CatalogError(message) from error
    lease = Lease(descriptor)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return None
    except OSError:
        pass  # a file system without locks
    try:
        # It may have been removed between the two steps above.
        return lease if os.path.samestat(os.fstat(descriptor), manifest.stat()) else None
    except FileNotFoundError:
        return None


@contextlib.contextmanager
def unread(snapshot: Path) -> Iterator[bool]:
    """Keep new readers off a snapshot, to remove it.

    Parameters
    ----------
    snapshot : pathlib.Path
        Its folder.

    Yields
    ------
    bool
        Whether nobody reads it, as far as the file system can tell.
    """
    manifest = snapshot / layout.MANIFEST
    # Open for writing, which a network file system asks of whoever wants a lock alone.
    descriptor = os.open(manifest, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        free = True
    except BlockingIOError:
        free = False
    except OSError:
        free = True  # a file system without locks
    try:
        yield free
    finally:
        os.close(descriptor)
