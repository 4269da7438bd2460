"""The two files of a release: built as a user's tools build them, and read."""

from __future__ import annotations

import email
import subprocess
import tarfile
import zipfile
from dataclasses import dataclass
from email.message import Message
from pathlib import Path

__all__ = ["ROOT", "Artefact", "build"]

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Artefact:
    """A wheel or an sdist."""

    path: Path
    """The file."""
    members: frozenset[str]
    """Files within, by their paths there; of an sdist below its one folder."""
    metadata: Message
    """What it says of itself (core metadata: METADATA, PKG-INFO)."""


def build(folder: Path, source: Path = ROOT) -> tuple[Artefact, Artefact]:
    """Build the sdist, and out of it the wheel.

    Parameters
    ----------
    folder : pathlib.Path
        Where the two go.
    source : pathlib.Path
        The checkout.

    Returns
    -------
    tuple of Artefact
        The sdist and the wheel.
    """
    subprocess.run(["uv", "build", "--quiet", "--out-dir", folder, source], check=True)
    return _sdist(next(folder.glob("*.tar.gz"))), _wheel(next(folder.glob("*.whl")))


def _sdist(path: Path) -> Artefact:
    top = path.name.removesuffix(".tar.gz")
    with tarfile.open(path) as archive:
        members = {member.name.removeprefix(f"{top}/") for member in archive if not member.isdir()}
        inside = archive.extractfile(f"{top}/PKG-INFO")
        said = b"" if inside is None else inside.read()
    return Artefact(path, frozenset(members), email.message_from_bytes(said))


def _wheel(path: Path) -> Artefact:
    name, version = path.name.split("-")[:2]
    with zipfile.ZipFile(path) as archive:
        members = {member for member in archive.namelist() if not member.endswith("/")}
        said = archive.read(f"{name}-{version}.dist-info/METADATA")
    return Artefact(path, frozenset(members), email.message_from_bytes(said))
