"""``reservoir warmup``."""

from __future__ import annotations

import click

from reservoir.cli.program import Command

EPILOG = """\b
Example:
  reservoir warmup
  reservoir warmup --only esn
"""


@click.command("warmup", cls=Command, epilog=EPILOG)
@click.option(
    "--only",
    type=click.Choice(["esn", "rnn", "analysis"]),
    help="The kernels of echo state networks, of trained networks, or of their analysis.",
)
def warmup(only: str | None) -> None:
    """Compile every kernel into the cache, so that no later command has to.

    Prints a line for each group of kernels and the seconds. The cache is in RESERVOIR_CACHE_DIR,
    XDG_CACHE_HOME/reservoir or ~/.cache/reservoir, and is keyed by the source of the kernels and
    the versions of Python and Numba.
    """
    import time

    from reservoir.analysis import warmup as analysis
    from reservoir.cli.log import log
    from reservoir.esn import warmup as esn
    from reservoir.kernels.cache import cache_directory
    from reservoir.rnn import warmup as rnn

    directory = cache_directory()
    if directory is None:
        log.warning(
            "no directory for the cache can be written: every process compiles its kernels again; "
            "set RESERVOIR_CACHE_DIR"
        )
    began = time.perf_counter()
    compiled = count = 0
    for model in (esn, rnn, analysis):
        if only is not None and not model.__name__.startswith(f"reservoir.{only}."):
            continue
        for specialization in model.SPECIALIZATIONS:
            done = model.warm(specialization)
            compiled += not done.cached
            count += 1
            origin = "from the cache" if done.cached else "compiled"
            click.echo(f"{specialization!s:<32}  {done.seconds:6.2f} s  {origin}")
    total = time.perf_counter() - began
    if compiled:
        click.echo(f"compiled {compiled} of {count} groups of kernels in {total:.1f} s")
    else:
        click.echo(f"all {count} groups of kernels were in the cache: {total:.1f} s")
    click.echo(f"cache: {directory or 'none'}")
