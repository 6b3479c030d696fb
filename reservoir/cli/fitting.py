"""The work of ``reservoir fit``: from tables to a checkpoint."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import click
import numpy as np

from reservoir.checkpoint import Checkpoint, estimator, write
from reservoir.cli import columns, pictures, text
from reservoir.cli.data import Spans, opened, spans
from reservoir.cli.log import log
from reservoir.cli.progress import progress
from reservoir.errors import ColumnError
from reservoir.esn import fit as esn_fit
from reservoir.esn.build import Recipe, build, noise_entropy
from reservoir.esn.gathering import Settings
from reservoir.esn.model import ESN
from reservoir.esn.pairing import Data, washout_of
from reservoir.esn.ridge import parse_ridge
from reservoir.series.atomic import check_creatable
from reservoir.series.scaler import Scaler, measure, unscaled
from reservoir.series.table import Table
from reservoir.weights.seeds import generator


@dataclass(frozen=True)
class Job:
    """What was asked for."""

    data: Sequence[str]
    output: str
    input_columns: str | None
    target_columns: str | None
    horizon: int | None
    seed: int | None
    plot: str | None
    parameters: Mapping[str, Any]  # those of ESNRegressor that are options


def run(job: Job) -> None:
    """Fit, write the checkpoint and print what came out."""
    check_creatable(job.output)
    seed = secrets.randbits(32) if job.seed is None else job.seed
    settings = _settings(job.parameters)
    if job.plot is not None:
        pictures.check(job.plot)
        if settings.ridge.criterion == "fixed":
            raise click.UsageError(
                "--plot draws the error over the ridge path; one fixed --ridge has no path"
            )
    began = time.perf_counter()
    with opened(job.data) as tables:
        task = _task(tables, job, settings)
        log.info(
            f"fitting {job.parameters['units']} units on {sum(task.inputs.lengths):,} steps "
            f"of {len(tables)} series, seed {seed}",
            seed=seed,
        )
        model, spread = _fitted(task, job.parameters, settings, seed)
        named = tables[0].named
    matrices = dict.fromkeys(("W", "W_in", "W_fb", "bias"))
    document = estimator.document(
        {**job.parameters, **matrices, "random_state": seed}, model.input_names if named else ()
    )
    write(Checkpoint(model, estimator=document), job.output, provenance={"seed": seed})
    seconds = time.perf_counter() - began
    if job.plot is not None:
        from reservoir.analysis.pictures import ridge_path_picture

        pictures.write(job.plot, ridge_path_picture(model.ridge_path, model.target_names))
    text.print_pairs(_report(job.output, model, task.inputs, spread, seed, seconds))


def _settings(parameters: Mapping[str, Any]) -> Settings:
    names = {field.name for field in fields(Settings)} - {"ridge"}
    ridge = parse_ridge(parameters["ridge"], parameters["ridge_per_target"])
    return Settings(ridge, **{name: parameters[name] for name in names})


@dataclass(frozen=True)
class _Task:
    """Inputs and targets, and what they are."""

    inputs: Spans
    targets: Spans
    labels: esn_fit.Labels
    skip_missing: bool

    def data(self, inputs: Spans) -> Data:
        """The pairing, with ``inputs`` for its inputs."""
        return Data(inputs, self.targets, self.labels.horizon, self.skip_missing)


def _task(tables: Sequence[Table], job: Job, settings: Settings) -> _Task:
    """Choose columns and horizon.

    Raises
    ------
    ColumnError
        Columns that are not there, or differ between the files.
    click.UsageError
        Options that do not go together.
    """
    chosen = [_chosen(table, tables[0], job) for table in tables]
    inputs, targets = [list(side) for side in zip(*chosen, strict=True)]
    input_names, target_names = inputs[0].columns, targets[0].columns
    places = {name: i for i, name in enumerate(input_names)}
    among = [places.get(name, -1) for name in target_names]
    horizon = job.horizon
    if horizon is None:
        horizon = 1 if min(among) >= 0 else 0
    if job.parameters["feedback"] and (horizon > 0 or max(among) >= 0):
        raise click.UsageError(
            "--feedback needs --target-columns that are no inputs, and --horizon 0"
        )
    if horizon == 0 and max(among) >= 0:
        shared = ", ".join(name for name in target_names if name in places)
        log.warning(f"{shared}: an input of the same step as the target, which it gives away")
    for table in inputs:
        washout_of(settings.washout, len(table.values), table.source)
    for option, expected in (("input", len(input_names)), ("feedback", len(target_names))):
        _check_scaling(job.parameters, f"{option}_scaling", expected)
    continues = np.array(among if horizon == 1 else [-1] * len(among), np.int64)
    return _Task(
        spans(inputs, "DATA"),
        spans(targets, "DATA", horizon),
        esn_fit.Labels(continues, horizon, input_names, target_names),
        job.parameters["missing_targets"] == "skip",
    )


def _chosen(table: Table, first: Table, job: Job) -> tuple[Table, Table]:
    """The inputs and targets of a table; columns that are not named follow the first table."""
    if job.input_columns is not None:
        inputs = columns.resolve(job.input_columns, table)
    elif table is first:
        inputs = tuple(range(len(table.columns)))
    else:
        inputs = columns.match(first.columns, table, "--input-columns", or_all=True)
    targets = inputs
    if job.target_columns is not None:
        targets = columns.resolve(job.target_columns, table)
    return table.select(inputs), table.select(targets)


def _check_scaling(parameters: Mapping[str, Any], name: str, expected: int) -> None:
    value = parameters[name]
    if isinstance(value, list) and len(value) != expected:
        option = f"--{name.replace('_', '-')}"
        raise ColumnError(f"{option} has {len(value)} numbers for {expected} columns")


def _fitted(
    task: _Task, parameters: Mapping[str, Any], settings: Settings, seed: int
) -> tuple[ESN, Scaler]:
    """The model, and the measured mean and deviation of the targets."""
    rng = generator(seed)
    names = {field.name for field in fields(Recipe)}
    recipe = Recipe(**{name: value for name, value in parameters.items() if name in names})
    reservoir = build(recipe, task.inputs.columns, task.targets.columns, rng)
    measured = measure(task.inputs), measure(task.targets, nan=task.skip_missing)
    scalers = measured
    if not parameters["standardize"]:
        scalers = unscaled(task.inputs.columns), unscaled(task.targets.columns)
    passes = 2 if settings.ridge.criterion == "loo" else 1
    with progress(task.inputs, "fit", passes) as inputs:
        model, _ = esn_fit.fit(
            reservoir, task.data(inputs), scalers, settings, task.labels, noise_entropy(rng)
        )
    return model, measured[1]


def _report(
    output: str, model: ESN, inputs: Spans, spread: Scaler, seed: int, seconds: float
) -> list[tuple[str, str]]:
    path = model.ridge_path
    ahead = f", {model.horizon} step{'s' * (model.horizon > 1)} ahead" if model.horizon else ""
    ridges = ", ".join(text.number(ridge) for ridge in np.unique(path.chosen))
    pairs = [
        ("model", output),
        ("series", f"{len(inputs.series):,}"),
        ("steps", f"{sum(inputs.lengths):,}"),
        ("scored", f"{path.scored:,}"),
        ("inputs", ", ".join(model.input_names)),
        ("targets", ", ".join(model.target_names) + ahead),
        ("units", f"{model.reservoir.units:,}"),
        ("ridge", f"{ridges} ({path.criterion})"),
    ]
    if path.criterion != "fixed":
        best = np.argmax(path.candidates[:, np.newaxis] == path.chosen, axis=0)
        squared = path.errors[best, np.arange(len(best))]
        relative = squared * (model.target_scaler.scale / spread.scale) ** 2
        nrmse = float(np.sqrt(relative.mean()))
        pairs.append(("NRMSE", f"{text.number(nrmse)} (held out by {path.criterion})"))
    return [
        *pairs,
        ("condition", text.number(path.condition, 2)),
        ("seed", str(seed)),
        ("time", f"{seconds:.2f} s"),
    ]
