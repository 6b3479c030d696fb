"""Runs the jobs of the rows: alternately, in rounds, and keeps every time."""

import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmark.job import Job
from benchmark.problem import SHORT, Problem
from benchmark.rows import Row
from benchmark.worker import MODULES, Worker

PAUSE = 0.05  # seconds between two runs: threads that still spin come to rest


@dataclass(frozen=True)
class Measured:
    """What became of the rows."""

    seconds: dict[Job, list[float]]  # one a round
    first: dict[Job, float]  # of the first, short run: compiling or loading kernels
    rates: dict[str, list[dict[str, float]]]  # of each group, before and after it
    nonzeros: dict[int, int]  # of W by units

    def microseconds(self, job: Job) -> float:
        """Median time a step."""
        return 1e6 * statistics.median(self.seconds[job]) / job.all_steps

    def best_rates(self, group: str) -> dict[str, float]:
        """The better of before and after, each by itself."""
        before, after = self.rates[group]
        return {name: max(before[name], after[name]) for name in before}


def _jobs(rows: Sequence[Row]) -> list[Job]:
    """Every job once, in the order of the rows, ours and the peers' in turn."""
    jobs = [job for row in rows for job in (row.ours, *row.peers.values())]
    return list(dict.fromkeys(jobs))


def measure(rows: Sequence[Row], repeats: int, folder: Path) -> Measured:
    """Measure all rows, group by group.

    Parameters
    ----------
    repeats
        Rounds; in each of them every job of the group runs once.
    folder
        For matrices and series.
    """
    problem = Problem(folder)
    jobs = _jobs(rows)
    problem.write_series(max(SHORT, *(job.all_steps for job in jobs)))
    nonzeros = {units: problem.write_matrices(units) for units in {job.units for job in jobs}}
    measured = Measured({}, {}, {}, nonzeros)
    packages = [p for p in MODULES if p == "ours" or any(job.package == p for job in jobs)]
    workers = {package: Worker(package, folder) for package in packages}
    try:
        for group in dict.fromkeys(row.group for row in rows):
            _measure_group(group, [r for r in rows if r.group == group], repeats, workers, measured)
    finally:
        for worker in workers.values():
            worker.close()
    return measured


def _measure_group(
    group: str,
    rows: Sequence[Row],
    repeats: int,
    workers: dict[str, Worker],
    measured: Measured,
) -> None:
    jobs = _jobs(rows)
    _say(f"{group}: warming up")
    for job in jobs:
        measured.first[job] = workers[job.package].prepare(job)
        measured.seconds[job] = []
    before = workers["ours"].rates()
    for i in range(repeats):
        _say(f"{group}: round {i + 1} of {repeats}")
        for job in jobs:
            time.sleep(PAUSE)
            measured.seconds[job].append(workers[job.package].run(job))
    measured.rates[group] = [before, workers["ours"].rates()]
    for worker in workers.values():
        worker.forget()


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
