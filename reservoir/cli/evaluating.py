"""The work of ``reservoir evaluate``: outputs and controls against the truth."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reservoir import threads
from reservoir.analysis.errors import Persistence, Scores, scores
from reservoir.checkpoint import Checkpoint, read
from reservoir.checkpoint.estimator import parameters_of, time_parallel_of
from reservoir.cli import columns, pictures, text
from reservoir.cli.data import Spans, opened, spans
from reservoir.cli.progress import progress
from reservoir.errors import DataError
from reservoir.esn.model import ESN
from reservoir.esn.pairing import washout_of
from reservoir.esn.predict import predicted
from reservoir.series.scaler import measure
from reservoir.series.table import Table
from reservoir.series.tally import Tally

SHOWN = 300  # steps in the picture

Array = NDArray[Any]


@dataclass(frozen=True)
class Job:
    """What was asked for."""

    model: str
    data: Sequence[str]
    input_columns: str | None
    target_columns: str | None
    missing_targets: str | None
    as_json: bool
    plot: str | None


@dataclass(frozen=True)
class Compared:
    """What was found out, the washouts left out."""

    washouts: list[int]
    scores: dict[str, Scores]  # of the model and of the controls, over all series
    truth: Array  # (n, M) the first steps of the first series, for the picture
    said: Array  # (n, M)


def run(job: Job) -> None:
    """Compare and print."""
    if job.plot is not None:
        pictures.check(job.plot)
    checkpoint = read(job.model)
    model = checkpoint.esn
    with opened(job.data) as tables:
        compared = _compared(checkpoint, tables, job)
    if job.as_json:
        text.print_json(_document(job, model, compared))
    else:
        _print(model, compared.scores)
    if job.plot is not None:
        from reservoir.analysis.pictures import prediction_picture

        first = compared.washouts[0] + model.horizon
        nrmse = compared.scores["model"].nrmse
        picture = prediction_picture(
            compared.truth, compared.said, model.target_names, first, nrmse
        )
        pictures.write(job.plot, picture)


def _skip_missing(checkpoint: Checkpoint, job: Job) -> bool:
    told = parameters_of(checkpoint).get("missing_targets", "error")
    return (job.missing_targets or told) == "skip"


def _compared(checkpoint: Checkpoint, tables: Sequence[Table], job: Job) -> Compared:
    """Run the model along the tables.

    Raises
    ------
    DataError
        Fewer rows than the washout or the horizon need, or missing values.
    """
    model, skip_missing = checkpoint.esn, _skip_missing(checkpoint, job)
    horizon, targets = model.horizon, len(model.target_names)
    washouts = [_washout(model, table) for table in tables]
    inputs, truth = _chosen(model, tables, job)
    # The output of step t is for row t + horizon; a target of the same step is known one later.
    scored = tuple(
        replace(span, start=washout + horizon)
        for span, washout in zip(truth.series, washouts, strict=True)
    )
    mean = measure(replace(truth, series=scored), nan=skip_missing).mean
    persistence = [Persistence(max(1, horizon), targets) for _ in tables]
    for i, control in enumerate(persistence):
        control.follow(truth.read(i, 0, horizon, nan=skip_missing))
    tallies = {name: Tally(targets) for name in ("model", "persistence", "mean")}
    shown: list[tuple[Array, Array]] = []
    with (
        progress(inputs, "evaluate") as told,
        closing(predicted(model, told, time_parallel=time_parallel_of(checkpoint))) as pieces,
        threads.single_blas(),
    ):
        for piece in pieces:
            i, start = piece.series, piece.start + horizon
            stop = min(start + len(piece.outputs), truth.lengths[i])
            if start >= stop:
                continue
            values = truth.read(i, start, stop, nan=skip_missing)
            late = persistence[i].follow(values)
            rows = slice(max(0, washouts[i] - piece.start), len(values))
            known, outputs = values[rows], piece.outputs[rows]
            tallies["model"].add(known, outputs)
            tallies["persistence"].add(known, late[rows])
            tallies["mean"].add(known, np.broadcast_to(mean, known.shape))
            if i == 0 and sum(len(rows) for rows, _ in shown) < SHOWN:
                shown.append((known, outputs))
    first = [np.concatenate(rows)[:SHOWN] for rows in zip(*shown, strict=True)]
    found = {name: scores(tally) for name, tally in tallies.items()}
    return Compared(washouts, found, first[0], first[1])


def _chosen(model: ESN, tables: Sequence[Table], job: Job) -> tuple[Spans, Spans]:
    """Inputs and truth."""
    inputs, truth = [], []
    for table in tables:
        chosen = columns.inputs_of_model(model, table, job.input_columns)
        inputs.append(table.select(chosen))
        targets = columns.targets_of_model(model, table, chosen, job.target_columns)
        truth.append(table.select(targets))
    return spans(inputs, "DATA"), spans(truth, "DATA")


def _washout(model: ESN, table: Table) -> int:
    rows = len(table.values)
    washout = washout_of(model.washout, rows, table.source)
    if rows - model.horizon <= washout:
        raise DataError(
            f"{table.source} has {rows:,} rows, not more than the washout of {washout:,} and the "
            f"horizon of {model.horizon:,} together"
        )
    return washout


def _print(model: ESN, found: dict[str, Scores]) -> None:
    header = ("target", "said by", "steps", "RMSE", "NRMSE", "R2", "MAE")
    rows = []
    for m, target in enumerate(model.target_names):
        for name, each in found.items():
            measured = (each.rmse, each.nrmse, each.r2, each.mae)
            numbers = [text.number(float(values[m])) for values in measured]
            rows.append((target, name, f"{each.steps[m]:,}", *numbers))
    text.print_table(header, rows, left=2)


def _document(job: Job, model: ESN, compared: Compared) -> dict[str, Any]:
    def of_target(m: int) -> dict[str, Any]:
        return {
            name: {
                field: getattr(each, field)[m] for field in ("steps", "rmse", "nrmse", "r2", "mae")
            }
            for name, each in compared.scores.items()
        }

    return {
        "checkpoint": job.model,
        "data": list(job.data),
        "horizon": model.horizon,
        "washout": compared.washouts,
        "targets": {name: of_target(m) for m, name in enumerate(model.target_names)},
    }
