"""What can be matched with a mirror."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ssap_mirror.errors import ParameterError

from ssap_query.mirror.answer import ColumnNames, Request, provenance, read_request
from ssap_query.mirror.live_engine import LiveEngine
from ssap_query.ssap.python_values import one_request

if TYPE_CHECKING:
    from ssap_query.xmatch import Limits, Match, Positions
    from ssap_query.xmatch.join.rule import Find, JoinKind

__all__ = ["MatchingMirror"]

# What the option of `ssap-mirror xmatch` is called, and pyvo's parameter of a cone search [deg].
_RADIUS = "radius"


class MatchingMirror:
    """The part of a mirror that matches its spectra with other tables."""

    _live: LiveEngine

    def crossmatch(
        self,
        other: Any,
        radius_arcsec: float = 1.0,
        find: Find = "best",
        *,
        columns: ColumnNames = None,
        other_positions: Positions | None = None,
        other_columns: Sequence[str] | None = None,
        other_where: str | None = None,
        sigma: float | None = None,
        motions: bool = True,
        join: JoinKind = "inner",
        n_neighbors: int = 1,
        min_radius_arcsec: float = 0.0,
        best_by: str | None = None,
        row_numbers: bool = False,
        suffixes: tuple[str, str] = ("", "_2"),
        limits: Limits | None = None,
        request: Request | None = None,
        dialect: str | None = None,
        ignore_unanswerable: bool = False,
        **parameters: object,
    ) -> Match:
        """Match spectra with another table by the target's position, at the date of each spectrum.

        Parameters
        ----------
        other, radius_arcsec, find, other_positions, other_columns, other_where, sigma, motions, suffixes, limits
            As `ssap_query.crossmatch` has them: the spectra are its left table, `other` is its right one.
        join, n_neighbors, min_radius_arcsec, best_by, row_numbers
            As `ssap_query.crossmatch` has them: ``find="best-per-target", best_by="ssa_snr"`` gives the best spectrum
            of each row of the other table.
        columns : sequence of str, optional
            Columns of the spectra; without it, those of ``verb``.
        request, dialect, ignore_unanswerable
            As in `ssap`: a request that selects the spectra, and how it is read.
        **parameters : object
            What `search` takes, to match only some of the spectra (``snr=20``), in place of a request.

        Returns
        -------
        Match
            Nothing is computed before it is asked for.

        Raises
        ------
        ParameterError
            If an argument is not what it must be.
        SourceError
            If the other table cannot be read.
        CatalogError
            If the snapshot cannot be read.
        """
        from ssap_query.mirror.interfaces.selection import selected_table
        from ssap_query.xmatch import crossmatch

        if _RADIUS in parameters:
            raise ParameterError(_RADIUS, parameters[_RADIUS], "is called radius_arcsec in a match")
        asked = one_request(request, parameters)
        engine = self._live.engine
        parsed = read_request(engine.catalog.schema, asked, dialect, columns, ignore_unanswerable=ignore_unanswerable)
        left, left_positions = selected_table(engine, parsed)
        match = crossmatch(
            left, other, radius_arcsec, find, left_positions=left_positions, right_positions=other_positions,
            left_columns=parsed.columns.names, right_columns=other_columns, right_where=other_where, sigma=sigma,
            motions=motions, join=join, n_neighbors=n_neighbors, min_radius_arcsec=min_radius_arcsec, best_by=best_by,
            row_numbers=row_numbers, suffixes=suffixes, limits=limits,
        )  # fmt: skip
        return match.of(provenance(engine.catalog), parsed.query.notes)
