"""Published figures of single set-ups: the sequences that an LSTM needs, initial matrices."""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from typing import NamedTuple

from runs.finding import Finding, finding, listed
from runs.run import Run

from remedies.plan import MOST_SEEDS, Group, Plan
from reservoir.jobs.task_source import TaskSource

LOOKED_AT = (
    "--max-steps", "100000000", "--validate-every", "1000", "--checkpoint-every", "10000",
    "--metrics-every", "1000",
)  # fmt: skip
# 4 units for two blocks of two cells; gates that begin closed, as theirs do.
ONLINE = (
    "--source", "hochreiter1997", "--cell", "lstm", "--units", "4", "--gradient-batch", "1",
    "--no-forget-gate", "--gate-bias", "-3", "--optimizer", "sgd", "--learning-rate", "0.5",
    "--clip", "1", *LOOKED_AT,
)  # fmt: skip
WIDE = (
    "--units", "80", "--input-weights", "gaussian", "--gradient-batch", "20", "--optimizer",
    "rmsprop", "--clip", "1", *LOOKED_AT,
)  # fmt: skip
# Small inputs: linear units that keep what they get add up T of them.
LINEAR = ("--activation", "identity", "--input-scaling", "0.1", "--learning-rate", "0.0003")
RECTIFIED = ("--activation", "relu", "--learning-rate", "0.001")


class Figure(NamedTuple):
    """One set-up.

    Attributes
    ----------
    task : str
    length : int
    setting : str
        What the options are called.
    published : str
    minutes : float
        Budget of a run.
    options : tuple of str
    """

    task: str
    length: int
    setting: str
    published: str
    minutes: float
    options: tuple[str, ...]


def _initial(
    task: str, length: int, units: str, options: tuple[str, ...], published: dict[str, str]
) -> list[Figure]:
    return [
        Figure(
            task, length, f"{recurrent} {units}", published[recurrent], 10.0,
            ("--recurrent", recurrent, *options, *WIDE),
        )
        for recurrent in ("orthogonal", "identity")
    ]  # fmt: skip


SEQUENCES = (
    Figure("temporal_order", 100, "lstm online", "31,390 sequences", 10.0, ONLINE),
    Figure("addition", 100, "lstm online", "74,000 sequences", 20.0, ONLINE),
    Figure("addition", 500, "lstm online", "209,000 sequences", 30.0, ONLINE),
    Figure("addition", 1000, "lstm online", "853,000 sequences", 60.0, ONLINE),
)
INITIAL = (
    *_initial("copy", 100, "linear", LINEAR, {"orthogonal": "solved", "identity": "not solved"}),
    *_initial("adding", 100, "relu", RECTIFIED, {"orthogonal": "not solved", "identity": "solved"}),
)
ABOUT = {
    "sequences": """\
## Sequences that an LSTM needs

Hochreiter & Schmidhuber (1997), one sequence an update at rate 0.5. In place of their blocks of
cells with shared gates, 4 units with gates of their own, without forget gates, and the whole
gradient, clipped at norm 1; input and output gates begin at -3. Solved is less than 1 % of 10,000
wrong; theirs, 2,000 in a row right.
""",
    "initial": """\
## Orthogonal against identity

Initial W of 80 units, after Henaff et al. (2016): linear units copy, rectified ones add. Papers
print the mean square of adding, which is twice our loss.
""",
}


def group(name: str, words: str, figures: tuple[Figure, ...]) -> Group:
    """Some figures as a group of runs."""
    return Group(words, partial(_runs, name, figures), partial(_markdown, name, figures))


def _runs(name: str, figures: tuple[Figure, ...], plan: Plan) -> list[Run]:
    return [_run(name, one, seed, plan) for one in figures for seed in plan.seeds]


def _run(name: str, one: Figure, seed: int, plan: Plan) -> Run:
    minutes = one.minutes if plan.minutes is None else plan.minutes
    return Run(name, one.task, one.length, seed, minutes, one.setting, one.options)


def _markdown(name: str, figures: tuple[Figure, ...], plan: Plan) -> str:
    lines = []
    for one in figures:
        runs = [_run(name, one, seed, plan) for seed in range(MOST_SEEDS)]
        found = [done for run in runs if (done := finding(run, plan.directory)) is not None]
        if found:
            lines.append(_row(one, found, plan))
    if not lines:
        return ""
    head = [
        ABOUT[name],
        "| task | T | setting | published | loss, wrong without memory | budget, min | solved "
        "| loss | wrong, % | sequences | seconds |",
        "| --- | ---: | --- | --- | --- | ---: | ---: | --- | --- | --- | --- |",
    ]
    return "\n".join([*head, *lines]) + "\n"


def _row(one: Figure, found: list[Finding], plan: Plan) -> str:
    over = [done for done in found if done.over(plan.slack)]
    given = dict(pairwise(one.options))
    batch = int(given["--gradient-batch"])
    task_options = {"source": given["--source"]} if "--source" in given else {}
    control = TaskSource(one.task, one.length, task_options, 0).task.control()
    cells = (
        one.task.replace("_", " "),
        f"{one.length}",
        one.setting,
        one.published,
        f"{control.loss:.4f}, {100 * control.wrong:.1f} %",
        f"{found[0].run.minutes:g}",
        f"{sum(done.solved for done in over)} of {len(over)}",
        listed(f"{done.loss:.3g}" for done in found),
        listed(f"{100 * done.first:.2f}" for done in found),
        listed(f"{batch * done.steps:,}" + "..." * (done not in over) for done in found),
        listed(f"{done.processor:.0f}" for done in found),
    )
    return f"| {' | '.join(cells)} |"
