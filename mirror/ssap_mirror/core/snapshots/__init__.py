"""The snapshots of a mirror: which is live, which were and when, which may go."""

from __future__ import annotations

from ssap_mirror.core.snapshots.live import Snapshot, list_snapshots, list_strays, make_live, prune, rollback

__all__ = [
    "Snapshot",
    "list_snapshots",
    "list_strays",
    "make_live",
    "prune",
    "rollback",
]
