"""What the page is about: mirrors, parameters, columns, formats."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ssap_query.arrow.formats import FORMATS
from ssap_query.engine.engine import Engine
from ssap_query.mirror.answer import plan_request, read_request
from ssap_query.mirror.info import facts_of
from ssap_query.mirror.mirror import Mirror
from ssap_query.server.page.overview import default_histograms
from ssap_query.server.page.values import described
from ssap_query.ssap import REGISTRY
from ssap_query.ssap.registry import STEERING

__all__ = ["about"]

_METADATA = "REQUEST=queryData&FORMAT=METADATA"
# Of those that steer the answer, this one chooses rows too.
_ON_THE_PAGE = frozenset({"TOP"})
_FACTS = ("name", "title", "synthetic", "rows", "created", "snapshot", "coverage", "missing", "unplaced_rows")


def about(
    engine: Engine, name: str, mirrors: Mapping[str, Mirror], dialect: str, default_maxrec: int | None
) -> dict[str, Any]:
    """Tell the page what it shows.

    Parameters
    ----------
    engine : Engine
        The snapshot that is asked.
    name : str
        Of the mirror, in the address.
    mirrors : mapping of str to Mirror
        All mirrors of the server.
    dialect : {'ivoa', 'dachs'}
        Whose reading of the parameters.
    default_maxrec : int or None
        Rows of a result where MAXREC is not given.

    Raises
    ------
    CatalogError
        If the snapshot cannot be read.
    """
    facts, schema = facts_of(engine.catalog), engine.catalog.schema
    return {
        "status": "OK",
        **{key: facts[key] for key in _FACTS},
        "name": name,
        "source": facts["source"].get("url"),
        "verdict": facts["harvest"].get("verdict"),
        "mirrors": [_sibling(key, mirror) for key, mirror in mirrors.items()],
        "default_maxrec": default_maxrec,
        "roles": schema.roles,
        "parameters": _parameters(engine, dialect),
        "columns": [described(column) for column in schema if not column.is_hidden],
        "histograms": default_histograms(schema),
        "formats": [
            {
                "name": known.name,
                "value": known.response_format,
                "media_type": known.media_type,
                "ending": known.saved_as,
            }
            for known in FORMATS
        ],
    }


def _sibling(name: str, mirror: Mirror) -> dict[str, Any]:
    catalog = mirror.catalog
    return {
        "name": name,
        "title": catalog.title,
        "rows": catalog.rows,
        "created": catalog.manifest["created"],
        "synthetic": catalog.synthetic,
    }


def _parameters(engine: Engine, dialect: str) -> list[dict[str, Any]]:
    """Parameters that choose rows and that this mirror can answer."""
    parsed = read_request(engine.catalog.schema, _METADATA, dialect)
    told = {item.name.upper(): item for item in plan_request(engine, parsed).result().inputs}
    return [
        {
            "name": parameter.name,
            "title": parameter.title,
            "description": parameter.description,
            "unit": parameter.unit,
            "grammar": parameter.grammar,
            "examples": list(parameter.examples),
            "minimum": told[parameter.name].minimum,
            "maximum": told[parameter.name].maximum,
            "options": list(told[parameter.name].options),
        }
        for parameter in REGISTRY
        if parameter.name in told and (parameter.name not in STEERING or parameter.name in _ON_THE_PAGE)
    ]
