"""The work of ``reservoir forecast``: context, closed loop, and the truth beside it."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from reservoir.analysis.errors import score, valid_steps
from reservoir.checkpoint import Checkpoint
from reservoir.checkpoint.estimator import time_parallel_of
from reservoir.cli import columns, pictures, text
from reservoir.cli.data import Spans, opened, spans
from reservoir.cli.forecasting_trained import forecasted, named
from reservoir.cli.log import log
from reservoir.cli.models import open_model
from reservoir.cli.overwriting import refuse_overwriting
from reservoir.cli.parameters import row_range
from reservoir.cli.progress import progress
from reservoir.cli.tables import write_steps
from reservoir.errors import DataError
from reservoir.esn import predict as esn_predict
from reservoir.esn.model import ESN, Position
from reservoir.rnn import Model as Trained
from reservoir.series.collection import Collection
from reservoir.series.scaler import measure
from reservoir.series.table import Table
from reservoir.series.writing import check_output

THRESHOLD = 0.4  # of the normalised error, beyond which a forecast has lost the truth

Array = NDArray[Any]


@dataclass(frozen=True)
class Job:
    """What was asked for."""

    model: str
    data: str | None
    steps: int
    context: str
    future: str | None
    output: str
    input_columns: str | None
    target_columns: str | None
    plot: str | None
    best: bool


@dataclass(frozen=True)
class Known:
    """What DATA says of the targets, before and after the start of the forecast."""

    before: Array  # (n, M)
    after: Array  # (m, M) m is at most the number of steps
    scale: Array  # (M,) standard deviation over all rows


def run(job: Job) -> None:
    """Forecast, write the table, and say how far it is from the truth."""
    check_output(job.output)
    if job.plot is not None:
        pictures.check(job.plot)
    if job.data is None and (job.context != ":" or job.input_columns or job.target_columns):
        raise click.UsageError("--context and the columns choose in DATA, and there is no DATA")
    file, checkpoint = open_model(job.model, best=job.best)
    refuse_overwriting(job.output, [path for path in (file, job.data, job.future) if path])
    with _optional(job.data) as tables:
        table = tables[0] if tables else None
        run_closed = _trained if isinstance(checkpoint.record, Trained) else _closed
        outputs, first, known = run_closed(checkpoint, table, job)
        model: ESN | Trained = checkpoint.record
        if isinstance(model, Trained):
            model = named(model)
    write_steps(job.output, outputs, model.target_names, range(first, first + job.steps))
    if known is not None and len(known.after):
        _tell_errors(outputs[: len(known.after)], known, model.target_names)
    if job.plot is not None:
        from reservoir.analysis.pictures import forecast_picture

        before = known.before if known else np.empty((0, len(model.target_names)))
        after = known.after if known else before
        picture = forecast_picture(before, after, {"forecast": outputs}, model.target_names, first)
        pictures.write(job.plot, picture)


def _closed(
    checkpoint: Checkpoint, table: Table | None, job: Job
) -> tuple[Array, int, Known | None]:
    """Outputs of an echo state network, their first row in DATA, and what DATA knows."""
    model = checkpoint.esn
    first, start, known = 0, model.end, None
    if table is not None:
        begin, first = row_range(job.context, len(table.values), table.source)
        start, known = _follow(checkpoint, table, (begin, first), job)
    future = _future(model, table, first, job)
    (outputs,) = esn_predict.forecast(model, job.steps, [start], future)
    return outputs, first, known


def _trained(
    checkpoint: Checkpoint, table: Table | None, job: Job
) -> tuple[Array, int, Known | None]:
    """The same of a trained network."""
    assert isinstance(checkpoint.record, Trained)
    model = named(checkpoint.record)
    if table is None:
        raise click.UsageError(
            "a trained network keeps no end of its training: give DATA that it follows first"
        )
    begin, end = row_range(job.context, len(table.values), table.source)
    inputs = columns.inputs_of_model(model, table, job.input_columns)
    targets = None
    if model.feedback or job.plot is not None or end < len(table.values):
        targets = table.select(columns.targets_of_model(model, table, inputs, job.target_columns))
    outputs = forecasted(model, table, (begin, end), job.steps, inputs, targets, job.future)
    return outputs, end, None if targets is None else _known(targets, (begin, end), job.steps)


def _optional(path: str | None) -> AbstractContextManager[list[Table]]:
    return nullcontext([]) if path is None else opened([path])


def _follow(
    checkpoint: Checkpoint, table: Table, rows: tuple[int, int], job: Job
) -> tuple[Position, Known | None]:
    """Where the context leaves the model, and what is known of the targets."""
    model = checkpoint.esn
    begin, end = rows
    if isinstance(model.washout, int) and end - begin < model.washout:
        log.warning(
            f"the context has {end - begin:,} rows, less than the washout of {model.washout:,}: "
            "the model has not yet forgotten its zero state"
        )
    inputs = columns.inputs_of_model(model, table, job.input_columns)
    feedback = model.reservoir.W_fb.shape[1] > 0
    forced, known = None, None
    if feedback or job.plot is not None or end < len(table.values):
        chosen = columns.targets_of_model(model, table, inputs, job.target_columns)
        targets = table.select(chosen)
        known = _known(targets, rows, job.steps)
        forced = spans([targets], "DATA", begin, end) if feedback else None
    context = spans([table.select(inputs)], "DATA", begin, end)
    with progress(context, "follow") as told:
        (start,) = esn_predict.context_ends(
            model, told, forced, time_parallel=time_parallel_of(checkpoint)
        )
    return start, known


def _known(targets: Table, rows: tuple[int, int], steps: int) -> Known:
    begin, end = rows
    shown = max(begin, end - max(50, steps // 2))
    stop = min(end + steps, len(targets.values))
    before, after = spans([targets], "DATA", shown, end), spans([targets], "DATA", end, stop)
    return Known(
        before.read(0, 0, end - shown, nan=True),
        after.read(0, 0, stop - end, nan=True),
        measure(spans([targets], "DATA"), nan=True).scale,
    )


def _future(model: ESN, table: Table | None, first: int, job: Job) -> Collection | None:
    """Future inputs (rows, K): from ``--future``, else from the rows of DATA after the context."""
    feedback = model.reservoir.W_fb.shape[1] > 0
    replaced = {int(column) for column in model.continues if column >= 0}
    others = [i for i in range(len(model.input_names)) if i not in replaced]
    if not feedback and not replaced:
        return None  # no closed loop: the forecast says so
    if not others:
        if job.future is not None:
            raise click.UsageError("--future: the outputs replace all inputs of this model")
        return None
    needed = job.steps if feedback else job.steps - 1
    if job.future is not None:
        with opened([job.future]) as (given,):
            names = [model.input_names[i] for i in others]
            chosen = columns.match(names, given, "another file", or_all=True)
            return _scattered(spans([given.select(chosen)], "--future"), others, needed, model)
    if table is None:
        return None
    inputs = columns.inputs_of_model(model, table, job.input_columns)
    rest = spans([table.select([inputs[i] for i in others])], "DATA", first)
    return _scattered(rest, others, needed, model)


def _scattered(given: Spans, columns_given: list[int], needed: int, model: ESN) -> Collection:
    """The given columns in their places among all inputs of the model."""
    if given.lengths[0] < needed:
        names = ", ".join(model.input_names[i] for i in columns_given)
        raise DataError(
            f"{given.series[0].table.source}: has {given.lengths[0]:,} future rows of {names}, "
            f"the forecast needs {needed:,}; give more with --future"
        )
    inputs = np.zeros((needed, len(model.input_names)))
    inputs[:, columns_given] = given.read(0, 0, needed)
    return Collection((inputs,), given.name, "one")


def _tell_errors(outputs: Array, known: Known, names: tuple[str, ...]) -> None:
    scores = score(known.after, outputs)
    compared = len(known.after)
    for m, name in enumerate(names):
        rmse = float(scores.rmse[m])
        nrmse = rmse / float(known.scale[m])
        log.info(
            f"{name}: RMSE {text.number(rmse)}, NRMSE {text.number(nrmse)} over "
            f"{scores.steps[m]:,} steps of truth",
            target=name, rmse=rmse, nrmse=nrmse, steps=int(scores.steps[m]),
        )  # fmt: skip
    steps = valid_steps(known.after, outputs, known.scale, THRESHOLD)
    ending = f"all {steps:,} steps" if steps == compared else f"{steps:,} steps"
    log.info(
        f"the normalised error stays below {THRESHOLD} for {ending}",
        valid_steps=steps, threshold=THRESHOLD,
    )  # fmt: skip
