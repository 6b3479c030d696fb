"""A tile's steps cut into windows: as many as fit a buffer, and as are remembered together."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from reservoir.kernels.readout import Runs
from reservoir.kernels.steps import Steps
from reservoir.rnn.tile import Indices, Tile, runs_of


class Window(NamedTuple):
    """Some neighbouring steps of a tile, with rows counted from their own beginning."""

    steps: Steps
    rows: slice  # in the tile's packed rows
    states: slice  # in the tile's arrays of states
    running: int  # lanes at the first step
    ends: Indices  # (running,) where, in the window's states, each lane stops or goes on from
    runs: Runs  # scored rows; outputs counted over the whole tile

    @property
    def size(self) -> int:
        """Number of rows."""
        return int(self.rows.stop - self.rows.start)

    def within(self, outer: Window) -> Window:
        """The same steps, in the rows and states of a longer window."""
        rows, states = outer.rows.start, outer.states.start
        return self._replace(
            rows=slice(self.rows.start - rows, self.rows.stop - rows),
            states=slice(self.states.start - states, self.states.stop - states),
        )


def window(tile: Tile, start: int, stop: int) -> Window:
    """Steps ``start:stop`` of a tile."""
    first, count, lanes = tile.steps
    begin = int(first[start])
    end = int(first[stop - 1] + count[stop - 1])
    before = int(count[start - 1]) if start > 0 else lanes
    running = int(count[start])
    own = Steps(first[start:stop] - begin, count[start:stop].copy(), before)
    last = np.minimum(tile.lengths[:running], stop) - 1 - start  # last step of each lane here
    ends = before + own.first[last] + np.arange(running)
    where = np.searchsorted(tile.scored.rows, [begin, end])
    runs = runs_of(tile.scored.rows[where[0] : where[1]] - begin, own)
    runs = runs._replace(out=runs.out + where[0])
    states_begin = lanes + int(first[start - 1]) if start > 0 else 0
    return Window(
        own, slice(begin, end), slice(states_begin, lanes + end), running, ends, runs
    )  # fmt: skip


def cut_steps(tile: Tile, start: int, stop: int, rows: int) -> list[Window]:
    """Windows of about ``rows`` rows, at least one step each, that cover steps ``start:stop``."""
    windows = []
    while start < stop:
        limit = int(tile.steps.first[start]) + rows
        ends = tile.steps.first[start:stop] + tile.steps.count[start:stop]
        end = start + max(1, int(np.searchsorted(ends, limit, side="right")))
        windows.append(window(tile, start, end))
        start = end
    return windows
