"""Columns of services that are known beforehand, with their exact verbosity levels."""

from __future__ import annotations

import csv
from collections.abc import Callable
from importlib import resources
from typing import Any

from ssap_mirror.core.schema import Column, Schema

__all__ = ["KNOWN_COLUMNS", "lamost6_mrs"]


def lamost6_mrs() -> Schema:
    """Columns of LAMOST DR6 MRS at the GAVO data centre.

    Returns
    -------
    Schema
        98 columns with the exact verbosity levels 1 to 30, from the service's own information page
        (http://dc.g-vo.org/lamost6/q/svc_mrs/info).
    """
    text = resources.files("ssap_mirror").joinpath("data/lamost6_mrs_columns.csv").read_text("utf-8")
    columns = []
    for row in csv.DictReader(text.splitlines()):
        values: dict[str, Any] = {key: value or None for key, value in row.items()}
        level, title = int(values.pop("verb_level")), values.pop("table_head")
        columns.append(Column(verbosity=level, title=title, **values))
    # location_ra/dec carry the main-position UCD too, but are float32: the target position is ra/dec.
    return Schema(tuple(columns), {"ra": "ra", "dec": "dec", "identity": "mobsid"})


#: Key in ``services.toml`` -> columns.
KNOWN_COLUMNS: dict[str, Callable[[], Schema]] = {"lamost6_mrs": lamost6_mrs}
