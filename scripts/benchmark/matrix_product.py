"""The machine's best matrix product of this moment: the measure of work that is matrix products."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from scipy.linalg import blas
from threadpoolctl import threadpool_limits

SIDE = 1024
REPEATS = 5


def fastest(work: Callable[[], Any]) -> float:
    """Seconds of the fastest of several runs."""
    least = np.inf
    for _ in range(REPEATS):
        started = time.perf_counter()
        work()
        least = min(least, time.perf_counter() - started)
    return least


def matrix_product(dtype: str, pool: ThreadPoolExecutor, threads: int) -> float:
    """Operations a second: one product on all threads, or one on each, whichever is faster.

    A multiply-add counts as two operations.
    """
    gemm = blas.dgemm if dtype == "float64" else blas.sgemm
    rng = np.random.default_rng(0)
    a, b = (np.asfortranarray(rng.random((SIDE, SIDE), dtype)) for _ in range(2))
    operations = 2.0 * SIDE**3
    with threadpool_limits(threads, user_api="blas"):
        together = operations / fastest(lambda: gemm(1.0, a, b))
    with threadpool_limits(1, user_api="blas"):
        seconds = fastest(lambda: list(pool.map(lambda _: gemm(1.0, a, b), range(threads))))
    return max(together, threads * operations / seconds)
