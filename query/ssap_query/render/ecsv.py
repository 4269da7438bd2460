"""ECSV 1.0 (Astropy APE 6), written by astropy: the whole answer is in memory.

NULL and NaN are kept apart. The limits are those of astropy, whose reader strips blanks from both ends of
text and makes every line end a line feed.
"""

from __future__ import annotations

import io
from collections.abc import Iterator

from ssap_query.render.answer import Answer
from ssap_query.render.astropy_table import to_astropy

__all__ = ["ecsv_chunks"]


def ecsv_chunks(answer: Answer) -> Iterator[bytes]:
    """Yield an answer as ECSV."""
    text = io.StringIO()
    to_astropy(answer).write(text, format="ascii.ecsv")
    yield text.getvalue().encode()
