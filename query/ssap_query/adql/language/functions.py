"""The functions that a query may call, each with what it becomes in SQL: what is not in the table is refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from sqlglot import exp
from ssap_mirror.core.schema import Column
from ssap_mirror.core.units import conversion

from ssap_query.adql.errors import AdqlError
from ssap_query.adql.scopes import Value
from ssap_query.adql.sky import constructors, shapes
from ssap_query.adql.sky.numbers import number_sql
from ssap_query.adql.sky.shapes import Shape, call

__all__ = ["FUNCTIONS", "Function", "constant_text"]

Build: TypeAlias = Callable[[list[Value]], Value]
_MANY = 1000


@dataclass(frozen=True)
class Function:
    """One function."""

    signature: str
    """How one writes it."""
    least: int
    """Fewest arguments."""
    most: int
    """Most arguments."""
    build: Build
    """Makes its value of those of its arguments."""
    description: str = ""
    """A sentence, for a function that ADQL itself does not have."""

    @property
    def name(self) -> str:
        """Its name in upper case."""
        return self.signature.partition("(")[0].upper()


def constant_text(value: Value, what: str) -> str:
    """Text that stands in the query as such.

    Raises
    ------
    AdqlError
        If it is worked out.
    """
    if not isinstance(value.sql, exp.Placeholder):
        message = f"has a {what} that is not text in quotes"
        raise AdqlError(message)
    return str(value.sql.meta["text"])


def _plain(name: str) -> Build:
    return lambda arguments: Value(call(name, *(argument.sql for argument in arguments)))


def _finite(name: str) -> Build:
    """Make a function that has no value for some arguments: NULL then."""
    return lambda arguments: Value(call("adql_finite", call(name, *(argument.sql for argument in arguments))))


def _like_its_argument(name: str) -> Build:
    """Make a function whose value is of the unit of its argument."""

    def build(arguments: list[Value]) -> Value:
        return replace(_plain(name)(arguments), column=_quantity(arguments[0]))

    return build


def _quantity(value: Value) -> Column | None:
    """Give the unit of a value and nothing else: its type may be another."""
    return None if value.column is None or value.column.unit is None else Column("", "", unit=value.column.unit)


def _extreme(name: str) -> Build:
    def build(arguments: list[Value]) -> Value:
        column = arguments[0].column
        word = {"min": "stat.min", "max": "stat.max"}[name]
        known = None if column is None else replace(column, ucd=f"{word};{column.ucd}" if column.ucd else word)
        return replace(_plain(name)(arguments), column=known)

    return build


def _count(arguments: list[Value]) -> Value:
    return Value(call("count", arguments[0].sql), Column("count", "long", ucd="meta.number"))


def _in_unit(arguments: list[Value]) -> Value:
    wanted = constant_text(arguments[1], "unit")
    unit = None if arguments[0].column is None else arguments[0].column.unit
    if unit is None:
        message = f"asks for {arguments[0].sql.sql()[:60]!r} in {wanted!r}, and its own unit is not known"
        raise AdqlError(message)
    try:
        factor = conversion(unit, wanted)
    except ValueError as error:
        message = f"asks for a unit: {error}"
        raise AdqlError(message) from None
    found: exp.Expr = exp.cast(exp.paren(arguments[0].sql.copy()), "double")
    if factor.times != 1:
        found = exp.Mul(this=found, expression=number_sql(factor.times))
    if factor.over != 1:
        found = exp.Div(this=found, expression=number_sql(factor.over))
    ucd = None if arguments[0].column is None else arguments[0].column.ucd
    return Value(exp.paren(found), Column("", "double", unit=wanted, ucd=ucd))


def _constructor(name: str) -> Build:
    return lambda arguments: constructors.shape_of(name, constructors.without_frame(arguments)).value()


def _of_shapes(test: Callable[[Shape, Shape], exp.Expr]) -> Build:
    def build(arguments: list[Value]) -> Value:
        one, other = (constructors.read_shape(argument) for argument in arguments)
        return Value(test(one, other), is_condition=True)

    return build


def _distance(arguments: list[Value]) -> Value:
    if len(arguments) == 2:
        return shapes.distance(constructors.read_point(arguments[0]), constructors.read_point(arguments[1]))
    if len(arguments) != 4:
        message = "has a DISTANCE that is not of two points, or of two longitudes and latitudes"
        raise AdqlError(message)
    lon1, lat1, lon2, lat2 = (argument.sql for argument in arguments)
    return shapes.distance(constructors.point(lon1, lat1), constructors.point(lon2, lat2))


def _coordinate(axis: str) -> Build:
    def build(arguments: list[Value]) -> Value:
        point = constructors.read_point(arguments[0])
        ucd = {"lon": "pos.eq.ra", "lat": "pos.eq.dec"}[axis]
        return Value(point.lon if axis == "lon" else point.lat, Column("", "double", unit="deg", ucd=ucd))

    return build


def _coordsys(arguments: list[Value]) -> Value:
    constructors.read_shape(arguments[0])
    return Value(exp.Literal.string("ICRS"))


def _region(arguments: list[Value]) -> Value:
    return constructors.read_region(constant_text(arguments[0], "REGION")).value()


def _healpix_index(arguments: list[Value]) -> Value:
    order, *rest = arguments
    if len(rest) == 1:
        point = constructors.read_point(rest[0])
        lon, lat = point.lon, point.lat
    else:
        lon, lat = rest[0].sql, rest[1].sql
    return Value(call("adql_healpix", order.sql, lon, lat), Column("", "long", ucd="pos.healpix"))


def _healpix_centre(arguments: list[Value]) -> Value:
    return Value(call("adql_healpix_centre", *(argument.sql for argument in arguments)), shapes.POINT)


def _condition(sql: str) -> Build:
    """Condition written with ``{0}``, ``{1}``: the arguments."""

    def build(arguments: list[Value]) -> Value:
        names = {f"a{i}": exp.paren(argument.sql.copy()) for i, argument in enumerate(arguments)}
        template: exp.Expr = exp.maybe_parse(sql, dialect="duckdb")
        return Value(exp.replace_placeholders(template, **names), is_condition=True)

    return build


def _string_agg(arguments: list[Value]) -> Value:
    return Value(call("string_agg", *(argument.sql for argument in arguments)))


def _rand(arguments: list[Value]) -> Value:
    if arguments:
        message = "has a RAND with a seed; random numbers cannot be had again here"
        raise AdqlError(message)
    return Value(call("random"))


def _mod(arguments: list[Value]) -> Value:
    return Value(call("mod", *(argument.sql for argument in arguments)))


def _functions() -> Sequence[Function]:
    one_number = [
        Function(f"{name}(x)", 1, 1, build)
        for names, kind in (
            ("CEILING FLOOR ABS", _like_its_argument),
            ("DEGREES RADIANS SIN COS TAN ATAN", _plain),
            ("EXP SQRT ASIN ACOS COT LOG10", _finite),
        )
        for name in names.split()
        for build in [kind(name.lower())]
    ]
    return (
        *one_number,
        Function("CEIL(x)", 1, 1, _like_its_argument("ceil")),
        Function("LOG(x)", 1, 1, _finite("ln")),
        Function("LN(x)", 1, 1, _finite("ln")),
        Function("ATAN2(y, x)", 2, 2, _plain("atan2")),
        Function("POWER(x, y)", 2, 2, _finite("pow")),
        Function("MOD(x, y)", 2, 2, _mod),
        Function("PI()", 0, 0, _plain("pi")),
        Function("RAND()", 0, 1, _rand),
        Function("ROUND(x, digits)", 1, 2, _like_its_argument("round")),
        Function("TRUNCATE(x, digits)", 1, 2, _like_its_argument("trunc")),
        Function("SIGN(x)", 1, 1, _plain("sign")),
        Function("LOWER(text)", 1, 1, _plain("lower")),
        Function("UPPER(text)", 1, 1, _plain("upper")),
        Function("COALESCE(x, ...)", 1, _MANY, _plain("coalesce")),
        Function("COUNT(x)", 1, 1, _count),
        Function("MIN(x)", 1, 1, _extreme("min")),
        Function("MAX(x)", 1, 1, _extreme("max")),
        Function("AVG(x)", 1, 1, _like_its_argument("avg")),
        Function("SUM(x)", 1, 1, _like_its_argument("sum")),
        Function("IN_UNIT(x, unit)", 2, 2, _in_unit),
        Function("POINT(lon, lat)", 2, 3, _constructor("POINT")),
        Function("CIRCLE(centre, radius)", 2, 4, _constructor("CIRCLE")),
        Function("BOX(centre, width, height)", 3, 5, _constructor("BOX")),
        Function("POLYGON(vertex, vertex, vertex, ...)", 3, _MANY, _constructor("POLYGON")),
        Function("REGION(stc_s)", 1, 1, _region),
        Function("CONTAINS(inner, outer)", 2, 2, _of_shapes(shapes.contains)),
        Function("INTERSECTS(one, other)", 2, 2, _of_shapes(shapes.intersects)),
        Function("DISTANCE(point, point)", 2, 4, _distance),
        Function("AREA(shape)", 1, 1, lambda arguments: shapes.area(constructors.read_shape(arguments[0]))),
        Function("CENTROID(shape)", 1, 1, lambda arguments: shapes.centroid(constructors.read_shape(arguments[0]))),
        Function("COORD1(point)", 1, 1, _coordinate("lon")),
        Function("COORD2(point)", 1, 1, _coordinate("lat")),
        Function("COORDSYS(shape)", 1, 1, _coordsys),
        *_USER_DEFINED,
    )


_USER_DEFINED = (
    Function(
        "ivo_healpix_index(order INTEGER, lon DOUBLE, lat DOUBLE) -> BIGINT", 2, 3, _healpix_index,
        "NESTED HEALPix cell of an order (0 to 29) that holds a position [deg], or a point.",
    ),
    Function(
        "ivo_healpix_center(order INTEGER, cell BIGINT) -> POINT", 2, 2, _healpix_centre,
        "Centre of a NESTED HEALPix cell.",
    ),
    Function(
        "ivo_hasword(text VARCHAR, words VARCHAR) -> INTEGER", 2, 2,
        lambda arguments: Value(call("adql_has_word", *(a.sql for a in arguments)), is_condition=True),
        "1 if all words occur in the text, in any case and inflection (English), else 0.",
    ),
    Function(
        "ivo_hashlist_has(list VARCHAR, item VARCHAR) -> INTEGER", 2, 2,
        _condition("list_contains(string_split(lower(:a0), '#'), lower(:a1))"),
        "1 if a list of words with # between them has a word, in any case, else 0.",
    ),
    Function(
        "ivo_nocasematch(text VARCHAR, pattern VARCHAR) -> INTEGER", 2, 2, _condition(":a0 ILIKE :a1"),
        "1 if a text matches a pattern of LIKE in any case, else 0.",
    ),
    Function(
        "ivo_interval_overlaps(low1 NUMERIC, high1 NUMERIC, low2 NUMERIC, high2 NUMERIC) -> INTEGER", 4, 4,
        _condition(":a0 <= :a3 AND :a2 <= :a1"),
        "1 if two intervals have a value in common, else 0.",
    ),
    Function(
        "ivo_string_agg(text VARCHAR, separator VARCHAR) -> VARCHAR", 2, 2, _string_agg,
        "Texts of a group put together, with a separator between them; NULL is left out.",
    ),
    Function(
        "gavo_match(pattern VARCHAR, text VARCHAR) -> INTEGER", 2, 2, _condition("regexp_matches(:a1, :a0)"),
        "1 if a regular expression matches somewhere in a text, else 0.",
    ),
)  # fmt: skip

#: Name in upper case -> function.
FUNCTIONS: Mapping[str, Function] = {function.name: function for function in _functions()}
