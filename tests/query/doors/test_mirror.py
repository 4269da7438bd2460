"""A mirror as people meet it: opening, refreshing, SQL, maps, explanations, matches."""

from __future__ import annotations

import gc
import shutil
from pathlib import Path

import healpy
import numpy as np
import pyarrow as pa
import pytest
import ssap_query as ssap
from ssap_mirror.core.snapshots import prune
from ssap_mirror.errors import CatalogError, ParameterError
from ssap_query.engine.cones.cone_join import ConeJoin
from ssap_query.engine.cones.select_rows import RowGroups
from ssap_query.engine.plan import EngineLimits, Nothing
from ssap_query.engine.rows import MemoryLimit, QueryRows
from ssap_query.engine.scan import Scan
from ssap_query.sql.column_cache import WholeColumns
from ssap_query.sql.spooled import SpooledRows
from ssap_query.sql.user_sql import run_sql
from ssap_query.ssap.request import parse


class TestOpening:
    def test_by_name_path_and_snapshot(self, awkward) -> None:
        mirror = ssap.open("one", awkward.home)
        for path in (awkward.home / "one", str(awkward.home / "one"), mirror.catalog.path):
            assert ssap.open(path).catalog.path == mirror.catalog.path

    def test_home_from_the_environment(self, awkward, monkeypatch) -> None:
        monkeypatch.setenv("SSAP_MIRROR_HOME", str(awkward.home))
        assert ssap.open("one").catalog.rows == len(awkward.ids)

    def test_what_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(CatalogError, match="No mirror 'nope'"):
            ssap.open("nope", tmp_path)

    def test_an_open_mirror_keeps_its_snapshot_until_refreshed(self, tmp_path: Path, awkward, mirror_of) -> None:
        mirror_of(awkward.table.slice(0, 100), awkward.schema, tmp_path, "grows", 50)
        mirror = ssap.open("grows", tmp_path)
        first = mirror.catalog.path
        assert not mirror.refresh()
        mirror.search(pos=(0.0, 90.0), size=100)
        kept = mirror.engine.cache
        assert kept.size > 0
        mirror_of(awkward.table.slice(0, 300), awkward.schema, tmp_path, "grows", 50)
        assert len(mirror.search(columns=["mobsid"])) == 100
        assert mirror.catalog.path == first
        assert mirror.refresh()
        assert mirror.catalog.path != first
        assert len(mirror.search(columns=["mobsid"])) == 300
        assert mirror.engine.cache is not kept
        assert (kept.size, kept.max_bytes) == (0, 0)

    def test_what_is_read_is_not_pruned(self, tmp_path: Path, awkward, mirror_of) -> None:
        """Neither under an open mirror nor under a result that still reads from its files."""
        mirror_of(awkward.table.slice(0, 100), awkward.schema, tmp_path, "grows", 50)
        in_pieces = EngineLimits(result=MemoryLimit(10, 1 << 20))
        mirror = ssap.open("grows", tmp_path, cache_bytes=0, limits=in_pieces)
        first = mirror.catalog.path
        found = mirror.search(snr="0/", columns=["mobsid"])
        assert isinstance(found.rows, QueryRows)
        mirror_of(awkward.table.slice(0, 300), awkward.schema, tmp_path, "grows", 50)
        assert prune(tmp_path / "grows", 0) == ()
        assert mirror.refresh()
        assert prune(tmp_path / "grows", 0) == ()
        assert found.to_arrow().num_rows == len(found) > 10
        del found
        gc.collect()
        assert prune(tmp_path / "grows", 0) == (first.name,)

    def test_a_snapshot_that_is_gone_all_the_same_is_replaced_by_the_live_one(
        self, tmp_path: Path, awkward, mirror_of
    ) -> None:
        mirror_of(awkward.table.slice(0, 100), awkward.schema, tmp_path, "grows", 50)
        asked = {
            "search": lambda mirror: mirror.search(columns=["mobsid"]),
            "sql": lambda mirror: mirror.sql("SELECT mobsid FROM spectra"),
        }
        mirrors = {name: ssap.open("grows", tmp_path, cache_bytes=0) for name in asked}
        first = mirrors["sql"].catalog.path
        mirrors["sql"].sql("SELECT count(*) FROM spectra")
        mirror_of(awkward.table.slice(0, 300), awkward.schema, tmp_path, "grows", 50)
        shutil.rmtree(first)
        for name, ask in asked.items():
            assert len(ask(mirrors[name])) == 300
        shutil.rmtree(mirrors["sql"].catalog.path)
        with pytest.raises(CatalogError, match="has no live snapshot"):
            mirrors["sql"].search()

    def test_info(self, mirror, awkward) -> None:
        info = mirror.info()
        assert (info["name"], info["rows"], info["synthetic"], info["columns"]) == ("tiny", len(awkward.ids), True, 98)
        assert info["unplaced_rows"] > 50
        files = [path for path in mirror.catalog.path.rglob("*") if path.is_file()]
        assert 0 <= sum(path.stat().st_size for path in files) - info["bytes"] < 200_000  # the manifest itself
        assert info["coverage"]["t"][0] > 58_000
        assert Path(info["path"]) == mirror.catalog.path


