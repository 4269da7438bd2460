"""What goes to stderr, and the exit codes: the one place where an error becomes a sentence."""

from __future__ import annotations

import os
import signal
import sys
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from enum import IntEnum

from ssap_mirror.errors import MirrorError, ParameterError

from ssap_query.cli.interruption import parting_words, signal_received
from ssap_query.render import LossWarning
from ssap_query.sql.sql_error import SqlError

__all__ = ["DEBUG_VARIABLE", "ExitCode", "guarded", "note", "tell_warnings"]

# Parameter -> options that give it, where they are not of its name.
_OPTIONS = {
    "FORMAT": ("--mime", "--format"),
    "RESPONSEFORMAT": ("--responseformat", "--format"),
    "format": ("--format", "-o", "--output"),
    "output": ("--output", "-o"),
    "radius_arcsec": ("--radius",),
    "min_radius_arcsec": ("--min-radius",),
    "n_neighbors": ("--neighbors",),
    "left_positions.sigma_arcsec": ("--left-error",),
    "right_positions.sigma_arcsec": ("--error",),
    "left_columns": ("--columns",),
    "right_columns": ("--table-columns",),
    "other_columns": ("--table-columns",),
    "suffixes": ("--suffix",),
}

#: Set it to see the traceback of an error.
DEBUG_VARIABLE = "SSAP_MIRROR_DEBUG"


class ExitCode(IntEnum):
    """What a command ends with."""

    OK = 0
    """All that was asked for was done."""
    FAILURE = 1
    """Something outside the command's words was wrong: a server, a file, a disk."""
    BAD_INPUT = 2
    """The command's words were wrong."""
    INTERRUPTED = 130
    """Stopped by the user (128 + SIGINT)."""
    HUNG_UP = 129
    """Its terminal was closed (128 + SIGHUP)."""
    TERMINATED = 143
    """Told to end by another program (128 + SIGTERM)."""


def note(text: str) -> None:
    """Say something to the person, on stderr."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def tell_warnings() -> None:
    """From now on, say in a line what a format cannot hold; what libraries warn of is not for the user of a command."""
    if sys.warnoptions or os.environ.get(DEBUG_VARIABLE):
        return
    warnings.simplefilter("ignore")
    warnings.simplefilter("always", LossWarning)
    warnings.showwarning = lambda message, *_, **__: note(f"note: {message}")


def guarded(run: Callable[[], None], words: Sequence[str] = ()) -> ExitCode:
    """Run a command; say in one sentence what went wrong.

    Parameters
    ----------
    run : callable
        The command.
    words : sequence of str
        What was typed: an error about a parameter names the option by which it was given.

    Returns
    -------
    ExitCode
        What the process should end with.
    """
    try:
        _run(run)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader has what it wanted (head, less). Python would complain about stdout at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.OK
    except KeyboardInterrupt:
        return _ended()
    except ParameterError as error:
        error.name = _typed(error.name, words)
        return _told(error, ExitCode.BAD_INPUT)
    except MirrorError as error:
        return _told(error, ExitCode.FAILURE)
    except ImportError as error:
        return _told(error, ExitCode.FAILURE, f"this needs the package {error.name}, which is not installed")
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return _told(error, ExitCode.FAILURE, f"{where}{error.strerror or error}")
    except Exception as error:  # the last resort: still one sentence, and a way to the rest
        what = f"an error of ssap-mirror itself, {type(error).__name__}: {error}"
        return _told(error, ExitCode.FAILURE, f"{what} (set {DEBUG_VARIABLE}=1 to see where)")
    return ExitCode.OK


def _typed(name: str, words: Sequence[str]) -> str:
    """Give the option by which a parameter was given; its own name where there is none, as for one of --request."""
    given = {word.partition("=")[0] for word in words}
    # The parameters of a side's positions: right_positions.epoch is --epoch, left_positions.epoch is --left-epoch.
    plain = name.lower().replace("_positions.", "_").removeprefix("right_").replace("_", "-")
    return next((option for option in _OPTIONS.get(name, (f"--{plain}",)) if option in given), name)


def _run(run: Callable[[], None]) -> None:
    try:
        run()
    except Exception as error:
        if signal_received():  # DuckDB has an error of its own for it
            raise KeyboardInterrupt from error
        raise


def _ended() -> ExitCode:
    with suppress(OSError):  # the terminal may be gone
        note(parting_words())
    return ExitCode(128 + (signal_received() or signal.SIGINT))


def _told(error: BaseException, code: ExitCode, sentence: str | None = None) -> ExitCode:
    if os.environ.get(DEBUG_VARIABLE):
        raise error
    said = sentence or str(error)
    # DuckDB points at the place in the statement, in lines of its own.
    note(f"ssap-mirror: {said if isinstance(error, SqlError) else ' '.join(said.split())}")
    return code
