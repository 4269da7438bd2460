"""The staging folder of a mirror: whose harvest lies in it, how far it is, and when it may go."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ssap_mirror.check.snapshot import validate
from ssap_mirror.core import layout, storage
from ssap_mirror.core.catalog import Catalog, open_catalog
from ssap_mirror.core.snapshots import make_live
from ssap_mirror.errors import CatalogError
from ssap_mirror.pipeline.recipe import live_snapshot
from ssap_mirror.sources.harvest.journal import DamagedJournalError, Journal
from ssap_mirror.sources.harvest.ledger import JOURNAL

__all__ = ["Staging", "finish_earlier"]


class Staging:
    """A folder that holds at most one harvest, begun by `begin` and ended by `clear`.

    Parameters
    ----------
    mirror : pathlib.Path
        Folder of the mirror; it is locked by the caller.
    """

    def __init__(self, mirror: Path) -> None:
        self.path = layout.staging_dir(mirror)
        self._journal = self.path / JOURNAL

    def begin(self, facts: dict[str, str], *, restart: bool) -> str | None:
        """Go on with a harvest of the same source, or begin a new one.

        Parameters
        ----------
        facts : dict
            What has to be the same for answers to be of use.
        restart : bool
            Whether to forget what is there.

        Returns
        -------
        str or None
            What became of an earlier harvest, one sentence.

        Raises
        ------
        CatalogError
            If the folder is on another file system than the mirror: a snapshot that is built in it could not be moved
            to its place, which would be found out hours later. Or if the journal cannot be opened: what was fetched
            is kept then.
        """
        self.path.mkdir(exist_ok=True)
        self._refuse_other_file_system()
        said = None
        if restart and self._journal.exists():
            self.clear()
            said = "an earlier harvest was thrown away"
        try:
            with Journal(self._journal) as journal:
                first = journal.records[0] if journal.records else None
        except DamagedJournalError as error:
            first, said = {}, f"{error}; starting anew"
        if first is not None:
            if {name: first.get(name) for name in facts} == facts:
                return f"going on with the harvest that was begun at {first['created']}"
            self.clear()
            said = said or "a harvest of another source or by another version was thrown away"
        created = datetime.now(UTC).isoformat(timespec="seconds")
        with Journal(self._journal) as journal:
            journal.add({"type": "begin", **facts, "created": created})
        return said

    def _refuse_other_file_system(self) -> None:
        mirror = self.path.parent
        if self.path.stat().st_dev != mirror.stat().st_dev:
            message = (
                f"{self.path} is on another file system than {mirror}, and what is built in it is renamed to its "
                "place; let the whole folder of mirrors (--home) be on the larger one"
            )
            raise CatalogError(message)

    def add(self, record: dict[str, Any]) -> None:
        """Journal a record."""
        with Journal(self._journal) as journal:
            journal.add(record)

    def built(self) -> str | None:
        """Name of the snapshot that was built of this harvest, if it came so far."""
        names = [record["snapshot"] for record in self._records() if record["type"] == "built"]
        return names[-1] if names else None

    @property
    def refused(self) -> bool:
        """Whether the harvest was finished and not made live for what it found."""
        return any(record["type"] == "refused" for record in self._records())

    def refuse(self) -> None:
        """Journal that the harvest is finished and is not made live."""
        self.add({"type": "refused"})

    def clear(self) -> None:
        """Remove everything, the journal first: without it the rest counts for nothing."""
        if not self.path.is_dir():
            return
        self._journal.unlink(missing_ok=True)
        storage.flush(self.path)
        for path in self.path.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()

    def _records(self) -> list[dict[str, Any]]:
        if not self._journal.exists():
            return []
        try:
            with Journal(self._journal) as journal:
                return journal.records
        except CatalogError:
            return []


def finish_earlier(mirror: Path, staging: Staging) -> Catalog | None:
    """Make the snapshot live that an interrupted sync had built."""
    name = staging.built()
    if name is None:
        return None
    previous = live_snapshot(mirror)
    if previous is not None and previous.path.name == name:
        # Only the tidying up was left.
        staging.clear()
        return None
    try:
        catalog = open_catalog(layout.snapshots_dir(mirror) / name)
    except CatalogError:
        return None
    if validate(catalog):
        return None
    make_live(mirror, catalog)
    return catalog
