"""Reservoirs and series on which chunks might go astray unseen."""

from __future__ import annotations

import numpy as np
import pytest
from test_esn_chunks import furthest, harvest, series, share, wide

from reservoir.esn import chunks
from reservoir.esn.forgetting import TOLERANCES, gaps, otherwise_rounded, silent_growth
from reservoir.esn.model import Reservoir
from reservoir.esn.records import kernel_weights, lane_weights


def growth(network, most=100.0):
    return silent_growth(lane_weights(kernel_weights(network)), most)


def agree(network, X):
    found, wanted = (harvest(network, X, cut=cut).states()[0] for cut in (True, False))
    return furthest(found, wanted) <= {"float64": 1e-10, "float32": 1e-4}[wanted.dtype.name]


@pytest.mark.parametrize("period,on", [(300, 100), (500, 300)])
@pytest.mark.parametrize("bias", [0.0, 0.1])
def test_differences_grow_in_silence_after_all_have_vanished(monkeypatch, period, on, bias):
    """Bursts saturate all units, so that twins of the same rounding become equal, bit by bit."""
    monkeypatch.setattr(chunks, "steps_to_forget", lambda *_: 96)
    X = 30 * series(60_000) * (np.arange(60_000) % period < on)[:, np.newaxis]
    assert agree(wide(1.5, 3, units=60, bias=bias), X)


def test_silence_in_the_first_chunk(monkeypatch):
    """It begins at rest, where a relative difference of states is none."""
    monkeypatch.setattr(chunks, "steps_to_forget", lambda *_: 96)
    X = 3 * series(60_000)
    X[400:800] = 0
    network = wide(1.6, 1, units=60)
    assert agree(network, X)
    assert share(harvest(network, X)) > 0.9, "the other chunks pay"


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_slow_part_that_is_seldom_excited(dtype):
    """In silence the fast part dies out; what is left was forgotten when a chunk began."""
    rng, steps, units = np.random.default_rng(0), 60_000, 40
    network = wide(0.5, units=units)
    W, W_in = network.W.toarray(), network.W_in.copy()
    W[:20, 20:] = W[20:, :20] = 0
    W[:20, :20] *= 0.95 / np.abs(np.linalg.eigvals(W[:20, :20])).max()
    W_in[:20, 1] = W_in[20:, 0] = 0
    network = wide(0.5, units=units, W=W, W_in=W_in)
    network = Reservoir(
        **{k: v.astype(dtype) if hasattr(v, "astype") else v for k, v in vars(network).items()}
    )
    assert growth(network) == np.inf
    for shift in (200, 800, 1200):
        X = np.zeros((steps, 2))
        phase = (np.arange(steps) - shift) % 1500
        X[phase < 5, 0] = 1
        X[:, 1] = rng.normal(size=steps) * (phase < 1100)
        assert agree(network, X)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_states_that_die_out_to_the_smallest_numbers(dtype):
    network = wide(0.6)
    network = Reservoir(
        **{k: v.astype(dtype) if hasattr(v, "astype") else v for k, v in vars(network).items()}
    )
    X = series(20_000) * (np.arange(20_000) % 3000 < 600)[:, np.newaxis]
    assert agree(network, X)


def test_never_forgetting():
    """A chaotic reservoir runs plainly."""
    network, X = wide(1.5, 3), 0.01 * series()
    assert share(harvest(network, X)) == 0
    found, wanted = (harvest(network, X, cut=cut).states()[0] for cut in (True, False))
    assert found.tobytes() == wanted.tobytes()


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_units_cut_off_at_zero(dtype):
    """In silence their states die out faster than differences."""
    rng = np.random.default_rng(2)
    W = np.linalg.qr(rng.normal(size=(20, 20)))[0] * 0.65
    fields = vars(wide(0.5, units=20, W=W)) | {"activation": "relu"}
    network = Reservoir(
        **{k: v.astype(dtype) if hasattr(v, "astype") else v for k, v in fields.items()}
    )
    assert growth(network) == np.inf
    X = 0.03 * series(40_000) * (np.arange(40_000) % 900 < 600)[:, np.newaxis]
    assert agree(network, X)


def test_silent_growth():
    assert growth(wide(0.5, bias=0.1)) < 10
    assert growth(wide(1.1, bias=0.1)) == np.inf
    line = np.diag(np.full(29, 2.0), -1)
    assert growth(wide(0.5, W=line, bias=0.1)) == np.inf
    assert 2**20 < growth(wide(0.5, W=line, bias=0.1), 1e30) < 2**30


def test_otherwise_rounded():
    weights = lane_weights(kernel_weights(wide(0.9, bias=0.1)))
    others = otherwise_rounded(weights)
    for name in ("W_in", "bias", "leak"):
        a, b = getattr(weights, name), getattr(others, name)
        assert (a != b).all()
        np.testing.assert_allclose(a, b, rtol=1e-15)
    assert (weights.W[0] != others.W[0]).all()


def test_gaps():
    a = np.array([[1.0, -2.0], [0.0, 0.0], [1e-300, 0.0], [1.0, 1.0], [1.0, 1.0]])
    b = np.array([[1.0, -2.5], [0.0, 0.0], [2e-300, 0.0], [np.nan, 1.0], [np.inf, 1.0]])
    found = gaps(a, b)
    assert found[:2].tolist() == [0.25, 0]
    assert found[2] == pytest.approx(1e-300 / TOLERANCES["float64"].silence)
    assert np.isinf(found[3:]).all()
