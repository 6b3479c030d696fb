"""``reservoir train`` with outputs that come back, and ``reservoir forecast`` of its models."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from test_cli_program import make_csv, refused, run
from train_command_cases import load_record

from reservoir.rnn.forecast import forecast
from reservoir.tasks.limit_cycle import limit_cycle

NET = ("--units", 4, "--dtype", "float64", "--optimizer", "adam", "--learning-rate", 0.01)


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for i in range(3):
        wave = limit_cycle(40 + i, period=12, phase=0.3 * i)
        make_csv(tmp_path / f"wave{i}.csv", wave, ["wave"])
        u = rng.normal(size=40)
        y = np.convolve(u, [0.0, 0.5, 0.4])[:40]
        make_csv(tmp_path / f"driven{i}.csv", np.stack([u, y], axis=1), ["u", "y"])
    return tmp_path


def train(*args, steps=4, seed=0, **options):
    return run("train", *args, *NET, "--seed", seed, "--max-steps", steps, "--validate-every", 2,
               **options)  # fmt: skip


def metrics(name):
    return [json.loads(line) for line in Path(name, "metrics.jsonl").read_text().splitlines()]


WAVES = ("wave0.csv", "wave1.csv", "--validation", "wave2.csv")
DRIVEN = ("driven0.csv", "driven1.csv", "--validation", "driven2.csv", "--target-columns", "y")


def test_free_runs_are_in_metrics_and_decide(place):
    out = train(*WAVES, "--forcing", "linear:1:0:3", "--watch", "free_run", "-o", "r").stdout
    rows = metrics("r")
    assert [row["free_run"] is None for row in rows] == [True, False, True, False]
    assert "free run loss" in out
    best = load_record("r/best.h5")
    assert best.continues == (0,)
    train(*WAVES, "-o", "plain")
    assert "free_run" not in metrics("plain")[0]


@pytest.mark.parametrize("data", [WAVES, DRIVEN], ids=["waves", "driven"])
def test_an_interrupted_run_has_the_same_bits(place, data):
    options = ["--forcing", "linear:1:0:6"] + ["--feedback"] * (data is DRIVEN)
    train(*data, *options, "-o", "whole", steps=6)
    for steps in (2, 6):
        train(*data, *options, "-o", "parts", steps=steps)
    whole, parts = (load_record(f"{name}/step-000006.h5").theta for name in ("whole", "parts"))
    assert np.array_equal(whole, parts)
    train(*data, *options[2:], "-o", "forced", steps=6)
    assert not np.array_equal(whole, load_record("forced/step-000006.h5").theta)


def test_forecasts(place):
    train(*WAVES, "-o", "r")
    run("forecast", "r", "wave2.csv", "--context", ":20", "--steps", 5, "-o", "out.npy")
    wave = np.loadtxt("wave2.csv", skiprows=1)[:20, None]
    expected = forecast(load_record("r/step-000004.h5"), 5, [wave])[0]
    np.testing.assert_allclose(np.load("out.npy"), expected, rtol=1e-12)
    log = run("forecast", "r", "wave2.csv", "--context", ":20", "--steps", 5, "--best",
              "--plot", "p.png").stderr  # fmt: skip
    assert "5 steps of truth" in log
    assert Path("p.png").exists()


def test_forecasts_with_feedback(place):
    train(*DRIVEN, "--feedback", "-o", "r")
    run("forecast", "r", "driven2.csv", "--context", ":20", "--steps", 5, "-o", "out.npy")
    table = np.loadtxt("driven2.csv", skiprows=1, delimiter=",")
    model = load_record("r/step-000004.h5")
    expected = forecast(model, 5, [table[:20, :1]], [table[:20, 1:]], [table[20:, :1]])[0]
    np.testing.assert_allclose(np.load("out.npy"), expected, rtol=1e-12)
    make_csv(place / "future.csv", table[20:25, :1], ["u"])
    run("forecast", "r", "driven2.csv", "--context", ":20", "--steps", 5, "-o", "again.npy",
        "--future", "future.csv")  # fmt: skip
    assert np.array_equal(np.load("out.npy"), np.load("again.npy"))
    said = refused("forecast", "r", "driven2.csv", "--steps", 3, code=65)
    assert "0 future rows of u" in said
    said = run("predict", "r", "driven2.csv").stdout
    assert len(said.splitlines()) == 41
    run("evaluate", "r", "driven2.csv")
    assert "feedback" in refused("diagnose", "r", "driven2.csv", code=65)
    assert "u" in run("inspect", "r").stdout


def test_job_files(place):
    Path("job.toml").write_text(
        '[train]\nforcing = 0.5\noptimizer = "sgd"\nunits = 3\nmax_steps = 1\nseed = 0\n'
    )
    run("train", "job.toml", "wave0.csv", "-o", "r")
    run("train", "wave0.csv", "--forcing", 0.5, "--optimizer", "sgd", "--units", 3,
        "--max-steps", 1, "--seed", 0, "-o", "r")  # fmt: skip


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("wave0.csv", "--feedback"), "come back without it"),
        (("driven0.csv", "--target-columns", "y", "--forcing", 0.5), "--feedback"),
        (("--task", "addition", "--forcing", 0.5), "--forcing is for outputs that come back"),
        (("--task", "addition", "--feedback"), "--feedback is for DATA"),
        (("wave0.csv", "--free-run", 5), "--validation"),
        (("wave0.csv", "--hold-outputs"), "--forcing 1 takes none"),
        (("wave0.csv", "--validation", "wave0.csv", "--forcing", 0.5, "--free-run", 900),
         "--free-run 900: the longest series to judge by has"),
        (("wave0.csv", "--hold-outputs", "--forcing", 0.5, "--optimizer", "hf"), "Hessian-free"),
        (("wave0.csv", "--forcing", 0.5, "--omega", 2, "--optimizer", "sgd"), "Omega follows"),
        (("wave0.csv", "--forcing", 0.5, "--preconditioner", "fisher"), "Fisher"),
        (("wave0.csv", "--forcing", 0.5, "--truncate", 5, "--optimizer", "sgd"), "truncation"),
        (("driven0.csv", "--target-columns", "y", "--feedback", "--truncate", 5, "--optimizer",
          "sgd"), "nor the targets of feedback"),
        (("driven0.csv", "--target-columns", "y", "--targets", "last", "--feedback"),
         "targets at every step"),
    ],
)  # fmt: skip
def test_refused(place, args, message):
    code = 2 if "is for DATA" in message else 65
    assert message in refused("train", *args, "--max-steps", 1, "-o", "r", code=code)
    assert not Path("r").exists()


def test_bad_schedules_are_refused(place):
    said = refused("train", "wave0.csv", "--forcing", "linaer:1:0:5", "-o", "r", code=2)
    assert "'linear'" in said
