"""Data larger than memory: read in pieces, and outputs that come in pieces."""

from __future__ import annotations

import threading

import h5py
import numpy as np
import pytest
from sklearn.metrics import r2_score

from reservoir import ESNRegressor
from reservoir.errors import DataError
from reservoir.esn import chunks, closed, harvest
from reservoir.esn.model import Position
from reservoir.esn.pairing import Data
from reservoir.esn.piece import Piece
from reservoir.esn.predict import forecast, predict, predicted
from reservoir.esn.scoring import r_squared
from reservoir.series import collection
from reservoir.series.collection import collect

ROWS = 512  # what is read of a long series at a time
T = 3000


class Dataset:
    """A dataset in a file, but for the file; it remembers what is read, in rows."""

    chunks = None

    def __init__(self, array):
        self.array, self.shape, self.dtype = array, array.shape, array.dtype
        self.largest = self.total = 0

    def __getitem__(self, place):
        index, rows = place if isinstance(place, tuple) else (slice(None), place)
        assert isinstance(rows, slice), "a whole series was asked for"
        start, stop, _ = rows.indices(self.array.shape[self.array.ndim == 3])
        self.largest = max(self.largest, stop - start)
        self.total += stop - start
        return self.array[index, rows] if isinstance(place, tuple) else self.array[rows]

    def __array__(self, *_, **__):
        raise AssertionError("the whole of it was asked for")


def waves(*shape, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, shape)


def made(**parameters):
    return ESNRegressor(**({"units": 20, "washout": 10, "random_state": 0} | parameters))


def same(a, b):
    return np.array_equal(np.asarray(a), np.asarray(b))


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    """What is scaled is read in chunks as short as the blocks of the reservoir."""
    monkeypatch.setattr(collection, "CHUNK_BYTES", 8 * 2 * ROWS)


# ---- reading


forms = pytest.mark.parametrize(
    ("X", "y"),
    [
        (waves(T, 2), waves(T, 1, seed=1)),
        (waves(T, 2), waves(T, seed=1)),
        (waves(T, 2), None),
        (waves(2, T, 2), waves(2, T, 1, seed=1)),
        (waves(2, T, 2), None),
        ([waves(T, 2), waves(700, 2)], [waves(T, 3, seed=1), waves(700, 3, seed=2)]),
        ([waves(T, 2), waves(700, 2)], [waves(T, seed=1), waves(700, seed=2)]),
        ([waves(n, 2, seed=n) for n in (T, 1, 0, 600, 700)], None),
    ],
    ids=["one", "flat", "future", "stack", "stack future", "list", "flat list", "lanes"],
)


def wrapped(data):
    if data is None:
        return None
    return [Dataset(a) for a in data] if isinstance(data, list) else Dataset(data)


@forms
def test_datasets_are_never_read_as_a_whole(X, y):
    sources = wrapped(X), wrapped(y)
    parameters = {"washout": 0} if isinstance(X, list) and len(X) == 5 else {}
    esn, wanted = made(**parameters), made(**parameters).fit(X, y)
    esn.fit(*sources)
    assert same(esn.model_.readout.weights, wanted.model_.readout.weights)
    esn.partial_fit(*sources)
    score = esn.score(*sources)
    out = esn.predict(
        sources[0],
        out=[np.empty_like(o) for o in esn.predict(X)]
        if isinstance(X, list)
        else np.empty_like(esn.predict(X)),
    )
    wanted.partial_fit(X, y)
    assert score == wanted.score(X, y)
    assert all(same(a, b) for a, b in zip(out, wanted.predict(X), strict=True))
    many = isinstance(X, list) and len(X) == 5
    for source in sources:
        for part in source if isinstance(source, list) else [source]:
            if part is not None and len(part.array):
                # Lanes are read in longer blocks, of about as many values; y is narrower than X.
                assert part.largest <= (T if many else 2 * ROWS)
                assert part.total >= 3 * len(part.array)


def test_states_of_a_dataset():
    X = waves(2, T, 2)
    source = Dataset(X)
    esn = made().fit(X)
    assert same(esn.states(source), esn.states(X))
    assert source.largest <= ROWS


