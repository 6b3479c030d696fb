"""Files larger than memory, and several of them: predict, evaluate and fit."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time

import h5py
import numpy as np
import pytest
from test_cli_program import PROGRAM, make_csv, make_model, refused, run, wave

from reservoir.analysis.errors import score
from reservoir.checkpoint import read
from reservoir.errors import DataError
from reservoir.esn.predict import predict as library_predict
from reservoir.series.collection import collect

OLD = b"what was here before"


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A directory with wave.csv and wave.h5, and the waves a.h5 to e.h5 of several lengths."""
    monkeypatch.chdir(tmp_path)
    make_model(tmp_path)
    for seed, (name, steps) in enumerate(LENGTHS.items()):
        make_hdf5(name, steps, seed)
    return tmp_path


LENGTHS = {"a.h5": 300, "b.h5": 700, "c.h5": 1, "d.h5": 120, "e.h5": 1300}


def make_hdf5(name, steps, seed=0):
    with h5py.File(name, "w") as file:
        file["u"] = wave(steps, seed)
        file["u"].attrs["columns"] = np.array([b"slow", b"fast"])


def expected(*names):
    series = [wave(LENGTHS[name], list(LENGTHS).index(name)) for name in names]
    return library_predict(read("wave.h5").record, collect(series))


# ---- several series


@pytest.mark.parametrize("names", [["a.h5", "b.h5"], list(LENGTHS), ["a.h5"] * 11])
def test_several_series_go_into_one_file(place, names):
    run("predict", "wave.h5", *names, "-o", "out.h5")
    digits = len(str(len(names) - 1))
    with h5py.File("out.h5") as file:
        assert list(file) == [f"series_{i:0{digits}}" for i in range(len(names))]
        for dataset, name, outputs in zip(file.values(), names, expected(*names), strict=True):
            assert np.array_equal(dataset, outputs)
            assert dataset.attrs["source"] == f"{name}:/u".encode()
            assert dataset.attrs["columns"].tolist() == [b"slow", b"fast"]


def test_one_series_is_values_as_ever(place):
    run("predict", "wave.h5", "b.h5", "-o", "out.h5")
    with h5py.File("out.h5") as file:
        assert list(file) == ["values"]
        assert np.array_equal(file["values"], expected("b.h5")[0])
    run("predict", "wave.h5", "c.h5", "-o", "out.h5")
    with h5py.File("out.h5") as file:
        assert file["values"].shape == (1, 2)


def test_outputs_are_inputs(place):
    run("predict", "wave.h5", "a.h5", "b.h5", "-o", "out.h5")
    run("predict", "wave.h5", "out.h5:/series_1", "-o", "again.npy")
    assert np.load("again.npy").shape == (700, 2)


@pytest.mark.parametrize("output", ["-", "o.csv", "o.npy", "o.npz"])
def test_several_series_need_hdf5(place, output):
    message = refused("predict", "wave.h5", "a.h5", "b.h5", "-o", output, code=2)
    assert "the outputs of 2 series go into one HDF5 file: give -o FILE.h5" in message


def test_no_series(place):
    assert "Missing argument 'DATA...'" in refused("predict", "wave.h5", code=2)
    assert "Missing argument 'DATA...'" in refused("evaluate", "wave.h5", code=2)


def test_a_column_that_one_of_several_files_lacks(place):
    make_csv(place / "other.csv", wave(50), ["slow", "quick"])
    for command in (("predict", "-o", "out.h5"), ("evaluate",)):
        message = refused(command[0], "wave.h5", "a.h5", "other.csv", *command[1:], code=2)
        assert "other.csv" in message
        assert "'fast'" in message
    assert not (place / "out.h5").exists()


