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
# What it is in the middle of, and the position of the next character.
Step = tuple[str, int]

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
        # Steps that lead nowhere: without these, what only looks like a host or a path is read again and again.
        self.dead: set[Step] = set()

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
        """After a hyphen; a compound ends where what follows its last hyphen is no part of it."""
        found: Token | None = None
        while following := self._next_part(i, kind):
            i, kind = following
            while c := self.at(i):
                if _is_digit(c):
                    kind = "numhword"
                elif (_is_letter(c) and not _is_ascii_letter(c)) or _is_mark(c):
                    kind = "hword" if kind == "asciihword" else kind
                elif not _is_ascii_letter(c):
                    break
                i += 1
            found = kind, i
            if c != "-":
                break
            i += 1
        return found

    def _next_part(self, i: int, kind: str) -> tuple[int, str] | None:
        """Second position of a compound's part, and the kind that the compound has become."""
        c = self.at(i)
        if _is_digit(c):
            while _is_digit(c := self.at(i)):
                i += 1
            return (i + 1, "numhword") if _is_letter(c) or _is_mark(c) else None
        if kind == "asciihword" and not _is_ascii_letter(c):
            kind = "hword"
        return (i + 1, kind) if _is_letter(c) else None

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
        return self._hosts(("label", i))

    def host_label_first(self, i: int) -> Token | None:
        return self._hosts(self._label(i))

    def host_domain_first(self, i: int) -> Token | None:
        return self._hosts(self._domain(i))

    def _hosts(self, step: Step | None) -> Token | None:
        """Go from label to label; a host ends with the last one that can be a top-level domain."""
        end: int | None = None
        tried: list[Step] = []
        while step and step not in self.dead:
            tried.append(step)
            state, i = step
            if state != "between":
                while _is_ascii_letter(c := self.at(i)) or (state == "label" and _is_digit(c)):
                    i += 1
                if state == "domain":
                    if _is_digit(c):
                        step = "label", i + 1
                        continue
                    end, tried = i, []
            c = self.at(i)
            if c == "@" and (found := self.email(i + 1)):
                return found
            step = self._domain(i + 1) if c == "." else self._label(i + 1) if c in ("-", "_") else None
        self.dead.update(tried)
        return None if end is None else self._host_and_path(end)

    def _label(self, i: int) -> Step | None:
        c = self.at(i)
        return ("label", i + 1) if _is_ascii_letter(c) or _is_digit(c) else None

    def _domain(self, i: int) -> Step | None:
        c = self.at(i)
        if _is_digit(c):
            return "label", i + 1
        if not _is_ascii_letter(c):
            return None
        c = self.at(i + 1)
        if _is_ascii_letter(c):
            return "domain", i + 2
        return ("label", i + 2) if _is_digit(c) else ("between", i + 1)

    def _host_and_path(self, i: int) -> Token:
        if self.at(i) == ":" and _is_digit(self.at(i + 1)):
            i += 1
            while _is_digit(self.at(i)):
                i += 1
        if self.at(i) == "/" and not self.host_alone:
            end = i + 1
            while _is_in_url(self.at(end)):
                end += 1
            if end > i + 1:
                return "url", end
        return "host", i

    def email(self, i: int) -> Token | None:
        if self.host_alone or i >= len(self.text):
            return None
        kind, end = _Scanner(self.text, host_alone=True).token(i)
        return ("email", end) if kind == "host" else None

    # File names and paths

    def file_next(self, i: int) -> Token | None:
        return self._files(("name", i))

    def file_first(self, i: int) -> Token | None:
        return self._files(("first", i))

    def file_twiddle(self, i: int) -> Token | None:
        return self._files(("twiddle", i))

    def file_dot(self, i: int) -> Token | None:
        """After a dot: another one, or a slash."""
        return self._files(("dot", i))

    def _files(self, step: Step | None) -> Token | None:
        """Go from name to name; a path ends with the last one, or with two dots."""
        end: int | None = None
        tried: list[Step] = []
        while step and step not in self.dead:
            tried.append(step)
            state, i = step
            c = self.at(i)
            step = None
            if state == "first" and c == "~":
                step = "twiddle", i + 1
            elif state == "first" and c == ".":
                step = ("name", i + 1) if _is_in_file(self.at(i + 1)) else ("dot", i + 1)
            elif state in ("twiddle", "dot") and c == "/":
                step = "first", i + 1
            elif state == "dot":
                following = self.at(i + 1)
                if c == "." and (following in ("", "/") or following.isspace()):
                    end, tried = i + 1, []
                    step = ("first", i + 2) if following == "/" else None
            elif _is_in_file(c):
                end, tried = self._name_end(i + 1), []
                step = ("first", end + 1) if self.at(end) == "/" else None
        self.dead.update(tried)
        return None if end is None else ("file", end)

    def _name_end(self, i: int) -> int:
        while c := self.at(i):
            if _is_in_file(c) or c == "-":
                i += 1
            elif c == "." and _is_in_file(self.at(i + 1)):
                i += 2
            else:
                break
        return i


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