class TestAnswers:
    def test_what_goes_with_the_rows(self, mirror) -> None:
        found = mirror.search(pos=(0.0, 90.0), size=1, snr=5)
        assert found.infos["mirror"].startswith("tiny, snapshot ")
        assert "made up" in found.infos["synthetic"]
        assert "SNR: at least 5" in found.infos["selection"]
        assert "separation" in found.infos["score"]
        assert found.service_xml == b""

    def test_notes_tell_what_was_passed_over(self, mirror) -> None:
        assert any("FOO" in note for note in mirror.ssap("REQUEST=queryData&FOO=1").notes)

    def test_a_parsed_request_is_not_parsed_again(self, mirror, monkeypatch) -> None:
        text = "REQUEST=queryData&POS=0,90&SIZE=1&VERB=1&RESPONSEFORMAT=csv"
        for dialect in ("ivoa", "dachs"):
            parsed = parse(text, dialect)
            expected = mirror.ssap(text, dialect)
            with monkeypatch.context() as patched:
                patched.setattr("ssap_query.ssap.request.decode", None)
                found, explained = mirror.ssap(parsed), mirror.explain(parsed)
            assert found.to_arrow().equals(expected.to_arrow())
            assert found.response_format == expected.response_format == "csv"
            assert found.infos == expected.infos
            assert explained.dialect == dialect
        with pytest.raises(ParameterError, match="dialect"):
            mirror.ssap(parse(text, "dachs"), "ivoa")

    def test_names_of_targets(self, mirror, awkward) -> None:
        found = mirror.ssap("REQUEST=getTargetNames")
        names = sorted({row["target_name"] for row in awkward.rows if row["target_name"] is not None})
        assert found.to_arrow().to_pydict() == {"ssa_targname": names}
        assert found.schema["ssa_targname"].ucd == "meta.id;src"
        assert any(row["target_name"] is None for row in awkward.rows)
        with_null = mirror.ssap("REQUEST=getTargetNames", "dachs")
        assert with_null.to_arrow().to_pydict() == {"ssa_targname": [*names, None]}

    @pytest.mark.parametrize("request_", ["REQUEST=queryData", "MAXREC=5", "REQUEST=queryData&SNR=foo"])
    def test_errors_name_their_parameter(self, request_, mirror) -> None:
        if request_ == "REQUEST=queryData":
            assert mirror.ssap(request_).status == "OK"
            return
        with pytest.raises(ParameterError) as caught:
            mirror.ssap(request_)
        assert caught.value.name in ("REQUEST", "SNR")
        assert isinstance(caught.value, ValueError)


