"""``reservoir evaluate``: errors by hand, and the controls beside them."""

from __future__ import annotations

import json

import numpy as np
import pytest
from test_cli_program import make_csv, make_model, refused, run, wave

from reservoir.checkpoint import read
from reservoir.esn.predict import predict as library_predict
from reservoir.series.collection import collect


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make_model(tmp_path)
    return tmp_path


def fit(name, *options):
    run("fit", "wave.csv", "-o", name, "--units", 20, "--seed", 1, "-q", *options)


def evaluated(*args):
    return json.loads(run("evaluate", *args, "--json").stdout)


def by_hand(truth, said):
    error = said - truth
    rmse = np.sqrt((error**2).mean())
    nrmse = rmse / truth.std()
    return {"steps": len(truth), "rmse": rmse, "nrmse": nrmse, "r2": 1 - nrmse**2,
            "mae": np.abs(error).mean()}  # fmt: skip


def outputs(model, values):
    return library_predict(read(model).record, collect(values))[0]


@pytest.mark.parametrize("horizon", [0, 1, 4])
def test_scores_and_controls(place, horizon):
    fit("m.h5", "--target-columns", "fast", "--horizon", horizon, "--washout", 25)
    found = evaluated("m.h5", "wave.csv")
    values = wave(300)
    fast = values[:, 1]
    truth = fast[25 + horizon :]
    said = outputs("m.h5", values)[25 : 300 - horizon, 0]
    late = fast[25 + horizon - max(1, horizon) : 300 - max(1, horizon)]
    assert found["horizon"] == horizon
    assert found["washout"] == [25]
    assert found["data"] == ["wave.csv"]
    scores = found["targets"]["fast"]
    assert scores["model"] == pytest.approx(by_hand(truth, said), rel=1e-9)
    assert scores["persistence"] == pytest.approx(by_hand(truth, late), rel=1e-9)
    assert scores["mean"] == pytest.approx(by_hand(truth, np.full(len(truth), truth.mean())))
    assert scores["mean"]["r2"] == pytest.approx(0, abs=1e-12)


def test_the_table(place):
    lines = run("evaluate", "wave.h5", "wave.csv").stdout.splitlines()
    assert lines[0].split() == ["target", "said", "by", "steps", "RMSE", "NRMSE", "R2", "MAE"]
    assert [line.split()[:2] for line in lines[1:]] == [
        [target, who] for target in ("slow", "fast") for who in ("model", "persistence", "mean")
    ]
    found = evaluated("wave.h5", "wave.csv")["targets"]["fast"]["model"]
    cells = lines[4].split()
    assert cells[2] == "269"
    assert float(cells[4]) == pytest.approx(found["nrmse"], rel=1e-3)


def test_targets_of_their_own(place):
    fit("m.h5", "--input-columns", "slow", "--target-columns", "fast")
    assert set(evaluated("m.h5", "wave.csv")["targets"]) == {"fast"}
    make_csv(place / "other.csv", wave(300), ["slow", "quick"])
    assert "'fast'" in refused("evaluate", "m.h5", "other.csv", code=2)
    chosen = evaluated("m.h5", "other.csv", "--target-columns", "quick")
    assert chosen["targets"] == evaluated("m.h5", "wave.csv")["targets"]


def test_missing_targets_as_in_the_fit_or_as_told(place):
    columns = ("--input-columns", "slow", "--target-columns", "fast")
    fit("strict.h5", *columns)
    fit("lax.h5", *columns, "--missing-targets", "skip")
    values = wave(300)
    values[100:104, 1] = np.nan
    make_csv(place / "gaps.csv", values, ["slow", "fast"])
    message = refused("evaluate", "strict.h5", "gaps.csv", code=65)
    assert "NaN" in message
    assert "row 100, column 'fast'" in message
    assert refused("evaluate", "lax.h5", "gaps.csv", "--missing-targets", "error", code=65)
    scores = evaluated("lax.h5", "gaps.csv")["targets"]["fast"]
    again = evaluated("strict.h5", "gaps.csv", "--missing-targets", "skip")["targets"]["fast"]
    assert scores == again
    steps = {who: score["steps"] for who, score in scores.items()}
    assert steps == {"model": 266, "persistence": 266, "mean": 266}
    truth = values[30:, 1]
    known = ~np.isnan(truth)
    said = outputs("lax.h5", values[:, :1])[30:, 0]
    assert scores["model"] == pytest.approx(by_hand(truth[known], said[known]))


def test_without_a_washout_persistence_begins_a_step_later(place):
    fit("m.h5", "--input-columns", "slow", "--target-columns", "fast", "--washout", 0)
    scores = evaluated("m.h5", "wave.csv")["targets"]["fast"]
    assert (scores["model"]["steps"], scores["persistence"]["steps"]) == (300, 299)


def test_what_a_constant_truth_has_not_is_null_and_a_dash(place):
    make_csv(place / "flat.csv", np.full((300, 2), 7.0), ["slow", "fast"])
    scores = evaluated("wave.h5", "flat.csv")["targets"]["slow"]
    assert scores["mean"]["nrmse"] is None
    assert scores["mean"]["rmse"] == 0
    mean = run("evaluate", "wave.h5", "flat.csv").stdout.splitlines()[3].split()
    assert mean == ["slow", "mean", "269", "0", "-", "-", "0"]


def test_data_shorter_than_the_washout(place):
    fit("m.h5", "--washout", 50, "--horizon", 2)
    for rows in (50, 52):
        make_csv(place / "short.csv", wave(rows), ["slow", "fast"])
        message = refused("evaluate", "m.h5", "short.csv", code=65)
        assert f"short.csv has {rows}" in message
        assert "washout of 50" in message
    make_csv(place / "short.csv", wave(53), ["slow", "fast"])
    assert evaluated("m.h5", "short.csv")["targets"]["slow"]["model"]["steps"] == 1


def test_plot(place):
    run("evaluate", "wave.h5", "wave.csv", "--plot", "e.png")
    assert (place / "e.png").read_bytes().startswith(b"\x89PNG")