def test_real_datasets(tmp_path):
    X, y = waves(2, T, 2), waves(2, T, 1)
    wanted = made().fit(X, y)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        stack, targets = (
            file.create_dataset("X", data=X),
            file.create_dataset("y", data=y),
        )
        parts = [file.create_dataset(f"X{i}", data=X[i], chunks=(100, 2)) for i in range(2)]
        flat = [file.create_dataset(f"y{i}", data=y[i, :, 0]) for i in range(2)]
        assert same(made().fit(stack, targets).model_.readout.weights,
                    wanted.model_.readout.weights)  # fmt: skip
        esn = made().fit(parts, flat)
        out = [file.create_dataset(f"out{i}", (T,), float) for i in range(2)]
        assert esn.predict(parts, out=out) is out
        assert same([o[:] for o in out], wanted.predict(X)[..., 0])
        assert esn.score(parts, flat) == wanted.score(list(X), list(y))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (Dataset(waves(2, 3, 4, 5)), "X: Expected 2D array .* got 4D"),
        ([Dataset(waves(2, 3, 4))], "X, series 0: Expected 2D array .* got 3D"),
        ([Dataset(waves(9, 2)), Dataset(waves(9, 3))], "X: series 1 has 3 columns, series 0 has 2"),
        (Dataset(waves(2, 3, 4) + 1j), "X: Complex data not supported"),
        (Dataset(waves(3, 4).astype("S3")), r"X: dtype \|S3 cannot be used"),
        (Dataset(waves(9)), "X: Expected 2D array .* got 1D"),
        (Dataset(waves(0, 3, 2)), "X holds no series"),
    ],
)
def test_datasets_that_are_refused_unread(data, message):
    with pytest.raises(DataError, match=message):
        made().fit(data)


def test_a_bad_value_in_a_stack_is_named():
    X = waves(2, T, 2)
    X[1, 2000, 1] = np.nan
    with pytest.raises(DataError, match="X contains NaN at series 1, step 2000, column 1"):
        made().fit(Dataset(X))


# ---- pieces


@pytest.fixture(params=["open", "feedback"])
def model(request):
    if request.param == "open":
        return made().fit(waves(200, 2), waves(200, 3)).model_
    return made(feedback=True, noise=0.01).fit(waves(200, 2), waves(200, 3)).model_


@pytest.mark.parametrize(
    "lengths",
    [[T], [0], [1], [T, 600], [0, 1], [600, 0, T, 1, 513], [40] * 130],
    ids=lambda lengths: f"{len(lengths)} of {lengths[0]}",
)
def test_pieces_are_in_order_and_complete(model, lengths, monkeypatch):
    X = collect([waves(n, 2, seed=n) for n in lengths])
    whole = predict(model, X)
    monkeypatch.setattr(closed, "PIECE_VALUES", 5 * 700)  # 700 steps of one series
    found = [[] for _ in lengths]
    for piece in predicted(model, X):
        assert piece.start == sum(map(len, found[piece.series]))
        assert len(piece.outputs)
        found[piece.series].append(piece.outputs.copy())
    for pieces, wanted, n in zip(found, whole, lengths, strict=True):
        assert wanted.shape == (n, 3)
        assert same(np.concatenate([np.empty((0, 3)), *pieces]), wanted)
        assert len(pieces) > 2 or n < T or len(lengths) == 5


def test_no_series_no_pieces(model):
    assert list(predicted(model, collect(np.empty((0, 5, 2))))) == []
    assert predict(model, collect(np.empty((0, 5, 2)))) == []


def test_a_closed_loop_is_read_in_pieces(monkeypatch):
    model = made(feedback=True).fit(waves(200, 2), waves(200, 3)).model_
    monkeypatch.setattr(closed, "PIECE_VALUES", 5 * ROWS)
    source = Dataset(waves(T, 2))
    whole = predict(model, collect(source.array))
    assert same(np.concatenate([p.outputs for p in predicted(model, collect(source))]), whole[0])
    assert (source.largest, source.total) == (ROWS, T)


def test_a_forecast_in_pieces_has_the_same_bits(monkeypatch):
    model = made().fit(waves(200, 2)).model_
    end = model.end
    starts = [Position(end.x * k, end.u, end.y) for k in (1.0, 0.5, 0.2, 0.1, -1.0)]
    for group in (starts[:1], starts):
        whole = forecast(model, 100, group)
        monkeypatch.setattr(closed, "PIECE_VALUES", 4 * 16)
        assert same(forecast(model, 100, group), whole)
        monkeypatch.undo()


def test_wrong_columns_are_refused_before_any_piece(model):
    with pytest.raises(DataError, match="X has 3 columns, the model was fitted with 2"):
        next(predicted(model, collect(waves(9, 3))))


def test_nobody_goes_on_reading_when_no_more_pieces_are_wanted(use_threads, monkeypatch):
    use_threads(2)
    monkeypatch.setattr(harvest, "WORTH_CUTTING", 0)
    monkeypatch.setattr(chunks, "HELD_VALUES", 1)  # groups of chunks of 4096 steps
    model = made().fit(waves(200, 2)).model_
    before = threading.active_count()
    source = Dataset(waves(100 * ROWS, 2))
    pieces = predicted(model, collect(source))
    next(pieces)
    pieces.close()
    assert threading.active_count() == before
    assert 0 < source.total <= 5 * 4096


# ---- where outputs go


