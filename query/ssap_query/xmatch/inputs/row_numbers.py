"""Numbers of rows in their tables, over all files of a table in their order."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

from ssap_query.xmatch.inputs.tables import FILE, FILE_SHIFT, ROW, every_row

if TYPE_CHECKING:
    from ssap_query.xmatch.session import MatchSession

__all__ = ["number_of_id", "row_number", "set_offsets"]


def set_offsets(session: MatchSession, side: str) -> None:
    """Set the variable that says how many rows of a table stand before those of each of its files."""
    rows = session.connection.view(every_row(session, side))
    counts = dict(rows.aggregate(f"{FILE}, max({ROW}) + 1", FILE).fetchall())
    in_order = [int(counts.get(file, 0)) for file in range(max(counts, default=0) + 1)]
    session.connection.execute(f"SET VARIABLE {side}_offsets = ?", [list(accumulate(in_order, initial=0))])


def row_number(side: str, file: str, row: str) -> str:
    """Give the SQL expression of a row's number, of those of its file and its row in the file."""
    return f"({row} + getvariable('{side}_offsets')[{file}::BIGINT + 1])::BIGINT"


def number_of_id(side: str, name: str) -> str:
    """Give the SQL expression of a row's number, of the column that tells it from all others."""
    return row_number(side, f"({name} >> {FILE_SHIFT})", f"({name} & {(1 << FILE_SHIFT) - 1})")
