"""Files whose structure is sound and whose sizes or values lie; the manifest fits all of them."""

from __future__ import annotations

import json
from functools import partial

import h5py
import numpy as np
import pytest
from scipy import sparse
from test_checkpoint_records import expect_refusal, random_record, record_of, replaced, reseal

from reservoir.checkpoint import save


@pytest.fixture
def tampered(tmp_path):
    return partial(expect_refusal, tmp_path / "m.h5")


def edit_config(file, **entries):
    document = json.loads(file["config"][()])
    document |= entries
    text = json.dumps({name: value for name, value in document.items() if value != "absent"})
    replaced(file, "config", np.bytes_(text))


@pytest.mark.parametrize(
    "entries, message",
    [
        ({"units": 13}, "features"),
        ({"units": 13, "features": 13}, r"indptr has shape \(13,\); the config says \(14,\)"),
        ({"inputs": 2**40, "input_names": ["a"] * 2}, "input_names"),
        ({"units": 2**41}, "'units' is missing or not a count"),
        ({"units": -1}, "'units' is missing or not a count"),
        ({"units": 12.0}, "'units' is missing or not a count"),
        ({"units": True}, "'units' is missing or not a count"),
        ({"units": "absent"}, "'units' is missing or not a count"),
        ({"units": 0, "features": 0}, "contradicts"),
        ({"nonzeros": 3}, r"/reservoir/W/data has shape"),
        ({"nonzeros": 145}, "nonzeros"),
        ({"recurrence": "array"}, "nonzeros"),
        ({"recurrence": "array", "nonzeros": 144}, "/reservoir/W is missing or not a dataset"),
        ({"recurrence": "csc_matrix"}, "recurrence is 'csc_matrix', not one of"),
        ({"dtype": "float32"}, "has type f8, not f4"),
        ({"dtype": "object"}, "dtype is 'object', not one of"),
        ({"activation": "exec"}, "activation is 'exec', not one of"),
        ({"feedback": 0}, r"W_fb has shape \(12, 3\); the config says \(12, 0\)"),
        ({"feedback": 2}, "feedback"),
        ({"candidates": 5}, "the config says"),
        ({"washout": -1}, "washout"),
        ({"washout": "never"}, "washout"),
        ({"horizon": None}, "horizon"),
        ({"criterion": 3}, "criterion"),
        ({"input_names": ["a"]}, "input_names"),
        ({"input_names": [1, 2]}, "input_names"),
        ({"target_names": "abc"}, "target_names"),
    ],
)
def test_a_config_that_lies(tampered, entries, message):
    tampered(lambda file: edit_config(file, **entries), message)


@pytest.mark.parametrize(
    "text, message",
    [
        (b'{"units": NaN}', "not valid JSON: NaN is not JSON"),
        (b'{"units": 12, "units": 13}', "occurs twice"),
        (b"[1, 2]", "not a JSON object"),
        (b"{" * 50, "not valid JSON"),
        (b'{"a": ' + b"[" * 100_000, "not valid JSON"),
        (b'{"a": ' + b"1" * 10_000 + b"}", "not valid JSON"),
        (b'{"\xc3\xa4": 1}', "not ASCII"),
    ],
)
def test_json_that_is_none(tampered, text, message):
    tampered(lambda file: replaced(file, "config", np.bytes_(text)), message)


def csr(indices=(0, 2, 1), indptr=(0, 2, 2, 3, *[3] * 9)):
    """Index arrays of a 12 by 12 matrix with three entries: valid as they are."""

    def change(file):
        replaced(file, "reservoir/W/data", np.ones(3))
        replaced(file, "reservoir/W/indices", np.array(indices, dtype="i4"))
        replaced(file, "reservoir/W/indptr", np.array(indptr, dtype="i4"))
        edit_config(file, nonzeros=3)

    return change


def test_the_index_arrays_below_are_valid_before_they_are_spoiled(tmp_path):
    save(random_record(), tmp_path / "m.h5")
    with h5py.File(tmp_path / "m.h5", "r+") as file:
        csr()(file)
    reseal(tmp_path / "m.h5")
    W = record_of(tmp_path / "m.h5").reservoir.W.toarray()
    assert [tuple(place) for place in np.argwhere(W)] == [(0, 0), (0, 2), (2, 1)]


@pytest.mark.parametrize(
    "arrays, message",
    [
        ({"indices": (0, 12, 1)}, r"not in 0\.\.11"),
        ({"indices": (0, 2**31 - 1, 1)}, r"not in 0\.\.11"),
        ({"indices": (-1, 2, 1)}, r"not in 0\.\.11"),
        ({"indices": (2, 0, 1)}, "unsorted or doubled"),
        ({"indices": (2, 2, 1)}, "unsorted or doubled"),
        ({"indptr": (0, 3, 2, *[3] * 10)}, "indptr does not rise"),
        ({"indptr": (0, 100, 3, *[3] * 10)}, "indptr does not rise"),
        ({"indptr": (0, -5, *[3] * 11)}, "indptr does not rise"),
        ({"indptr": (1, 2, 2, *[3] * 10)}, "indptr does not rise"),
        ({"indptr": (0, 2, 2, *[2] * 10)}, "indptr does not rise"),
        ({"indptr": (0, 2, 2, *[4] * 10)}, "indptr does not rise"),
        ({"indptr": (0, 2, 3)}, r"/reservoir/W/indptr has shape \(3,\)"),
        ({"indices": (0, 2)}, r"/reservoir/W/indices has shape \(2,\)"),
    ],
)
def test_sparse_indices_never_reach_a_kernel_unchecked(tampered, arrays, message):
    tampered(csr(**arrays), message)


