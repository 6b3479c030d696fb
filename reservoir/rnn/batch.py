"""Sequences, targets and weights packed for a network's passes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

import numpy as np

from hfopt.losses import Loss
from reservoir import threads
from reservoir.errors import DataError
from reservoir.rnn.cells import Cell
from reservoir.rnn.driven import drives
from reservoir.rnn.feedback import Feedback
from reservoir.rnn.given import refuse_masks
from reservoir.rnn.padded import Array, pitch_of, zeros
from reservoir.rnn.state import Parts, State, checked_state, parts_of
from reservoir.rnn.targets import Targets, targets_of
from reservoir.rnn.tile import (
    Indices,
    Packing,
    Scored,
    Tile,
    cut,
    packing_of,
    runs_of,
    tile_feed,
)
from reservoir.rnn.windows import Cut, cut_tile
from reservoir.series.collection import Collection, collect

T = TypeVar("T")


@dataclass(frozen=True, eq=False, repr=False)
class Batch:
    """Some sequences, ready for the passes of one network; made by `Network.batch`."""

    tiles: tuple[Tile, ...]
    sequences: int
    scored: int  # steps with a target
    weight: float  # the sum of their weights, by which losses are divided; 0 without targets
    inputs: int
    outputs: int
    dtype: np.dtype[Any]
    loss: str  # its name
    parts: Parts | None  # of a given initial state
    _cuts: dict[tuple[int, int | None, int], Cut] = field(default_factory=dict, init=False)

    def __repr__(self) -> str:
        return (
            f"<Batch of {self.sequences} sequences, {self.rows} steps, {self.scored} targets, "
            f"for {self.inputs} inputs and {self.outputs} outputs, {self.dtype}>"
        )

    @property
    def rows(self) -> int:
        """Steps of all sequences together."""
        return sum(tile.rows for tile in self.tiles)

    @property
    def fed(self) -> bool:
        """Whether some steps take outputs of the step before."""
        return any(tile.feed is not None for tile in self.tiles)

    @property
    def held(self) -> bool:
        """Whether derivatives leave these outputs constant."""
        return any(tile.feed is not None and tile.feed.held for tile in self.tiles)

    def check_made_for(
        self, cells: tuple[Cell, ...], inputs: int, outputs: int, dtype: np.dtype[Any], loss: str
    ) -> None:
        """Raise a DataError if another network than such a one made the batch."""
        if (self.inputs, self.outputs, self.dtype, self.loss) != (inputs, outputs, dtype, loss):
            raise DataError(
                f"the batch was made for {self.inputs} inputs, {self.outputs} outputs, "
                f"{self.dtype} and {self.loss}; this network has {inputs}, {outputs}, "
                f"{dtype} and {loss}"
            )
        if self.parts not in (None, parts_of(cells)):
            raise DataError(
                f"the batch begins in a state with (parts, units) {self.parts} of the layers; "
                f"those of this network are {parts_of(cells)}"
            )

    def cut(self, k: int, segment: int | None, rows: int) -> Cut:
        """Segments and windows of a tile, made once."""
        key = k, segment, rows
        if key not in self._cuts:
            self._cuts[key] = cut_tile(self.tiles[k], segment, rows)
        return self._cuts[key]

    def each(self, task: Callable[[int], T]) -> list[T]:
        """Run a task for the number of every tile, on all threads; results in their order.

        Overflow is no error: it ends in results that are not finite, without warnings.
        """

        def quiet(k: int) -> T:
            with np.errstate(over="ignore", invalid="ignore"):
                return task(k)

        return threads.run_all([partial(quiet, k) for k in range(len(self.tiles))])


def make_batch(
    cells: tuple[Cell, ...],
    columns: tuple[int, int],
    loss: Loss,
    dtype: np.dtype[Any],
    inputs: Any,
    targets: Any,
    at: str,
    weights: Any,
    state: Any,
    feedback: Feedback | None = None,
) -> Batch:
    """Check and pack; see `Network.batch`. ``columns``: of inputs and outputs."""
    collected = _collected(inputs)
    if collected.columns != columns[0]:
        raise DataError(f"inputs have {collected.columns} columns; the network takes {columns[0]}")
    lengths = np.array(collected.lengths, dtype=np.int64)
    flat = _in_range(collected, lengths, dtype)
    wanted = targets_of(targets, at, weights, loss, lengths, columns[1])
    with np.errstate(over="ignore"):
        total = float(wanted.weights.sum()) if targets is not None else 0.0
    if targets is not None and not 0.0 < total < np.inf:
        what = "no step is scored: " if total == 0.0 else ""
        raise DataError(f"{what}the weights sum to {total:g}; expected a finite sum above 0")
    checked = checked_state(state, cells, lengths.size, dtype)
    order = np.argsort(-lengths, kind="stable")
    starts = np.concatenate([[0], np.cumsum(lengths)])[:-1]
    place = np.cumsum(wanted.weights > 0.0) - 1
    own, record = None, None
    if feedback is not None:
        own, record = feedback.flags(lengths), feedback.record(*columns, loss, dtype)
    tiles, begin = [], 0
    for lanes in cut(lengths.size, len(flat) * _operations(cells, columns[0])):
        chosen = order[begin : begin + lanes]
        packing = packing_of(lengths[chosen])
        source = starts[chosen][packing.lane] + packing.step  # of each packed row
        tile = _tile(chosen, packing, source, flat, wanted, place, checked, dtype)
        if feedback is not None and own is not None and record is not None:
            tile = tile._replace(
                feed=tile_feed(record, own[source], packing.steps, feedback.held, drives(cells))
            )
        tiles.append(tile)
        begin += lanes
    scored = len(wanted.values)
    given = None if checked is None else parts_of(cells)
    return Batch(tuple(tiles), lengths.size, scored, total, *columns, dtype, loss.name, given)


def _operations(cells: tuple[Cell, ...], inputs: int) -> float:
    """Of a gradient, for each step of a sequence."""
    found, below = 0.0, inputs
    for cell in cells:
        found += 6.0 * cell.blocks * cell.units * (cell.units + below)
        below = cell.units
    return found


def _collected(inputs: Any) -> Collection:
    """The sequences; unlike arrays, nested lists may be ragged."""
    refuse_masks(inputs, "inputs")
    if isinstance(inputs, list | tuple) and not any(hasattr(one, "shape") for one in inputs):
        try:
            arrays = [np.asarray(one) for one in inputs]
        except ValueError:  # the message is made below
            arrays = []
        if arrays and all(array.ndim == 2 for array in arrays):
            inputs = arrays
    for i, one in enumerate(inputs if isinstance(inputs, list | tuple) else ()):
        refuse_masks(one, f"inputs of series {i}")
    nothing = isinstance(inputs, list | tuple) and not inputs
    collected = Collection((), "inputs", "list") if nothing else collect(inputs, "inputs")
    if not collected.series:
        raise DataError("inputs: no sequence; expected at least one")
    return collected


def _in_range(collected: Collection, lengths: Indices, dtype: np.dtype[Any]) -> Array:
    """All rows one after the other in the type of the passes."""
    flat = collected.read_packed([(i, 0, int(n)) for i, n in enumerate(lengths)])
    with np.errstate(over="ignore"):
        found = flat.astype(dtype, copy=False)
    if not np.isfinite(found).all():
        row, column = (int(i) for i in np.argwhere(~np.isfinite(found))[0])
        series = int(np.searchsorted(np.cumsum(lengths), row, side="right"))
        place = collected.place(series, row - int(lengths[:series].sum()), column)
        raise DataError(
            f"inputs: {flat[row, column]:g} at {place}; expected numbers in the range of {dtype}"
        )
    return found


def _tile(
    order: Indices,
    packing: Packing,
    source: Indices,
    flat: Array,
    wanted: Targets,
    place: Indices,
    state: State | None,
    dtype: np.dtype[Any],
) -> Tile:
    x = zeros(source.size, pitch_of(flat.shape[1], dtype), dtype)
    x[:, : flat.shape[1]] = flat.take(source, axis=0, mode="clip")  # faster than an index
    weights = wanted.weights[source]
    rows = np.flatnonzero(weights > 0.0)
    found = place[source[rows]]
    scored = Scored(rows, found, wanted.values[found], weights[rows], runs_of(rows, packing.steps))
    parts = None
    if state is not None:
        parts = tuple(tuple(part[order] for part in layer) for layer in state)
    return Tile(order, packing.lengths, packing.steps, x, parts, scored)
