"""``reservoir train`` on files."""

from __future__ import annotations

import json

import numpy as np
import pytest
from test_cli_program import run
from train_command_cases import FILES, load_record, pairs, series

from reservoir.checkpoint import read


def test_regression_on_files(here):
    paths = series(here)
    done = run("train", *paths, "--input-columns", "x", "--target-columns", "y", "-o", "r",
               "--validation-fraction", 0.4, *FILES, "--max-steps", 6, "--seed", 1)  # fmt: skip
    found = pairs(done.stdout)
    assert found["result"] == "done"
    record = load_record("r/step-000006.h5")
    assert (record.input_names, record.target_names, record.at) == (("x",), ("y",), "every")
    scores = json.loads(run("evaluate", "r", *paths, "--json").stdout)
    table = np.genfromtxt(paths[0], delimiter=",", names=True)
    run("predict", "r", paths[0], "-o", "o.csv")
    said = np.genfromtxt("o.csv", delimiter=",", names=True)["y"]
    np.testing.assert_allclose(said, record.predict([table["x"][:, None]])[0][:, 0], rtol=1e-12)
    truth = [np.genfromtxt(p, delimiter=",", names=True) for p in paths]
    errors = np.concatenate([record.predict([t["x"][:, None]])[0][:, 0] - t["y"] for t in truth])
    assert scores["targets"]["y"]["model"]["rmse"] == pytest.approx(np.sqrt((errors**2).mean()))
    assert scores["targets"]["y"]["model"]["rmse"] < scores["targets"]["y"]["mean"]["rmse"]


def test_forecast_of_the_inputs(here):
    paths = series(here)
    run("train", *paths, "--input-columns", "x,y", "--horizon", 2, "-o", "r", *FILES,
        "--max-steps", 1)  # fmt: skip
    record = load_record("r/step-000001.h5")
    assert record.target_names == ("x", "y")
    found = json.loads(run("evaluate", "r", paths[0], "--json").stdout)
    assert found["targets"]["x"]["model"]["steps"] == 15 - 2
    run("predict", "r", *paths[:2], "-o", "o.h5")


def test_labels_of_files(here):
    paths = series(here)
    done = run("train", *paths, "--input-columns", "x", "--target-columns", "label", "--classes",
               "--targets", "last", "--validation", paths[1], "--validation", paths[2],
               "--cell", "rnn", *FILES, "--max-steps", 2, "-o", "r")  # fmt: skip
    assert float(pairs(done.stdout)["wrong"].split()[0]) in (0.0, 50.0, 100.0)
    record = load_record("r/step-000002.h5")
    np.testing.assert_array_equal(record.classes, [3, 4])
    found = json.loads(run("evaluate", "r", *paths, "--json").stdout)
    assert found["labels"] == 6
    assert found["wrong_most_frequent"] == 0.5
    lines = run("predict", "r", *paths).stdout.splitlines()
    assert lines[0] == "series,3,4"
    rows = np.array([line.split(",")[1:] for line in lines[1:]], float)
    np.testing.assert_allclose(rows.sum(axis=1), 1.0, rtol=1e-6)
    said = np.array([3, 4])[rows.argmax(axis=1)]
    assert found["wrong"] == pytest.approx((said != [3, 4, 3, 4, 3, 4]).mean())


def test_labels_of_each_step(here):
    paths = series(here, 2)
    run("train", *paths, "--input-columns", "x", "--target-columns", "label", "--classes",
        *FILES, "--max-steps", 1, "-o", "r")  # fmt: skip
    found = json.loads(run("evaluate", "r", *paths, "--json").stdout)
    assert found["labels"] == 15 + 16
    run("predict", "r", *paths, "-o", "o.h5")


def test_lengths_may_be_doubles(here):
    run("task", "addition", "--length", 10, "--sequences", 6, "-o", "d.npz", "-q")
    with np.load("d.npz") as file:
        arrays = dict(file)
    for lengths, code in ((arrays["lengths"] * 1.0, 0), (arrays["lengths"] + 0.5, 65)):
        np.savez("doubles.npz", **(arrays | {"lengths": lengths}))
        run("train", "doubles.npz", *FILES, "--max-steps", 0, "-o", f"r{code}", code=code)


@pytest.mark.parametrize("name", ["addition", "temporal_order", "memorization_5bit"])
def test_sequences_from_a_file(here, name):
    run("task", name, "--length", 10, "--sequences", 12, "-o", "d.h5", "-q")
    run("task", name, "--length", 10, "--sequences", 8, "--seed", 1, "-o", "v.npz", "-q")
    done = run("train", "d.h5", "--validation", "v.npz", *FILES, "--max-steps", 1, "-o", "r")
    assert "validation loss" in done.stdout
    record = load_record("r/step-000001.h5")
    assert (record.input_scaler.scale == 1).all()
    run("evaluate", "r", "v.npz")
    run("train", "d.h5", "v.npz", *FILES, "--max-steps", 0, "-o", "both")
    assert read("both/step-000000.h5").run.job["data"]["sequences"] == 20


def test_labels_that_are_not_scored_do_not_count(here):
    run("task", "memorization_5bit", "--length", 10, "--sequences", 12, "--scored", "recall",
        "-o", "d.h5", "-q")  # fmt: skip
    run("train", "d.h5", *FILES, "--max-steps", 1, "-o", "r")
    found = json.loads(run("evaluate", "r", "d.h5", "--json").stdout)
    assert found["labels"] == 12 * 5, "the blanks before are not recalled"
    assert found["loss_frequencies"] <= np.log(2) + 1e-12


def test_files_of_sequences_of_different_lengths_go_together(here):
    for length in (10, 12):
        run("task", "memorization_5bit", "--length", length, "--sequences", 6,
            "-o", f"{length}.h5", "-q")  # fmt: skip
    run("train", "10.h5", "12.h5", *FILES, "--max-steps", 0, "-o", "r")
    assert read("r/step-000000.h5").run.job["data"]["sequences"] == 12
    run("task", "temporal_order", "--length", 10, "--sequences", 6, "-o", "other.h5", "-q")
    lines = run("train", "10.h5", "other.h5", *FILES, "-o", "no", code=65).stderr
    assert "other.h5 has other columns or targets than 10.h5" in lines


def test_a_logistic_target(here):
    run("task", "xor", "--length", 10, "--sequences", 12, "-o", "d.h5", "-q")
    done = run("train", "d.h5", "--loss", "logistic_cross_entropy", "--validation-fraction", 0.5,
               *FILES, "--max-steps", 1, "-o", "r")  # fmt: skip
    assert "wrong" in pairs(done.stdout)
    run("evaluate", "r", "d.h5")
