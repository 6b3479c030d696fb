"""``reservoir fit``: the same model as the estimator's, from files of any form."""

from __future__ import annotations

import h5py
import numpy as np
import pytest
from test_cli_program import make_csv, make_series, refused, run, wave

from reservoir import ESNRegressor, load, save
from reservoir.checkpoint import read
from reservoir.cli import fitting
from reservoir.esn.fit import fit as library_fit
from reservoir.series.collection import collect

# The estimator sums over its targets in another layout of the memory; the readout multiplies that.
ROUNDING = 1e-7
SMALL = ("--units", 20, "--seed", 5, "-q")


def fitted(directory, *args):
    run("fit", *args, "-o", directory / "m.h5", *SMALL)
    return read(directory / "m.h5").record


def assert_same(a, b, rtol=0.0):
    for left, right in (
        (a.reservoir.W.toarray(), b.reservoir.W.toarray()),
        (a.reservoir.W_in, b.reservoir.W_in),
        (a.readout.weights, b.readout.weights),
        (a.readout.intercept, b.readout.intercept),
        (a.ridge_path.errors, b.ridge_path.errors),
        (a.continues, b.continues),
        (a.end.x, b.end.x),
        (a.end.y, b.end.y),
    ):
        np.testing.assert_allclose(left, right, rtol=rtol, atol=rtol)
    assert (a.horizon, a.washout) == (b.horizon, b.washout)


@pytest.mark.parametrize(
    "options, parameters",
    [
        ((), {}),
        (("--leak-rate", 0.5, "--direct", "--no-standardize"),
         {"leak_rate": 0.5, "direct": True, "standardize": False}),
        (("--input-scaling", "0.5,2", "--ridge", "0.1,1,10", "--ridge-per-target"),
         {"input_scaling": [0.5, 2], "ridge": [0.1, 1, 10], "ridge_per_target": True}),
        (("--ridge", "loo", "--noise", 0.01), {"ridge": "loo", "noise": 0.01}),
        (("--washout", 40, "--connectivity", 0.3, "--spectral-radius", 1.1, "--folds", 3),
         {"washout": 40, "connectivity": 0.3, "spectral_radius": 1.1, "folds": 3}),
        (("--solver", "qr", "--ridge", "gcv", "--bias-scaling", 0.1),
         {"solver": "qr", "ridge": "gcv", "bias_scaling": 0.1}),
    ],
)  # fmt: skip
def test_same_model_as_the_estimator(tmp_path, options, parameters):
    data = make_series(tmp_path)
    theirs = ESNRegressor(units=20, random_state=5, **parameters).fit(wave(300)).model_
    assert_same(fitted(tmp_path, data, *options), theirs, ROUNDING)


def test_targets_of_the_same_step(tmp_path):
    data = make_series(tmp_path)
    model = fitted(tmp_path, data, "--input-columns", "slow", "--target-columns", "fast")
    X, y = wave(300)[:, :1], wave(300)[:, 1:]
    assert_same(model, ESNRegressor(units=20, random_state=5).fit(X, y).model_)
    assert (model.input_names, model.target_names) == (("slow",), ("fast",))


def test_feedback(tmp_path):
    data = make_series(tmp_path)
    columns = ("--input-columns", "0", "--target-columns", "1")
    model = fitted(tmp_path, data, *columns, "--feedback", "--feedback-scaling", 0.1)
    X, y = wave(300)[:, :1], wave(300)[:, 1:]
    theirs = ESNRegressor(units=20, random_state=5, feedback=True, feedback_scaling=0.1)
    assert_same(model, theirs.fit(X, y).model_)


@pytest.mark.parametrize(
    "columns, horizon, continues",
    [
        ((), 1, [0, 1]),
        (("--target-columns", "fast"), 1, [1]),
        (("--input-columns", "fast,slow", "--target-columns", "fast"), 1, [0]),
        (("--input-columns", "slow", "--target-columns", "fast"), 0, [-1]),
        (("--input-columns", "slow", "--target-columns", "slow,fast"), 0, [-1, -1]),
        (("--input-columns", "slow", "--target-columns", "slow,fast", "--horizon", 1), 1, [0, -1]),
        (("--horizon", 3), 3, [-1, -1]),
    ],
)
def test_horizon_and_closed_loop_follow_from_the_columns(tmp_path, columns, horizon, continues):
    model = fitted(tmp_path, make_series(tmp_path), *columns)
    assert model.horizon == horizon
    assert model.continues.tolist() == continues


def test_a_target_among_the_inputs_of_its_step_is_warned_of(tmp_path):
    said = run("fit", make_series(tmp_path), "--horizon", 0, "-o", tmp_path / "m.h5", *SMALL)
    assert said.stderr.startswith("warning: slow, fast: ")


