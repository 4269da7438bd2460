"""The statements of the join, in DuckDB's SQL. Numbers come in as variables, tables under fixed names.

The sky is cut into cells: zones of declination, and in each zone bins of right ascension (Gray, Nieto-Santisteban &
Szalay 2007, "The Zones Algorithm"). The smaller side is put into every cell that its cap of the search radius touches;
the larger is streamed past it once, each point in its one cell; the pairs so found are tested exactly.

Both sides compute a cell from an angle by the same monotone expression, ``floor(angle * scale)``. So a point inside a
cap's interval of declination and RA has a cell inside the cap's range of cells, whatever rounding does; the intervals
are a little too wide (``pad``), never too narrow.
"""

from __future__ import annotations

from string import Template

from ssap_mirror.core.sphere import haversine_sql

__all__ = [
    "ALL_PAIRS",
    "BEST_PAIRS",
    "BINS",
    "CAPS",
    "COUNT_ALL",
    "COUNT_KEYS",
    "COUNT_MET",
    "COUNT_MET_AGAIN",
    "COUNT_PLACES",
    "COUNT_UNIQUE",
    "CROWDING",
    "FEW_PAIRS",
    "FIELDS",
    "HEAD",
    "IN_FIELDS",
    "KEYS",
    "MACROS",
    "MET",
    "MOTION_MACROS",
    "MOVED",
    "NEAR",
    "NOT_NEARER",
    "PLACED",
    "PLACES",
    "POINTS",
    "POINTS_OF_PLACES",
    "SPREAD",
    "SURVIVORS",
    "UNIQUE",
    "WITHIN_RADIUS",
    "WITHIN_SIGMA",
]

# More than the bins of any zone (360 deg at 0.1 arcsec), and zone * this + bin is exact in a double
_CELL_STRIDE = "67108864e0"
# mas to rad; 1 / A in (AU/yr per km/s) * mas to rad: v_r [km/s] * parallax [mas] * this is the change of distance
# per year in units of the distance (ESA 1997, vol. 1, sec. 1.5.5, with A_v = 4.740470446 km yr/s)
_MAS = "4.84813681109535994e-9"
_RADIAL = "(4.84813681109535994e-9 / 4.740470446e0)"

MACROS = (
    # 4 microarcsec [deg]: above the rounding of any angle in degrees, below what would make the join slower
    "CREATE MACRO pad() AS 1e-9::DOUBLE",
    f"CREATE MACRO cell(zone, bin) AS try_cast(zone * {_CELL_STRIDE} + bin AS BIGINT)",
    "CREATE MACRO zone_of(dec) AS floor(dec * getvariable('zones_per_deg'))",
    "CREATE MACRO ra_0_to_360(ra) AS ra - 360 * floor(ra / 360)",
    "CREATE MACRO field_of(ra, dec) AS try_cast(floor((dec + 90) * 2) * 720 + least(719, floor(ra * 2)) AS INTEGER)",
    # Half the extent in RA of a cap [deg]; all of RA if it holds a pole
    "CREATE MACRO half_width(dec, radius) AS CASE WHEN abs(dec) + radius < 89.9999999 "
    "THEN degrees(asin(least(1, sin(radians(radius)) / cos(radians(dec))))) + pad() ELSE 180 END",
    "CREATE MACRO haversine(ra1, dec1, ra2, dec2) AS " + haversine_sql("ra1", "dec1", "ra2", "dec2", products=True),
    "CREATE MACRO haversine_of(sep_deg) AS sin(radians(sep_deg) / 2) * sin(radians(sep_deg) / 2)",
    "CREATE MACRO separation_arcsec(haversine) AS 7200 * degrees(asin(sqrt(least(1, haversine))))",
    # Of the second point as seen from the first, north over east [deg, 0 to 360]
    "CREATE MACRO position_angle(ra1, dec1, ra2, dec2) AS (360 + degrees(atan2("
    "sin(radians(ra2 - ra1)) * cos(radians(dec2)), sin(radians(dec2 - dec1)) + 2 * sin(radians(dec1)) "
    "* cos(radians(dec2)) * sin(radians(ra2 - ra1) / 2) * sin(radians(ra2 - ra1) / 2)))) % 360",
)

