"""The decorator of every kernel: one set of compiler options, one cache."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, TypeVar

import numba

from reservoir.kernels.cache import cache_directory

F = TypeVar("F", bound=Callable[..., Any])

# Division by zero gives inf or nan as in NumPy; the check of the default model stops vectorization.
OPTIONS = {"nogil": True, "error_model": "numpy"}


def kernel(function: F) -> F:
    """Compile an entry point: called from Python, cached on disk, runs without the GIL."""
    directory = cache_directory()
    if directory is None:
        return numba.njit(**OPTIONS)(function)  # type: ignore[no-any-return]
    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = str(directory)
    try:
        return numba.njit(cache=True, **OPTIONS)(function)  # type: ignore[no-any-return]
    finally:
        numba.config.CACHE_DIR = before


_named: Counter[str] = Counter()


def inlined(function: F) -> F:
    """Compile a part of a kernel: it goes into the code (and the cache entry) of its callers.

    Functions that one factory makes have one name, and Numba tells them apart by numbers that it
    gives out as it compiles. Cache entries of two processes would then link to the wrong one of
    them. So each gets a name of its own, by the order of the sources.
    """
    name = f"{function.__module__}.{function.__qualname__}"
    _named[name] += 1
    if _named[name] > 1:
        function.__qualname__ += f"_{_named[name]}"
    return numba.njit(**OPTIONS)(function)  # type: ignore[no-any-return]
