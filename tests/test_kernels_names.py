"""Every compiled function has a name of its own: the symbols in cache entries are made of them."""

from __future__ import annotations

import pkgutil
from importlib import import_module

from numba.core.registry import CPUDispatcher

from reservoir import kernels


def compiled(values, found):
    """All compiled functions that can be reached from some values, by their identity."""
    for value in values:
        if isinstance(value, CPUDispatcher) and id(value) not in found:
            function = value.py_func
            found[id(value)] = f"{function.__module__}.{function.__qualname__}"
            compiled([cell.cell_contents for cell in function.__closure__ or ()], found)
        elif isinstance(value, tuple | list):
            compiled(value, found)
        elif isinstance(value, dict):
            compiled(value.values(), found)


def test_no_two_compiled_functions_share_a_name():
    found = {}
    for module in pkgutil.iter_modules(kernels.__path__):
        compiled(list(vars(import_module(f"reservoir.kernels.{module.name}")).values()), found)
    assert len(found) > 40
    names = sorted(found.values())
    assert {name for name in names if names.count(name) > 1} == set()
