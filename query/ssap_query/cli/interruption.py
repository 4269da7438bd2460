"""A command ends within a second when it is told to, whatever it is doing: Ctrl-C, SIGTERM, a terminal that closes.

Python runs the handler of a signal between two of its own steps, which a library's long computation keeps it from.
So a thread of its own is told of each signal by the system, and ends the process if that has not ended by itself.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from ssap_mirror.core.storage import discard_scratch

__all__ = ["advising", "be_patient", "parting_words", "signal_received", "watch"]

_GRACE_S = 0.7
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_advice = ""
_is_patient = False
_told = False
_received = 0


def watch() -> None:
    """Listen for signals from now on; in the main thread, once."""
    heard, spoken = socket.socketpair()
    spoken.setblocking(False)
    signal.set_wakeup_fd(spoken.fileno(), warn_on_full_buffer=False)
    for number in _SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # as a shell has it in the background, and nohup
            signal.signal(number, _raise)
    # The thread holds both ends: they are closed with the process.
    threading.Thread(target=_listen, args=(heard, spoken), daemon=True, name="signals").start()


def be_patient() -> None:
    """Leave it to the command to end when it is told to, in its own time: a server sends what is under way."""
    global _is_patient
    _is_patient = True


@contextmanager
def advising(text: str) -> Iterator[None]:
    """Say more than that it was interrupted, of what runs in this context."""
    global _advice
    _advice = text
    yield
    _advice = ""  # not where it is interrupted: then it is said


def parting_words() -> str:
    """Give what is said of an interruption; nothing the second time."""
    global _told
    if _told:
        return ""
    _told = True
    return f"interrupted; {_advice}" if _advice else "interrupted"


def signal_received() -> int:
    """Give the number of the signal that told the process to end; 0 without one.

    What a library makes of the exception that a signal's handler raises may be another one.
    """
    return _received


def _raise(number: int, frame: FrameType | None) -> None:
    global _received
    _received = number
    raise KeyboardInterrupt


def _listen(heard: socket.socket, spoken: socket.socket) -> None:
    while received := heard.recv(1):
        if received[0] in _SIGNALS and not _is_patient:
            time.sleep(_GRACE_S)
            discard_scratch()
            if words := parting_words():
                os.write(sys.__stderr__.fileno() if sys.__stderr__ else 2, f"{words}\n".encode())
            os._exit(128 + received[0])
