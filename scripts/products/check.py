"""``scripts/check_peers``: equal weights give equal values, gradients and products.

In float64: the largest difference, relative to the largest entry of its kind of weights.
"""

import sys
from collections.abc import Iterator

import numpy as np

from products.compared import from_jax, from_ours, from_torch
from products.job import Job
from products.layout import split

ALLOWED = 1e-9
SIZES = {"batch": 7, "units": 13, "steps": 17, "inputs": 3, "outputs": 2}
LARGE = {"batch": 40, "units": 100, "steps": 50}


def jobs() -> Iterator[tuple[str, Job]]:
    """Cells, each small and once larger, with their names."""
    cells = (("RNN", "rnn", "before"), ("LSTM", "lstm", "before"))
    cells += tuple((f"GRU, reset {reset}", "gru", reset) for reset in ("before", "after"))
    for sizes in (SIZES, LARGE):
        for name, cell, reset in cells:
            text = "{batch} sequences of {steps} steps, {units} units".format(**sizes)
            yield f"{name}, {text}", Job("ours", "product", cell, reset=reset, **sizes)


def difference(found: np.ndarray, reference: np.ndarray, job: Job) -> float:
    """Of the part (weights of one kind) that differs most; not a number if one is not finite."""
    if found.size == 1:
        return float(np.abs(found / reference - 1.0).max())
    theirs, ours = split(found, job), split(reference, job)
    parts = [np.abs(theirs[name] - ours[name]).max() / np.abs(ours[name]).max() for name in ours]
    return float(np.max(parts))


def main() -> int:
    missed = 0
    for name, job in jobs():
        ours = {found.quantity: found.vector for found in from_ours(job)}
        for found in (*from_jax(job), *from_torch(job)):
            apart = difference(found.vector, ours[found.quantity], job)
            good = apart <= ALLOWED
            missed += not good
            verdict = "" if good else f"MISSED, allowed {ALLOWED:.0e}: "
            print(f"{apart:.1e}  {verdict}{found.quantity}, {name}, {found.source}", flush=True)
    print(f"all agree to {ALLOWED:.0e}" if not missed else f"{missed} differ")
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
