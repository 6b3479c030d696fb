"""``reservoir diagnose``: what it prints, draws and stores is what the instruments find."""

from __future__ import annotations

import json

import numpy as np
import pytest
import xarray
from test_cli_program import make_csv, make_model, refused, run
from train_command_cases import FILES, pairs, series, trained

from reservoir.analysis import diagnose, follow_training, network_subject, reservoir_subject
from reservoir.analysis.diagnosis_arrays import labelled
from reservoir.checkpoint import read
from reservoir.cli.diagnosis_tables import power
from reservoir.esn.predict import predict
from reservoir.jobs.owner import owning
from reservoir.series.collection import collect
from reservoir.tasks import task

QUICK = ("--steps", 60, "--exponents", 3, "--lag", 8)


@pytest.fixture
def fitted(here):
    make_model(here)
    return here


@pytest.fixture
def trained_run(here):
    trained(steps=4)
    return here


def sections(text):
    """The lines below each title."""
    return {part.splitlines()[0]: part.splitlines()[1:] for part in text.split("\n\n") if part}


def section(text, start):
    (found,) = [lines for title, lines in sections(text).items() if title.startswith(start)]
    return [line.split() for line in found]


def expected_of_the_wave():
    model = read("wave.h5").record
    values = np.loadtxt("wave.csv", delimiter=",", skiprows=1)
    subject = reservoir_subject(model, [values[:60]], [values[1:61]])
    return diagnose(subject, exponents=3, max_lag=8)


def test_an_echo_state_network(fitted):
    text = run("diagnose", "wave.h5", "wave.csv", *QUICK).stdout
    found = expected_of_the_wave()
    assert text.splitlines()[0] == found.verdict.message
    assert pairs(text)["driven by"] == "1 sequence of 60 steps"
    header, *rows = section(text, "Lyapunov exponents (conditional")
    assert header == ["number", "exponent", "error", "closed", "loop", "error"]
    exponents = [float(row[1]) for row in rows]
    assert exponents == pytest.approx(found.spectrum.exponents, rel=1e-3)
    assert [float(row[3]) for row in rows] == pytest.approx(found.closed_loop.exponents, rel=1e-3)
    assert section(text, "states from different starts")[0][0] == "forgotten:"
    _, row = section(text, "recurrent weights")
    assert float(row[2]) == pytest.approx(found.bounds[0].spectral_radii[0], rel=1e-3)
    assert float(row[3]) == pytest.approx(found.bounds[0].spectral_norms[0], rel=1e-3)
    _, row = section(text, "growth of a perturbation")
    assert float(row[1]) == pytest.approx(found.bounds[0].bound, rel=1e-3)
    _, *rows = section(text, "singular values of")
    assert [int(row[0]) for row in rows] == [1, 2, 4, 8]
    largest = np.exp(found.products.log_singular_values[:, 0])
    assert [float(row[1]) for row in rows] == pytest.approx(largest, rel=1e-3)
    _, *rows = section(text, "gradient |dE_t/dh")
    assert [int(row[0]) for row in rows] == [0, 1, 2, 4, 8]
    norms = found.flow.norms[0][[0, 1, 2, 4, 8]]
    assert [float(row[2]) for row in rows] == pytest.approx(norms, rel=1e-3)
    share = 100 * found.flow.shares[0][:3].sum()
    assert float(rows[2][3]) == pytest.approx(share, abs=0.06)
    _, *rows = section(text, "a perturbation of the fixed point")
    assert float(rows[-1][3]) == pytest.approx(found.perturbation.modulus[-1], rel=1e-3)
    assert "over training" not in text


def test_json_has_the_arrays(fitted):
    document = json.loads(run("diagnose", "wave.h5", "wave.csv", *QUICK, "--json").stdout)
    found = expected_of_the_wave()
    assert document["message"] == found.verdict.message
    assert document["verdict"] == "vanishing"
    assert document["steps"] == [60]
    arrays = labelled(found)
    assert set(document["arrays"]) == set(arrays) - {"gradient_map"}
    entry = document["arrays"]["log_singular_values"]
    assert entry["dims"] == ["product_lag", "value"]
    np.testing.assert_allclose(entry["values"], found.products.log_singular_values, rtol=1e-9)


def test_picture_and_arrays(fitted):
    run("diagnose", "wave.h5", "wave.csv", *QUICK, "--plot", "d.png", "-o", "d.h5")
    assert (fitted / "d.png").read_bytes().startswith(b"\x89PNG")
    arrays = labelled(expected_of_the_wave())
    with xarray.open_dataset("d.h5", engine="h5netcdf") as table:
        for name, array in arrays.items():
            assert table[name].dims == array.dims
            np.testing.assert_allclose(table[name], array.values, rtol=1e-9)
            assert table[name].attrs.get("units", "") == array.units