def test_a_horizon_pairs_rows_as_shifted_targets_do(tmp_path):
    values = wave(300)
    paired = make_csv(tmp_path / "p.csv", np.hstack([values[:-3], values[3:, 1:]]), ["a", "b", "c"])
    one = fitted(tmp_path, paired, "--input-columns", "a,b", "--target-columns", "c",
                 "--washout", 30)  # fmt: skip
    two = fitted(tmp_path, make_series(tmp_path), "--target-columns", "fast", "--horizon", 3,
                 "--washout", 30)  # fmt: skip
    # The input scaler has seen three rows more: the same fit but for that.
    np.testing.assert_allclose(one.target_scaler.mean, two.target_scaler.mean, rtol=1e-14)
    assert one.ridge_path.scored == two.ridge_path.scored == 300 - 3 - 30


@pytest.fixture
def forms(tmp_path):
    """The same numbers in files of every format, and in a part of an HDF5 file."""
    values = wave(300)
    make_series(tmp_path)
    np.save(tmp_path / "wave.npy", values)
    np.savez(tmp_path / "wave.npz", values=values, columns=np.array(["slow", "fast"]))
    with h5py.File(tmp_path / "wave.h5", "w") as file:
        file.create_dataset("run/1", data=values, chunks=(64, 2))
    return tmp_path


@pytest.mark.parametrize("name", ["wave.npy", "wave.npz", "wave.h5", "wave.h5:/run/1"])
def test_formats(forms, name):
    assert_same(fitted(forms, forms / name), fitted(forms, forms / "wave.csv"))


def test_standard_input(forms):
    text = (forms / "wave.csv").read_text()
    run("fit", "-", "-o", forms / "s.h5", *SMALL, stdin=text)
    assert_same(read(forms / "s.h5").record, fitted(forms, forms / "wave.csv"))


def test_hdf5_is_read_in_parts(forms, monkeypatch):
    asked = []
    read_rows = h5py.Dataset.__getitem__

    def counting(self, key):
        found = read_rows(self, key)
        asked.append(len(found))
        return found

    monkeypatch.setattr(h5py.Dataset, "__getitem__", counting)
    monkeypatch.setattr("reservoir.series.collection.CHUNK_BYTES", 16 * 64)
    monkeypatch.setattr("reservoir.esn.stretches.STEPS_A_BLOCK", 64)
    fitted(forms, forms / "wave.h5:/run/1")
    assert max(asked) <= 65
    assert sum(asked) > 3.5 * 299  # inputs and targets, measured and fitted


def test_several_files_are_several_series(tmp_path):
    parts = [wave(200, seed=1), wave(120, seed=2), wave(90, seed=3)]
    files = [make_csv(tmp_path / f"{i}.csv", p, ["slow", "fast"]) for i, p in enumerate(parts)]
    theirs = ESNRegressor(units=20, random_state=5).fit(parts).model_
    assert_same(fitted(tmp_path, *files), theirs, ROUNDING)


def test_columns_of_later_files_are_found_by_name(tmp_path):
    values = wave(200)
    one = make_csv(tmp_path / "1.csv", values, ["slow", "fast"])
    two = make_csv(tmp_path / "2.csv", values[:, ::-1], ["fast", "slow"])
    assert_same(fitted(tmp_path, one, two), fitted(tmp_path, one, one))
    other = make_csv(tmp_path / "3.csv", values, ["slow", "fats"])
    message = refused("fit", one, other, "-o", tmp_path / "m.h5", *SMALL, code=2)
    assert "3.csv" in message
    assert "'fats'" in message


def test_columns_of_text_are_left_out(tmp_path):
    rows = [f"2024-01-{1 + i % 28:02d},{a!r},{b!r}" for i, (a, b) in enumerate(wave(300).tolist())]
    (tmp_path / "dated.csv").write_text("\n".join(["date,slow,fast", *rows]))
    model = fitted(tmp_path, tmp_path / "dated.csv", "--input-columns", "1:")
    assert_same(model, fitted(tmp_path, make_series(tmp_path)))


def test_missing_targets(tmp_path):
    values = wave(300)
    values[100:110, 1] = np.nan
    data = make_csv(tmp_path / "gaps.csv", values, ["slow", "fast"])
    columns = ("--input-columns", "slow", "--target-columns", "fast")
    model = fitted(tmp_path, data, *columns, "--missing-targets", "skip")
    assert model.ridge_path.scored == 300 - 30 - 10
    message = refused("fit", data, *columns, "-o", tmp_path / "m.h5", *SMALL, code=65)
    assert "gaps.csv, row 100, column 'fast'" in message


def test_the_report(tmp_path):
    data = make_series(tmp_path)
    told = run("fit", data, data, "-o", tmp_path / "m.h5", "--units", 20, "--seed", 5)
    lines = dict(line.split(maxsplit=1) for line in told.stdout.splitlines())
    model = read(tmp_path / "m.h5").record
    assert lines["model"] == str(tmp_path / "m.h5")
    assert (lines["series"], lines["steps"], lines["scored"]) == ("2", "600", "538")
    assert lines["targets"] == "slow, fast, 1 step ahead"
    assert lines["ridge"] == f"{model.ridge_path.chosen[0]:.4g} (blocks)"
    assert lines["seed"] == "5"
    held_out = np.sqrt(model.ridge_path.errors.sum(axis=1).min() / 2)
    assert lines["NRMSE"].startswith(f"{held_out:.4g} ")
    assert told.stderr.startswith("fitting 20 units on 600 steps of 2 series, seed 5")


