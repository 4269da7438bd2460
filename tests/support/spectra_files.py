"""Made-up spectra in the layouts of real ones: nothing in them was observed, and their headers say so."""

from __future__ import annotations

import gzip
from io import BytesIO

import numpy as np
from astropy.io import fits
from astropy.table import Table

MADE_UP = "SYNTHETIC: made up by a test, not observed"


def mrs_fits(
    obsid: int, minutes: tuple[int, ...] = (83906016,), points: int = 40, *, packed: bool = False, stub: bool = False,
    checksum: bool = False, wavelengths: bool = False,
) -> bytes:  # fmt: skip
    """LAMOST's MRS layout: two co-adds and a part for each exposure and arm.

    `stub` has a blue co-add without pixels; `wavelengths` has the columns of the later data releases.
    """
    hdus = fits.HDUList([_primary(obsid)])
    for arm, first in (("B", 3.69), ("R", 3.80)):
        if stub and arm == "B":
            hdus.append(fits.ImageHDU(name="COADD_B"))
        else:
            hdus.append(_part(f"COADD_{arm}", first, points, ("ANDMASK", "ORMASK"), wavelengths=wavelengths))
    for arm, first in (("B", 3.69), ("R", 3.80)):
        for minute in minutes:
            hdus.append(_part(f"{arm}-{minute}", first, points - 4, ("PIXMASK",), wavelengths=wavelengths))
            hdus[-1].header["LMJM"] = str(minute)
    return _written(hdus, packed=packed, checksum=checksum)


def lrs_image(obsid: int, points: int = 50) -> bytes:
    """LAMOST's LRS layout of the first data releases: rows of an image."""
    wavelengths = 10 ** (3.57 + 1e-4 * np.arange(points))
    rows = [np.linspace(1, 2, points), np.full(points, 4.0), wavelengths, np.zeros(points), np.arange(points) == 7]
    primary = _primary(obsid)
    return _written(fits.HDUList([fits.PrimaryHDU(np.array(rows, np.float32), primary.header)]))


def lrs_table(obsid: int, points: int = 50) -> bytes:
    """LAMOST's LRS layout of the later ones: a table with one row of arrays."""
    wavelengths = 10 ** (3.57 + 1e-4 * np.arange(points))
    columns = {"FLUX": np.linspace(1, 2, points), "IVAR": np.full(points, 4.0), "WAVELENGTH": wavelengths}
    columns |= {"ANDMASK": np.zeros(points), "ORMASK": np.arange(points) == 7}
    made = [fits.Column(name, f"{points}E", array=np.array([values], np.float32)) for name, values in columns.items()]
    return _written(fits.HDUList([_primary(obsid), fits.BinTableHDU.from_columns(made, name="COADD")]))


def ssa_fits(points: int = 30) -> bytes:
    """A FITS table whose columns have the utypes of SSA."""
    table = Table({"W": np.linspace(4000, 5000, points), "F": np.ones(points), "E": np.full(points, 0.5)})
    hdu = fits.BinTableHDU(table, name="SPECTRUM")
    for number, (utype, unit) in enumerate(
        [
            ("spec:Spectrum.Data.SpectralAxis.Value", "angstrom"),
            ("spec:Spectrum.Data.FluxAxis.Value", "erg/s/cm2/angstrom"),
            ("spec:Spectrum.Data.FluxAxis.Accuracy.StatError", "erg/s/cm2/angstrom"),
        ],
        1,
    ):
        hdu.header[f"TUTYP{number}"], hdu.header[f"TUNIT{number}"] = utype, unit
    return _written(fits.HDUList([fits.PrimaryHDU(), hdu]))


def sdm_votable(
    *, utypes: bool = True, ucds: bool = True, unit: str = "Angstrom", values: tuple[float, ...] = (5000, 5001, 5002)
) -> bytes:
    """A spectrum as DaCHS sends it: a VOTable with a row for each point."""
    said = [("spectral", "em.wl", "spec:Spectrum.Data.SpectralAxis.Value", unit)]
    said.append(("flux", "phot.flux.density;em.wl", "spec:Spectrum.Data.FluxAxis.Value", ""))
    fields = ""
    for name, ucd, utype, of in said:
        meaning = (f' ucd="{ucd}"' if ucds else "") + (f' utype="{utype}"' if utypes else "")
        fields += f'<FIELD name="{name}" ID="{name}" datatype="double" unit="{of}"{meaning}/>'
    rows = "".join(f"<TR><TD>{value}</TD><TD>{number + 1}</TD></TR>" for number, value in enumerate(values))
    return (
        f'<VOTABLE version="1.4"><RESOURCE type="results"><INFO name="note" value="{MADE_UP}"/>'
        f'<TABLE><PARAM name="ssa_targname" datatype="char" arraysize="*" value="made up"/>{fields}'
        f"<DATA><TABLEDATA>{rows}</TABLEDATA></DATA></TABLE></RESOURCE></VOTABLE>"
    ).encode()


def png(size: int = 20) -> bytes:
    """A picture."""
    from PIL import Image

    file = BytesIO()
    noise = np.random.default_rng(1).integers(0, 255, (size, size, 3), dtype=np.uint8)
    Image.fromarray(noise).save(file, "PNG")
    return file.getvalue()


def _primary(obsid: int) -> fits.PrimaryHDU:
    header = fits.Header({"ORIGIN": "NAOC-LAMOST", "OBSID": obsid, "VACUUM": True})
    header["COMMENT"] = MADE_UP
    return fits.PrimaryHDU(header=header)


def _part(name: str, first: float, points: int, masks: tuple[str, ...], *, wavelengths: bool) -> fits.BinTableHDU:
    # So fine that float32 makes equal neighbours of some.
    places = (first + 1.2e-7 * np.arange(points)).astype(np.float32)
    inverse = np.full(points, 4.0, np.float32)
    inverse[2] = 0
    columns = [
        fits.Column("FLUX", "E", array=np.arange(points, dtype=np.float32)),
        fits.Column("IVAR", "E", array=inverse),
    ]
    if wavelengths:
        columns.append(fits.Column("WAVELENGTH", "E", array=5000 + np.arange(points, dtype=np.float32)))
    else:
        columns.append(fits.Column("LOGLAM", "E", array=places))
    for number, mask in enumerate(masks):
        columns.append(fits.Column(mask, "I", array=np.arange(points) == 5 + number))
    return fits.BinTableHDU.from_columns(columns, name=name)


def _written(hdus: fits.HDUList, *, packed: bool = False, checksum: bool = False) -> bytes:
    file = BytesIO()
    hdus.writeto(file, checksum=checksum)
    return gzip.compress(file.getvalue(), mtime=0) if packed else file.getvalue()
