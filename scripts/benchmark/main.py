"""``scripts/benchmark_esn``: options, and what is printed around the table."""

import argparse
import json
import shlex
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from benchmark import table
from benchmark.machine import load, machine
from benchmark.measure import Measured, measure
from benchmark.rows import Row, rows

PACKAGES = ("reservoir-hfopt", "reservoirpy", "rclib", "numpy", "scipy", "numba")

ABOUT = """\
Density 0.1, leak 0.3, spectral radius 0.9, one input and one target, ridge 1e-6, washout 100.
Medians of the rounds; in a round every package does its work once. Each package runs in a process
of its own, on all cores, with the threads it uses by default: ours one a core, ReservoirPy those of
NumPy's BLAS, rclib those of OpenMP. Before each run as much memory as all states take is written to
once and stays with the process: new pages are not a part of what is measured, for on virtual
machines their first touch can cost more than the work.
ReservoirPy has the same matrices as ours, rclib draws one of the same kind. Peers run
{peer_steps:,} steps, ours {steps:,}; fits of the peers have one fixed ridge. "32 series" and
"64 starts" are held against one series of the peers, a step and a start. In brackets: how many
times as long as ours, and how near ours is to the floor, which is operations and bytes over the
machine's rates of that moment (scripts/benchmark/floor.py)."""


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/benchmark_esn",
        description="Compare echo state networks of this package, ReservoirPy and rclib.",
    )
    parser.add_argument("--units", type=int, nargs="+", default=[100, 500, 1000, 2000], metavar="N")
    parser.add_argument("--steps", type=int, default=200_000, help="of our series")
    parser.add_argument("--peer-steps", type=int, default=20_000, help="of the peers' series")
    parser.add_argument("--closed-steps", type=int, default=10_000, help="of closed loops")
    parser.add_argument("--repeats", type=int, default=5, help="rounds")
    parser.add_argument(
        "--rows", nargs="+", metavar="TEXT", help="only rows whose name and N contain one of these"
    )
    parser.add_argument("--quick", action="store_true", help="few steps, two rounds")
    parser.add_argument("--targets", action="store_true", help="show the ratios aimed at")
    parser.add_argument("--check", action="store_true", help="exit with 1 below a least ratio")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every single time")
    arguments = parser.parse_args(argv)
    if arguments.quick:
        arguments.steps, arguments.peer_steps = 6400, 3000
        arguments.closed_steps, arguments.repeats = 1000, 2
    return arguments


def _chosen(arguments: argparse.Namespace) -> list[Row]:
    listed = rows(arguments.units, arguments.steps, arguments.peer_steps, arguments.closed_steps)
    if arguments.rows:
        listed = [row for row in listed if any(text in row.key for text in arguments.rows)]
    if not listed:
        sys.exit("scripts/benchmark_esn: no row has such a name")
    return listed


def _record(chosen: Sequence[Row], measured: Measured, where: dict[str, str]) -> str:
    lines = [
        {
            "name": row.name,
            "units": row.units,
            "microseconds": measured.microseconds(row.ours),
            "ratios": table.ratios(row, measured),
            "floor_microseconds": table.floor_microseconds(row, measured),
        }
        for row in chosen
    ]
    jobs = [
        {**asdict(job), "seconds": seconds, "first_seconds": measured.first[job]}
        for job, seconds in measured.seconds.items()
    ]
    record = {"machine": where, "rows": lines, "jobs": jobs, "rates": measured.rates}
    return json.dumps(record, indent=1)


def main(argv: Sequence[str]) -> int:
    arguments = _arguments(argv)
    chosen = _chosen(arguments)
    where = machine(PACKAGES)
    with tempfile.TemporaryDirectory() as folder:
        measured = measure(chosen, arguments.repeats, Path(folder))
    where["load"] += f" before, {load()} after"
    print(f"`{shlex.join(['scripts/benchmark_esn', *argv])}`\n")
    for name, value in where.items():
        print(f"- {name}: {value}")
    print(f"- rates: {table.rates_text(measured)}")
    first = sum(s for job, s in measured.first.items() if job.package == "ours")
    print(f"- our first calls, which compile or load the kernels: {first:.1f} s, not counted\n")
    print(table.tables(chosen, measured, targets=arguments.targets))
    print("\n" + ABOUT.format(steps=arguments.steps, peer_steps=arguments.peer_steps))
    below = table.misses(chosen, measured)
    if arguments.targets and below:
        print("\nNot reached:\n" + "\n".join(f"- {line}" for line in below))
    if arguments.json:
        arguments.json.write_text(_record(chosen, measured, where))
    return int(arguments.check and any(", least " in line for line in below))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
