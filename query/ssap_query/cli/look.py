"""Commands that look at a mirror: info, path, plot, services."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ssap_query.cli.options import home, mirror_argument
from ssap_query.diagnostics import note

__all__ = ["info", "path", "plot", "services"]


@click.command()
@home
@mirror_argument
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def info(home: Path | None, mirror: str, as_json: bool) -> None:  # noqa: FBT001
    """Say what a MIRROR holds: rows, columns, coverage, size, source, date."""
    import json

    from ssap_query.mirror import open_mirror

    facts = open_mirror(mirror, home, cache_bytes=0).info()
    click.echo(json.dumps(facts, indent=1, default=str) if as_json else _described(facts))


@click.command()
@home
@mirror_argument
def path(home: Path | None, mirror: str) -> None:
    """Print the folder of the live snapshot, a HATS catalogue: lsdb.open_catalog($(ssap-mirror path))."""
    from ssap_mirror.catalog import find_snapshot

    click.echo(str(find_snapshot(mirror, home)))


@click.command()
@home
@mirror_argument
@click.option(
    "--kind", type=click.Choice(["sky", "time", "snr"]), default="sky", show_default=True, help="What to draw."
)
@click.option("--order", type=click.IntRange(0, 9), default=5, show_default=True, help="HEALPix order of the sky map.")
@click.option(
    "--output", "-o", type=click.Path(path_type=Path, dir_okay=False), help="PNG file (default: MIRROR-KIND.png)."
)
def plot(home: Path | None, mirror: str, kind: str, order: int, output: Path | None) -> None:
    """Draw a map of the sky, or a histogram of dates or signal to noise, as PNG."""
    from ssap_query.mirror import open_mirror
    from ssap_query.plot import plot as draw

    target = output or Path(f"{Path(mirror).name}-{kind}.png")
    draw(open_mirror(mirror, home), target, kind, order)
    note(f"picture: {target}")


@click.command()
def services() -> None:
    """List the services that are known by name."""
    from ssap_mirror.services import services as known

    for service in known():
        click.echo(f"{service.name:14} {service.kind:5} {service.url}  {service.title}")


def _described(facts: dict[str, Any]) -> str:
    made_up = "  SYNTHETIC: these rows are made up\n" if facts["synthetic"] else ""
    coverage = facts["coverage"]
    source = facts["source"]
    lines = [
        ("rows", f"{facts['rows']:,} ({facts['unplaced_rows']:,} of them without a place on the sky)"),
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
        ("made", f"{facts['created']} by {facts['tool']}"),
        ("snapshot", facts["path"]),
    ]
    return f"{facts['name']}: {facts['title']}\n{made_up}" + "\n".join(
        f"  {name:<10}  {text}" for name, text in lines if text
    )


def _span(bounds: Any, text: str) -> str:
    return text.format(*bounds) if bounds and None not in bounds else ""


def _dates(bounds: Any) -> str:
    if not bounds or None in bounds:
        return ""
    from datetime import datetime, timedelta

    first, last = (datetime(1858, 11, 17) + timedelta(days=mjd) for mjd in bounds)
    return f" ({first:%Y-%m-%d} to {last:%Y-%m-%d})"
