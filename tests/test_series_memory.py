"""Collections of series, scalers and shifted views."""

from __future__ import annotations

import h5py
import naive
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from reservoir.errors import DataError
from reservoir.series import collection
from reservoir.series.collection import collect
from reservoir.series.scaler import Scaler, measure, unscaled
from reservoir.series.shifted import Shifted


class Counting:
    """A dataset that remembers the largest slice that was read of it, in rows."""

    def __init__(self, array):
        self.array, self.shape, self.dtype = array, array.shape, array.dtype
        self.chunks = (1, array.shape[1])
        self.largest, self.read = 0, []

    def __getitem__(self, rows):
        start, stop, _ = rows.indices(len(self.array))
        self.largest = max(self.largest, stop - start)
        self.read.append((start, stop))
        return self.array[rows]


def table(steps, columns, seed=0):
    return np.random.default_rng(seed).normal(size=(steps, columns))


# ---- forms


@pytest.mark.parametrize(
    ("data", "form", "lengths", "columns"),
    [
        (table(5, 2), "one", [5], 2),
        (table(0, 2), "one", [0], 2),
        (table(5, 2).tolist(), "one", [5], 2),
        (pd.DataFrame(table(5, 2)), "one", [5], 2),
        (table(6, 2).reshape(3, 2, 2), "stack", [2, 2, 2], 2),
        (np.zeros((0, 4, 2)), "stack", [], 0),
        ([table(5, 2)], "list", [5], 2),
        ([table(5, 2), table(0, 2), table(3, 2)], "list", [5, 0, 3], 2),
        ((table(5, 2), table(1, 2)), "list", [5, 1], 2),
        ([pd.DataFrame(table(5, 2)), table(4, 2)], "list", [5, 4], 2),
        (table(5, 2).astype(np.float32), "one", [5], 2),
        (np.arange(6).reshape(3, 2), "one", [3], 2),
        (np.ones((3, 2), bool), "one", [3], 2),
        (table(5, 2).astype(object), "one", [5], 2),
    ],
)
def test_forms(data, form, lengths, columns):
    found = collect(data)
    assert (found.form, found.lengths, found.columns, found.flat) == (form, lengths, columns, False)
    for i, steps in enumerate(lengths):
        block = found.read(i, 0, steps)
        assert block.dtype == np.float64
        source = np.asarray(data) if form == "one" else np.asarray(data[i])
        assert np.array_equal(block, source.astype(np.float64))


@pytest.mark.parametrize(
    ("data", "form", "lengths"),
    [
        (np.arange(4.0), "one", [4]),
        ([1, 2, 3], "one", [3]),
        (pd.Series([1.0, 2.0]), "one", [2]),
        ([np.arange(3), np.arange(5)], "list", [3, 5]),
        ([pd.Series([1.0, 2.0]), pd.Series([3.0])], "list", [2, 1]),
        (np.zeros(0), "one", [0]),
    ],
)
def test_targets_may_have_one_dimension(data, form, lengths):
    found = collect(data, "y", one_dimensional=True)
    assert (found.form, found.lengths, found.columns, found.flat) == (form, lengths, 1, True)


