"""Runs the pathological tasks of Martens and Sutskever (2011), one after the other.

Each is a run directory of ``reservoir train``: what was interrupted goes on, what is over stays
over. After each run the table is written again.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
from pathlib import Path
from typing import IO

from pathological.runs import GROUPS, Run, runs
from pathological.table import Finding, finding, markdown
from reservoir.jobs.interruption import SIGNALS

AGAIN = 75  # a run that was interrupted


def main() -> int:
    """Run what is left, and print the table."""
    help_of_groups = "; ".join(f"{name}: {words}" for name, words in GROUPS.items())
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument(
        "groups", nargs="*", metavar="GROUP", help=f"all by default. {help_of_groups}"
    )
    parser.add_argument("--seeds", type=int, nargs="*", help="only these")
    parser.add_argument("--tasks", nargs="*", help="only these")
    parser.add_argument("-o", "--output", type=Path, default=Path("pathological-output"))
    parser.add_argument(
        "--slack", type=float, default=1.0,
        help="let a run take so many times its budget on the wall, on a machine that others use; "
        "what counts as solved is the processor time",
    )  # fmt: skip
    parser.add_argument("--table", action="store_true", help="print the table, run nothing")
    options = parser.parse_args()
    if unknown := set(options.groups) - set(GROUPS):
        parser.error(f"no group {', '.join(sorted(unknown))}; there are {', '.join(GROUPS)}")
    directory: Path = options.output
    directory.mkdir(exist_ok=True)
    chosen = [
        run for run in runs()
        if run.group in (options.groups or GROUPS)
        and (options.seeds is None or run.seed in options.seeds)
        and (options.tasks is None or run.task in options.tasks)
    ]  # fmt: skip
    code = 0
    for run in [] if options.table else chosen:
        ended = train(run, directory, options.slack)
        write(directory, options.slack)
        code = ended or code  # one that failed is not forgotten
        if ended == AGAIN:
            print("interrupted: the same command goes on", file=sys.stderr)
            break
    print(write(directory, options.slack))
    return code


def train(run: Run, directory: Path, slack: float) -> int:
    """Run or go on with one; its log goes to a file beside its directory."""
    print(f"{run.name}: at most {run.minutes:g} minutes", file=sys.stderr, flush=True)
    command = [sys.executable, "-m", "reservoir.cli.main"]
    target = directory / run.name
    with (directory / f"{run.name}.log").open("a") as log:
        code = call(command + run.arguments(str(target), slack), log)
    if code not in (0, AGAIN):
        print(f"{run.name}: exit code {code}, see {log.name}", file=sys.stderr)
    return code


def call(command: list[str], log: IO[str]) -> int:
    """The exit code of a command; a signal that asks to end is handed on, and its end awaited."""
    with subprocess.Popen(command, stdout=log, stderr=log) as process:
        before = {
            number: signal.signal(number, lambda *_: process.terminate()) for number in SIGNALS
        }
        try:
            return process.wait()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def write(directory: Path, slack: float) -> str:
    """The table of all runs that have begun, written and returned."""
    found: list[Finding] = [one for run in runs() if (one := finding(run, directory)) is not None]
    table = markdown(found, slack)
    (directory / "table.md").write_text(table)
    return table


if __name__ == "__main__":
    sys.exit(main())
