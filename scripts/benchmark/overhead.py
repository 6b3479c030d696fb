"""``scripts/benchmark_overhead``: what the optimizer itself costs, beside the problem it solves.

A tanh network of about 100,000 parameters learns addition; a step has one gradient, products on a
part of its sequences, and values. What is left of the time of a step is the optimizer's: vectors
of conjugate gradients, stored iterates, trial points. Drawing the batches is not counted.
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.sparse.linalg import LinearOperator

import hfopt
from benchmark.machine import machine
from reservoir.rnn import RNN, Network
from reservoir.tasks import task

ALLOWED = 0.05  # of the time of a step
KINDS = ("gradients", "products", "values")


class Clock:
    """Seconds and calls of each kind of work."""

    def __init__(self) -> None:
        self.seconds, self.calls = Counter[str](), Counter[str]()

    def timed(self, kind: str, work: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        """What the work gives."""
        began = time.perf_counter()
        try:
            return work(*arguments, **options)
        finally:
            self.seconds[kind] += time.perf_counter() - began
            self.calls[kind] += 1


class TimedProblem:
    """A problem whose work is timed."""

    def __init__(self, problem: Network, clock: Clock) -> None:
        self._problem, self._clock = problem, clock

    def value(self, theta: np.ndarray, batch: Any) -> float:
        return self._clock.timed("values", self._problem.value, theta, batch)

    def gradient(self, theta: np.ndarray, batch: Any, *, squares: bool = False) -> Any:
        return self._clock.timed("gradients", self._problem.gradient, theta, batch, squares=squares)

    def linearize(self, theta: np.ndarray, batch: Any) -> Any:
        found = self._clock.timed("gradients", self._problem.linearize, theta, batch)
        return TimedLinearization(found, self._clock)


class TimedLinearization:
    """As much of a linearization as Hessian-free steps use."""

    def __init__(self, linearization: Any, clock: Clock) -> None:
        self._linearization, self._clock = linearization, clock
        self.value, self.gradient = linearization.value, linearization.gradient

    def operator(self, damping: float, structural: hfopt.Structural) -> LinearOperator:
        inner = self._linearization.operator(damping, structural)
        return LinearOperator(
            inner.shape, lambda v: self._clock.timed("products", inner.matvec, v), dtype=float
        )


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/benchmark_overhead", description=__doc__)
    parser.add_argument("--units", type=int, default=314, help="314: 99,853 parameters")
    parser.add_argument("--sequences", type=int, default=300, help="of the gradient")
    parser.add_argument("--curvature", type=int, default=150, help="sequences of the products")
    parser.add_argument("--length", type=int, default=30, help="of a sequence")
    parser.add_argument("--dtype", choices=("float32", "float64"), default="float64")
    parser.add_argument("--steps", type=int, default=5, help="optimizer steps, after one more")
    given = parser.parse_args()

    addition = task("addition", length=given.length)
    network = Network(RNN(given.units), addition.inputs, addition.outputs, dtype=given.dtype)
    sample = addition.draw(given.sequences, 0)
    batches = hfopt.StepBatches(
        network.batch(**sample.arguments()),
        network.batch(**sample[: given.curvature].arguments()),
    )
    clock = Clock()
    problem = TimedProblem(network, clock)
    optimizer = hfopt.HessianFree(structural=1 / 30)
    warm = hfopt.minimize(problem, network.initial(0), optimizer, [batches], max_steps=1)
    clock.seconds.clear()
    clock.calls.clear()
    began = time.perf_counter()
    hfopt.minimize(problem, None, optimizer, [batches], max_steps=1 + given.steps, state=warm.state)
    total = time.perf_counter() - began

    for name, text in machine(("reservoir-hfopt", "numpy", "scipy", "numba")).items():
        print(f"{name}: {text}")
    print(
        f"\n{network.size:,} parameters, {given.dtype}, {given.sequences} sequences of "
        f"{given.length} steps ({given.curvature} for products), {given.steps} steps\n"
    )
    print("| work | calls | ms a call | share |\n| --- | ---: | ---: | ---: |")
    for kind in KINDS:
        seconds, calls = clock.seconds[kind], clock.calls[kind]
        each = 1e3 * seconds / max(calls, 1)
        print(f"| {kind} | {calls} | {each:.2f} | {100 * seconds / total:.1f} % |")
    own, products = 1.0 - clock.seconds.total() / total, clock.calls["products"]
    each = 1e3 * own * total / max(products, 1)
    print(f"| optimizer, by products | {products} | {each:.2f} | {100 * own:.1f} % |")
    verdict = "within" if own <= ALLOWED else "MISSED:"
    print(f"\n{verdict} {100 * ALLOWED:.0f} % of {1e3 * total / given.steps:.0f} ms a step")
    return int(own > ALLOWED)


if __name__ == "__main__":
    sys.exit(main())
