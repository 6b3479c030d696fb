"""Where a checkpoint comes from: what wrote it, with which libraries, on which machine."""

from __future__ import annotations

import hashlib
import os
import platform
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

from reservoir import threads
from reservoir.checkpoint.hdf5 import h5py

DISTRIBUTION = "reservoir-hfopt"
LIBRARIES = ("numpy", "scipy", "numba", "h5py", "scikit-learn")

# Scheduler and the variable in which it tells a job its number.
_JOB_VARIABLES = {
    "slurm": "SLURM_JOB_ID",
    "pbs": "PBS_JOBID",
    "lsf": "LSB_JOBID",
    "sge": "JOB_ID",
}


def gather(config: str) -> dict[str, Any]:
    """Describe this process.

    Parameters
    ----------
    config
        The text of ``/config``, of which the hash is taken.

    Returns
    -------
    dict
        JSON values. "seed" is None: only the caller knows it.
    """
    return {
        "package": DISTRIBUTION,
        "version": _installed(DISTRIBUTION),
        "git": _git_hash(Path(__file__).resolve().parents[2]),
        "libraries": {
            "python": platform.python_version(),
            "hdf5": h5py.version.hdf5_version,
            **{name: _installed(name) for name in LIBRARIES},
        },
        "command": list(sys.argv),
        "seed": None,
        "threads": _threads(),
        "processor": _processor(),
        "platform": platform.platform(),
        "job": scheduler_job(),
        "config_sha256": hashlib.sha256(config.encode("ascii")).hexdigest(),
    }


def _installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _git_hash(source: Path) -> str | None:
    """The commit of a checkout, read from its files; None if `source` is no checkout."""
    try:
        git = source / ".git"
        if git.is_file():  # a worktree: "gitdir: <path>"
            git = source / git.read_text().removeprefix("gitdir:").strip()
        head = (git / "HEAD").read_text().strip()
        if not head.startswith("ref:"):
            return head
        name = head.removeprefix("ref:").strip()
        common = git / "commondir"
        if common.is_file():
            git = git / common.read_text().strip()
        if (git / name).is_file():
            return (git / name).read_text().strip()
        for line in (git / "packed-refs").read_text().splitlines():
            if line.endswith(f" {name}"):
                return line.split()[0]
    except (OSError, UnicodeDecodeError):
        pass
    return None


def _threads() -> int | None:
    try:
        return threads.count()
    except ValueError:  # a variable that is no number: whoever computes reports it
        return None


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def scheduler_job() -> dict[str, str] | None:
    """The scheduler that runs this process and its number of the job, if there is one."""
    for scheduler, variable in _JOB_VARIABLES.items():
        number = os.environ.get(variable)
        if number:
            return {"scheduler": scheduler, "id": number}
    return None
