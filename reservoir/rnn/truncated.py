"""Truncated backpropagation through time: a network on segments of series, as a problem."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hfopt.numbered import Numbered
from hfopt.problem import Gradient, Problem
from reservoir.errors import DataError
from reservoir.rnn.batch import Batch, make_batch
from reservoir.rnn.forward import Forward
from reservoir.rnn.memory import window_rows
from reservoir.rnn.network import Network
from reservoir.rnn.packing import Packed
from reservoir.rnn.padded import Array
from reservoir.rnn.segments import Carried, Segment
from reservoir.rnn.state import State
from reservoir.rnn.tile import Indices

PIECE = 1000  # steps that are run forward at a time

Given: TypeAlias = Segment | Numbered[Segment]


class Truncated:
    """A network on the batches of `segments`, for first-order optimizers.

    Parameters
    ----------
    network : Network
    problem : Problem, optional
        What is differentiated on each segment, a problem around the network such as
        `OmegaRegularized`; by default the network alone.

    Notes
    -----
    The objective of a segment is that of its losses as a function of the parameters, with the
    states where the gradient is cut held fixed. `gradient` leaves the states for the next segment,
    those of these parameters; a state that is not finite is left as zero.

    A learned initial state has a derivative in segments where the gradients of all series go back
    to it; beside one that is cut it is held fixed.

    Activations are in memory for k2 steps at a time, whatever the length of the series.
    """

    def __init__(self, network: Network, problem: Problem[Any] | None = None) -> None:
        self.network = network
        self.problem: Problem[Any] = network if problem is None else problem

    def value(self, theta: ArrayLike, batch: Given) -> float:
        """The objective of a segment; the states where it is cut are those of these parameters."""
        found = _Begun(self.network, self._checked(theta), _plain(batch))
        return self.problem.value(found.theta, _as(batch, found.batch()))

    def gradient(self, theta: ArrayLike, batch: Given, *, squares: bool = False) -> Gradient:
        """Value, truncated gradient, and the `Carried` that the next segment begins with."""
        found = _Begun(self.network, self._checked(theta), _plain(batch))
        inner = self.problem.gradient(found.theta, _as(batch, found.batch()), squares=squares)
        return inner._replace(state=found.carried(inner.state))

    def linearize(self, theta: ArrayLike, batch: Given) -> Any:
        """Refused.

        Raises
        ------
        DataError
            Second-order steps compare values at several parameters, on several batches; the states
            that a segment begins with belong to one.
        """
        raise DataError(
            "truncated backpropagation is for first-order optimizers: the batches of a "
            "Hessian-free step have no carried states"
        )

    def _checked(self, theta: ArrayLike) -> NDArray[np.float64]:
        return self.network.layout.checked(theta, "theta")


class _Begun:
    """A segment whose series have been run to where their gradients are cut."""

    def __init__(self, network: Network, theta: NDArray[np.float64], segment: Segment) -> None:
        self.network, self.theta, self.segment = network, theta, segment
        lengths, carried = segment.streams.lengths, segment.carried
        self.parts = segment.parts
        before = np.flatnonzero(lengths > carried.start)
        states = carried.states or None
        if states is not None:
            if any(layer.shape[1:2] != before.shape for layer in states):
                raise DataError(
                    f"round {carried.round}: {before.size} series go on at step {carried.start}, "
                    f"the carried states are those of {states[0].shape[1]}"
                )
            states = _some(states, np.flatnonzero(lengths[before] > segment.start))
        at = segment.at[lengths[before] > segment.start]
        self.states = self._advanced(self.parts.lanes, states, at, self.parts.begins)

    def batch(self) -> Batch:
        """What the gradient is taken of."""
        lanes, begins, firsts, ends = self.parts
        inputs = self.segment.streams.inputs(lanes, begins, ends)
        targets, weights = self.segment.streams.targets(lanes, begins, ends)
        unscored = (firsts - begins).tolist()
        weights = [_cut(*one) for one in zip(weights, unscored, strict=True)]
        try:
            return self.network.batch(inputs, targets, weights=weights, state=self.states)
        except DataError as error:
            where = f"round {self.segment.carried.round}, in the pieces up to step {ends.max()}"
            raise DataError(f"{where}: {error}") from None

    def carried(self, final: State) -> Carried:
        """What goes on to the next segment, from the states at the end of this one."""
        segment, number = self.segment, self.segment.carried.round
        if segment.follows is None:
            return Carried(number + 1, 0, ())
        lanes, begins = self.parts.lanes, self.parts.begins
        go_on = np.flatnonzero(segment.streams.lengths[lanes] > segment.end)
        states: State | None = _some(final, go_on)
        if (segment.follows < segment.end).any():
            start = None if self.states is None else _some(self.states, go_on)
            states = self._advanced(lanes[go_on], start, begins[go_on], segment.follows)
        if states is None:
            return Carried(number, segment.end, ())
        return Carried(number, segment.end, tuple(_finite(layer) for layer in states))

    def _advanced(
        self, lanes: Indices, states: State | None, at: Indices, stops: Indices
    ) -> State | None:
        """States run on from one step of each series to another."""
        for done in range(0, int((stops - at).max(initial=0)), PIECE):
            begins, ends = (np.minimum(stops, at + steps) for steps in (done, done + PIECE))
            inputs = self.segment.streams.inputs(lanes, begins, ends)
            states = advance(self.network, self.theta, inputs, states)
        return states


def advance(
    network: Network, theta: NDArray[np.float64], inputs: list[Array], states: State | None
) -> State:
    """The states after some steps (n, K) of each series, without outputs."""
    batch = make_batch(
        network.cells, (network.inputs, network.outputs), network.matching_loss, network.dtype,
        inputs, None, "none", None, states,
    )  # fmt: skip
    return network.final_state(
        batch, batch.each(partial(_forward, network, network.pack(theta), batch))
    )


def _forward(network: Network, packed: Packed, batch: Batch, k: int) -> Forward:
    cut = batch.cut(k, None, window_rows(network.cells, network.dtype))
    windows = [window for part in cut.windows for window in part]
    with network.shelves.one() as shelf:
        return Forward(network.cells, packed, batch.tiles[k], windows, shelf, keep="nothing")


def _some(states: State, lanes: Indices) -> State:
    return tuple(layer[:, lanes] for layer in states)


def _cut(weights: NDArray[np.float64], unscored: int) -> NDArray[np.float64]:
    """The same weights, but for the first ones, which are 0."""
    return np.where(np.arange(weights.size) < unscored, 0.0, weights)


def _finite(layer: Array) -> Array:
    """States of a layer (parts, B, N), zero for a series with one that is not finite."""
    bad = np.flatnonzero(~np.isfinite(layer).all(axis=(0, 2)))
    if not bad.size:
        return layer
    found = layer.copy()
    found[:, bad] = 0.0
    return found


def _plain(batch: Given) -> Segment:
    return batch.batch if isinstance(batch, Numbered) else batch


def _as(given: Given, batch: Batch) -> Batch | Numbered[Batch]:
    """A batch with the number of its step, if the segment has one."""
    return Numbered(given.step, batch) if isinstance(given, Numbered) else batch


if TYPE_CHECKING:

    def _as_problem(problem: Truncated) -> Problem[Given]:
        """What the type checker must agree to."""
        return problem
