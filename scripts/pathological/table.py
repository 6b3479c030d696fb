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

    def over(self, slack: float) -> bool:
        """Whether the run has come to its end, ``slack`` as `Run.arguments` has it."""
        budget = 60 * self.run.minutes
        return self.ended or self.processor >= budget or self.seconds >= slack * budget


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


def markdown(findings: Iterable[Finding], slack: float) -> str:
    """A table with a row for each task, length and setting, and in it a number for each seed."""
    rows: dict[Key, list[Finding]] = {}
    for one in findings:
        run = one.run
        key = Key(run.group, run.task, run.length, run.setting, run.minutes)
        rows.setdefault(key, []).append(one)
    lines = [
        "| task | T | setting | budget, min | solved | wrong, % | second criterion, % | steps "
        "| products | seconds | on the wall |",
        "| --- | ---: | --- | ---: | ---: | --- | --- | --- | --- | --- | --- |",
    ]
    for key, found in rows.items():
        over = [one for one in found if one.over(slack)]
        criteria = [list(one.wrong.values()) for one in found]
        columns = (
            f"{sum(one.solved for one in over)} of {len(over)}",
            _listed(f"{100 * wrong[0]:.2f}" for wrong in criteria),
            _listed(f"{100 * wrong[1]:.2f}" for wrong in criteria if len(wrong) > 1),
            _listed(f"{one.steps}" if one.over(slack) else f"{one.steps}..." for one in found),
            _listed(f"{one.products}" for one in found),
            _listed(f"{one.processor:.0f}" for one in found),
            _listed(f"{one.seconds:.0f}" for one in found),
        )
        lines.append(
            f"| {key.task} | {key.length} | {key.setting} | {key.minutes:g} "
            f"| {' | '.join(columns)} |"
        )
    return "\n".join(lines) + "\n"


def _listed(words: Iterable[str]) -> str:
    return ", ".join(words)


__all__ = ["GROUPS", "Finding", "finding", "markdown"]
