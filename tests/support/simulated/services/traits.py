"""How an SSAP service behaves, other than the reference server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from tests.support.simulated.services.documents import BY_THE_BOOK, Layout, Serialization
from tests.support.simulated.services.http import Reply

__all__ = ["Traits"]

Need = Literal["error", "http 400", "json", "no rows", "no table"]


@dataclass(frozen=True)
class Traits:
    """How a service behaves, other than the reference server."""

    obeys: tuple[str, ...] = ("POS", "TIME", "BAND", "SNR", "APERTURE")
    """Parameters that select rows; the others are not looked at."""
    declares: tuple[str, ...] | None = None
    """Parameters in its metadata; those that it obeys without it."""
    metadata: Literal["table", "meta", "error"] = "table"
    """Where FORMAT=METADATA lists parameters: with the table, in a RESOURCE of type meta; or it is refused."""
    size_is_radius: bool = False
    """How SIZE is read."""
    size_unit_deg: float = 1.0
    """What SIZE is counted in [deg]."""
    default_size: float = 0.1
    """SIZE where none is given [deg]."""
    max_size: float | None = None
    """Largest SIZE [deg]; more is refused."""
    max_size_declared: bool = False
    """Whether the metadata says so."""
    max_size_arcmin: bool = False
    """Whether that is declared in arcminutes."""
    time_reads: Literal["overlap", "within", "midpoint"] = "midpoint"
    """What TIME=a/b asks of an exposure."""
    needs: tuple[str, ...] = ()
    """Parameters without any of which it gives no rows."""
    refuses_with: Need = "error"
    """How it says so."""
    needs_own: str | None = None
    """A parameter of its own, without which it refuses with HTTP 400 and a VOTable."""
    collections: tuple[str, ...] = ()
    """Values of COLLECTION that the metadata lists."""
    finds_nothing: tuple[str, ...] = ()
    """Parameters that mean nothing for its spectra, so that a request with one of them has no row (SSA 1.1 §4.1)."""
    own: Mapping[str, str] = field(default_factory=dict)
    """Parameters of its own -> field of `Spectra` that they select by, as a range ``a/b``."""
    own_ends: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """The same as a pair of parameters for both ends: field -> names."""
    scalars: tuple[str, ...] = ()
    """Parameters that take one value, a lower limit where they are numbers, and refuse a range."""
    closed_ranges: bool = False
    """Whether ranges with an open end are refused."""
    known: tuple[str, ...] | None = None
    """Parameters other than which are refused; None takes all."""
    least_band: float | None = None
    """A BAND that begins at or below it is refused [m]."""
    angstrom_above: float | None = None
    """A number of BAND above it is a wavelength in Angstrom, below it in metres."""
    broken: Mapping[str, Reply] = field(default_factory=dict)
    """Parameters -> what comes instead of an answer."""
    refused_values: Mapping[tuple[str, str], Reply] = field(default_factory=dict)
    """The same for single values of parameters."""
    default_rows: int = 10_000
    """Rows of an answer without MAXREC."""
    most_rows: int | None = None
    """Rows of any answer; more is OVERFLOW."""
    silent_rows: int | None = None
    """Rows at which every answer is cut without a word."""
    refuses_maxrec_above: int | None = None
    """Largest MAXREC."""
    ignores_maxrec: bool = False
    """Whether it sends all that match."""
    serializations: tuple[Serialization, ...] = ("TABLEDATA", "BINARY2")
    """What it can write; the first is what comes without RESPONSEFORMAT."""
    without_rows: Literal["table", "no table"] = "table"
    """What comes when nothing matches."""
    layout: Layout = BY_THE_BOOK
    """Of its documents."""
    address: str = ""
    """Query without which there is nothing, as ``table=x``."""
    verbosity: bool = True
    """Whether VERB chooses columns."""
