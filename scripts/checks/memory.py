"""``scripts/check_memory``: a fit from an HDF5 file holds little of it, however long it is.

Each fit runs in a process of its own, whose peak of resident memory counts, imports included.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import h5py
import numpy as np

MOST = 600  # megabytes
SLOWER = 1.3  # a step of the long series against one of the short series
PIECE = 1 << 16  # steps that are written at a time


def write(path: Path, steps: int) -> None:
    """Sines of incommensurate periods with noise, (steps, 1)."""
    rng = np.random.default_rng(0)
    with h5py.File(path, "w") as file:
        dataset = file.create_dataset("u", (steps, 1), chunks=(8192, 1), dtype="f8")
        for start in range(0, steps, PIECE):
            t = np.arange(start, min(start + PIECE, steps))
            wave = np.sin(0.2 * t) + np.sin(0.311 * t) + 0.1 * rng.normal(size=t.size)
            dataset[start : start + t.size, 0] = wave


def fit(path: Path, units: int) -> None:
    """Fit and print the seconds and the peak in megabytes as JSON."""
    from reservoir import ESNRegressor

    esn = ESNRegressor(units, connectivity=0.1, leak_rate=0.3, random_state=0)
    with h5py.File(path) as file:
        began = time.perf_counter()
        esn.fit(file["u"])
        seconds = time.perf_counter() - began
    # Not ru_maxrss: a child inherits that of the process that started it.
    peak = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    print(json.dumps({"seconds": seconds, "megabytes": int(peak[1]) / 1000}))


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="scripts/check_memory", description=__doc__.split("\n\n")[0].split(": ", 1)[1]
    )
    parser.add_argument("--units", type=int, default=500)
    parser.add_argument("--steps", type=int, nargs=2, default=[1_000_000, 5_000_000])
    parser.add_argument("--fit", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.fit is not None:
        fit(options.fit, options.units)
        return 0
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for steps in options.steps:
            path = Path(folder) / f"{steps}.h5"
            write(path, steps)
            command = [sys.executable, "-P", "-m", "checks.memory"]
            command += ["--fit", str(path), "--units", str(options.units)]
            ended = subprocess.run(command, check=True, capture_output=True, text=True)
            found.append(json.loads(ended.stdout))
            print(
                "{:,} steps, {} units: {seconds:.1f} s, {:.2f} microseconds a step, peak "
                "{megabytes:.0f} MB".format(
                    steps, options.units, 1e6 * found[-1]["seconds"] / steps, **found[-1]
                ),
                flush=True,
            )
    short, long = (f["seconds"] / steps for f, steps in zip(found, options.steps, strict=True))
    return int(max(f["megabytes"] for f in found) > MOST or long > SLOWER * short)


if __name__ == "__main__":
    sys.exit(main())
