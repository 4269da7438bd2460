"""The command `xmatch`: match positions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from ssap_query.cli.choice import chosen_mirror, home, mirror_as_typed
from ssap_query.cli.diagnostics import note
from ssap_query.cli.options import FRAME_HELP, names, open_once, read_units, typed_request
from ssap_query.cli.output import Output, output

if TYPE_CHECKING:
    from ssap_query.xmatch import Limits, Positions

__all__ = ["xmatch"]

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
    "frame": FRAME_HELP.partition(":")[0] + ", such as galactic or FK4",
}


_METAVARS = {"epoch": "YEAR|COLUMN", "error": "ARCSEC|COLUMN", "frame": "FRAME"}

_OLD_FIND = ("best-other", "anti")

# What makes sense with one TABLE alone, and with LEFT alone
_OF_MIRROR = ("mirror", "home", "request", "ignore_unanswerable")


_OF_LEFT = (*(f"left_{name.replace('-', '_')}" for name in _POSITIONS), "left_units", "left_where", "no_self_pairs")


class _Find(click.Choice[str]):
    """Words that say which pairs are wanted; those of earlier versions are taken, and not shown."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Take a word."""
        return value if value in _OLD_FIND else super().convert(value, param, ctx)


def _position_options(command: Any) -> Any:
    for side, of in (("left-", "LEFT"), ("", "TABLE")):
        for name, text in reversed(_POSITIONS.items()):
            command = click.option(f"--{side}{name}", metavar=_METAVARS.get(name, "COLUMN"), help=f"{text}, of {of}.")(
                command
            )
        command = click.option(
            f"--{side}unit",
            f"{side.replace('-', '_')}units",
            metavar="COLUMN=UNIT",
            multiple=True,
            callback=read_units,
            help=f"Unit of a column of {of}, where it is silent or wrong; may be repeated.",
        )(command)
    return command


@click.command(
    epilog="""\b
Examples:
  ssap-mirror xmatch gaia.parquet --radius 1 --epoch 2016.0 -o matched.parquet
  ssap-mirror xmatch gaia.parquet --request SNR=20/ --where "phot_g_mean_mag < 15"
  ssap-mirror xmatch stars.csv --find best-per-target --best-by ssa_snr -o best.fits
  ssap-mirror xmatch hipparcos.fits gaia.parquet --left-epoch 1991.25 --epoch 2016.0
"""
)
@click.argument("tables", nargs=-1, required=True, metavar="[LEFT] TABLE")
@home
@mirror_as_typed
@click.option("--radius", type=float, default=1.0, show_default=True, help="Largest separation [arcsec].")
@click.option(
    "--find",
    type=_Find(["best", "all", "best-per-target", "symmetric", "unmatched"]),
    default="best",
    show_default=True,
    help="best: the nearest row of TABLE for each spectrum (row of LEFT); all: every pair; best-per-target: the "
    "nearest spectrum for each row of TABLE; symmetric: pairs of which no two share a row; unmatched: spectra with "
    "none in TABLE.",
)
@click.option(
    "--join",
    type=click.Choice(["inner", "left", "right", "outer"]),
    default="inner",
    show_default=True,
    help="Keep rows without a partner beside the pairs: spectra (left), rows of TABLE (right), or both (outer).",
)
@click.option("--neighbors", type=int, metavar="N", help="With best and best-per-target: the N nearest (default: 1).")
@click.option("--min-radius", type=float, metavar="ARCSEC", help="Least separation [arcsec] (default: 0).")
@click.option("--no-self-pairs", is_flag=True, help="No row with itself, for a table that is LEFT and TABLE at once.")
@click.option(
    "--best-by",
    metavar="SQL",
    help="With best and best-per-target: the partner with the largest value of an expression instead of the nearest, "
    "e.g. 'ssa_snr' or 'phot_g_mean_mag ASC'.",
)
@click.option("--row-numbers", is_flag=True, help="Add the numbers of the rows in their tables, from 0.")
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
@click.option("--motions/--no-motions", default=True, help="Move rows by their proper motions, where dates are known.")
@_position_options
@click.option("--memory", metavar="SIZE", help="Memory limit, e.g. 2GB; spills to disk (default: 3GB).")
@output
@click.pass_context
def xmatch(
    ctx: click.Context, /, *, tables: tuple[str, ...], home: Path | None, mirror: str | None, radius: float, find: Any,
    sigma: float | None, request: str | None, ignore_unanswerable: bool, where: str | None, left_where: str | None,
    columns: str | None, table_columns: str | None, suffix: str, motions: bool, memory: str | None,
    output: Output, join: Any, neighbors: int | None, min_radius: float | None,
    no_self_pairs: bool, best_by: str | None, row_numbers: bool, **positions: Any,
) -> None:  # fmt: skip
    """Match a TABLE of positions with the spectra of a mirror, or with another table, LEFT.

    A table is a file (Parquet, CSV, ECSV, FITS, VOTable, IPAC, Arrow), a quoted pattern of files, a HATS folder
    or the folder of a mirror. Positions are found by UCD or usual name where no option names them. The rows of the side
    that has proper motions (TABLE, if both do) are moved to the date of each row of the other side, where both dates
    are known.
    """
    _check_words(ctx, tables)
    output.refuse_inputs(tables)
    shared: dict[str, Any] = {
        "sigma": sigma, "motions": motions, "join": join, "best_by": best_by, "row_numbers": row_numbers,
        "n_neighbors": 1 if neighbors is None else neighbors, "min_radius_arcsec": min_radius or 0.0,
        "suffixes": ("", suffix), "limits": _limits(memory),
    }  # fmt: skip
    right = _positions(positions, "")
    if len(tables) == 1:
        match = open_once(chosen_mirror(mirror, home), home).crossmatch(
            tables[0], radius, find, columns=_chosen(columns), other_columns=names(table_columns),
            other_positions=right, other_where=where, ignore_unanswerable=ignore_unanswerable,
            request=typed_request(request, "ivoa").with_default("VERB", "1"), **shared,
        )  # fmt: skip
    else:
        from ssap_query.xmatch import crossmatch

        match = crossmatch(
            tables[0], tables[1], radius, find, left_columns=names(columns), right_columns=names(table_columns),
            left_positions=_positions(positions, "left_"), right_positions=right, left_where=left_where,
            right_where=where, self_pairs=not no_self_pairs, **shared,
        )  # fmt: skip
    output.deliver(match)
    if not len(match):
        note("note: positions are in degrees unless a note says otherwise; hours are named by --unit ra=h")


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


def _positions(given: dict[str, Any], side: str) -> Positions | None:
    """Describe the positions of a side in the words of the command; None if there are none."""
    from ssap_query.xmatch import Positions

    said = {name: given[f"{side}{name.replace('-', '_')}"] for name in _POSITIONS}
    units = given[f"{side}units"]
    if not any(said.values()) and not units:
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
        frame=said["frame"],
        units=units,
    )


def _chosen(columns: str | None) -> list[str] | str | None:
    """Columns of the spectra: ``all`` is every one, as in `query`."""
    return columns if columns == "all" else names(columns)


def _number_or_name(text: str | None) -> float | str | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return text


def _limits(memory: str | None) -> Limits | None:
    from ssap_query.xmatch import Limits

    return None if memory is None else Limits(memory=memory)
