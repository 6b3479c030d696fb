"""``reservoir import`` and ``export``: outputs kept, bits of a round trip, refusals in one line."""

from __future__ import annotations

import numpy as np
import pytest
import torch_cases as cases
from test_cli_program import make_model, refused, run

from reservoir.checkpoint import Checkpoint, read, write
from reservoir.checkpoint.weights_file import read_weights, write_weights
from reservoir.rnn import GRU, LSTM, RNN, Model, Network
from reservoir.rnn.folding import without_scalers
from reservoir.series.scaler import Scaler, unscaled


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A directory with lstm.npz."""
    monkeypatch.chdir(tmp_path)
    write_weights("lstm.npz", cases.archived("LSTM", "float32")[0])
    return tmp_path


def model_of(cell, loss="squared_error", seed=0):
    """A model with scalers, and raw inputs."""
    rng = np.random.default_rng(seed)
    network = Network([cell, cell], inputs=2, outputs=3, loss=loss)
    scalers = (
        Scaler(rng.standard_normal(2), rng.uniform(0.5, 3.0, 2)),
        Scaler(rng.standard_normal(3), rng.uniform(0.5, 3.0, 3)),
    )
    model = Model(network, network.initial(1), *scalers, "every")
    return model, 3.0 * rng.standard_normal((4, 6, 2))


@pytest.mark.parametrize("suffix", ["npz", "safetensors"])
def test_there_and_back(place, suffix):
    said = run("import", "lstm.npz", "-o", "m.h5", "--dtype", "float32").stdout
    assert "LSTM, 2 layers of 3 units" in said
    _, x, expected = cases.archived("LSTM", "float32")
    found = read("m.h5").record.predict(list(x.swapaxes(0, 1)))
    np.testing.assert_allclose(np.stack(found, 1), expected, rtol=0, atol=1e-6)
    assert "LSTM" in run("export", "m.h5", "-o", f"w.{suffix}").stdout
    run("import", f"w.{suffix}", "-o", "again.h5", "--dtype", "float32")
    assert read("again.h5").record.theta.tobytes() == read("m.h5").record.theta.tobytes()
    assert read_weights(f"w.{suffix}")["rnn.weight_hh_l1"].dtype == np.float64


def test_options_reach_the_model(place):
    write_weights("relu.npz", cases.archived("relu", "float64")[0])
    run("import", "relu.npz", "-o", "m.h5", "--activation", "relu", "--at", "last",
        "--loss", "softmax_cross_entropy", "--readout", "none", "--recurrent", "rnn.")  # fmt: skip
    model = read("m.h5").record
    assert model.network.cells[0].activation == "relu"
    assert (model.at, model.network.loss) == ("last", "softmax_cross_entropy")
    assert model.classes.tolist() == [0, 1, 2]
    run("export", "m.h5", "-o", "w.npz", "--recurrent", "a.", "--readout", "", "--dtype", "float32")
    found = read_weights("w.npz")
    assert {"a.weight_ih_l0", "weight", "bias"} < found.keys()
    assert found["weight"].dtype == np.float32


@pytest.mark.parametrize("cell", [RNN(4), LSTM(4), GRU(4, reset="after"), GRU(4)])
@pytest.mark.parametrize("loss", ["squared_error", "softmax_cross_entropy"])
def test_scalers_are_folded_in(cell, loss):
    model, x = model_of(cell, loss)
    bare = Model(model.network, without_scalers(model), unscaled(2), unscaled(3), "every")
    for found, expected in zip(bare.predict(x), model.predict(x), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-13)
    assert without_scalers(bare).tobytes() == bare.theta.tobytes()


def test_a_scaled_model_moves_there_and_back(place):
    model, x = model_of(GRU(4, reset="after"))
    write(Checkpoint(model), "m.h5")
    run("export", "m.h5", "-o", "w.safetensors")
    run("import", "w.safetensors", "-o", "again.h5")
    for found, expected in zip(read("again.h5").record.predict(x), model.predict(x), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-13)


def test_refusals_of_import(place):
    state, _, _ = cases.archived("LSTM", "float32")
    write_weights("two.npz", state | {"b.weight_ih_l0": np.ones((3, 2))})
    (place / "m.h5").write_bytes(b"old")
    for arguments, code, part in (
        (("none.npz",), 65, "none.npz: No such file or directory"),
        (("lstm.pt",), 65, "such files are pickles"),
        (("two.npz",), 65, "two.npz: several recurrent modules"),
        (("lstm.npz", "--recurrent", "gru."), 65, "no gru.weight_ih_l0"),
        (("lstm.npz", "--activation", "sine"), 2, "unknown activation 'sine'; there are tanh"),
        (("lstm.npz", "-o", "missing/m.h5"), 73, "no such directory"),
    ):
        assert part in refused("import", *arguments[:1], "-o", "m.h5", *arguments[1:], code=code)
    assert (place / "m.h5").read_bytes() == b"old"


def test_refusals_of_export(place):
    make_model(place)
    leaky, _ = model_of(RNN(4, leak_rate=0.5))
    write(Checkpoint(leaky), "leaky.h5")
    run("import", "lstm.npz", "-o", "m.h5")
    (place / "w.npz").write_bytes(b"old")
    for model, output, code, part in (
        ("wave.h5", "w.npz", 65, "wave.h5: holds no trained network"),
        ("leaky.h5", "w.npz", 65, "leaky.h5: layer 0 cannot be a layer of PyTorch: it has no leak"),
        ("lstm.npz", "w.npz", 65, "lstm.npz"),
        ("m.h5", "w.pt", 65, "such files are pickles"),
        ("m.h5", "missing/w.npz", 73, "no such directory"),
    ):
        assert part in refused("export", model, "-o", output, code=code)
    assert (place / "w.npz").read_bytes() == b"old"
