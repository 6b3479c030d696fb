"""``reservoir predict``."""

from __future__ import annotations

import click

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
@click.option(
    "--input-columns",
    metavar="COLUMNS",
    help="The inputs in DATA; by default found by the names in the model.",
)
def predict(model: str, data: tuple[str, ...], output: str, input_columns: str | None) -> None:
    """Write the outputs of MODEL for each row of the series in DATA...

    Each file is one series and starts at the zero state: the first outputs, as many as the
    washout, are rough. Text has a first column, step: the number of the row of DATA, from 0. A
    model of horizon h says in the row of step t what will be h rows later. Several series become
    the datasets series_0, series_1, ... of an HDF5 file.

    HDF5 and NPY files are read, and outputs written, piece by piece: they may be larger than
    memory. The output takes its name when it is complete.
    """
    from contextlib import closing

    from reservoir.checkpoint import read
    from reservoir.checkpoint.estimator import time_parallel_of
    from reservoir.cli.columns import inputs_of_model
    from reservoir.cli.data import opened, spans
    from reservoir.cli.progress import progress
    from reservoir.cli.tables import write_outputs
    from reservoir.esn.predict import predicted
    from reservoir.series.formats import output_format
    from reservoir.series.writing import check_output

    check_output(output)
    if len(data) > 1 and output_format(output) != "hdf5":
        raise click.UsageError(
            f"the outputs of {len(data)} series go into one HDF5 file: give -o FILE.h5"
        )
    checkpoint = read(model)
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
