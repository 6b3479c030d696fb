"""A tile: the sequences of a batch that go through time together, as packed rows."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from reservoir.kernels.feed import Feed
from reservoir.kernels.readout import Runs
from reservoir.kernels.steps import Steps
from reservoir.rnn.padded import Array

Indices = NDArray[np.int64]
Flags = NDArray[np.bool_]

LANES = 32  # sequences of a tile: enough to use a matrix often while it is in cache
GROUP = 8  # rows that a product takes at once
SPLIT_FROM = 16  # sequences that are worth two tiles
SPLIT_WORK = 4e7  # operations of a gradient below which a second thread costs what it saves


def cut(count: int, work: float = math.inf) -> list[int]:
    """Sizes of the tiles of ``count`` sequences: never a function of threads.

    Their number is even, so that two threads end together, unless the ``work`` is too little for
    two. Two are equal; more are of whole groups but for the last one.
    """
    tiles = -(-count // LANES)
    tiles += tiles % 2 if count >= SPLIT_FROM and work >= SPLIT_WORK else 0
    if tiles <= 2:
        return [count // tiles + (i < count % tiles) for i in range(tiles)]
    groups = -(-count // GROUP)
    sizes = [GROUP * (groups // tiles + (i < groups % tiles)) for i in range(tiles)]
    sizes[-1] -= GROUP * groups - count
    return sizes


class Scored(NamedTuple):
    """The steps of a tile that have a target, in the order of the rows."""

    rows: Indices  # (n,) in the packed rows
    place: Indices  # (n,) among the scored steps of the batch, sequence by sequence
    targets: Array  # (n, M), or (n,) labels
    weights: Array  # (n,) float64, above 0
    runs: Runs  # the rows as runs


class TileFeed(NamedTuple):
    """Where the sequences of a tile take their own outputs as inputs."""

    record: Feed
    own: Flags  # (rows,)
    steps: Flags  # (T,) whether any sequence does
    held: bool  # whether derivatives leave what is fed constant
    driven: bool  # whether a kernel takes all steps of a window, as `driven` says


def tile_feed(record: Feed, own: Flags, steps: Steps, held: bool, driven: bool) -> TileFeed | None:
    """The feedback of packed rows; None if all inputs are as given."""
    if not own.any():
        return None
    return TileFeed(record, own, np.logical_or.reduceat(own, steps.first), held, driven)


class Tile(NamedTuple):
    """Sequences sorted by falling length; rows as in `kernels.steps.Steps`."""

    order: Indices  # (lanes,) which sequence of the batch each lane is
    lengths: Indices  # (lanes,) falls
    steps: Steps
    x: Array  # (rows, pitch of K)
    state: tuple[tuple[Array, ...], ...] | None  # a layer, a part: (lanes, N)
    scored: Scored
    feed: TileFeed | None = None  # None: all inputs are as given

    @property
    def rows(self) -> int:
        """Number of packed rows."""
        return int(self.lengths.sum())


def packed_steps(lengths: Indices) -> Steps:
    """Where the rows of each step begin, for falling lengths."""
    longest = int(lengths[0]) if lengths.size else 0
    count = np.searchsorted(-lengths, -np.arange(longest), side="left").astype(np.int64)
    first = np.concatenate([[0], np.cumsum(count)[:-1]]).astype(np.int64)[:longest]
    return Steps(first, count, int(lengths.size))


class Packing(NamedTuple):
    """Sequences of falling lengths as packed rows, and where these come from."""

    lengths: Indices  # (lanes,)
    steps: Steps
    lane: Indices  # (rows,)
    step: Indices  # (rows,)


def packing_of(lengths: Indices) -> Packing:
    """How sequences of falling lengths are packed; kept for tiles and batches to come."""
    return _packing(lengths.tobytes())


@lru_cache(maxsize=8)
def _packing(of: bytes) -> Packing:
    lengths = np.frombuffer(of, np.int64).copy()
    steps = packed_steps(lengths)
    step = np.repeat(np.arange(steps.count.size), steps.count)
    return Packing(lengths, steps, np.arange(step.size) - steps.first[step], step)


def rows_of(steps: Steps, lane: int, length: int) -> Indices:
    """The packed rows of one lane, in the order of time."""
    return steps.first[:length] + lane


def runs_of(scored: Indices, steps: Steps) -> Runs:
    """Neighbouring scored rows within one step, as runs."""
    if scored.size == 0:
        empty = np.zeros(0, np.int64)
        return Runs(empty, empty, empty)
    if scored.size == steps.count.sum():
        return Runs(steps.first, steps.count, steps.first)
    step = np.searchsorted(steps.first, scored, side="right")
    breaks = (scored[1:] != scored[:-1] + 1) | (step[1:] != step[:-1])
    begins = np.concatenate([[0], np.flatnonzero(breaks) + 1])
    ends = np.concatenate([begins[1:], [scored.size]])
    return Runs(scored[begins], ends - begins, begins)
