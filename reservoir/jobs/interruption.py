"""Signals that ask a run to end.

A step of a second-order optimizer can take half a minute, so the flag is looked at before each
tile of sequences (`reservoir.threads.looking`): what is raised there leaves `hfopt.minimize` as if
the step had not begun, and the step is done again later.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)


class Interrupted(Exception):
    """A signal asked the run to end; the message is its name."""


class Flag:
    """Which signal has come, if any."""

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None

    def check(self) -> None:
        """Raise `Interrupted` if a signal has come."""
        if self.signal is not None:
            raise Interrupted(self.signal.name)

    def handle(self, number: int, frame: FrameType | None) -> None:
        """Remember a signal; a second SIGINT does not wait."""
        if number == signal.SIGINT and self.signal is signal.SIGINT:
            raise KeyboardInterrupt
        self.signal = signal.Signals(number)


@contextmanager
def watching() -> Iterator[Flag]:
    """Let SIGTERM, SIGUSR1 and SIGINT set a flag for the time of the block.

    Python delivers signals to the main thread alone; in any other the flag is never set.
    """
    flag = Flag()
    if threading.current_thread() is not threading.main_thread():
        yield flag
        return
    before = {number: signal.signal(number, flag.handle) for number in SIGNALS}
    try:
        yield flag
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