def test_sparse_matrices_of_another_shape_or_type(tampered):
    def change(file):
        file["reservoir/W"].attrs["shape"] = [12, 13]

    tampered(change, r"/reservoir/W does not have the shape \(12, 12\)")
    tampered(
        lambda file: replaced(file, "reservoir/W/indices", np.zeros(len(file["reservoir/W/data"]))),
        "/reservoir/W/indices has type f8, not i4 or i8",
    )


@pytest.mark.parametrize(
    "name, value, message",
    [
        ("continues", [0, 1, 2], r"/continues has an entry that is not in -1\.\.1"),
        ("continues", [0, 1, -2], r"/continues has an entry"),
        ("reservoir/leak_rate", np.zeros(12), r"leak_rate has an entry that is not in \(0, 1\]"),
        ("reservoir/leak_rate", np.full(12, np.nan), "leak_rate"),
        ("input_scaler/scale", np.zeros(2), "/input_scaler/scale has an entry that is zero"),
        ("end/x", np.zeros((12, 1)), r"/end/x has shape \(12, 1\)"),
        ("end/x", np.zeros(12, "i8"), "/end/x has type i8, not f4 or f8"),
        ("readout/weights", np.zeros((12, 3), "f4"), "/readout/weights has type f4, not f8"),
    ],
)
def test_values_that_the_model_relies_on(tampered, name, value, message):
    tampered(lambda file: replaced(file, name, np.asarray(value)), message)


@pytest.mark.parametrize("name", ["reservoir", "readout", "continues", "config", "end/y"])
def test_missing_members(tampered, name):
    def change(file):
        del file[name]

    tampered(change, f"{name}.* is missing")


# --- documents ----------------------------------------------------------------------------------

PARTS = {
    "array": {"a": np.arange(6.0).reshape(2, 3)},
    "csr": {"a": sparse.csr_array(np.eye(3))},
    "mt": {"a": np.random.Generator(np.random.MT19937(0))},
    "philox": {"a": np.random.Generator(np.random.Philox(0))},
}


@pytest.mark.parametrize(
    "part, old, new, message",
    [
        ("array", '"shape": [2, 3]', '"shape": [3, 2]', r"the config says \(3, 2\)"),
        ("array", '"shape": [2, 3]', '"shape": [2, -3]', "not well-formed"),
        ("array", '"shape": [2, 3]', '"shape": [2, 1e9]', "not well-formed"),
        ("array", '"shape": [2, 3]', '"shape": 6', "not well-formed"),
        ("array", '"float64"', '"float32"', "has type f8, not f4"),
        ("array", '"float64"', '"object"', "not well-formed"),
        ("array", '"$array": "a"', '"$array": "../reservoir/bias"', "missing or not a dataset"),
        ("array", '"$array": "a"', '"$array": 7', "not well-formed"),
        ("array", '"$array": "a"', '"$pickle": "a"', "placeholder of an unknown kind"),
        ("array", '{"a": ', '{"b": {"$float": "1e5"}, "a": ', "placeholder of an unknown kind"),
        ("array", '{"a": ', '{"b": {"$dict": [[[], 1]]}, "a": ', "not well-formed"),
        ("array", '{"a": ', '{"b": {"$dict": [1]}, "a": ', "not well-formed"),
        ("array", '{"a": ', '{"b": {"$dtype": "O"}, "a": ', "placeholder of an unknown kind"),
        ("csr", '"nonzeros": 3', '"nonzeros": 4', "/estimator/a/data has shape"),
        ("csr", '"nonzeros": 3', '"nonzeros": null', "not well-formed"),
        ("csr", '"shape": [3, 3]', '"shape": [3, 2]', "does not have the shape"),
        ("csr", '"shape": [3, 3]', '"shape": [3]', "not well-formed"),
        ("mt", '"pos": ', '"pos": 1000000', "random state that is none"),
        ("mt", '"pos": ', '"pos": -', "random state that is none"),
        ("mt", '"MT19937"', '"os.system"', "random state that is none"),
        ("mt", '"key": [', '"key": [1, ', "random state that is none"),
        ("mt", '"Generator"', '"Generator2"', "random state that is none"),
        ("mt", '"pool_size": ', '"pool_size": 999999999', "random state that is none"),
        ("philox", '"buffer_pos": ', '"buffer_pos": 9', "random state that is none"),
        ("philox", '"buffer": [', '"buffer": [1, ', "random state that is none"),
        ("philox", '"state": {"bit', '"state": 3, "x": {"bit', "random state that is none"),
    ],
)
def test_placeholders_that_lie(tampered, part, old, new, message):
    def change(file):
        text = file["estimator/json"][()].decode()
        assert text.count(old) >= 1, text
        replaced(file, "estimator/json", np.bytes_(text.replace(old, new, 1)))

    tampered(change, message, estimator=PARTS[part])


def test_placeholders_do_not_multiply_a_dataset(tampered):
    def change(file):
        text = file["estimator/json"][()].decode()
        placeholder = text[len('{"a": ') : -1]
        replaced(file, "estimator/json", np.bytes_(f'{{"a": {placeholder}, "b": {placeholder}}}'))

    tampered(change, "names one dataset twice", estimator=PARTS["array"])


def test_documents_nested_without_end(tampered):
    def change(file):
        text = b'{"a": ' * 900 + b"1" + b"}" * 900
        replaced(file, "estimator/json", np.bytes_(text))

    tampered(change, "nested too deeply|not valid JSON", estimator=PARTS["array"])
