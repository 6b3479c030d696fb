"""The decorator of every kernel: one set of compiler options, one cache."""

from __future__ import annotations

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


def inlined(function: F, *, name: str = "") -> F:
    """Compile a part of a kernel: it goes into the code (and the cache entry) of its callers.

    Where a function makes several of one name, each needs a ``name`` of its own: the symbols of
    parts in cache entries of different processes may else be the same, and the one that is loaded
    first serves all of them.
    """
    if name:
        function.__qualname__ = name
    return numba.njit(**OPTIONS)(function)  # type: ignore[no-any-return]
