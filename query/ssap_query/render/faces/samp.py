"""Results and spectra to the other programs on this desktop, by SAMP: TOPCAT, Aladin, SPLAT."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ssap_mirror.errors import MirrorError, needs_extra

from ssap_query.render.formats import write
from ssap_query.render.renderable import Renderable

__all__ = ["library", "send_file", "send_spectrum", "send_table"]

_TABLE, _SPECTRUM = "table.load.votable", "spectrum.load.ssa-generic"
# A program reads the file before it replies; TOPCAT takes a million rows in some seconds.
_PATIENCE_S = 60


def library() -> Any:
    """Give the module that speaks SAMP: pyvo's, which was astropy's until its version 8.

    Raises
    ------
    MissingPackageError
        If pyvo is not installed, and astropy has none.
    """
    try:
        from pyvo import samp
    except ImportError:
        with needs_extra("pyvo"):
            from astropy import samp
    return samp


@contextmanager
def _hub() -> Iterator[Any]:
    samp = library()
    client = samp.SAMPIntegratedClient(name="ssap-mirror", description="Mirror of a spectra service", addr="localhost")
    try:
        client.connect()
    except samp.SAMPHubError as error:
        message = "no SAMP hub is running; start TOPCAT or Aladin, which bring one"
        raise MirrorError(message) from error
    try:
        yield client
    finally:
        client.disconnect()


def send_table(result: Renderable, name: str, client_name: str | None = None) -> tuple[str, ...]:
    """Send the rows of a result as a VOTable.

    Parameters
    ----------
    result : Renderable
        What to send.
    name : str
        What the programs shall call it.
    client_name : str, optional
        Only to the program of this name.

    Returns
    -------
    tuple of str
        Names of the programs that have loaded it.

    Raises
    ------
    MirrorError
        If there is no hub, no program that takes it, or one that could not load it.
    """
    with tempfile.TemporaryDirectory(prefix="ssap-samp-") as folder:
        path = Path(folder) / "result.vot"
        write(result, path, "binary2")
        return send_file(path, _TABLE, name, client_name)


def send_file(path: Path, message_type: str, name: str, client_name: str | None = None) -> tuple[str, ...]:
    """Send a file, and wait until it has been read.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    message_type : str
        SAMP's name for what it is: ``table.load.votable``, ``coverage.load.moc.fits``.
    name, client_name
        As for `send_table`.

    Returns
    -------
    tuple of str
        Names of the programs that have loaded it.

    Raises
    ------
    MirrorError
        If there is no hub, no program that takes it, or one that could not load it.
    """
    message = _message(message_type, path.resolve().as_uri(), name)
    with _hub() as client:
        known = _receivers(client, message_type, client_name)
        for program, called in known.items():
            try:
                reply = client.call_and_wait(program, message, str(_PATIENCE_S))
            except library().SAMPProxyError as error:
                said = f"{called} did not load {name} within {_PATIENCE_S} s: {error.faultString}"
                raise MirrorError(said) from error
            if reply["samp.status"] != "samp.ok":
                reason = reply.get("samp.error", {}).get("samp.errortxt", "it did not say why")
                said = f"{called} could not load {name}: {reason}"
                raise MirrorError(said)
    return tuple(known.values())


def send_spectrum(
    address: str, name: str, media_type: str | None = None, client_name: str | None = None
) -> tuple[str, ...]:  # fmt: skip
    """Send the address of a spectrum, which the programs fetch for themselves.

    Parameters
    ----------
    address : str
        Where the file is.
    name, client_name
        As for `send_table`.
    media_type : str, optional
        What kind of file it is: programs go by that before they look into it.

    Returns
    -------
    tuple of str
        Names of the programs that were told.

    Raises
    ------
    MirrorError
        If there is no hub, or no program that takes it.
    """
    message = _message(_SPECTRUM, address, name)
    # By utypes of SSA, as programs look them up.
    message["samp.params"]["meta"] = {"Access.Reference": address} | (
        {"Access.Format": media_type} if media_type else {}
    )
    with _hub() as client:
        known = _receivers(client, _SPECTRUM, client_name)
        for program in known:
            client.notify(program, message)
    return tuple(known.values())


def _message(message_type: str, address: str, name: str) -> dict[str, Any]:
    return {"samp.mtype": message_type, "samp.params": {"url": address, "name": name}}


def _receivers(client: Any, message_type: str, client_name: str | None) -> dict[str, str]:
    """Programs that take messages of a type: SAMP identifier -> name."""
    found = {
        program: str(client.get_metadata(program).get("samp.name", program))
        for program in client.get_subscribed_clients(message_type)
    }
    if client_name is not None:
        found = {program: called for program, called in found.items() if called == client_name}
    if not found:
        who = "no program" if client_name is None else f"no program {client_name!r}"
        said = f"{who} on the SAMP hub takes {message_type}"
        raise MirrorError(said)
    return found
