"""L-BFGS of SciPy on a generated task, beside the optimizers of `hfopt`.

It needs an objective that does not change: the same sequences at each step, drawn once. Progress
is judged as elsewhere, on fresh sequences; their time is not counted.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
from scipy import optimize

from reservoir import threads
from reservoir.rnn import RNN, Initializer, Network
from reservoir.tasks import task
from reservoir.tasks.protocol import FRESH, SOLVED


class Spent(Exception):
    """The budget is."""


def main() -> None:
    """Run, and write one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("task")
    parser.add_argument("length", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--sequences", type=int, default=10_000)
    parser.add_argument("--memory", type=int, default=20, help="pairs that L-BFGS keeps")
    parser.add_argument("--seconds", type=float, default=600.0, help="budget, of all processors")
    parser.add_argument("-o", "--output", type=Path, required=True)
    options = parser.parse_args()

    chosen = task(options.task, options.length)
    network = Network(RNN(100), chosen.inputs, chosen.outputs, chosen.loss, "float32")
    start = Initializer("sparse", spectral_radius=1.1, inputs="sparse", input_scaling=0.25)
    rng = np.random.default_rng([options.seed, 1])  # not the stream of the weights
    batch = network.batch(**chosen.draw(options.sequences, rng).arguments())
    fresh = chosen.draw(FRESH, rng)
    evaluations, wrong, spent, value = 0, 1.0, 0.0, float("nan")
    theta = network.initial(options.seed, start)

    def objective(point: np.ndarray) -> tuple[float, np.ndarray]:
        nonlocal spent, evaluations
        if spent > options.seconds:
            raise Spent
        begin = time.process_time()
        found = network.gradient(point, batch)
        spent += (time.process_time() - begin) / threads.count()
        evaluations += 1
        return found.value, found.gradient

    def after(intermediate_result: optimize.OptimizeResult) -> None:
        nonlocal wrong, theta, value
        theta, value = intermediate_result.x.copy(), float(intermediate_result.fun)
        wrong = chosen.wrong(network.predict(theta, fresh.inputs)[0], fresh)
        if wrong < SOLVED:
            raise StopIteration

    message = "the budget is spent"
    try:
        result = optimize.minimize(
            objective,
            theta,
            jac=True,
            method="L-BFGS-B",
            callback=after,
            options={"maxcor": options.memory, "maxiter": 10**9, "maxfun": 10**9},
        )
        message = str(result.message)
    except Spent:
        pass
    document = {
        "optimizer": "L-BFGS (SciPy)",
        "task": options.task,
        "length": options.length,
        "seed": options.seed,
        "solved": wrong < SOLVED,
        "wrong": wrong,
        "value": value,
        "evaluations": evaluations,
        "seconds": spent,
        "message": message,
    }
    options.output.write_text(json.dumps(document) + "\n")
    print(json.dumps(document))


if __name__ == "__main__":
    main()
