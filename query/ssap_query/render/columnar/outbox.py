"""A file whose bytes are taken away while it is written, for writers that want a file and answers that are streams."""

from __future__ import annotations

import io

__all__ = ["Outbox"]


class Outbox(io.RawIOBase):
    """A file that is written from its beginning to its end, and holds only what nobody has taken yet."""

    def __init__(self) -> None:
        self._held: list[bytes] = []
        self._written = 0

    def writable(self) -> bool:
        """Say that it can be written."""
        return True

    def tell(self) -> int:
        """Bytes that were written so far, those included that have been taken."""
        return self._written

    def write(self, data: bytes | bytearray | memoryview) -> int:  # type: ignore[override]
        """Add bytes at the end."""
        self._held.append(bytes(data))
        self._written += len(self._held[-1])
        return len(self._held[-1])

    def take(self) -> bytes:
        """Give what was written since the last time."""
        held, self._held = self._held, []
        return b"".join(held)
