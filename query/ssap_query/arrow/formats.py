"""The formats of a result: what each is called, what it can tell, and which function writes it."""

from __future__ import annotations

from dataclasses import dataclass

from ssap_mirror.core.layout import SUFFIXES

__all__ = ["FORMATS", "Format"]


@dataclass(frozen=True)
class Format:
    """One way to write a result."""

    name: str
    """What the command line calls it."""
    response_format: str
    """Canonical name of RESPONSEFORMAT (the reference server's, where it has the format)."""
    media_type: str
    """For HTTP."""
    suffixes: tuple[str, ...]
    """Endings of file names, the usual one first; none if another format has it."""
    writer: str
    """Module of `ssap_query.render` and function, loaded when first used: a cold start pays for no other format."""
    tells_status: bool
    """Whether truncation is told within the format."""
    asked_as: tuple[str, ...] = ()
    """What else RESPONSEFORMAT may call it in dialect ``ivoa``, in lower case (DALI 1.1 §3.4.3)."""
    packs: bool = True
    """Whether a file of it may be packed (``.gz``): those that are packed inside gain nothing."""
    ending: str = ""
    """Ending of the name under which a browser saves it, where no file name stands for it."""

    @property
    def saved_as(self) -> str:
        """Ending of the name under which a browser saves it."""
        return self.ending or self.suffixes[0]

    @property
    def names(self) -> tuple[str, ...]:
        """All that RESPONSEFORMAT may call it in dialect ``ivoa``."""
        return tuple(dict.fromkeys((self.name, self.response_format, self.media_type, *self.asked_as)))


_VOTABLE = "application/x-votable+xml"

#: All formats; the first one is the default.
FORMATS: tuple[Format, ...] = (
    Format(
        "votable",
        "votable/td",
        _VOTABLE,
        SUFFIXES["votable"],
        "votable.document:tabledata_chunks",
        tells_status=True,
        asked_as=("votabletd", "text/xml", f"{_VOTABLE};serialization=tabledata"),
    ),
    Format(
        "binary2",
        "votable/b2",
        f"{_VOTABLE};serialization=binary2",
        (),
        "votable.document:binary2_chunks",
        tells_status=True,
        asked_as=("votableb2",),
        ending=SUFFIXES["votable"][0],
    ),
    Format(
        "binary",
        "votable/b",
        f"{_VOTABLE};serialization=binary",
        (),
        "votable.document:binary_chunks",
        tells_status=True,
        ending=SUFFIXES["votable"][0],
    ),
    Format(
        "fits",
        "fits",
        "application/fits",
        SUFFIXES["fits"],
        "fits.document:fits_chunks",
        tells_status=True,
        asked_as=("image/fits",),
    ),
    Format(
        "csv",
        "csv",
        "text/csv;header=present",
        SUFFIXES["csv"],
        "text.delimited:csv_chunks",
        tells_status=False,
        asked_as=("text/csv",),
    ),
    Format(
        "csv-bare",
        "csv/bare",
        "text/csv;header=absent",
        (),
        "text.delimited:bare_csv_chunks",
        tells_status=False,
        asked_as=("csv_bare",),
        ending=SUFFIXES["csv"][0],
    ),
    Format("tsv", "tsv", "text/tab-separated-values", SUFFIXES["tsv"], "text.delimited:tsv_chunks", tells_status=False),
    Format(
        "ecsv",
        "ecsv",
        "text/x-ecsv",
        SUFFIXES["ecsv"],
        "text.ecsv:ecsv_chunks",
        tells_status=True,
        asked_as=("application/x-ecsv",),
    ),
    Format(
        "parquet",
        "parquet",
        "application/vnd.apache.parquet",
        SUFFIXES["parquet"],
        "columnar.parquet:parquet_chunks",
        tells_status=True,
        asked_as=("application/parquet",),
        packs=False,
    ),
    Format(
        "arrow",
        "arrow",
        "application/vnd.apache.arrow.file",
        SUFFIXES["arrow"],
        "columnar.feather:arrow_chunks",
        tells_status=True,
    ),
    Format("json", "json", "application/json", SUFFIXES["json"], "text.json_text:json_chunks", tells_status=True),
    Format(
        "text",
        "txt",
        "text/plain;charset=utf-8",
        SUFFIXES["text"],
        "text.terminal:text_chunks",
        tells_status=True,
        asked_as=("text/plain",),
    ),
    Format(
        "html",
        "html",
        "text/html;charset=utf-8",
        SUFFIXES["html"],
        "text.html:html_chunks",
        tells_status=True,
        asked_as=("text/html",),
    ),
)
