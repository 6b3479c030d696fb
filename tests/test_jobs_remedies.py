"""Remedies in training jobs: settings, each alone, pairs, metrics, resuming, patience."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from test_jobs_resuming import CountingFlag
from training_cases import left, run

from hfopt import SGD, HessianFree, InverseTime
from reservoir.checkpoint import History, read
from reservoir.errors import DataError
from reservoir.jobs.building import optimizer_of
from reservoir.jobs.interruption import Interrupted
from reservoir.jobs.job import Job
from reservoir.jobs.remedies import REMEDIES, remedy_settings
from reservoir.jobs.run_directory import RunDirectory
from reservoir.jobs.settings import batch_settings, network_settings, optimizer_settings
from reservoir.jobs.task_source import TaskSource
from reservoir.jobs.training import Ending
from reservoir.rnn.remedies import Remedies

# Options by table: of the network, of the optimizer, remedies.
ALONE = {
    "leaks": ({"leak_rate": "0.02:0.2"}, {}, {}),
    "clip": ({}, {"clip": 0.1}, {}),
    "clip value": ({}, {"clip_value": 0.01}, {}),
    "l1": ({}, {}, {"l1": 1e-3, "l1_other": 1e-3}),
    "l2": ({}, {}, {"l2": 1e-2, "l2_other": 1e-2}),
    "radius": ({}, {}, {"spectral_radius_bound": 0.7}),
    "norm": ({}, {}, {"spectral_norm_bound": 0.9}),
    "orthogonal": ({}, {}, {"keep_orthogonal": True}),
    "omega": ({}, {}, {"omega": "inverse_time:2.0:3"}),
    "exact omega": ({}, {}, {"omega": 0.5, "omega_derivative": "exact"}),
    "freeze": ({}, {}, {"freeze": ["layers/0/U"]}),
    "shrink": ({}, {}, {"shrink_exploded": 0.02}),
    "schedule": ({}, {"learning_rate": "warmup:2:cosine:0.05:4"}, {}),
}
FIRST_ORDER = ("clip", "clip value", "omega", "shrink", "schedule")
EXCLUSIVE = (
    {"orthogonal", "radius"}, {"orthogonal", "norm"}, {"omega", "exact omega"},
)  # fmt: skip


def job(*names, optimizer="sgd", seed=0, **remedies):
    """Three tanh units that add numbers over ten steps, with some of the options above."""
    network, steps = {"units": 3, "dtype": "float64"}, {}
    for name in names:
        of_network, of_optimizer, own = ALONE[name]
        network, steps, remedies = network | of_network, steps | of_optimizer, remedies | own
    sizes = {"gradient_batch": 20} | ({"curvature_batch": 10} if optimizer == "hf" else {})
    return Job(
        TaskSource("addition", 10, {}, seed, tested=100),
        network_settings("rnn", network),
        optimizer_settings(optimizer, steps),
        batch_settings(optimizer, sizes, None),
        1,
        seed,
        remedies=remedy_settings(remedies),
    )


def cut_and_resumed(found, path, steps=3):
    """What a run in one piece leaves, after a look that one interrupted in each step leaves it."""
    flag = CountingFlag()
    run(found, path / "whole", flag, max_steps=steps)
    for look in (2, flag.looks // 2, flag.looks):
        with pytest.raises(Interrupted):
            run(found, path / f"cut{look}", CountingFlag(look), max_steps=steps)
        run(found, path / f"cut{look}", max_steps=steps)
        assert left(path / f"cut{look}") == left(path / "whole"), look
    return read(RunDirectory(path / "whole").numbered()[-1][1])


# ---- settings


def test_the_names_are_those_of_the_library():
    assert set(REMEDIES) == set(Remedies.__dataclass_fields__)


def test_only_what_is_asked_for_is_kept():
    given = dict.fromkeys(REMEDIES) | {"l2": 0.0, "freeze": (), "keep_orthogonal": False}
    assert remedy_settings(given) == {}
    assert "remedies" not in job().document
    assert remedy_settings(given | {"freeze": ("layers/*",), "l1": 0.5}) == {
        "l1": 0.5, "freeze": ["layers/*"],
    }  # fmt: skip
    with pytest.raises(DataError, match="give its weight, --omega"):
        remedy_settings({"omega_derivative": "exact"})


def test_schedules_are_read():
    made = optimizer_of(
        optimizer_settings("sgd", {"learning_rate": "inverse_time:0.5:10"}),
        {"gradient_batch": 5}, None,
    )  # fmt: skip
    assert made == SGD(InverseTime(0.5, 10))


def test_the_small_batch_mode():
    told = optimizer_settings("hf", {"small_batch": True})
    assert told["cg_steps"] == 5
    assert optimizer_settings("hf", {"small_batch": True, "cg_steps": 9})["cg_steps"] == 9
    assert optimizer_settings("hf", {"small_batch": False}) == optimizer_settings("hf", {})
    sizes = {"gradient_batch": 20}
    for sequences, given, epoch in ((None, {}, 1), (95, {}, 5), (95, {"epoch": 7}, 7)):
        made = optimizer_of(told | given, sizes, sequences)
        assert made == replace(
            HessianFree.small_batch(epoch, damping=0.1), structural=made.structural
        )
    with pytest.raises(DataError, match="--epoch is of the small-batch mode"):
        optimizer_settings("hf", {"epoch": 3})


def test_a_gain_or_a_spectral_radius():
    found = network_settings("rnn", {"gain": 0.5})
    assert (found["gain"], found["spectral_radius"]) == (0.5, None)
    with pytest.raises(DataError, match="--gain is undone by --spectral-radius"):
        network_settings("rnn", {"gain": 0.5, "spectral_radius": 1.0})


# ---- alone and together


@pytest.mark.parametrize("name", ALONE)
def test_alone_and_resumed(tmp_path, name):
    optimizer = "sgd" if name in FIRST_ORDER else "hf"
    checkpoint = cut_and_resumed(job(name, optimizer=optimizer), tmp_path)
    plain = run(job(optimizer=optimizer), tmp_path / "plain", max_steps=3)
    if name != "shrink":  # no gradient explodes here
        assert not np.array_equal(checkpoint.record.theta, plain.model.theta)


@pytest.mark.parametrize(
    "pair", [pair for pair in combinations(ALONE, 2) if set(pair) not in EXCLUSIVE], ids="+".join
)
def test_pairs(tmp_path, pair):
    found = job(*pair)
    found.check()
    history = run(found, tmp_path / "r", max_steps=2).history
    assert history["refusal"].tolist() == [0, 0]
    assert np.isfinite(history["value"]).all()


@pytest.mark.parametrize("pair", EXCLUSIVE[:2], ids="+".join)
def test_pairs_that_exclude_each_other(tmp_path, pair):
    with pytest.raises(DataError, match=r"--keep-orthogonal and --.* exclude each other"):
        job(*pair).check()


@pytest.mark.parametrize("optimizer", ["nesterov", "adam"])
def test_many_at_once_and_resumed(tmp_path, optimizer):
    names = ("leaks", "clip", "clip value", "l1", "l2", "orthogonal", "omega", "freeze", "shrink",
             "schedule")  # fmt: skip
    found = job(*names, optimizer=optimizer)
    checkpoint = cut_and_resumed(found, tmp_path)
    network, theta = checkpoint.record.network, checkpoint.record.theta
    W = network.views(theta.copy())["layers/0/W"]
    assert np.allclose(W @ W.T, np.eye(3), atol=1e-12)
    kept = network.select("layers/0/U")
    assert np.array_equal(theta[kept], found.start().theta[kept])
    assert all(0.02 <= rate <= 0.2 for rate in network.cells[0].leak_rate)
    history = checkpoint.history
    assert history["omega_weight"] == pytest.approx([2.0, 1.5, 1.2])
    assert (history["omega"] > 0).all()
    assert (history["penalty"] > 0).all()
    assert history["clipped"].all()
    assert (history["clip_factor"] < 1).all()


def test_many_at_once_with_hessian_free_steps(tmp_path):
    names = ("leaks", "l1", "l2", "norm", "radius", "exact omega", "freeze")
    checkpoint = cut_and_resumed(job(*names, optimizer="hf"), tmp_path)
    network, theta = checkpoint.record.network, checkpoint.record.theta
    W = network.views(theta.copy())["layers/0/W"]
    assert np.linalg.norm(W, 2) <= 0.9 + 1e-12
    assert (checkpoint.history["omega"] > 0).all()


def test_a_refusal_comes_before_anything_is_written(tmp_path):
    with pytest.raises(DataError, match="published gradient"):
        job("omega", optimizer="hf").check()
    with pytest.raises(DataError, match="--freeze: no parameter matches"):
        job(freeze=["layers/1/W"]).check()


def test_another_remedy_is_another_job(tmp_path):
    run(job("l2"), tmp_path / "r", max_steps=1)
    with pytest.raises(DataError, match=r"remedies.l2: 0.01, now none.*--fresh"):
        run(job(), tmp_path / "r", max_steps=2)


# ---- patience


def test_patience(tmp_path):
    found = job("freeze", seed=2)
    whole = run(found, tmp_path / "whole", max_steps=40)
    scores = whole.history["wrong"]
    stop = next(
        k for k in range(3, 41) if scores[: k - 3].min(initial=2.0) <= scores[k - 3 : k].min()
    )
    outcome = run(found, tmp_path / "r", max_steps=40, patience=3)
    assert (outcome.ending, len(outcome.history)) == (Ending.PATIENCE, stop)
    for steps in (1, stop - 1, 40):  # in pieces
        outcome = run(found, tmp_path / "cut", max_steps=steps, patience=3)
    assert (outcome.ending, len(outcome.history)) == (Ending.PATIENCE, stop)
    again = run(found, tmp_path / "cut", max_steps=40, patience=3)
    assert (again.ending, len(again.history)) == (Ending.PATIENCE, stop)
    assert len(run(found, tmp_path / "cut", max_steps=stop + 1, patience=30).history) == stop + 1


# ---- runs of earlier versions


def test_a_history_without_the_newest_columns_goes_on(tmp_path, monkeypatch):
    found = job()
    run(found, tmp_path / "whole", max_steps=2)
    append = History.append
    monkeypatch.setattr(
        History, "append",
        lambda self, row: append(self, {k: v for k, v in row.items() if k != "clip_factor"}),
    )  # fmt: skip
    run(found, tmp_path / "old", max_steps=1)
    monkeypatch.undo()
    outcome = run(found, tmp_path / "old", max_steps=2)
    assert "clip_factor" not in outcome.history.names
    assert left(tmp_path / "old")["theta"] == left(tmp_path / "whole")["theta"]


@pytest.mark.parametrize("name", ["spectral_radius", "gain"])
def test_a_scale_that_projection_undoes_is_refused(name):
    with pytest.raises(DataError, match=f"--{name.replace('_', '-')} is undone by"):
        remedy_settings({name: 0.5, "keep_orthogonal": True})
    frozen = remedy_settings({name: 0.5, "keep_orthogonal": True, "freeze": ("layers/0/W",)})
    assert frozen["keep_orthogonal"]
