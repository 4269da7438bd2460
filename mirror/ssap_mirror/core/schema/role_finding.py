"""Which column plays which part, by what it is known by (`ssap_mirror.core.schema.roles`)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product

from ssap_mirror.core.schema.column import Column
from ssap_mirror.core.schema.roles import ROLES, TEXT_ROLES, UNITS
from ssap_mirror.core.units import says_no_unit

__all__ = ["ColumnIndex", "find_roles", "fits", "is_icrs", "name_key", "utype_key"]

# Any column may be the identity; the score and the region are not compared with anything.
_ANY_KIND = frozenset({"identity", "score", "region"})
# Roles that two columns play together
_PAIRS = (("ra", "dec"), ("location_ra", "location_dec"))
_PARTNERS = {role: other for pair in _PAIRS for role, other in (pair, pair[::-1])}
_ICRS_FRAMES = ("icrs", "fk5 j2000", "eq_fk5", "j2000", "gcrs")
_MARKS = re.compile(r"[^0-9a-z]+")
_OTHER_WORDS = ("spectrum.", "ssa.", "obscore.", "spec.")
_MAIN = "meta.main"


class ColumnIndex:
    """Columns by what they are known by.

    Parameters
    ----------
    columns : iterable of Column
        In the service's order.
    """

    def __init__(self, columns: Iterable[Column]) -> None:
        self._by_key: dict[str, list[Column]] = {}
        for column in columns:
            for key in _keys(column):
                self._by_key.setdefault(key, []).append(column)

    def known_by(self, key: str) -> list[Column]:
        """Columns that have a key of `ROLES`: the main ones first, then the more precise, in the service's order."""
        found = self._by_key.get(_normal(key), [])
        return sorted(found, key=lambda column: (not _is_main(column), _imprecision(column)))

    def candidates(self, role: str) -> Iterator[Column]:
        """Columns that may play a role, best first."""
        for key in ROLES[role]:
            yield from self.known_by(key)

    def pairs(self, role: str, other: str) -> Iterator[tuple[Column, Column]]:
        """Columns of two roles that are known by the same kind of key, best first; none twice."""
        found: dict[tuple[Column, Column], None] = {}
        for key, other_key in zip(ROLES[role], ROLES[other], strict=True):
            ones, others = self.known_by(key), self.known_by(other_key)
            # Names may be alike but for their marks (RAJ2000, _RAJ2000): then any of each, first those in one place.
            more = product(ones, others) if key.startswith("name:") else ()
            found.update(dict.fromkeys((*zip(ones, others, strict=False), *more)))
        yield from found


def fits(role: str, column: Column) -> bool:
    """Whether a column can play a role as it stands: text or number, and a number in the role's own unit or in none."""
    if role in _ANY_KIND:
        return True
    if not is_icrs(column.frame) and UNITS.get(role) == "deg":
        return False
    if column.is_text or role in TEXT_ROLES:
        return column.is_text and role in TEXT_ROLES
    return says_no_unit(column.unit) or (column.unit or "").strip() == UNITS[role]


def find_roles(columns: Sequence[Column], overrides: Mapping[str, str]) -> dict[str, str]:
    """Role -> name of the column that plays it as it stands.

    Parameters
    ----------
    columns : sequence of Column
        In the service's order.
    overrides : mapping of str to str
        Role -> name of its column where that is known; with an empty name, no column has it.
    """
    index = ColumnIndex(columns)
    named = {column.name for column in columns}
    found: dict[str, str] = {}
    for role in ROLES:
        said = overrides.get(role)
        if said is not None and (not said or said in named):
            found[role] = said
        elif role in _PARTNERS and _PARTNERS[role] not in overrides:
            continue
        elif column := next((column for column in index.candidates(role) if fits(role, column)), None):
            found[role] = column.name
    # A coordinate without the other is no position.
    for role, other in _PAIRS:
        pair = next((p for p in index.pairs(role, other) if fits(role, p[0]) and fits(other, p[1])), None)
        if pair is not None:
            found.setdefault(role, pair[0].name)
            found.setdefault(other, pair[1].name)
    return {role: name for role, name in found.items() if name}


def is_icrs(frame: str | None) -> bool:
    """Whether a frame is ICRS, or differs from it by less than 0.1 arcsec; nothing said is ICRS."""
    return not (frame or "").strip() or (frame or "").strip().lower().startswith(_ICRS_FRAMES)


def utype_key(utype: str) -> str:
    """Utype without a prefix or the data model's first word, in lower case (SSA 1.1 §2.11: case is not significant)."""
    key = utype.strip().rpartition(":")[2].lower()
    for word in _OTHER_WORDS:
        key = key.removeprefix(word)
    return key


def name_key(name: str) -> str:
    """Name as it is compared: in lower case, marks and blanks as one underscore, none at its ends."""
    return _MARKS.sub("_", name.lower()).strip("_")


def _keys(column: Column) -> set[str]:
    keys = {f"name:{name_key(column.source_name or column.name)}"}
    if column.utype:
        keys.add(utype_key(column.utype))
    if column.ucd:
        words = _ucd_words(column.ucd)
        keys |= {f"ucd1:{column.ucd.strip().lower()}", _ucd_key(words), _ucd_key(words - {_MAIN})}
    return keys


def _normal(key: str) -> str:
    return _ucd_key(_ucd_words(key.removeprefix("ucd:"))) if key.startswith("ucd:") else key


def _ucd_key(words: set[str]) -> str:
    return "ucd:" + ";".join(sorted(words))


def _ucd_words(ucd: str) -> set[str]:
    """Words of a UCD1+ without blanks and namespaces."""
    return {word.strip().rpartition(":")[2].lower() for word in ucd.split(";") if word.strip()}


def _is_main(column: Column) -> bool:
    return _MAIN in (column.ucd or "").lower()


def _imprecision(column: Column) -> int:
    return {"double": 0, "float": 1}.get(column.datatype, 3 if column.is_text else 2)
