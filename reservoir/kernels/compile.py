"""The decorator of every kernel: one set of compiler options, one cache."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba

from reservoir.kernels.cache import cache_directory

F = TypeVar("F", bound=Callable[..., Any])

# Division by zero gives inf or nan as in NumPy; the check of the default model stops vectorization.
OPTIONS = {"nogil": True, "error_model": "numpy"}


_names: set[tuple[str, str]] = set()


def _check_name(function: Callable[..., Any]) -> None:
    """Raise a RuntimeError for a second function of one qualified name.

    In compiled code a function goes by this name and by a number that begins anew in every process.
    Two functions of one name, as a factory makes them, may so get the same symbol in cache entries
    that two processes wrote; where both are loaded, one of them is called in place of the other.
    """
    name = function.__module__, function.__qualname__
    if name in _names:
        raise RuntimeError(f"two compiled functions are called {'.'.join(name)}")
    _names.add(name)


def kernel(function: F) -> F:
    """Compile an entry point: called from Python, cached on disk, runs without the GIL."""
    _check_name(function)
    directory = cache_directory()
    if directory is None:
        return numba.njit(**OPTIONS)(function)  # type: ignore[no-any-return]
    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = str(directory)
    try:
        return numba.njit(cache=True, **OPTIONS)(function)  # type: ignore[no-any-return]
    finally:
        numba.config.CACHE_DIR = before


def inlined(function: F) -> F:
    """Compile a part of a kernel: it goes into the code (and the cache entry) of its callers."""
    _check_name(function)
    return numba.njit(**OPTIONS)(function)  # type: ignore[no-any-return]
