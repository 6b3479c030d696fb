"""Training jobs with truncated backpropagation: bits of whole sequences, and of resumed runs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from training_cases import CountingFlag, left, run, small_job

from reservoir.checkpoint import read
from reservoir.errors import DataError
from reservoir.jobs.given_source import Sequences, given
from reservoir.jobs.interruption import Interrupted
from reservoir.jobs.run_directory import RunDirectory
from reservoir.jobs.settings import batch_settings
from reservoir.tasks import Sample


def truncated(k1, k2, source=None, optimizer="adam"):
    job = small_job(optimizer, source=source)
    return replace(job, batches={**job.batches, "k1": k1, "k2": k2})


def long_series(lengths=(40, 31), seed=0):
    rng = np.random.default_rng(seed)
    inputs = [rng.normal(0, 1, (T, 2)) for T in lengths]
    targets = [np.roll(x[:, :1], 2, axis=0) for x in inputs]
    return given(Sequences(Sample(inputs, targets, "every"), "squared_error"))


def carried(path):
    return read(RunDirectory(path).numbered()[-1][1]).run.state.carried


def test_more_than_there_is_has_the_bits_of_whole_sequences(tmp_path):
    run(small_job("adam"), tmp_path / "whole")
    run(truncated(100, 100), tmp_path / "cut")
    found, expected = left(tmp_path / "cut"), left(tmp_path / "whole")
    for name in ("theta", "optimizer"):
        assert found[name] == expected[name]
    for line, other in zip(found["metrics"], expected["metrics"], strict=True):
        assert line.pop("round") == line["step"]
        assert line.pop("position") == 0
        assert line == other


@pytest.mark.parametrize("k1, k2", [(7, 7), (5, 12)])
def test_interrupted_in_the_middle_of_a_series(tmp_path, k1, k2):
    job = truncated(k1, k2, long_series())
    flag = CountingFlag()
    run(job, tmp_path / "whole", flag, max_steps=12)
    expected, looks = left(tmp_path / "whole"), flag.looks
    for look in set(np.random.default_rng(0).integers(2, looks + 1, 5).tolist()):
        path = tmp_path / f"cut{look}"
        with pytest.raises(Interrupted, match="SIGTERM"):
            run(job, path, CountingFlag(look), max_steps=12)
        run(job, path, max_steps=12)
        assert left(path) == expected, look


def test_where_a_run_stands(tmp_path):
    outcome = run(truncated(10, 15, long_series()), tmp_path / "r", max_steps=6)
    assert outcome.history["round"].tolist() == [0, 0, 0, 1, 1, 1]
    assert outcome.history["position"].tolist() == [10, 20, 30, 0, 10, 20]
    state = carried(tmp_path / "r")
    assert state[:2] == (1, 20)
    assert state.states[0].shape == (1, 2, 5)
    assert state.states[0].dtype == np.float64


def test_a_target_at_the_end_makes_one_step_a_round(tmp_path):
    outcome = run(truncated(3, 5), tmp_path / "r")
    assert outcome.history["round"].tolist() == [1, 2, 3, 4]


def test_other_numbers_are_another_job(tmp_path):
    run(truncated(5, 5), tmp_path / "r", max_steps=1)
    with pytest.raises(DataError, match=r"batches\.k2: 5, now 6"):
        run(truncated(5, 6), tmp_path / "r")


def test_settings():
    assert batch_settings("adam", {"truncate": (3, 9)}, 5)["k2"] == 9
    assert batch_settings("adam", {}, 5)["k1"] is None
    with pytest.raises(DataError, match="--truncate is for first-order optimizers"):
        batch_settings("hf", {"truncate": (3, 9)}, 5)
