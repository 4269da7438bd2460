"""The command `xmatch`: match positions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from ssap_query.cli.diagnostics import note
from ssap_query.cli.options import deliver, home, mirror_option, names, open_once, output
from ssap_query.ssap.request import parse

if TYPE_CHECKING:
    from ssap_query.xmatch import Limits, Match, Positions

__all__ = ["xmatch"]

_PARQUET_SUFFIXES = (".parquet", ".parq", ".pq")


# Option -> what it says of a table. They are fields of `Positions`, but for --error.
_POSITIONS = {
    "ra": "Column of right ascension",
    "dec": "Column of declination",
    "pmra": "Column of proper motion in RA, with cos(dec) [mas/yr]",
    "pmdec": "Column of proper motion in declination [mas/yr]",
    "parallax": "Column of parallax [mas]",
    "radial-velocity": "Column of radial velocity [km/s]",
    "epoch": "Date of the positions: a Julian year such as 2016.0, or a column",
    "error": "Position error for --sigma: a number [arcsec], or a column",
}


# What makes sense with one TABLE alone, and with LEFT alone
_OF_MIRROR = ("mirror", "home", "request", "ignore_unanswerable")


_OF_LEFT = (*(f"left_{name.replace('-', '_')}" for name in _POSITIONS), "left_where")


def _position_options(command: Any) -> Any:
    for side, of in (("left-", "LEFT"), ("", "TABLE")):
        for name, text in reversed(_POSITIONS.items()):
            command = click.option(f"--{side}{name}", metavar="COLUMN", help=f"{text}, of {of}.")(command)
    return command


@click.command(
    epilog="""\b
Examples:
  ssap-mirror xmatch gaia.parquet --radius 1 --epoch 2016.0 -o matched.parquet
  ssap-mirror xmatch gaia.parquet --request SNR=20/ --where "phot_g_mean_mag < 15"
  ssap-mirror xmatch hipparcos.fits gaia.parquet --left-epoch 1991.25 --epoch 2016.0 --radius 0.5 -o pairs.vot
