"""Trained networks: what is saved is what is loaded, bit for bit, and what lies is refused."""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path

import h5py
import numpy as np
import pytest
from checkpoint_cases import CELLS, LOSSES, model_bits, random_model
from hypothesis import given, settings
from hypothesis import strategies as st
from test_checkpoint_records import expect_refusal, replaced, reseal

from reservoir.checkpoint import Checkpoint, load, read, save, write
from reservoir.errors import DataError
from reservoir.rnn import LSTM, RNN
from reservoir.series.scaler import Scaler


def again(model, path):
    save(model, path)
    return read(path).record


@settings(max_examples=40, deadline=None)
@given(
    cells=st.sampled_from(sorted(CELLS)),
    inputs=st.integers(0, 3),
    outputs=st.integers(1, 3),
    loss=st.sampled_from(LOSSES),
    dtype=st.sampled_from(["float32", "float64"]),
    at=st.sampled_from(["every", "last"]),
    named=st.booleans(),
    seed=st.integers(0, 100),
)
def test_round_trip_is_exact(cells, **options):
    model = random_model(CELLS[cells], **options)
    with tempfile.TemporaryDirectory() as directory:
        assert model_bits(again(model, Path(directory, "m.h5"))) == model_bits(model)


@pytest.mark.parametrize(
    "labels",
    [
        [3, 1, -(2**63)],
        np.array([1, 2, 250], dtype=np.uint8),
        np.array([0, 1, 2**64 - 1], dtype=np.uint64),
        [0.5, -1.0, 1e300],
        np.array([0.1, 0.2, 0.3], dtype=np.float32),
        ["a", "", "Größe 水\n\"'"],
    ],
    ids=str,
)
def test_labels_come_back_in_their_type(tmp_path, labels):
    model = random_model(loss="softmax_cross_entropy", classes=np.array(labels))
    assert model_bits(again(model, tmp_path / "m.h5")) == model_bits(model)


@pytest.mark.parametrize("labels", [[False, True], ["no", "yes"]], ids=str)
def test_two_labels_of_one_output(tmp_path, labels):
    model = random_model(outputs=1, loss="logistic_cross_entropy", classes=np.array(labels))
    assert model_bits(again(model, tmp_path / "m.h5")) == model_bits(model)


def test_objects_that_are_texts_come_back_as_texts(tmp_path):
    labels = np.array(["a", "bcd", "e"], dtype=object)
    found = again(random_model(loss=LOSSES[2], classes=labels), tmp_path / "m.h5").classes
    assert found.dtype == "<U3"
    assert found.tolist() == labels.tolist()


def test_a_loaded_network_predicts_the_same_bits(tmp_path):
    model = random_model((RNN(3, leak_rate=0.5),))
    inputs = [np.random.default_rng(1).standard_normal((steps, 2)) for steps in (1, 7)]
    save(model, tmp_path / "m.h5")
    loaded = load(tmp_path / "m.h5")
    assert type(loaded) is type(model)
    for left, right in zip(loaded.predict(inputs), model.predict(inputs), strict=True):
        np.testing.assert_array_equal(left, right)


def test_parameters_are_datasets_by_their_names(tmp_path):
    model = random_model(CELLS["lstm"])
    save(model, tmp_path / "m.h5")
    views = model.network.views(model.theta)
    with h5py.File(tmp_path / "m.h5") as file:
        for name, view in views.items():
            assert np.array_equal(file["parameters"][name], view), name
        found = []
        file["parameters"].visititems(
            lambda name, node: found.append(name) if isinstance(node, h5py.Dataset) else None
        )
        assert sorted(found) == sorted(views)


@pytest.mark.parametrize(
    "spoil, message",
    [
        (lambda m: replace(m, theta=m.theta[:-1]), r"theta must be an array of 19 floats"),
        (lambda m: replace(m, theta=m.theta.astype("f4")), "/layers/0/U has type f4, not f8"),
        (lambda m: replace(m, at="never"), "'at' contradicts"),
        (lambda m: replace(m, input_names=("a",)), "'input_names' contradicts"),
        (lambda m: replace(m, target_names=("a",)), "'target_names' contradicts"),
        (lambda m: replace(m, classes=np.arange(3)), "'classes' contradicts"),
        (lambda m: replace(m, input_scaler=Scaler(np.zeros(3), np.ones(3))), r"shape \(3,\)"),
        (lambda m: replace(m, target_scaler=Scaler(np.zeros(3), np.zeros(3))), "that is zero"),
        (lambda m: replace(m, target_scaler=Scaler(np.full(3, np.nan), np.ones(3))), "not finite"),
    ],
)
def test_a_model_that_no_reader_would_take_is_not_written(tmp_path, spoil, message):
    with pytest.raises(DataError, match=message):
        save(spoil(random_model((RNN(2),))), tmp_path / "m.h5")
    assert list(tmp_path.iterdir()) == []


