"""States of a reservoir along series, block by block: never all of them at once.

A long series is cut into chunks that run side by side (``chunks.py``); many series run as lanes, a
few short ones one after the other. Everything in a block depends on series and model alone, never
on the number of threads.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reservoir import threads
from reservoir.esn.block import Block, Verdict
from reservoir.esn.chunks import LONG, Chunks
from reservoir.esn.drives import Drives, Noise, Teacher
from reservoir.esn.model import Position, Reservoir
from reservoir.esn.records import kernel_weights, lane_weights, multiply_adds, no_loop
from reservoir.esn.recurrence import drive_lanes, origin
from reservoir.esn.stretches import BLOCK_VALUES, Stretches
from reservoir.kernels.weights import Weights
from reservoir.series.collection import Collection
from reservoir.series.scaler import Scaler

LANES_FROM = 4  # short series: fewer run one by one
WORTH_CUTTING = 1 << 28  # multiply-adds of a series, some 0.1 s of the plain loop
CHUNKS_UNTIL = 32  # series: more run as lanes even if they are long
LANES_A_GROUP = 128


class Harvest:
    """An iterable over the blocks of all series; ``ends`` then says where each series ended.

    Parameters
    ----------
    reservoir
    inputs
        The series that drive it.
    scaler
        Of the inputs.
    teacher
        For reservoirs with feedback.
    noise
        None for a noiseless run. With noise, series are never cut into chunks.
    starts
        Where each series starts; the zero state by default.
    time_parallel
        "auto": a long series is cut into chunks where that pays; "off": never.
    held
        Numbers a step that the caller keeps until a verdict.
    """

    def __init__(
        self,
        reservoir: Reservoir,
        inputs: Collection,
        scaler: Scaler,
        *,
        teacher: Teacher | None = None,
        noise: Noise | None = None,
        starts: list[Position] | None = None,
        time_parallel: str = "auto",
        held: int = 0,
    ) -> None:
        self._reservoir = reservoir
        self._inputs = inputs
        self._scaler = scaler
        self._teacher = teacher
        self._noise = noise
        zero = origin(reservoir, reservoir.W_fb.shape[1])
        self._starts = starts or [zero] * len(inputs.series)
        lengths = np.array(inputs.lengths, np.int64)
        may_cut = time_parallel == "auto" and noise is None and len(lengths) < CHUNKS_UNTIL
        worth = lengths * multiply_adds(reservoir) >= WORTH_CUTTING
        self._long = np.flatnonzero((lengths >= LONG) & worth & may_cut)
        self._held = max(held, reservoir.W_in.shape[1], 1)
        self._chunks: dict[int, Chunks] = {}
        self._weights = kernel_weights(reservoir)
        self.ends: list[Position] = list(self._starts)

    def __iter__(self) -> Iterator[Block | Verdict]:
        drives = self._drives()
        self.ends = list(self._starts)
        for index in self._long:
            yield from self._cut(int(index), drives)
        short = self._short()
        if len(short) < LANES_FROM:
            for index in short:
                yield from self._one(int(index), drives)
            return
        weights = lane_weights(self._weights)
        for begin in range(0, len(short), LANES_A_GROUP):
            yield from self._group(short[begin : begin + LANES_A_GROUP], weights, drives)

    def states(self) -> list[NDArray[Any]]:
        """All states (T, N) of each series.

        Lanes write them where they stay; series that run as lanes share the memory of their group.
        """
        units, dtype = self._reservoir.units, self._reservoir.dtype
        found = [np.empty((0, units), dtype)] * len(self._starts)
        drives, short = self._drives(), self._short()
        for index in self._long:
            found[index] = np.empty((self._inputs.lengths[index], units), dtype)
            stretches = self._stretches(int(index), drives, found[index])
            for _ in Chunks(stretches, len(found[index]), self._held):
                pass
        if len(short) < LANES_FROM:
            for index in short:
                found[index] = np.empty((self._inputs.lengths[index], units), dtype)
            for block in threads.ahead(self._ones(short, drives)):
                found[block.series][int(block.starts[0]) :][: block.length] = block.states
            return found
        weights = lane_weights(self._weights)
        for begin in range(0, len(short), LANES_A_GROUP):
            group = short[begin : begin + LANES_A_GROUP]
            count = np.array([self._inputs.lengths[i] for i in group])
            first = np.cumsum(count) - count
            drive = drives.of([(int(i), 0, int(n)) for i, n in zip(group, count, strict=True)])
            x = np.stack([self._starts[i].x for i in group])
            y = np.stack([self._starts[i].y for i in group])
            packed = np.empty((len(drive.inputs), units), dtype)
            drive_lanes(weights, no_loop(dtype), drive, first, count, x, y, states=packed)
            for index, start, n in zip(group, first, count, strict=True):
                found[index] = packed[start : start + n]
        return found

    def _drives(self) -> Drives:
        return Drives(
            self._reservoir, self._inputs, self._scaler, self._teacher, self._noise, self._starts
        )

    def _short(self) -> NDArray[np.int64]:
        """The series that are not cut, as lanes go: by falling length."""
        short = np.setdiff1d(np.arange(len(self._starts)), self._long)
        if len(short) < LANES_FROM:
            return short
        lengths = np.array([self._inputs.lengths[i] for i in short])
        return np.asarray(short[np.argsort(-lengths, kind="stable")])

    def _stretches(self, index: int, drives: Drives, into: NDArray[Any] | None = None) -> Stretches:
        return Stretches(self._weights, drives, index, self._starts[index], into)

    def _cut(self, index: int, drives: Drives) -> Iterator[Block | Verdict]:
        if index not in self._chunks:
            length = self._inputs.lengths[index]
            self._chunks[index] = Chunks(self._stretches(index, drives), length, self._held)
        chunks = self._chunks[index]
        yield from chunks
        self._end(index, drives, chunks.end)

    def _ones(self, short: NDArray[np.int64], drives: Drives) -> Iterator[Block]:
        for index in short:
            yield from self._one(int(index), drives)

    def _one(self, index: int, drives: Drives) -> Iterator[Block]:
        start, length = self._starts[index], self._inputs.lengths[index]
        x = yield from self._stretches(index, drives).by_itself(0, length, start.x)
        self._end(index, drives, x)

    def _end(self, index: int, drives: Drives, x: NDArray[Any]) -> None:
        """Note where a series ended."""
        start, length = self._starts[index], self._inputs.lengths[index]
        u = drives.inputs(index, length - 1, length)[0] if length else start.u
        self.ends[index] = Position(x, u, drives.last_target(index, start.y))

    def _group(self, order: NDArray[np.int64], weights: Weights, drives: Drives) -> Iterator[Block]:
        units, dtype = self._reservoir.units, self._reservoir.dtype
        lengths = np.array([self._inputs.lengths[i] for i in order])
        x = np.stack([self._starts[i].x for i in order])
        y = np.stack([self._starts[i].y for i in order])
        width = max(units, self._reservoir.W_in.shape[1])
        steps = max(16, BLOCK_VALUES // (len(order) * width))
        for start in range(0, int(lengths.max(initial=0)), steps):
            running = int((lengths > start).sum())
            count = np.minimum(lengths[:running] - start, steps)
            first = np.cumsum(count) - count
            pieces = [
                (int(i), start, start + int(n)) for i, n in zip(order[:running], count, strict=True)
            ]
            drive = drives.of(pieces)
            states = np.empty((len(drive.inputs), units), dtype)
            lanes = (first, count, x[:running], y[:running])
            drive_lanes(weights, no_loop(dtype), drive, *lanes, states=states)
            for lane in range(running):
                rows = slice(int(first[lane]), int(first[lane] + count[lane]))
                index, begin = int(order[lane]), np.array([start])
                yield Block(index, begin, drive.inputs[rows], states[rows])
        for lane, index in enumerate(order):
            self._end(int(index), drives, x[lane].copy())
