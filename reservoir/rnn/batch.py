"""Sequences, targets and weights packed for a network's passes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from hfopt.losses import Loss
from hfopt.targets import TargetError
from reservoir import threads
from reservoir.errors import DataError
from reservoir.rnn.cells import Cell
from reservoir.rnn.padded import Array, pitch_of, zeros
from reservoir.rnn.tile import Indices, Packing, Scored, Tile, cut, packing_of, runs_of
from reservoir.rnn.windows import Cut, cut_tile
from reservoir.series.collection import Collection, collect

T = TypeVar("T")
State = tuple[Array, ...]  # of each layer: (parts, B, N)
Parts = tuple[tuple[int, int], ...]  # of each layer: how many parts, and units


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


@dataclass(frozen=True)
class Targets:
    """Targets of the scored steps; sequences lie one after the other."""

    weights: NDArray[np.float64]  # (steps,), 0 where nothing is scored
    values: Array  # (scored steps, M) or (scored steps,) labels


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
    collected = _collected(inputs)
    if collected.columns != columns[0]:
        raise DataError(f"inputs have {collected.columns} columns; the network takes {columns[0]}")
    lengths = np.array(collected.lengths, dtype=np.int64)
    flat = _in_range(collected, lengths, dtype)
    wanted = _targets(targets, at, weights, loss, lengths, columns[1])
    with np.errstate(over="ignore"):
        total = float(wanted.weights.sum()) if targets is not None else 0.0
    if targets is not None and not 0.0 < total < np.inf:
        what = "no step is scored: " if total == 0.0 else ""
        raise DataError(f"{what}the weights sum to {total:g}; expected a finite sum above 0")
    checked = checked_state(state, cells, lengths.size, dtype)
    order = np.argsort(-lengths, kind="stable")
    starts = np.concatenate([[0], np.cumsum(lengths)])[:-1]
    place = np.cumsum(wanted.weights > 0.0) - 1
    tiles, begin, packing = [], 0, None
    for lanes in cut(lengths.size):
        chosen = order[begin : begin + lanes]
        if packing is None or not np.array_equal(packing.lengths, lengths[chosen]):
            packing = packing_of(lengths[chosen])
        tiles.append(_tile(chosen, packing, starts[chosen], flat, wanted, place, checked, dtype))
        begin += lanes
    scored = len(wanted.values)
    given = None if checked is None else parts_of(cells)
    return Batch(tuple(tiles), lengths.size, scored, total, *columns, dtype, loss.name, given)


def parts_of(cells: tuple[Cell, ...]) -> Parts:
    """Parts and units of the state of each layer."""
    return tuple((len(cell.parts), cell.units) for cell in cells)


def _collected(inputs: Any) -> Collection:
    """The sequences; unlike arrays, nested lists may be ragged."""
    _refuse_masks(inputs, "inputs")
    if isinstance(inputs, list | tuple) and not any(hasattr(one, "shape") for one in inputs):
        try:
            arrays = [np.asarray(one) for one in inputs]
        except ValueError:  # the message is made below
            arrays = []
        if arrays and all(array.ndim == 2 for array in arrays):
            inputs = arrays
    for i, one in enumerate(inputs if isinstance(inputs, list | tuple) else ()):
        _refuse_masks(one, f"inputs of series {i}")
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
    starts: Indices,
    flat: Array,
    wanted: Targets,
    place: Indices,
    state: State | None,
    dtype: np.dtype[Any],
) -> Tile:
    source = starts[packing.lane] + packing.step  # of each packed row
    x = zeros(source.size, pitch_of(flat.shape[1], dtype), dtype)
    x[:, : flat.shape[1]] = flat[source]
    weights = wanted.weights[source]
    rows = np.flatnonzero(weights > 0.0)
    found = place[source[rows]]
    scored = Scored(rows, found, wanted.values[found], weights[rows], runs_of(rows, packing.steps))
    parts = None
    if state is not None:
        parts = tuple(tuple(part[order] for part in layer) for layer in state)
    return Tile(order, packing.lengths, packing.steps, x, parts, scored)


def _targets(
    targets: Any, at: str, weights: Any, loss: Loss, lengths: Indices, outputs: int
) -> Targets:
    steps = int(lengths.sum())
    if targets is None:
        # All steps are read out, and nothing is compared with them.
        return Targets(np.ones(steps), np.broadcast_to(0.0, (steps, outputs)))
    if at == "last":
        return _last_targets(targets, weights, loss, lengths, outputs)
    if at != "every":
        raise DataError(f"at must be 'every' or 'last', got {at!r}")
    one = loss.name == "softmax_cross_entropy" or outputs == 1  # a number a step
    series = _one_each(targets, lengths, "targets", ((outputs,), ()) if one else ((outputs,),))
    given = _every_weights(weights, lengths)
    scored = given > 0.0
    values = np.concatenate(series)
    where = _Places(lengths, scored)
    return Targets(given, _checked_targets(values[scored], loss, outputs, where))


def _last_targets(
    targets: Any, weights: Any, loss: Loss, lengths: Indices, outputs: int
) -> Targets:
    values = _array(targets, "targets")
    count = lengths.size
    if values.ndim == 0 or values.shape[0] != count:
        raise DataError(
            f"targets: expected {count} rows, one for each sequence; got shape {values.shape}"
        )
    given = np.ones(count) if weights is None else _weights(weights, count, "weights", "series")
    short = np.flatnonzero((lengths == 0) & (given > 0.0))
    if short.size:
        raise DataError(f"series {short[0]} has no step, hence no last one to be scored")
    flat = np.zeros(int(lengths.sum()))
    ends = np.cumsum(lengths) - 1
    scored = given > 0.0
    flat[ends[scored]] = given[scored]
    where = _Places(None, scored)
    return Targets(flat, _checked_targets(values[scored], loss, outputs, where))


@dataclass(frozen=True)
class _Places:
    """Names of the scored steps, for messages."""

    lengths: Indices | None  # None: one a sequence, of its last step
    scored: NDArray[np.bool_]

    def __call__(self, row: int) -> str:
        step = int(np.flatnonzero(self.scored)[row])
        if self.lengths is None:
            return f"series {step}"
        ends = np.cumsum(self.lengths)
        sequence = int(np.searchsorted(ends, step, side="right"))
        return f"series {sequence}, step {step - int(ends[sequence] - self.lengths[sequence])}"


def _checked_targets(values: Array, loss: Loss, outputs: int, where: _Places) -> Array:
    labels = loss.name == "softmax_cross_entropy" and values.dtype.kind in "iu"
    if values.ndim == 1 and outputs == 1 and not labels:
        values = values[:, None]
    if values.ndim == 2 and values.shape[1] != outputs:
        raise DataError(
            f"targets have {values.shape[1]} columns; the network has {outputs} outputs"
        )
    try:
        return loss.check_targets(values, len(values), outputs)
    except TargetError as error:
        column = "" if error.column is None else f", column {error.column}"
        raise DataError(
            f"targets have {error.found} at {where(error.row)}{column}; expected {error.expected}"
        ) from None
    except ValueError as error:
        raise DataError(str(error)) from None


def _refuse_masks(data: Any, name: str) -> None:
    if isinstance(data, np.ma.MaskedArray):
        raise DataError(f"{name}: a masked array, whose mask is not read; see weights")


def _array(data: Any, name: str) -> Array:
    _refuse_masks(data, name)
    try:
        return np.asarray(data)
    except ValueError as error:  # nested lists of different lengths
        raise DataError(f"{name}: not an array of numbers: {error}") from None


def _one_each(
    data: Any, lengths: Indices, name: str, rows: tuple[tuple[int, ...], ...]
) -> list[Array]:
    """One array for each sequence, as many rows as it has steps.

    A single sequence may have its array alone; ``rows`` are the shapes that a row may have, by
    which the two forms are told apart.
    """
    if hasattr(data, "iloc"):  # a data frame, whose items are the names of its columns
        data = data.to_numpy()
    if not hasattr(data, "__iter__") or isinstance(data, str | bytes | dict):
        raise DataError(f"{name}: expected an array for each sequence, got {data!r}")
    items = list(data)
    series = [_array(one, f"{name} of series {i}") for i, one in enumerate(items)]
    if lengths.size == 1 and not (
        len(series) == 1 and len(series[0].shape) > 0
        and len(series[0]) == lengths[0] and series[0].shape[1:] in rows
    ):  # fmt: skip
        alone = _array(data if hasattr(data, "shape") else items, name)
        if alone.ndim in (1, 2) and (len(alone) == lengths[0] or len(series) != 1):
            series = [alone]
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
    series = _one_each(weights, lengths, "weights", ((),))
    flat = np.concatenate(series)
    if flat.ndim == 1 and flat.dtype.kind in "fiub":
        flat = flat.astype(np.float64)
        if ((flat >= 0.0) & (flat < np.inf)).all():
            return flat
    return np.concatenate(  # raises: one of the series is wrong
        [
            _weights(one, int(lengths[i]), f"weights of series {i}", "step")
            for i, one in enumerate(series)
        ]
    )


def _weights(weights: Any, count: int, name: str, unit: str) -> NDArray[np.float64]:
    found = _array(weights, name)
    if found.shape != (count,) or found.dtype.kind not in "fiub":
        raise DataError(f"{name}: expected {count} numbers, got {found.dtype} of {found.shape}")
    found = found.astype(np.float64)
    bad = np.flatnonzero(~((found >= 0.0) & (found < np.inf)))
    if bad.size:
        raise DataError(
            f"{name}: {found[bad[0]]} at {unit} {bad[0]}; expected a finite number of at least 0"
        )
    return found


def checked_state(
    state: Any, cells: tuple[Cell, ...], sequences: int, dtype: np.dtype[Any]
) -> State | None:
    """A state given from outside, or a DataError that names the layer.

    Parameters
    ----------
    state : None or sequence of arrays
        For each layer (parts, B, N), finite; parts: h, and c of an LSTM.
    """
    if state is None:
        return None
    if not isinstance(state, tuple | list | np.ndarray) or getattr(state, "ndim", 1) == 0:
        raise DataError(f"state: expected a tuple with an array for each layer, got {state!r}")
    if len(state) != len(cells):
        raise DataError(f"state: {len(cells)} layers have one array each, got {len(state)}")
    found = []
    for layer, (cell, given) in enumerate(zip(cells, state, strict=True)):
        array = _array(given, f"state of layer {layer}")
        shape = (len(cell.parts), sequences, cell.units)
        if array.shape != shape or array.dtype.kind not in "fiu":
            raise DataError(
                f"state of layer {layer}: expected numbers of shape {shape} (parts, sequences, "
                f"units), got {array.dtype} of {array.shape}"
            )
        with np.errstate(over="ignore"):
            cast = array.astype(dtype, copy=False)
        if not np.isfinite(cast).all():
            part, sequence, unit = (int(i) for i in np.argwhere(~np.isfinite(cast))[0])
            raise DataError(
                f"state of layer {layer}, {cell.parts[part]}: {array[part, sequence, unit]} at "
                f"series {sequence}, unit {unit}; expected finite numbers in the range of {dtype}"
            )
        found.append(cast)
    return tuple(found)