class TestConversions:
    @pytest.fixture
    def found(self, mirror):
        return mirror.search(pos=(0.0, 90.0), size=1, columns=["mobsid", "ra", "ssa_location", "ssa_snr", "mag_arr"])

    def test_arrow(self, found) -> None:
        table = found.to_arrow()
        assert len(table) == len(found) > 5
        assert table.schema.field("ra").metadata[b"unit"] == b"deg"
        assert table.schema.field("ssa_location").type.equals(pa.list_(pa.float64(), 2))
        assert sum(batch.num_rows for batch in found.batches()) == len(table)

    @pytest.mark.extra("pandas")
    def test_pandas(self, found) -> None:
        frame = found.to_pandas()
        assert list(frame.columns) == list(found.schema.names)
        assert list(frame["mobsid"]) == found.to_arrow()["mobsid"].to_pylist()

    @pytest.mark.extra("polars")
    def test_polars(self, found) -> None:
        frame = found.to_polars()
        assert frame["mobsid"].to_list() == found.to_arrow()["mobsid"].to_pylist()

    def test_no_rows(self, mirror) -> None:
        nothing = mirror.search(pubdid="nobody", verb=3)
        assert (len(nothing), nothing.status, list(nothing.batches())) == (0, "OK", [])
        assert nothing.to_arrow().schema.equals(mirror.schema.arrow_schema())
        assert mirror.search(pos=(0.0, -89.0), size=1e-9).to_arrow().num_rows == 0


