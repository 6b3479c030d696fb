"""``reservoir predict``: outputs as the library's, columns found by name or position."""

from __future__ import annotations

import numpy as np
import pytest
from test_cli_program import make_csv, make_model, refused, run, wave

from reservoir.checkpoint import read
from reservoir.esn.predict import predict as library_predict
from reservoir.series.collection import collect
from reservoir.series.table import open_table


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A directory with wave.csv and wave.h5."""
    monkeypatch.chdir(tmp_path)
    make_model(tmp_path)
    return tmp_path


def expected(values, model="wave.h5"):
    return library_predict(read(model).record, collect(values))[0]


def table(path):
    with open_table(path) as found:
        return np.array(found.values[:]), found.columns


@pytest.mark.parametrize("name", ["out.csv", "out.csv.gz", "out.npy", "out.h5", "out.npz"])
def test_outputs(place, name):
    run("predict", "wave.h5", "wave.csv", "-o", name)
    values, columns = table(name)
    if ".csv" in name:
        assert columns == ("step", "slow", "fast")
        np.testing.assert_array_equal(values[:, 0], np.arange(300))
        values = values[:, 1:]
    np.testing.assert_array_equal(values, expected(wave(300)))


def test_standard_streams(place):
    run("predict", "wave.h5", "wave.csv", "-o", "out.csv")
    text = (place / "wave.csv").read_text()
    assert run("predict", "wave.h5", "-", stdin=text).stdout == (place / "out.csv").read_text()


def test_float32_stays_float32(place):
    run("fit", "wave.csv", "-o", "single.h5", "--units", 10, "--dtype", "float32", "-q")
    run("predict", "single.h5", "wave.csv", "-o", "out.npy")
    assert np.load("out.npy").dtype == np.float32


def test_feedback(place):
    columns = ("--input-columns", "slow", "--target-columns", "fast")
    run("fit", "wave.csv", "-o", "fb.h5", "--units", 10, "--feedback", *columns, "-q")
    run("predict", "fb.h5", "wave.csv", "-o", "out.npy")
    np.testing.assert_array_equal(np.load("out.npy"), expected(wave(300)[:, :1], "fb.h5"))


def test_columns_by_name(place):
    values = wave(300)
    shuffled = np.stack([values[:, 1], np.arange(300.0), values[:, 0]], axis=1)
    make_csv(place / "other.csv", shuffled, ["fast", "time", "slow"])
    run("predict", "wave.h5", "other.csv", "-o", "out.npy")
    np.testing.assert_array_equal(np.load("out.npy"), expected(values))


def test_columns_by_position(place):
    np.save("wave.npy", wave(300))
    run("predict", "wave.h5", "wave.npy", "-o", "out.npy")
    np.testing.assert_array_equal(np.load("out.npy"), expected(wave(300)))


def test_numbers_as_names_are_the_positions_of_the_fit(place):
    values = np.hstack([np.arange(300.0)[:, None], wave(300)])
    np.save("three.npy", values)
    run("fit", "three.npy", "-o", "n.h5", "--units", 10, "--input-columns", "2,1", "-q")
    run("predict", "n.h5", "three.npy", "-o", "out.npy")
    np.testing.assert_array_equal(np.load("out.npy"), expected(values[:, [2, 1]], "n.h5"))
    make_csv(place / "named.csv", values[:, 1:], ["a", "b"])  # all there is, in its order
    run("predict", "n.h5", "named.csv", "-o", "out.npy")
    np.testing.assert_array_equal(np.load("out.npy"), expected(values[:, 1:], "n.h5"))


def test_columns_that_are_chosen(place):
    make_csv(place / "other.csv", wave(300)[:, ::-1], ["a", "b"])
    run("predict", "wave.h5", "other.csv", "--input-columns", "b,a", "-o", "out.npy")
    np.testing.assert_array_equal(np.load("out.npy"), expected(wave(300)))


def test_a_missing_column_offers_the_nearest(place):
    make_csv(place / "other.csv", wave(300), ["slwo", "fast"])
    message = refused("predict", "wave.h5", "other.csv", code=2)
    assert "other.csv" in message
    assert "'slow'" in message
    assert "the nearest: 'slwo'" in message
    assert "--input-columns" in message


def test_unclear_columns_are_not_guessed(place):
    np.save("three.npy", np.zeros((300, 3)))
    message = refused("predict", "wave.h5", "three.npy", code=2)
    assert "3 columns" in message
    assert "slow, fast" in message
    assert "--input-columns" in message


def test_wrong_number_of_chosen_columns(place):
    message = refused("predict", "wave.h5", "wave.csv", "--input-columns", "slow", code=2)
    assert "chooses 1 columns" in message
    assert "2 inputs (slow, fast)" in message


@pytest.mark.parametrize("output", ["u.csv", "./u.csv", "wave.h5"])
def test_what_is_read_is_not_overwritten(place, output):
    (place / "u.csv").write_text((place / "wave.csv").read_text())
    before = (place / output).read_bytes()
    message = refused("predict", "wave.h5", "u.csv", "-o", output, code=2)
    assert "would take the place of" in message
    assert (place / output).read_bytes() == before


def test_standard_input_is_read_once(place):
    message = refused("predict", "wave.h5", "-", "-", "-o", "o.h5", code=65)
    assert "- is given more than once" in message
