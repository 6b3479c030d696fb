"""Training jobs: they stop when they should, keep the best, and refuse what is not theirs."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest
from training_cases import left, run, small_job

from hfopt import HessianFree, LineSearch
from reservoir.checkpoint import Checkpoint, read, write
from reservoir.errors import DataError, InUseError
from reservoir.jobs.interruption import Flag
from reservoir.jobs.owner import owning
from reservoir.jobs.run_directory import RunDirectory
from reservoir.jobs.settings import RunSettings
from reservoir.jobs.task_source import TaskSource
from reservoir.jobs.training import Ending, train

# ---- when a run is over


def test_the_target(tmp_path):
    job = small_job()
    outcome = run(job, tmp_path / "r", target=1.0, max_steps=50)
    assert outcome.ending is Ending.TARGET
    steps = len(outcome.history)
    assert outcome.history["wrong"][-1] < 1.0
    assert (outcome.history["wrong"][:-1] >= 1.0).all()
    again = run(job, tmp_path / "r", target=1.0, max_steps=50)
    assert (again.ending, len(again.history)) == (Ending.TARGET, steps)
    assert again.score == outcome.score
    further = run(job, tmp_path / "r", target=0.0, max_steps=steps + 1)
    assert (further.ending, len(further.history)) == (Ending.MAX_STEPS, steps + 1)


def test_the_target_is_decided_on_more_sequences(tmp_path):
    class Lucky(TaskSource):
        """A few sequences look right, many do not."""

        def score(self, model, sample):
            found = super().score(model, sample)
            return found._replace(wrong=0.0 if len(sample) < self.tested else 0.5)

    source = Lucky("addition", 10, {}, 0, tested=200)
    outcome = run(small_job(source=source), tmp_path / "r", target=0.01, max_steps=2)
    assert outcome.ending is Ending.MAX_STEPS
    np.testing.assert_array_equal(outcome.history["wrong"], [0.5, 0.5])
    # also of a run that had no target before, and was judged on the few
    without = run(small_job(source=source), tmp_path / "other", max_steps=2)
    np.testing.assert_array_equal(without.history["wrong"], [0.0, 0.0])
    for steps in (2, 3):
        outcome = run(small_job(source=source), tmp_path / "other", target=0.01, max_steps=steps)
        assert (outcome.ending, len(outcome.history)) == (Ending.MAX_STEPS, steps)


def test_the_time_limit_counts_all_runs(tmp_path):
    job = small_job()
    first = run(job, tmp_path / "r", time_limit=1e-9, max_steps=9)
    assert (first.ending, len(first.history)) == (Ending.TIME_LIMIT, 1)
    before = first.history["seconds"][-1]
    second = run(job, tmp_path / "r", time_limit=before, max_steps=9)
    assert (second.ending, len(second.history)) == (Ending.TIME_LIMIT, 1)
    third = run(job, tmp_path / "r", max_steps=2)
    assert third.history["seconds"][-1] > before


def test_the_limit_of_processor_time(tmp_path):
    job = small_job()
    first = run(job, tmp_path / "r", processor_limit=1e-9, max_steps=9)
    assert (first.ending, len(first.history)) == (Ending.PROCESSOR_LIMIT, 1)
    spent = float(first.history["processor_seconds"][-1])
    again = run(job, tmp_path / "r", processor_limit=spent, max_steps=9)
    assert (again.ending, len(again.history)) == (Ending.PROCESSOR_LIMIT, 1)
    further = run(job, tmp_path / "r", processor_limit=spent + 1e4, max_steps=2)
    assert (further.ending, len(further.history)) == (Ending.MAX_STEPS, 2)


def test_rows_of_some_steps_only(tmp_path):
    job = small_job("sgd", validate_every=4)
    all_rows = run(job, tmp_path / "all", max_steps=11, checkpoint_every=100)
    some = run(job, tmp_path / "some", max_steps=11, checkpoint_every=100, metrics_every=3)
    # every third, those that are judged or the best so far, and the last, which is saved
    np.testing.assert_array_equal(some.history["step"], [3, 4, 6, 8, 9, 11])
    chosen = some.history["step"] - 1
    for name in set(some.history.names) - {"seconds", "processor_seconds"}:
        np.testing.assert_array_equal(some.history[name], all_rows.history[name][chosen])
    np.testing.assert_array_equal(some.model.theta, all_rows.model.theta)
    lines = (tmp_path / "some" / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == some.history["step"].tolist()
    # steps without a row count for the time limit, also of a run that goes on
    spent = some.history["seconds"][-1]
    over = run(job, tmp_path / "some", max_steps=99, time_limit=spent / 2, metrics_every=3)
    assert (over.ending, over.history["step"][-1]) == (Ending.TIME_LIMIT, 11)
    further = run(job, tmp_path / "some", max_steps=13, metrics_every=100)
    np.testing.assert_array_equal(further.history["step"], [*some.history["step"], 12, 13])


def test_numbers_that_are_not_finite(tmp_path):
    job = small_job("sgd", learning_rate=1e300)
    outcome = run(job, tmp_path / "r", max_steps=100)
    assert outcome.ending is Ending.NOT_FINITE
    steps = len(outcome.history)
    assert steps < 100
    assert np.isfinite(outcome.model.theta).all()
    assert len(run(job, tmp_path / "r", max_steps=100).history) == steps


@pytest.mark.parametrize(
    "optimizer, ending",
    [
        (HessianFree(gradient_tolerance=1e9), Ending.CONVERGED),
        (HessianFree(line_search=LineSearch(armijo=1.0, max_steps=0), max_rejections=2),
         Ending.STALLED),
    ],
)  # fmt: skip
def test_what_ends_the_optimizer_ends_the_run(tmp_path, monkeypatch, optimizer, ending):
    monkeypatch.setattr("reservoir.jobs.job.optimizer_of", lambda *settings: optimizer)
    outcome = run(small_job(), tmp_path / "r", max_steps=50)
    steps = len(outcome.history)
    assert outcome.ending is ending
    assert 0 < steps < 50
    again = run(small_job(), tmp_path / "r", max_steps=50)
    assert (again.ending, len(again.history)) == (ending, steps)


def test_validation_now_and_then(tmp_path):
    outcome = run(small_job(validate_every=2), tmp_path / "r")
    assert np.isfinite(outcome.history["wrong"]).tolist() == [False, True, False, True]


# ---- the best


def test_the_best_has_the_least_score(tmp_path):
    outcome = run(small_job(), tmp_path / "r", max_steps=6)
    best = read(tmp_path / "r" / "best.h5")
    wrong = outcome.history["wrong"]
    assert best.run.state.step == 1 + int(np.argmin(wrong))
    assert best.history["wrong"][-1] == wrong.min()


def test_the_best_outlives_an_interruption(tmp_path):
    job = small_job()
    for steps in range(1, 7):
        run(job, tmp_path / "cut", max_steps=steps)
    run(job, tmp_path / "whole", max_steps=6)
    one, other = (read(tmp_path / name / "best.h5").run.state for name in ("cut", "whole"))
    assert one.step == other.step
    np.testing.assert_array_equal(one.theta, other.theta)


def test_the_last_step_may_be_the_best_though_it_was_not_due(tmp_path):
    outcome = run(small_job(validate_every=3), tmp_path / "r", max_steps=2)
    best = read(tmp_path / "r" / "best.h5")
    assert best.run.state.step == 2
    assert outcome.score.wrong < 1.0
    run(small_job(validate_every=3), tmp_path / "r", max_steps=4)  # judged at 3, and at the end
    assert read(tmp_path / "r" / "best.h5").run.state.step in (3, 4)


@pytest.mark.parametrize("step", [1, 2, 3, 4])
def test_the_best_outlives_an_abort(tmp_path, step):
    job, path = small_job(), tmp_path / "cut"

    def abort(row):
        if row["step"] == step:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(job, RunDirectory(path), RunSettings(max_steps=4), Flag(), show=abort)
    run(job, path)
    run(job, tmp_path / "whole")
    assert left(path) == left(tmp_path / "whole")
    one, other = (read(tmp_path / name / "best.h5").run.state for name in ("cut", "whole"))
    assert one.step == other.step
    np.testing.assert_array_equal(one.theta, other.theta)


# ---- what is not theirs


def test_a_changed_job(tmp_path):
    run(small_job(), tmp_path / "r", max_steps=1)
    before = {p.name: p.read_bytes() for p in (tmp_path / "r").iterdir() if p.name != "owner"}
    with pytest.raises(DataError, match=r"\(network.units: 5, now 6\); .*--fresh") as error:
        run(small_job(units=6), tmp_path / "r")
    assert "\n" not in str(error.value)
    after = {p.name: p.read_bytes() for p in (tmp_path / "r").iterdir() if p.name != "owner"}
    assert after == before


def test_fresh_begins_anew(tmp_path):
    run(small_job(), tmp_path / "r", max_steps=2)
    job, told = small_job(units=6), []
    directory = RunDirectory(tmp_path / "r")
    outcome = train(job, directory, RunSettings(max_steps=1), Flag(), fresh=True, tell=told.append)
    assert len(outcome.history) == 1
    assert outcome.model.network.cells[0].units == 6
    assert told == [f"the run before is in {tmp_path / 'r' / 'before'}"]


def test_a_checkpoint_that_is_no_job(tmp_path):
    run(small_job(), tmp_path / "r", max_steps=0)
    path = tmp_path / "r" / "step-000000.h5"
    write(Checkpoint(read(path).record), path)
    with pytest.raises(DataError, match="is no checkpoint of a training job"):
        run(small_job(), tmp_path / "r")


def test_a_directory_in_use(tmp_path):
    directory = RunDirectory(tmp_path / "r")
    directory.create()
    with owning(directory.path), pytest.raises(InUseError, match=f"process {os.getpid()}"):
        run(small_job(), tmp_path / "r")
    assert [entry.name for entry in directory.path.iterdir()] == ["owner"]
