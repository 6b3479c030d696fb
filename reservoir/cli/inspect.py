"""``reservoir inspect``."""

from __future__ import annotations

import click

from reservoir.cli.parameters import File
from reservoir.cli.program import Command

EPILOG = """\b
Example:
  reservoir inspect laser.h5
"""


@click.command("inspect", cls=Command, epilog=EPILOG)
@click.argument("model", type=File(), envvar="RESERVOIR_INSPECT_MODEL")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def inspect(model: str, as_json: bool) -> None:
    """Say what is in the checkpoint MODEL: sizes, settings, ridge path, origin.

    A file that is no checkpoint, damaged or too new is refused with the reason (exit 65).
    """
    from reservoir.checkpoint import read
    from reservoir.cli import inspecting, text

    checkpoint = read(model)
    if as_json:
        text.print_json(inspecting.document(model, checkpoint))
    else:
        inspecting.print_all(model, checkpoint)
