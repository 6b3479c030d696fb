"""Small runs of ``reservoir train``, for the tests of the commands."""

from __future__ import annotations

import numpy as np
from test_cli_program import make_csv, run

from reservoir.checkpoint import read

TASK = ("--task", "addition", "--length", 10, "--test-sequences", 200)
SMALL = ("--units", 5, "--dtype", "float64", "--gradient-batch", 30, "--curvature-batch", 20)
FILES = ("--units", 5, "--dtype", "float64")


def trained(*args, seed=0, steps=3, code=0):
    return run("train", *TASK, *SMALL, "--seed", seed, "--max-steps", steps, "-o", "r", *args,
               code=code)  # fmt: skip


def pairs(text):
    """Names and values of the lines on standard output."""
    lines = [line.strip().split("  ", 1) for line in text.splitlines() if "  " in line.strip()]
    return {name.strip(): value.strip() for name, value in lines}


def series(directory, count=6, steps=15):
    """Files with the columns x, y (a filtered x) and label (of the file)."""
    rng, paths = np.random.default_rng(0), []
    for i in range(count):
        x = rng.standard_normal(steps + i) + (i % 2)
        y = np.convolve(x, [0.0, 0.5, 0.4])[: len(x)]
        table = np.stack([x, y, np.full(len(x), 3.0 + i % 2)], axis=1)
        paths.append(make_csv(directory / f"s{i}.csv", table, ["x", "y", "label"]))
    return paths


def load_record(path):
    return read(path).record
