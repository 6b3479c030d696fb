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
@click.argument("data", type=File(), envvar="RESERVOIR_PREDICT_DATA")
@click.option(
    "-o",
    "--output",
    type=File(),
    default="-",
    help="Table to write: CSV, NPY, NPZ or HDF5 by suffix, - for CSV.",
)
@click.option(
    "--input-columns",
    metavar="COLUMNS",
    help="The inputs in DATA; by default found by the names in the model.",
)
def predict(model: str, data: str, output: str, input_columns: str | None) -> None:
    """Write the outputs of MODEL for each row of DATA.

    The series starts at the zero state: the first outputs, as many as the washout, are rough.
    Text has a first column, step: the number of the row of DATA, from 0. A model of horizon h
    says in the row of step t what will be h rows later.
    """
    import numpy as np

    from reservoir.checkpoint import read
    from reservoir.cli.columns import inputs_of_model
    from reservoir.cli.data import opened, spans
    from reservoir.cli.progress import progress
    from reservoir.cli.tables import write_steps
    from reservoir.esn.predict import predict as outputs_of
    from reservoir.series.writing import check_output

    check_output(output)
    record = read(model).record
    with opened([data]) as (table,):
        inputs = spans([table.select(inputs_of_model(record, table, input_columns))], "DATA")
        with progress(inputs, "predict") as told:
            (outputs,) = outputs_of(record, told)
    write_steps(output, outputs, record.target_names, np.arange(len(outputs)))
