"""Commands that answer questions: query, xmatch, sql."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ssap_query import params
from ssap_query.cli.options import deliver, home, mirror_option, output
from ssap_query.mirror import Mirror, open_mirror
from ssap_query.params import REGISTRY
from ssap_query.request import DIALECTS, parse

__all__ = ["query", "sql", "xmatch"]

# Options of their own say these: what comes back, and how.
_NO_OPTION = frozenset({"REQUEST", "RESPONSEFORMAT", "COMPRESS", "RUNID"})
# --format is the format of the output in every command, so the parameter FORMAT has another name.
_OPTION_NAMES = {"FORMAT": "--mime"}
_FORMAT_KEYWORDS = frozenset({"metadata", "all", "compliant", "native", "graphic"})


def _request_options(command: Any) -> Any:
    """Add an option for each parameter of the registry."""
    for parameter in reversed([p for p in REGISTRY if p.name not in _NO_OPTION]):
        shown = f" e.g. {parameter.examples[0]}" if parameter.examples else ""
        unit = f" [{parameter.unit}]" if parameter.unit else ""
        option = click.option(
            _OPTION_NAMES.get(parameter.name, f"--{parameter.name.lower()}"),
            parameter.name.lower(),
            metavar=parameter.name,
            help=f"{parameter.description}{unit}{shown}",
        )
        command = option(command)
    return command


def _pairs(request: str | None, dialect: str, given: dict[str, str | None]) -> list[tuple[str, object]]:
    pairs = list(parse(request, dialect).pairs) if request else []
    if not any(name.upper() == "REQUEST" for name, _ in pairs):
        pairs.insert(0, ("REQUEST", "queryData"))
    return [*pairs, *((name.upper(), value) for name, value in given.items() if value is not None)]


def _asked_format(pairs: list[tuple[str, object]], dialect: str) -> str | None:
    """Format that a whole request asks for itself."""
    asked = parse(pairs, dialect).values.get("RESPONSEFORMAT")
    return None if asked is None else str(params.parameter("RESPONSEFORMAT").parse(asked, dialect))


def _open(mirror: str, home: Path | None) -> Mirror:
    # A process that asks once has no use for a cache of what it read.
    return open_mirror(mirror, home, cache_bytes=0)


@click.command()
@home
@mirror_option
@_request_options
@click.option(
    "--request", metavar="QUERY", help="A whole request as a query string; the options above are added to it."
)
@click.option(
    "--dialect",
    type=click.Choice(DIALECTS),
    default="ivoa",
    help="Read the parameters as the standard or as the GAVO server.",
)
@click.option("--columns", metavar="A,B,…", help="Columns by name instead of by VERB; 'all' is every one.")
@click.option(
    "--explain", is_flag=True, help="Say how the request is read and what it will touch, without answering it."
)
@output
def query(
    *, home: Path | None, mirror: str, request: str | None, dialect: str, columns: str | None, explain: bool,
    output: str | None, file_format: str | None, **given: str | None,
) -> None:  # fmt: skip
    r"""Ask a mirror with the parameters of SSAP (SSA 1.1).

    \b
    ssap-mirror query --pos 292.06,43.93 --size 0.2 --snr 20/ --verb 1 -o out.vot
    """
    if file_format is not None and _is_mime(file_format):
        given["format"], file_format = file_format, None
    chosen: Any = columns if columns in (None, "all") else [name.strip() for name in str(columns).split(",")]
    pairs = _pairs(request, dialect, given)
    opened = _open(mirror, home)
    if explain:
        click.echo(str(opened.explain(pairs, dialect, chosen)))
        return
    if output is None and file_format is None:
        file_format = _asked_format(pairs, dialect)
    deliver(opened.ssap(pairs, dialect, chosen), output, file_format)


@click.command()
@click.argument("table")
@home
@mirror_option
@click.option("--radius", type=float, default=1.0, show_default=True, help="Largest separation [arcsec].")
@click.option(
    "--find",
    type=click.Choice(["best", "all", "best-other", "anti"]),
    default="best",
    show_default=True,
    help="best: the nearest row of TABLE for each spectrum; all: every pair; best-other: the nearest spectrum for each "
    "row of TABLE; anti: spectra without one.",
)
@click.option("--ra", help="Column of right ascension in TABLE; found by UCD or name without it.")
@click.option("--dec", help="Column of declination.")
@click.option("--pmra", help="Column of proper motion in RA, with cos(dec) [mas/yr].")
@click.option("--pmdec", help="Column of proper motion in declination [mas/yr].")
@click.option(
    "--epoch",
    help="Epoch of the positions in TABLE, a Julian year or a column; its rows are then moved to the spectra's dates.",
)
@click.option("--sigma", type=float, help="Accept only within this many combined errors.")
@click.option("--error", "error_column", help="Column of the position error in TABLE [arcsec], for --sigma.")
@click.option("--request", metavar="QUERY", help="Only the spectra that an SSAP request selects, e.g. 'SNR=20/'.")
@click.option("--columns", metavar="A,B,…", help="Columns of the spectra to keep (default: those of VERB=1).")
@click.option("--table-columns", metavar="A,B,…", help="Columns of TABLE to keep (default: all).")
@output
def xmatch(
    table: str, home: Path | None, mirror: str, radius: float, find: Any, ra: str | None, dec: str | None,
    pmra: str | None, pmdec: str | None, epoch: str | None, sigma: float | None, error_column: str | None,
    request: str | None,
    columns: str | None, table_columns: str | None, output: str | None, file_format: str | None,
) -> None:  # fmt: skip
    r"""Match the spectra with a TABLE of positions: Parquet, CSV, ECSV, FITS, VOTable or a HATS folder.

    \b
    ssap-mirror xmatch gaia.parquet --radius 1 --epoch 2016.0 -o matched.parquet
    """
    from ssap_query.cli.matching import deliver_match, positions

    match = _open(mirror, home).crossmatch(
        table,
        radius,
        find,
        columns=_names(columns),
        other_columns=_names(table_columns),
        other_positions=positions(ra, dec, pmra, pmdec, epoch, error_column),
        sigma=sigma,
        **_filters(request),
    )
    deliver_match(match, output, file_format)


@click.command()
@click.argument("text")
@home
@mirror_option
@output
def sql(text: str, home: Path | None, mirror: str, output: str | None, file_format: str | None) -> None:
    r"""Ask in SQL (DuckDB); the view ``spectra`` has all rows.

    \b
    ssap-mirror sql "SELECT objtype, count(*) FROM spectra GROUP BY ALL ORDER BY 2 DESC"
    """
    result = _open(mirror, home).sql(text)
    deliver(result, output, file_format)


def _filters(request: str | None) -> dict[str, Any]:
    """Parameters of a request that select spectra."""
    given: dict[str, Any] = {"VERB": "1", **parse(request or "").values}
    given.pop("REQUEST", None)
    return given


def _is_mime(text: str) -> bool:
    """Whether a word given as output format can only be a value of the parameter FORMAT (SSA 1.1 §4.1.1.5)."""
    return text.lower() in _FORMAT_KEYWORDS or "/" in text


def _names(text: str | None) -> list[str] | None:
    return None if text is None else [name.strip() for name in text.split(",") if name.strip()]
