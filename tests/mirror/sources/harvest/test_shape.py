"""The shape of a table: what makes two answers answers about one table."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ssap_mirror.core.schema import Column, Schema
from ssap_mirror.sources.harvest.shape import changed_columns, meanings, shape_digest

WAVE = Column("w_min", "double", unit="m", ucd="em.wl;stat.min", utype="ssa:Char.SpectralAxis.Coverage.Bounds.Start")
NAME = Column("target", "char", "12")
SCHEMA = Schema((WAVE, NAME))


@pytest.mark.parametrize(
    ("column", "said"),
    [
        (replace(WAVE, unit="nm"), "w_min has another unit"),
        (replace(WAVE, ucd="em.wl"), "w_min has another ucd"),
        (replace(WAVE, utype=None), "w_min has another utype"),
        (replace(WAVE, xtype="interval"), "w_min has another xtype"),
        (replace(WAVE, datatype="float", unit="nm"), "w_min has another datatype, unit"),
        (replace(WAVE, arraysize="2"), "w_min has another size"),
        (replace(WAVE, name="w"), "w_min gone; w new"),
    ],
)
def test_whatever_gives_values_their_meaning_is_part_of_a_column(column: Column, said: str) -> None:
    now = Schema((column, NAME))
    assert changed_columns(SCHEMA, now) == said
    assert meanings(now) != meanings(SCHEMA)
    assert shape_digest(now) != shape_digest(SCHEMA)


def test_the_length_of_a_text_and_what_is_said_to_people_are_not() -> None:
    now = Schema((replace(WAVE, description="Shortest wavelength"), replace(NAME, arraysize="*")))
    assert changed_columns(SCHEMA, now) is None
    assert meanings(now) == meanings(SCHEMA)
    assert shape_digest(now) == shape_digest(SCHEMA)


def test_the_datatype_of_a_text_goes_by_the_characters_of_an_answer() -> None:
    now = Schema((WAVE, replace(NAME, datatype="unicodeChar")))
    assert changed_columns(SCHEMA, now) is None
    assert meanings(now) == meanings(SCHEMA)


def test_answers_of_a_harvest_have_one_order_of_columns() -> None:
    turned = Schema((NAME, WAVE))
    assert changed_columns(SCHEMA, turned) is None
    assert shape_digest(turned) != shape_digest(SCHEMA)
