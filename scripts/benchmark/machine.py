"""Where and when something was measured."""

import datetime
import importlib.metadata
import os
import platform
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_info


def machine(packages: Sequence[str]) -> dict[str, str]:
    """The machine, the versions of the packages, the date and the load."""
    model = "unknown"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in packages)
    return {
        "processor": f"{model} ({platform.machine()}), {len(os.sched_getaffinity(0))} cores used",
        "system": platform.platform(),
        "versions": f"Python {platform.python_version()}, {versions}",
        "BLAS of NumPy": _blas(),
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "load": load(),
    }


def load() -> str:
    return "{:.1f}, {:.1f}, {:.1f} (1, 5, 15 minutes)".format(*os.getloadavg())


def _blas() -> str:
    """Library and the processor its kernels are for: one set by hand may be far from the best."""
    folder = Path(np.__file__).parent.parent
    found = [
        f"{pool['internal_api']} {pool['version']}, kernels for {pool.get('architecture')}"
        for pool in threadpool_info()
        if pool["user_api"] == "blas" and folder in Path(pool["filepath"]).parents
    ]
    return "; ".join(sorted(set(found))) or "unknown"
