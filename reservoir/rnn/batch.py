"""Sequences, targets and weights packed for a network's passes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from hfopt.losses import Loss
from reservoir import threads
from reservoir.errors import DataError
from reservoir.rnn.cells import Cell
from reservoir.rnn.padded import Array, pitch_of, quiet, zeros
from reservoir.rnn.tile import Indices, Scored, Tile, cut, packed_steps
from reservoir.series.collection import collect

T = TypeVar("T")
State = tuple[Array, ...]  # of each layer: (parts, B, N)


@dataclass(frozen=True)
class Batch:
    """Some sequences, ready for the passes of one network; made by `Network.batch`."""

    tiles: tuple[Tile, ...]
    sequences: int
    scored: int  # steps with a target
    weight: float  # the sum of their weights, by which losses are divided; 0 without targets
    inputs: int
    outputs: int
    dtype: np.dtype[Any]

    @property
    def rows(self) -> int:
        """Steps of all sequences together."""
        return sum(tile.rows for tile in self.tiles)

    def each(self, task: Callable[[int], T]) -> list[T]:
        """Run a task for the number of every tile, on all threads; results in their order."""
        return threads.run_all([partial(_quietly, task, k) for k in range(len(self.tiles))])


@quiet
def _quietly(task: Callable[[int], T], k: int) -> T:
    """In the thread of the task: NumPy keeps what it warns of by threads."""
    return task(k)


@dataclass(frozen=True)
class Targets:
    """Targets of the scored steps of all sequences, which lie one after the other."""

    weights: NDArray[np.float64]  # (steps,), 0 where nothing is scored
    row: Indices  # (steps,) in ``values``
    values: Array  # (rows, M) or (rows,) labels


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
) -> Batch:
    """Check and pack; see `Network.batch`. ``columns``: of inputs and outputs."""
    collected = collect(inputs, "inputs")
    if not collected.series:
        raise DataError("inputs: no sequence; expected at least one")
    if collected.columns != columns[0]:
        raise DataError(f"inputs have {collected.columns} columns; the network takes {columns[0]}")
    lengths = np.array(collected.lengths, dtype=np.int64)
    flat = collected.read_packed([(i, 0, int(n)) for i, n in enumerate(lengths)])
    wanted = _targets(targets, at, weights, loss, lengths, columns[1])
    total = float(wanted.weights.sum()) if targets is not None else 0.0
    if targets is not None and not total > 0.0:
        raise DataError("no step is scored: the weights sum to 0")
    checked = checked_state(state, cells, lengths.size)
    order = np.argsort(-lengths, kind="stable")
    starts = np.concatenate([[0], np.cumsum(lengths)])[:-1]
    place = np.cumsum(wanted.weights > 0.0) - 1
    tiles, begin = [], 0
    for lanes in cut(lengths.size):
        chosen = order[begin : begin + lanes]
        tiles.append(
            _tile(chosen, lengths[chosen], starts[chosen], flat, wanted, place, checked, dtype)
        )
        begin += lanes
    scored = int((wanted.weights > 0.0).sum())
    return Batch(tuple(tiles), lengths.size, scored, total, *columns, dtype)


def _tile(
    order: Indices,
    lengths: Indices,
    starts: Indices,
    flat: Array,
    wanted: Targets,
    place: Indices,
    state: State | None,
    dtype: np.dtype[Any],
) -> Tile:
    steps = packed_steps(lengths)
    step = np.repeat(np.arange(steps.count.size), steps.count)
    source = starts[np.arange(step.size) - steps.first[step]] + step  # of each packed row
    x = zeros(step.size, pitch_of(flat.shape[1], dtype), dtype)
    x[:, : flat.shape[1]] = flat[source]
    rows = np.flatnonzero(wanted.weights[source] > 0.0)
    found = source[rows]
    scored = Scored(rows, place[found], wanted.values[wanted.row[found]], wanted.weights[found])
    parts = None
    if state is not None:
        parts = tuple(tuple(part[order] for part in layer) for layer in state)
    return Tile(order, lengths, steps, x, parts, scored)


def _targets(
    targets: Any, at: str, weights: Any, loss: Loss, lengths: Indices, outputs: int
) -> Targets:
    steps = int(lengths.sum())
    if targets is None:
        # All steps are read out, and nothing is compared with them.
        return Targets(np.ones(steps), np.zeros(steps, np.int64), np.zeros((1, outputs)))
    if at == "last":
        return _last_targets(targets, weights, loss, lengths, outputs)
    if at != "every":
        raise DataError(f"at must be 'every' or 'last', got {at!r}")
    series = _one_each(targets, lengths, "targets")
    given = _every_weights(weights, lengths)
    scored = given > 0.0
    values = np.concatenate(series)
    row = np.cumsum(scored) - 1
    where = _Places(lengths, scored)
    return Targets(given, row, _checked_targets(values[scored], loss, outputs, where))


def _last_targets(
    targets: Any, weights: Any, loss: Loss, lengths: Indices, outputs: int
) -> Targets:
    values = np.asarray(targets)
    count = lengths.size
    if values.ndim == 0 or values.shape[0] != count:
        raise DataError(f"targets: {count} sequences have one each, got shape {values.shape}")
    if values.ndim == 1 and values.dtype.kind == "f" and outputs == 1:
        values = values[:, None]
    given = np.ones(count) if weights is None else _weights(weights, count, "weights")
    short = np.flatnonzero((lengths == 0) & (given > 0.0))
    if short.size:
        raise DataError(f"series {short[0]} has no step, hence no last one to be scored")
    flat = np.zeros(int(lengths.sum()))
    ends = np.cumsum(lengths) - 1
    scored = given > 0.0
    flat[ends[scored]] = given[scored]
    row = np.repeat(np.cumsum(scored) - 1, lengths)
    where = _Places(np.ones_like(lengths), scored)
    return Targets(flat, row, _checked_targets(values[scored], loss, outputs, where))


@dataclass(frozen=True)
class _Places:
    """Names of the scored steps, for messages."""

    lengths: Indices
    scored: NDArray[np.bool_]

    def __call__(self, row: int) -> str:
        step = int(np.flatnonzero(self.scored)[row])
        ends = np.cumsum(self.lengths)
        sequence = int(np.searchsorted(ends, step, side="right"))
        return f"series {sequence}, step {step - int(ends[sequence] - self.lengths[sequence])}"


def _checked_targets(values: Array, loss: Loss, outputs: int, where: _Places) -> Array:
    if values.ndim == 1 and values.dtype.kind == "f" and outputs == 1:
        values = values[:, None]
    try:
        return loss.check_targets(values, len(values), outputs)
    except ValueError as error:
        for row in range(len(values)):
            try:
                loss.check_targets(values[row : row + 1], 1, outputs)
            except ValueError as found:
                raise DataError(f"targets of {where(row)}: {found}") from None
        raise DataError(f"targets: {error}") from None


def _one_each(data: Any, lengths: Indices, name: str) -> list[Array]:
    """One array for each sequence, as many rows as it has steps."""
    series = [np.asarray(one) for one in data]
    if len(series) != lengths.size and lengths.size == 1:
        series = [np.asarray(data)]
    if len(series) != lengths.size:
        raise DataError(f"{name}: {lengths.size} sequences need one each, got {len(series)}")
    for i, one in enumerate(series):
        if one.ndim == 0 or len(one) != lengths[i]:
            raise DataError(
                f"{name} of series {i} have shape {one.shape}; expected {lengths[i]} rows"
            )
        if one.ndim != series[0].ndim or one.shape[1:] != series[0].shape[1:]:
            raise DataError(
                f"{name} of series {i} have shape {one.shape}, those of series 0 "
                f"{series[0].shape}; expected equally many columns"
            )
    return series


def _every_weights(weights: Any, lengths: Indices) -> NDArray[np.float64]:
    if weights is None:
        return np.ones(int(lengths.sum()))
    series = _one_each(weights, lengths, "weights")
    return np.concatenate(
        [_weights(one, int(lengths[i]), f"weights of series {i}") for i, one in enumerate(series)]
    )


def _weights(weights: Any, count: int, name: str) -> NDArray[np.float64]:
    found = np.asarray(weights)
    if found.shape != (count,) or found.dtype.kind not in "fiub":
        raise DataError(f"{name}: expected {count} numbers, got {found.dtype} of {found.shape}")
    found = found.astype(np.float64)
    bad = np.flatnonzero(~((found >= 0.0) & (found < np.inf)))
    if bad.size:
        raise DataError(
            f"{name}: {found[bad[0]]} at place {bad[0]}; expected finite and at least 0"
        )
    return found


def checked_state(state: Any, cells: tuple[Cell, ...], sequences: int) -> State | None:
    """A state given from outside, or a DataError that names the layer.

    Parameters
    ----------
    state : None or sequence of arrays
        For each layer (parts, B, N), finite; parts: h, and c of an LSTM.
    """
    if state is None:
        return None
    if len(state) != len(cells):
        raise DataError(f"state: {len(cells)} layers have one array each, got {len(state)}")
    found = []
    for layer, (cell, given) in enumerate(zip(cells, state, strict=True)):
        array = np.asarray(given)
        shape = (len(cell.parts), sequences, cell.units)
        if array.shape != shape or array.dtype.kind not in "fiu":
            raise DataError(
                f"state of layer {layer}: expected numbers of shape {shape} (parts, sequences, "
                f"units), got {array.dtype} of {array.shape}"
            )
        if not np.isfinite(array).all():
            raise DataError(f"state of layer {layer} is not finite")
        found.append(array)
    return tuple(found)
