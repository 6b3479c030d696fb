"""How long a run takes, over all the processes that worked on it."""

from __future__ import annotations

import time

from reservoir.checkpoint import History

COLUMNS = ("seconds", "processor_seconds")


class Clock:
    """Times since a run began; those of interrupted steps are not in it.

    Parameters
    ----------
    history : History
        The steps so far.

    Notes
    -----
    ``seconds`` is time on the wall. ``processor_seconds`` is that of all threads together: over the
    number of processors, what the run would have taken if nothing else had run on the machine.
    """

    def __init__(self, history: History) -> None:
        self._before = [float(history[name][-1]) if len(history) else 0.0 for name in COLUMNS]
        self._began = _now()

    def times(self) -> dict[str, float]:
        """The two columns of a step of the history."""
        spent = zip(COLUMNS, self._before, _now(), self._began, strict=True)
        return {name: before + now - began for name, before, now, began in spent}


def _now() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()
