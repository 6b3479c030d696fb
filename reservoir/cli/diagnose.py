"""``reservoir diagnose``."""

from __future__ import annotations

from typing import Any

import click

from reservoir.cli import model_options
from reservoir.cli.parameters import File, Picture
from reservoir.cli.program import Command
from reservoir.cli.train_options import TASKS

EPILOG = """\b
Example:
  reservoir diagnose laser.h5 laser.csv
"""

WHOLE = click.IntRange(min=1)


@click.command("diagnose", cls=Command, epilog=EPILOG)
@click.argument("model", type=File(), envvar="RESERVOIR_DIAGNOSE_MODEL")
@click.argument("data", nargs=-1, type=File(), envvar="RESERVOIR_DIAGNOSE_DATA")
@model_options.input_columns
@model_options.target_columns
@click.option(
    "--task",
    type=TASKS,
    metavar="NAME",
    help="Fresh sequences of a generated task; by default of that which a network was trained on.",
)
@click.option(
    "--length",
    type=WHOLE,
    metavar="T",
    help="Length of the task's sequences; by default that of the training, else 100.",
)
@click.option(
    "--sequences",
    type=WHOLE,
    metavar="N",
    default=20,
    help="How many fresh sequences, or of DATA the first, are followed.",
)
@model_options.seed
@click.option(
    "--steps",
    type=WHOLE,
    metavar="N",
    default=2000,
    help="How many steps, the first, of series with a target at each.",
)
@click.option(
    "--exponents",
    type=WHOLE,
    metavar="N",
    help="How many Lyapunov exponents, the leading ones; 10 by default.",
)
@click.option(
    "--lag",
    type=WHOLE,
    metavar="STEPS",
    help="The longest lag of gradients and of products of Jacobians; by default what takes about "
    "a second.",
)
@click.option(
    "--memory",
    is_flag=True,
    help="Memory and processing capacity, kernel and generalization rank too: seconds for 100 "
    "units.",
)
@model_options.best
@model_options.as_json
@click.option("--plot", type=Picture(), help="Draw all of it (PNG).")
@click.option(
    "-o", "--output", type=File(), metavar="FILE.h5", help="Write labelled arrays, for xarray."
)
@click.option(
    "--save", is_flag=True, help="Write them into the checkpoint, as the group /diagnosis."
)
def diagnose(model: str, data: tuple[str, ...], **options: Any) -> None:
    """Say what vanishes and what explodes in MODEL, driven by the series in DATA...

    First a verdict, from the leading Lyapunov exponent. Then exponents; bounds by the recurrent
    weights beside what is measured, and how saturated activations are; singular values and
    eigenvalues of products of Jacobians; the gradient's norm |dE_t/dh_k| by lag t-k, and which
    share of the gradient comes from where (along it, so that lags up to one may have more than
    100 % if later ones point against it); a perturbation of the fixed point beside the power of its
    eigenvalue.

    MODEL may be the directory of a training run: then the gradient is also shown for each numbered
    checkpoint that is there. "reservoir train --keep 1000" keeps more than the newest three. A
    network that was trained on a generated task is driven by fresh sequences of it, if there is no
    DATA. Without targets in DATA there are no gradients.
    """
    from reservoir.cli import diagnosing

    diagnosing.run(model, data, diagnosing.Options(**options))
