"""What the command ``xmatch`` needs beside the cross-match itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ssap_mirror.errors import ParameterError
from ssap_mirror.schema import Schema

from ssap_query.cli.options import deliver
from ssap_query.diagnostics import note
from ssap_query.result import ResultSet
from ssap_query.rows import Stored

__all__ = ["deliver_match", "positions"]


def positions(
    ra: str | None, dec: str | None, pmra: str | None, pmdec: str | None, epoch: str | None, error: str | None
) -> Any:
    """Make the description of the other table's positions out of the words of the command.

    Raises
    ------
    ParameterError
        If the epoch is a number that cannot be a year.
    """
    from ssap_query.crossmatch import Positions

    when: float | str | None = epoch
    if epoch is not None:
        try:
            when = float(epoch)
        except ValueError:
            when = epoch
        else:
            if not 1000 <= when <= 3000:
                name = "epoch"
                raise ParameterError(name, epoch, "is not a Julian year")
    if not any((ra, dec, pmra, pmdec, epoch, error)):
        return None
    return Positions(ra=ra, dec=dec, pmra=pmra, pmdec=pmdec, epoch=when, sigma_arcsec=error)


def deliver_match(match: Any, target: str | None, file_format: str | None) -> None:
    """Write the pairs where they should go: to Parquet piece by piece, to anything else as any other answer."""
    is_parquet = file_format == "parquet" or (file_format is None and str(target).lower().endswith((".parquet", ".pq")))
    if target not in (None, "-") and is_parquet:
        match.write(Path(str(target)))
        note(f"{len(match):,} rows to {target}")
        for text in match.notes:
            note(f"note: {text}")
        return
    table = match.to_arrow()
    deliver(ResultSet(Schema.from_arrow(table.schema), Stored(table), notes=match.notes), target, file_format)
