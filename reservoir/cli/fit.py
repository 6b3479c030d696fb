"""``reservoir fit``."""

from __future__ import annotations

from typing import Any

import click

from reservoir.cli.fit_options import SECTIONS
from reservoir.cli.parameters import File
from reservoir.cli.program import Command

EPILOG = """\b
Example:
  reservoir fit laser.csv -o laser.h5 --units 200 --seed 0
"""


@click.command("fit", cls=Command, sections=SECTIONS, epilog=EPILOG)
@click.argument("data", nargs=-1, required=True, type=File(), envvar="RESERVOIR_FIT_DATA")
def fit(
    data: tuple[str, ...],
    output: str,
    input_columns: str | None,
    target_columns: str | None,
    horizon: int | None,
    seed: int | None,
    plot: str | None,
    **parameters: Any,
) -> None:
    """Fit an echo state network on the series in DATA... and write a checkpoint.

    Each file is one series. HDF5 and NPY files are read piece by piece and may be larger than
    memory. Without target columns the model learns the next step of its inputs and can forecast.
    """
    from reservoir.cli import fitting

    fitting.run(
        fitting.Job(data, output, input_columns, target_columns, horizon, seed, plot, parameters)
    )
