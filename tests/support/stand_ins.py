"""What stands in, on this machine, for the services and hosts that the pages of the documentation speak of."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import ssap_query as ssap
from ssap_mirror import build_mirror
from ssap_query.server.application import application
from starlette.applications import Starlette
from starlette.staticfiles import StaticFiles

from tests.support.serving import serving
from tests.support.spectra_files import mrs_fits

__all__ = ["FarAway", "far_away"]

_FIELD = {"pos": (292.06, 43.93), "size": 0.5}
_NAME = "lamost6-mrs"


@dataclass(frozen=True)
class FarAway:
    """A data centre with a spectra service, the files behind its rows, and a web server for what is published."""

    root: str
    """Its address."""
    web: Path
    """The folder of its web server."""

    @property
    def words(self) -> dict[str, str]:
        """What pages call it -> what it is called here."""
        return {
            "https://example.org/ssap.xml": f"{self.root}/{_NAME}/ssap.xml",
            "https://example.org/spectra": f"{self.root}/web/spectra",
            "/var/www": str(self.web),
        }

    def furnish(self, folder: Path, home: Path) -> None:
        """Give a reader what the pages take for granted: tables of their own, and the service's address."""
        home.mkdir()
        (home / "services.toml").write_text(f'[{_NAME}]\nurl = "{self.root}/{_NAME}/ssap.xml"\n')
        catalogue = pq.read_table(files("ssap_query") / "data" / "gaia_bright_sample.parquet")
        pq.write_table(catalogue, folder / "gaia.parquet")
        (folder / "stars.csv").write_text("name,ra,dec\nmine,292.06,43.93\nother,10.0,-5.0\n")
        pq.write_table(_rows(self.root), folder / "rows.parquet")


@contextmanager
def far_away(folder: Path) -> Iterator[FarAway]:
    """Run the data centre; its rows are those of a field of the sample, each with a file of its fibre and night."""
    spectra, web = folder / "files", folder / "web"
    spectra.mkdir()
    web.mkdir()
    hall = Starlette()
    with serving(hall) as root:
        rows = _rows(root)
        for obsid, minutes in _exposures(rows).items():
            (spectra / f"{obsid}.fits").write_bytes(mrs_fits(obsid, tuple(sorted(minutes))))
        build_mirror(rows.to_batches(), ssap.open("lamost6-mrs-sample").schema, folder / _NAME, _NAME)
        hall.mount("/files", StaticFiles(directory=spectra))
        hall.mount("/web", StaticFiles(directory=web))
        hall.mount("/", application({_NAME: ssap.open(str(folder / _NAME))}, publish=True))
        yield FarAway(root, web)


def _exposures(rows: pa.Table) -> dict[int, set[int]]:
    """The minutes at which the exposures in each file began, as the identities of their rows have them."""
    found: dict[int, set[int]] = {}
    for obsid, identity in zip(rows["obsid"].to_pylist(), rows["mobsid"].to_pylist(), strict=True):
        minute = identity.removeprefix(str(obsid))[:-1]
        found.setdefault(obsid, set()).update([int(minute)] if minute else [])
    return found


def _rows(root: str) -> pa.Table:
    found = ssap.open("lamost6-mrs-sample").search(**_FIELD, columns="all").to_arrow()
    addresses = [f"{root}/files/{obsid}.fits" for obsid in found["obsid"].to_pylist()]
    for name, values in (("accref", addresses), ("mime", ["application/fits"] * found.num_rows)):
        field = found.schema.field(name)
        found = found.set_column(found.column_names.index(name), field, pa.array(values, field.type))
    return found
