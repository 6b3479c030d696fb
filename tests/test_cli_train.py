"""``reservoir train``, and what the other commands make of its runs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tomllib

import click
import numpy as np
import pytest
from test_cli_program import PROGRAM, make_csv, process, run
from training_cases import left

from hfopt import LOSSES
from reservoir.checkpoint import read
from reservoir.cli import train_options
from reservoir.cli.train import train
from reservoir.jobs.settings import BATCHES, CELLS, NETWORK, OPTIMIZERS
from reservoir.rnn.cells.rnn import CODES
from reservoir.rnn.initial import INPUTS, RECURRENT
from reservoir.tasks import TASKS

TASK = ("--task", "addition", "--length", 10, "--test-sequences", 200)
SMALL = ("--units", 5, "--dtype", "float64", "--gradient-batch", 30, "--curvature-batch", 20)
FILES = ("--units", 5, "--dtype", "float64")


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("RESERVOIR_")]:
        if name != "RESERVOIR_CACHE_DIR":
            monkeypatch.delenv(name)
    return tmp_path


def trained(*args, seed=0, steps=3, code=0):
    return run("train", *TASK, *SMALL, "--seed", seed, "--max-steps", steps, "-o", "r", *args,
               code=code)  # fmt: skip


def pairs(text):
    """Names and values of the lines on standard output."""
    lines = [line.strip().split("  ", 1) for line in text.splitlines() if "  " in line.strip()]
    return {name.strip(): value.strip() for name, value in lines}


def series(directory, count=6, steps=15):
    """Files with the columns x, y (a filtered x) and label (of the file)."""
    rng, paths = np.random.default_rng(0), []
    for i in range(count):
        x = rng.standard_normal(steps + i) + (i % 2)
        y = np.convolve(x, [0.0, 0.5, 0.4])[: len(x)]
        table = np.stack([x, y, np.full(len(x), 3.0 + i % 2)], axis=1)
        paths.append(make_csv(directory / f"s{i}.csv", table, ["x", "y", "label"]))
    return paths


# ---- options


def options():
    return {param.name: param for param in train.params}


def test_choices_are_those_of_the_library():
    assert tuple(train_options.TASKS.choices) == tuple(TASKS)
    assert tuple(train_options.LOSSES.choices) == tuple(LOSSES)
    assert tuple(train_options.ACTIVATIONS.choices) == tuple(CODES)
    assert tuple(train_options.RECURRENT.choices) == tuple(RECURRENT)
    assert tuple(options()["input_weights"].type.choices) == INPUTS
    tasks = {name for entry in TASKS.values() for name in entry.options}
    assert set(train_options.TASK_OPTIONS) == tasks


def test_every_setting_is_an_option_and_explained():
    tables = [NETWORK, *CELLS.values(), *OPTIMIZERS.values(), dict.fromkeys(BATCHES)]
    for name in {name for table in tables for name in table}:
        assert isinstance(options()[name], click.Option), name
    for section in train_options.SECTIONS.values():
        assert all(option.help for option in section)


def test_precedence(here):
    (here / "job.toml").write_text(
        '[train]\ntask = "addition"\nlength = 10\ntest_sequences = 50\nunits = 3\n'
        'gradient_batch = 20\nmax_steps = 0\noutput = "a"\n'
    )
    run("train", "job.toml")
    run("train", "job.toml", "-o", "b", env={"RESERVOIR_TRAIN_UNITS": "4"})
    run("train", "--config", "job.toml", "-o", "c", "--units", 5,
        env={"RESERVOIR_TRAIN_UNITS": "4"})  # fmt: skip
    units = [read(f"{name}/step-000000.h5").record.network.cells[0].units for name in "abc"]
    assert units == [3, 4, 5]


def test_data_in_a_job_file(here):
    paths = series(here, 3)
    (here / "job.toml").write_text(
        '[train]\ndata = ["s0.csv", "s1.csv"]\nvalidation = "s2.csv"\ninput_columns = "x"\n'
        'target_columns = "y"\nunits = 3\nmax_steps = 0\ntime_limit = "20m"\n'
    )
    run("train", "job.toml", "-o", "a")
    run("train", "job.toml", paths[1], "-o", "b")
    found = [read(f"{name}/step-000000.h5").run.job["data"]["sequences"] for name in "ab"]
    assert found == [2, 1]


def test_what_config_show_prints_is_a_job_file(here):
    (here / "job.toml").write_text('[train]\ntask = "xor"\ntime_limit = "2h"\nvalidation = ["a"]\n')
    text = run("config", "show", "train", "--config", "job.toml").stdout
    table = tomllib.loads(text)["train"]
    assert (table["task"], table["time_limit"], table["validation"]) == ("xor", 7200.0, ["a"])
    (here / "again.toml").write_text(text)
    assert run("config", "show", "train", "--config", "again.toml").stdout == text
    lines = run("config", "show", "train", "--config", "job.toml", "--origin").stdout.splitlines()
    assert any(line.startswith('task = "xor"') and line.endswith("# job.toml") for line in lines)


# ---- a task


def test_a_task(here):
    done = trained()
    found = pairs(done.stdout)
    assert found["result"] == "not solved"
    assert found["ended"] == "the greatest number of steps is reached, after 3 steps"
    assert found["checkpoint"] == "r/step-000003.h5"
    assert found["without memory"] == "loss 0.02083, wrong 84.64 %"
    assert found["wrong"].endswith("% of 200 sequences")
    lines = done.stderr.splitlines()
    assert lines[0].startswith("training 46 parameters, seed 0")
    assert lines[1].split() == ["step", "loss", "lambda", "rho", "CG", "|g|", "other", "loss",
                                "wrong", "seconds"]  # fmt: skip
    assert [line.split()[0] for line in lines[2:]] == ["1", "2", "3"]
    assert len({len(line) for line in lines[1:]}) == 1
    metrics = [json.loads(line) for line in (here / "r/metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in metrics] == [1, 2, 3]
    assert {"value", "damping", "rho", "cg_steps", "gradient_norm", "wrong"} <= set(metrics[0])


def test_the_same_command_ends_at_once(here):
    first = trained()
    again = trained()
    assert again.stdout == first.stdout
    assert "the run stands at step 3" in again.stderr
    assert "lambda" not in again.stderr


def test_the_seed_is_that_of_the_run(here):
    args = ("train", *TASK, *SMALL, "-o", "r")
    first = pairs(run(*args, "--max-steps", 1).stdout)
    second = pairs(run(*args, "--max-steps", 2).stdout)
    assert second["seed"] == first["seed"]
    third = pairs(run(*args, "--max-steps", 1, "--fresh").stdout)
    assert third["seed"] != first["seed"]
    assert (here / "r" / "before" / "step-000002.h5").exists()


def test_solved(here):
    found = pairs(trained("--target", 1, steps=100).stdout)
    assert found["result"] == "solved"
    assert found["ended"].startswith("the target is met, after ")


@pytest.mark.parametrize("optimizer", [name for name in OPTIMIZERS if name != "hf"])
def test_first_order(here, optimizer):
    done = run(
        "train",
        *TASK,
        *FILES,
        "--optimizer",
        optimizer,
        "--clip",
        1,
        "--max-steps",
        4,
        "--validate-every",
        2,
        "--seed",
        0,
        "-o",
        "r",
    )
    assert "rate" in done.stderr.splitlines()[1]
    assert "products" not in pairs(done.stdout)
    kind = pairs(run("inspect", "r").stdout)["kind"]
    assert kind == optimizer


def test_a_log_of_json(here):
    lines = [json.loads(line) for line in trained("--log-format", "json").stderr.splitlines()]
    steps = [line for line in lines if "step" in line]
    assert [line["step"] for line in steps] == [1, 2, 3]
    assert all(0 <= line["wrong"] <= 1 for line in steps)


def test_quiet(here):
    assert trained("-q").stderr == ""


def test_plot(here):
    trained("--plot", "p.png")
    assert (here / "p.png").read_bytes().startswith(b"\x89PNG")


# ---- signals, in processes of their own


def test_sigterm_and_again(here):
    args = [*map(str, (*TASK, *SMALL, "--seed", 0, "--max-steps", 8))]
    trained(steps=8)
    command = [*PROGRAM, "train", *args, "-o", "cut"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as first:
        for line in first.stderr:
            if line.split()[0] == "2":
                first.send_signal(signal.SIGTERM)
                break
        rest = first.stderr.read()
        assert first.wait() == 75
    assert "SIGTERM: the same command goes on with the run" in rest
    assert process("train", *args, "-o", "cut").returncode == 0
    assert left(here / "cut") == left(here / "r")


def test_the_code_that_asks_to_be_run_again(here):
    args = [*map(str, (*TASK, *SMALL, "--target", 0, "--requeue-exit-code", 99, "-o", "r"))]
    with subprocess.Popen([*PROGRAM, "train", *args], stderr=subprocess.PIPE, text=True) as first:
        while first.stderr.readline().split()[0] != "1":
            pass
        second = process("train", *args)
        assert second.returncode == 99
        assert f"in use by process {first.pid} on" in second.stderr
        first.send_signal(signal.SIGINT)
        first.stderr.read()
        assert first.wait() == 99


# ---- other commands on a run


def test_evaluate_a_run(here):
    trained()
    text = run("evaluate", "r", "--sequences", 100, "--seed", 7).stdout
    assert "sequences  100, fresh, seed 7" in text
    found = json.loads(run("evaluate", "r", "--sequences", 100, "--seed", 7, "--json").stdout)
    model = load_record("r/step-000003.h5")
    sample = task_sample(100, 7)
    outputs, _ = model.outputs(sample.inputs)
    error = np.abs(np.array([one[-1] for one in outputs]) - sample.targets)[:, 0]
    assert found["wrong"] == pytest.approx((error >= 0.04).mean())
    assert found["loss"] == pytest.approx(0.5 * (error**2).mean(), rel=1e-6)
    assert found["wrong_without_memory"] == pytest.approx(0.8464)
    assert run("evaluate", "r", "--best", "--sequences", 100).stdout.startswith(
        "model      r/best.h5"
    )


def load_record(path):
    return read(path).record


def task_sample(count, seed):
    from reservoir.tasks import task

    return task("addition", 10).draw(count, seed)


@pytest.mark.parametrize("suffix", ["h5", "npz"])
def test_evaluate_and_predict_on_written_sequences(here, suffix):
    trained()
    run("task", "addition", "--length", 10, "--sequences", 40, "--seed", 7, "-o", f"d.{suffix}")
    fresh = json.loads(run("evaluate", "r", "--sequences", 40, "--seed", 7, "--json").stdout)
    found = json.loads(run("evaluate", "r", f"d.{suffix}", "--json").stdout)
    for name in ("loss", "wrong", "sequences"):
        assert found[name] == fresh[name]
    run("predict", "r", f"d.{suffix}", "-o", "o.npy")
    outputs = load_record("r/step-000003.h5").predict(task_sample(40, 7).inputs)
    np.testing.assert_array_equal(np.load("o.npy"), [one[-1] for one in outputs])
    lines = run("predict", "r", f"d.{suffix}").stdout.splitlines()
    assert (lines[0], len(lines)) == ("series,0", 41)


def test_inspect_a_run(here):
    trained()
    text = run("inspect", "r").stdout
    found = pairs(text)
    assert found["network"] == "RNN, 5 units, activation tanh, leak_rate 1"
    assert found["sizes"] == "2 inputs, 1 outputs, 46 parameters, float64"
    assert found["kind"] == "hf"
    assert found["steps"] == "3"
    assert "history, 3 steps" in text
    assert "█" in text
    document = json.loads(run("inspect", "r", "--json").stdout)
    W = read("r/step-000003.h5").record
    W = W.network.views(W.theta.copy())["layers/0/W"]
    entry = {one["name"]: one for one in document["parameters"]}["layers/0/W"]
    assert entry["spectral_radius"][0] == pytest.approx(np.abs(np.linalg.eigvals(W)).max())
    assert entry["singular_value"][0] == pytest.approx(np.linalg.svd(W)[1][0])
    assert document["run"]["job"]["data"]["task"] == "addition"
    assert len(document["history"]["value"]) == 3
    assert run("inspect", "r", "--best").stdout.startswith("file        r/best.h5")


# ---- files


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


def test_no_forecast_without_an_echo_state_network(here):
    trained()
    lines = run("forecast", "r/step-000003.h5", "--steps", 2, code=65).stderr
    assert "no echo state network" in lines


def test_weights_of_a_run_are_exported(here):
    trained(steps=1)
    run("export", "r", "-o", "newest.npz")
    run("export", "r/step-000001.h5", "-o", "file.npz")
    run("export", "r", "--best", "-o", "best.npz")
    assert (here / "newest.npz").read_bytes() == (here / "file.npz").read_bytes()
    assert "best.h5" in run("export", "r/best.h5", "--best", "-o", "x.npz", code=2).stderr
    assert (here / "best.npz").exists()
