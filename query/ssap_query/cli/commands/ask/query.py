"""The command `query`: ask with the parameters of SSAP."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ssap_query.cli.choice import home, mirror_option
from ssap_query.cli.options import open_once, typed_request
from ssap_query.cli.output import deliver, output
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
Example:
  ssap-mirror query --pos 292.06,43.93 --size 0.2 --snr 20/ --verb 1 -o out.vot
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
@click.option("--columns", metavar="A,B,…", help="Columns by name instead of by VERB; 'all' is every one.")
@click.option(
    "--explain", is_flag=True, help="Say how the request is read and what it will touch, without answering it."
)
@click.option(
    "--ignore-unanswerable", is_flag=True, help="Go on without the constraints about which the mirror has no column."
)
@output
def query(
    *, home: Path | None, mirror: str, request: str | None, dialect: str, columns: str | None, explain: bool,
    ignore_unanswerable: bool, output: str | None, file_format: str | None, **given: str | None,
) -> None:  # fmt: skip
    """Ask a mirror with the parameters of SSAP (SSA 1.1)."""
    if file_format is not None and _is_mime(file_format):
        given["format"], file_format = file_format, None
    chosen: Any = columns if columns in (None, "all") else [name.strip() for name in str(columns).split(",")]
    options = ((name.upper(), value) for name, value in given.items() if value is not None)
    parsed = typed_request(request, dialect, options)
    opened = open_once(mirror, home)
    if explain:
        click.echo(str(opened.explain(parsed, columns=chosen, ignore_unanswerable=ignore_unanswerable)))
        return
    result = opened.ssap(parsed, columns=chosen, ignore_unanswerable=ignore_unanswerable)
    if output is None and file_format is None and "RESPONSEFORMAT" in parsed.values:
        file_format = result.response_format
    deliver(result, output, file_format)


def _is_mime(text: str) -> bool:
    """Whether a word given as output format can only be a value of the parameter FORMAT (SSA 1.1 §4.1.1.5)."""
    return text.lower() in _FORMAT_KEYWORDS or "/" in text
