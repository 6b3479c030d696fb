"""Histories of training: a table in memory, and one that other programs read."""

from __future__ import annotations

from functools import partial

import h5py
import numpy as np
import pytest
import xarray
from checkpoint_cases import KINDS, random_history, random_model
from hypothesis import given
from hypothesis import strategies as st
from test_checkpoint_records import expect_refusal, replaced, reseal

from reservoir.checkpoint import Checkpoint, History, read, write
from reservoir.errors import DataError


def table(history):
    return {name: (column.dtype.str, column.tobytes()) for name, column in history.arrays().items()}


def test_rows_make_columns():
    history = History()
    assert (len(history), history.names) == (0, ())
    history.append({"step": 3, "value": 0.5, "clipped": True, "count": np.int32(7)})
    history.append({"count": 2**62, "step": np.int64(4), "value": 1, "clipped": np.bool_(False)})
    assert len(history) == 2
    assert history.names == ("step", "value", "clipped", "count")
    assert history["step"].tolist() == [3, 4]
    assert history["count"].tolist() == [7, 2**62]
    assert history["clipped"].tolist() == [1, 0]
    assert [history[name].dtype.str for name in history.names] == ["<i8", "<f8", "<i8", "<i8"]


def test_a_column_is_a_copy():
    history = random_history()
    history["value"][:] = 0
    assert table(history) == table(random_history())


rows = st.lists(
    st.tuples(st.floats(width=64), st.integers(-(2**63), 2**63 - 1), st.booleans()), max_size=5
)


@given(rows)
def test_columns_make_the_same_table_as_rows(rows):
    history = History()
    for step, (x, n, b) in enumerate(rows):
        history.append({"step": step, "x": x, "n": n, "b": b})
    again = History(history.arrays())
    assert table(again) == table(history)
    assert len(again) == len(rows)


@pytest.mark.parametrize(
    "row, message",
    [
        ({"step": 4, "value": 1.0}, "must have the columns of the first; not so 'count'"),
        ({"step": 4, "value": 1.0, "count": 1, "more": 1}, "not so 'more'"),
        ({"step": 3, "value": 1.0, "count": 1}, "must rise; 3 follows 3"),
        ({"step": 4, "value": "high", "count": 1}, "'value' .* expected a number, got 'high'"),
        ({"step": 4, "value": "1.5", "count": 1}, "'value' .* expected a number, got '1.5'"),
        ({"step": 4, "value": None, "count": 1}, "'value' .* expected a number"),
        ({"step": 4, "value": 1.0, "count": 1.0}, "'count' .* expected an integer of 64 bits"),
        ({"step": 4, "value": 1.0, "count": 2**63}, "'count' .* expected an integer of 64 bits"),
        ({"step": np.nan, "value": 1.0, "count": 1}, "'step' .* expected an integer"),
    ],
)
def test_rows_that_do_not_fit_leave_the_table_as_it_was(row, message):
    history = History({"step": [3], "value": [0.5], "count": [1]})
    with pytest.raises(DataError, match=message):
        history.append(row)
    assert table(history) == table(History({"step": [3], "value": [0.5], "count": [1]}))


@pytest.mark.parametrize(
    "row, message",
    [
        ({"value": 1.0}, "needs a column 'step' of integers"),
        ({"step": 1.0}, "needs a column 'step' of integers"),
        ({"step": 1, "two words": 1}, "cannot have the name 'two words'"),
        ({"step": 1, "größe": 1}, "cannot have the name"),
        ({"step": 1, "a/b": 1}, "cannot have the name"),
        ({"step": 1, "x": 1j}, "expected a number"),
    ],
)
def test_first_rows_that_are_none(row, message):
    history = History()
    with pytest.raises(DataError, match=message):
        history.append(row)
    assert len(history) == 0
    history.append({"step": 0})


@pytest.mark.parametrize(
    "columns, message",
    [
        ({"step": [1, 2], "x": [1.0]}, "of one length"),
        ({"step": [[1, 2]]}, "no vector of numbers"),
        ({"step": [1], "x": ["a"]}, "'x' of a history is no vector of numbers"),
        ({"step": [1], "x": [None]}, "no vector of numbers"),
        ({"step": [1, 3, 3]}, "must rise; not so in row 2"),
        ({"x": [1.0]}, "needs a column 'step'"),
        ({"step": [1.0]}, "needs a column 'step' of integers"),
    ],
)
def test_columns_that_are_no_table(columns, message):
    with pytest.raises(DataError, match=message):
        History(columns)


