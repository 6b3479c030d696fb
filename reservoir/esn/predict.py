"""What a fitted ESN says: outputs along series, states, and forecasts in a closed loop."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reservoir import threads
from reservoir.errors import DataError
from reservoir.esn.block import Block
from reservoir.esn.closed import closed
from reservoir.esn.drives import Teacher
from reservoir.esn.harvest import Harvest
from reservoir.esn.model import ESN, Position, Reservoir
from reservoir.esn.piece import Piece, fill
from reservoir.esn.recurrence import origin
from reservoir.series.collection import Collection
from reservoir.series.scaler import Scaler

STEPS_A_PIECE = 1024


def check_inputs(model: ESN, inputs: Collection) -> None:
    """Refuse series whose columns are not those of the model.

    Raises
    ------
    DataError
    """
    expected = model.reservoir.W_in.shape[1]
    if inputs.series and inputs.columns != expected:
        raise DataError(
            f"{inputs.name} has {inputs.columns} columns, the model was fitted with {expected}"
        )


def read_out(model: ESN, states: NDArray[Any], inputs: NDArray[Any]) -> NDArray[Any]:
    """Scaled outputs (n, M) of states (n, N) and scaled inputs (n, K), in the model's dtype."""
    units, dtype = model.reservoir.units, model.reservoir.dtype
    weights = model.readout.weights.astype(dtype)
    with threads.single_blas():
        outputs = states @ weights[:units] + model.readout.intercept.astype(dtype)
        if len(weights) > units:
            outputs += inputs @ weights[units:]
    return np.asarray(outputs)


def states(
    reservoir: Reservoir, scaler: Scaler, inputs: Collection, *, time_parallel: str = "auto"
) -> list[NDArray[Any]]:
    """All states (T, N) of each series, from the zero state, outputs not fed back."""
    return Harvest(reservoir, inputs, scaler, time_parallel=time_parallel).states()


def predicted(
    model: ESN, inputs: Collection, *, time_parallel: str = "auto"
) -> Generator[Piece, None, None]:
    """Outputs along each series piece by piece, so that neither inputs nor outputs are all held.

    The pieces of a series come in the order of its steps, those of several series mixed. With
    feedback weights the model's own outputs are fed back.

    Raises
    ------
    DataError
        If the columns are not those of the model, or a value is not finite.
    """
    check_inputs(model, inputs)
    if model.reservoir.W_fb.shape[1]:
        zero = origin(model.reservoir, len(model.continues))
        forced = replace(model, continues=np.full_like(model.continues, -1))
        yield from closed(forced, inputs, [zero] * len(inputs.series))
        return
    waiting: list[Piece] = []
    harvest = Harvest(
        model.reservoir,
        inputs,
        model.input_scaler,
        time_parallel=time_parallel,
        held=len(model.continues),
    )
    for item in threads.ahead(harvest):
        if isinstance(item, Block):
            pieces = _pieces(model, item)
            if item.settled:
                yield from pieces
            else:
                waiting += pieces
        else:
            if item.stands:
                yield from _in_order(waiting)
            waiting = []


def _pieces(model: ESN, block: Block) -> list[Piece]:
    """The outputs of a block."""
    raw = model.target_scaler.raw(read_out(model, block.states, block.inputs))
    return [Piece(block.series, start, raw[rows]) for start, rows in block.pieces()]


def _in_order(pieces: list[Piece]) -> Iterator[Piece]:
    """Pieces in any order that fill a stretch of a series, put together and cut anew."""
    if not pieces:
        return
    start = min(piece.start for piece in pieces)
    steps = sum(len(piece.outputs) for piece in pieces)
    outputs = np.empty((steps, pieces[0].outputs.shape[1]), pieces[0].outputs.dtype)
    for piece in pieces:
        outputs[piece.start - start :][: len(piece.outputs)] = piece.outputs
    for begin in range(0, steps, STEPS_A_PIECE):
        yield Piece(pieces[0].series, start + begin, outputs[begin : begin + STEPS_A_PIECE])