#: What only a match with motions needs.
MOTION_MACROS = (
    # Rigorous propagation of a star in straight, uniform motion (ESA 1997, eq. 1.5.18 ff.; Butkevich & Lindegren 2014,
    # sec. 4), in the frame of the star's own meridian; motions in mas/yr, parallax in mas, velocity in km/s, time in yr
    f"CREATE MACRO receding(parallax, velocity, years) AS 1 + parallax * velocity * {_RADIAL} * years",
    f"CREATE MACRO outward(dec, pmdec, f, years) AS f * cos(radians(dec)) - pmdec * {_MAS} * years * sin(radians(dec))",
    "CREATE MACRO moved_ra(ra, dec, pmra, pmdec, f, years) AS ra + degrees(atan2("
    f"pmra * {_MAS} * years, outward(dec, pmdec, f, years)))",
    "CREATE MACRO moved_dec(dec, pmra, pmdec, f, years) AS degrees(atan2("
    f"f * sin(radians(dec)) + pmdec * {_MAS} * years * cos(radians(dec)), "
    f"sqrt(outward(dec, pmdec, f, years) ** 2 + (pmra * {_MAS} * years) ** 2)))",
    # No star moves further than this over the time that the match spans [deg]
    "CREATE MACRO reach(pmra, pmdec, parallax, velocity) AS CASE "
    f"WHEN abs(parallax * velocity) * {_RADIAL} * getvariable('span_years') < 0.9 "
    "THEN least(180, sqrt(pmra * pmra + pmdec * pmdec) / 3.6e6 * getvariable('span_years') "
    f"/ (1 - abs(parallax * velocity) * {_RADIAL} * getvariable('span_years'))) ELSE 180 END",
)

#: Bins per degree of RA in a zone. Even: right for most data. Tapered: follows cos(dec), for data near the poles.
BINS = {
    "even": "CREATE OR REPLACE MACRO bins_per_deg(zone) AS getvariable('zones_per_deg')",
    "tapered": "CREATE OR REPLACE MACRO bins_per_deg(zone) AS getvariable('zones_per_deg') * greatest(0.004, "
    "1 - ((zone + 0.5) / getvariable('zones_per_deg') / 90) ** 2)",
}

# A table's rows with what the match needs of them; its points with the columns' prefix ($p)
KEYS = Template("CREATE VIEW ${side}_keys AS SELECT $number AS id, $keys FROM ${side}_rows")
HEAD = Template("""
SELECT count(*), count(DISTINCT hash(ra, dec))
FROM (SELECT $keys FROM ${side}_rows WHERE $condition LIMIT $rows)
""")
UNIQUE = (
    Template("CREATE TABLE ${side}_groups AS SELECT ra, dec, count(*) AS n$first FROM ${side}_keys GROUP BY ra, dec"),
    Template("CREATE VIEW ${side}_unique AS SELECT $number, ra, dec, n FROM ${side}_groups"),
)
# To DuckDB NaN is greater than any number, so it is in no range.
POINTS = Template("""
CREATE VIEW ${side}_points AS
SELECT id AS ${p}id, $n AS ${p}n, ra_0_to_360(ra) AS ${p}ra, dec AS ${p}dec$columns
FROM $source
WHERE ra BETWEEN -180 AND 360 AND dec BETWEEN -90 AND 90
""")
PLACES = Template("CREATE TABLE ${side}_places AS SELECT DISTINCT ${p}ra, ${p}dec FROM ${side}_points")
COUNT_UNIQUE = Template("SELECT coalesce(sum(n), 0)::BIGINT, count(*) FROM ${side}_unique")
COUNT_KEYS = Template("SELECT count(*) FROM ${side}_keys")
COUNT_PLACES = Template("SELECT count(*) FROM ${side}_places")

