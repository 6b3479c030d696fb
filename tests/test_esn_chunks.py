"""Long series in chunks side by side: against the plain loop, and what must not change a bit."""

from __future__ import annotations

import h5py
import numpy as np
import pytest
from conftest import random_reservoir
from scipy import sparse

from reservoir import ESNRegressor
from reservoir.errors import DataError
from reservoir.esn import chunks, stretches
from reservoir.esn import harvest as harvests
from reservoir.esn.block import Verdict
from reservoir.esn.drives import Noise, Teacher
from reservoir.esn.harvest import CHUNKS_UNTIL, Harvest
from reservoir.esn.model import Reservoir
from reservoir.esn.predict import predict, predicted
from reservoir.esn.records import multiply_adds
from reservoir.series.collection import collect
from reservoir.series.scaler import unscaled

STEPS = 15_000
ALLOWED = {"float64": 1e-10, "float32": 1e-4}


@pytest.fixture(autouse=True)
def small_models_are_worth_it(monkeypatch):
    monkeypatch.setattr(harvests, "WORTH_CUTTING", 0)


def series(steps=STEPS, columns=2, seed=0):
    return np.random.default_rng(seed).normal(size=(steps, columns))


def harvest(network, X, y=None, *, cut=True, **options):
    teacher = None if y is None else Teacher(collect(y, "y"), unscaled(y.shape[1]))
    how = "auto" if cut else "off"
    return Harvest(network, collect(X), unscaled(2), teacher=teacher, time_parallel=how, **options)


def share(run):
    """Of the steps of the first series, that stood as chunks."""
    for _ in run:
        pass
    return run._chunks[0].parallel if run._chunks else 0.0


def furthest(found, wanted):
    """The largest difference relative to the largest state of its step."""
    norms = np.maximum(np.abs(wanted).max(axis=1), 1e-30 if wanted.dtype == "float32" else 1e-250)
    return (np.abs(found - wanted).max(axis=1) / norms).max()


def standing(run, units):
    """The states of the first series that stand, and how often each step came."""
    states, seen, pending = np.full((STEPS, units), np.nan), np.zeros(STEPS, int), []
    for item in run:
        if isinstance(item, Verdict):
            settled, pending = pending if item.stands else [], []
        elif item.settled:
            settled = [item]
        else:
            pending, settled = [*pending, item], []
        for block in settled:
            for start, rows in block.pieces():
                states[start : start + block.length] = block.states[rows]
                seen[start : start + block.length] += 1
    assert not pending, "no verdict"
    return states, seen


def wide(spectral_radius, seed=0, units=30, inputs=2, bias=0.0, **changes):
    """A random reservoir without leak."""
    rng = np.random.default_rng(seed)
    W = rng.normal(size=(units, units))
    W *= spectral_radius / np.abs(np.linalg.eigvals(W)).max()
    fields = {
        "W": W,
        "W_in": rng.uniform(-1, 1, (units, inputs)),
        "W_fb": np.zeros((units, 0)),
        "bias": np.full(units, bias),
        "leak_rate": np.ones(units),
    }
    fields |= changes
    W = sparse.csr_array(fields["W"])
    fields["W"] = sparse.csr_array((W.data, W.indices.astype(np.int32), W.indptr), W.shape)
    return Reservoir(**fields, activation="tanh")


@pytest.fixture
def short_rest(monkeypatch):
    monkeypatch.setattr(chunks, "REST", 1024)


@pytest.fixture
def hasty(monkeypatch):
    """Warm-ups far too short: most seams fail."""
    monkeypatch.setattr(chunks, "steps_to_forget", lambda *_: 1)
    monkeypatch.setattr(chunks, "with_reserve", lambda _: 4)


@pytest.fixture
def some_fail(monkeypatch):
    """Every twentieth chunk begins in a wrong state."""
    warm_up = stretches.Stretches.warm_up

    def spoiled(self, begins, steps, x):
        warm_up(self, begins, steps, x)
        x[7::20] += 0.1

    monkeypatch.setattr(stretches.Stretches, "warm_up", spoiled)


