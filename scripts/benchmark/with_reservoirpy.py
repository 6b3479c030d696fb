"""ReservoirPy at work, in the ways that are fastest for it.

W is sparse as its own initializers make it (``csr_array``), or dense, which is faster for a
hundred units. A closed loop steps the two nodes by hand: stepping the model is slower.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from reservoirpy.nodes import Reservoir, Ridge

from benchmark.job import Job
from benchmark.problem import LEAK, RIDGE, SHORT, WASHOUT, Problem


def prepare(problem: Problem, job: Job) -> Callable[[], Any]:
    """A function that does the work of the job once."""
    W, W_in = problem.matrices(job.units)
    node = Reservoir(W=W.toarray() if job.form == "dense" else W, Win=W_in, lr=LEAK)
    readout = Ridge(ridge=RIDGE)
    model = node >> readout
    inputs, targets = problem.series(job.steps)
    short, next_value = problem.series(SHORT)
    model.fit(short, next_value, warmup=WASHOUT)

    def states() -> np.ndarray:
        node.reset()
        return node.run(inputs)

    def predict() -> np.ndarray:
        node.reset()
        return model.run(inputs)

    def fit() -> Any:
        node.reset()
        return model.fit(inputs, targets, warmup=WASHOUT)

    def closed() -> np.ndarray:
        outputs = np.empty((job.steps, 1))
        y = short[-1]
        for t in range(job.steps):
            y = readout.step(node.step(y))
            outputs[t] = y
        return outputs

    return {"states": states, "predict": predict, "fit": fit, "closed": closed}[job.work]
