"""The command `query`: ask with the parameters of SSAP."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from ssap_mirror.errors import ParameterError

from ssap_query.cli.choice import home, mirror_option
from ssap_query.cli.diagnostics import note
from ssap_query.cli.options import names, open_once, typed_request
from ssap_query.cli.output import Output, output
from ssap_query.cli.words.completion import column_names
from ssap_query.cli.words.cones import cones_of
from ssap_query.cli.words.values import in_units, other_unit
from ssap_query.mirror.arrange import Arrangement, ask
from ssap_query.mirror.interfaces.cones import around
from ssap_query.ssap import REGISTRY
from ssap_query.ssap.request import DIALECTS

__all__ = ["query"]

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


@click.command(
    epilog="""\b
Examples:
  ssap-mirror query --pos 292.06,43.93 --size 1 --snr 20/ --verb 1 -o out.vot
  ssap-mirror query --pos '19h28m +43d56m' --size 42arcmin --sort -ssa_snr
  ssap-mirror query --snr 50/ --per target --best ssa_snr --iso -o best.csv
  ssap-mirror query --cones stars.csv --size 10arcsec --per cone --best ssa_snr
"""
)
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
@click.option(
    "--columns",
    shell_complete=column_names,
    metavar="A,B,…",
    help="Columns by name or pattern ('rv_*') instead of by VERB; 'all' is every one.",
)
@click.option("--frame", metavar="FRAME", help="Frame of --pos (ICRS, FK5, galactic) or of the positions of --cones.")
@click.option(
    "--cones",
    metavar="FILE",
    help="Look around each position of a table of any format (- is CSV on stdin); the rows say which one.",
)
@click.option(
    "--target", metavar="NAME", help="Look around where the mirror has a target of this name, in place of --pos."
)
@click.option(
    "--sort", shell_complete=column_names, metavar="A,-B,…", help="Sort by columns; with a minus from the largest down."
)
@click.option("--limit", type=click.IntRange(min=0), metavar="N", help="Only the first N rows.")
@click.option(
    "--per",
    shell_complete=column_names,
    metavar="target|position|COLUMN",
    help="One row for each target, position or value of a column.",
)
@click.option(
    "--best",
    shell_complete=column_names,
    metavar="COLUMN",
    help="With --per: keep the row with the largest value, e.g. ssa_snr.",
)
@click.option("--count", is_flag=True, help="Only say how many rows there are.")
@click.option(
    "--explain", is_flag=True, help="Say how the request is read and what it will touch, without answering it."
)
@click.option(
    "--ignore-unanswerable", is_flag=True, help="Go on without the constraints about which the mirror has no column."
)
@output
def query(
    *, home: Path | None, mirror: str, request: str | None, dialect: str, columns: str | None, explain: bool,
    ignore_unanswerable: bool, output: Output, frame: str | None, cones: str | None, target: str | None,
    sort: str | None, limit: int | None, per: str | None, best: str | None, count: bool, **given: str | None,
) -> None:  # fmt: skip
    """Ask a mirror with the parameters of SSAP (SSA 1.1).

    Numbers may have units (--size 6arcmin, --band 656nm, 6563A), positions hours and minutes (--pos '12h30m +43d').
    """
    if output.file_format is not None and _is_mime(output.file_format):
        given["format"], output = output.file_format, replace(output, file_format=None)
    chosen: Any = columns if columns == "all" else names(columns)
    typed = {name.upper(): in_units(name.upper(), value) for name, value in given.items() if value is not None}
    _refuse_two_places(typed.get("POS"), cones, target)
    output.refuse_inputs(() if cones is None else (cones,))
    opened = open_once(mirror, home)
    places = None if cones is None else cones_of(cones, frame)
    if target is not None:
        typed["POS"] = ",".join(map(repr, opened.position_of(target)))
    elif frame is not None and places is None:
        typed["POS"] = _framed(typed.get("POS"), frame)
    if count:
        chosen = [opened.schema.names[0]]  # one is as good as all
    how = Arrangement(tuple(names(sort) or ()), per, best, limit)
    parsed = how.bound(typed_request(request, dialect, typed.items()))
    if explain:
        whole = parsed if places is None else around(parsed, None, places)
        click.echo(str(opened.explain(whole, columns=chosen, ignore_unanswerable=ignore_unanswerable)))
        return
    result = ask(opened, parsed, how, chosen, places, ignore_unanswerable=ignore_unanswerable)
    if result.truncated and "TOP" in parsed.values and "MAXREC" not in parsed.values:
        told = f"these are the {len(result):,} best rows, as --top says; more match"
        result = replace(result, truncated=False, notes=(*result.notes, told))
    if not len(result) and "BAND" in typed and (doubt := other_unit("BAND", typed["BAND"])):
        note(f"note: {doubt}")
    if count:
        click.echo(len(result))
        return
    if output.is_open and "RESPONSEFORMAT" in parsed.values:
        output = replace(output, file_format=result.response_format)
    output.deliver(result)


def _refuse_two_places(pos: str | None, cones: str | None, target: str | None) -> None:
    given = [(name, value) for name, value in (("--pos", pos), ("--cones", cones), ("--target", target)) if value]
    if len(given) > 1:
        (name, value), (other, _) = given[1], given[0]
        raise ParameterError(name, value, f"is given beside {other}; only one of them can say where to look")


def _framed(position: str | None, frame: str) -> str:
    if position is None or ";" in position:
        name = "--frame"
        raise ParameterError(name, frame, "is of a --pos, which is not given or says its own frame")
    return f"{position};{frame}"


def _is_mime(text: str) -> bool:
    """Whether a word given as output format can only be a value of the parameter FORMAT (SSA 1.1 §4.1.1.5)."""
    return text.lower() in _FORMAT_KEYWORDS or "/" in text
