"""Services that need something, refuse something, or read a parameter in their own way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from tests.support.simulated.forms.parts import BASE, Form, Part, numbers
from tests.support.simulated.scenarios.scenario import Change, Scenario, first
from tests.support.simulated.services.documents import error_document
from tests.support.simulated.services.http import Reply
from tests.support.simulated.services.ssap import SsapService
from tests.support.simulated.services.traits import Traits
from tests.support.simulated.spectra import concatenated, made_up
from tests.support.simulated.world import Outcome, World

__all__ = ["SCENARIOS", "THEORY"]

_ANY = ("POS", "TIME", "BAND", "SNR", "APERTURE")
_POS, _POS_ALONE = ("POS",), Traits(obeys=("POS",), needs=("POS",))
_PAGE = Reply(b"<html><title>500</title>Internal error</html>", 500, content_type="text/html")
_BARE_PAGE = Reply(error_document("TIME is not supported by this service"), 400)
_BY_COLLECTION = Traits(
    obeys=("POS", "TIME", "BAND", "SNR", "COLLECTION"), needs=("COLLECTION",), collections=("deep", "pilot", "wide")
)
_UNKNOWN = Reply(error_document("COLLECTION: no such collection"), 400)
#: Computed spectra have no place and no date.
THEORY = replace(
    BASE,
    position=Part((), "nothing"),
    time=Part((), "nothing"),
    snr=Part((), "nothing"),
    others=Part(
        (
            *BASE.others.shown,
            numbers("t_eff", lambda s: s.teff, unit="K", ucd="phys.temperature.effective"),
            numbers("log_g", lambda s: s.logg, unit="dex", ucd="phys.gravity"),
        )
    ),
)
_OWN = {"t_eff": "teff", "log_g": "logg"}
_ENDS = {"teff": ("TEFF_MIN", "TEFF_MAX")}


def _refusing(*collections: str, reply: Reply = _UNKNOWN) -> Traits:
    """Declare collections that are refused, beside those that are not."""
    return replace(
        _BY_COLLECTION,
        collections=tuple(dict.fromkeys([*collections, *_BY_COLLECTION.collections])),
        refused_values={("COLLECTION", name): reply for name in collections},
    )


def _pilot_is_refused(service: SsapService) -> None:
    service.traits = _refusing("pilot")


def _rows_come_and_go(service: SsapService) -> None:
    kept = np.arange(len(service.spectra)) % 50 > 0
    service.spectra = concatenated(service.spectra.take(kept), made_up(40, seed=8, first=80_000))


def _again_after(change: Change) -> Callable[[World], Outcome]:
    """Mirror a service of which no copy can be proven to be whole, change it, and mirror it again."""

    def run(world: World) -> Outcome:
        world.sync()
        assert isinstance(world.service, SsapService)
        change(world.service)
        return world.sync()

    return run


def _whole(name: str, traits: Traits, *, most: int = 100, form: Form = BASE) -> Scenario:
    placed = set(traits.needs) in ({"POS"}, {"POS", "COLLECTION"})
    return Scenario(name, first, "whole", traits=traits, form=form, placed=placed, most_requests=most)


SCENARIOS: list[Scenario] = [
    _whole("one constraint of any kind is needed, HTTP 400", Traits(needs=_ANY, refuses_with="http 400")),
    _whole("one constraint of any kind is needed, ERROR", Traits(needs=_ANY)),
    _whole("POS is needed, ERROR", Traits(needs=_POS)),
    _whole("POS is needed, HTTP 400 with a VOTable", Traits(needs=_POS, refuses_with="http 400")),
    _whole("POS is needed, HTTP 400 with JSON", Traits(needs=_POS, refuses_with="json")),
    _whole("POS is needed, OK and no rows without", Traits(needs=_POS, refuses_with="no rows")),
    _whole("POS is needed, OK and no TABLE without", Traits(needs=_POS, refuses_with="no table")),
    _whole("POS is needed, and is all that is obeyed", _POS_ALONE),
    _whole("POS is needed and not declared", Traits(needs=_POS, declares=("FORMAT", "CHANNEL"))),
    _whole("POS or COLLECTION is needed", Traits(needs=("POS", "COLLECTION"), refuses_with="http 400")),
    _whole("COLLECTION is needed, and its values are declared", _BY_COLLECTION),
    _whole("COLLECTION is needed and declared, no rows without", replace(_BY_COLLECTION, refuses_with="no rows")),
    _whole("COLLECTION is needed, and its values overlap", replace(_BY_COLLECTION, collections=("d", "deep", "ilo"))),
    _whole("COLLECTION is needed, and is all that is obeyed", replace(_BY_COLLECTION, obeys=("COLLECTION",))),
    Scenario(
        "COLLECTION is needed, at most 200 rows",
        first,
        says="not proven.*3 collections have more rows than an answer",
        traits=replace(_BY_COLLECTION, most_rows=200),
        most_requests=250,
    ),
    Scenario(
        "COLLECTION is needed, and not all of its values are declared",
        first,
        says="not proven: the service wants COLLECTION, and was asked for deep, wide; rows of other collections",
        traits=replace(_BY_COLLECTION, collections=("deep", "wide")),
        most_requests=100,
    ),
    Scenario(
        "COLLECTION is needed, and a refresh finds other rows in one",
        _again_after(_rows_come_and_go),
        "whole",
        traits=_BY_COLLECTION,
        most_requests=150,
    ),
    Scenario(
        "COLLECTION is needed, and nobody says which there are",
        first,
        "refused",
        "COLLECTION is mandatory.*--param NAME=VALUE",
        traits=replace(_BY_COLLECTION, collections=()),
        most_requests=30,
    ),
    _whole("COLLECTION is needed, and four that are declared are refused", _refusing("a1", "b1", "c1", "d1")),
    Scenario(
        "COLLECTION is needed, and one that is declared is refused, HTTP 400",
        first,
        says="not proven: COLLECTION pilot is refused, .* no such collection",
        traits=_refusing("pilot"),
        most_requests=100,
    ),
    Scenario(
        "COLLECTION is needed, and one that is declared is refused, ERROR",
        first,
        says="not proven: COLLECTION pilot is refused, .* no such collection",
        traits=_refusing("pilot", reply=replace(_UNKNOWN, status=200)),
        most_requests=100,
    ),
    Scenario(
        "COLLECTION is needed, and one that is declared is answered with HTTP 500",
        first,
        says="not proven: COLLECTION pilot is refused, .* Internal error",
        traits=replace(_refusing("pilot", reply=_PAGE), obeys=("COLLECTION",)),
        most_requests=100,
    ),
    Scenario(
        "COLLECTION is needed, and a refresh finds one refused",
        _again_after(_pilot_is_refused),
        says="--allow-shrink",
        traits=_BY_COLLECTION,
        most_requests=150,
    ),
    _whole("metadata are refused", Traits(metadata="error")),
    _whole("metadata are in a RESOURCE of type meta", Traits(metadata="meta")),
    _whole("SIZE is a radius", Traits(size_is_radius=True, default_size=0.05)),
    _whole("SIZE is a radius, and POS is needed", Traits(size_is_radius=True, needs=_POS)),
    _whole("SIZE is at most 15 deg, declared", Traits(needs=_POS, max_size=15, max_size_declared=True), most=1000),
    _whole(
        "SIZE is at most 15 deg, declared as 900 arcmin",
        Traits(needs=_POS, max_size=15, max_size_declared=True, max_size_arcmin=True),
        most=1000,
    ),
    _whole("SIZE is at most 15 deg, not declared", Traits(needs=_POS, max_size=15), most=1000),
    _whole("SIZE is at most 90 deg, not declared", Traits(max_size=90)),
    Scenario(
        "SIZE is at most 1 deg, and POS is needed",
        first,
        says="SIZE",
        traits=Traits(needs=_POS, obeys=("POS",), max_size=1.0),
        most_requests=300,
    ),
    _whole("TIME reads within", Traits(time_reads="within")),
    _whole("TIME reads overlaps", Traits(time_reads="overlap")),
    _whole("TIME is not looked at", Traits(obeys=("POS", "BAND", "SNR"), declares=("POS", "SIZE", "TIME", "BAND"))),
    _whole("TIME is answered with HTTP 500", Traits(broken={"TIME": _PAGE})),
    _whole("TIME is refused with HTTP 400", Traits(broken={"TIME": _BARE_PAGE})),
    _whole("SNR takes one number", Traits(scalars=("SNR", "APERTURE"))),
    _whole("BAND alone beside POS and TIME", Traits(obeys=("POS", "TIME", "BAND"))),
    _whole("POS and TIME alone", Traits(obeys=("POS", "TIME"))),
    _whole("POS alone", Traits(obeys=("POS",))),
    _whole("TIME alone", Traits(obeys=("TIME",))),
    _whole("no parameter is obeyed", Traits(obeys=())),
    _whole("a query in the address", Traits(address="table=x")),
    _whole("a query in the address, and POS is needed", Traits(address="table=x", needs=_POS)),
    Scenario(
        "a parameter of its own is needed",
        first,
        "refused",
        "RELEASE is mandatory: choose one of dr8, dr9",
        traits=Traits(needs_own="RELEASE"),
        most_requests=12,
    ),
    _whole("a parameter of its own is needed, and in the address", Traits(needs_own="RELEASE", address="RELEASE=dr9")),
    _whole("MAXREC is ignored", Traits(ignores_maxrec=True)),
    _whole("answers have at most 500 rows", Traits(most_rows=500)),
    _whole("answers have at most 500 rows, POS needed", Traits(most_rows=500, needs=_POS)),
    _whole("200 rows without MAXREC", Traits(default_rows=200)),
    _whole("MAXREC above 1,000 is refused", Traits(refuses_maxrec_above=1000)),
    _whole("MAXREC above 300 is refused", Traits(refuses_maxrec_above=300)),
    _whole("nothing matches: no TABLE", Traits(without_rows="no table")),
    _whole("computed spectra", Traits(obeys=(), own=_OWN), form=THEORY),
    # Six of them ask for the whole table, with a higher limit each time.
    _whole("computed spectra, at most 500 rows", Traits(obeys=(), own=_OWN, most_rows=500), form=THEORY, most=110),
    _whole("computed spectra, TEFF_MIN and TEFF_MAX", Traits(obeys=(), own_ends=_ENDS, most_rows=500), form=THEORY),
    Scenario(
        "computed spectra that cannot be cut",
        first,
        traits=Traits(obeys=(), most_rows=500),
        form=THEORY,
        most_requests=50,
    ),
]
