"""Parameters of a service's own are found by the columns that they cut, with values to begin with."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from ssap_mirror.core.schema import Column, Schema
from ssap_mirror.sources.harvest.slices import ENDS, Range
from ssap_mirror.sources.ssap.probe.own_parameters import own_parameters
from ssap_mirror.tables.votable.model import Param

SCHEMA = Schema(
    (
        Column("t_eff", "double", unit="K"),
        Column("LogG", "float"),
        Column("feh", "int"),
        Column("model", "char", "*"),
        Column("grid", "double", "2"),
        Column("snr", "float"),
    )
)


def sample(**columns: list[Any]) -> Any:
    return SimpleNamespace(rows=pa.table(columns))


def found(*declared: Param, rows: Any = None) -> dict[str, str]:
    return {own.name: own.column for own in own_parameters(declared, SCHEMA, rows or sample())}


def param(name: str, datatype: str = "double", **said: str) -> Param:
    return Param(name, datatype, None, **said)


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        ([param("t_eff"), param("logg", "float")], {"t_eff": "t_eff", "logg": "LogG"}),
        ([param("TEFF"), param("Log_G")], {"TEFF": "t_eff", "Log_G": "LogG"}),
        ([param("TEFF_MIN"), param("TEFF_MAX")], {f"TEFF_MIN{ENDS}TEFF_MAX": "t_eff"}),
        ([param("MIN_LOGG"), param("MAX_LOGG")], {f"MIN_LOGG{ENDS}MAX_LOGG": "LogG"}),
        # One end alone, a text, an array, a parameter of the standard, and one that no column is called after.
        ([param("TEFF_MIN")], {}),
        ([param("model", "char")], {}),
        ([param("grid")], {}),
        ([param("SNR", "float")], {}),
        ([param("seed", "int")], {}),
        ([param("feh", "int"), param("min"), param("max")], {"feh": "feh"}),
    ],
)
def test_which_are_found(declared: list[Param], expected: dict[str, str]) -> None:
    assert found(*declared) == expected


def test_the_first_cuts_go_by_the_rows_at_hand_or_by_what_is_declared() -> None:
    rows = sample(t_eff=[5000.0, None, float("nan"), 6000.0], LogG=[None, None, None, None])
    declared = [param("t_eff", minimum="0", maximum="9"), param("logg", minimum="1", maximum="5"), param("feh")]
    values = {own.name: own.values for own in own_parameters(declared, SCHEMA, rows)}
    assert values["t_eff"].tolist() == [5000.0, 6000.0]
    assert (values["logg"].min(), values["logg"].max(), len(values["logg"])) == (1.0, 5.0, 64)
    assert not np.isfinite(values["feh"]).any()


def test_bounds_that_are_no_numbers_are_none() -> None:
    (own,) = own_parameters([param("t_eff", minimum="cold", maximum="hot")], SCHEMA, sample())
    assert own.values.size == 0


def test_a_pair_asks_for_both_ends() -> None:
    both = Range(f"TEFF_MIN{ENDS}TEFF_MAX", 5000.0, 6000.0)
    assert both.params(size_is_radius=False) == [("TEFF_MIN", "5000.0"), ("TEFF_MAX", "6000.0")]
    upper = Range(f"TEFF_MIN{ENDS}TEFF_MAX", None, 6000.0)
    assert upper.params(size_is_radius=False) == [("TEFF_MAX", "6000.0")]
    assert Range("t_eff", 5000.0, None).params(size_is_radius=False) == [("t_eff", "5000.0/")]
