"""What the runs came to, as a table."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pathological.runs import GROUPS, Run
from reservoir import threads
from reservoir.checkpoint import Checkpoint
from reservoir.jobs.run_directory import RunDirectory
from reservoir.jobs.settings import MAX_STEPS
from reservoir.rnn import Model
from reservoir.tasks import task
from reservoir.tasks.protocol import FRESH, SOLVED

TEST_SEED = 20_110  # of the sequences that the second criterion is told on


class Key(NamedTuple):
    """What the seeds of a row share."""

    group: str
    task: str
    length: int
    setting: str
    minutes: float


@dataclass(frozen=True)
class Finding:
    """What one run came to."""

    run: Run
    steps: int
    products: int
    seconds: float  # on the wall
    processor: float  # seconds of all threads, over the number of processors
    wrong: dict[str, float]  # by criterion, on fresh sequences
    ended: bool  # before its time: it took itself for solved, or all its steps are done

    @property
    def solved(self) -> bool:
        """By the published criterion, the first, and within the budget of processor time."""
        right = next(iter(self.wrong.values())) < SOLVED
        return right and self.processor <= 60 * self.run.minutes

    @property
    def over(self) -> bool:
        """Whether the run has come to its end."""
        spent = max(self.seconds, self.processor) >= 60 * self.run.minutes
        return self.solved or self.ended or spent


def finding(run: Run, directory: Path) -> Finding | None:
    """Of a run that has begun; None if it has not."""
    found = RunDirectory(directory / run.name).newest().checkpoint
    if found is None or not len(found.history):
        return None
    history = found.history
    products = int(history["products"].sum()) if "products" in history.names else 0
    seconds = float(history["seconds"][-1])
    processor = float(history["processor_seconds"][-1]) / threads.count()
    wrong = wrong_by_criterion(run, found)
    ended = bool(history["wrong"][-1] < SOLVED) or len(history) >= MAX_STEPS["hf"]
    return Finding(run, len(history), products, seconds, processor, wrong, ended)


def wrong_by_criterion(run: Run, checkpoint: Checkpoint) -> dict[str, float]:
    """The fraction of fresh sequences that are wrong, by each criterion of the task."""
    model = checkpoint.record
    assert isinstance(model, Model)
    chosen = task(run.task, run.length)
    sample = chosen.draw(FRESH, np.random.default_rng([TEST_SEED, run.seed]))
    outputs, _ = model.outputs(sample.inputs)
    return {name: chosen.wrong(outputs, sample, name) for name in chosen.criteria}


def markdown(findings: Iterable[Finding]) -> str:
    """A table with a row for each task, length and setting."""
    rows: dict[Key, list[Finding]] = {}
    for one in findings:
        run = one.run
        key = Key(run.group, run.task, run.length, run.setting, run.minutes)
        rows.setdefault(key, []).append(one)
    lines = [
        "| task | T | setting | budget, min | solved | seed: wrong %, steps, products, "
        "seconds of all processors (on the wall) |",
        "| --- | ---: | --- | ---: | ---: | --- |",
    ]
    for key, found in rows.items():
        ended = [one for one in found if one.over]
        solved = f"{sum(one.solved for one in ended)} of {len(ended)}"
        told = "; ".join(map(_told, found))
        lines.append(
            f"| {key.task} | {key.length} | {key.setting} | {key.minutes:g} | {solved} | {told} |"
        )
    return "\n".join(lines) + "\n"


def _told(one: Finding) -> str:
    wrong = " / ".join(f"{100 * w:.2f}" for w in one.wrong.values())
    pending = "" if one.over else " (not over)"
    times = f"{one.processor:.0f} ({one.seconds:.0f})"
    return f"{one.run.seed}: {wrong}, {one.steps}, {one.products:,}, {times}{pending}"


__all__ = ["GROUPS", "Finding", "finding", "markdown"]
