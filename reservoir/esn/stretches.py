"""Stretches of one series: by the plain loop, or side by side as lanes."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reservoir.esn.block import Block
from reservoir.esn.drives import Drives
from reservoir.esn.forgetting import otherwise_rounded, widen
from reservoir.esn.model import Position
from reservoir.esn.records import lane_weights, no_loop
from reservoir.esn.recurrence import drive_lanes, drive_series
from reservoir.kernels.weights import Weights

STEPS_A_BLOCK = 512  # of one stretch
BLOCK_VALUES = 1 << 20  # states of stretches side by side that are held at a time


@dataclass(frozen=True)
class Watch:
    """Twins that start a little off and round otherwise, and how far they may go."""

    twins: NDArray[Any]  # (n, N) their states; moved on
    near: float  # relative to the largest state of the step
    most: int  # twins that may go further; if more do, the rest is not run

    def is_over(self, widest: NDArray[np.float64]) -> bool:
        """Whether too many went too far."""
        return int((~(widest <= self.near)).sum()) > self.most


class Stretches:
    """Runs stretches of a series and hands on their states as blocks.

    Parameters
    ----------
    weights
        Of ``drive_series``.
    index
        Of the series.
    start
        Where the series starts.
    into
        Filled with the states (T, N) of the whole series, instead of blocks being handed on.
    """

    def __init__(
        self,
        weights: Weights,
        drives: Drives,
        index: int,
        start: Position,
        into: NDArray[Any] | None = None,
    ) -> None:
        self.weights = weights
        self.lanes = lane_weights(weights)
        self.drives = drives
        self.index = index
        self.start = start
        self.into = into

    @cached_property
    def _otherwise(self) -> Weights:
        return otherwise_rounded(self.lanes)

    def by_itself(
        self,
        begin: int,
        end: int,
        x: NDArray[Any],
        *,
        settled: bool = True,
        quiet: bool = False,
    ) -> Generator[Block, None, NDArray[Any]]:
        """Steps ``begin:end`` from the state ``x`` (N,) by the plain loop; returns the last state.

        ``settled``: of the blocks. ``quiet``: no blocks.
        """
        position = Position(x, self.start.u, self.start.y)
        for start in range(begin, end, STEPS_A_BLOCK):
            stop = min(start + STEPS_A_BLOCK, end)
            drive = self.drives.of([(self.index, start, stop)])
            states = None
            if self.into is not None:
                states = self.into[start:stop]
            elif not quiet:
                states = np.empty((stop - start, x.size), x.dtype)
            position = drive_series(self.weights, no_loop(x.dtype), drive, position, states=states)
            if self.into is None and states is not None:
                yield Block(self.index, np.array([start]), drive.inputs, states, settled)
        return position.x

    def warm_up(self, begins: NDArray[np.int64], steps: int, x: NDArray[Any]) -> None:
        """Move the states ``x`` (n, N) on over the ``steps`` steps before ``begins`` (n,)."""
        for done in range(0, steps, STEPS_A_BLOCK):
            count = np.full(len(x), min(STEPS_A_BLOCK, steps - done))
            self._run(self.lanes, begins - steps + done, count, x)

    def side_by_side(
        self,
        begins: NDArray[np.int64],
        lengths: NDArray[np.int64],
        x: NDArray[Any],
        watch: Watch | None,
    ) -> Generator[Block, None, NDArray[np.float64]]:
        """Stretches from the states ``x`` (n, N), which are moved on in place; lengths fall.

        Returns how far each twin went from its stretch, relative to the largest state of the step;
        0 without a watch.
        """
        widest = np.zeros(len(x))
        width = max(x.shape[1], self.weights.W_in.shape[0])
        steps = min(max(16, BLOCK_VALUES // (len(x) * width)), STEPS_A_BLOCK)
        for done in range(0, int(lengths[0]), steps):
            running = int((lengths > done).sum())
            count = np.minimum(lengths[:running] - done, steps)
            now = begins[:running] + done
            if self.into is not None and watch is None:
                self._run(self.lanes, now, count, x[:running], self.into, now)
                continue
            first = np.cumsum(count) - count
            states = np.empty((int(count.sum()), x.shape[1]), x.dtype)
            inputs = self._run(self.lanes, now, count, x[:running], states, first)
            if watch is not None:
                others = np.empty_like(states)
                self._run(self._otherwise, now, count, watch.twins[:running], others, first)
                for lanes, rows in _even(count):
                    widen(widest[lanes], states[rows], others[rows])
                if watch.is_over(widest):
                    break
            for lanes, rows in _even(count):
                block = Block(self.index, now[lanes], inputs[rows], states[rows], settled=False)
                if self.into is None:
                    yield block
                    continue
                for start, piece in block.pieces():
                    self.into[start : start + block.length] = block.states[piece]
        return widest

    def _run(
        self,
        weights: Weights,
        begins: NDArray[np.int64],
        count: NDArray[np.int64],
        x: NDArray[Any],
        states: NDArray[Any] | None = None,
        to: NDArray[np.int64] | None = None,
    ) -> NDArray[Any]:
        """Move lanes on over ``count`` steps from ``begins``; returns what drove them."""
        drive = self.drives.of(
            [(self.index, int(b), int(b + n)) for b, n in zip(begins, count, strict=True)]
        )
        first = np.cumsum(count) - count
        y = np.tile(self.start.y, (len(x), 1))
        loop = no_loop(x.dtype)
        drive_lanes(weights, loop, drive, first, count, x, y, states=states, to=to)
        return drive.inputs


def _even(count: NDArray[np.int64]) -> Iterator[tuple[slice, slice]]:
    """Lanes and rows of the stretches of equal length: all, or all but the last."""
    even = len(count) - int(count[-1] < count[0])
    rows = int(count[:even].sum())
    yield slice(0, even), slice(0, rows)
    if even < len(count):
        yield slice(even, None), slice(rows, None)
