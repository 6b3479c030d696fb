"""The work of ``reservoir train``: from options to a job, and from its end to words."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np

from reservoir.checkpoint import Checkpoint
from reservoir.cli import pictures, text
from reservoir.cli.clipping import clipping_of
from reservoir.cli.log import log
from reservoir.cli.models import open_model
from reservoir.cli.sequences import Columns, read_sequences
from reservoir.cli.train_options import TASK_OPTIONS
from reservoir.cli.training_rows import Rows
from reservoir.errors import DataError, InUseError
from reservoir.esn.model import ESN
from reservoir.jobs import settings
from reservoir.jobs.forcing import as_generator, forcing_settings
from reservoir.jobs.from_reservoir import reservoir_settings
from reservoir.jobs.from_trained import trained_settings
from reservoir.jobs.given_source import GivenSource, given
from reservoir.jobs.interruption import Flag, Interrupted
from reservoir.jobs.job import Job
from reservoir.jobs.remedies import remedy_settings
from reservoir.jobs.run_directory import RunDirectory
from reservoir.jobs.settings import CELLS, NETWORK, OPTIMIZERS, RunSettings
from reservoir.jobs.source import Source
from reservoir.jobs.task_source import TaskSource
from reservoir.jobs.training import Ending, Outcome, train
from reservoir.rnn import Model

DONE, FAILED = 0, 1

Options = Mapping[str, Any]


def run(data: Sequence[str], options: Options, flag: Flag) -> int:
    """Train, print what came out, and return the exit code."""
    try:
        return _run(data, options, flag)
    except Interrupted as signal:
        log.warning(f"{signal}: the same command goes on with the run")
    except InUseError as error:
        log.warning(f"{error}; try again later")
    return int(options["requeue_exit_code"])


def _run(data: Sequence[str], options: Options, flag: Flag) -> int:
    if options["plot"] is not None:
        pictures.check(options["plot"])
    directory = RunDirectory(Path(options["output"]), options["keep"])
    seed = _seed(directory, options)
    source, horizon = _source(data, options, seed)
    generates = isinstance(source, GivenSource) and source.generates
    forcing = forcing_settings(options, generates)
    job = _job(source, options, seed, horizon, forcing)
    run_settings = _run_settings(source, options)
    job.check()
    size = job.start().network.size
    log.info(f"training {size:,} parameters, seed {seed}", seed=seed, parameters=size)
    outcome = train(
        job,
        directory,
        run_settings,
        flag,
        fresh=options["fresh"],
        tell=log.info,
        warn=log.warning,
        show=Rows().show,
    )
    if options["plot"] is not None:
        from reservoir.analysis.training_picture import training_picture

        pictures.write(options["plot"], training_picture(outcome.history.arrays()))
    text.print_pairs(_report(directory, job, outcome, run_settings))
    return FAILED if outcome.ending is Ending.NOT_FINITE else DONE


def _seed(directory: RunDirectory, options: Options) -> int:
    """The seed that is given, that of the run so far, or a new one."""
    if options["seed"] is not None:
        return int(options["seed"])
    found = None if options["fresh"] else directory.newest().checkpoint
    stored = _job_of(found).get("seed")
    if isinstance(stored, int) and stored >= 0:
        return int(stored)
    return secrets.randbits(32)


def _job_of(checkpoint: Checkpoint | None) -> Mapping[str, Any]:
    if checkpoint is None or checkpoint.run is None:
        return {}
    return checkpoint.run.job


def _source(data: Sequence[str], options: Options, seed: int) -> tuple[Source, int]:
    """Where sequences come from, and how far ahead their targets are."""
    task = {name: options[name] for name in TASK_OPTIONS if options[name] is not None}
    if options["task"] is not None:
        for name in ("validation", "validation_fraction", "input_columns", "target_columns",
                     "horizon", "loss", "standardize"):  # fmt: skip
            if options[name] not in (None, ()):
                raise click.UsageError(f"{settings.option(name)} is for DATA, not for --task")
        for name, asked in (("--classes", options["classes"]), ("--feedback", options["feedback"]),
                            ("--targets last", options["targets"] == "last")):  # fmt: skip
            if asked:
                raise click.UsageError(f"{name} is for DATA, not for --task")
        if data:
            raise click.UsageError(f"give either --task or DATA, not both: {data[0]}")
        tested = options["test_sequences"] or settings.TEST_SEQUENCES
        length = options["length"] or 100
        source = TaskSource(options["task"], length, task, seed, tested)
        source.task.control()  # an option that the task refuses
        return source, 0
    if not data:
        raise click.UsageError("nothing to train on: give --task NAME, or DATA")
    for name in ("length", "test_sequences", *task):
        if options[name] is not None:
            raise click.UsageError(f"{settings.option(name)} is for --task, not for DATA")
    return _from_files(data, options, seed)


def _from_files(data: Sequence[str], options: Options, seed: int) -> tuple[GivenSource, int]:
    validation, fraction = options["validation"], options["validation_fraction"]
    if validation and fraction:
        raise click.UsageError("give --validation or --validation-fraction, not both")
    if options["target"] and not (validation or fraction):
        raise click.UsageError(
            "--target is a validation loss: give --validation or --validation-fraction too"
        )
    if options["patience"] and not (validation or fraction):
        raise click.UsageError(
            "--patience watches the validation loss: give --validation or --validation-fraction too"
        )
    asked = Columns(
        options["input_columns"],
        options["target_columns"],
        options["horizon"],
        options["targets"],
        options["classes"],
        options["loss"],
    )
    learned, horizon = read_sequences(data, asked)
    held_out = read_sequences(validation, asked)[0] if validation else None
    standardize = options["standardize"]
    if standardize is None:
        standardize = bool(learned.input_names)
    source = given(
        learned, validation=held_out, fraction=fraction or 0.0, standardize=standardize, seed=seed,
        horizon=horizon,
    )  # fmt: skip
    return as_generator(source, options, horizon), horizon


def _job(source: Source, options: Options, seed: int, horizon: int, forcing: Options) -> Job:
    """The job of some options, defaults put in."""
    cell, optimizer = options["cell"], options["optimizer"]
    network = _named(options, NETWORK, *CELLS.values())
    record: ESN | Model | None = None
    if options["structural_damping_c"] and cell != "lstm":
        raise DataError(
            f"--structural-damping-c is on cell states, which lstm has and {cell} has not"
        )
    if options["init_from"] is not None:
        checkpoint = open_model(options["init_from"], best=False)[1]
        if isinstance(checkpoint.record, Model):
            record = checkpoint.record
            network = trained_settings(record, network)
        else:
            esn = record = checkpoint.esn
            network = reservoir_settings(esn, cell, network)
    else:
        network = settings.network_settings(cell, network)
    return Job(
        source,
        network,
        settings.optimizer_settings(optimizer, _named(options, *OPTIMIZERS.values())),
        settings.batch_settings(optimizer, options, source.count),
        options["validate_every"] or settings.EVERY[settings.kind_of(optimizer)],
        seed,
        horizon,
        remedy_settings(options),
        record,
        forcing,
    )


def _named(options: Options, *tables: Options) -> dict[str, Any]:
    """The options that occur in some tables."""
    names = {name for table in tables for name in table}
    return {name: value for name, value in options.items() if name in names}


def _run_settings(source: Source, options: Options) -> RunSettings:
    kind = settings.kind_of(options["optimizer"])
    steps, target = options["max_steps"], options["target"]
    return RunSettings(
        max_steps=settings.MAX_STEPS[kind] if steps is None else steps,
        time_limit=options["time_limit"],
        processor_limit=options["processor_limit"],
        checkpoint_every=options["checkpoint_every"] or settings.EVERY[kind],
        metrics_every=options["metrics_every"],
        keep=options["keep"],
        target=source.target if target is None else target,
        patience=options["patience"],
    )


def _report(
    directory: RunDirectory, job: Job, outcome: Outcome, run_settings: RunSettings
) -> list[tuple[str, str]]:
    """What a user wants to know at the end."""
    history, source = outcome.history, job.source
    solved = outcome.ending is Ending.TARGET
    pairs = [("run", str(directory.path)), ("checkpoint", str(outcome.checkpoint))]
    if directory.best.exists():
        pairs.append(("best", str(directory.best)))
    word = "solved" if solved else "not solved"
    if outcome.ending is Ending.NOT_FINITE:
        word = "failed"
    elif not run_settings.target:
        word = "done"
    pairs.append(("result", word))
    steps = int(history["step"][-1]) if len(history) else 0
    pairs.append(("ended", f"{outcome.ending.value}, after {steps:,} steps"))
    if len(history):
        if "products" in history.names:
            pairs.append(("products", f"{int(history['products'].sum()):,}"))
        pairs.append(("training loss", text.number(float(history["value"][-1]))))
        clipping = clipping_of(history.arrays())
        if clipping is not None and clipping.share:
            pairs.append(("clipped", str(clipping)))
    if outcome.score is not None:
        where = "fresh" if source.count is None else "validation"
        pairs.append((f"{where} loss", text.number(outcome.score.loss)))
        if np.isfinite(outcome.score.free_run):
            pairs.append(("free run loss", text.number(outcome.score.free_run)))
        if np.isfinite(outcome.score.wrong):
            size = f" of {source.tested:,} sequences" if isinstance(source, TaskSource) else ""
            pairs.append(("wrong", f"{100 * outcome.score.wrong:.2f} %{size}"))
    if isinstance(source, TaskSource):
        control = source.task.control()
        pairs.append(
            ("without memory",
             f"loss {text.number(control.loss)}, wrong {100 * control.wrong:.2f} %")
        )  # fmt: skip
    seconds = float(history["seconds"][-1]) if len(history) else 0.0
    return [*pairs, ("seed", str(job.seed)), ("time", f"{seconds:.1f} s")]
