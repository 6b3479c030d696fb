"""The work of ``reservoir diagnose``: instruments along sequences, shown, drawn and stored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from reservoir.analysis import Diagnosis, diagnose, follow_training
from reservoir.analysis.diagnosis_arrays import labelled
from reservoir.checkpoint import Checkpoint, read, write, write_labelled
from reservoir.cli import diagnosis_tables, pictures, text
from reservoir.cli.diagnosing_data import Choice, subject_of
from reservoir.cli.log import log
from reservoir.cli.models import open_model
from reservoir.cli.overwriting import keep_checkpoints, refuse_overwriting
from reservoir.errors import CheckpointError, DataError, InUseError
from reservoir.jobs.owner import NAME as OWNER
from reservoir.jobs.owner import owning
from reservoir.jobs.run_directory import RunDirectory
from reservoir.rnn import Model
from reservoir.series.atomic import check_creatable
from reservoir.series.formats import output_format
from reservoir.series.labelled import Labelled

MAP = "gradient_map"  # too many numbers for a text


@dataclass(frozen=True)
class Options:
    """What was asked for, by the names of the options."""

    input_columns: str | None
    target_columns: str | None
    task: str | None
    length: int | None
    sequences: int
    seed: int | None
    steps: int
    exponents: int | None
    lag: int | None
    memory: bool
    best: bool
    as_json: bool
    plot: str | None
    output: str | None
    save: bool

    def choice(self, data: Sequence[str]) -> Choice:
        """Which sequences."""
        return Choice(
            data, self.input_columns, self.target_columns, self.task, self.length,
            self.sequences, self.seed, self.steps,
        )  # fmt: skip


class InUse(click.ClickException):
    """A checkpoint of a run that goes on."""

    exit_code = 75


def run(path: str, data: Sequence[str], options: Options) -> None:
    """Diagnose, print, and write what was asked for."""
    if options.plot is not None:
        pictures.check(options.plot)
    if options.output is not None:
        if output_format(options.output) != "hdf5":
            raise click.UsageError(f"-o {options.output}: labelled arrays go into a file .h5")
        check_creatable(options.output)
    file, checkpoint = open_model(path, best=options.best)
    if options.output is not None:
        refuse_overwriting(options.output, (file, *data))
        keep_checkpoints(options.output)
    if options.save:
        check_creatable(file)
    subject = subject_of(checkpoint, options.choice(data))
    if options.exponents is not None and options.exponents > subject.size:
        raise DataError(
            f"--exponents {options.exponents}: the state of this model has {subject.size} numbers, "
            "and as many exponents"
        )
    found = diagnose(
        subject, exponents=options.exponents, max_lag=options.lag, memory=options.memory
    )
    course, exponents = None, found.spectrum.exponents
    if found.flow is not None and Path(path).is_dir():
        kept, count = list(_parameters(RunDirectory(Path(path)), checkpoint)), len(exponents)
        if len(kept) > 1:
            course = follow_training(subject, kept, max_lag=options.lag, exponents=count)
    arrays = labelled(found, course)
    if options.as_json:
        text.print_json(_document(file, data, found, arrays))
    else:
        diagnosis_tables.print_all(file, found, course)
    if options.plot is not None:
        from reservoir.analysis.diagnosis_picture import diagnosis_picture

        pictures.write(options.plot, diagnosis_picture(found, course))
    if options.output is not None:
        write_labelled(options.output, arrays)
    if options.save:
        _save(file, checkpoint, arrays)


def _parameters(
    directory: RunDirectory, checkpoint: Checkpoint
) -> Iterator[tuple[int, NDArray[np.float64]]]:
    """Steps and parameters of the numbered checkpoints, oldest first, as far as they are sound."""
    for step, path in directory.numbered():
        try:
            record = read(path).record
        except CheckpointError as error:
            if path.exists():  # it may have been deleted meanwhile
                log.warning(str(error))
            continue
        if isinstance(record, Model) and _alike(record, checkpoint.record):
            yield step, record.theta
        else:
            log.warning(f"{path}: holds another network, left out")


def _alike(a: Model, b: Any) -> bool:
    """Whether two records are of one network."""
    if not isinstance(b, Model):
        return False
    one, other = a.network, b.network
    shape = (one.cells, one.inputs, one.outputs)
    return shape == (other.cells, other.inputs, other.outputs)


def _save(file: str, checkpoint: Checkpoint, arrays: dict[str, Labelled]) -> None:
    """Put the arrays into the checkpoint, which keeps its origin; not while a run goes on."""
    directory = Path(file).parent
    try:
        with owning(directory) if (directory / OWNER).exists() else nullcontext():
            if not Path(file).exists():
                raise CheckpointError(f"{file}: was deleted meanwhile")
            found = replace(checkpoint, diagnosis=arrays)
            write(found, file, provenance=dict(checkpoint.provenance))
    except InUseError as error:
        raise InUse(f"{error}; --save would meet its checkpoints") from None


def _document(
    file: str, data: Sequence[str], found: Diagnosis, arrays: dict[str, Labelled]
) -> dict[str, Any]:
    return {
        "checkpoint": file,
        "data": list(data),
        "steps": found.lengths,
        "verdict": found.verdict.regime.value,
        "message": found.verdict.message,
        "left_out": found.left_out,
        "arrays": {
            name: {
                "dims": array.dims,
                "values": array.values,
                "description": array.description,
                "units": array.units,
            }
            for name, array in arrays.items()
            if name != MAP
        },
    }
