"""A list of positions that is typed: a file, or ``-`` for CSV on stdin."""

from __future__ import annotations

import shutil
import sys
import tempfile
from typing import TYPE_CHECKING

from ssap_mirror.errors import ParameterError

if TYPE_CHECKING:
    from ssap_query.mirror.interfaces.cones import ConeList

__all__ = ["cones_of"]

_CONES = "--cones"


def cones_of(name: str, frame: str | None) -> ConeList:
    """Read a list of positions.

    Parameters
    ----------
    name : str
        A file of any format that `ssap_mirror.tables` reads; ``-`` is CSV on stdin.
    frame : str or None
        Frame of the positions; None: as the file says.

    Raises
    ------
    ParameterError
        If it has no positions.
    SourceError, FormatError
        If it cannot be read.
    """
    from ssap_mirror.core.quantities.positions import Positions

    from ssap_query.mirror.interfaces.cones import read_cones

    positions = Positions(frame=frame)
    if name != "-":
        return read_cones(name, positions)
    if sys.stdin.isatty():
        raise ParameterError(_CONES, name, "is a table on stdin, and stdin is this terminal; pipe one into it")
    # Its reader looks at it more than once.
    with tempfile.NamedTemporaryFile(suffix=".csv") as file:
        shutil.copyfileobj(sys.stdin.buffer, file)
        file.flush()
        return read_cones(file.name, positions)
