"""rclib at work. It takes no matrix: it draws one of the same size, density and spectral radius.

Its ``sparsity`` is the fraction of non-zeros. States come out of ``advance``, a step a call, as
nothing else in its Python interface gives them.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from rclib import ESN, readouts, reservoirs

from benchmark.job import Job
from benchmark.problem import DENSITY, LEAK, RIDGE, SHORT, SPECTRAL_RADIUS, WASHOUT, Problem


def prepare(problem: Problem, job: Job) -> Callable[[], Any]:
    """A function that does the work of the job once."""
    model = ESN()
    model.add_reservoir(
        reservoirs.RandomSparse(
            job.units, SPECTRAL_RADIUS, sparsity=DENSITY, leak_rate=LEAK, input_scaling=1.0
        )
    )
    model.set_readout(readouts.Ridge(RIDGE, include_bias=True, solver="auto"))
    inputs, targets = problem.series(job.steps)
    short, next_value = problem.series(SHORT)
    model.fit(short, next_value, WASHOUT)
    rows = list(inputs[:, np.newaxis])

    def states() -> np.ndarray:
        model.reset_reservoirs()
        advance = model.get_reservoir(0).advance
        harvested = np.empty((job.steps, job.units))
        for t, row in enumerate(rows):
            harvested[t] = advance(row)
        return harvested

    def closed() -> np.ndarray:
        return model.predict_generative(short[-1:], job.steps)

    return {
        "states": states,
        "predict": lambda: model.predict(inputs),
        "fit": lambda: model.fit(inputs, targets, WASHOUT),
        "closed": closed,
    }[job.work]
