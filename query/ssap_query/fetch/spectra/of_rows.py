"""The spectrum of each row, out of the file that was fetched for it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ssap_mirror.errors import FormatError, SourceError

from ssap_query.fetch.report import Fetched
from ssap_query.fetch.rows import Rows
from ssap_query.fetch.spectra.points import specutils
from ssap_query.fetch.spectra.read import read_spectra

__all__ = ["spectra_of_rows"]


def spectra_of_rows(rows: Rows, fetched: Fetched, *, skip_missing: bool = False) -> Any:
    """Give the spectrum of each row.

    Parameters
    ----------
    rows : Rows
        A result.
    fetched : Fetched
        What was fetched for it.
    skip_missing : bool
        Whether rows without a file are left out, instead of being an error.

    Returns
    -------
    specutils.SpectrumList
        In the order of the rows. In ``meta`` each has ``identity``, ``row`` (the values of its row, by column),
        ``row_number`` and ``file``.

    Raises
    ------
    SourceError
        If a row has no file, or a file has no spectrum of its row.
    """
    library = specutils()
    places = {row: files[0].path for row in range(len(fetched.identities)) if (files := _spectra(fetched, row))}
    lacking = len(fetched.identities) - len(places)
    if lacking and not skip_missing:
        message = (
            f"{lacking:,} of {len(fetched.identities):,} rows have no spectrum in {fetched.folder}; fetch them, or "
            "skip those that are missing"
        )
        raise SourceError(message)
    by_file: dict[Path, list[int]] = defaultdict(list)
    for row, path in places.items():
        if path is not None:
            by_file[path].append(row)
    found: dict[int, Any] = {}
    # A file has the spectra of several rows, and is read once.
    for path, numbers in by_file.items():
        candidates = list(read_spectra(path))
        for row in numbers:
            found[row] = _own(candidates, fetched.identities[row], path, shared=len(numbers) > 1)
    for number, values in enumerate(_dictionaries(rows)):
        if number in found:
            found[number].meta.update(row=values, row_number=number, identity=fetched.identities[number])
    return library.SpectrumList([found[row] for row in sorted(found)])


def _spectra(fetched: Fetched, row: int) -> list[Any]:
    """Files of a row that may have its spectrum."""
    return [file for file in fetched.files_of(row) if file.path is not None and not file.wanted.is_links]


def _own(candidates: Sequence[Any], identity: str, path: Path, *, shared: bool) -> Any:
    """Find the spectrum of a row among those of its file."""
    named = [one for one in candidates if "identity" in one.meta]
    own = [one for one in named if one.meta["identity"] == identity]
    if len(own) == 1:
        return own[0]
    if len(candidates) == 1 and not named and not shared:
        return candidates[0]
    there = ", ".join(str(one.meta["identity"]) for one in named[:12]) or f"{len(candidates)} spectra without a name"
    message = f"{path} has no spectrum of the row {identity!r}: it has {there}"
    raise FormatError(message)


def _dictionaries(rows: Rows) -> Iterator[dict[str, Any]]:
    for batch in rows.batches():
        yield from batch.to_pylist()
