"""Training jobs resume bit for bit, whatever stopped them and whatever the threads."""

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

from reservoir.jobs.interruption import Flag, Interrupted, watching
from reservoir.jobs.run_directory import RunDirectory
from reservoir.jobs.settings import RunSettings
from reservoir.jobs.training import Ending, train


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
