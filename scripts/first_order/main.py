"""``scripts/benchmark_first_order``: options, rounds and the table."""

import argparse
import os
import statistics
import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

from benchmark.machine import load, machine
from benchmark.process import Process

from first_order.data import BATCH, STEPS, UNITS, operations

PACKAGES = ("reservoir-hfopt", "torch", "numpy", "numba")
THREADS = len(os.sched_getaffinity(0))
WARM = 20  # steps of a round that do not count

ABOUT = f"""\
A tanh network of {UNITS} units, {BATCH} sequences of {STEPS} steps of the temporal order task, new
ones at each step; packing of the batch, gradient, clipping by the global norm and update included.
Milliseconds of a step: the median over all steps of all rounds, and the fastest. PyTorch has no
Omega: its own layer cannot give what Omega needs, so the layer is unrolled for autograd, or goes
back by hand. Each way runs on all cores and on one, and ratios are to the fastest way that does the
same. "Ahead": batches are packed by a second thread meanwhile. The floor is the products with W and
for its gradient, at the speed of the machine's best matrix product of the same rounds."""


class Row(NamedTuple):
    """One way to take steps."""

    name: str
    package: str  # of `worker`
    options: dict[str, Any]


def rows() -> list[Row]:
    """Ours and PyTorch's."""
    found = [
        Row(f"ours{', Omega' * omega}{', ahead' * ahead}", "ours", {"omega": omega, "ahead": ahead})
        for omega in (False, True)
        for ahead in (False, True)
    ]
    for way in ("plain", "by autograd", "by hand"):
        for threads in dict.fromkeys((1, THREADS)):
            what = "" if way == "plain" else f", Omega {way}"
            name = f"PyTorch{what}, {threads} thread{'s' * (threads > 1)}"
            found.append(Row(name, "torch", {"threads": threads, "way": way}))
    return found


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/benchmark_first_order",
        description="Time first-order steps of a small network beside PyTorch.",
    )
    parser.add_argument("--repeats", type=int, default=7, help="rounds")
    parser.add_argument("--steps", type=int, default=300, help="of a round")
    parser.add_argument("--dtype", choices=("float32", "float64"), default="float32")
    parser.add_argument(
        "--least", type=float, metavar="RATIO", help="exit with 1 below so many times PyTorch"
    )
    return parser.parse_args(argv)


def measure(arguments: argparse.Namespace) -> tuple[dict[str, list[float]], float]:
    """Seconds of the steps of each row, taken in turn; and the best matrix product."""
    workers = {name: Process(name, "first_order.worker", name) for name in ("ours", "torch")}
    gemm, rate = Process("machine", "first_order.worker", "machine"), 0.0
    ways: list[Row] = rows()
    seconds: dict[str, list[float]] = {}
    try:
        for i in range(arguments.repeats):
            print(f"round {i + 1} of {arguments.repeats}", file=sys.stderr, flush=True)
            rate = max(rate, gemm.ask(dtype=arguments.dtype))
            for row in ways if i % 2 == 0 else reversed(ways):
                message = {"count": arguments.steps + WARM, "dtype": arguments.dtype}
                found = workers[row.package].ask(**message, **row.options)
                seconds.setdefault(row.name, []).extend(found[WARM:])
    finally:
        for worker in (*workers.values(), gemm):
            worker.close()
    return seconds, rate


def main(argv: Sequence[str]) -> int:
    arguments = _arguments(argv)
    where = machine(PACKAGES)
    seconds, rate = measure(arguments)
    where["load"] += f" before, {load()} after"
    for name, value in where.items():
        print(f"- {name}: {value}")
    ways = rows()
    medians = {row.name: statistics.median(seconds[row.name]) for row in ways}
    theirs = {
        omega: min(
            medians[name] for name in medians if "PyTorch" in name and omega == ("Omega" in name)
        )
        for omega in (False, True)
    }
    print(f"- matrix product: {1e-9 * rate:.0f} GFLOP/s, {arguments.dtype}")
    print("\n| | ms a step | fastest | updates a second | x PyTorch | % of the floor |")
    print("|---|---|---|---|---|---|")
    for row in ways:
        median, fastest = medians[row.name], min(seconds[row.name])
        omega = "Omega" in row.name
        floor = operations(omega=omega) / rate
        print(
            f"| {row.name} | {1e3 * median:.2f} | {1e3 * fastest:.2f} | {1 / median:.0f} "
            f"| {theirs[omega] / median:.1f} | {100 * floor / median:.0f} |"
        )
    print("\n" + ABOUT)
    reached = theirs[True] / min(medians["ours, Omega"], medians["ours, Omega, ahead"])
    if arguments.least is not None and reached < arguments.least:
        print(f"\nNot reached: {reached:.1f} times PyTorch with Omega, aim {arguments.least:g}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
