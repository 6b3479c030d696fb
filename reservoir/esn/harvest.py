"""States of a reservoir along series, block by block: never all of them at once.

A few series run one after the other; many run as lanes. Blocks are cut at absolute steps, and
everything in them depends on series and model alone, never on the number of threads.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reservoir import threads
from reservoir.esn.model import Position, Reservoir
from reservoir.esn.recurrence import (
    Drive,
    drive_lanes,
    drive_series,
    kernel_weights,
    no_loop,
    origin,
)
from reservoir.kernels.weights import Loop
from reservoir.series.collection import Collection
from reservoir.series.scaler import Scaler

STEPS_A_BLOCK = 512  # of one series
LANES_FROM = 4  # series: fewer run one by one
LANES_A_GROUP = 128
BLOCK_VALUES = 1 << 22  # states of a group of lanes that are held at a time


@dataclass(frozen=True)
class Block:
    """Consecutive steps of one series."""

    series: int
    start: int  # step of the first row
    inputs: NDArray[Any]  # (n, K) scaled
    states: NDArray[Any]  # (n, N)


@dataclass(frozen=True)
class Teacher:
    """Targets of the step before, forced on the feedback weights."""

    targets: Collection
    scaler: Scaler


@dataclass(frozen=True)
class Noise:
    """Gaussian noise inside the activation, of one stream a series."""

    level: float
    entropy: int
    offset: int = 0  # number of the first series, so that later calls draw afresh


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
        None for a noiseless run.
    starts
        Where each series starts; the zero state by default.
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
    ) -> None:
        self._reservoir = reservoir
        self._inputs = inputs
        self._scaler = scaler
        self._teacher = teacher
        self._noise = noise
        self._targets = reservoir.W_fb.shape[1]
        zero = origin(reservoir, self._targets)
        self._starts = starts or [zero] * len(inputs.series)
        self.ends: list[Position] = list(self._starts)

    def __iter__(self) -> Iterator[Block]:
        weights = kernel_weights(self._reservoir)
        loop = no_loop(self._reservoir.dtype)
        streams = [self._stream(i) for i in range(len(self._starts))]
        self.ends = list(self._starts)
        if len(self._starts) < LANES_FROM:
            for index in range(len(self._starts)):
                yield from self._one(index, weights, loop, streams[index])
            return
        lengths = np.array(self._inputs.lengths)
        order = np.argsort(-lengths, kind="stable")
        for begin in range(0, len(order), LANES_A_GROUP):
            yield from self._group(order[begin : begin + LANES_A_GROUP], weights, loop, streams)

    def states(self) -> list[NDArray[Any]]:
        """All states (T, N) of each series.

        Lanes write them where they stay and share the memory of their group. A single series is
        copied block by block: the first touch of new memory costs more than the copy, and so it
        is left to a second thread.
        """
        units, dtype = self._reservoir.units, self._reservoir.dtype
        lengths = np.array(self._inputs.lengths, np.int64)
        if len(lengths) < LANES_FROM:
            found = [np.empty((length, units), dtype) for length in lengths]
            for block in threads.ahead(self):
                rows = slice(block.start, block.start + len(block.states))
                found[block.series][rows] = block.states
            return found
        weights = kernel_weights(self._reservoir)
        loop = no_loop(self._reservoir.dtype)
        streams = [self._stream(i) for i in range(len(lengths))]
        found = [np.empty((0, units), dtype)] * len(lengths)
        order = np.argsort(-lengths, kind="stable")
        for begin in range(0, len(order), LANES_A_GROUP):
            group = order[begin : begin + LANES_A_GROUP]
            count = lengths[group]
            first = np.concatenate([[0], np.cumsum(count)[:-1]])
            drive = self._drive(
                [(int(i), 0, int(lengths[i])) for i in group], [streams[i] for i in group]
            )
            x = np.stack([self._starts[i].x for i in group])
            y = np.stack([self._starts[i].y for i in group])
            packed = np.empty((len(drive.inputs), units), dtype)
            drive_lanes(weights, loop, drive, first, count, x, y, states=packed)
            for index, start, n in zip(group, first, count, strict=True):
                found[index] = packed[start : start + n]
        return found

    def _stream(self, index: int) -> np.random.Generator | None:
        if self._noise is None:
            return None
        return np.random.default_rng([self._noise.entropy, self._noise.offset + index])

    def _drive(
        self, pieces: list[tuple[int, int, int]], streams: list[np.random.Generator | None]
    ) -> Drive:
        """What drives steps ``start:stop`` of some series, packed."""
        dtype, units = self._reservoir.dtype, self._reservoir.units
        inputs = self._scaler.scaled(self._inputs.read_packed(pieces), dtype)
        teacher = np.empty((0, self._targets), dtype)
        if self._teacher is not None:
            teacher = np.concatenate([self._forced(*piece) for piece in pieces])
        noise = np.empty((0, units), dtype)
        if self._noise is not None:
            drawn = [
                stream.standard_normal((stop - start, units), dtype)
                for (_, start, stop), stream in zip(pieces, streams, strict=True)
                if stream is not None
            ]
            noise = np.concatenate(drawn) * dtype.type(self._noise.level)
        return Drive(inputs, teacher, noise)

    def _forced(self, index: int, start: int, stop: int) -> NDArray[Any]:
        """Scaled targets one step back; before the first one, where the series starts."""
        assert self._teacher is not None
        targets, scaler = self._teacher.targets, self._teacher.scaler
        raw = targets.read(index, max(start - 1, 0), max(stop - 1, 0))
        scaled = scaler.scaled(raw, self._reservoir.dtype)
        return scaled if start > 0 else np.concatenate([self._starts[index].y[None], scaled])

    def _last_target(self, index: int, length: int, otherwise: NDArray[Any]) -> NDArray[Any]:
        if self._teacher is None or length == 0:
            return otherwise
        raw = self._teacher.targets.read(index, length - 1, length)
        return np.asarray(self._teacher.scaler.scaled(raw, self._reservoir.dtype)[0])

    def _one(
        self,
        index: int,
        weights: Any,
        loop: Loop,
        stream: np.random.Generator | None,
    ) -> Iterator[Block]:
        position = self._starts[index]
        length = self._inputs.lengths[index]
        for start in range(0, length, STEPS_A_BLOCK):
            stop = min(start + STEPS_A_BLOCK, length)
            drive = self._drive([(index, start, stop)], [stream])
            states = np.empty((stop - start, self._reservoir.units), self._reservoir.dtype)
            position = drive_series(weights, loop, drive, position, states=states)
            yield Block(index, start, drive.inputs, states)
        y = self._last_target(index, length, position.y)
        self.ends[index] = Position(position.x, position.u, y)

    def _group(
        self,
        order: NDArray[np.int64],
        weights: Any,
        loop: Loop,
        streams: list[np.random.Generator | None],
    ) -> Iterator[Block]:
        units = self._reservoir.units
        lengths = np.array([self._inputs.lengths[i] for i in order])
        x = np.stack([self._starts[i].x for i in order])
        u = np.stack([self._starts[i].u for i in order])
        y = np.stack([self._starts[i].y for i in order])
        steps = max(16, BLOCK_VALUES // (len(order) * units))
        for start in range(0, int(lengths.max(initial=0)), steps):
            running = int((lengths > start).sum())
            count = np.minimum(lengths[:running] - start, steps)
            first = np.concatenate([[0], np.cumsum(count)[:-1]])
            pieces = [
                (int(i), start, start + int(n)) for i, n in zip(order[:running], count, strict=True)
            ]
            drive = self._drive(pieces, [streams[i] for i in order[:running]])
            states = np.empty((len(drive.inputs), units), self._reservoir.dtype)
            drive_lanes(weights, loop, drive, first, count, x[:running], y[:running], states=states)
            u[:running] = drive.inputs[first + count - 1]
            for lane in range(running):
                rows = slice(int(first[lane]), int(first[lane] + count[lane]))
                yield Block(int(order[lane]), start, drive.inputs[rows], states[rows])
        for lane, index in enumerate(order):
            end = self._last_target(int(index), int(lengths[lane]), y[lane])
            self.ends[index] = Position(x[lane].copy(), u[lane].copy(), end)
