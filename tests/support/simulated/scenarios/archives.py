"""Services as archives run them: several habits at once, and refusals that leave little to ask by."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ssap_mirror.core.schema import Column

from tests.support.simulated.forms.bands import BANDS
from tests.support.simulated.forms.parts import BASE, Form, Part, Shown
from tests.support.simulated.forms.positions import POSITIONS
from tests.support.simulated.forms.times import TIMES
from tests.support.simulated.forms.whole import WHOLE
from tests.support.simulated.questions import PARAMETERS
from tests.support.simulated.scenarios.needs import THEORY
from tests.support.simulated.scenarios.scenario import Scenario, first
from tests.support.simulated.services.documents import Layout
from tests.support.simulated.services.http import Reply, Request
from tests.support.simulated.services.ssap import SsapService
from tests.support.simulated.services.traits import Traits
from tests.support.simulated.world import Outcome, World

__all__ = ["SCENARIOS"]

_ALL = tuple(PARAMETERS)
_POS = ("POS",)
_RANGES = ("TIME", "BAND", "SNR", "APERTURE")
_OF_THE_PROTOCOL = ("REQUEST", "FORMAT", "POS", "SIZE", *_RANGES, "RESPONSEFORMAT")
_PAGE = Reply(b"<html><title>500</title>Internal error</html>", 500, content_type="text/html")
_DTD = '<!DOCTYPE VOTABLE SYSTEM "http://us-vo.org/xml/VOTable.dtd">\n'
_OWN = {"t_eff": "teff", "log_g": "logg"}
_SCORE = Shown(
    Column("score", "double", ucd="stat", utype="ssa:Query.Score"), lambda s: [0.5 * n for n in s.number], volatile=True
)
_IN_A_GROUP = (
    '<GROUP utype="ssa:Target"><PARAM name="survey" datatype="char" arraysize="*" ucd="meta.id" value="MRS"/></GROUP>'
)


def _whole(name: str, traits: Traits, form: Form = BASE, **options: Any) -> Scenario:
    placed = "POS" in traits.needs
    given = {"most_requests": 100, "asked": _ALL, "rows": 600, **options}
    return Scenario(name, first, "whole", traits=traits, form=form, placed=placed, **given)


def _breaks_off(world: World) -> Outcome:
    """Break answers off at the same byte each time, where they are large ones."""

    def wrap(request: Request, reply: Reply) -> Reply:
        return replace(reply, sent=60_000) if len(reply.body) > 60_000 else reply

    assert isinstance(world.service, SsapService)
    world.service.wraps = wrap
    return first(world)


def _with_tokens(form: Form) -> Form:
    """Have a token in each link."""
    shown = tuple(replace(item, volatile=True) for item in form.identity.shown)
    return replace(form, identity=Part(shown))


SCENARIOS: list[Scenario] = [
    _whole("no parameter takes a range", Traits(scalars=_RANGES)),
    _whole("no parameter takes a range, and POS is needed", Traits(scalars=_RANGES, needs=_POS)),
    _whole("no parameter takes a range, and POS is not obeyed", Traits(obeys=_RANGES, scalars=_RANGES)),
    _whole("ranges need both ends", Traits(closed_ranges=True)),
    _whole("ranges need both ends, and answers have at most 200 rows", Traits(closed_ranges=True, most_rows=200)),
    _whole("BAND has to be above 0", Traits(least_band=0.0)),
    _whole("BAND above 100 is in Angstrom", Traits(angstrom_above=100.0)),
    _whole("BAND above 100 is in Angstrom, and a constraint is needed", Traits(angstrom_above=100.0, needs=("BAND",))),
    Scenario(
        "MAXREC is no parameter",
        first,
        "refused",
        "MAXREC is no parameter of this service",
        traits=Traits(known=_OF_THE_PROTOCOL, verbosity=False),
        most_requests=30,
    ),
    _whole("a score of the request", Traits(), replace(BASE, others=Part((*BASE.others.shown, _SCORE)))),
    _whole("a constant as PARAM within a GROUP", Traits(layout=Layout(constants=(_IN_A_GROUP,)))),
    _whole(
        "computed spectra, where POS, TIME and SNR find nothing",
        Traits(obeys=(), own=_OWN, finds_nothing=("POS", "TIME", "SNR"), most_rows=500),
        THEORY,
        rows=1500,
        most_requests=110,
    ),
    _whole(
        "as MAST EUVE",
        Traits(address="id=EUVE", angstrom_above=100.0, default_size=0.05, obeys=("POS", "BAND"), verbosity=False),
    ),
    _whole("as HEASARC", Traits(address="table=hitomaster", broken={"TIME": _PAGE}, needs=_POS, default_size=0.05)),
    _whole(
        "as PolarBase",
        Traits(needs=_POS, obeys=("POS", "TIME", "BAND"), verbosity=False),
        replace(BASE, band=BANDS["centre and extent in nm"], time=TIMES["the unit MJD"]),
    ),
    _whole(
        "as the models of SVO",
        Traits(
            address="model=drift",
            obeys=(),
            own_ends={"teff": ("TEFF_MIN", "TEFF_MAX")},
            most_rows=500,
            layout=Layout(version="1.1", doctype=_DTD),
            serializations=("TABLEDATA",),
        ),
        THEORY,
        rows=1500,
    ),
    _whole(
        "as the ESO archive",
        Traits(
            needs=("POS", *_RANGES),
            refuses_with="http 400",
            size_is_radius=True,
            serializations=("BINARY",),
            layout=Layout(version="1.1"),
        ),
        replace(BASE, position=POSITIONS["a text of two numbers"]),
    ),
    _whole(
        "as LAMOST DR10",
        Traits(needs=_POS, obeys=_POS, silent_rows=250, verbosity=False, serializations=("TABLEDATA",)),
        _with_tokens(WHOLE["UCD1 of 2002, dates alone"]),
        rows=1500,
        most_requests=150,
    ),
    Scenario(
        "as IRSA",
        _breaks_off,
        "whole",
        traits=Traits(
            obeys=("POS", "COLLECTION"),
            needs=("POS", "COLLECTION"),
            collections=("deep", "wide", "pilot"),
            ignores_maxrec=True,
            verbosity=False,
        ),
        placed=True,
        most_requests=100,
        asked=_ALL,
    ),
]