@pytest.mark.parametrize("form", ["csr", "dense", "permutation"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("feedback", [0, 1])
def test_states_are_those_of_the_plain_loop(monkeypatch, form, dtype, feedback):
    monkeypatch.setattr(chunks, "DENSE_SHARE", 1)
    X, y = series(), series(columns=1, seed=1) if feedback else None
    for activation in ("tanh", "logistic", "relu", "identity"):
        network = random_reservoir(form, 20, 2, feedback, activation=activation, dtype=dtype)
        assert share(harvest(network, X, y)) == 1
        found, wanted = (harvest(network, X, y, cut=c).states()[0] for c in (True, False))
        assert found.tobytes() != wanted.tobytes()
        assert furthest(found, wanted) <= ALLOWED[dtype]
        ends = []
        for cut in (True, False):
            run = harvest(network, X, y, cut=cut)
            share(run)
            ends.append(run.ends[0])
        assert ends[0].x.tobytes() == found[-1].tobytes()
        assert np.array_equal(ends[0].u, ends[1].u)
        assert np.array_equal(ends[0].y, ends[1].y)


def test_little_work_is_not_cut(monkeypatch):
    network = wide(0.3, bias=0.1)
    for work, cut in ((STEPS * multiply_adds(network), 1), (1 + STEPS * multiply_adds(network), 0)):
        monkeypatch.setattr(harvests, "WORTH_CUTTING", work)
        assert share(harvest(network, series())) == cut


def test_short_and_noisy_series_and_many_are_not_cut():
    network = wide(0.3, bias=0.1)
    assert share(harvest(network, series(chunks.LONG))) == 1
    assert share(harvest(network, series(chunks.LONG - 1))) == 0
    assert share(harvest(network, series(), cut=False)) == 0
    assert share(harvest(network, series(), noise=Noise(0.1, 0))) == 0
    assert share(harvest(network, [series()] * (CHUNKS_UNTIL - 1))) == 1
    assert share(harvest(network, [series(chunks.LONG)] * CHUNKS_UNTIL)) == 0


@pytest.mark.parametrize("into", [True, False])
def test_bits(monkeypatch, tmp_path, use_threads, some_fail, into):
    network, X, found = random_reservoir("csr", 20), series(), []

    def run(X):
        one = harvest(network, X)
        states = one.states()[0] if into else standing(one, 20)[0]
        return states.tobytes()

    for number in (1, 2, 3):
        use_threads(number)
        found.append(run(X))
    with h5py.File(tmp_path / "x.h5", "w") as file:
        found.append(run(file.create_dataset("x", data=X, chunks=(100, 1))))
    for steps, values in ((7, 1), (100, 1 << 13)):
        monkeypatch.setattr(stretches, "STEPS_A_BLOCK", steps)
        monkeypatch.setattr(stretches, "BLOCK_VALUES", values)
        found.append(run(X))
    assert len(set(found)) == 1


@pytest.mark.parametrize("fixture", ["hasty", "some_fail"])
def test_failed_seams_are_run_again(request, short_rest, fixture):
    request.getfixturevalue(fixture)
    network, X = random_reservoir("csr", 20), series()
    wanted = harvest(network, X, cut=False).states()[0]
    assert furthest(harvest(network, X).states()[0], wanted) <= 1e-10
    run = harvest(network, X)
    part = share(run)
    assert part < 0.3 if fixture == "hasty" else 0.9 < part < 1
    for _ in range(2):  # a second pass repeats what stood
        states, seen = standing(run, 20)
        assert (seen == 1).all()
        assert furthest(states, wanted) <= 1e-10


@pytest.mark.parametrize("solver", ["gram", "qr"])
@pytest.mark.parametrize("ridge", ["loo", "blocks", 1e-3])
def test_fits(some_fail, solver, ridge):
    X, y = series(columns=1), series(columns=1, seed=1)
    fits = [
        ESNRegressor(units=30, ridge=ridge, solver=solver, random_state=0, time_parallel=how).fit(
            X, y
        )
        for how in ("auto", "off")
    ]
    auto, off = (esn.progress_.arrays() for esn in fits)
    paths = [esn.model_.ridge_path for esn in fits]
    assert paths[0].scored == paths[1].scored
    np.testing.assert_allclose(paths[0].errors, paths[1].errors, rtol=1e-7)
    for name, value in off.items():
        if isinstance(value, np.ndarray) and value.dtype == float and solver == "gram":
            scale = max(1.0, np.abs(value).max(initial=0.0))
            np.testing.assert_allclose(auto[name], value, atol=1e-10 * scale)
    said, wanted = (esn.predict(X) for esn in fits)
    np.testing.assert_allclose(said, wanted, atol=1e-7)


@pytest.mark.parametrize("fixture", ["hasty", "some_fail", None])
def test_predictions_come_in_order(request, short_rest, fixture):
    X = series(columns=1)
    esn = ESNRegressor(units=20, ridge=1e-3, random_state=0).fit(X[:1000])
    if fixture:
        request.getfixturevalue(fixture)
    wanted = predict(esn.model_, collect(X), time_parallel="off")[0]
    at = 0
    for piece in predicted(esn.model_, collect(X)):
        assert piece.start == at
        at += len(piece.outputs)
        np.testing.assert_allclose(piece.outputs, wanted[piece.start : at], atol=1e-9)
    assert at == STEPS


def test_going_on_with_a_long_series():
    X, y = series(3 * STEPS, 1), series(3 * STEPS, 1, seed=1)
    found = []
    for how in ("auto", "off"):
        esn = ESNRegressor(units=20, ridge=1e-3, random_state=0, time_parallel=how)
        esn.fit(X[:STEPS], y[:STEPS]).partial_fit(X[STEPS:], y[STEPS:], continued=True)
        found.append(esn)
    assert found[0].model_.ridge_path.scored == found[1].model_.ridge_path.scored
    np.testing.assert_allclose(found[0].model_.end.x, found[1].model_.end.x, atol=1e-10)
    np.testing.assert_allclose(found[0].predict(X), found[1].predict(X), atol=1e-8)


def test_a_bad_choice_is_named():
    with pytest.raises(DataError, match="time_parallel 'on'; expected one of auto, off"):
        ESNRegressor(time_parallel="on").fit(series())
