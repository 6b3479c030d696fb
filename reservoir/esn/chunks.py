"""One long series as chunks that run side by side, each warmed up on the end of the one before.

A driven reservoir forgets where it started, so a chunk may begin some steps early from nothing and
arrive where the chunk before it ends, up to rounding. Whether it has is checked at every seam; a
chunk that has not is run again, by itself, from where the one before it truly ends. Inside a chunk
the states are near those of the plain loop if differences cannot grow there: either they die out
even without input (``silent_growth``), or each chunk has a twin, set off a little, that stays near.

Groups of chunks, their lengths and which of them are kept depend on model and series alone.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reservoir.esn.block import Block, Verdict
from reservoir.esn.forgetting import TOLERANCES, gaps, silent_growth, steps_to_forget, with_reserve
from reservoir.esn.stretches import Stretches, Watch
from reservoir.kernels.matrices import Dense

LONG = 4096  # steps of a series that is worth cutting
COST = {16: 1.7, 32: 1.2, 64: 1.0, 128: 1.0}  # of a step of so many chunks side by side, relative
LONGEST = 8192  # steps of a chunk
HELD_VALUES = 1 << 21  # inputs or outputs of a group
LONGEST_WARMUP = 2048
SHARE = 64  # of the steps, that are tried for a warm-up
FAILURES = 16  # chunks, of which one may fail
DENSE = 1.6  # times that, if W is dense: the plain loop over it is fast already
DENSE_SHARE = 8  # and few lanes cost the most: so much less is tried for a warm-up
DEAREST = 3.0  # of chunks, counted as COST, warm-up and twins included
REST = 1 << 18  # steps that are run plainly when chunks do not pay; doubled each time


@dataclass
class Group:
    """Consecutive chunks of ``chunk`` steps, the last one perhaps shorter."""

    start: int
    stop: int
    chunk: int
    starts: NDArray[Any]  # (n, N) state before each chunk
    alone: NDArray[np.bool_]  # (n,) whether it is run by itself

    def begins(self) -> NDArray[np.int64]:
        """The first step of each chunk."""
        return np.arange(self.start, self.stop, self.chunk)

    def lengths(self) -> NDArray[np.int64]:
        """Steps of each chunk."""
        return np.asarray(np.minimum(self.chunk, self.stop - self.begins()))


def _plain(start: int, stop: int, x: NDArray[Any]) -> Group:
    """A stretch that is run by itself from the state ``x`` (N,)."""
    return Group(start, stop, stop - start, x[np.newaxis], np.ones(1, bool))


def _cut(group: Group, k: int) -> NDArray[Any]:
    """Leave the first ``k`` chunks; returns where the first one starts."""
    x = group.starts[0]
    group.stop = int(group.begins()[k])
    group.starts, group.alone = group.starts[:k], group.alone[:k]
    return np.asarray(x)


class Chunks:
    """The blocks of a series with verdicts on them; a second pass repeats the first one's cuts.

    Parameters
    ----------
    stretches
        Runs the series.
    length
        Of the series, at least 1.
    held
        Numbers a step that somebody keeps until a verdict.
    """

    def __init__(self, stretches: Stretches, length: int, held: int = 1) -> None:
        self._stretches = stretches
        self._length = length
        self._longest = max(LONG, HELD_VALUES // held)  # steps of a group
        self._groups: list[Group] = []
        self._tolerance = TOLERANCES[stretches.weights.bias.dtype.name]
        self._watched: bool | None = None  # until somebody needs to know
        self.end = stretches.start.x  # the last state, after a pass

    @property
    def parallel(self) -> float:
        """The share of the steps that stand as chunks side by side, after a pass."""
        steps = sum(int(group.lengths()[~group.alone].sum()) for group in self._groups)
        return steps / self._length

    def __iter__(self) -> Iterator[Block | Verdict]:
        if self._groups:
            for group in self._groups:
                yield from self._again(group)
            return
        x = self._stretches.start.x
        groups: list[Group] = []
        begin, rest, trusted = 0, REST, True
        while begin < self._length:
            planned = self._planned(begin, x) if trusted else None
            if planned is not None:
                x, trusted = yield from self._attempt(planned)
                groups.append(planned)
            else:
                stop = min(self._length, begin + rest)
                groups.append(_plain(begin, stop, x))
                x = yield from self._stretches.by_itself(begin, stop, x)
                rest, trusted = 2 * rest, True
            begin = groups[-1].stop
        self._groups, self.end = groups, x

    def _planned(self, begin: int, x: NDArray[Any]) -> Group | None:
        """The next chunks, warmed up; None if they would not pay."""
        left = self._length - begin
        if left < LONG:
            return None
        s = self._stretches
        dense = isinstance(s.lanes.W, Dense)
        limit = min(LONGEST_WARMUP, left // (SHARE * (DENSE_SHARE if dense else 1)))
        stop = begin + min(left, self._longest)
        steps = steps_to_forget(s.lanes, s.drives, s.index, begin, stop, limit)
        if steps is None:
            return None
        if self._watched is None:
            most = self._tolerance.growth
            self._watched = silent_growth(s.lanes, most) > most
        warmup = with_reserve(steps)
        steps = stop - begin
        chunks = {count: min(-(-steps // count), LONGEST) for count in COST}
        cost = DENSE if dense else 1.0
        costs = {n: cost * COST[n] * (1 + self._watched + warmup / chunks[n]) for n in COST}
        count = min(COST, key=lambda n: (costs[n], -n))
        if costs[count] > DEAREST:
            return None
        chunk, stop = chunks[count], min(self._length, begin + count * chunks[count])
        count = -(-(stop - begin) // chunk)
        starts = np.zeros((count, x.size), x.dtype)
        group = Group(begin, stop, chunk, starts, np.zeros(count, bool))
        s.warm_up(group.begins()[1:], warmup, starts[1:])
        starts[0] = x
        return group

    def _attempt(self, group: Group) -> Generator[Block | Verdict, None, tuple[NDArray[Any], bool]]:
        """Run chunks and settle them; the state at the end, and whether chunks go on to pay."""
        yield Verdict(True)
        ends = group.starts.copy()
        most = len(ends) // FAILURES
        watch = None
        if self._watched:
            watch = Watch(self._set_off(group.starts), self._tolerance.watched, most)
        widest = yield from self._stretches.side_by_side(
            group.begins(), group.lengths(), ends, watch
        )
        if watch is not None and watch.is_over(widest):
            x = _cut(group, 0)
        else:
            x = yield from self._settle(group, ends, widest, most)
        cut = len(group.starts) < len(ends)
        if self._stretches.into is None and (cut or group.alone.any()):
            yield Verdict(False)
            yield from self._again(group)
        yield Verdict(True)
        return x, not cut

    def _set_off(self, x: NDArray[Any]) -> NDArray[Any]:
        """States that are as far away as a forgotten start would be."""
        apart = np.random.default_rng(0).uniform(-1, 1, x.shape) * self._tolerance.forgotten
        return np.asarray(x + np.abs(x).max(axis=1, keepdims=True) * apart, x.dtype)

    def _settle(
        self, group: Group, ends: NDArray[Any], widest: NDArray[np.float64], most: int
    ) -> Generator[Block, None, NDArray[Any]]:
        """Check the chunks in order and run again, by itself, what fails; the state at the end.

        A group in which too many fail is cut short.
        """
        x, begins, lengths = group.starts[0], group.begins(), group.lengths()
        for k in range(len(ends)):
            begun = gaps(x[np.newaxis], group.starts[k : k + 1])[0]
            if begun <= self._tolerance.seam and widest[k] <= self._tolerance.watched:
                x = ends[k]
            elif group.alone.sum() < most:
                group.starts[k], group.alone[k] = x, True
                begin = int(begins[k])
                x = yield from self._stretches.by_itself(
                    begin, begin + int(lengths[k]), x, quiet=True
                )
            else:
                _cut(group, k)
                break
        return np.asarray(x)

    def _again(self, group: Group) -> Iterator[Block | Verdict]:
        """Run a settled group."""
        side = np.flatnonzero(~group.alone)
        begins, lengths = group.begins(), group.lengths()
        if side.size:
            x = group.starts[side]
            yield from self._stretches.side_by_side(begins[side], lengths[side], x, None)
        for k in np.flatnonzero(group.alone):
            begin = int(begins[k])
            yield from self._stretches.by_itself(
                begin, begin + int(lengths[k]), group.starts[k], settled=False
            )
        yield Verdict(True)