def test_datasets_are_not_read(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        a = file.create_dataset("a", data=table(5, 2), chunks=(2, 2))
        assert collect(a).series[0] is a
        assert collect([a, a]).series[1] is a
        assert np.array_equal(collect(a).read(0, 1, 3), a[1:3])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (table(3, 2) + 1j, "X: Complex data not supported"),
        ([table(3, 2), table(3, 2) + 1j], "X, series 1: Complex data not supported"),
        (np.array([["a", "b"]]), "X: dtype <U1 cannot be used, expected real numbers"),
        (np.array([["a", 1.0]], object), "X: could not convert string to float: 'a'"),
        ([table(2, 2), np.array([[None, {}]])], "X, series 1: .*expected real numbers"),
        (np.zeros((2, 2), "M8[s]"), r"X: dtype datetime64\[s\] cannot be used"),
        (np.zeros(3), "X: Expected 2D array of shape .steps, columns., got 1D array instead"),
        (np.float64(3), "X: Expected 2D array .* got 0D"),
        (np.zeros((1, 1, 1, 1)), "X: Expected 2D array .* got 4D"),
        ([table(3, 2), np.zeros(3)], "X, series 1: Expected 2D array .* got 1D"),
        ([table(3, 2), table(3, 1)], "X: series 1 has 1 columns, series 0 has 2; expected the"),
        ([[1, 2], [3]], "X is not an array of numbers: .*inhomogeneous"),
        ([table(3, 2), [[1, 2], [3]]], "X, series 1 is not an array of numbers: .*inhomogeneous"),
        ("text", "X: dtype <U4 cannot be used"),
        (None, "X: Expected 2D array .* got 0D"),
        ([], "X: Expected 2D array .* got 1D"),
    ],
)
def test_what_is_refused(data, message):
    with pytest.raises(DataError, match=message):
        collect(data)


def test_infinity_and_nan_are_named():
    data = [table(4, 2), table(6, 2)]
    data[1][4, 1] = -np.inf
    data[1][5, 0] = np.nan
    both, alone = collect(data, "y"), collect(data[1])
    with pytest.raises(
        DataError,
        match=r"^Input y contains infinity at series 1, step 4, column 1; expected finite numbers$",
    ):
        both.read(1, 3, 6)
    with pytest.raises(DataError, match=r"^Input X contains NaN at step 5, column 0; expected"):
        alone.read(0, 5, 6)
    assert np.isnan(alone.read(0, 5, 6, nan=True)[0, 0])
    with pytest.raises(DataError, match="infinity at step 4, column 1"):
        alone.read(0, 0, 6, nan=True)
    with pytest.raises(DataError, match="infinity at series 1, step 4, column 1"):
        both.read_packed([(0, 0, 4), (1, 2, 6)])


def test_rows_that_turn_out_not_to_be_numbers():
    """A dataset that promises numbers is believed until it is read."""
    source = Counting(table(4, 2).astype(object))
    source.dtype = np.dtype(float)
    source.array[2, 1] = "x"
    found = collect([source], "data.h5")
    assert found.read(0, 0, 2).dtype == np.float64
    for read in (lambda: found.read(0, 0, 4), lambda: found.read_packed([(0, 1, 4)])):
        with pytest.raises(DataError, match=r"data.h5: cannot be read as numbers: .*'x'"):
            read()


def test_packed_rows():
    data = [table(4, 2, 1), table(6, 2, 2), table(3, 2, 3)]
    packed = collect(data).read_packed([(1, 2, 6), (0, 1, 1), (2, 0, 2)])
    assert packed.dtype == np.float64
    assert np.array_equal(packed, np.concatenate([data[1][2:6], data[2][:2]]))


def test_chunks_are_bounded_and_complete(monkeypatch):
    monkeypatch.setattr(collection, "CHUNK_BYTES", 8 * 3 * 10)
    source = Counting(table(57, 3))
    pieces = list(collect(source).chunks(0))
    assert source.largest == 10
    assert [start for start, _ in pieces] == [0, 10, 20, 30, 40, 50]
    assert np.array_equal(np.concatenate([rows for _, rows in pieces]), source.array)
    assert list(collect(table(0, 3)).chunks(0)) == []
    wide = Counting(table(3, 500))  # a row is more than a chunk
    assert len(list(collect(wide).chunks(0))) == 3


# ---- scalers


numbers = st.floats(-1e6, 1e6, allow_subnormal=False)


