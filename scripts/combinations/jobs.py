"""The training job of a case: a few units that learn the next step of some series."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np

from combinations.remedies import Case
from reservoir import ESNRegressor
from reservoir.esn.model import ESN
from reservoir.jobs.forcing import as_generator, forcing_settings
from reservoir.jobs.from_reservoir import reservoir_settings
from reservoir.jobs.given_source import GivenSource, Sequences, given
from reservoir.jobs.job import Job
from reservoir.jobs.remedies import remedy_settings
from reservoir.jobs.settings import (
    CELLS,
    NETWORK,
    OPTIMIZERS,
    batch_settings,
    network_settings,
    optimizer_settings,
)
from reservoir.tasks import Sample

SEED, UNITS = 3, 4
LENGTHS = (12, 11, 9, 9, 7)


def job_of(case: Case) -> Job:
    """The job, with the options of all remedies of the case.

    Raises
    ------
    DataError
        Remedies that do not go together, or not with the cell or the optimizer.
    """
    options, second_order = case.options, case.optimizer == "hf"
    sizes = {"gradient_batch": 4, "curvature_batch": 3 if second_order else None}
    network = _named(options, NETWORK, CELLS["rnn"], CELLS["lstm"]) | {"dtype": "float64"}
    if case.reservoir:
        settings = reservoir_settings(_reservoir(), case.cell, network)
    else:
        settings = network_settings(case.cell, network | {"units": UNITS})
    source = as_generator(_source(), options, 1)
    return Job(
        source,
        settings,
        optimizer_settings(case.optimizer, _named(options, *OPTIMIZERS.values())),
        batch_settings(case.optimizer, sizes | _named(options, {"truncate": None}), source.count),
        1,
        SEED,
        1,
        remedy_settings(options),
        _reservoir() if case.reservoir else None,
        forcing_settings(options, source.generates),
    )


def _named(options: Mapping[str, Any], *tables: Mapping[str, Any]) -> dict[str, Any]:
    """The options that occur in some tables."""
    return {name: value for name, value in options.items() if any(name in t for t in tables)}


def _series() -> list[np.ndarray]:
    """Noisy sines of different lengths."""
    rng = np.random.default_rng(SEED)
    return [
        np.sin(0.7 * np.arange(steps + 1) + i)[:, None] + 0.1 * rng.normal(size=(steps + 1, 1))
        for i, steps in enumerate(LENGTHS)
    ]


@cache
def _source() -> GivenSource:
    series = _series()
    sample = Sample([one[:-1] for one in series], [one[1:] for one in series], "every")
    sequences = Sequences(sample, "squared_error", ("x",), ("x",))
    return given(sequences, standardize=True, horizon=1)


@cache
def _reservoir() -> ESN:
    fitted = ESNRegressor(units=UNITS, leak_rate=0.5, washout=2, random_state=SEED)
    record: ESN = fitted.fit(_series()).model_
    return record
