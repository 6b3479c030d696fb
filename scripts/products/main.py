"""``scripts/benchmark_products``: options, and what is printed around the table."""

import argparse
import json
import shlex
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from benchmark.machine import load, machine

from products import memory, table
from products.measure import Measured, measure
from products.rows import Row, rows

PACKAGES = ("reservoir-hfopt", "jax", "torch", "numpy", "scipy", "numba")

ABOUT = """\
B sequences of T steps, N units, two inputs, one output, squared error at every step, weights
N(0, 1/N), random inputs and targets. Medians of the rounds; in a round every package does its work,
for a fifth of a second or once, one package after the other, each in a process of its own on all
cores. In brackets: how many times as long as ours, the median of the rounds' ratios. Compiling is
not counted, nor is the linearization that products start from; freed memory stays with the process.
GFLOP/s counts the matrix products with N x N matrices alone: 8 B T N^2 for a product, 6 B T N^2 for
a gradient, four times that for LSTM and three times for GRU. The floor is the best matrix product
of the same rounds: of two 1024 x 1024 matrices, on all threads or one on each.
JAX goes the fastest of several ways, tried beforehand: tangents and adjoints compiled together, or
from a linearization that is kept, with its transpose or with `jax.vjp`, scans unrolled or not.
PyTorch has its own layers and its own backward pass, time-major. A GRU that resets after the matrix
product is held against PyTorch's, one that resets before it against the same in JAX."""


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/benchmark_products",
        description="Compare gradients and Gauss-Newton products of this package, JAX and PyTorch.",
    )
    parser.add_argument("--repeats", type=int, default=7, help="rounds")
    parser.add_argument(
        "--only",
        nargs="+",
        metavar="TEXT",
        help="only rows named with all of these texts: --only LSTM gradient '(256, 128, 100)'",
    )
    parser.add_argument("--list", action="store_true", help="name the rows and end")
    parser.add_argument("--memory", action="store_true", help="peak memory alone")
    parser.add_argument("--targets", action="store_true", help="show what is aimed at")
    parser.add_argument("--check", action="store_true", help="exit with 1 if an aim is not reached")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every single time")
    return parser.parse_args(argv)


def _chosen(arguments: argparse.Namespace) -> list[Row]:
    if arguments.memory:
        return []
    texts = arguments.only or []
    listed = [row for row in rows() if all(text in row.key for text in texts)]
    if not listed:
        sys.exit("scripts/benchmark_products: no row has such a name (--list names them)")
    return listed


def _record(
    chosen: Sequence[Row], measured: Measured, peaks: dict[str, float], where: dict[str, str]
) -> str:
    lines = [
        {
            "name": row.key,
            "milliseconds": measured.milliseconds(row.ours),
            "gflops": 1e-9 * measured.speed(row),
            "share": measured.share(row),
            "ratios": {peer: measured.ratio(row, peer) for peer in row.peers},
        }
        for row in chosen
    ]
    jobs = [
        {**asdict(job), "way": measured.ways[job], "seconds": seconds}
        for job, seconds in measured.seconds.items()
    ]
    record = {"machine": where, "rows": lines, "jobs": jobs, "rates": measured.rates}
    return json.dumps({**record, "memory": peaks}, indent=1)


def main(argv: Sequence[str]) -> int:
    arguments = _arguments(argv)
    chosen = _chosen(arguments)
    if arguments.list:
        print("\n".join(row.key for row in chosen))
        return 0
    where = machine(PACKAGES)
    measured = measure(chosen, arguments.repeats)
    peaks = {} if arguments.only else memory.measure()
    where["load"] += f" before, {load()} after"
    print(f"`{shlex.join(['scripts/benchmark_products', *argv])}`\n")
    for name, value in where.items():
        print(f"- {name}: {value}")
    if chosen:
        print(f"- matrix product: {table.rates_text(measured)}\n")
        print(table.table(chosen, measured, targets=arguments.targets))
        print("\n" + ABOUT)
    if peaks:
        print("\nPeak memory of linearization and product, in multiples of the states h:\n")
        print(table.memory_table(peaks))
    below = table.misses(chosen, measured) + table.memory_misses(peaks)
    if arguments.targets and below:
        print("\nNot reached:\n" + "\n".join(f"- {line}" for line in below))
    if arguments.json:
        arguments.json.write_text(_record(chosen, measured, peaks, where))
    return int(arguments.check and bool(below))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
