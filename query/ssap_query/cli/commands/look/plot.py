"""The command `plot`: pictures of a mirror, of a result or of a match."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click
from ssap_mirror.errors import ParameterError

from ssap_query.cli.choice import chosen_mirror, home, mirror_as_typed
from ssap_query.cli.diagnostics import note
from ssap_query.cli.options import open_once, typed_request
from ssap_query.cli.output import check_output, file_option

if TYPE_CHECKING:
    from ssap_query.plots.subject import Drawable

__all__ = ["plot"]

_REQUEST = "REQUEST"
_KINDS = (
    *("sky", "field", "time", "snr", "bands", "density", "velocities", "scatter", "matches", "completeness"),
    "spectrum",
)


@click.command(
    epilog="""\b
Examples:
  ssap-mirror plot -o sky.pdf
  ssap-mirror plot 'POS=292.06,43.93&SIZE=2' --kind field -o field.png
  ssap-mirror plot --kind density --x ssa_snr --y rv_br1_err -o errors.svg
  ssap-mirror plot matched.parquet --kind matches -o offsets.png
  ssap-mirror plot spectra/med-58268-HIP95119KP01_sp12-076.fits.gz --kind spectrum --identity 666212076R
"""
)
@click.argument("data", metavar="[MIRROR|RESULT|REQUEST|FILE]", required=False)
@home
@mirror_as_typed
@click.option("--kind", type=click.Choice(_KINDS), default="sky", show_default=True, help="What to draw.")
@click.option("--order", type=click.IntRange(0, 9), help="HEALPix order of the sky map (default: 5).")
@click.option("--x", metavar="COLUMN", help="Column along the picture, of density and completeness.")
@click.option("--y", metavar="COLUMN", help="Column up the picture, of density.")
@click.option("--rv", metavar="COLUMN", help="Column of radial velocities (default: rv_br1).")
@click.option("--identity", "identities", metavar="ID", multiple=True, help="Spectrum of a FILE; may be repeated.")
@file_option("File to write: .png, .pdf, .svg; - is stdout, as PNG (default: NAME-KIND.png).")
def plot(
    data: str | None, home: Path | None, mirror: str | None, kind: str, order: int | None, x: str | None,
    y: str | None, rv: str | None, identities: tuple[str, ...], output: str | None,
) -> None:  # fmt: skip
    """Draw a mirror, a RESULT (a table file), what a REQUEST finds, or a spectrum of a FILE, as PNG, PDF or SVG.

    sky, field: where; time, snr, bands: how many; density: --x against --y; velocities: one object along time;
    scatter: of many objects, by epochs; matches, completeness: of the output of `xmatch`; spectrum: of a file.
    """
    name = _name(data, mirror, home)
    target: Path | IO[bytes] = sys.stdout.buffer if output == "-" else Path(output or f"{name}-{kind}.png")
    if output is None:
        check_output(click.get_current_context(), "-o", str(target))
    if kind == "spectrum":
        from ssap_query.plots import spectrum
        from ssap_query.plots.style import form_of, save

        form_of(target)
        save(spectrum(Path(data or ""), identities), target)
    else:
        from ssap_query.plots.kinds import plot as draw

        draw(_data(data, mirror, home), target, kind, order=order, x=x, y=y, rv=rv)
    if isinstance(target, Path):
        note(f"picture: {target}")


def _name(data: str | None, mirror: str | None, home: Path | None) -> str:
    """Give what a file is called that nobody has given a name."""
    if data is None or _is_request(data):
        return Path(chosen_mirror(mirror, home)).name
    return Path(data).name.partition(".")[0]


def _is_request(data: str) -> bool:
    return "=" in data and not Path(data).exists()


def _data(data: str | None, mirror: str | None, home: Path | None) -> Drawable:
    if data is not None and Path(data).is_file():
        from ssap_mirror.tables.open import open_table

        from ssap_query.fetch.rows import TableRows

        return TableRows(open_table(data))
    if data is not None and _is_request(data):
        found = open_once(chosen_mirror(mirror, home), home).ssap(typed_request(data, "ivoa"), columns="all")
        if not len(found):
            raise ParameterError(_REQUEST, data, "finds no row, so there is nothing to draw")
        return found
    if data and mirror and data != mirror:
        parameter = "MIRROR"
        raise ParameterError(parameter, data, f"is another mirror than {mirror}")
    return open_once(chosen_mirror(data or mirror, home), home)
