"""Training jobs: they resume bit for bit, stop when they should, and refuse what is not theirs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from training_cases import CountingFlag, left, run, small_job

from reservoir.checkpoint import Checkpoint, read, write
from reservoir.errors import DataError, InUseError
from reservoir.jobs.given_source import Sequences, given
from reservoir.jobs.interruption import Flag, Interrupted, watching
from reservoir.jobs.owner import owning
from reservoir.jobs.run_directory import RunDirectory
from reservoir.jobs.settings import RunSettings
from reservoir.jobs.task_source import TaskSource
from reservoir.jobs.training import Ending, train
from reservoir.tasks import task


def jobs():
    yield "hf", {}
    yield "hf", {"preconditioner": "fisher", "early_stopping": 1}
    yield "adam", {"clip": 0.5}
    yield "nesterov", {}


@pytest.mark.parametrize("optimizer, options", list(jobs()))
def test_interrupted_anywhere_and_resumed(tmp_path, optimizer, options):
    job = small_job(optimizer, **options)
    flag = CountingFlag()
    run(job, tmp_path / "whole", flag)
    expected, looks = left(tmp_path / "whole"), flag.looks
    assert looks >= 4
    rng = np.random.default_rng(0)
    for k, look in enumerate(sorted({1, looks, *rng.integers(1, looks + 1, 4).tolist()})):
        path = tmp_path / f"cut{k}"
        with pytest.raises(Interrupted, match="SIGTERM"):
            run(job, path, CountingFlag(look))
        run(job, path)
        assert left(path) == expected, look


def test_interrupted_at_every_step(tmp_path):
    job = small_job()
    run(job, tmp_path / "whole")
    for look in (3, 9, 15, 21, 27, 0):
        try:
            run(job, tmp_path / "cut", CountingFlag(look))
        except Interrupted:
            continue
        break
    assert left(tmp_path / "cut") == left(tmp_path / "whole")


def test_steps_one_at_a_time(tmp_path):
    job = small_job()
    run(job, tmp_path / "whole")
    for steps in range(5):
        outcome = run(job, tmp_path / "cut", max_steps=steps)
        assert len(outcome.history) == steps
        assert outcome.ending is Ending.MAX_STEPS
    assert left(tmp_path / "cut") == left(tmp_path / "whole")


def test_seldom_checkpoints_and_an_interruption(tmp_path):
    job = small_job()
    run(job, tmp_path / "whole")
    run(job, tmp_path / "other", checkpoint_every=3)
    assert left(tmp_path / "other") == left(tmp_path / "whole")
    assert [step for step, _ in RunDirectory(tmp_path / "other").numbered()] == [0, 3, 4]
    flag = CountingFlag()
    run(job, tmp_path / "three", flag, max_steps=3)
    with pytest.raises(Interrupted):  # in the fourth step
        run(job, tmp_path / "cut", CountingFlag(flag.looks), checkpoint_every=10)
    assert [step for step, _ in RunDirectory(tmp_path / "cut").numbered()] == [0, 3]
    run(job, tmp_path / "cut", checkpoint_every=10)
    assert left(tmp_path / "cut") == left(tmp_path / "whole")


def test_damage_to_the_newest_checkpoint(tmp_path):
    job = small_job()
    run(job, tmp_path / "r")
    expected = left(tmp_path / "r")
    (tmp_path / "r" / "step-000004.h5").write_bytes(b"half")
    told, warned = [], []
    train(job, RunDirectory(tmp_path / "r"), RunSettings(max_steps=4), Flag(), tell=told.append,
          warn=warned.append)  # fmt: skip
    assert left(tmp_path / "r") == expected
    assert "step-000004.h5: is not an HDF5 file" in warned[0]
    assert told == [f"the run stands at step 3, {tmp_path / 'r' / 'step-000003.h5'}"]


KILL = """
import os, signal, sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[2])
import numpy as np
from training_cases import left, run, small_job
base = Path(sys.argv[1])
job = small_job()
run(job, base / "whole", max_steps=8)
expected = left(base / "whole")
rng = np.random.default_rng(0)
for round in range(2):
    path, kills = base / f"cut{round}", 0
    while True:
        child = os.fork()
        if not child:
            run(job, path, max_steps=8)
            os._exit(0)
        delay = 0.02 + 0.1 * rng.random()
        time.sleep(delay * (1 + kills // 4))
        os.kill(child, signal.SIGKILL)
        if os.waitpid(child, 0)[1] == 0:
            break
        kills += 1
    assert left(path) == expected
    print(kills)
"""


def test_killed_again_and_again(tmp_path):
    command = [sys.executable, "-c", KILL, tmp_path, Path(__file__).parent]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert sum(map(int, done.stdout.split())) >= 3


# ---- the same bits


def test_the_number_of_threads_changes_nothing(tmp_path, use_threads):
    for number in (1, 3):
        use_threads(number)
        run(small_job(), tmp_path / str(number))
    assert left(tmp_path / "1") == left(tmp_path / "3")


def test_another_seed_is_another_run(tmp_path):
    run(small_job(), tmp_path / "a", max_steps=1)
    run(small_job(seed=1), tmp_path / "b", max_steps=1)
    assert left(tmp_path / "a")["theta"] != left(tmp_path / "b")["theta"]


def test_the_first_batch_is_not_drawn_from_the_stream_of_the_weights(tmp_path):
    job = small_job()
    first = job.source.draw(np.random.default_rng(job.seed), 30)
    from reservoir.jobs.building import batches_of

    batches = batches_of(job.batches, job.source.draw, job.start(), job.seed)
    drawn = []
    replace(batches, draw=lambda rng, n: drawn.append(job.source.draw(rng, n)) or drawn[0])(0)
    assert not np.array_equal(first.inputs[0], drawn[0].inputs[0])


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


def test_the_time_limit_counts_all_runs(tmp_path):
    job = small_job()
    first = run(job, tmp_path / "r", time_limit=1e-9, max_steps=9)
    assert (first.ending, len(first.history)) == (Ending.TIME_LIMIT, 1)
    before = first.history["seconds"][-1]
    second = run(job, tmp_path / "r", time_limit=before, max_steps=9)
    assert (second.ending, len(second.history)) == (Ending.TIME_LIMIT, 1)
    third = run(job, tmp_path / "r", max_steps=2)
    assert third.history["seconds"][-1] > before


def test_numbers_that_are_not_finite(tmp_path):
    job = small_job("sgd", learning_rate=1e300)
    outcome = run(job, tmp_path / "r", max_steps=100)
    assert outcome.ending is Ending.NOT_FINITE
    steps = len(outcome.history)
    assert steps < 100
    assert np.isfinite(outcome.model.theta).all()
    assert len(run(job, tmp_path / "r", max_steps=100).history) == steps


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


# ---- given sequences


def sequences(count=12, seed=0):
    sample = task("addition", 10).draw(count, seed, dtype="float64")
    return Sequences(sample, "squared_error", target_names=("sum",))


def test_given_sequences(tmp_path):
    source = given(sequences(), validation=sequences(6, 1))
    outcome = run(small_job(source=source), tmp_path / "r", target=1e9)
    assert outcome.ending is Ending.TARGET
    assert outcome.score.loss == outcome.history["validation_loss"][-1]
    assert np.isnan(outcome.score.wrong)


def test_without_validation_nothing_is_the_best(tmp_path):
    outcome = run(small_job(source=given(sequences())), tmp_path / "r")
    assert outcome.score is None
    assert np.isnan(outcome.history["validation_loss"]).all()
    assert not (tmp_path / "r" / "best.h5").exists()


def test_other_numbers_are_another_job(tmp_path):
    run(small_job(source=given(sequences())), tmp_path / "r", max_steps=1)
    with pytest.raises(DataError, match=r"data\.sha256: "):
        run(small_job(source=given(sequences(seed=1))), tmp_path / "r")


def test_a_fraction_is_held_out():
    source = given(sequences(), fraction=0.25, seed=3)
    assert (source.count, len(source.held_out)) == (9, 3)
    every = [one.tobytes() for one in sequences().sample.inputs]
    parts = [one.tobytes() for one in (*source.data.sample.inputs, *source.held_out.inputs)]
    assert sorted(parts) == sorted(every)
    again = given(sequences(), fraction=0.25, seed=3)
    assert again.document == source.document
    assert given(sequences(), fraction=0.25, seed=4).document != source.document


def test_one_sequence_cannot_be_split():
    with pytest.raises(DataError, match="--validation-fraction holds out whole sequences"):
        given(sequences(1), fraction=0.5)
    assert given(sequences(1)).count == 1


def test_labels_are_numbered_as_those_learned():
    labelled = Sequences(
        task("temporal_order", 10).draw(20, 0), "softmax_cross_entropy",
        classes=np.array([3, 5, 7, 9]),
    )  # fmt: skip
    some = Sequences(
        task("temporal_order", 10).draw(20, 1)[:6], "softmax_cross_entropy",
        classes=np.array([1, 5, 7, 9]),
    )  # fmt: skip
    with pytest.raises(DataError, match=r"the label 1 is not among those learned: 3, 5, 7, 9"):
        given(labelled, validation=some)
    two = Sequences(
        replace(some.sample, targets=np.array([0, 1, 1, 0, 1, 0])), "softmax_cross_entropy",
        classes=np.array([5, 9]),
    )  # fmt: skip
    source = given(labelled, validation=two)
    np.testing.assert_array_equal(source.held_out.targets, [1, 3, 3, 1, 3, 1])


def test_scalers_are_those_of_what_is_learned():
    data = sequences()
    source = given(data, standardize=True)
    rows = np.concatenate(data.sample.inputs)
    np.testing.assert_allclose(source.scalers[0].mean, rows.mean(0))
    np.testing.assert_allclose(source.scalers[1].scale, data.sample.targets.std(0))
    plain = given(data, standardize=False)
    assert (plain.scalers[0].scale == 1).all()


def test_a_real_signal(tmp_path):
    job, path = small_job(), tmp_path / "r"
    shown = []

    def show(row):
        shown.append(row["step"])
        if len(shown) == 2:
            os.kill(os.getpid(), signal.SIGUSR1)

    with watching() as flag, pytest.raises(Interrupted, match="SIGUSR1"):
        train(job, RunDirectory(path), RunSettings(max_steps=4), flag, show=show)
    assert shown == [1, 2]
    run(job, path)
    run(job, tmp_path / "whole")
    assert left(path) == left(tmp_path / "whole")