class TestSql:
    def test_the_view_has_all_rows_and_columns(self, mirror, awkward) -> None:
        found = mirror.sql("SELECT objtype, count(*) AS n, sum(obsid) AS s FROM spectra GROUP BY ALL ORDER BY n DESC")
        assert sum(found.to_arrow()["n"].to_pylist()) == len(awkward.ids)
        assert [str(field.type) for field in found.to_arrow().schema] == ["string", "int64", "int64"]
        assert found.infos["mirror"].startswith("tiny")
        columns = mirror.sql("SELECT * FROM spectra LIMIT 0").schema.names
        assert columns == (*mirror.schema.names, "_healpix_29")

    def test_values_are_bound(self, mirror, awkward) -> None:
        found = mirror.sql("SELECT count(*) FROM spectra WHERE mobsid = ?", [awkward.ids[0]])
        assert found.to_arrow().to_pylist() == [{"count_star()": 1}]

    def test_other_tables_join(self, mirror) -> None:
        limits = pa.table({"limit": [10, 1000]})
        text = 'SELECT "limit", count(ssa_snr) AS n FROM limits JOIN spectra ON ssa_snr > "limit" GROUP BY ALL'
        assert mirror.sql(text, tables={"limits": limits}).to_arrow()["n"].to_pylist()[0] > 10
        with pytest.raises(ParameterError, match="limits"):
            mirror.sql(text)  # what is not said is not found, whatever the variables are called

    def test_nan_is_not_lost_to_row_group_statistics(self, mirror, awkward) -> None:
        found = mirror.sql("SELECT count(*) AS n FROM spectra_raw WHERE ssa_snr >= 1e9").to_arrow()["n"].to_pylist()
        assert found == [sum(row["snr"] is not None and not row["snr"] < 1e9 for row in awkward.rows)]

    def test_large_answers_are_not_kept(self, mirror) -> None:
        text, engine = "SELECT mobsid FROM spectra", mirror.engine
        every = mirror.sql(text)
        few = MemoryLimit(50, 1 << 30)
        columns = WholeColumns(engine.catalog, engine.row_groups, engine.cache)
        again = run_sql(engine.session, engine.catalog, columns, text, in_memory=few).rows
        assert isinstance(again, SpooledRows)
        assert len(again) == len(every) > 50
        assert pa.Table.from_batches(again.batches()).equals(every.to_arrow())
        path = again.path
        assert path.exists()
        del again
        assert not path.exists()

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ("SELECT nope FROM spectra", "nope"),
            ("SELEC 1", "syntax error"),
            ("", "0 statements"),
            ("SELECT 1; SELECT 2", "2 statements"),
            ("COPY spectra TO '{path}'", "COPY"),
            ("EXPLAIN ANALYZE COPY spectra TO '{path}'", "COPY"),
            ("explain  analyze (format json) COPY spectra TO '{path}'", "COPY"),
            ("/* x */ EXPLAIN ANALYZE COPY spectra TO '{path}'", "EXPLAIN"),
            ("CREATE TABLE x AS SELECT 1", "CREATE"),
            ("ATTACH '{path}'", "ATTACH"),
            ("DROP VIEW spectra", "DROP"),
            ("SET threads = 1", "SET"),
            ("INSTALL spatial", "LOAD"),
            ("SELECT 'a'::INTEGER", "Conversion Error"),
        ],
    )
    def test_what_is_no_query_is_refused(self, text, reason, mirror, tmp_path: Path) -> None:
        path = tmp_path / "written"
        with pytest.raises(ParameterError, match=reason) as caught:
            mirror.sql(text.format(path=path))
        assert caught.value.name == "sql"
        assert not path.exists()

    @pytest.mark.parametrize(
        "text", ["EXPLAIN SELECT 1", "FROM spectra LIMIT 1", "DESCRIBE spectra", "SUMMARIZE spectra", "VALUES (1)",
                 "PIVOT (SELECT objtype, coadd FROM spectra) ON objtype USING count(*)", "SELECT NULL AS n"],
    )  # fmt: skip
    def test_every_kind_of_query(self, text, mirror) -> None:
        assert len(mirror.sql(text)) > 0

    def test_macros(self, mirror) -> None:
        row = mirror.sql(
            "SELECT separation_arcsec(10, 0, 10, 1e-6) AS s, separation(0, 0, 180, 0) AS half,"
            " in_cone(359.9, 0, 0.1, 0, 0.21) AS seam, in_cone(1, 0, 0, 0, 0.5) AS outside,"
            " in_cone(NULL, 0, 0, 0, 9) AS nowhere,"
            " in_cone('nan'::DOUBLE, 0, 0, 0, 9) AS nan"
        ).to_arrow().to_pylist()[0]  # fmt: skip
        assert row["s"] == pytest.approx(0.0036, rel=1e-6)
        assert row["half"] == pytest.approx(180)
        assert (row["seam"], row["outside"], row["nowhere"], row["nan"]) == (True, False, False, False)

    def test_cells_of_any_order(self, mirror) -> None:
        table = mirror.sql(
            "SELECT ra, dec, healpix(5) AS five, healpix_cell(_healpix_29, 0) AS zero FROM spectra"
            " WHERE healpix(5) IS NOT NULL"
        ).to_arrow()
        ra, dec = table["ra"].to_numpy(), table["dec"].to_numpy()
        for order, name in ((5, "five"), (0, "zero")):
            cells = healpy.ang2pix(2**order, ra, dec, nest=True, lonlat=True)
            seam = np.abs(np.abs(dec) - 41.8103148957786) < 1e-9  # the two libraries may differ on the very seam
            assert (cells == table[name].to_numpy())[~seam & (ra % 45 != 0)].all()

    def test_relation(self, mirror, awkward) -> None:
        relation = mirror.relation()
        assert relation.aggregate("count(*)").fetchall() == [(len(awkward.ids),)]
        assert relation.filter("ssa_snr > 10").aggregate("count(*)").fetchall()[0][0] > 10


