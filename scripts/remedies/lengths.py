"""One model trained on sequences of 50 to 200 steps by SGD-CR, tested on much longer ones."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
from runs.finding import TEST_SEED, Finding, finding
from runs.run import Run

from remedies.methods import METHODS
from remedies.plan import MOST_SEEDS, Plan
from reservoir.checkpoint import read
from reservoir.jobs.run_directory import RunDirectory
from reservoir.rnn import Model
from reservoir.tasks import task

TRAINED = "50:200"
TESTED = (50, 100, 200, 500, 1000, 2000, 5000)
SEQUENCES = 1000  # of each tested length
AT_ONCE = 100
MINUTES = 60.0
STARTS = ("SGD-CR-sparse", "SGD-CR")  # the first one is the example of their program
NONE_OF = 1e-4  # stop at no error in 10,000 sequences, as in their program


def runs(plan: Plan) -> list[Run]:
    """Both starts for each seed."""
    return [a_run(name, seed, plan) for name in STARTS for seed in plan.seeds]


def a_run(name: str, seed: int, plan: Plan) -> Run:
    """That of a start and a seed."""
    minutes = MINUTES if plan.minutes is None else plan.minutes
    options = METHODS[name].options
    return Run("lengths", "temporal_order", TRAINED, seed, minutes, name.lower(), options, NONE_OF)


def markdown(plan: Plan) -> str:
    """Errors at each length."""
    found = [
        one
        for name in STARTS
        for seed in range(MOST_SEEDS)
        if (one := finding(a_run(name, seed, plan), plan.directory))
    ]
    if not found:
        return ""
    lines = [
        f"## Trained on T={TRAINED.replace(':', ' to ')}, tested beyond",
        "",
        "Temporal order, SGD-CR; published: no error up to T=5000. Wrong of the best checkpoint, "
        f"of {SEQUENCES:,} sequences of each length, in per cent; without memory 75.",
        "",
        f"| method | seed | updates | seconds | wrong at the end, T={TRAINED} | best at | "
        f"{' | '.join(f'T={length}' for length in TESTED)} |",
        f"| --- | ---: | ---: | ---: | ---: | ---: |{' ---: |' * len(TESTED)}",
    ]
    lines += [row(one, plan) for one in found]
    return "\n".join(lines) + "\n"


def row(found: Finding, plan: Plan) -> str:
    """Of a seed; tested when it is over."""
    cells = [found.run.setting, f"{found.run.seed}", f"{found.steps:,}", f"{found.processor:.0f}"]
    cells.append(f"{100 * found.first:.2f}")
    path = RunDirectory(plan.directory / found.run.name).best
    if found.over(plan.slack) and path.exists():
        best = read(path).run
        assert best is not None
        cells.append(f"{best.state.step:,}")
        cells += [f"{100 * wrong(path, length):.2f}" for length in TESTED]
    else:
        cells += ["..."] * (1 + len(TESTED))
    return f"| {' | '.join(cells)} |"


@cache
def wrong(path: Path, length: int) -> float:
    """The fraction of sequences of a length that the model of a checkpoint gets wrong."""
    model = read(path).record
    assert isinstance(model, Model)
    chosen, rng = task("temporal_order", length), np.random.default_rng([TEST_SEED, length])
    parts = []
    for _ in range(SEQUENCES // AT_ONCE):
        sample = chosen.draw(AT_ONCE, rng)
        parts.append(chosen.wrong(model.outputs(sample.inputs)[0], sample))
    return float(np.mean(parts))