def test_parameters_that_are_not_finite_are_named(tmp_path):
    model = random_model((RNN(2), RNN(2)))
    model.network.views(model.theta)["layers/1/W"][1, 0] = np.nan
    with pytest.raises(DataError, match=r"/parameters has nan at layers/1/W\[1, 0\]"):
        save(model, tmp_path / "m.h5")


@pytest.mark.parametrize(
    "labels", [np.array([1j, 2, 3]), np.array([1, "a", None], dtype=object)], ids=str
)
def test_labels_that_cannot_be_stored(tmp_path, labels):
    with pytest.raises(DataError, match=r"labels of the type .* cannot be stored"):
        save(random_model(loss=LOSSES[2], classes=labels), tmp_path / "m.h5")


@pytest.mark.parametrize("labels", [[1, 2, 2], [1.0, np.inf, 2.0], ["a", "a", "b"]], ids=str)
def test_labels_that_are_doubled_or_not_finite(tmp_path, labels):
    with pytest.raises(DataError, match="no list of different labels"):
        save(random_model(loss=LOSSES[2], classes=np.array(labels)), tmp_path / "m.h5")


def test_what_is_no_model(tmp_path):
    with pytest.raises(TypeError, match="a model is needed; an object of the type dict is none"):
        save({"theta": 1}, tmp_path / "m.h5")


# --- files that lie -----------------------------------------------------------------------------

BARE = {"target_names": [], "class_type": None, "classes": None, "loss": LOSSES[0]}
LABELLED = {"loss": LOSSES[2], "classes": np.arange(3)}


@pytest.fixture
def tampered(tmp_path):
    cells = (RNN(3, leak_rate=(0.5, 0.6, 0.7)), LSTM(2))
    checkpoint = Checkpoint(random_model(cells, **LABELLED))
    return partial(expect_refusal, tmp_path / "m.h5", checkpoint=checkpoint)


def edit_config(file, cell=None, **entries):
    document = json.loads(file["config"][()]) | entries
    document["cells"] = document["cells"] if cell is None else [document["cells"][0] | cell]
    for part in (document, *(c for c in document["cells"] if isinstance(c, dict))):
        for name in [name for name, value in part.items() if value == "absent"]:
            del part[name]
    replaced(file, "config", np.bytes_(json.dumps(document)))


@pytest.mark.parametrize(
    "entries, message",
    [
        ({"cells": []}, "describes no network: cells: expected at least one"),
        ({"cells": ["rnn"]}, "'cells' is missing or not a list of cells"),
        ({"cells": {"rnn": {}}}, "'cells' is missing or not a list of cells"),
        ({"outputs": 0} | BARE, "describes no network: outputs"),
        ({"outputs": 4}, "target_names"),
        ({"outputs": 4, "target_names": []}, "'classes' contradicts"),
        ({"outputs": 4} | BARE, r"has shape"),
        ({"inputs": 2**40, "input_names": []}, "cells have 3,298,534,883,"),
        ({"inputs": 2**38, "input_names": []}, r"U has shape \(3, 2\); the config says"),
        ({"inputs": -1}, "'inputs' is missing or not a count"),
        ({"loss": "hinge"}, "loss is 'hinge', not one of"),
        ({"loss": "squared_error"}, "'classes' contradicts"),
        ({"dtype": "float16"}, "dtype is 'float16', not one of"),
        ({"at": "first"}, "at is 'first', not one of"),
        ({"input_names": ["a"]}, "input_names"),
        ({"input_names": None}, "'input_names' is missing"),
        ({"class_type": "object"}, "class_type is 'object', not one of"),
        ({"class_type": None}, "'classes' contradicts"),
        ({"classes": None}, "no list of different labels"),
        ({"classes": [0, 1]}, "'classes' contradicts"),
        ({"classes": [0, 1, 1]}, "no list of different labels"),
        ({"classes": [0, 1, True]}, "no list of different labels"),
        ({"classes": [0, 1, 2.5]}, "no list of different labels"),
        ({"classes": [0, 1, 2**70]}, "no list of different labels"),
        ({"classes": [0, 1, [2]]}, "no list of different labels"),
        ({"class_type": "text"}, "no list of different labels"),
        ({"class_type": "bool"}, "no list of different labels"),
    ],
)
def test_a_config_that_lies(tampered, entries, message):
    tampered(lambda file: edit_config(file, **entries), message)