@pytest.mark.parametrize("flat", [False, True])
@pytest.mark.parametrize(
    ("X", "shape"),
    [
        (waves(50, 2), (50,)),
        (Dataset(waves(0, 2)), (0,)),
        (waves(1, 2), (1,)),
        (waves(3, 50, 2), (3, 50)),
        (waves(6, 50, 2), (6, 50)),
    ],
)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_out(X, shape, flat, dtype):
    y = waves(60, seed=3) if flat else waves(60, 2, seed=3)
    esn = made().fit(waves(60, 2), y)
    out = np.full(shape if flat else (*shape, 2), np.nan, dtype)
    assert esn.predict(X, out=out) is out
    if 0 in shape:
        return
    assert same(out, esn.predict(X).astype(dtype))


def test_out_may_be_a_list():
    esn = made().fit(waves(60, 2), waves(60, 2, seed=3))
    X = [waves(n, 2) for n in (30, 0, 1)]
    out = tuple(np.full((n, 2), np.nan) for n in (30, 0, 1))
    assert esn.predict(X, out=out) is out
    assert all(same(a, b) for a, b in zip(out, esn.predict(X), strict=True))


two = [waves(30, 2), waves(20, 2)]


@pytest.mark.parametrize(
    ("X", "out", "message"),
    [
        (two[0], np.zeros((30, 1)), r"out has the shape \(30, 1\), expected \(30, 2\)$"),
        (two[0], np.zeros(30), r"out has the shape \(30,\), expected \(30, 2\)"),
        (two[0], np.zeros((31, 2)), r"out has the shape \(31, 2\), expected \(30, 2\)"),
        (two[0], np.zeros((30, 2), int), "out has the dtype int64, expected real numbers"),
        (two[0], np.zeros((30, 2), complex), "out has the dtype complex128, expected real"),
        (two[0], [0.0] * 30, "out is a list, expected an array or a dataset"),
        (waves(2, 9, 2), np.zeros((2, 9)), r"out has the shape \(2, 9\), expected \(2, 9, 2\)"),
        (two, np.zeros((2, 30, 2)), "out is ndarray; expected a list of 2 arrays or datasets"),
        (two, [np.zeros((30, 2))], "out is 1 items; expected a list of 2 arrays or datasets, as X"),
        (two, [np.zeros((30, 2))] * 2, r"out, series 1 has the shape \(30, 2\), expected \(20, 2"),
        (two, [np.zeros((30, 2)), None], "out, series 1 is a NoneType, expected an array"),
    ],
)
def test_out_that_is_refused_before_anything_is_written(X, out, message):
    esn = made().fit(waves(60, 2), waves(60, 2, seed=3))
    with pytest.raises(DataError, match=message):
        esn.predict(X, out=out)
    for item in out if isinstance(out, list) else [out]:
        assert item is None or not np.any(item)


def test_bad_values_far_on_leave_what_was_written():
    """Without a second pass it cannot be known; the error says where."""
    esn = made().fit(waves(60, 2))
    X, out = waves(T, 2), np.zeros((T, 2))
    X[2000, 1] = np.inf
    with pytest.raises(DataError, match="infinity at step 2000, column 1"):
        esn.predict(X, out=out)
    assert same(out[:ROWS], esn.predict(X[:2000])[:ROWS])
    assert not out[2000:].any()


# ---- scores


def test_scores_are_those_of_scikit_learn():
    X = [waves(n, 2, seed=n) for n in (1200, 700, 60, 50, 13)]
    y = [np.cumsum(x, axis=0) for x in X]
    esn = made().fit(X, y)
    said = np.concatenate([p[10:] for p in esn.predict(X)])
    truth = np.concatenate([t[10:] for t in y])
    weights = [np.linspace(0.1, 2, len(x)) for x in X]
    assert esn.score(X, y) == pytest.approx(r2_score(truth, said), rel=1e-12)
    kept = np.concatenate([w[10:] for w in weights])
    assert esn.score(X, y, weights) == pytest.approx(r2_score(truth, said, sample_weight=kept))
    with pytest.raises(DataError, match="sample_weight needs one number a step of each series"):
        esn.score(X, y, weights[:4])
    with pytest.raises(DataError, match="sample_weight needs one number a step"):
        esn.score(X[0], y[0], weights[1])


@pytest.mark.parametrize(("said", "wanted"), [(0.1, 1.0), (0.2, 0.0)])
def test_score_of_a_constant(said, wanted):
    truth = np.full((9, 1), 0.1)
    pieces = [Piece(0, a, np.full((b - a, 1), said)) for a, b in ((0, 3), (3, 9))]
    data = Data(collect(waves(9, 1)), collect(truth, "y"))
    assert r_squared(data, pieces, [slice(0, 9)]) == wanted


def test_score_of_a_single_step():
    esn = made(washout=0).fit(waves(60, 2))
    with pytest.raises(DataError, match="1 scored steps: R\\^2 needs at least 2"):
        esn.score(waves(2, 2))