def test_save_puts_them_into_the_checkpoint(fitted):
    before, inputs = read("wave.h5"), collect(np.loadtxt("wave.csv", delimiter=",", skiprows=1))
    run("diagnose", "wave.h5", "wave.csv", *QUICK, "--save")
    after = read("wave.h5")
    assert set(after.diagnosis) >= {"exponents", "gradient_map", "forgetting_time"}
    assert after.provenance == before.provenance
    said = predict(before.record, inputs)[0], predict(after.record, inputs)[0]
    np.testing.assert_array_equal(*said)
    options = {"group": "diagnosis", "engine": "h5netcdf", "phony_dims": "access"}
    with xarray.open_dataset("wave.h5", **options) as table:
        assert table["gradient_map"].dims == ("layer", "t", "k")
    run("diagnose", "wave.h5", "wave.csv", "--steps", 9, "--save")  # in place of the first
    assert read("wave.h5").diagnosis["exponent_steps"].values == 9


def test_memory(fitted):
    text = run("diagnose", "wave.h5", "wave.csv", *QUICK, "--memory").stdout
    found = pairs(text)
    capacity, rank = float(found["linear capacity"]), int(found["rank of the states"].split(",")[0])
    assert 1.0 < capacity <= rank <= 20


def test_without_targets(fitted):
    run("fit", "wave.csv", "-o", "m.h5", "--units", 9, "--target-columns", "fast",
        "--input-columns", "slow", "-q")  # fmt: skip
    make_csv(fitted / "slow.csv", np.ones((30, 1)), ["slow"])
    text = run("diagnose", "m.h5", "slow.csv").stdout
    assert "gradients: there are no targets to go back from" in text
    assert "gradient |dE_t" not in text
    assert "'quick'" in refused("diagnose", "m.h5", "slow.csv", "--target-columns", "quick", code=2)
    # with them, the others are there
    assert "gradient |dE_t" in run("diagnose", "m.h5", "wave.csv", "--lag", 3).stdout


def test_several_series_and_a_network_with_feedback(fitted):
    run("fit", "wave.csv", "-o", "m.h5", "--units", 9, "--target-columns", "fast", "--horizon", 0,
        "--input-columns", "slow", "--feedback", "-q")  # fmt: skip
    make_csv(fitted / "short.csv", np.ones((1, 2)), ["slow", "fast"])
    text = run("diagnose", "m.h5", "wave.csv", "short.csv", *QUICK).stdout
    assert pairs(text)["driven by"] == "2 sequences of 1 to 60 steps"
    text = run("diagnose", "m.h5", "wave.csv", "short.csv", *QUICK, "--sequences", 1).stdout
    assert pairs(text)["driven by"] == "1 sequence of 60 steps"
    assert "gradient |dE_t" in text
    make_csv(fitted / "slow.csv", np.ones((30, 1)), ["slow"])
    assert "fast" in refused("diagnose", "m.h5", "slow.csv", code=2)


def test_a_run_and_its_checkpoints(trained_run):
    text = run("diagnose", "r", "--sequences", 7, "--seed", 3, "--lag", 4).stdout
    model = read("r/step-000004.h5").record
    sample = task("addition", 10).draw(7, 3)
    subject = network_subject(model, sample.inputs, sample.targets)
    assert text.splitlines()[0] == diagnose(subject, max_lag=4).verdict.message
    assert pairs(text)["model"] == "r/step-000004.h5"
    lengths = sample.lengths
    assert pairs(text)["driven by"] == f"7 sequences of {lengths.min()} to {lengths.max()} steps"
    thetas = [(step, read(f"r/step-{step:06}.h5").record.theta) for step in (2, 3, 4)]
    course = follow_training(subject, thetas, max_lag=4, exponents=5)
    header, *rows = section(text, "over training")
    assert header == ["step", "exponent", "0", "1", "2", "4"]
    assert [int(row[0]) for row in rows] == [2, 3, 4]
    for row, norms, exponent in zip(rows, course.norms, course.exponents, strict=True):
        assert float(row[1]) == pytest.approx(exponent, rel=1e-3)
        assert [float(x) for x in row[2:]] == pytest.approx(norms[0][[0, 1, 2, 4]], rel=1e-2)


def test_one_checkpoint_of_a_run_has_no_course(trained_run):
    text = run("diagnose", "r/step-000003.h5", "--sequences", 3).stdout
    assert "over training" not in text
    assert pairs(run("diagnose", "r", "--best", "--sequences", 3).stdout)["model"] == "r/best.h5"


def test_damaged_and_other_checkpoints_are_left_out(trained_run):
    (trained_run / "r/step-000002.h5").write_bytes(b"nothing")
    trained("-o", "other", "--units", 6, steps=1)
    (trained_run / "other/step-000001.h5").rename(trained_run / "r/step-000001.h5")
    result = run("diagnose", "r", "--sequences", 3)
    assert [row[0] for row in section(result.stdout, "over training")[1:]] == ["3", "4"]
    assert "step-000002.h5: is not an HDF5 file" in result.stderr
    assert "holds another network" in result.stderr


