"""The work of ``reservoir evaluate``: outputs and controls against the truth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from reservoir.analysis.errors import Scores, mean_control, persistence, score
from reservoir.checkpoint import Checkpoint, read
from reservoir.checkpoint.estimator import parameters_of
from reservoir.cli import columns, pictures, text
from reservoir.cli.data import opened, spans
from reservoir.cli.progress import progress
from reservoir.errors import DataError
from reservoir.esn.model import ESN
from reservoir.esn.pairing import washout_of
from reservoir.esn.predict import predict
from reservoir.series.table import Table

SHOWN = 300  # steps in the picture

Array = NDArray[Any]


@dataclass(frozen=True)
class Job:
    """What was asked for."""

    model: str
    data: str
    input_columns: str | None
    target_columns: str | None
    missing_targets: str | None
    as_json: bool
    plot: str | None


@dataclass(frozen=True)
class Compared:
    """What is said and what is true at the same steps, the washout left out."""

    washout: int
    truth: Array  # (n, M)
    said: dict[str, Array]  # by the model and by the controls, (n, M)


def run(job: Job) -> None:
    """Compare and print."""
    if job.plot is not None:
        pictures.check(job.plot)
    checkpoint = read(job.model)
    model = checkpoint.record
    with opened([job.data]) as (table,):
        compared = _compared(model, table, job, _skip_missing(checkpoint, job))
    scores = {name: score(compared.truth, said) for name, said in compared.said.items()}
    if job.as_json:
        text.print_json(_document(job, model, compared, scores))
    else:
        _print(model, scores)
    if job.plot is not None:
        from reservoir.analysis.pictures import prediction_picture

        truth, said = compared.truth[:SHOWN], compared.said["model"][:SHOWN]
        first = compared.washout + model.horizon
        picture = prediction_picture(truth, said, model.target_names, first, scores["model"].nrmse)
        pictures.write(job.plot, picture)


def _skip_missing(checkpoint: Checkpoint, job: Job) -> bool:
    told = parameters_of(checkpoint).get("missing_targets", "error")
    return (job.missing_targets or told) == "skip"


def _compared(model: ESN, table: Table, job: Job, skip_missing: bool) -> Compared:
    """Run the model along the table.

    Raises
    ------
    DataError
        Fewer rows than the washout or the horizon need, or missing values.
    """
    rows, horizon = len(table.values), model.horizon
    washout = washout_of(model.washout, rows, table.source)
    if rows - horizon <= washout:
        raise DataError(
            f"{table.source} has {rows:,} rows, not more than the washout of {washout:,} and the "
            f"horizon of {horizon:,} together"
        )
    chosen = columns.inputs_of_model(model, table, job.input_columns)
    targets = columns.targets_of_model(model, table, chosen, job.target_columns)
    values = spans([table.select(targets)], "DATA").read(0, 0, rows, nan=skip_missing)
    inputs = spans([table.select(chosen)], "DATA")
    with progress(inputs, "evaluate") as told:
        (outputs,) = predict(model, told)
    # The output of step t is for row t + horizon; a target of the same step is known one later.
    scored = slice(washout + horizon, rows)
    truth = values[scored]
    said = {
        "model": outputs[washout : rows - horizon],
        "persistence": persistence(values, max(1, horizon))[scored],
        "mean": mean_control(truth),
    }
    return Compared(washout, truth, said)


def _print(model: ESN, scores: dict[str, Scores]) -> None:
    header = ("target", "said by", "steps", "RMSE", "NRMSE", "R2", "MAE")
    rows = []
    for m, target in enumerate(model.target_names):
        for name, each in scores.items():
            measured = (each.rmse, each.nrmse, each.r2, each.mae)
            numbers = [text.number(float(values[m])) for values in measured]
            rows.append((target, name, f"{each.steps[m]:,}", *numbers))
    text.print_table(header, rows, left=2)


def _document(
    job: Job, model: ESN, compared: Compared, scores: dict[str, Scores]
) -> dict[str, Any]:
    def of_target(m: int) -> dict[str, Any]:
        return {
            name: {
                field: getattr(each, field)[m] for field in ("steps", "rmse", "nrmse", "r2", "mae")
            }
            for name, each in scores.items()
        }

    return {
        "checkpoint": job.model,
        "data": job.data,
        "horizon": model.horizon,
        "washout": compared.washout,
        "targets": {name: of_target(m) for m, name in enumerate(model.target_names)},
    }