@pytest.mark.parametrize(
    "cell, message",
    [
        ({"cell": "transformer"}, "cell is 'transformer', not one of"),
        ({"cell": "absent"}, "'cell' is missing"),
        ({"cell": "lstm"}, "'forget_gate' that is missing or none"),
        ({"units": 0}, "the config's cell is none"),
        ({"units": 4}, "leak_rate must be a number or one for each of 4 units"),
        ({"units": 10**11, "leak_rate": 0.5}, r"have .* parameters"),
        ({"units": 10**6, "leak_rate": 0.5}, r"has shape \(3, 2\); the config says \(1000000, 2\)"),
        ({"units": 2**41}, "'units' is missing or not a count"),
        ({"units": "absent"}, "'units' is missing or not a count"),
        ({"units": 3.0}, "'units' is missing or not a count"),
        ({"activation": "exec"}, "unknown activation 'exec'"),
        ({"activation": ["tanh"]}, "'activation' that is missing or none"),
        ({"leak_rate": 0}, "leak_rate must be in"),
        ({"leak_rate": [0.5, 0.5, 2]}, "leak_rate must be in"),
        ({"leak_rate": [0.5, 0.5, [0.5]]}, "'leak_rate' that is missing or none"),
        ({"leak_rate": "0.5"}, "'leak_rate' that is missing or none"),
        ({"leak_rate": None}, "'leak_rate' that is missing or none"),
        ({"leak_rate": True}, "'leak_rate' that is missing or none"),
        ({"learn_leak": 1}, "'learn_leak' that is missing or none"),
        ({"learn_leak": True}, "/parameters/layers/0/leak_rate is missing"),
        ({"learn_initial_state": "absent"}, "'learn_initial_state' that is missing or none"),
    ],
)
def test_cells_that_lie(tampered, cell, message):
    tampered(lambda file: edit_config(file, cell), message)


@pytest.mark.parametrize(
    "name, value, message",
    [
        ("parameters/layers/0/W", np.full((3, 3), np.nan), r"nan at layers/0/W\[0, 0\]"),
        ("parameters/layers/1/b", np.full((4, 2), np.inf), r"inf at layers/1/b\[0, 0\]"),
        ("parameters/layers/0/W", np.zeros((3, 3), "f4"), "has type f4, not f8"),
        ("parameters/layers/0/W", np.zeros((3, 4)), r"has shape \(3, 4\)"),
        ("parameters/readout/c", np.zeros((3, 1)), r"has shape \(3, 1\)"),
        ("input_scaler/scale", np.zeros(2), "/input_scaler/scale has an entry that is zero"),
        ("input_scaler/scale", np.array([1, np.inf]), "/input_scaler has an entry that is not"),
        ("target_scaler/mean", np.full(3, np.nan), "/target_scaler has an entry that is not"),
    ],
)
def test_numbers_that_are_refused(tampered, name, value, message):
    tampered(lambda file: replaced(file, name, value), message)


@pytest.mark.parametrize("name", ["parameters", "parameters/layers/1", "parameters/readout/V"])
def test_members_that_are_missing_or_of_another_encoding(tampered, name):
    def drop(file):
        del file[name]

    def rename(file):
        file[name].attrs["encoding-type"] = np.bytes_("other")

    tampered(drop, "is missing")
    tampered(rename, "has the encoding 'other")


def test_an_older_reader_is_told_to_be_too_old(tmp_path):
    """Files of echo state networks stay readable for readers of 1.0."""
    save(random_model(), tmp_path / "m.h5")
    with h5py.File(tmp_path / "m.h5") as file:
        assert file.attrs["min_reader_version"] == b"1.1.0"
        assert "default" not in file.attrs  # nothing to draw


def test_what_a_later_minor_version_adds_is_ignored(tmp_path):
    model = random_model()
    write(Checkpoint(model), tmp_path / "m.h5")
    with h5py.File(tmp_path / "m.h5", "r+") as file:
        edit_config(file, cell={"peepholes": False}, later=[1])
        file["parameters/layers/0/more"] = 1.0
    reseal(tmp_path / "m.h5")
    assert model_bits(read(tmp_path / "m.h5").record) == model_bits(model)
