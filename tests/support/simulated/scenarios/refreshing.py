"""What a second sync may overlook."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from tests.support.simulated.forms.parts import BASE, Part, Shown
from tests.support.simulated.scenarios.changing import add, column_changes, with_column, without_column
from tests.support.simulated.scenarios.scenario import Change, Scenario, first, then
from tests.support.simulated.services.ssap import SsapService
from tests.support.simulated.services.traits import Traits
from tests.support.simulated.world import QUICK, Outcome, World

__all__ = ["SCENARIOS"]

_BY_SWEEPS = replace(QUICK, whole_table_rows=100)


def _spectra(choose: Callable[[SsapService], object]) -> Change:
    """Keep the spectra that are chosen."""

    def change(service: SsapService) -> None:
        service.spectra = service.spectra.take(choose(service))

    return change


def _wavelengths_in_nm(service: SsapService) -> None:
    shown = [
        replace(
            item,
            column=replace(item.column, unit="nm"),
            cells=lambda s, cells=item.cells: [None if m is None else m * 1e9 for m in cells(s)],
        )
        for item in service.form.band.shown
    ]
    service.form = replace(service.form, band=Part(tuple(shown)))


def _retype(service: SsapService) -> None:
    shown = service.form.snr.shown[0]
    service.form = replace(service.form, snr=Part((replace(shown, column=replace(shown.column, datatype="double")),)))


def _rename(service: SsapService) -> None:
    shown = service.form.snr.shown[0]
    service.form = replace(service.form, snr=Part((replace(shown, column=replace(shown.column, name="s_n")),)))


def _velocities(service: SsapService) -> None:
    service.spectra = service.spectra.changed("velocity", slice(0, 100), 4242.0)


def _links(service: SsapService) -> None:
    link, did = service.form.identity.shown
    moved = replace(link, cells=lambda s: [f"{cell}&moved" for cell in link.cells(s)])
    service.form = replace(service.form, identity=Part((moved, did)))


def _damage(world: World) -> Outcome:
    """Flip one bit in the middle of a partition, add rows, and refresh."""
    world.mirror()
    catalog = world.live()
    assert catalog is not None
    path = max((path for path in catalog.files if "Npix" in path.name), key=lambda path: path.stat().st_size)
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 0x10
    path.write_bytes(content)
    service = world.service
    assert isinstance(service, SsapService)
    add(20)(service)
    held = catalog.path
    outcome = world.sync()
    assert outcome.report is None or outcome.report.snapshot != held
    return outcome


def _unnamed(row_filter: Callable[[int], bool]) -> Part:
    """Identifiers that some rows lack."""
    link, did = BASE.identity.shown

    def holes(item: Shown) -> Shown:
        return replace(
            item,
            cells=lambda s: [
                None if row_filter(n) else cell for n, cell in zip(s.number.tolist(), item.cells(s), strict=True)
            ],
        )

    return Part((holes(link), holes(did)))


def _with_unnamed(change: Change) -> Callable[[World], Outcome]:
    def run(world: World) -> Outcome:
        service = world.service
        assert isinstance(service, SsapService)
        service.form = replace(BASE, identity=_unnamed(lambda number: number % 50 == 7))
        return then(change)(world)

    return run


def _doubled(every: int) -> Callable[[World], Outcome]:
    def run(world: World) -> Outcome:
        service = world.service
        assert isinstance(service, SsapService)
        service.chooses = lambda params, found: np.concatenate([found, found[::every]])
        return first(world)

    return run


def _same_identity(world: World) -> Outcome:
    """Two rows of each hundred share their identifiers."""
    link, did = BASE.identity.shown

    def shared(item: Shown) -> Shown:
        def cells(spectra: object) -> list[object]:
            found = item.cells(spectra)  # type: ignore[arg-type]
            found[1::100] = found[0::100][: len(found[1::100])]
            return found

        return replace(item, cells=cells)

    service = world.service
    assert isinstance(service, SsapService)
    service.form = replace(BASE, identity=Part((shared(link), shared(did))))
    return first(world)


def _named(service: SsapService) -> object:
    return service.spectra.number % 50 != 7


_NO_SNR = Traits(obeys=("POS", "TIME"))
_OPEN_END = "not compared|not proven|cannot see"
SCENARIOS: list[Scenario] = [
    Scenario("m becomes nm, values too", then(_wavelengths_in_nm), "whole"),
    Scenario("a unit changes and no value", then(column_changes(unit="nm")), "whole"),
    Scenario("a UCD changes", then(column_changes(ucd="em.wl")), "whole"),
    Scenario("a utype changes", then(column_changes(utype="ssa:Char.SpectralAxis.Coverage.Support.Extent")), "whole"),
    Scenario("an xtype changes", then(column_changes(xtype="interval")), "whole"),
    Scenario("a datatype changes", then(_retype), "whole"),
    Scenario("a column is renamed", then(_rename), "whole"),
    Scenario("a column comes", then(with_column), "whole"),
    Scenario("a column goes", then(without_column), "whole"),
    Scenario("rows come", then(add(100)), "whole"),
    Scenario("rows come, and the table is swept", then(add(100)), says=_OPEN_END, policy=_BY_SWEEPS),
    Scenario("every link changes", then(_links), "whole"),
    Scenario("values change that no survey asks for", then(_velocities), says=_OPEN_END),
    Scenario("values change that no survey asks for, full sync", then(_velocities, full=True), "whole"),
    Scenario(
        "rows without a position go",
        then(_spectra(lambda service: np.isfinite(service.spectra.ra))),
        policy=_BY_SWEEPS,
    ),
    Scenario(
        "rows without a date go", then(_spectra(lambda service: np.isfinite(service.spectra.t_mid))), policy=_BY_SWEEPS
    ),
    Scenario(
        "rows without date and position go",
        then(
            _spectra(lambda service: np.isfinite(service.spectra.t_mid) | np.isfinite(service.spectra.ra)),
        ),
        policy=_BY_SWEEPS,
    ),
    Scenario("rows without an identity change", _with_unnamed(_velocities), "honest", _OPEN_END),
    Scenario(
        "rows without an identity go",
        _with_unnamed(_spectra(_named)),
        "whole",
    ),
    Scenario("a bit of the base has flipped", _damage, "honest", "verify"),
    Scenario("the last row of each answer comes twice", _doubled(10_000), "whole"),
    Scenario("every row of each answer comes twice", _doubled(1), "whole"),
    Scenario("two rows have one identity", _same_identity, "whole"),
    Scenario("all is as it was", then(lambda service: None), "whole", most_requests=80),
    Scenario("no SNR, and the proof is too large", first, says=_OPEN_END, traits=_NO_SNR, policy=_BY_SWEEPS),
]
