"""The files of a mirror itself, for those who pull it or read it where it lies."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from ssap_mirror.core import layout
from ssap_mirror.core.catalog import open_catalog
from ssap_mirror.errors import CatalogError
from ssap_mirror.publish.files import list_snapshot
from ssap_mirror.sources.published.listing import LISTING
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from ssap_query.mirror.mirror import Mirror
from ssap_query.server.traffic.turns import Turns

__all__ = ["PublishedRoutes"]


_ROOMS = ("snapshots", "supplements")


class PublishedRoutes:
    """What is live, and every file of its snapshot; nothing else of the mirror's folder.

    Parameters
    ----------
    mirror : Mirror
        The mirror.
    turns : Turns
        Threads to work in.
    """

    def __init__(self, mirror: Mirror, turns: Turns) -> None:
        self._mirror = mirror
        self._turns = turns
        self._listed: dict[str, tuple[bytes, frozenset[str]]] = {}

    def routes(self) -> list[BaseRoute]:
        """Routes below the mirror's own address."""
        files = [Route(f"/{room}/{{snapshot}}/{{path:path}}", partial(self._file, room)) for room in _ROOMS]
        named = [
            Route(f"/{LISTING}", self._listing),
            Route(f"/{layout.COLLECTION}", self._collection),
            Route(f"/{layout.current_file(Path()).name}", self._current),
        ]
        return [*named, *files]

    async def _listing(self, request: Request) -> Response:
        def work() -> Response:
            self._mirror.refresh()
            return Response(self._files(self._folder, self._mirror.catalog.path.name)[0], media_type="application/json")

        return await self._turns.small(work)

    async def _current(self, request: Request) -> Response:
        def work() -> Response:
            self._mirror.refresh()
            return PlainTextResponse(f"{self._mirror.catalog.path.name}\n")

        return await self._turns.small(work)

    async def _collection(self, request: Request) -> Response:
        path = self._folder / layout.COLLECTION
        return FileResponse(path, media_type="text/plain") if path.is_file() else _missing()

    async def _file(self, room: str, request: Request) -> Response:
        snapshot = request.path_params["snapshot"]
        wanted = f"{room}/{snapshot}/{request.path_params['path']}"
        folder = self._folder
        try:
            _, listed = await self._turns.small(lambda: self._files(folder, snapshot))
        except CatalogError:
            return _missing()
        if wanted not in listed or not (folder / wanted).is_file():
            return _missing()
        return FileResponse(folder / wanted, media_type="application/octet-stream")

    @property
    def _folder(self) -> Path:
        return self._mirror.catalog.path.parent.parent

    def _files(self, folder: Path, snapshot: str) -> tuple[bytes, frozenset[str]]:
        """Content of the listing of a snapshot, and the paths in it; the last two that were asked for are kept."""
        if snapshot not in self._listed:
            if snapshot not in layout.snapshot_names(folder):
                message = f"there is no snapshot {snapshot!r}"
                raise CatalogError(message)
            listing = list_snapshot(open_catalog(layout.snapshots_dir(folder) / snapshot))
            found = listing.to_json(), frozenset(file.path for file in listing.files)
            self._listed = {**dict([*self._listed.items()][-1:]), snapshot: found}
        return self._listed[snapshot]


def _missing() -> Response:
    return PlainTextResponse("There is no such file.\n", 404)