def test_saving_into_a_run(trained_run):
    run("diagnose", "r", "--sequences", 3, "--save", "-o", "d.h5")
    saved = read("r/step-000004.h5")
    assert saved.diagnosis["gradient_norm_by_checkpoint"].dims == ("checkpoint", "layer", "lag")
    assert saved.run is not None
    with owning(trained_run / "r"):
        assert "in use" in refused("diagnose", "r", "--sequences", 3, "--save", code=75)
    trained(steps=5)  # the run goes on
    assert read("r/step-000005.h5").diagnosis == {}


def test_another_task_and_another_length(trained_run):
    text = run("diagnose", "r", "--length", 20, "--sequences", 2).stdout
    lengths = task("addition", 20).draw(2, 0).lengths
    assert pairs(text)["driven by"].endswith(f"of {lengths.min()} to {lengths.max()} steps")
    run("diagnose", "r", "--task", "multiplication", "--length", 12, "--sequences", 2)
    assert "the model has 2" in refused("diagnose", "r", "--task", "temporal_order", code=65)


def test_files_of_sequences(trained_run):
    run("task", "addition", "--length", 10, "--sequences", 5, "--seed", 3, "-o", "d.h5")
    options = ("--lag", 3, "--exponents", 2)
    text = run("diagnose", "r", "d.h5", *options).stdout
    assert text == run("diagnose", "r", "--sequences", 5, "--seed", 3, *options).stdout
    text = run("diagnose", "r", "d.h5", "--sequences", 2, *options).stdout
    assert pairs(text)["driven by"].startswith("2 sequences")


def test_gated_layers_on_tables(here):
    data = series(here, count=3)
    run("train", *data, *FILES, "--cell", "lstm", "--layers", 2, "--units", 3, "--max-steps", 1,
        "--target-columns", "y", "--input-columns", "x", "-o", "r", "--seed", 0)  # fmt: skip
    text = run("diagnose", "r", *data, "--plot", "d.png").stdout
    _, *rows = section(text, "recurrent weights")
    assert [row[:2] for row in rows] == [
        [str(k), gate] for k in range(2) for gate in ("input", "forget", "output", "candidate")
    ]
    header, *rows = section(text, "over training")
    assert header[:3] == ["step", "layer", "exponent"]
    assert [row[:2] for row in rows] == [["0", "0"], ["0", "1"], ["1", "0"], ["1", "1"]]
    only = make_csv(here / "x.csv", np.ones((4, 1)), ["x"])
    assert "no targets to go back from" in run("diagnose", "r", only).stdout
    one = make_csv(here / "one.csv", np.ones((1, 2)), ["x", "y"])
    assert "1 sequence of 1 step\n" in run("diagnose", "r", one).stdout


BAD = {
    "no data": (("wave.h5",), 2, "Missing argument 'DATA...'"),
    "no model": (("none.h5", "wave.csv"), 65, "none.h5"),
    "a task": (("wave.h5", "--task", "adding"), 2, "DATA"),
    "a task and data": (("wave.h5", "wave.csv", "--task", "adding"), 2, "--task is for fresh"),
    "a length and data": (("wave.h5", "wave.csv", "--length", 9), 2, "--length is for fresh"),
    "a seed and data": (("wave.h5", "wave.csv", "--seed", 9), 2, "--seed is for fresh"),
    "too many exponents": (("wave.h5", "wave.csv", "--exponents", 21), 65, "has 20 numbers"),
    "no array file": (("wave.h5", "wave.csv", "-o", "d.csv"), 2, "go into a file .h5"),
    "onto the model": (("wave.h5", "wave.csv", "-o", "./wave.h5"), 2, "would take the place of"),
    "onto a checkpoint": (("wave.h5", "wave.csv", "-o", "copy.h5"), 2, "--save writes into"),
    "no place": (("wave.h5", "wave.csv", "-o", "no/d.h5"), 73, "no such directory"),
    "no picture": (("wave.h5", "wave.csv", "--plot", "d.jpg"), 2, ".png"),
    "no rows": (("wave.h5", "empty.csv"), 65, "empty.csv"),
    "best of a file": (("wave.h5", "wave.csv", "--best"), 2, "--best chooses"),
}


@pytest.mark.parametrize("name", BAD)
def test_refusals(name, fitted):
    (fitted / "empty.csv").write_text("slow,fast\n")
    (fitted / "copy.h5").write_bytes((fitted / "wave.h5").read_bytes())
    before = (fitted / "wave.h5").read_bytes()
    arguments, code, message = BAD[name]
    assert message in refused("diagnose", *arguments, code=code)
    assert not (fitted / "d.h5").exists()
    assert (fitted / "wave.h5").read_bytes() == (fitted / "copy.h5").read_bytes() == before


@pytest.mark.parametrize(
    "log, text",
    [(0.0, "1"), (-np.inf, "0"), (np.log(2.5), "2.5"), (-2000.0, "2.577e-869"), (np.inf, "inf")],
)
def test_numbers_beyond_the_range_of_floats(log, text):
    assert power(log) == text
