"""Reading VOTables: any serialisation, as a stream, without trust in what they say."""

from __future__ import annotations

from ssap_mirror.tables.votable.model import Info, Param
from ssap_mirror.tables.votable.reader import VOTableReader, read_votable
from ssap_mirror.tables.votable.text import TextColumn

__all__ = ["Info", "Param", "TextColumn", "VOTableReader", "read_votable"]
