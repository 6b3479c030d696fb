"""Training jobs whose network begins as one that was trained before."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from training_cases import left, run, small_job

from reservoir.checkpoint import read
from reservoir.errors import DataError
from reservoir.jobs.from_trained import trained_settings
from reservoir.jobs.given_source import Sequences, given
from reservoir.jobs.job import Job
from reservoir.jobs.run_directory import RunDirectory
from reservoir.jobs.settings import batch_settings, network_settings, optimizer_settings
from reservoir.jobs.task_source import TaskSource
from reservoir.tasks import Sample


def series(seed, steps=(20, 15)):
    rng = np.random.default_rng(seed)
    X = [rng.uniform(-3, 5, (n, 2)) for n in steps]
    return X, [np.cumsum(x[:, :1], axis=0) for x in X]


def source(seed, outputs=1):
    X, Y = series(seed)
    Y = [np.repeat(y, outputs, axis=1) for y in Y]
    names = tuple(f"y{k}" for k in range(outputs))
    sample = Sample(X, Y, "every")
    return given(Sequences(sample, "squared_error", ("x0", "x1"), names), standardize=True)


def job(found, network, record=None):
    steps = optimizer_settings("adam", {})
    return Job(found, network, steps, batch_settings("adam", {}, found.count), 1, 0, 0, {}, record)


def trained(path, cell="lstm", **given):
    first = job(source(0), network_settings(cell, {"units": 4} | given))
    return run(first, path, max_steps=5).model


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_it_begins_where_the_other_ended(tmp_path, cell):
    before = trained(tmp_path / "first", cell, layers=2)
    again = job(source(1), trained_settings(before, {}), before).start()
    X, _ = series(2)
    for one, other in zip(before.predict(X), again.predict(X), strict=True):
        assert np.array_equal(one, other)
    assert again.network.dtype == before.network.dtype


def test_other_numbers_for_the_passes(tmp_path):
    before = trained(tmp_path / "first")
    again = job(source(1), trained_settings(before, {"dtype": "float64"}), before).start()
    assert again.network.dtype == np.float64
    assert np.array_equal(again.theta, before.theta)


def test_a_run_in_parts_has_the_bits_of_one(tmp_path):
    before = trained(tmp_path / "first")
    again = job(source(1), trained_settings(before, {}), before)
    run(again, tmp_path / "whole", max_steps=4)
    for steps in (1, 3, 4):
        run(again, tmp_path / "cut", max_steps=steps)
    assert left(tmp_path / "cut") == left(tmp_path / "whole")
    other = replace(before, theta=before.theta + 1e-9)
    changed = job(source(1), trained_settings(other, {}), other)
    with pytest.raises(DataError, match=r"network.init_from: .*, now "):
        run(changed, tmp_path / "whole", max_steps=4)


def test_from_short_sequences_to_longer_ones(tmp_path):
    run(small_job(), tmp_path / "short", max_steps=3)
    before = read(RunDirectory(tmp_path / "short").numbered()[-1][1]).record
    longer = TaskSource("addition", 14, {}, 0, tested=200)
    again = replace(
        small_job(source=longer), network=trained_settings(before, {}), init_from=before
    )
    model = again.start()
    assert np.array_equal(model.theta, before.theta)
    assert run(again, tmp_path / "long", max_steps=2).history["step"].tolist() == [1, 2]


def test_refusals(tmp_path):
    before = trained(tmp_path / "first")
    with pytest.raises(DataError, match="--units is decided by the network of --init-from"):
        trained_settings(before, {"units": 3})
    network = trained_settings(before, {})
    with pytest.raises(DataError, match=r"outputs of the network of --init-from: 1; .* need 2"):
        job(source(1, outputs=2), network, before).start()
    task = TaskSource("temporal_order", 10, {}, 0, tested=200)
    with pytest.raises(DataError, match=r"inputs of the network of --init-from: 2; .* need 6"):
        job(task, network, before).start()
