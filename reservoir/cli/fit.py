"""``reservoir fit``."""

from __future__ import annotations

from typing import Any

import click

from reservoir.cli.parameters import File, Numbers, Picture, Ridge, Washout
from reservoir.cli.program import Command

FRACTION = click.FloatRange(0, 1, min_open=True)
POSITIVE = click.FloatRange(min=0)

SECTIONS = {
    "Data": ("input_columns", "target_columns", "horizon", "washout", "missing_targets",
             "standardize"),
    "Reservoir": ("units", "spectral_radius", "leak_rate", "input_scaling", "bias_scaling",
                  "topology", "connectivity", "input_connectivity", "weight_values",
                  "input_values", "activation", "feedback", "feedback_scaling", "noise", "dtype",
                  "seed"),
    "Readout": ("ridge", "ridge_per_target", "folds", "solver", "direct"),
    "Output": ("output", "plot"),
}  # fmt: skip

EPILOG = """\b
Example:
  reservoir fit laser.csv -o laser.h5 --units 200 --seed 0
"""


@click.command("fit", cls=Command, sections=SECTIONS, epilog=EPILOG)
@click.argument("data", nargs=-1, required=True, type=File(), envvar="RESERVOIR_FIT_DATA")
@click.option("-o", "--output", type=File(), required=True, help="Checkpoint to write (HDF5).")
@click.option("--input-columns", metavar="COLUMNS",
              help="Names, numbers from 0 or ranges 0:4, with commas; all by default.")
@click.option("--target-columns", metavar="COLUMNS",
              help="Of the same files; the input columns by default.")
@click.option("--horizon", type=click.IntRange(min=0),
              help="Steps ahead at which targets are predicted; by default 1 if all targets are "
                   "inputs too, else 0.")
@click.option("--washout", type=Washout(), default="auto",
              help="Steps at the start of each series that are not scored; auto is a tenth of "
                   "it, at most 100.")
@click.option("--missing-targets", type=click.Choice(["error", "skip"]), default="error",
              help="What NaN in the targets does.")
@click.option("--standardize/--no-standardize", default=True,
              help="Bring columns to zero mean and unit variance.")
@click.option("--units", type=click.IntRange(min=1), default=500, help="Units of the reservoir.")
@click.option("--spectral-radius", type=POSITIVE, default=0.9, help="Spectral radius of W.")
@click.option("--leak-rate", type=FRACTION, default=1.0, help="1 is no leak; smaller is slower.")
@click.option("--input-scaling", type=Numbers(), default=1.0,
              help="Largest input weight, one for all or one a column.")
@click.option("--bias-scaling", type=POSITIVE, default=0.2, help="Largest bias.")
@click.option("--topology", default="random",
              type=click.Choice(["random", "orthogonal", "cycle", "cycle_jumps", "delay_line",
                                 "small_world"]), help="Form of W.")
@click.option("--connectivity", type=FRACTION,
              help="Fraction of non-zeros of W; by default ten a unit.")
@click.option("--input-connectivity", type=FRACTION, default=1.0,
              help="Fraction of non-zeros of the input weights.")
@click.option("--weight-values", type=click.Choice(["uniform", "normal", "signs"]),
              default="uniform", help="Distribution of the non-zeros of W.")
@click.option("--input-values", type=click.Choice(["uniform", "normal", "signs"]),
              default="uniform", help="Distribution of the input weights.")
@click.option("--activation", type=click.Choice(["tanh", "logistic", "relu", "identity"]),
              default="tanh", help="Of the units.")
@click.option("--feedback/--no-feedback", default=False,
              help="Feed outputs back to the units; targets must not be inputs then.")
@click.option("--feedback-scaling", type=Numbers(), default=1.0,
              help="Largest feedback weight, one for all or one a target.")
@click.option("--noise", type=POSITIVE, default=0.0,
              help="Standard deviation of noise inside the activation, in the fit alone.")
@click.option("--dtype", type=click.Choice(["float64", "float32"]), default="float64",
              help="Of weights, states and outputs.")
@click.option("--seed", type=click.IntRange(min=0), help="Of the weights; drawn by default.")
@click.option("--ridge", type=Ridge(), default="blocks",
              help="Penalty; candidates, chosen from by blocks; or a criterion on a grid.")
@click.option("--ridge-per-target/--no-ridge-per-target", default=False,
              help="Choose a ridge for each target.")
@click.option("--folds", type=click.IntRange(min=2), default=5, help="Blocks of --ridge blocks.")
@click.option("--solver", type=click.Choice(["gram", "qr"]), default="gram",
              help="Normal equations, or triangular factors: more digits, twice the time.")
@click.option("--direct/--no-direct", default=False, help="Let the readout see the inputs too.")
@click.option("--plot", type=Picture(), help="Draw the error over the ridge path (PNG).")
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

    Each file is one series; datasets in HDF5 are read in chunks. Without target columns the
    model learns the next step of its inputs and can forecast.
    """  # fmt: skip
    from reservoir.cli import fitting

    fitting.run(
        fitting.Job(
            data, output, input_columns, target_columns, horizon, seed, plot, parameters
        )
    )
