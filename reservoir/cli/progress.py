"""A progress bar on a terminal, told by the series themselves as they are read."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import click

from reservoir.cli.data import Spans
from reservoir.cli.log import log

_SECONDS = 0.2  # between two updates


@contextmanager
def progress(series: Spans, label: str, passes: int = 1) -> Iterator[Spans]:
    """Yield the series; while they are read, a bar on standard error shows the steps done.

    Without a terminal there is no bar, and the series are yielded as they are.

    Parameters
    ----------
    label
        What is being done.
    passes
        How many times all of the series will be read.
    """
    if not log.lively:
        yield series
        return
    total = passes * sum(series.lengths)
    with click.progressbar(length=total, label=label, file=sys.stderr, show_pos=True) as bar:
        waiting, last = 0, time.monotonic()

        def advance(rows: int) -> None:
            nonlocal waiting, last
            waiting += rows
            if time.monotonic() - last > _SECONDS:
                bar.update(waiting)
                waiting, last = 0, time.monotonic()

        yield series.telling(advance, passes)
        bar.update(waiting)
