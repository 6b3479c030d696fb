"""Where segments of truncated backpropagation begin and end, and what one leaves to the next."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from hfopt.batches import Carrying, Plain, as_source
from reservoir.errors import DataError
from reservoir.rnn.padded import Array
from reservoir.rnn.streams import Streams
from reservoir.rnn.tile import Indices
from reservoir.weights.arguments import whole


class Carried(NamedTuple):
    """What one step leaves to the next, a `hfopt.Gradient.state`.

    Attributes
    ----------
    round : int
        Which `Streams` it is about.
    start : int
        The step at which the next segment begins; those before are done with.
    states : tuple of arrays
        Of each layer (parts, n, N): the states of the n series that go on, each where its gradient
        of the next segment will be cut, or at ``start`` if that is sooner. Empty at the beginning
        of the series.
    """

    round: int
    start: int
    states: tuple[Array, ...]


class Parts(NamedTuple):
    """What a segment is of each series that has a part in it."""

    lanes: Indices  # which series
    begins: Indices  # where their gradients are cut: the states here are held fixed
    firsts: Indices  # from where on losses count
    ends: Indices


class Truncation(NamedTuple):
    """How far a step goes forward, and its gradient back."""

    k1: int
    k2: int

    def parts(self, streams: Streams, start: int) -> Parts:
        """Those of the segment that begins at a step: each ends with it, or with the series."""
        lanes = np.flatnonzero(streams.lengths > start)
        ends = np.minimum(streams.lengths[lanes], start + self.k1)
        begins = np.maximum(ends - self.k2, 0)
        return Parts(lanes, begins, np.maximum(begins, start), ends)

    def at(self, streams: Streams, start: int) -> Indices:
        """Where the states of each part of a segment are taken: sooner if its gradient goes there.

        Of a series this depends on its own length alone: the others do not change how it trains.
        """
        return np.minimum(self.parts(streams, start).begins, start)

    def next(self, streams: Streams, start: int) -> int | None:
        """The start of the first segment, from ``start`` on, that has a loss to lower."""
        step = streams.next_scored(start)
        while step is not None:
            own = step // self.k1 * self.k1
            if self.k1 <= self.k2:
                return own
            lanes, _, firsts, ends = self.parts(streams, own)
            if any(map(streams.scored, lanes.tolist(), firsts.tolist(), ends.tolist())):
                return own
            step = streams.next_scored(own + self.k1)
        return None


class Segment(NamedTuple):
    """The batch of one step; all numbers are steps of the series.

    Attributes
    ----------
    streams : Streams
    carried : Carried
        Its ``start`` is that of the first segment that was passed over, if any was.
    at : ndarray of int
        Of the carried states, of each series that goes on.
    start, end : int
    by : Truncation
    follows : ndarray of int or None
        Of the states that the next segment will need; None: it begins another round.
    """

    streams: Streams
    carried: Carried
    at: Indices
    start: int
    end: int
    by: Truncation
    follows: Indices | None

    @property
    def parts(self) -> Parts:
        """Those of the series."""
        return self.by.parts(self.streams, self.start)


def truncation(k1: int, k2: int) -> Truncation:
    """Check the two numbers.

    Raises
    ------
    DataError
        One is not a whole number of at least 1.
    """
    return Truncation(whole("k1", k1, least=1), whole("k2", k2, least=1))


def segments(rounds: Plain[Streams], k1: int, k2: int) -> Carrying[Segment]:
    """The batches of truncated backpropagation through time, for `hfopt.minimize`.

    A round is a set of series that go through time side by side: each step of the optimizer goes
    k1 steps forward, the states going on from segment to segment. The gradient is that of the
    losses of these k1 steps, carried back over the last k2 steps at most before the segment's end,
    or before the end of a series that ends in it: ``BPTT(k2; k1)`` of Williams and Peng (1990).
    Where that goes back behind the segment's beginning, the steps before it are run again from the
    states that the parameters gave when they were passed. Where k2 < k1, losses of the first
    k1 - k2 steps of a segment are beyond the cut and do not count.

    Segments begin at multiples of k1. A series that ends leaves, the others go on; when all have
    ended, the next round begins with initial states. A segment without a target that counts makes
    no step: it is run through with the parameters of the step that follows. Values and gradients
    are means over the targets of a segment.

    Parameters
    ----------
    rounds : callable or sequence of Streams
        As `hfopt.minimize` takes batches: from the number of the round to its series, the same ones
        for the same number; or a sequence that goes round, ``[streams]`` for one set.
    k1, k2 : int
        Steps forward, and back, at least 1.

    Returns
    -------
    Carrying
        Of batches of the problem `Truncated`.

    Raises
    ------
    DataError
        Bad numbers; at a step, a round in which no target counts.

    Notes
    -----
    With k1 and k2 at least the length of the series, each step is one of full backpropagation, with
    the same bits.

    R. J. Williams and J. Peng (1990), "An efficient gradient-based algorithm for on-line training
    of recurrent network trajectories", Neural Computation 2:490. The numbers k1 and k2 are those of
    I. Sutskever (2013), "Training recurrent neural networks", thesis, University of Toronto.
    """
    return Carrying(_Segments(rounds, truncation(k1, k2)))


class _Segments:
    """The segment that follows what is carried."""

    def __init__(self, rounds: Plain[Streams], by: Truncation) -> None:
        self._source, self._by = as_source(rounds), by
        self._kept: tuple[int, Streams] | None = None  # the round that is under way

    def __call__(self, step: int, carried: Any) -> Segment:
        now = Carried(0, 0, ()) if carried is None else Carried(*carried)
        found = self._from(now)
        if found is None and now.start > 0:
            now = Carried(now.round + 1, 0, ())
            found = self._from(now)
        if found is None:
            raise DataError(
                f"round {now.round}: no target lies in the last {self._by.k2} of each "
                f"{self._by.k1} steps; expected at least one"
            )
        return found

    def _from(self, carried: Carried) -> Segment | None:
        streams, by = self._streams(carried.round), self._by
        start = by.next(streams, carried.start)
        if start is None:
            return None
        end = int(by.parts(streams, start).ends.max())
        follows = None if by.next(streams, end) is None else by.at(streams, end)
        at = by.at(streams, carried.start)
        return Segment(streams, carried, at, start, end, by, follows)

    def _streams(self, number: int) -> Streams:
        if self._kept is None or self._kept[0] != number:
            self._kept = number, self._source(number).gradient
        return self._kept[1]
