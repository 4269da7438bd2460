"""The errors of the package: one tree, each error one sentence a user can act on.

::

    MirrorError
     ├── ParameterError   (also ValueError)  bad input: parameter, value, reason       -> exit code 2
     ├── SourceError                         a service or file could not be read       -> exit code 1
     │    ├── TransportError                 the network or the server failed; worth another try
     │    ├── ServiceError                   the service answered, and its answer is an error
     │    └── FormatError                    bytes that are not what they claim to be
     ├── CatalogError                        a mirror that is missing, damaged or inconsistent
     ├── BusyError                           another process is writing the same mirror
     └── MissingPackageError (also ImportError)  what is asked for needs an extra that is not installed
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

__all__ = [
    "BusyError",
    "CatalogError",
    "FormatError",
    "MirrorError",
    "MissingPackageError",
    "ParameterError",
    "ServiceError",
    "SourceError",
    "TransportError",
    "needs_extra",
]

_SHOWN, _SHOWN_REASON = 120, 1000


class MirrorError(Exception):
    """Anything this package reports on purpose."""


class ParameterError(MirrorError, ValueError):
    """A value that a parameter cannot take.

    Parameters
    ----------
    name : str
        The parameter, spelled as in its standard (``POS``, ``radius_arcsec``).
    value : object
        What was given, as given.
    reason : str
        What is wrong with it: a clause that completes "NAME: 'value' ...", or one that begins with "expected".
    """

    def __init__(self, name: str, value: object, reason: str) -> None:
        self.name = name
        self.value = value
        self.reason = reason
        super().__init__(name, value, reason)

    def __str__(self) -> str:
        shown = repr(self.value)
        if len(shown) > _SHOWN:
            shown = f"{shown[:_SHOWN]}… ({len(shown):,} characters)"
        reason = self.reason
        if len(reason) > _SHOWN_REASON:  # it quotes a part of the value that is nearly all of it
            reason = f"{reason[:200]}… {reason[-200:]}"
        if reason.startswith("expected "):
            return f"{self.name}: {reason}, got {shown}"
        return f"{self.name}: {shown} {reason}"


class SourceError(MirrorError):
    """A service or a file could not be read."""


class TransportError(SourceError):
    """The network or the server failed in a way that another try may mend.

    Parameters
    ----------
    message : str
        One sentence: what was asked of whom, and what happened.
    retry_after_s : float, optional
        How long the server asks to be left alone [s] (RFC 9110 §10.2.3).
    """

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(message)


class ServiceError(SourceError):
    """The service answered, and the answer is an error (``QUERY_STATUS=ERROR``)."""


class FormatError(SourceError):
    """Bytes that are not what they claim to be: a damaged, truncated or hostile document."""


class CatalogError(MirrorError):
    """A mirror that is missing, damaged or inconsistent."""


class BusyError(MirrorError):
    """Another process is writing the same mirror."""


class MissingPackageError(MirrorError, ImportError):
    """What is asked for needs a package that comes with an extra, and the extra is not installed.

    Parameters
    ----------
    package : str
        Name of the package.
    extra : str
        The extra that has it.
    """

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(f"this needs {package}: pip install 'ssap-mirror[{extra}]'", name=package)


@contextmanager
def needs_extra(extra: str, package: str | None = None) -> Iterator[None]:
    """Say what to install where an import of an optional package fails.

    Parameters
    ----------
    extra : str
        The extra of this project that brings the package.
    package : str, optional
        The package; without it, one of the extra's own name.

    Raises
    ------
    MissingPackageError
        If what is imported within cannot be.
    """
    try:
        yield
    except ImportError as error:
        raise MissingPackageError(package or extra, extra) from error
