"""Training jobs whose network begins as the reservoir of an echo state network."""

from __future__ import annotations

import numpy as np
import pytest
from training_cases import left, run

from reservoir import ESNRegressor
from reservoir.errors import DataError
from reservoir.jobs.from_reservoir import digest_of, reservoir_settings
from reservoir.jobs.given_source import Sequences, given
from reservoir.jobs.job import Job
from reservoir.jobs.remedies import remedy_settings
from reservoir.jobs.settings import batch_settings, optimizer_settings
from reservoir.tasks import Sample

RNG = np.random.default_rng(0)
X = [RNG.uniform(-3, 5, (steps, 2)) for steps in (40, 30)]
Y = [np.roll(x[:, :1] * 0.5, 1, axis=0) + 2.0 for x in X]


def esn(**options):
    options = {"units": 6, "leak_rate": "0.3:1", "washout": 3, "random_state": 0} | options
    fitted = ESNRegressor(**options).fit(X, Y)
    return fitted.model_


def source(targets=Y, names=("y0",), loss="squared_error"):
    sample = Sample(X, targets, "every")
    return given(Sequences(sample, loss, ("x0", "x1"), names), standardize=True)


def job(record, found=None, optimizer="hf", **remedies):
    network = reservoir_settings(record, "rnn", {"dtype": "float64"})
    found = found or source()
    steps = optimizer_settings(optimizer, {})
    batches = batch_settings(optimizer, {}, found.count)
    return Job(found, network, steps, batches, 1, 0, 0, remedy_settings(remedies), record)


def test_the_model_begins_as_the_echo_state_network():
    record = esn()
    assert record.target_names == ("y0",)
    model = job(record).start()
    fitted = ESNRegressor(units=6, leak_rate="0.3:1", washout=3, random_state=0).fit(X, Y)
    for mine, theirs in zip(model.states(X), fitted.states(X), strict=True):
        assert np.allclose(mine, theirs, atol=1e-12)
    for mine, theirs in zip(model.predict(X), fitted.predict(X), strict=True):
        assert np.allclose(mine, theirs, atol=1e-9)


@pytest.mark.parametrize("names", [("other",), ()])
def test_the_readout_of_other_targets_begins_at_zero(names):
    model = job(esn(), source(names=names)).start()
    views = model.network.views(model.theta)
    assert not views["readout/V"].any()
    assert np.allclose(model.target_scaler.mean, np.concatenate(Y).mean(axis=0))


@pytest.mark.parametrize("optimizer", ["hf", "adam"])
def test_frozen_recurrence_trained_readout(tmp_path, optimizer):
    found = job(esn(), source(names=("other",)), optimizer, freeze=["layers/*"])
    start = found.start()
    outcome = run(found, tmp_path / "r", max_steps=3)
    network, theta = outcome.model.network, outcome.model.theta
    for name, array in network.views(theta).items():
        before = network.views(start.theta)[name]
        assert np.array_equal(array, before) == name.startswith("layers/"), name
    run(found, tmp_path / "cut", max_steps=1)
    run(found, tmp_path / "cut", max_steps=3)
    assert left(tmp_path / "cut") == left(tmp_path / "r")


def test_another_reservoir_is_another_job(tmp_path):
    run(job(esn()), tmp_path / "r", max_steps=0)
    with pytest.raises(DataError, match=r"network.init_from: .*, now "):
        run(job(esn(random_state=1)), tmp_path / "r", max_steps=1)
    assert digest_of(esn()) == digest_of(esn())


def test_refused():
    record = esn()
    for name, value in (("units", 6), ("leak_rate", 0.5), ("recurrent", "sparse"), ("layers", 1)):
        with pytest.raises(DataError, match=f"--{name.replace('_', '-')} is decided by the"):
            reservoir_settings(record, "rnn", {"units": None} | {name: value})
    with pytest.raises(DataError, match=r"--init-from is of the cell 'rnn'.* 'lstm'"):
        reservoir_settings(record, "lstm", {})
    narrow = ESNRegressor(units=4, washout=3, random_state=0).fit([x[:, :1] for x in X], Y).model_
    with pytest.raises(DataError, match="init-from has 1 inputs, the data have 2"):
        job(narrow).check()
    with pytest.raises(DataError, match="output feedback"):
        job(esn(feedback=True)).check()