class TestSkyMap:
    def test_counts(self, mirror) -> None:
        counts = mirror.healpix_map(3)
        assert counts.shape == (768,)
        assert counts.sum() == mirror.catalog.rows - mirror.catalog.unplaced.rows
        table = mirror.sql("SELECT ra, dec FROM spectra WHERE _healpix_29 IS NOT NULL AND ra % 45 <> 0").to_arrow()
        cells = healpy.ang2pix(8, table["ra"].to_numpy(), table["dec"].to_numpy(), nest=True, lonlat=True)
        assert (counts >= np.bincount(cells, minlength=768)).all()

    def test_expressions(self, mirror) -> None:
        largest = mirror.healpix_map(2, "max(ssa_snr)", where="ssa_snr < 1e9")
        assert largest.min() == healpy.UNSEEN
        assert (
            largest.max()
            == mirror.sql("SELECT max(ssa_snr) m FROM spectra WHERE ssa_snr < 1e9").to_arrow()["m"][0].as_py()
        )
        assert np.isnan(mirror.healpix_map(2, "max(ssa_snr)", where="ssa_snr < 0", empty=np.nan)).any()
        assert mirror.healpix_map(0, "count(ssa_snr)").shape == (12,)

    @pytest.mark.parametrize(
        ("order", "expression", "where"),
        [(-1, "count(*)", None), (13, "count(*)", None), (2.5, "count(*)", None), (True, "count(*)", None),
         (2, "nope(ssa_snr)", None), (2, "count(*)", "nope > 1"), (2, "objtype", None)],
    )  # fmt: skip
    def test_bad_ones(self, order, expression, where, mirror) -> None:
        with pytest.raises(ParameterError):
            mirror.healpix_map(order, expression, where)


class TestExplain:
    def test_a_cone(self, awkward) -> None:
        mirror = awkward.open("tiny")
        request = "REQUEST=queryData&POS=0,90&SIZE=0.2&SNR=20&TOP=5&FOO=1&VERB=1"
        explained = mirror.explain(request)
        assert isinstance(explained.way, RowGroups)
        assert 1 <= len(explained.files) < explained.files_in_all / 2
        assert sum(file.rows for file in explained.files) >= len(mirror.ssap(request))
        text = str(explained)
        for part in (
            "POS: around 0, 90",
            "SNR: at least 20",
            "note: FOO",
            "limit: 5 rows, best first",
            "unplaced.parquet",
        ):
            assert part in text
        assert explained.query.sql in text
        assert "Bound values\n  1: " in text
        assert isinstance(awkward.open("tiny", cache_bytes=0).explain(request).way, Scan)

    def test_the_statement_gives_the_answer(self, mirror) -> None:
        for request in ("POS=0,90&SIZE=20&SNR=5/", "POS=0,90&SIZE=20&TOP=9", "BAND=6.3e-7", "WILDTARGET=*star*"):
            query = mirror.explain(f"REQUEST=queryData&{request}", columns=["mobsid"]).query
            found = mirror.engine.session.table(query.sql, query.values)["mobsid"].to_pylist()
            answer = mirror.ssap(f"REQUEST=queryData&{request}", columns=["mobsid"])
            assert answer.to_arrow()["mobsid"].to_pylist() == found[: len(answer)]
            assert len(answer) > 0

    def test_many_cones_and_nothing(self, mirror) -> None:
        many = ",".join(f"{x},{x}" for x in range(60))
        joined = mirror.explain(f"REQUEST=queryData&POS={many}")
        assert isinstance(joined.way, ConeJoin)
        assert "JOIN cones" in joined.query.sql
        nothing = mirror.explain("REQUEST=queryData&FORMAT=xml", "dachs")
        assert isinstance(nothing.way, Nothing)
        assert nothing.files == ()
        assert "nothing is read" in str(nothing)

    def test_long_things_are_cut(self, mirror) -> None:
        asked = [("REQUEST", "queryData"), ("PUBDID", tuple(f"ivo://x/{n}" for n in range(10_000)))]
        assert len(str(mirror.explain(asked))) < 12_000


