"""Which way an address is read: a module for each kind of host."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ssap_mirror.remote.store import Store

__all__ = ["open_store"]


def open_store(url: str, options: Mapping[str, Any] | None = None) -> Store:
    """Find the way to read what lies below an address.

    Parameters
    ----------
    url : str
        ``http``, ``https``, or any scheme that fsspec knows.
    options : mapping of str to object, optional
        What fsspec's file system of the scheme takes (``{"anon": True}``); nothing for HTTP.

    Raises
    ------
    SourceError
        If the scheme is unknown, or what reads it is not installed.
    """
    if url.lower().startswith(("http://", "https://")):
        from ssap_mirror.remote.http_store import HttpStore

        return HttpStore(url)
    from ssap_mirror.remote.object_store import ObjectStore

    return ObjectStore(url, options or {})