def test_a_bad_value_in_the_last_file(place):
    (place / "out.h5").write_bytes(OLD)
    with h5py.File("e.h5", "r+") as file:
        file["u"][1200, 1] = np.nan
    message = refused("predict", "wave.h5", "a.h5", "e.h5", "-o", "out.h5", code=65)
    assert "e.h5:/u, row 1200, column 'fast'" in message
    assert (place / "out.h5").read_bytes() == OLD
    assert not [name for name in os.listdir() if name.startswith(".")]


def test_job_files_and_the_environment(place):
    (place / "job.toml").write_text(
        '[predict]\nmodel = "wave.h5"\ndata = ["a.h5", "b.h5"]\noutput = "one.h5"\n'
        '[evaluate]\nmodel = "wave.h5"\ndata = "wave.csv"\njson = true\n'
    )
    (place / "job.toml").write_text((place / "job.toml").read_text().replace("json", "as_json"))
    run("predict", "--config", "job.toml")
    run("predict", "wave.h5", "-o", "two.h5", env={"RESERVOIR_PREDICT_DATA": "a.h5 b.h5"})
    assert (place / "one.h5").read_bytes() == (place / "two.h5").read_bytes()
    assert json.loads(run("evaluate", "--config", "job.toml").stdout)["data"] == ["wave.csv"]


def test_evaluate_scores_several_series_together(place):
    names = ["a.h5", "b.h5", "e.h5"]
    found = json.loads(run("evaluate", "wave.h5", *names, "--json").stdout)
    assert found["washout"] == [30, 70, 100]
    said = expected(*names)
    series = [wave(LENGTHS[name], list(LENGTHS).index(name)) for name in names]
    truth = np.concatenate([s[w + 1 :] for s, w in zip(series, (30, 70, 100), strict=True)])
    outputs = np.concatenate([o[w:-1] for o, w in zip(said, (30, 70, 100), strict=True)])
    late = np.concatenate([s[w:-1] for s, w in zip(series, (30, 70, 100), strict=True)])
    for who, values in (("model", outputs), ("persistence", late), ("mean", truth.mean(axis=0))):
        wanted = score(truth, np.broadcast_to(values, truth.shape))
        for m, target in enumerate(("slow", "fast")):
            scores = found["targets"][target][who]
            assert scores["steps"] == wanted.steps[m]
            for field in ("rmse", "nrmse", "mae"):
                assert scores[field] == pytest.approx(getattr(wanted, field)[m], rel=1e-9)


def test_evaluate_refuses_the_series_that_is_too_short(place):
    message = refused("evaluate", "wave.h5", "a.h5", "c.h5", code=65)
    assert "c.h5:/u has 1 rows" in message


# ---- read and written in pieces


@pytest.mark.parametrize("suffix", ["h5", "npy"])
def test_long_files_are_read_in_short_slices(place, suffix, monkeypatch):
    from reservoir.cli import data

    rows = 20_000
    name = f"long.{suffix}"
    if suffix == "h5":
        make_hdf5(name, rows)
    else:
        np.save(name, wave(rows))
    longest = []
    read = data.Span.__getitem__

    def watched(span, rows):
        block = read(span, rows)
        longest.append(len(block))
        return block

    monkeypatch.setattr(data.Span, "__getitem__", watched)
    monkeypatch.setattr("reservoir.series.collection.CHUNK_BYTES", 1 << 14)
    run("fit", name, "-o", "m.h5", "--units", 10, "-q")
    run("predict", "m.h5", name, "-o", "out.h5")
    run("evaluate", "m.h5", name)
    assert max(longest) <= 1024
    assert sum(longest) >= 6 * rows


