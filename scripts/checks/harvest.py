"""``scripts/check_harvest``: states harvested in chunks are those of the plain loop.

Every state of random reservoirs, on series that make it hard, with ``time_parallel="auto"`` against
"off": within 1e-10 of the largest state of the step in float64, 1e-4 in float32. Models that run
plainly after all may take at most 15 % longer.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from checks.cases import Case, case
from reservoir.esn.chunks import Chunks
from reservoir.esn.drives import Drives, Teacher
from reservoir.esn.records import kernel_weights
from reservoir.esn.recurrence import origin
from reservoir.esn.stretches import Stretches
from reservoir.series.collection import collect
from reservoir.series.scaler import unscaled

ALLOWED = {"float64": 1e-10, "float32": 1e-4}
SLOWER = 0.15
TIMED_FROM = 0.05  # seconds of the plain loop: less is not measured
# Norms below it count as nothing; digits are lost on the way to the smallest numbers.
SILENCE = {"float64": 1e-250, "float32": 1e-30}


@dataclass(frozen=True)
class Result:
    dtype: str
    error: float
    parallel: float  # share of the steps that ran side by side
    speedup: float  # NaN if the case is too short

    @property
    def missed(self) -> bool:
        return not self.error <= ALLOWED[self.dtype]

    @property
    def late(self) -> bool:
        return self.parallel < 0.5 and self.speedup < 1 / (1 + SLOWER)


def run(what: Case, cut: bool, states: NDArray[np.floating]) -> float:
    """Fill in all states, in chunks if they pay or plainly; returns the share of the chunks."""
    reservoir, inputs = what.reservoir, collect(what.inputs)
    teacher = None
    if what.targets is not None:
        teacher = Teacher(collect(what.targets), unscaled(what.targets.shape[1]))
    start = origin(reservoir, reservoir.W_fb.shape[1])
    drives = Drives(reservoir, inputs, unscaled(inputs.columns), teacher, None, [start])
    stretches = Stretches(kernel_weights(reservoir), drives, 0, start, states)
    if cut:
        chunks = Chunks(stretches, len(states))
        for _ in chunks:
            pass
        return chunks.parallel
    for _ in stretches.by_itself(0, len(states), start.x):
        pass
    return 0.0


def furthest(states: NDArray[np.floating], wanted: NDArray[np.floating]) -> tuple[float, int]:
    """The largest difference relative to the largest state of its step, and that step."""
    apart = np.abs(states - wanted).max(axis=1).astype(np.float64)
    norms = np.maximum(np.abs(wanted).max(axis=1).astype(np.float64), SILENCE[states.dtype.name])
    error = np.where(np.isfinite(apart), apart / norms, np.inf)
    return float(error.max()), int(error.argmax())


def timed(call: Callable[[], object]) -> float:
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


def judge(what: Case) -> tuple[Result, int]:
    """The result, and the step of the largest error."""
    found = np.zeros((len(what.inputs), what.reservoir.units), what.reservoir.dtype)
    wanted = np.zeros_like(found)
    parallel = run(what, True, found)
    lasted = timed(lambda: run(what, False, wanted))
    error, step = furthest(found, wanted)
    speedup = np.nan
    if lasted >= TIMED_FROM:
        for tries in (3, 9):  # a miss must last
            pairs = [
                (timed(lambda: run(what, False, wanted)), timed(lambda: run(what, True, found)))
                for _ in range(tries if parallel < 0.5 else 1)
            ]
            speedup = statistics.median(plain for plain, _ in pairs)
            speedup /= statistics.median(auto for _, auto in pairs)
            if not Result("", error, parallel, speedup).late:
                break
    return Result(what.reservoir.dtype.name, error, parallel, speedup), step


def table(results: list[Result]) -> str:
    """What to print at the end."""
    whole = sum(r.parallel == 1 for r in results)
    plain = sum(r.parallel == 0 for r in results)
    lines = [
        f"{len(results)} cases: {whole} in chunks, {len(results) - whole - plain} partly, "
        f"{plain} by the plain loop"
    ]
    for dtype, allowed in ALLOWED.items():
        worst = max((r.error for r in results if r.dtype == dtype), default=0.0)
        lines.append(f"largest error, {dtype}: {worst:.1e}, allowed {allowed:.0e}")
    slow = [1 / r.speedup - 1 for r in results if r.parallel < 0.5 and r.speedup > 0]
    if slow:
        lines.append(
            f"cost of falling back, {len(slow)} cases: median {statistics.median(slow):.1%}, "
            f"worst {max(slow):.1%}, allowed {SLOWER:.0%}"
        )
    fast = [r.speedup for r in results if r.parallel >= 0.5 and r.speedup > 0]
    if fast:
        least, lower, middle, upper, most = np.quantile(fast, (0, 0.25, 0.5, 0.75, 1))
        lines.append(
            f"speedup of chunks, {len(fast)} cases: least {least:.2f}, quarter {lower:.2f}, "
            f"median {middle:.2f}, three quarters {upper:.2f}, most {most:.2f}"
        )
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="scripts/check_harvest", description=__doc__.split("\n\n")[1]
    )
    parser.add_argument("--number", type=int, default=1000, help="of cases (default %(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--units", type=int, default=300, help="at most (default %(default)s)")
    parser.add_argument("--steps", type=int, default=60_000, help="at most (default %(default)s)")
    parser.add_argument("--only", type=int, metavar="INDEX", help="run one case and say what it is")
    options = parser.parse_args()
    indices = range(options.number) if options.only is None else [options.only]
    results: list[Result] = []
    bad = 0
    for index in indices:
        what = case(options.seed, index, options.units, options.steps)
        result, step = judge(what)
        results.append(result)
        bad += result.missed or result.late
        if result.missed or result.late or options.only is not None:
            word = "MISSED" if result.missed else "SLOW" if result.late else "good"
            print(
                f"{word} --only {index}: error {result.error:.1e} at step {step}, "
                f"{result.parallel:.0%} in chunks, speedup {result.speedup:.2f}; {what.words}",
                flush=True,
            )
        if len(results) % 50 == 0:
            print(f"{len(results)} cases, {bad} bad", flush=True)
    print(table(results))
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