# The smaller side with half the extent in RA of each point's cap, and how crowded it is: the mean company of a point in
# its own field of half a degree
CAPS = Template("""
CREATE OR REPLACE TABLE caps AS
SELECT *, half_width(${s}_dec, getvariable('radius_deg')) AS half FROM small_side
""")
CROWDING = Template("""
SELECT coalesce(sum(n * n) / sum(n), 0), coalesce(sum(n * half) / sum(n), 0), coalesce(max(max_half), 0),
    coalesce(min(dec_min), 0), coalesce(max(dec_max), 0)
FROM (
    SELECT count(*)::DOUBLE AS n, avg(half) AS half, max(half) AS max_half,
        min(${s}_dec) AS dec_min, max(${s}_dec) AS dec_max
    FROM caps GROUP BY field_of(${s}_ra, ${s}_dec)
)
""")

# Fields of half a degree that a cap of the smaller side ($s) touches. A cap narrower than a field touches those of its
# corners and no other. The table is small and its numbers are dense, so the join with it costs next to nothing.
FIELDS = Template("""
CREATE OR REPLACE TABLE fields AS
WITH boxes AS (
    SELECT field_of(${s}_ra, ${s}_dec) AS own, ${s}_ra AS ra, ${s}_dec AS dec, half,
        getvariable('radius_deg') + pad() AS high
    FROM caps
), corners AS (
    SELECT own, field_of(ra_0_to_360(ra - half), greatest(-90, dec - high)) AS a,
        field_of(ra_0_to_360(ra + half), greatest(-90, dec - high)) AS b,
        field_of(ra_0_to_360(ra - half), least(90, dec + high)) AS c,
        field_of(ra_0_to_360(ra + half), least(90, dec + high)) AS d
    FROM boxes
)
SELECT DISTINCT field FROM (
    SELECT own AS field FROM corners
    UNION ALL
    SELECT unnest([a, b, c, d]) FROM corners WHERE a <> own OR b <> own OR c <> own OR d <> own
)
""")
IN_FIELDS = Template("""
CREATE OR REPLACE TABLE in_fields AS
SELECT large_side.* FROM large_side JOIN fields ON field_of(${p}_ra, ${p}_dec) = fields.field
WHERE ${p}_dec BETWEEN getvariable('dec_min') AND getvariable('dec_max')
""")

# Each point of the smaller side ($s) in every cell that its cap touches, once.
SPREAD = Template("""
CREATE OR REPLACE TABLE spread AS
WITH spans AS (
    SELECT *,
        zone_of(greatest(-90, ${s}_dec - getvariable('radius_deg') - pad())) AS first_zone,
        zone_of(least(90, ${s}_dec + getvariable('radius_deg') + pad())) AS last_zone
    FROM caps
), zones AS (
    SELECT *, first_zone AS zone FROM spans
    UNION ALL
    SELECT *, unnest(range(first_zone::BIGINT + 1, last_zone::BIGINT + 1))::DOUBLE FROM spans
    WHERE last_zone > first_zone
), sized AS (
    SELECT *, bins_per_deg(zone) AS bins, half >= 180 - 1 / bins_per_deg(zone) AS whole FROM zones
), arcs AS (
    SELECT *, if(whole, 0, greatest(0, ${s}_ra - half)) AS west, if(whole, 360, least(360, ${s}_ra + half)) AS east
    FROM sized
    UNION ALL
    SELECT *, ${s}_ra - half + 360, 360 FROM sized WHERE ${s}_ra - half < 0 AND NOT whole
    UNION ALL
    SELECT *, 0, ${s}_ra + half - 360 FROM sized WHERE ${s}_ra + half > 360 AND NOT whole
), binned AS (
    SELECT *, floor(west * bins) AS first_bin, floor(east * bins) AS last_bin FROM arcs
), cells AS (
    SELECT *, first_bin AS bin FROM binned
    UNION ALL
    SELECT *, unnest(range(first_bin::BIGINT + 1, last_bin::BIGINT + 1))::DOUBLE FROM binned
    WHERE last_bin > first_bin
)
SELECT cell(zone, bin) AS cell,
    * EXCLUDE (half, first_zone, last_zone, zone, bins, whole, west, east, first_bin, last_bin, bin)
FROM cells
""")

