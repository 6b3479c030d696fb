"""The work that all packages are given: one sparse reservoir, one input, one target."""

from pathlib import Path

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import eigs

DENSITY = 0.1
LEAK = 0.3
SPECTRAL_RADIUS = 0.9
RIDGE = 1e-6
WASHOUT = 100
SHORT = 2000  # steps of the fits and warm-up runs that are not measured


def matrices(units: int) -> tuple[sparse.csr_array, np.ndarray]:
    """W (N, N) with the density and spectral radius above, and W_in (N, 1), from a fixed seed."""
    rng = np.random.default_rng(units)
    W = sparse.csr_array(
        sparse.random_array(
            (units, units), density=DENSITY, rng=rng, data_sampler=_uniform(rng), format="csr"
        )
    )
    largest = eigs(W, k=4, v0=np.ones(units), return_eigenvectors=False)
    W *= SPECTRAL_RADIUS / np.abs(largest).max()
    W.sort_indices()
    return W, rng.uniform(-1.0, 1.0, (units, 1))


def _uniform(rng: np.random.Generator):
    return lambda size: rng.uniform(-1.0, 1.0, size)


def mackey_glass(steps: int) -> np.ndarray:
    """A chaotic series (steps, 1) of zero mean and unit variance: Mackey-Glass, delay 17."""
    x = [1.2] * 18
    for t in range(17, steps + 200):
        delayed = x[t - 17]
        x.append(0.9 * x[t] + 0.2 * delayed / (1.0 + delayed**10))
    series = np.array(x[-steps:])[:, np.newaxis]
    return (series - series.mean()) / series.std()


class Problem:
    """Matrices and series, written once by the driver and read by every worker."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._series: np.ndarray | None = None

    def write_series(self, steps: int) -> None:
        np.save(self._folder / "series.npy", mackey_glass(steps + 1))

    def write_matrices(self, units: int) -> int:
        """Returns the number of non-zeros."""
        W, W_in = matrices(units)
        np.savez(
            self._folder / f"{units}.npz",
            data=W.data,
            indices=W.indices,
            indptr=W.indptr,
            W_in=W_in,
        )
        return int(W.nnz)

    def matrices(self, units: int) -> tuple[sparse.csr_array, np.ndarray]:
        with np.load(self._folder / f"{units}.npz") as file:
            W = sparse.csr_array(
                (file["data"], file["indices"], file["indptr"]), shape=(units, units)
            )
            return W, file["W_in"]

    def series(self, steps: int) -> tuple[np.ndarray, np.ndarray]:
        """Inputs and targets (steps, 1): the target is the next input."""
        if self._series is None:
            self._series = np.load(self._folder / "series.npy")
        return self._series[:steps], self._series[1 : steps + 1]