def predict(model: ESN, inputs: Collection, *, time_parallel: str = "auto") -> list[NDArray[Any]]:
    """Outputs (T, M) along each series, in raw units, all in memory: see ``predicted``."""
    return _joined(model, inputs, predicted(model, inputs, time_parallel=time_parallel))


def _joined(model: ESN, inputs: Collection, pieces: Iterable[Piece]) -> list[NDArray[Any]]:
    outputs = [np.empty((n, len(model.continues)), model.reservoir.dtype) for n in inputs.lengths]
    fill(outputs, "list", pieces)
    return outputs


def context_ends(
    model: ESN,
    context: Collection,
    targets: Collection | None = None,
    *,
    time_parallel: str = "auto",
) -> list[Position]:
    """Where each context leaves the model.

    Parameters
    ----------
    targets
        For models with feedback: forced along the context. Without them the model's own outputs
        are fed back.
    """
    check_inputs(model, context)
    feedback = model.reservoir.W_fb.shape[1] > 0
    if feedback and targets is None:
        raise DataError(
            "a model with feedback needs the targets of the context (y) for its forecast"
        )
    teacher = None
    if feedback and targets is not None:
        if targets.lengths != context.lengths:
            raise DataError(
                f"{targets.name} has {targets.lengths} steps, {context.name} has "
                f"{context.lengths}; expected the same lengths"
            )
        if targets.columns != len(model.continues):
            raise DataError(
                f"{targets.name} has {targets.columns} columns, the model was fitted with "
                f"{len(model.continues)}"
            )
        teacher = Teacher(targets, model.target_scaler)
    harvest = Harvest(
        model.reservoir,
        context,
        model.input_scaler,
        teacher=teacher,
        time_parallel=time_parallel,
    )
    for _ in harvest:
        pass
    if feedback:
        return harvest.ends
    return [
        replace(end, y=read_out(model, end.x[np.newaxis], end.u[np.newaxis])[0])
        for end in harvest.ends
    ]


def forecast(
    model: ESN, steps: int, starts: list[Position], exogenous: Collection | None = None
) -> list[NDArray[Any]]:
    """Outputs (steps, M) after each start, the loop closed, in raw units.

    Parameters
    ----------
    exogenous
        The inputs of the forecast steps, one series a start; columns that outputs replace are not
        read. May be left out if outputs replace every column.

    Raises
    ------
    DataError
        If the model cannot run closed, or exogenous inputs are missing or too short.
    """
    feedback = model.reservoir.W_fb.shape[1] > 0
    columns = model.reservoir.W_in.shape[1]
    replaced = {int(c) for c in model.continues if c >= 0}
    if not feedback and not (replaced and model.horizon == 1):
        raise DataError(
            "this model cannot run in a closed loop: its outputs are not its next inputs. Fit it "
            "on the series alone (fit(X) without y; horizon 1), or with feedback"
        )
    # A continuing output is the next input: the first one is there before any step is taken.
    driven = steps if feedback else max(0, steps - 1)
    if exogenous is None:
        if len(replaced) < columns:
            missing = [n for i, n in enumerate(model.input_names) if i not in replaced]
            raise DataError(
                f"the forecast needs future values of the inputs {', '.join(missing)}: give "
                f"{driven} rows of inputs"
            )
        zeros = np.zeros((driven, columns))
        exogenous = Collection((zeros,) * len(starts), "inputs", "list")
    check_inputs(model, exogenous)
    if len(exogenous.series) != len(starts) or min(exogenous.lengths, default=driven) < driven:
        raise DataError(
            f"{exogenous.name} has {len(exogenous.series)} series of {exogenous.lengths} steps; "
            f"expected {len(starts)} of at least {driven}"
        )
    cut = [np.array(s[0:driven], np.float64) for s in exogenous.series]
    for rows in cut:
        rows[:, sorted(replaced)] = 0.0  # whatever stands there
    future = Collection(tuple(cut), exogenous.name, exogenous.form)
    outputs = _joined(model, future, closed(model, future, starts))
    if feedback:
        return outputs
    firsts = [model.target_scaler.raw(start.y[np.newaxis]) for start in starts]
    return [
        np.concatenate([first, rest])[:steps] for first, rest in zip(firsts, outputs, strict=True)
    ]
