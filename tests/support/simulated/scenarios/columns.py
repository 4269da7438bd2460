"""Services that differ in their columns: units, texts, utypes, UCDs, standards."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tests.support.simulated.forms.bands import BANDS
from tests.support.simulated.forms.others import SNRS, TARGETS
from tests.support.simulated.forms.parts import BASE, Form
from tests.support.simulated.forms.positions import POSITIONS
from tests.support.simulated.forms.times import TIMES, with_origin
from tests.support.simulated.forms.whole import WHOLE
from tests.support.simulated.questions import PARAMETERS
from tests.support.simulated.services.documents import Layout
from tests.support.simulated.services.traits import Traits

__all__ = ["COLUMNS", "ColumnKind"]

_OF = {part: parameter for parameter, (part, _) in PARAMETERS.items()}
_PARTS = {"position": POSITIONS, "time": TIMES, "band": BANDS, "snr": SNRS, "target": TARGETS}


@dataclass(frozen=True)
class ColumnKind:
    """A service that shows its spectra in a form of its own."""

    name: str
    """For people."""
    form: Form
    """The columns."""
    asked: tuple[str, ...]
    """Parameters that ask about what is unusual."""
    traits: Traits = Traits()  # noqa: RUF009  (it is frozen)
    """How it behaves."""


def _kinds() -> list[ColumnKind]:
    found = [ColumnKind("the reference server", BASE, tuple(PARAMETERS))]
    found += [
        ColumnKind(f"{part}: {name}", replace(BASE, **{part: form}), (_OF[part],))
        for part, forms in _PARTS.items()
        for name, form in forms.items()
    ]
    found += [
        ColumnKind(
            f"time: days since {origin}",
            replace(BASE, time=with_origin(days)),
            ("TIME",),
            Traits(layout=Layout(time_origin=origin)),
        )
        for origin, days in (("JD-origin", 0.0), ("MJD-origin", 2400000.5), ("2450000.0", 2450000.0))
    ]
    found += [ColumnKind(name, form, tuple(PARAMETERS)) for name, form in WHOLE.items()]
    return found


#: By name.
COLUMNS = {kind.name: kind for kind in _kinds()}
