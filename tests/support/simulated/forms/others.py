"""Signal to noise, names of targets, and what tells rows apart."""

from __future__ import annotations

import numpy as np
from ssap_mirror.core.schema import Column

from tests.support.simulated.forms.parts import Part, Shown, each, numbers, texts

__all__ = ["IDENTITIES", "SNRS", "TARGETS"]


def _link(pattern: str, shared_by: int = 1) -> Shown:
    return texts("accref", each(lambda n: pattern.format(n // shared_by), "number"), utype="ssa:Access.Reference")


#: Signal to noise (utype, UCD, a mere name).
SNRS: dict[str, Part] = {
    "UCD alone": Part((numbers("quality", lambda s: s.snr, "float", ucd="stat.snr"),)),
    "a mere name": Part((numbers("snrg", lambda s: s.snr, "float"),), "nothing"),
    "two whose names differ in case alone": Part(
        (
            numbers("sn", lambda s: s.snr, "float", ucd="stat.snr", utype="ssa:Derived.SNR"),
            numbers("SN", lambda s: s.velocity, "float"),
        )
    ),
    "a name that is another's of level 1 but for its case": Part(
        (
            numbers("snr", lambda s: s.snr, "float", ucd="stat.snr", utype="ssa:Derived.SNR"),
            numbers("PubDID", lambda s: s.velocity, "float"),
        )
    ),
    "no signal to noise": Part((), "nothing"),
    "a signal to noise that is empty": Part(
        (numbers("snr", lambda s: np.full(len(s), np.nan), "float", utype="ssa:Derived.SNR"),), "empty"
    ),
    "-9999 is declared to be missing": Part(
        (
            Shown(
                Column("snr", "float", utype="ssa:Derived.SNR", null="-9999"),
                lambda s: [None if np.isnan(value) else float(value) for value in s.snr],
            ),
        )
    ),
}
#: Names of targets.
TARGETS: dict[str, Part] = {
    "UCD alone": Part((texts("object", lambda s: s.target, ucd="meta.id;src"),)),
    "ObsCore name alone": Part((texts("target_name", lambda s: s.target),)),
    "no name": Part((), "nothing"),
}
#: What tells rows apart.
IDENTITIES: dict[str, Part] = {
    "no identifier": Part(),
    "links that are relative": Part((_link("get?{}"),)),
    "links that two rows share": Part((_link("http://example.org/{}", shared_by=2),)),
}
