"""Runs the jobs of the rows: alternately, in rounds, and keeps every time."""

import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from products.job import Job
from products.rows import Row
from products.worker import MODULES, Worker

PAUSE = 0.05  # seconds between two runs: threads that still spin come to rest


@dataclass(frozen=True)
class Measured:
    """What became of the rows."""

    seconds: dict[Job, list[float]]  # one a round
    ways: dict[Job, str]  # of several, the one that was fastest at first
    rates: dict[str, dict[str, list[float]]]  # of the matrix product: group, dtype, rounds

    def milliseconds(self, job: Job) -> float:
        """Median time."""
        return 1e3 * statistics.median(self.seconds[job])

    def ratio(self, row: Row, peer: str) -> float:
        """How many times as long a peer takes: the median of the rounds' ratios."""
        pairs = zip(self.seconds[row.of(peer)], self.seconds[row.ours], strict=True)
        return statistics.median(theirs / ours for theirs, ours in pairs)

    def speed(self, row: Row) -> float:
        """Our operations a second, of the median time."""
        return row.ours.operations / statistics.median(self.seconds[row.ours])

    def share(self, row: Row) -> float:
        """Of the best matrix product of the group's rounds."""
        return self.speed(row) / max(self.rates[row.group][row.ours.dtype])


def _jobs(rows: Sequence[Row]) -> list[Job]:
    """Every job once, in the order of the rows, ours and the peers' in turn."""
    return [job for row in rows for job in (row.ours, *map(row.of, row.peers))]


def measure(rows: Sequence[Row], repeats: int) -> Measured:
    """Measure all rows, group by group, in ``repeats`` rounds of each."""
    measured = Measured({}, {}, {})
    jobs = _jobs(rows)
    packages = [package for package in MODULES if any(job.package == package for job in jobs)]
    workers = {package: Worker(package) for package in (*packages, "machine")}
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
        measured.ways[job] = workers[job.package].prepare(job)
        measured.seconds[job] = []
    rates = {dtype: [] for dtype in dict.fromkeys(job.dtype for job in jobs)}
    measured.rates[group] = rates
    for i in range(repeats):
        _say(f"{group}: round {i + 1} of {repeats}")
        for dtype in rates:
            rates[dtype].append(workers["machine"].rate(dtype))
        for job in jobs if i % 2 == 0 else reversed(jobs):
            time.sleep(PAUSE)
            measured.seconds[job].append(workers[job.package].run(job))
    for job in jobs:
        workers[job.package].forget()


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
