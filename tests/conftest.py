"""What several test files share: Hypothesis settings, threads and random reservoirs."""

from __future__ import annotations

import os
import signal

import numpy as np
import pytest
from hypothesis import settings
from scipy import sparse

from reservoir import threads
from reservoir.esn.model import Reservoir
from reservoir.rnn import tile

settings.register_profile("project", deadline=None, derandomize=True, database=None)
settings.load_profile("project")

# A shell starts what runs in its background with Ctrl-C ignored, and programs of tests inherit it.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def use_threads(monkeypatch):
    """Set the number of threads for the rest of the test, whatever the machine has."""
    pools = []

    def use(number: int) -> None:
        if threads._pool is not None and threads._pool in pools:
            threads._pool.shutdown()
        monkeypatch.setattr(threads, "count", lambda: number)
        monkeypatch.setattr(threads, "_pool", None)
        pools.append(threads._workers())

    yield use
    for pool in pools:
        pool.shutdown()


@pytest.fixture(autouse=True)
def several_tiles(request, monkeypatch):
    """In tests of passes, split batches of small networks as those of large ones are.

    Not where a run is compared with one in another process, whose bits depend on the tiles.
    """
    if request.path.name.startswith("test_rnn_"):
        monkeypatch.setattr(tile, "SPLIT_WORK", 0.0)


def random_matrix(form: str, units: int, rng: np.random.Generator):
    """A recurrent matrix with row sums below 1, of a form of its own in the kernels."""
    if form == "dense":
        return rng.uniform(-1, 1, (units, units)) / units
    if form == "permutation":
        weights = rng.uniform(-0.9, 0.9, units)
        return sparse.csr_array(
            (weights, (np.arange(units), rng.permutation(units))), shape=(units, units)
        )
    full = rng.uniform(-1, 1, (units, units)) * (rng.random((units, units)) < 0.6) / units
    full[0] = rng.uniform(-1, 1, units) / units  # a full row: more than one weight
    matrix = sparse.csr_array(full)
    return sparse.csr_array(
        (matrix.data, matrix.indices.astype(np.int32), matrix.indptr), matrix.shape
    )


def random_reservoir(
    form: str = "csr",
    units: int = 7,
    inputs: int = 2,
    feedback: int = 0,
    *,
    activation: str = "tanh",
    leak: str = "vector",
    dtype: str = "float64",
    seed: int = 0,
) -> Reservoir:
    """A reservoir that forgets its start, with a bias."""
    rng = np.random.default_rng(seed)
    leak_rate = rng.uniform(0.2, 1.0, units) if leak == "vector" else np.full(units, 0.3)
    return Reservoir(
        W=random_matrix(form, units, rng).astype(dtype),
        W_in=rng.uniform(-1, 1, (units, inputs)).astype(dtype),
        W_fb=rng.uniform(-0.3, 0.3, (units, feedback)).astype(dtype),
        bias=rng.uniform(-0.5, 0.5, units).astype(dtype),
        leak_rate=leak_rate.astype(dtype),
        activation=activation,
    )


@pytest.fixture(scope="session")
def make_reservoir():
    return random_reservoir


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A directory of its own to work in, and no options from the environment."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("RESERVOIR_")]:
        if name != "RESERVOIR_CACHE_DIR":
            monkeypatch.delenv(name)
    return tmp_path
