"""Columns of the result: which of both tables, under which names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ssap_mirror.errors import ParameterError

from ssap_query.ssap.predicate import quoted

if TYPE_CHECKING:
    import pyarrow as pa

    from ssap_query.xmatch.inputs.tables import Table

__all__ = ["POSITION_ANGLE", "ROW_NUMBERS", "SEPARATION", "Columns", "choose_columns", "separation_field"]

SEPARATION = "separation_arcsec"
POSITION_ANGLE = "position_angle_deg"
#: Side -> column with the number of the row in its table.
ROW_NUMBERS = {"left": "left_row", "right": "right_row"}
_LEFT_COLUMNS, _SUFFIXES = "left_columns", "suffixes"

_ABOUT: dict[str, dict[str, str]] = {
    SEPARATION: {
        "unit": "arcsec",
        "ucd": "pos.angDistance",
        "description": "Angle between the two positions, at the date they are compared at",
    },
    POSITION_ANGLE: {
        "unit": "deg",
        "ucd": "pos.posAng",
        "description": "Direction from the left to the right position, north over east",
    },
    **{
        name: {"ucd": "meta.record", "description": f"Number of the row in the {side} table, from 0"}
        for side, name in ROW_NUMBERS.items()
    },
}


@dataclass(frozen=True)
class Columns:
    """Columns of the result."""

    left: tuple[tuple[str, str], ...]
    """Name in the left table, and in the result."""
    right: tuple[tuple[str, str], ...]
    """Name in the right table, and in the result."""
    schema: pa.Schema
    """The result: left, right, numbers of rows, separation [arcsec], position angle [deg]."""
    numbered: tuple[str, ...] = ()
    """Sides whose rows' numbers are in the result."""

    def projection(self, side: str) -> list[str]:
        """Give the SQL expressions that select and rename the columns of one side."""
        pairs = self.left if side == "left" else self.right
        return [f"{quoted(name)} AS {quoted(shown)}" for name, shown in pairs]


def separation_field(name: str = SEPARATION) -> pa.Field:
    """Describe the column of the separations [arcsec]."""
    import pyarrow as pa

    return pa.field(name, pa.float64(), metadata=_ABOUT[SEPARATION])


def choose_columns(
    tables: tuple[Table, Table],
    chosen: tuple[Sequence[str] | None, Sequence[str] | None],
    suffixes: tuple[str, str],
    *,
    matched: bool,
    numbered: Sequence[str] = (),
) -> Columns:
    """Choose and name the columns.

    Parameters
    ----------
    tables : tuple of Table
        Left and right.
    chosen : tuple of sequence of str or None
        Columns of each side; None is all.
    suffixes : tuple of str
        Put behind the names that both sides have, compared without case.
    matched : bool
        Whether the result has the right side, separation and position angle.
    numbered : sequence of str
        Sides whose rows' numbers are wanted.

    Raises
    ------
    ParameterError
        If a column is not in its table or is chosen twice, or if the suffixes leave two columns with one name.
    """
    import pyarrow as pa

    left = _chosen(tables[0], chosen[0])
    right = _chosen(tables[1], chosen[1]) if matched else []
    numbered = tuple(side for side in numbered if matched or side == "left")
    numbers = [ROW_NUMBERS[side] for side in numbered]
    measures = [SEPARATION, POSITION_ANGLE] if matched else []
    if not left and not right:
        raise ParameterError(_LEFT_COLUMNS, chosen[0], "chooses no columns")
    both = {name.lower() for name in left} & {name.lower() for name in right}
    own = {SEPARATION, POSITION_ANGLE, *numbers} if matched else set(numbers)
    left_names = [_result_name(name, both, suffixes[0], own, "_1") for name in left]
    right_names = [_result_name(name, both, suffixes[1], own, "_2") for name in right]
    doubled = _first_double([*left_names, *right_names, *numbers, *measures])
    if doubled is not None:
        raise ParameterError(_SUFFIXES, suffixes, f"leave two columns with the name {doubled!r}")
    fields = [tables[0].schema.field(old).with_name(new) for old, new in zip(left, left_names, strict=True)]
    fields += [tables[1].schema.field(old).with_name(new) for old, new in zip(right, right_names, strict=True)]
    fields += [pa.field(name, pa.int64(), metadata=_ABOUT[name]) for name in numbers]
    fields += [pa.field(name, pa.float64(), metadata=_ABOUT[name]) for name in measures]
    pairs = (tuple(zip(left, left_names, strict=True)), tuple(zip(right, right_names, strict=True)))
    return Columns(*pairs, pa.schema(fields), numbered)


def _chosen(table: Table, names: Sequence[str] | None) -> list[str]:
    if names is None:
        return list(table.schema.names)
    parameter = f"{table.side}_columns"
    if isinstance(names, str):
        raise ParameterError(parameter, names, "is one text, not a list of column names")
    for name in names:
        if name not in table.schema.names:
            raise ParameterError(parameter, name, f"is not a column of the table{_hint(table, name)}")
    doubled = _first_double(names)
    if doubled is not None:
        raise ParameterError(parameter, doubled, "is chosen twice")
    return list(names)


def _hint(table: Table, name: str) -> str:
    """Say what a column of that name is called, which SQL could not tell from another."""
    new = [item.name for item in table.schema if (item.metadata or {}).get(b"source_name") == name.encode()]
    return f": there it is called {', '.join(new)}" if new else ""


def _result_name(name: str, both: set[str], suffix: str, own: set[str], own_suffix: str) -> str:
    if name.lower() in own:  # a table that is itself a match
        return name + (suffix or own_suffix)
    return name + suffix if name.lower() in both else name


def _first_double(names: Iterable[str]) -> str | None:
    seen: set[str] = set()
    for name in names:
        if name.lower() in seen:
            return name
        seen.add(name.lower())
    return None