class TestMetadata:
    @pytest.mark.parametrize("request_", ["FORMAT=METADATA", "REQUEST=queryData&MAXREC=0", "FORMAT=metadata&VERB=1"])
    @pytest.mark.parametrize("dialect", ["ivoa", "dachs"])
    def test_columns_and_parameters_are_described(self, request_, dialect, mirror) -> None:
        found = mirror.ssap(request_, dialect)
        assert (len(found), found.status, len(found.schema)) == (0, "OK", 98)
        names = {parameter.name for parameter in found.inputs}
        assert {"POS", "SIZE", "BAND", "TIME", "maxrec", "verb", "WILDTARGETCASE"} <= names
        assert len(found.inputs) == 27
        assert not {"VARAMPL", "TIMERES"} & names

    def test_ranges_found_in_the_mirror(self, mirror, awkward) -> None:
        inputs = {parameter.name: parameter for parameter in mirror.ssap("FORMAT=METADATA").inputs}
        finite = [row["snr"] for row in awkward.rows if row["snr"] is not None and abs(row["snr"]) < 1e30]
        assert (float(inputs["SNR"].minimum), float(inputs["SNR"].maximum)) == (min(finite), max(finite))
        assert inputs["TIME"].minimum.startswith("2017-")
        assert float(inputs["BAND"].minimum) < 5e-7 < 6.5e-7 < float(inputs["BAND"].maximum)
        assert inputs["MTIME"].maximum.startswith("20")
        assert {"star", "QSO"} <= set(inputs["TARGETCLASS"].options)
        assert inputs["APERTURE"].unit == "deg"
        assert inputs["SNR"].ucd == "stat.snr"
        assert inputs["POS"].minimum is None


class TestCrossmatch:
    @pytest.fixture
    def stars(self, mirror):
        return mirror.sql("SELECT DISTINCT ra, dec, 'x' AS tag FROM spectra WHERE _healpix_29 IS NOT NULL").to_arrow()

    @pytest.mark.parametrize(
        "parameters",
        [
            {},
            {"snr": 20},
            {"pos": (0.0, 90.0), "size": 5},
            {"maxrec": 50},
            {"pos": (0.0, 90.0), "size": 5, "top": 5},
            {"pos": [(x / 10, 60.0) for x in range(60)], "size": 60},
            {"pubdid": "nobody"},
        ],
    )
    def test_the_spectra_of_a_request_are_matched(self, parameters, any_mirror, stars) -> None:
        matched = any_mirror.crossmatch(stars, 0.1, columns=["mobsid", "ssa_snr"], **parameters).to_arrow()
        selected = any_mirror.search(**parameters, columns=["mobsid", "ra"]).to_arrow()
        placed = any_mirror.sql("SELECT mobsid FROM spectra WHERE _healpix_29 IS NOT NULL").to_arrow()["mobsid"]
        wanted = set(selected["mobsid"].to_pylist()) & set(placed.to_pylist())
        assert set(matched["mobsid"].to_pylist()) >= wanted
        assert set(matched["mobsid"].to_pylist()) <= set(selected["mobsid"].to_pylist())
        assert matched.schema.names[:2] == ["mobsid", "ssa_snr"]
        assert "tag" in matched.schema.names
        assert bool(wanted) == (parameters != {"pubdid": "nobody"})

    def test_bad_filters_are_named(self, mirror, stars) -> None:
        with pytest.raises(ParameterError, match="SNR"):
            mirror.crossmatch(stars, snr="foo")
        with pytest.raises(ParameterError, match="nonsense"):
            mirror.crossmatch(stars, nonsense=1)

    def test_a_whole_request_selects_the_same_as_parameters(self, mirror, stars) -> None:
        parsed = parse("REQUEST=queryData&SNR=20/&VERB=1", "ivoa")
        by_parameters = mirror.crossmatch(stars, 0.1, snr=(20, None), verb=1).to_arrow()
        assert by_parameters.num_rows
        for request in (parsed, "REQUEST=queryData&SNR=20/&VERB=1", parsed.pairs):
            assert mirror.crossmatch(stars, 0.1, request=request).to_arrow().equals(by_parameters)

    @pytest.mark.parametrize("request_text", ["REQUEST=getTargetNames", "REQUEST=queryData&FORMAT=METADATA"])
    def test_a_request_for_something_else_is_refused(self, request_text, mirror, stars) -> None:
        with pytest.raises(ParameterError, match="selects no spectra"):
            mirror.crossmatch(stars, request=request_text)

    def test_parameters_beside_a_request_are_refused(self, mirror, stars) -> None:
        with pytest.raises(ParameterError, match="snr"):
            mirror.crossmatch(stars, request="REQUEST=queryData&SNR=20/", snr=30)
