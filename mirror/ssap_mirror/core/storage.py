"""Writing so that a crash at any instant leaves either the old or the new: locks, syncs, renames, digests."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import threading
import weakref
from collections.abc import Iterator
from pathlib import Path

from ssap_mirror.core import layout
from ssap_mirror.errors import BusyError, MirrorError

__all__ = [
    "Lease",
    "clear",
    "discard_scratch",
    "flush",
    "forget_scratch",
    "lack_of_room",
    "lease",
    "lock_mirror",
    "note_scratch",
    "replace_file",
    "replacing",
    "sha256",
    "translate_errors",
    "translate_write_errors",
    "unread",
    "write_file",
]

_held: dict[Path, tuple[int, int]] = {}
_held_guard = threading.Lock()
# Files and folders that are of no use to anybody once this process is gone, however it goes.
_scratch: set[Path] = set()


@contextlib.contextmanager
def lock_mirror(mirror: Path) -> Iterator[None]:
    """Be the one process, and the one thread of it, that writes a mirror. Whoever holds the lock may take it again.

    Parameters
    ----------
    mirror : pathlib.Path
        Folder of the mirror; made if it is not there.

    Raises
    ------
    BusyError
        If another process, or another thread of this one, holds the lock; it is named.
    MirrorError
        If the folder cannot be written.
    """
    key = mirror.resolve()
    with _held_guard:
        holder, depth = _held.get(key, (threading.get_ident(), 0))
        if holder != threading.get_ident():
            raise BusyError(_busy(mirror, os.getpid()))
        descriptor = None if depth else _acquire(mirror)
        _held[key] = (holder, depth + 1)
    try:
        yield
    finally:
        with _held_guard:
            if depth:
                _held[key] = (holder, depth)
            else:
                del _held[key]
            if descriptor is not None:
                os.close(descriptor)


def _acquire(mirror: Path) -> int:
    path = layout.lock_file(mirror)
    with translate_errors(mirror):
        mirror.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # The process is noted for others to name; the lock itself is the kernel's, and ends with the process.
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    except BlockingIOError as error:
        holder = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip()
        os.close(descriptor)
        raise BusyError(_busy(mirror, holder)) from error
    except OSError as error:
        os.close(descriptor)
        raise MirrorError(_cannot_write(mirror, error)) from error
    return descriptor


class Lease:
    """A promise that a snapshot is not removed, for as long as this object is about.

    Parameters
    ----------
    descriptor : int
        Open file that holds the lock.
    """

    def __init__(self, descriptor: int) -> None:
        weakref.finalize(self, os.close, descriptor)


def lease(file: Path) -> Lease | None:
    """Lock a file together with others who read what it stands for.

    The kernel gives the lock back when the reader is gone, however it went. Where there are no such locks (some network
    file systems) there is a lease as well, which keeps no promise.

    Parameters
    ----------
    file : pathlib.Path
        The file; it need not be writable.

    Returns
    -------
    Lease or None
        None if it is being removed, or gone.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    taken = Lease(descriptor)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return None
    except OSError:
        pass  # a file system without locks
    try:
        # It may have been removed between the two steps above.
        return taken if os.path.samestat(os.fstat(descriptor), file.stat()) else None
    except FileNotFoundError:
        return None


@contextlib.contextmanager
def unread(file: Path) -> Iterator[bool]:
    """Keep new readers off what a file stands for, to remove it.

    Parameters
    ----------
    file : pathlib.Path
        The file that `lease` locks.

    Yields
    ------
    bool
        Whether nobody has a lease, as far as the file system can tell.

    Raises
    ------
    OSError
        If the file cannot be opened.
    """
    # Open for writing, which a network file system asks of whoever wants a lock alone.
    descriptor = os.open(file, os.O_RDWR | os.O_CLOEXEC)
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


def _busy(mirror: Path, process: object) -> str:
    return f"mirror {mirror} is being written by process {process or 'unknown'}; try again when it is done"


def _cannot_write(mirror: Path, error: OSError) -> str:
    # Arrow's own errors carry a number too, but not the plain words for it.
    return f"mirror {mirror} cannot be written: {os.strerror(error.errno) if error.errno else error}"


@contextlib.contextmanager
def translate_errors(mirror: Path) -> Iterator[None]:
    """Turn a full disk, a read-only folder and the like into one sentence.

    Raises
    ------
    MirrorError
        In place of an OSError.
    """
    try:
        yield
    except OSError as error:
        raise MirrorError(_cannot_write(mirror, error)) from error


def clear(folder: Path) -> None:
    """Remove a folder of scratch, and the folder it is in if that is empty then; what resists stays for next time."""
    shutil.rmtree(folder, ignore_errors=True)
    with contextlib.suppress(OSError):
        folder.parent.rmdir()


def note_scratch(path: Path) -> None:
    """Have a file or folder removed if this process is ended before it has done so itself."""
    _scratch.add(path)


def forget_scratch(path: Path) -> None:
    """Leave a file or folder alone from now on."""
    _scratch.discard(path)


def discard_scratch() -> None:
    """Remove all that was noted and not forgotten; what resists stays."""
    for path in list(_scratch):
        try:
            path.unlink(missing_ok=True)
        except OSError:  # a folder
            shutil.rmtree(path, ignore_errors=True)


def write_file(path: Path, content: bytes) -> None:
    """Write a new file, and have it on disk before this returns."""
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


@contextlib.contextmanager
def translate_write_errors(path: Path) -> Iterator[None]:
    """Turn what goes wrong with a file of a person's own into one sentence.

    Parameters
    ----------
    path : pathlib.Path
        What is written.

    Raises
    ------
    MirrorError
        In place of an OSError.
    """
    try:
        yield
    except OSError as error:
        message = f"{path} cannot be written: {error.strerror or error}"
        raise MirrorError(message) from error


@contextlib.contextmanager
def replacing(path: Path, beside: Path | None = None) -> Iterator[Path]:
    """Give the path of a new file that takes the place of another when it is written; a failure leaves the old one.

    Parameters
    ----------
    path : pathlib.Path
        The file to replace, if it is there. A pipe or a device is written as it is.
    beside : pathlib.Path, optional
        Where to write meanwhile, in the same folder; by default a name that nobody else uses.

    Raises
    ------
    OSError
        If it cannot be put in place.
    """
    if path.exists() and not path.is_file():
        yield path
        return
    new = beside or path.with_name(f".{path.name}.{os.urandom(4).hex()}.new")
    note_scratch(new)
    try:
        yield new
        new.replace(path)
    finally:
        forget_scratch(new)
        with contextlib.suppress(OSError):
            new.unlink(missing_ok=True)


def replace_file(path: Path, content: bytes) -> None:
    """Put new content in place of a file: at any instant it has the old content or the new. The mirror is locked."""
    # Under the lock nobody else writes beside it: what a crash leaves there is written over the next time.
    with replacing(path, path.with_name(f".{path.name}.new")) as beside:
        write_file(beside, content)
    flush(path.parent)


def flush(path: Path) -> None:
    """Have a file's content, or the names in a folder, on disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def lack_of_room(folder: Path, needed_bytes: float) -> str:
    """Say what is free and what is needed, if that is more; else nothing."""
    free = shutil.disk_usage(folder).free
    return f"{free / 1e6:,.0f} MB free, and some {needed_bytes / 1e6:,.0f} MB are needed" if needed_bytes > free else ""
