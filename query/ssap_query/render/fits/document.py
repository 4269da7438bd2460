"""FITS binary table (FITS 4.0 §7.3), streamed.

A missing integer is TNULLn, a missing float NaN, missing text empty. A type whose values leave none for TNULLn becomes
a wider one; unsigned integers have their TZEROn, with NULL among them they are wider signed ones. FITS text is
printable ASCII (§4.2.1.1): other characters become ``?``, which a `LossWarning` tells, as it does of names that change.
UCD, utype, xtype and description are in TUCDn, TUTYPn, TXTYPn and TCOMMn, where STILTS and TOPCAT look for them.

Headers are made by astropy. The rows are our own, since astropy's come as one table in memory: 300,000 rows of 98
columns take it 3.6 GB. They are read twice, for what the header has to say of them.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator

from ssap_mirror.errors import FormatError

from ssap_query.render.fits.header import BLOCK, primary_header, table_header
from ssap_query.render.fits.layout import lay_out
from ssap_query.render.fits.records import Records
from ssap_query.render.renderable import Renderable, pieces

__all__ = ["fits_chunks"]

_CHUNK = 1 << 20
# Arrays of free length up to this size [byte] wait in memory, more of them on disk.
_HEAP_IN_MEMORY = 32 << 20


def fits_chunks(result: Renderable) -> Iterator[bytes]:
    """Yield a result as FITS."""
    columns = lay_out(result)
    with tempfile.SpooledTemporaryFile(_HEAP_IN_MEMORY) as heap:
        records = Records(columns, heap)
        heap_bytes = sum(column.heap_bytes for column in columns)
        yield primary_header()
        yield table_header(result, columns, records.row_bytes, heap_bytes)
        for batch in pieces(result):
            yield records.of(batch)
        if (records.rows, records.heap_bytes) != (len(result), heap_bytes):
            message = f"the result had {len(result):,} rows, and {records.rows:,} when they were written"
            raise FormatError(message)
        heap.seek(0)
        while chunk := heap.read(_CHUNK):
            yield chunk
    size = records.rows * records.row_bytes + heap_bytes
    yield b"\0" * (-size % BLOCK)
