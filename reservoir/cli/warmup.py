"""``reservoir warmup``."""

from __future__ import annotations

import click

from reservoir.cli.program import Command

EPILOG = """\b
Example:
  reservoir warmup
"""


@click.command("warmup", cls=Command, epilog=EPILOG)
def warmup() -> None:
    """Compile every kernel into the cache, so that no later command has to.

    Prints a line for each: form of W, type of numbers, one series or many as lanes, and the
    seconds. The cache is in RESERVOIR_CACHE_DIR, XDG_CACHE_HOME/reservoir or ~/.cache/reservoir,
    and is keyed by the source of the kernels and the versions of Python and Numba.
    """
    import time

    from reservoir.cli.log import log
    from reservoir.esn.warmup import SPECIALIZATIONS, warm
    from reservoir.kernels.cache import cache_directory

    directory = cache_directory()
    if directory is None:
        log.warning(
            "no directory for the cache can be written: every process compiles its kernels again; "
            "set RESERVOIR_CACHE_DIR"
        )
    began = time.perf_counter()
    compiled = 0
    for specialization in SPECIALIZATIONS:
        done = warm(specialization)
        compiled += not done.cached
        origin = "from the cache" if done.cached else "compiled"
        click.echo(f"{specialization!s:<32}  {done.seconds:6.2f} s  {origin}")
    total = time.perf_counter() - began
    count = len(SPECIALIZATIONS)
    if compiled:
        click.echo(f"compiled {compiled} of {count} kernels in {total:.1f} s")
    else:
        click.echo(f"all {count} kernels were in the cache: {total:.1f} s")
    click.echo(f"cache: {directory or 'none'}")
