"""``reservoir evaluate``."""

from __future__ import annotations

import click

from reservoir.cli.parameters import File, Picture
from reservoir.cli.program import Command

EPILOG = """\b
Example:
  reservoir evaluate laser.h5 laser.csv
"""


@click.command("evaluate", cls=Command, epilog=EPILOG)
@click.argument("model", type=File(), envvar="RESERVOIR_EVALUATE_MODEL")
@click.argument("data", nargs=-1, required=True, type=File(), envvar="RESERVOIR_EVALUATE_DATA")
@click.option(
    "--input-columns",
    metavar="COLUMNS",
    help="The inputs in DATA; by default found by the names in the model.",
)
@click.option(
    "--target-columns",
    metavar="COLUMNS",
    help="The targets in DATA; by default found by the names in the model.",
)
@click.option(
    "--missing-targets",
    type=click.Choice(["error", "skip"]),
    help="What NaN in the targets does; by default what it did in the fit.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--plot", type=Picture(), help="Draw outputs, truth and error (PNG).")
def evaluate(
    model: str,
    data: tuple[str, ...],
    input_columns: str | None,
    target_columns: str | None,
    missing_targets: str | None,
    as_json: bool,
    plot: str | None,
) -> None:
    """Print the errors of MODEL on the series in DATA..., beside those of two controls.

    Persistence says the last known value of the target (for horizon h the value h steps before);
    the mean says the mean of the truth. NRMSE is RMSE divided by the standard deviation of the
    truth. The washout of each series is skipped. Several series are scored together. HDF5 and
    NPY files may be larger than memory.
    """
    from reservoir.cli import evaluating

    evaluating.run(
        evaluating.Job(model, data, input_columns, target_columns, missing_targets, as_json, plot)
    )
