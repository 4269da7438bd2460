"""Whole tables in another standard's clothes, or with their utypes spelled otherwise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace

import numpy as np
from ssap_mirror.core.schema import Column

from tests.support.simulated.forms.parts import BASE, Form, Part, Shown, each, iso, numbers, texts
from tests.support.simulated.forms.positions import POSITIONS

__all__ = ["OBSCORE", "WHOLE", "respelled"]

_ROW = Shown(Column("rownum", "long", null="-1"), lambda s: s.number.tolist())
_CHAR = "obscore:Char."


def _mjd(name: str, ucd: str, utype: str) -> Shown:
    return numbers(name, lambda s: getattr(s, name), unit="d", ucd=ucd, utype=f"{_CHAR}TimeAxis.Coverage.{utype}")


#: The columns of ObsCore 1.1 (table 6), with its utypes and UCDs.
OBSCORE = Form(
    identity=Part(
        (
            texts(
                "obs_publisher_did",
                each(lambda n: f"ivo://example/s?{n}", "number"),
                utype="obscore:Curation.PublisherDID",
                ucd="meta.ref.ivoid",
            ),
            texts(
                "access_url",
                each(lambda n: f"http://example.org/get?{n}", "number"),
                utype="obscore:Access.Reference",
                ucd="meta.ref.url",
            ),
        )
    ),
    position=Part(
        tuple(
            numbers(
                f"s_{axis}",
                lambda s, axis=axis: getattr(s, axis),
                unit="deg",
                ucd=f"pos.eq.{axis}",
                utype=f"{_CHAR}SpatialAxis.Coverage.Location.Coord.Position2D.Value2.C{number}",
            )
            for number, axis in ((1, "ra"), (2, "dec"))
        )
    ),
    time=Part(
        (
            _mjd("t_min", "time.start;obs.exposure", "Bounds.Limits.StartTime"),
            _mjd("t_max", "time.end;obs.exposure", "Bounds.Limits.StopTime"),
            numbers(
                "t_exptime",
                lambda s: s.exposure,
                unit="s",
                ucd="time.duration;obs.exposure",
                utype=f"{_CHAR}TimeAxis.Coverage.Support.Extent",
            ),
        )
    ),
    band=Part(
        tuple(
            numbers(
                name,
                lambda s, field=field: getattr(s, field),
                unit="m",
                ucd=f"em.wl;stat.{extreme}",
                utype=f"{_CHAR}SpectralAxis.Coverage.Bounds.Limits.{limit}",
            )
            for name, field, extreme, limit in (
                ("em_min", "wave_min", "min", "LoLimit"),
                ("em_max", "wave_max", "max", "HiLimit"),
            )
        )
    ),
    snr=Part((), "nothing"),
    target=Part((texts("target_name", lambda s: s.target, utype="obscore:Target.Name", ucd="meta.id;src"),)),
    others=Part(
        (
            texts("dataproduct_type", lambda s: ["spectrum"] * len(s), utype="obscore:ObsDataset.dataProductType"),
            texts("obs_collection", lambda s: s.collection, utype="obscore:DataID.Collection", ucd="meta.id"),
            _ROW,
        )
    ),
)


def respelled(
    form: Form, utype: Callable[[str], str | None], ucd: Callable[[str], str | None] = lambda ucd: ucd
) -> Form:
    """Spell utypes and UCDs otherwise."""

    def column(given: Column) -> Column:
        return replace(given, utype=given.utype and utype(given.utype), ucd=given.ucd and ucd(given.ucd))

    parts = {
        item.name: replace(part, shown=tuple(replace(shown, column=column(shown.column)) for shown in part.shown))
        for item in fields(form)
        for part in (getattr(form, item.name),)
    }
    return Form(**parts)


#: Name -> form.
WHOLE: dict[str, Form] = {
    "ObsCore": OBSCORE,
    "ObsCore, names alone": respelled(OBSCORE, lambda utype: None, lambda ucd: None),
    "utypes without a prefix": respelled(BASE, lambda utype: utype.removeprefix("ssa:")),
    "utypes with Spectrum.": respelled(BASE, lambda utype: utype.replace("ssa:", "Spectrum.")),
    "utypes with spec:": respelled(BASE, lambda utype: utype.replace("ssa:", "spec:Spectrum.")),
    "utypes in lower case": respelled(BASE, str.lower),
    "UCD1 of 2002, dates alone": Form(
        identity=Part((texts("link", each(lambda n: f"http://example.org/get?{n}", "number"), ucd="DATA_LINK"),)),
        position=POSITIONS["UCD1 of 2002"],
        time=Part(
            (texts("date_obs", each(lambda mjd: iso(mjd)[:10], "t_mid"), ucd="DATE"),),
            "unclear",
            coverage=lambda s: (np.floor(s.t_mid), np.floor(s.t_mid) + 1),
        ),
        band=Part((), "nothing"),
        snr=Part((), "nothing"),
        target=Part((texts("name", lambda s: s.target, ucd="ID_MAIN"),), "unclear"),
        others=Part((_ROW,)),
    ),
}
