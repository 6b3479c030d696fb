"""``reservoir import``."""

from __future__ import annotations

import click

from reservoir.cli.parameters import Choice, File
from reservoir.cli.program import Command
from reservoir.cli.train_options import LOSSES

EPILOG = """\b
Example:
  reservoir import lstm.npz -o lstm.h5
"""


@click.command("import", cls=Command, epilog=EPILOG)
@click.argument("weights", type=File(), envvar="RESERVOIR_IMPORT_WEIGHTS")
@click.option("-o", "--output", type=File(), required=True, help="Checkpoint to write.")
@click.option(
    "--recurrent",
    metavar="PREFIX",
    help='What stands before weight_ih_l0: "rnn." for rnn.weight_ih_l0. Found if there is one.',
)
@click.option(
    "--readout",
    metavar="PREFIX",
    help='What stands before weight and bias of the readout: "fc." for fc.weight; none takes the '
    "hidden states for outputs. Found if only one fits.",
)
@click.option(
    "--activation",
    type=Choice("activation", ("tanh", "relu")),
    default="tanh",
    help="Of an nn.RNN, whose weights do not tell.",
)
@click.option("--loss", type=LOSSES, default="squared_error", help="Of the outputs.")
@click.option(
    "--at",
    type=Choice("at", ("every", "last")),
    default="every",
    help="Whether targets belong to each step or to the last one.",
)
@click.option(
    "--dtype",
    type=Choice("dtype", ("float64", "float32")),
    default="float64",
    help="In which the network computes; weights are kept in float64.",
)
def import_(
    weights: str,
    output: str,
    recurrent: str | None,
    readout: str | None,
    activation: str,
    loss: str,
    at: str,
    dtype: str,
) -> None:
    """Make a checkpoint of PyTorch's WEIGHTS, a state dict as .npz or .safetensors.

    Of nn.RNN, nn.LSTM or nn.GRU, in layers, and a linear readout. Without options the file may hold
    no other weights; with both prefixes given others are left aside. Bidirectional layers and
    projections are refused. In PyTorch, write the file by

    \b
      numpy.savez("lstm.npz", **{k: v.cpu().numpy() for k, v in model.state_dict().items()})
    """
    from reservoir.checkpoint import Checkpoint, write
    from reservoir.cli.text import print_pairs
    from reservoir.cli.weights import facts, imported
    from reservoir.series.atomic import check_creatable

    check_creatable(output)
    model = imported(
        weights, recurrent, readout, activation=activation, loss=loss, at=at, dtype=dtype
    )
    write(Checkpoint(model), output)
    print_pairs([("model", output), *facts(model)])
