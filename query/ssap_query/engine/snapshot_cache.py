"""What is kept of one snapshot between requests: everything, of whatever kind, within one number of bytes.

A snapshot never changes, so what was read of it once stays right. Decoded columns of row groups, columns of the whole
table, footers, distinct values and what else is worth keeping compete for the same bytes; what was not used for longest
goes first.

Outside of it are only what DuckDB keeps for itself (footers, within its own memory limit) and the files that stay open
in a `FilePool`, which are bounded in number.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Event, Lock
from typing import Any, TypeVar

__all__ = ["DEFAULT_CACHE_BYTES", "VALUE_BYTES", "Key", "SnapshotCache"]

#: What a mirror keeps unless it is told otherwise [byte]: some forty row groups of a hundred columns, or ten columns of
#: numbers of six million rows.
DEFAULT_CACHE_BYTES = 512 << 20
#: What a value takes beside its own bytes, about: its key, its place in the order of use, Python's objects [byte].
VALUE_BYTES = 400

#: Name of a kind of values, then what tells those of this kind apart.
Key = tuple[Hashable, ...]
V = TypeVar("V")


@dataclass(frozen=True)
class _Entry:
    """A value that is kept."""

    value: Any
    """The value; nobody changes it."""
    size: int
    """What it counts for [byte]."""


@dataclass
class _Load:
    """Values that one thread is reading, and others wait for."""

    done: Event = field(default_factory=Event)
    """Set when `values` is final."""
    values: Mapping[Key, Any] = field(default_factory=dict)
    """What was read; empty if that failed."""


class SnapshotCache:
    """Keeps values of one snapshot; may be used from many threads.

    The lock is held while values are looked up and put in place, never while one is read or worked out.

    Parameters
    ----------
    max_bytes : int
        Most that is kept [byte]; 0 keeps nothing.
    """

    def __init__(self, max_bytes: int = DEFAULT_CACHE_BYTES) -> None:
        self._max_bytes = max_bytes
        self._entries: OrderedDict[Key, _Entry] = OrderedDict()
        self._loads: dict[Key, _Load] = {}
        self._size = 0
        self._lock = Lock()

    @property
    def max_bytes(self) -> int:
        """Most that is kept [byte]; 0 once it was dropped."""
        with self._lock:
            return self._max_bytes

    @property
    def size(self) -> int:
        """What is kept [byte]."""
        with self._lock:
            return self._size

    def sizes(self) -> dict[Hashable, int]:
        """Sum up what is kept of each kind [byte]."""
        found: dict[Hashable, int] = {}
        with self._lock:
            for key, entry in self._entries.items():
                found[key[0]] = found.get(key[0], 0) + entry.size
        return found

    def get(self, key: Key, load: Callable[[], V], size: Callable[[V], int]) -> V:
        """Find a value, or load and keep it; parameters as for `get_all`."""
        return self.get_all([key], lambda keys: {key: load()}, size)[key]

    def get_all(
        self, keys: Iterable[Key], load: Callable[[Sequence[Key]], Mapping[Key, V]], size: Callable[[V], int]
    ) -> dict[Key, V]:
        """Find values; load those that are missing, together, and keep them.

        What several threads ask for at once is loaded by one of them, and the others wait for it.

        Parameters
        ----------
        keys : iterable of Key
            What the values are.
        load : callable
            Gives the values of the keys that it is called with, all of them. What it raises is raised here. It may ask
            for values of other kinds, not of its own.
        size : callable
            Gives the bytes that a value takes.

        Returns
        -------
        dict of Key to value
            A value for every key, whether or not there is room to keep it.
        """
        found: dict[Key, V] = {}
        wanted = list(dict.fromkeys(keys))
        while wanted:
            mine, others = self._claim(wanted, found)
            if mine:
                found |= self._load(mine, load, size)
            wanted = []
            for key, other in others.items():
                other.done.wait()
                if key in other.values:
                    found[key] = other.values[key]
                else:  # whoever loaded it has failed; now it is ours to load, and to fail
                    wanted.append(key)
        return found

    def parts(self, key: Key) -> Mapping[str, Any]:
        """Find the parts of a value that were kept with `add_parts`, by name."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is None:
                return {}
            self._entries.move_to_end(key)
            parts: Mapping[str, Any] = entry.value
            return parts

    def add_parts(self, key: Key, parts: Mapping[str, V], size: Callable[[V], int]) -> None:
        """Keep parts of a value, beside those that are there; they are forgotten together.

        Parameters
        ----------
        key : Key
            What they are parts of.
        parts : mapping of str to value
            Name -> part.
        size : callable
            Gives the bytes that a part takes.
        """
        with self._lock:
            old = self._entries.get(key, _Entry({}, 0))
            new = {name: part for name, part in parts.items() if name not in old.value}
            self._keep(key, {**old.value, **new}, old.size + sum(size(part) + VALUE_BYTES for part in new.values()))

    def drop(self) -> None:
        """Forget everything, and keep nothing from now on: what still runs on the snapshot does without."""
        with self._lock:
            self._max_bytes = self._size = 0
            self._entries.clear()

    def _claim(self, keys: Sequence[Key], found: dict[Key, Any]) -> tuple[list[Key], dict[Key, _Load]]:
        """Add what is kept to `found`. Of the rest, give the keys to load, and what other threads are loading."""
        mine: list[Key] = []
        others: dict[Key, _Load] = {}
        with self._lock:
            for key in keys:
                entry = self._entries.get(key)
                if entry is not None:
                    self._entries.move_to_end(key)
                    found[key] = entry.value
                elif key in self._loads:
                    others[key] = self._loads[key]
                else:
                    mine.append(key)
            if mine:
                self._loads.update(dict.fromkeys(mine, _Load()))
        return mine, others

    def _load(
        self, keys: list[Key], load: Callable[[Sequence[Key]], Mapping[Key, V]], size: Callable[[V], int]
    ) -> Mapping[Key, V]:
        values: Mapping[Key, V] = {}
        sizes: dict[Key, int] = {}
        try:
            loaded = load(keys)
            sizes = {key: size(loaded[key]) + VALUE_BYTES for key in keys}
            values = loaded
        finally:
            with self._lock:
                for key in keys:
                    own = self._loads.pop(key)
                for key, value in values.items():
                    self._keep(key, value, sizes[key])
            own.values = values
            own.done.set()
        return values

    def _keep(self, key: Key, value: Any, size: int) -> None:
        """Put a value in place of those not used for longest; the lock is held."""
        old = self._entries.pop(key, None)
        self._size -= old.size if old else 0
        if size > self._max_bytes:  # all else would go, and still there would be no room
            return
        while self._size + size > self._max_bytes:
            _, oldest = self._entries.popitem(last=False)
            self._size -= oldest.size
        self._entries[key] = _Entry(value, size)
        self._size += size