"""
)
@click.argument("tables", nargs=-1, required=True, metavar="[LEFT] TABLE")
@home
@mirror_option
@click.option("--radius", type=float, default=1.0, show_default=True, help="Largest separation [arcsec].")
@click.option(
    "--find",
    type=click.Choice(["best", "all", "best-other", "anti"]),
    default="best",
    show_default=True,
    help="best: the nearest row of TABLE for each spectrum (row of LEFT); all: every pair; best-other: the nearest "
    "spectrum for each row of TABLE; anti: spectra that have none in TABLE.",
)
@click.option("--sigma", type=float, help="Accept only within this many combined errors (and the radius).")
@click.option("--request", metavar="QUERY", help="Only the spectra that an SSAP request selects, e.g. 'SNR=20/'.")
@click.option(
    "--ignore-unanswerable", is_flag=True, help="Go on without what --request asks and the mirror has no column for."
)
@click.option("--where", metavar="SQL", help="Only the rows of TABLE that fulfil a condition (DuckDB's SQL).")
@click.option("--left-where", metavar="SQL", help="Only the rows of LEFT that fulfil a condition.")
@click.option(
    "--columns", metavar="A,B,…", help="Columns of the spectra (default: of VERB=1) or of LEFT (all) to keep."
)
@click.option("--table-columns", metavar="A,B,…", help="Columns of TABLE to keep (default: all).")
@click.option(
    "--suffix", default="_2", show_default=True, help="Put behind the name of a column of TABLE that LEFT has too."
)
@_position_options
@click.option("--memory", metavar="SIZE", help="Most to keep in memory, as in 2GB; more goes to disk (default: 3GB).")
@output
@click.pass_context
def xmatch(
    ctx: click.Context, /, tables: tuple[str, ...], home: Path | None, mirror: str, radius: float, find: Any,
    sigma: float | None, request: str | None, ignore_unanswerable: bool,  # noqa: FBT001
    where: str | None, left_where: str | None, columns: str | None,
    table_columns: str | None, suffix: str, memory: str | None, output: str | None, file_format: str | None,
    **positions: str | None,
) -> None:  # fmt: skip
    """Match a TABLE of positions with the spectra of a mirror, or with another table, LEFT.

    A table is a file (Parquet, CSV, ECSV, FITS, VOTable, Arrow), a quoted pattern of Parquet files, a HATS folder or
    the folder of a mirror. Positions are found by UCD or usual name where no option names them. Given an epoch or
    proper motions, the rows of the side that has proper motions (TABLE, if both do) are moved to the date of each row
    of the other side.
    """
    _check_words(ctx, tables)
    shared: dict[str, Any] = {"sigma": sigma, "suffixes": ("", suffix), "limits": _limits(memory)}
    right = _positions(positions, "")
    infos: dict[str, str] = {}
    if len(tables) == 1:
        from ssap_query.mirror.answer import provenance

        spectra = open_once(mirror, home)
        infos = provenance(spectra.catalog)
        match = spectra.crossmatch(
            tables[0], radius, find, columns=names(columns), other_columns=names(table_columns), other_positions=right,
            other_where=where, ignore_unanswerable=ignore_unanswerable, **shared, **_filters(request),
        )  # fmt: skip
    else:
        from ssap_query.xmatch import crossmatch

        match = crossmatch(
            tables[0], tables[1], radius, find, left_columns=names(columns), right_columns=names(table_columns),
            left_positions=_positions(positions, "left_"), right_positions=right, left_where=left_where,
            right_where=where, **shared,
        )  # fmt: skip
    _deliver(match, infos, output, file_format)


def _check_words(ctx: click.Context, tables: tuple[str, ...]) -> None:
    """Refuse what would be ignored."""
    if len(tables) > 2:
        message = f"Got {len(tables)} tables; one is matched with a mirror, or two with each other."
        raise click.UsageError(message, ctx)
    idle = _OF_LEFT if len(tables) == 1 else _OF_MIRROR
    reason = "needs a table LEFT" if len(tables) == 1 else "is about a mirror, and LEFT is matched in its place"
    for name in idle:
        if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            message = f"--{name.replace('_', '-')} {reason}."
            raise click.UsageError(message, ctx)


def _positions(given: dict[str, str | None], side: str) -> Positions | None:
    """Describe the positions of a side in the words of the command; None if there are none."""
    from ssap_query.xmatch import Positions

    said = {name: given[f"{side}{name.replace('-', '_')}"] for name in _POSITIONS}
    if not any(said.values()):
        return None
    return Positions(
        ra=said["ra"],
        dec=said["dec"],
        pmra=said["pmra"],
        pmdec=said["pmdec"],
        parallax=said["parallax"],
        radial_velocity=said["radial-velocity"],
        epoch=_number_or_name(said["epoch"]),
        sigma_arcsec=_number_or_name(said["error"]),
    )


def _number_or_name(text: str | None) -> float | str | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return text


def _limits(memory: str | None) -> Limits | None:
    from ssap_query.xmatch import Limits

    return None if memory is None else Limits(memory=memory)


def _deliver(match: Match, infos: dict[str, str], target: str | None, file_format: str | None) -> None:
    """Write the pairs where they should go, piece by piece."""
    from ssap_mirror.core.schema import Schema

    from ssap_query.mirror.result import ResultSet

    is_parquet = file_format == "parquet" or (file_format is None and str(target).lower().endswith(_PARQUET_SUFFIXES))
    if target in (None, "-") or not is_parquet:
        result = ResultSet(Schema.from_arrow(match.schema), match, notes=match.notes, infos=infos)
        deliver(result, target, file_format)
        return
    match.write(Path(str(target)))
    note(f"{len(match):,} rows to {target}{'; SYNTHETIC rows' if 'synthetic' in infos else ''}")
    for text in match.notes:
        note(f"note: {text}")


def _filters(request: str | None) -> dict[str, Any]:
    """Read the parameters of a request that selects spectra."""
    given: dict[str, Any] = {"VERB": "1", **parse(request or "").values}
    given.pop("REQUEST", None)
    return given
