"""What the machine can do at this moment: matrix products, multiply-adds, copies.

Each rate is the best of several, over both ways to use the processors.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numba
import numpy as np

from benchmark.matrix_product import fastest, matrix_product
from reservoir.kernels.compile import OPTIONS
from reservoir.kernels.intrinsics import fma

CHAIN = 16  # multiply-adds on each element of an array that stays in the first-level cache
COPIED = 1 << 27  # bytes a thread


@numba.njit(**OPTIONS)
def _multiply_add(a: Any, rounds: int) -> None:
    """``rounds`` times CHAIN multiply-adds on every element, in registers."""
    c = a.dtype.type(0.5)
    for _ in range(rounds):
        for i in range(a.size):
            s = a[i]
            s = fma(s, c, c)
            s = fma(s, c, c)
            s = fma(s, c, c)
            s = fma(s, c, c)
            s = fma(s, c, c)
            s = fma(s, c, c)
            s = fma(s, c, c)
            s = fma(s, c, c)
            s = fma(s, c, c)
            s = fma(s, c, c)
            s = fma(s, c, c)
            s = fma(s, c, c)
            s = fma(s, c, c)
            s = fma(s, c, c)
            s = fma(s, c, c)
            s = fma(s, c, c)
            a[i] = s


def _multiply_adds(dtype: str, pool: ThreadPoolExecutor, threads: int) -> float:
    """Multiply-adds a second of ``threads`` threads."""
    arrays = [np.ones(1024, dtype) for _ in range(threads)]
    rounds = 2000
    _multiply_add(arrays[0], 1)  # compiles
    best = fastest(lambda: list(pool.map(lambda a: _multiply_add(a, rounds), arrays)))
    return threads * rounds * CHAIN * arrays[0].size / best


def _copied(pool: ThreadPoolExecutor, threads: int) -> float:
    """Bytes a second copied from memory to memory by all threads."""
    sources = [np.ones(COPIED // 8) for _ in range(threads)]
    targets = [np.ones(COPIED // 8) for _ in range(threads)]
    best = fastest(lambda: list(pool.map(np.copyto, targets, sources)))
    return threads * COPIED / best


def measure() -> dict[str, float]:
    """All rates, by name."""
    threads = len(os.sched_getaffinity(0))
    with ThreadPoolExecutor(threads) as pool:
        return {
            "product_float64": matrix_product("float64", pool, threads),
            "product_float32": matrix_product("float32", pool, threads),
            "multiply_adds_float64": _multiply_adds("float64", pool, threads),
            "multiply_adds_float32": _multiply_adds("float32", pool, threads),
            "multiply_adds_float64_one_thread": _multiply_adds("float64", pool, 1),
            "copied_bytes": _copied(pool, threads),
        }