def test_the_error_told_is_relative_without_standardization_too(tmp_path):
    large = make_csv(tmp_path / "large.csv", 100 * wave(300), ["slow", "fast"])

    def told(*options):
        out = run("fit", large, "-o", tmp_path / "m.h5", *SMALL, *options).stdout
        return [float(line.split()[1]) for line in out.splitlines() if line.startswith("NRMSE")]

    (scaled,), (raw,) = told(), told("--no-standardize", "--input-scaling", 0.001)
    assert 0.1 < scaled / raw < 10
    assert told("--ridge", 1) == []


def test_without_a_seed_one_is_drawn_told_and_kept(tmp_path):
    data = make_series(tmp_path)

    def seed():
        told = run("fit", data, "-o", tmp_path / "m.h5", "--units", 20, "-q").stdout
        return int(next(line.split()[1] for line in told.splitlines() if line.startswith("seed")))

    first, second = seed(), seed()
    assert first != second
    drawn = read(tmp_path / "m.h5")
    assert drawn.provenance["seed"] == second
    run("fit", data, "-o", tmp_path / "again.h5", "--units", 20, "-q", "--seed", second)
    assert_same(drawn.record, read(tmp_path / "again.h5").record)


def test_the_checkpoint_loads_as_an_estimator(tmp_path):
    fitted(tmp_path, make_series(tmp_path), "--ridge", "1,2", "--leak-rate", 0.5)
    loaded = load(tmp_path / "m.h5")
    assert isinstance(loaded, ESNRegressor)
    assert loaded.get_params() == ESNRegressor(
        20, ridge=[1.0, 2.0], leak_rate=0.5, random_state=5
    ).get_params()  # fmt: skip
    assert loaded.feature_names_in_.tolist() == ["slow", "fast"]
    assert_same(loaded.model_, read(tmp_path / "m.h5").record)
    document = read(tmp_path / "m.h5").estimator
    save(loaded.fit(wave(300)), tmp_path / "own.h5")
    own = read(tmp_path / "own.h5").estimator
    assert document | {"feature_names": []} == own | {"feature_names": []}


def test_plot(tmp_path):
    fitted(tmp_path, make_series(tmp_path), "--plot", tmp_path / "ridge.png")
    assert (tmp_path / "ridge.png").read_bytes().startswith(b"\x89PNG\r\n")
    message = refused("fit", tmp_path / "wave.csv", "-o", tmp_path / "n.h5", "--ridge", 1,
                      "--plot", tmp_path / "r.png", code=2)  # fmt: skip
    assert "no path" in message
    assert not (tmp_path / "n.h5").exists()


def test_plot_without_matplotlib(tmp_path, monkeypatch):
    monkeypatch.setattr("reservoir.cli.pictures.find_spec", lambda name: None)
    message = refused("fit", tmp_path / "no.csv", "-o", tmp_path / "m.h5",
                      "--plot", tmp_path / "r.png", code=1)  # fmt: skip
    assert "pip install 'reservoir-hfopt[plot]'" in message  # before the data are looked for


@pytest.mark.parametrize(
    "options",
    [
        ("--feedback",),
        ("--feedback", "--input-columns", "slow", "--target-columns", "slow,fast"),
        ("--feedback", "--input-columns", "slow", "--target-columns", "fast", "--horizon", 1),
    ],
)
def test_feedback_needs_targets_of_the_same_step_that_are_no_inputs(tmp_path, options):
    message = refused("fit", make_series(tmp_path), "-o", tmp_path / "m.h5", *options, code=2)
    assert "--feedback needs --target-columns" in message


def test_one_scaling_a_column(tmp_path):
    message = refused("fit", make_series(tmp_path), "-o", tmp_path / "m.h5",
                      "--input-scaling", "1,2,3", code=2)  # fmt: skip
    assert message == "--input-scaling has 3 numbers for 2 columns"


def test_a_progress_bar_on_a_terminal_alone(tmp_path, monkeypatch):
    data = make_series(tmp_path)
    assert "[" not in run("fit", data, "-o", tmp_path / "m.h5", "--units", 5).stderr
    monkeypatch.setattr("reservoir.cli.log.Log.lively", True)
    counted = []

    class Bar:
        def __init__(self, length, **_):
            counted.append(-length)

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def update(self, steps):
            counted.append(steps)

    monkeypatch.setattr("reservoir.cli.progress.click.progressbar", Bar)
    for ridge, passes in (("blocks", 1), ("loo", 2)):
        counted.clear()
        run("fit", data, "-o", tmp_path / "m.h5", "--units", 5, "--ridge", ridge)
        assert counted[0] == -300 * passes
        assert sum(counted) == 0


def test_the_library_is_called_once(tmp_path, monkeypatch):
    """The program has no fit of its own."""
    calls = []

    def counting(*args):
        calls.append(args)
        return library_fit(*args)

    monkeypatch.setattr(fitting.esn_fit, "fit", counting)
    model = fitted(tmp_path, make_series(tmp_path))
    assert len(calls) == 1
    assert collect(wave(300)).columns == len(model.input_names)
