"""What every request says: who asks, and with which parameters."""

from __future__ import annotations

from importlib import metadata
from urllib.parse import quote, urlencode

import httpx

__all__ = ["USER_AGENT", "with_query"]


def _user_agent() -> str:
    try:
        version = metadata.version("ssap-mirror")
    except metadata.PackageNotFoundError:
        version = "0"
    return f"ssap-mirror/{version} (+https://pypi.org/project/ssap-mirror/) httpx/{httpx.__version__}"


USER_AGENT = _user_agent()


def with_query(url: str, params: list[tuple[str, str]]) -> httpx.URL:
    """Add parameters with everything percent-encoded: a bare ";" separates parameters for some servers, as "&" does."""
    if not params:
        return httpx.URL(url)
    query = urlencode(params, quote_via=quote, safe="")
    joint = "" if url.endswith(("?", "&")) else "&" if "?" in url else "?"
    return httpx.URL(f"{url}{joint}{query}")
