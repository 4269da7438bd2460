"""Read a VOTable into Arrow as a stream: TABLEDATA, BINARY and BINARY2, with bounded memory.

Two pieces of work meet here: `document` turns XML into a header and raw cells, and `tabledata` and `binary` turn raw
cells into Arrow columns, a block of rows at a time. (VOTable 1.4, https://www.ivoa.net/documents/VOTable.)
"""

from ssap_mirror.votablestream.header import Info, Param
from ssap_mirror.votablestream.reader import VOTableReader, read_votable

__all__ = ["Info", "Param", "VOTableReader", "read_votable"]