@pytest.mark.parametrize("output", ["out.h5", "out.csv", "out.npy"])
@pytest.mark.parametrize("error", [KeyboardInterrupt(), DataError("no"), OSError(28, "full")])
def test_what_stops_a_prediction_leaves_the_old_file(place, monkeypatch, output, error):
    from reservoir.esn import predict

    (place / output).write_bytes(OLD)
    there = sorted(os.listdir())
    predicted = predict.predicted

    def stopped(*args, **way):
        yield next(predicted(*args, **way))
        assert len(os.listdir()) == len(there) + 1
        raise error

    monkeypatch.setattr(predict, "predicted", stopped)
    code = {KeyboardInterrupt: 130, DataError: 65, OSError: 74}[type(error)]
    lines = run("predict", "wave.h5", "e.h5", "-o", output, code=code).stderr.split("\n")
    assert len([line for line in lines if line]) == 1
    assert (place / output).read_bytes() == OLD
    assert sorted(os.listdir()) == there


def test_an_interrupt_in_the_middle(place):
    rows = 1_500_000
    with h5py.File("long.h5", "w") as file:
        file["u"] = np.resize(wave(1000), (rows, 2))
    (place / "out.h5").write_bytes(OLD)
    command = [*PROGRAM, "predict", "wave.h5", "long.h5", "-o", "out.h5"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as writer:
        deadline = time.monotonic() + 30
        while not [name for name in os.listdir() if name.endswith(".tmp")]:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        writer.send_signal(signal.SIGINT)
        assert writer.communicate(timeout=30)[1].split() == ["error:", "interrupted"]
        assert writer.returncode == 130
    assert (place / "out.h5").read_bytes() == OLD
    assert not [name for name in os.listdir() if name.endswith(".tmp")]


def test_memory_does_not_grow_with_the_series(place):
    """Inputs and outputs of the longer series are 160 MB each."""
    program = """
import re, sys
from pathlib import Path
from reservoir.cli.main import reservoir
try:
    reservoir.main(sys.argv[1:])
except SystemExit as end:
    assert not end.code, end.code
# Not ru_maxrss: a child inherits that of the process that started it.
print(int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) // 1024)
"""
    columns = 25
    run("fit", make_csv(place / "wide.csv", np.random.default_rng(0).normal(size=(300, columns)),
        [f"c{i}" for i in range(columns)]), "-o", "m.h5", "--units", 10, "-q")  # fmt: skip
    peaks = []
    for rows in (450_000, 800_000):
        with h5py.File("long.h5", "w") as file:
            dataset = file.create_dataset("u", (rows, columns), float, chunks=(1000, columns))
            for start in range(0, rows, 1000):
                dataset[start : start + 1000] = np.sin(np.arange(columns * 1000.0)).reshape(
                    1000, -1
                )
        command = [sys.executable, "-c", program, "predict", "m.h5", "long.h5", "-o", "out.h5"]
        peaks.append(int(subprocess.run(command, capture_output=True, check=True).stdout))
    assert peaks[0] < 600
    assert peaks[1] < peaks[0] + 75  # the cache of HDF5 holds 64 MB of the inputs


# ---- the progress bar


@pytest.mark.parametrize("command", ["fit", "predict", "evaluate"])
def test_a_bar_counts_the_steps_on_a_terminal(place, command):
    arguments = {
        "fit": ("fit", "a.h5", "e.h5", "-o", "m.h5", "--units", 10),
        "predict": ("predict", "wave.h5", "a.h5", "e.h5", "-o", "out.h5"),
        "evaluate": ("evaluate", "wave.h5", "a.h5", "e.h5"),
    }[command]
    outside, inside = pty.openpty()
    with subprocess.Popen([*PROGRAM, *map(str, arguments)], stdout=subprocess.DEVNULL,
                          stderr=inside) as shown:  # fmt: skip
        os.close(inside)
        text = b""
        while True:
            try:
                part = os.read(outside, 4096)
            except OSError:  # the other side is closed
                break
            if not part:
                break
            text += part
        assert shown.wait(60) == 0
    os.close(outside)
    last = text.decode().replace("\r", "\n").split("\n")
    bars = [line for line in last if f"{command}  [" in line]
    assert bars, text
    assert "1600/1600" in bars[-1]
    assert run(*arguments).stderr.count("[") == 0