@settings(max_examples=60)
@given(
    series=st.lists(
        hnp.arrays(np.float64, st.tuples(st.integers(0, 12), st.just(2)), elements=numbers),
        min_size=1,
        max_size=4,
    ),
    rows=st.integers(1, 7),
)
def test_measure(series, rows):
    if sum(map(len, series)) == 0:
        scaler = measure(collect(series))
        assert (scaler.mean.tolist(), scaler.scale.tolist()) == ([0, 0], [1, 1])
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(collection, "CHUNK_BYTES", 16 * rows)
        scaler = measure(collect(series))
    mean, scale = naive.standardize(series)
    size = max(1e-300, np.abs(np.concatenate(series)).max())
    np.testing.assert_allclose(scaler.mean, mean, rtol=1e-12, atol=1e-12 * size)
    moves = np.ptp(np.concatenate(series), axis=0) > 1e-9 * size
    np.testing.assert_allclose(scaler.scale[moves], scale[moves], rtol=1e-6)
    assert (scaler.scale > 0).all()


def test_measure_leaves_missing_values_out():
    data = [table(8, 3, 1), table(5, 3, 2)]
    data[0][2, 0] = data[1][:, 1] = data[0][7, 1] = np.nan
    data[0][:, 2] = data[1][:, 2] = np.nan  # nothing is known of this one
    scaler = measure(collect(data), nan=True)
    mean, scale = naive.standardize([d[:, :2] for d in data])
    np.testing.assert_allclose(scaler.mean, [*mean, 0])
    np.testing.assert_allclose(scaler.scale, [*scale, 1])
    with pytest.raises(DataError, match="NaN at series 0, step 0, column 2"):
        measure(collect(data))


def test_a_constant_column_is_not_blown_up():
    """Also if its mean is not a number of the machine, and it is cut into pieces."""
    column = np.full((1000, 1), 0.1) * [1, 1e10, 0]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(collection, "CHUNK_BYTES", 24 * 7)
        assert measure(collect(column)).scale.tolist() == [1, 1, 1]


def test_a_large_offset_loses_no_digits():
    data = table(5000, 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(collection, "CHUNK_BYTES", 8 * 100)
        scale = measure(collect(data + 1e9)).scale
    np.testing.assert_allclose(scale, data.std(axis=0), rtol=1e-7)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_scaling_and_back(dtype):
    scaler = Scaler(np.array([1.0, -5.0]), np.array([2.0, 0.25]))
    raw = np.array([[3.0, -5.0], [1.0, -4.75], [5.0, -5.5]])
    scaled = scaler.scaled(raw, dtype)
    assert scaled.dtype == dtype
    assert scaled.flags.c_contiguous
    assert scaled.tolist() == [[1, 0], [0, 1], [2, -2]]
    back = scaler.raw(scaled)
    assert back.dtype == dtype
    assert np.array_equal(back, raw)
    assert np.array_equal(unscaled(2).scaled(raw, dtype), raw.astype(dtype))


# ---- shifted


@settings(max_examples=60)
@given(
    steps=st.integers(0, 9),
    shift=st.integers(0, 11),
    start=st.integers(0, 12),
    stop=st.integers(0, 12),
    columns=st.lists(st.integers(0, 2), max_size=3),
)
def test_shifted(steps, shift, start, stop, columns):
    source = Counting(table(steps, 3))
    found = Shifted(source, shift, tuple(columns))
    wanted = source.array[shift:][:, columns]
    assert found.shape == wanted.shape
    assert np.array_equal(found[start:stop], wanted[start:stop])
    assert source.largest <= max(0, stop - start)
    assert collect([found], "y").lengths == [len(wanted)]


def test_bits_do_not_depend_on_the_memory_layout():
    rows = np.random.default_rng(0).standard_normal((1000, 3)) + 5.0
    fortran = np.asfortranarray(rows)
    assert collect(fortran).read(0, 0, 1000).flags.c_contiguous
    a, b = measure(collect(rows)), measure(collect(fortran))
    assert a.mean.tobytes() == b.mean.tobytes()
    assert a.scale.tobytes() == b.scale.tobytes()
