"""The least time a step could take: its operations and bytes over the machine's rates.

An operation is one vector instruction's share: a multiply-add, or an addition, product or
selection alone. Nothing is counted twice that could overlap: the floor is the larger of
arithmetic and memory.

- recurrence: a multiply-add for each non-zero of W and each input weight; on each unit the
  activation and two for the leak
- states: N values written to memory; a written byte costs as much as a copied one (a line is
  read before it is written)
- readout: N multiply-adds
- Gram matrix: N^2 / 2 multiply-adds (it is symmetric), at the rate of multiply-adds or that of the
  matrix product, whichever is higher
- "loo": the recurrence once more and N^2 multiply-adds for the leverages
- solving for the readout is left out: it does not grow with the series
- a closed loop from one start is counted on one core, everything else on all
"""

from benchmark.job import Job

# Instructions of tanh in reservoir/kernels/activations.py, the bit operations left out.
TANH = {"float64": 31, "float32": 15}
BYTES = {"float64": 8, "float32": 4}


def floor(job: Job, nonzeros: int, rates: dict[str, float]) -> float:
    """Seconds a step."""
    units = job.units
    recurrence = nonzeros + units * (1 + TANH[job.dtype] + 2)
    passes = 2 if job.ridge == "loo" else 1
    operations = passes * recurrence
    if job.work in ("predict", "closed"):
        operations += units
    one_core = job.work == "closed" and job.series == 1
    rate = rates[f"multiply_adds_{job.dtype}" + ("_one_thread" if one_core else "")]
    arithmetic = operations / rate
    if job.work == "fit":
        squares = 1.5 if job.ridge == "loo" else 0.5
        best = max(rates["multiply_adds_float64"], rates["product_float64"] / 2)
        arithmetic += squares * units**2 / best
    written = units * BYTES[job.dtype] if job.work == "states" else 0
    return max(arithmetic, written / rates["copied_bytes"])