# Pairs in one cell; $p is the prefix of the larger side, which is streamed.
NEAR = Template("""
CREATE OR REPLACE VIEW near AS
SELECT * FROM (
    SELECT *, cell(zone_of(${p}_dec), floor(${p}_ra * bins_per_deg(zone_of(${p}_dec)))) AS cell FROM large_side
    WHERE ${p}_dec BETWEEN getvariable('dec_min') AND getvariable('dec_max')
) JOIN spread USING (cell)
""")

# Where places were put into cells: the points at the places so found
POINTS_OF_PLACES = Template("""
CREATE OR REPLACE VIEW near_${side} AS
SELECT * FROM ${side}_points JOIN ${near} USING (${p}_ra, ${p}_dec)
""")

#: Candidates at the positions they are compared at: as they are, or with one side ($m) at the date of the other ($o).
PLACED = "CREATE OR REPLACE VIEW placed AS SELECT * FROM candidates"
MOVED = Template("""
CREATE OR REPLACE VIEW placed AS
SELECT * REPLACE (
    moved_ra(${m}_ra, ${m}_dec, ${m}_pmra, ${m}_pmdec, f, years) AS ${m}_ra,
    moved_dec(${m}_dec, ${m}_pmra, ${m}_pmdec, f, years) AS ${m}_dec
) FROM (
    SELECT *, receding(${m}_parallax, ${m}_radial_velocity, years) AS f
    FROM (SELECT *, coalesce(${o}_epoch - ${m}_epoch, 0) AS years FROM candidates)
)
""")

WITHIN_RADIUS = "haversine <= getvariable('haversine_max')"
NOT_NEARER = "haversine >= getvariable('haversine_min')"
WITHIN_SIGMA = (
    "haversine <= least(getvariable('haversine_max'), "
    "haversine_of(least(180, getvariable('n_sigma') / 3600 * sqrt(l_sigma * l_sigma + r_sigma * r_sigma))))"
)
SURVIVORS = Template("""
CREATE OR REPLACE VIEW survivors AS
SELECT *, position_angle(l_ra, l_dec, r_ra, r_dec) AS angle
FROM (SELECT *, haversine(l_ra, l_dec, r_ra, r_dec) AS haversine FROM placed)
WHERE $condition
""")

# One object ($o) for each subject ($s): the best by rank, if there is one, else the nearest, and of equally near ones
# that with the lowest number.
BEST_PAIRS = Template("""
SELECT ${s}_id AS subject_id, any_value(${s}_n) AS n,
    min({$rank'haversine': haversine, 'object_id': ${o}_id, 'angle': angle}) AS nearest
FROM survivors GROUP BY ${s}_id
""")
# Some objects for each subject
FEW_PAIRS = Template("""
SELECT subject_id, n, unnest(nearest) AS nearest FROM (
    SELECT ${s}_id AS subject_id, any_value(${s}_n) AS n,
        min({$rank'haversine': haversine, 'object_id': ${o}_id, 'angle': angle}, $most) AS nearest
    FROM survivors GROUP BY ${s}_id
)
""")
ALL_PAIRS = """
SELECT l_id AS subject_id, l_n * r_n AS n,
    {'haversine': haversine, 'object_id': r_id, 'angle': angle} AS nearest
FROM survivors
"""
COUNT_ALL = "SELECT coalesce(sum(l_n * r_n), 0)::BIGINT FROM survivors"
# Subjects ($s) that have a partner, each once in a pass over the survivors
MET = Template("INSERT INTO met SELECT DISTINCT ${s}_id, ${s}_n FROM survivors")
COUNT_MET = "SELECT coalesce(sum(n), 0)::BIGINT FROM met"
COUNT_MET_AGAIN = "SELECT coalesce(sum(n), 0)::BIGINT FROM (SELECT DISTINCT id, n FROM met)"
