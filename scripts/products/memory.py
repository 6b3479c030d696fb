"""How much memory a linearization and its products take, in multiples of the states they keep.

Measured in a process of its own: resident memory at its highest during the linearization and two
products, less what was resident just before.
"""

import ctypes
import gc
import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from products.job import Job

PLAIN, STRUCTURAL = "product", "product with structural damping"
MOST = {PLAIN: 1.3, STRUCTURAL: 2.1}  # multiples aimed at
JOB = Job("ours", "product", "rnn", 1000, 100, 200)
STATUS = Path("/proc/self/status")


def measure() -> dict[str, float]:
    """Peak over the bytes of all h (B, T, N), without and with structural damping."""
    return {name: _child(name == STRUCTURAL) for name in MOST}


def _child(structural: bool) -> float:
    command = [sys.executable, "-P", "-m", "products.memory", *(["structural"] * structural)]
    # Large arrays are given back as soon as they are freed.
    environment = {**os.environ, "MALLOC_MMAP_THRESHOLD_": str(1 << 17)}
    ended = subprocess.run(command, check=True, stdout=subprocess.PIPE, env=environment)
    return json.loads(ended.stdout)


def _kilobytes(name: str) -> int:
    return int(re.search(rf"{name}:\s+(\d+) kB", STATUS.read_text())[1])


def peak(job: Job) -> float:
    """Peak of this process over the bytes of all h."""
    from products.ours import build, product

    small = replace(job, batch=16, steps=8)
    product(*build(small), small)()  # compiles or loads the kernels
    network, batch = build(job)
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
    before = _kilobytes("VmRSS")
    work = product(network, batch, job)
    work()
    work()
    states = job.batch * job.steps * job.units * np.dtype(job.dtype).itemsize
    return 1024 * (_kilobytes("VmHWM") - before) / states


if __name__ == "__main__":
    print(json.dumps(peak(replace(JOB, structural="structural" in sys.argv))))
