"""What a mirror says of itself when FORMAT=METADATA asks (SSA 1.1 §4.1.2): its columns and its request parameters.

Unlike the reference server, it gives with each parameter the range of values that is found in the mirror.
"""

from __future__ import annotations

from typing import Any

from ssap_mirror.core.times import datetime_of

from ssap_query.engine.engine import Engine
from ssap_query.mirror.answerable import Answerable, answerable
from ssap_query.mirror.result import InputParameter
from ssap_query.ssap.parameter import Parameter
from ssap_query.ssap.registry import REGISTRY

__all__ = ["describe_inputs"]

# More distinct values than this are no choice but free text.
_MAX_OPTIONS = 40
_CHOICES = ("target_class", "flux_calib", "wave_calib", "obs_collection", "access_format", "bandpass")


def describe_inputs(engine: Engine) -> tuple[InputParameter, ...]:
    """Describe the request parameters that the mirror has columns for.

    Parameters
    ----------
    engine : Engine
        The open snapshot.

    Returns
    -------
    tuple of InputParameter
        In the order of the registry.
    """
    compared = {one.parameter: one for one in answerable(engine.catalog.schema)}
    compared["SIZE"] = compared["POS"]
    return tuple(
        _described(engine, parameter, compared.get(parameter.name))
        for parameter in REGISTRY
        if parameter.name not in compared or compared[parameter.name].columns
    )


def _described(engine: Engine, parameter: Parameter, compared: Answerable | None) -> InputParameter:
    minimum, maximum = _extremes(engine, parameter)
    with_what = f" Compared with {compared.words}." if compared is not None and parameter.name != "SIZE" else ""
    return InputParameter(
        name=parameter.declared,
        description=parameter.description + with_what,
        datatype=parameter.datatype,
        unit=parameter.unit,
        ucd=parameter.ucd,
        utype=parameter.utype,
        minimum=minimum,
        maximum=maximum,
        options=_options(engine, parameter),
    )


def _extremes(engine: Engine, parameter: Parameter) -> tuple[str | None, str | None]:
    """Least and largest value in the mirror, in the parameter's own terms."""
    manifest: dict[str, Any] = engine.catalog.manifest
    if parameter.name == "TIME":
        return _as_text((manifest.get("coverage") or {}).get("t"), _iso)
    if parameter.name == "BAND":
        return _as_text((manifest.get("coverage") or {}).get("em"), repr)
    if parameter.name == "MTIME":
        dates = engine.distinct(parameter.roles[0])
        return (dates[0], dates[-1]) if dates else (None, None)
    if len(parameter.roles) != 1:
        return None, None
    name = engine.catalog.schema.roles.get(parameter.roles[0], "")
    return _as_text((manifest.get("ranges") or {}).get(name), repr)


def _as_text(bounds: Any, text: Any) -> tuple[str | None, str | None]:
    return (None, None) if not bounds else (text(bounds[0]), text(bounds[1]))


def _iso(mjd: float) -> str:
    return datetime_of(mjd).isoformat(timespec="milliseconds")


def _options(engine: Engine, parameter: Parameter) -> tuple[str, ...]:
    """Every value of a text column, if these are few."""
    if len(parameter.roles) != 1 or parameter.roles[0] not in _CHOICES:
        return ()
    values = engine.distinct(parameter.roles[0])
    return values if len(values) <= _MAX_OPTIONS else ()
