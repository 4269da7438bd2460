"""What can be known of a mirror: facts, as text and as a notebook shows them."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from ssap_mirror.core.schema import Column, Schema

from ssap_query.engine.compile import summary_statement
from ssap_query.engine.rows import InMemoryRows
from ssap_query.mirror.answer import provenance
from ssap_query.mirror.answerable import answerable
from ssap_query.mirror.interfaces.sql import SqlMirror
from ssap_query.mirror.result import ResultSet

if TYPE_CHECKING:
    from ssap_query.render.faces.moc import Moc

__all__ = ["DescribedMirror"]

_LEFT = ' style="text-align: left"'

# What is told of a column; the first ones are those that a terminal has room for.
_COLUMNS = Schema(
    (
        Column("name", "char", "*", verbosity=1, description="Name of the column"),
        Column("unit", "char", "*", verbosity=1, description="VOUnits string"),
        Column("verb", "int", verbosity=1, description="Least VERB that shows it; 4 is none"),
        Column("missing", "double", verbosity=1, description="Share of the rows without a value (NULL or NaN)"),
        Column("least", "char", "*", verbosity=3, description="Least value"),
        Column("largest", "char", "*", verbosity=3, description="Largest value"),
        Column("tested_by", "char", "*", verbosity=2, description="Parameters of SSAP that are compared with it"),
        Column("ucd", "char", "*", verbosity=4, description="UCD1+ words"),
        Column("datatype", "char", "*", verbosity=5, description="VOTable datatype"),
        Column("description", "char", "*", verbosity=1, description="What the values are"),
    )
)


class DescribedMirror(SqlMirror):
    """The part of a mirror that says what it holds."""

    def columns(self) -> ResultSet:
        """Describe the columns: units, UCDs, what is missing, the least and the largest value, who compares them.

        Returns
        -------
        ResultSet
            A row for each column, in the service's order.

        Raises
        ------
        CatalogError
            If the snapshot cannot be read.
        """
        import pyarrow as pa

        catalog = self._live.engine.catalog
        shown = [column for column in catalog.schema if not column.is_hidden]
        ordered = [column.name for column in shown if not column.shape]
        found = self.sql(summary_statement([column.name for column in shown], ordered)).to_arrow().to_pylist()[0]
        tests: dict[str, list[str]] = {}
        for one in answerable(catalog.schema):
            for name in one.columns:
                tests.setdefault(name, []).append(one.parameter)
        rows = [
            {
                "name": column.name,
                "unit": column.unit,
                "verb": min(-(-column.verbosity // 10), 4),
                "missing": round(1 - found[f"count_{number}"] / catalog.rows, 6) if catalog.rows else None,
                "least": found.get(f"least_{number}"),
                "largest": found.get(f"largest_{number}"),
                "tested_by": ", ".join(tests.get(column.name, ())) or None,
                "ucd": column.ucd,
                "datatype": column.datatype + (f"[{column.arraysize}]" if column.arraysize else ""),
                "description": column.description,
            }
            for number, column in enumerate(shown)
        ]
        table = pa.Table.from_pylist(rows, schema=_COLUMNS.arrow_schema())
        return ResultSet(_COLUMNS, InMemoryRows(table), infos=provenance(catalog))

    def position_of(self, target: str) -> tuple[float, float]:
        """Give where a target is, as the mirror has it: ``mirror.search(pos=mirror.position_of("KIC 8352439"))``.

        Parameters
        ----------
        target : str
            Its name; case and blanks do not count.

        Returns
        -------
        tuple of float
            Right ascension and declination, ICRS [deg].

        Raises
        ------
        ParameterError
            If the mirror has no such target, has it at several places, or has no names or positions of targets.
        CatalogError
            If the snapshot cannot be read.
        """
        from ssap_query.mirror.interfaces.targets import position_of

        return position_of(self._live.engine, target)

    def moc(self, order: int = 7) -> Moc:
        """Give the part of the sky that has rows, as a Multi-Order Coverage map: ``mirror.moc().write("moc.fits")``.

        Parameters
        ----------
        order : int
            HEALPix order of its cells, 0 to 29; those of order 7 are half a degree wide. A cell is in it if a row's
            target is in the cell.

        Raises
        ------
        ParameterError
            If it is not an order.
        CatalogError
            If the snapshot cannot be read.
        """
        from ssap_query.mirror.interfaces.coverage import coverage

        return coverage(self.sql, self._live.engine.catalog.name, order)

    def info(self) -> dict[str, Any]:
        """Facts about the mirror: what it holds, where it came from, how large it is.

        Returns
        -------
        dict
            Plain values by the names of `ssap_query.mirror.info.facts_of`.
        """
        from ssap_query.mirror.info import facts_of

        return facts_of(self._live.engine.catalog)

    def __repr__(self) -> str:
        catalog = self._live.engine.catalog
        made_up = ", SYNTHETIC" if catalog.synthetic else ""
        return f"<Mirror {catalog.name!r}: {catalog.rows:,} rows, snapshot {catalog.path.name}{made_up}>"

    def _repr_html_(self) -> str:
        facts = self.info()
        coverage, harvest = facts["coverage"], facts["harvest"]
        lines = {
            "rows": f"{facts['rows']:,}, {facts['unplaced_rows']:,} of them without coordinates",
            "columns": f"{facts['columns']:,}",
            "RA [deg]": _span(coverage.get("ra")),
            "Dec [deg]": _span(coverage.get("dec")),
            "time [MJD]": _span(coverage.get("t")),
            "wavelength [m]": _span(coverage.get("em")),
            "size": f"{facts['bytes'] / 1e6:,.1f} MB",
            "built": f"{facts['created']}",
            "harvest": f"{harvest.get('status', '')}",
            "snapshot": facts["path"],
        }
        rows = "".join(
            f"<tr><th{_LEFT}>{escape(n)}</th><td{_LEFT}>{escape(text)}</td></tr>" for n, text in lines.items() if text
        )
        made_up = "; SYNTHETIC: these rows are made up" if facts["synthetic"] else ""
        return f"<p><b>{escape(facts['name'])}</b>: {escape(facts['title'])}{made_up}</p><table>{rows}</table>"


def _span(bounds: Any) -> str:
    return f"{bounds[0]:.6g} to {bounds[1]:.6g}" if bounds and None not in bounds else ""
