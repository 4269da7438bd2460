"""What can be known of a mirror: facts, as text and as a notebook shows them."""

from __future__ import annotations

from html import escape
from typing import Any

from ssap_query.mirror.live_engine import LiveEngine

__all__ = ["DescribedMirror"]


class DescribedMirror:
    """The part of a mirror that says what it holds."""

    _live: LiveEngine

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
        rows = "".join(f"<tr><th>{escape(n)}</th><td>{escape(text)}</td></tr>" for n, text in lines.items() if text)
        made_up = " (SYNTHETIC rows)" if facts["synthetic"] else ""
        return f"<table><caption>{escape(facts['name'])}: {escape(facts['title'])}{made_up}</caption>{rows}</table>"


def _span(bounds: Any) -> str:
    return f"{bounds[0]:.6g} to {bounds[1]:.6g}" if bounds and None not in bounds else ""
