"""Tokens of a text as PostgreSQL's default text search parser sees them (its manual, §12.5).

The reference server's TARGETNAME is a full text search, and what counts as a word there is this parser's business:
``J232349.20`` is a file name, ``+155631.3`` a number with its sign, ``a-b`` a compound and its two parts. The parser
tries readings in a fixed order and takes the first that works out; so does this one, with a method for each thing that
it can be in the middle of. Methods take the position of the next character and return the token's kind and end, or
None.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

__all__ = ["tokens"]

Token = tuple[str, int]

_NOT_IN_URL = frozenset('"<>\\^`{|}')
_TAG_BODY = r"""(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[A-Za-z0-9=\-_#/:.&?%~\s])*>"""
_TAG = re.compile(
    rf"<(?:/[A-Za-z]|[A-Za-z:_])(?P<name>[\w:.\-]*)(?:/?>|\s{_TAG_BODY})|<\?x{_TAG_BODY}|<![Dd]{_TAG_BODY}|<!--.*?-->",
    re.DOTALL,
)
_ENTITY = re.compile(r"&(?:[A-Za-z:_](?P<name>[\w:.\-]*)|#[0-9]+|#[xX][0-9a-fA-F]+);")


def tokens(text: str) -> Iterator[tuple[str, str]]:
    """Kinds and texts of the tokens, blanks left out; a compound comes before its parts.

    Parameters
    ----------
    text : str
        Any text.

    Yields
    ------
    kind, token : str
        Kinds are PostgreSQL's aliases: ``asciiword``, ``numword``, ``host``, ``file``, ``float``, ...
    """
    yield from _Scanner(text).run()


class _Scanner:
    def __init__(self, text: str, *, host_alone: bool = False) -> None:
        self.text = text
        self.host_alone = host_alone

    def run(self) -> Iterator[tuple[str, str]]:
        i, in_compound = 0, False
        while i < len(self.text):
            part = self.part(i) if in_compound else None
            kind, end = part or self.token(i)
            if kind != "blank":
                yield kind, self.text[i:end]
            in_compound = part is not None or kind.endswith("hword")
            if kind == "url":
                slash = self.text.index("/", i)
                yield "host", self.text[i:slash]
                yield "url_path", self.text[slash:end]
            i = i if kind.endswith("hword") else end

    def at(self, i: int) -> str:
        return self.text[i] if i < len(self.text) else ""

    def token(self, i: int) -> Token:
        c = self.at(i)
        found: Token | None = None
        if _is_ascii_letter(c):
            return self.ascii_word(i + 1)
        if _is_letter(c):
            return self.word(i + 1)
        if _is_digit(c):
            return self.unsigned(i + 1)
        if c in "+-":
            found = self.signed(i) if _is_digit(self.at(i + 1)) else None
        elif c in "<&":
            match = (_TAG if c == "<" else _ENTITY).match(self.text, i)
            if match and all(_is_alnum(letter) or letter in ":_.-" for letter in match["name"] or ""):
                found = ("tag" if c == "<" else "entity", match.end())
        elif c == "~":
            found = self.file_twiddle(i + 1)
        elif c == "/":
            found = self.file_first(i + 1)
        elif c == ".":
            found = self.file_dot(i + 1)
        if found:
            return found
        i += 1
        while (c := self.at(i)) and c not in "<-+&/" and not _is_alnum(c):
            i += 1
        return "blank", i

    # Words

    def ascii_word(self, i: int) -> Token:
        while _is_ascii_letter(c := self.at(i)):
            i += 1
        found: Token | None = None
        if c == ".":
            found = self.host_domain_first(i + 1) or self.file_next(i + 1)
        elif c == "-":
            found = self.host_label_first(i + 1) or self.compound_first(i + 1, "asciihword")
        elif c == "_":
            found = self.host_label_first(i + 1)
        elif c == "@":
            found = self.email(i + 1)
        elif c == ":":
            found = ("protocol", i + 3) if self.text.startswith("//", i + 1) else None
        elif c == "/":
            found = self.file_first(i + 1)
        elif _is_digit(c):
            found = self.host(i + 1) or self.number_word(i + 1)
        elif _is_letter(c) or _is_mark(c):
            found = self.word(i + 1)
        return found or ("asciiword", i)

    def word(self, i: int) -> Token:
        while _is_letter(c := self.at(i)) or _is_mark(c):
            i += 1
        if _is_digit(c):
            return self.number_word(i + 1)
        return (self.compound_first(i + 1, "hword") if c == "-" else None) or ("word", i)

    def number_word(self, i: int) -> Token:
        while _is_alnum(c := self.at(i)) or _is_mark(c):
            i += 1
        found: Token | None = None
        if c == "@":
            found = self.email(i + 1)
        elif c == "/":
            found = self.file_first(i + 1)
        elif c == ".":
            found = self.file_next(i + 1)
        elif c == "-":
            found = self.compound_first(i + 1, "numhword")
        return found or ("numword", i)

    # Compounds with hyphens, and their parts

    def compound_first(self, i: int, kind: str) -> Token | None:
        c = self.at(i)
        if _is_digit(c):
            while _is_digit(c := self.at(i)):
                i += 1
            return self.compound(i + 1, "numhword") if _is_letter(c) or _is_mark(c) else None
        if kind == "asciihword" and not _is_ascii_letter(c):
            kind = "hword"
        return self.compound(i + 1, kind) if _is_letter(c) else None

    def compound(self, i: int, kind: str) -> Token:
        while c := self.at(i):
            if _is_digit(c):
                kind = "numhword"
            elif (_is_letter(c) and not _is_ascii_letter(c)) or _is_mark(c):
                kind = "hword" if kind == "asciihword" else kind
            elif not _is_ascii_letter(c):
                break
            i += 1
        return (self.compound_first(i + 1, kind) if c == "-" else None) or (kind, i)

    def part(self, i: int) -> Token | None:
        c = self.at(i)
        if c == "-":
            following = self.at(i + 1)
            return ("blank", i + 1) if _is_alnum(following) or _is_mark(following) else None
        start = i
        while _is_digit(self.at(i)):
            i += 1
        c = self.at(i)
        if not (_is_letter(c) or (i > start and _is_mark(c))):
            return None
        while _is_alnum(c := self.at(i)) or _is_mark(c):
            i += 1
        piece = self.text[start:i]
        if any(_is_digit(c) for c in piece):
            return "hword_numpart", i
        return "hword_asciipart" if all(_is_ascii_letter(c) for c in piece) else "hword_part", i

    # Numbers

    def unsigned(self, i: int) -> Token:
        while _is_digit(c := self.at(i)):
            i += 1
        found: Token | None = None
        if c == ".":
            found = self.host_domain_first(i + 1)
            if not found and _is_digit(self.at(i + 1)):
                found = self.decimal(i + 2)
        elif c in ("-", "_"):
            found = self.host_label_first(i + 1)
        elif c == "@":
            found = self.email(i + 1)
        elif c == "/":
            found = self.file_first(i + 1)
        elif _is_letter(c) or _is_mark(c):
            found = self.exponent(i) or (self.host(i + 1) if _is_ascii_letter(c) else None) or self.number_word(i + 1)
        return found or ("uint", i)

    def decimal(self, i: int) -> Token:
        while _is_digit(self.at(i)):
            i += 1
        kind = "float"
        while self.at(i) == "." and _is_digit(self.at(i + 1)):
            kind = "version"
            i += 2
            while _is_digit(self.at(i)):
                i += 1
        return (self.exponent(i) if kind == "float" else None) or (kind, i)

    def signed(self, i: int) -> Token:
        start = i
        i += 2
        while _is_digit(self.at(i)):
            i += 1
        kind = "int"
        if self.at(i) == "." and _is_digit(self.at(i + 1)):
            kind = "float"
            i += 2
            while _is_digit(self.at(i)):
                i += 1
            if self.at(i) == "." and _is_digit(self.at(i + 1)):
                return "blank", start + 1  # a version number has no sign
        return self.exponent(i) or (kind, i)

    def exponent(self, i: int) -> Token | None:
        match = _EXPONENT.match(self.text, i)
        return ("sfloat", match.end()) if match else None

    # Hosts, e-mail addresses, URLs

    def host(self, i: int) -> Token | None:
        while _is_ascii_letter(c := self.at(i)) or _is_digit(c):
            i += 1
        return self._host_next(c, i)

    def host_label_first(self, i: int) -> Token | None:
        c = self.at(i)
        return self.host(i + 1) if _is_ascii_letter(c) or _is_digit(c) else None

    def host_domain_first(self, i: int) -> Token | None:
        c = self.at(i)
        if _is_digit(c):
            return self.host(i + 1)
        if not _is_ascii_letter(c):
            return None
        c = self.at(i + 1)
        if _is_ascii_letter(c):
            return self.host_domain(i + 2)
        return self.host(i + 2) if _is_digit(c) else self._host_next(c, i + 1)

    def host_domain(self, i: int) -> Token | None:
        while _is_ascii_letter(c := self.at(i)):
            i += 1
        if _is_digit(c):
            return self.host(i + 1)
        found = self._host_next(c, i)
        if found:
            return found
        if c == ":" and _is_digit(self.at(i + 1)):
            i += 1
            while _is_digit(c := self.at(i)):
                i += 1
        if c == "/" and not self.host_alone:
            end = i + 1
            while _is_in_url(self.at(end)):
                end += 1
            if end > i + 1:
                return "url", end
        return "host", i

    def _host_next(self, c: str, i: int) -> Token | None:
        if c == "@":
            return self.email(i + 1)
        if c == ".":
            return self.host_domain_first(i + 1)
        return self.host_label_first(i + 1) if c in ("-", "_") else None

    def email(self, i: int) -> Token | None:
        if self.host_alone or i >= len(self.text):
            return None
        kind, length = _Scanner(self.text[i:], host_alone=True).token(0)
        return ("email", i + length) if kind == "host" else None

    # File names and paths

    def file(self, i: int) -> Token:
        while c := self.at(i):
            if _is_in_file(c) or c == "-":
                i += 1
            elif c == "." and _is_in_file(self.at(i + 1)):
                i += 2
            else:
                break
        return (self.file_first(i + 1) if c == "/" else None) or ("file", i)

    def file_next(self, i: int) -> Token | None:
        return self.file(i + 1) if _is_in_file(self.at(i)) else None

    def file_first(self, i: int) -> Token | None:
        c = self.at(i)
        if c == "~":
            return self.file_twiddle(i + 1)
        if c == ".":
            return self.file_next(i + 1) or self.file_dot(i + 1)
        return self.file_next(i)

    def file_twiddle(self, i: int) -> Token | None:
        return self.file_first(i + 1) if self.at(i) == "/" else self.file_next(i)

    def file_dot(self, i: int) -> Token | None:
        """After a dot: another one, or a slash."""
        if self.at(i) == "/":
            return self.file_first(i + 1)
        if self.at(i) != ".":
            return None
        c = self.at(i + 1)
        if c == "/":
            return self.file_first(i + 2) or ("file", i + 1)
        return ("file", i + 1) if not c or c.isspace() else None


_EXPONENT = re.compile(r"[eE][+-]?[0-9]+")


def _is_ascii_letter(c: str) -> bool:
    return "a" <= c <= "z" or "A" <= c <= "Z"


def _is_digit(c: str) -> bool:
    return "0" <= c <= "9"


def _is_letter(c: str) -> bool:
    # The C library counts digits of other scripts and letter-like numbers and symbols as letters.
    return c.isalpha() or (c > "\x7f" and unicodedata.category(c) in ("Nd", "Nl"))


def _is_alnum(c: str) -> bool:
    return _is_letter(c) or _is_digit(c)


def _is_mark(c: str) -> bool:
    """Whether a character is without width, or a spacing mark: it does not break a word."""
    return c > "\x7f" and unicodedata.category(c) in ("Mn", "Me", "Mc", "Cf")


def _is_in_file(c: str) -> bool:
    return _is_ascii_letter(c) or _is_digit(c) or c == "_"


def _is_in_url(c: str) -> bool:
    return "\x20" < c < "\x7f" and c not in _NOT_IN_URL
