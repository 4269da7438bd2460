"""The command `info`: what a mirror holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ssap_query.cli.choice import home, mirror_argument
from ssap_query.cli.diagnostics import note
from ssap_query.cli.options import open_once
from ssap_query.cli.output import file_option

__all__ = ["info"]


@click.command()
@home
@mirror_argument
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@file_option("Write the part of the sky that has rows, as a MOC; ends in .fits, .json or .txt.", "--moc")
@click.option(
    "--order", type=click.IntRange(0, 29), default=7, show_default=True,
    help="HEALPix order of the cells of the MOC; those of order 7 are half a degree wide, of order 10 3.4 arcmin.",
)  # fmt: skip
@click.option("--samp", is_flag=True, help="Send the MOC to Aladin and other programs on the SAMP hub.")
def info(home: Path | None, mirror: str, moc: str | None, order: int, *, as_json: bool, samp: bool) -> None:
    """Say what a MIRROR holds: rows, columns, coverage, size, source, date."""
    import json

    opened = open_once(mirror, home)
    if moc is not None or samp:
        covered = opened.moc(order)
        if moc is not None:
            covered.write(moc)
            share = f"{100 * covered.sky_fraction:.3g} % of the sky"
            note(f"{len(covered.cells):,} cells of order {order}, {share}, to {moc}")
        if samp:
            note(f"coverage to {', '.join(covered.broadcast_samp())}")
        return
    facts = opened.info()
    click.echo(json.dumps(facts, indent=1, default=str) if as_json else _described(facts))


def _described(facts: dict[str, Any]) -> str:
    made_up = "  SYNTHETIC: these rows are made up\n" if facts["synthetic"] else ""
    coverage = facts["coverage"]
    source = facts["source"]
    lines = [
        ("rows", f"{facts['rows']:,} ({facts['unplaced_rows']:,} of them without coordinates of a target)"),
        ("columns", f"{facts['columns']}"),
        (
            "sky",
            _span(coverage.get("ra"), "RA {:.3f} to {:.3f} deg")
            + _span(coverage.get("dec"), ", Dec {:+.3f} to {:+.3f} deg (ICRS)"),
        ),
        ("time", _span(coverage.get("t"), "MJD {:.3f} to {:.3f}") + _dates(coverage.get("t"))),
        ("wavelength", _span(coverage.get("em"), "{:.4g} to {:.4g} m (vacuum)")),
        ("size", f"{facts['bytes'] / 1e6:,.1f} MB in {facts['partitions']} partitions"),
        ("source", f"{source.get('kind', '?')} {source.get('url', '')}".strip()),
        ("built", f"{facts['created']} by {facts['tool']}"),
        ("snapshot", facts["path"]),
    ]
    described = [f"  {name:<10}  {text}" for name, text in lines if text]
    described += [f"  {line}" for line in facts["missing"]]
    described += ["", "  parameter       is compared with"]
    described += [f"  {name:<14}  {words}" for name, words in facts["answers"].items()]
    first = "; ".join([f"{facts['name']}: {facts['title']}", *_verdict(facts["harvest"])])
    return f"{first}\n{made_up}" + "\n".join(described)


def _verdict(harvest: dict[str, Any]) -> list[str]:
    """How complete the rows are, and what could not be looked at; nothing of what no sync has made."""
    if "status" not in harvest:
        return []
    return ["NOT COMPLETE" if harvest["status"] == "incomplete" else harvest["status"], *harvest.get("caveats", ())]


def _span(bounds: Any, text: str) -> str:
    return text.format(*bounds) if bounds and None not in bounds else ""


def _dates(bounds: Any) -> str:
    if not bounds or None in bounds:
        return ""
    from ssap_mirror.core.times import datetime_of

    first, last = map(datetime_of, bounds)
    return f" ({first:%Y-%m-%d} to {last:%Y-%m-%d})"
