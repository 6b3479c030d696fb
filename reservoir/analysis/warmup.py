"""Compiling the kernels of the analysis before they are needed."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from reservoir.kernels.graded import graded_qr, orthogonalize_rows

KERNELS: tuple[Any, ...] = (graded_qr, orthogonalize_rows)
SPECIALIZATIONS = ("products of Jacobians",)


@dataclass(frozen=True)
class Warmed:
    """How long it took, and whether the code was in the cache already (or in memory)."""

    seconds: float
    cached: bool


def warm(specialization: str) -> Warmed:
    """Run the kernels on two rows."""
    before, began = _misses(), time.perf_counter()
    graded_qr(np.zeros(2), np.eye(2), np.eye(2))
    orthogonalize_rows(np.zeros(2), np.eye(2), np.eye(2))
    return Warmed(time.perf_counter() - began, _misses() == before)


def _misses() -> int:
    return sum(sum(kernel.stats.cache_misses.values()) for kernel in KERNELS)
