"""The way from a mirror to the workers of a cluster."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ssap_query.mirror.live_engine import LiveEngine

if TYPE_CHECKING:
    from ssap_query.mirror.interfaces.on_cluster import ClusterMirror

__all__ = ["ClusteredMirror"]


class ClusteredMirror:
    """The part of a mirror that hands its work to a cluster."""

    _live: LiveEngine

    def cluster(
        self, scheduler: Any = "processes", *, workers: int | None = None, address: str | None = None,
        storage_options: Mapping[str, Any] | None = None,
    ) -> ClusterMirror:  # fmt: skip
        """Ask this mirror on the workers of a Dask cluster, by LSDB.

        Parameters
        ----------
        scheduler : distributed.Client or str
            A client, or the address of a scheduler (``tcp://host:8786``); ``processes`` or ``threads`` of this machine
            without a cluster.
        workers : int, optional
            How many of this machine; one for each core without it.
        address : str, optional
            Where the workers find the folder of the mirror, if not where it is here: a path, or an address that fsspec
            knows (``https://host/NAME``, ``s3://bucket/NAME``).
        storage_options : mapping of str to object, optional
            What fsspec needs to know of the address: keys, endpoints.

        Returns
        -------
        ClusterMirror
            Of the snapshot that is open; to be closed, or used as a context manager, where it starts workers.

        Raises
        ------
        ParameterError
            If an argument is not what it must be, or the address has another snapshot.
        SourceError
            If the scheduler cannot be reached.
        ImportError
            If the extra ``cluster`` is not installed.
        """
        from ssap_query.cluster.files import snapshot_files
        from ssap_query.cluster.schedulers import connect
        from ssap_query.mirror.interfaces.on_cluster import ClusterMirror

        engine = self._live.engine
        files = snapshot_files(engine.catalog, address, storage_options)
        if isinstance(scheduler, str):
            return ClusterMirror(engine, connect(scheduler, workers), files, owns_client=True)
        return ClusterMirror(engine, scheduler, files)
