"""``reservoir predict``."""

from __future__ import annotations

import click

from reservoir.cli import model_options
from reservoir.cli.parameters import File
from reservoir.cli.program import Command

EPILOG = """\b
Example:
  reservoir predict laser.h5 laser.csv -o predicted.csv
"""


@click.command("predict", cls=Command, epilog=EPILOG)
@click.argument("model", type=File(), envvar="RESERVOIR_PREDICT_MODEL")
@click.argument("data", nargs=-1, required=True, type=File(), envvar="RESERVOIR_PREDICT_DATA")
@click.option(
    "-o",
    "--output",
    type=File(),
    default="-",
    help="Table to write: CSV, NPY, NPZ or HDF5 by suffix, - for CSV; several series go "
    "into one HDF5 file.",
)
@model_options.input_columns
@model_options.best
def predict(
    model: str, data: tuple[str, ...], output: str, input_columns: str | None, best: bool
) -> None:
    """Write the outputs of MODEL for each row of the series in DATA...

    Each file is one series and starts at the zero state: the first outputs, as many as the
    washout, are rough. Text has a first column, step: the number of the row of DATA, from 0. A
    model of horizon h says in the row of step t what will be h rows later. Several series become
    the datasets series_0, series_1, ... of an HDF5 file.

    A network trained for the last step of each series gives a table with a row a series; classes
    have a column of probabilities each. MODEL may be the directory of a run: its newest checkpoint
    is meant. DATA may be a file of "reservoir task".

    With an echo state network, HDF5 and NPY files are read, and outputs written, piece by piece:
    they may be larger than memory. The output takes its name when it is complete.
    """
    from contextlib import closing

    from reservoir.checkpoint.estimator import time_parallel_of
    from reservoir.cli import predicting_trained
    from reservoir.cli.columns import inputs_of_model
    from reservoir.cli.data import opened, spans
    from reservoir.cli.models import open_model
    from reservoir.cli.overwriting import refuse_overwriting
    from reservoir.cli.progress import progress
    from reservoir.cli.tables import write_outputs
    from reservoir.esn.predict import predicted
    from reservoir.rnn import Model
    from reservoir.series.formats import output_format
    from reservoir.series.writing import check_output

    check_output(output)
    file, checkpoint = open_model(model, best=best)
    refuse_overwriting(output, (file, *data))
    if isinstance(checkpoint.record, Model):
        predicting_trained.run(checkpoint.record, data, output, input_columns)
        return
    if len(data) > 1 and output_format(output) != "hdf5":
        raise click.UsageError(
            f"the outputs of {len(data)} series go into one HDF5 file: give -o FILE.h5"
        )
    record = checkpoint.esn
    with opened(data) as tables:
        chosen = [table.select(inputs_of_model(record, table, input_columns)) for table in tables]
        with (
            progress(spans(chosen, "DATA"), "predict") as inputs,
            closing(
                predicted(record, inputs, time_parallel=time_parallel_of(checkpoint))
            ) as pieces,
        ):
            write_outputs(output, record, inputs, pieces)