@pytest.mark.parametrize("kind", KINDS)
def test_a_history_comes_back_and_grows_on(tmp_path, kind):
    history = random_history()
    write(KINDS[kind](history=history), tmp_path / "m.h5")
    found = read(tmp_path / "m.h5").history
    assert found.names == history.names
    assert table(found) == table(history)
    for each in (found, history):
        each.append(dict.fromkeys(history.names, 9))
    assert table(found) == table(history)


def test_an_empty_history_is_not_stored(tmp_path):
    write(Checkpoint(random_model()), tmp_path / "m.h5")
    with h5py.File(tmp_path / "m.h5") as file:
        assert "history" not in file
    assert len(read(tmp_path / "m.h5").history) == 0


@pytest.fixture
def stored(tmp_path):
    write(Checkpoint(random_model(), history=random_history(300)), tmp_path / "m.h5")
    return tmp_path / "m.h5"


def test_xarray_reads_a_labelled_table(stored):
    expected = random_history(300)
    # Without phony_dims xarray 2026.9 warns of axes elsewhere in the file that have no scale.
    options = {"group": "history", "engine": "h5netcdf", "phony_dims": "access"}
    with xarray.open_dataset(stored, **options) as found:
        assert set(found.data_vars) == set(expected.names) - {"step"}
        assert all(column.dims == ("step",) for column in found.data_vars.values())
        assert np.array_equal(found.coords["step"], expected["step"])
        for name in found.data_vars:
            assert np.array_equal(found[name], expected[name], equal_nan=True), name
        assert found["cg_steps"].sel(step=17) == expected["cg_steps"][17]
        frame = found.to_dataframe()
    assert frame.index.name == "step"
    assert len(frame) == 300


def test_viewers_draw_the_value(stored):
    """NeXus: from the root to the signal and its axis."""
    with h5py.File(stored) as file:
        group = file[file.attrs["default"].decode()]
        assert group.attrs["NX_class"] == b"NXdata"
        assert group.attrs["signal"] == b"value"
        assert [name.decode() for name in group.attrs["axes"]] == ["step"]


def test_columns_can_grow_and_are_compressed(stored):
    with h5py.File(stored) as file:
        for name, node in file["history"].items():
            assert node.maxshape == (None,), name
            assert (node.compression, node.shuffle, node.fletcher32) == ("gzip", True, True), name
        assert file["parameters/readout/c"].maxshape == (3,)


def test_a_history_without_a_value_draws_its_first_column(tmp_path):
    for columns, signal in (({"step": [1], "b": [1.0], "a": [2]}, b"b"), ({"step": [1]}, b"step")):
        write(Checkpoint(random_model(), history=History(columns)), tmp_path / "m.h5")
        with h5py.File(tmp_path / "m.h5") as file:
            assert file["history"].attrs["signal"] == signal


# --- files that lie -----------------------------------------------------------------------------


@pytest.fixture
def tampered(tmp_path):
    checkpoint = Checkpoint(random_model(), history=random_history())
    return partial(expect_refusal, tmp_path / "m.h5", checkpoint=checkpoint)


@pytest.mark.parametrize(
    "name, value, message",
    [
        ("value", np.zeros(5), r"/history/value has shape \(5,\); the config says \(4,\)"),
        ("value", np.zeros((4, 1)), r"/history/value has shape \(4, 1\)"),
        ("value", np.zeros(4, "f4"), "/history/value has type f4, not i8 or f8"),
        ("step", np.zeros(4), "/history/step has type f8, not i8"),
        ("step", np.zeros(4, "i8"), "/history: the steps of a history must rise"),
        ("step", np.int64(4), "/history/step is missing or not one-dimensional"),
        ("step", np.arange(3), r"has shape \(4,\); the config says \(3,\)"),
    ],
)
def test_columns_that_are_refused(tampered, name, value, message):
    def change(file):
        attributes = dict(file["history"][name].attrs)
        replaced(file, f"history/{name}", value)
        assert name == "step" or attributes["dimensions"] == b"step"

    tampered(change, message)


def test_a_history_without_steps(tampered):
    def drop(file):
        del file["history/step"]

    def rename(file):
        file["history"].attrs["encoding-type"] = np.bytes_("other")

    tampered(drop, "/history/step is missing")
    tampered(rename, "history has the encoding 'other")


def test_what_a_later_minor_version_adds_is_ignored(tmp_path):
    write(Checkpoint(random_model(), history=random_history()), tmp_path / "m.h5")
    with h5py.File(tmp_path / "m.h5", "r+") as file:
        file["history/batches/more"] = np.zeros((2, 2))
        file["history/note"] = 1.0
        del file["history"].attrs["columns"]
    reseal(tmp_path / "m.h5")
    found = read(tmp_path / "m.h5").history
    assert table(found) == table(random_history())
    assert found.names == ("cg_steps", "clipped", "rho", "seconds", "step", "value")
