"""Files of named weights: bits of a round trip, files by hand, and every way to be damaged."""

from __future__ import annotations

import io
import json
import tempfile
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reservoir.checkpoint.safetensors import read_safetensors, safetensors
from reservoir.checkpoint.weights_file import read_weights, write_weights
from reservoir.errors import CreateError, DataError

ARRAYS = {
    "rnn.weight_ih_l0": np.random.default_rng(0).standard_normal((4, 3)),
    "rnn.bias": np.array([1.5, -0.0, np.nan], np.float32),
    "half": np.array([[0.5]], np.float16),
    "steps": np.array(7),
    "mask": np.array([1, 0], np.uint8),
    "none": np.zeros((0, 5)),
}


def same(found, expected):
    assert list(found) == list(expected)
    for name, array in expected.items():
        assert found[name].dtype == array.dtype
        assert found[name].shape == array.shape
        assert found[name].tobytes() == array.tobytes()


@pytest.mark.parametrize("suffix", [".npz", ".safetensors", ".NPZ"])
def test_a_round_trip_keeps_the_bits(suffix, tmp_path):
    path = tmp_path / f"weights{suffix}"
    write_weights(path, ARRAYS)
    same(read_weights(path), ARRAYS)
    first = path.read_bytes()
    write_weights(path, ARRAYS)
    assert path.read_bytes() == first


def test_order_and_byte_order_of_arrays_do_not_matter(tmp_path):
    path = tmp_path / "w.safetensors"
    write_weights(path, {"a": np.asfortranarray(ARRAYS["rnn.weight_ih_l0"]).astype(">f8")})
    same(read_weights(path), {"a": ARRAYS["rnn.weight_ih_l0"]})


def test_numpy_reads_and_writes_the_same_npz(tmp_path):
    path = tmp_path / "w.npz"
    write_weights(path, ARRAYS)
    with np.load(path) as archive:
        same(dict(archive), ARRAYS)
    np.savez_compressed(path, **ARRAYS)
    same(read_weights(path), ARRAYS)


def test_the_safetensors_package_agrees(tmp_path):
    theirs = pytest.importorskip("safetensors.numpy")
    same(dict(sorted(theirs.load(safetensors(ARRAYS)).items())), dict(sorted(ARRAYS.items())))
    path = tmp_path / "w.safetensors"
    theirs.save_file(ARRAYS, path, metadata={"format": "pt"})
    same(dict(sorted(read_weights(path).items())), dict(sorted(ARRAYS.items())))


def file_of(header, data=b"", length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    size = len(text) if length is None else length
    return size.to_bytes(8, "little") + text + data


def entry(dtype="F32", shape=(2,), offsets=(0, 8), **more):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets), **more}


def test_a_file_by_hand(tmp_path):
    path = tmp_path / "w.safetensors"
    header = {"b": entry("BF16", (2,), (8, 12)), "__metadata__": {"made": "by hand"}, "a": entry()}
    header["c"] = entry("BOOL", (3,), (12, 15))
    data = np.array([1.5, -2.0], "<f4").tobytes() + b"\x80\x3f\xc0\x40" + b"\x01\x00\x01"
    path.write_bytes(file_of(header, data))
    found = read_weights(path)
    assert list(found) == ["a", "b", "c"]
    assert found["a"].tolist() == [1.5, -2.0]
    assert found["b"].dtype == np.float32
    assert found["b"].tolist() == [1.0, 6.0]
    assert found["c"].tolist() == [True, False, True]
    path.write_bytes(file_of({}))
    assert read_weights(path) == {}


DATA = bytes(8)
DAMAGED = {
    "empty": (b"", "header would have 0 bytes, the file has 0"),
    "seven bytes": (bytes(7), "header would have 0 bytes, the file has 7"),
    "long header": (file_of(b"{}", length=2**63), "header would have 9,223"),
    "longer than the file": (file_of(b"{}", length=3), "header would have 3 bytes"),
    "no text": (file_of(b"\xff\xfe"), "its header is no text"),
    "no JSON": (file_of(b"{"), "not valid JSON"),
    "deep": (file_of(b"[" * 100_000), "not valid JSON"),
    "no object": (file_of(b"[]"), "not a JSON object"),
    "doubled": (file_of(b'{"a": 1, "a": 1}'), "occurs twice"),
    "NaN": (file_of(b'{"a": NaN}'), "not valid JSON"),
    "no entry": (file_of({"a": 1}), "'a' must have dtype, shape and data_offsets"),
    "one more": (file_of({"a": entry(x=1)}, DATA), "and no more"),
    "another type": (file_of({"a": entry("F8_E4M3")}, DATA), "type 'F8_E4M3', which is not read"),
    "type of a list": (file_of({"a": entry(["F32"])}, DATA), "which is not read"),
    "negative": (file_of({"a": entry(shape=[-2])}, DATA), r"'a' has the shape \[-2\]"),
    "fraction": (file_of({"a": entry(shape=[2.0])}, DATA), "has the shape"),
    "truth": (file_of({"a": entry(shape=[True, 2])}, DATA), "has the shape"),
    "huge": (file_of({"a": entry(shape=[2**62, 4])}, DATA), "cannot have 8 bytes"),
    "many dimensions": (file_of({"a": entry(shape=[1] * 17 + [2])}, DATA), "has the shape"),
    "three offsets": (file_of({"a": entry(offsets=[0, 4, 8])}, DATA), "has the data_offsets"),
    "backwards": (file_of({"a": entry(offsets=[8, 0])}, DATA), "cannot have -8 bytes"),
    "gap": (file_of({"a": entry(offsets=[4, 12])}, bytes(12)), "begin at 4, not 0"),
    "overlap": (
        file_of({"a": entry(), "b": entry(offsets=[4, 12])}, bytes(12)),
        "of 'b' begin at 4, not 8",
    ),
    "rest": (file_of({"a": entry()}, bytes(9)), "declares 8 bytes of data and has 9"),
    "cut off": (file_of({"a": entry()}, bytes(7)), "declares 8 bytes of data and has 7"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_damaged_safetensors(name, tmp_path):
    content, message = DAMAGED[name]
    path = tmp_path / "w.safetensors"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message) as found:
        read_weights(path)
    assert str(path) in str(found.value)


@given(st.data())
def test_random_damage_is_a_data_error_or_nothing(data):
    content = bytearray(safetensors({"a": np.ones((2, 3)), "b": np.arange(4)}))
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with tempfile.NamedTemporaryFile(suffix=".safetensors") as file:
        file.write(content)
        file.flush()
        try:
            found = read_safetensors(file.name)
        except DataError:
            return
    assert sum(array.nbytes for array in found.values()) <= 2 * len(content)


def npz_of(**members):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(f"{name}.npy", data)
    return content.getvalue()


def npy_of(header, data=b""):
    text = header.encode()
    text += b" " * (-(len(text) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + data


HUGE = "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000, 1000000), }"


def pickled():
    content = io.BytesIO()
    np.save(content, np.array([{}], object), allow_pickle=True)
    return content.getvalue()


@pytest.mark.parametrize(
    "content, message",
    [
        (b"not a zip file", "damaged or not NPZ"),
        (npz_of(a=b"nothing"), "damaged or not NPY"),
        (npz_of(a=pickled()), "a: expected numbers, got object"),
        (npz_of(a=npy_of(HUGE)), "8,000,000,000,128 bytes, allowed are"),
        (npz_of(a=npy_of(HUGE.replace("(1000000, 1000000)", "(9,)"), bytes(8))), "cut off"),
        (npz_of(a=npy_of(HUGE.replace("<f8", "<U8").replace("1000000", "1"))), "got <U8"),
    ],
)
def test_damaged_npz(content, message, tmp_path):
    path = tmp_path / "w.npz"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message) as found:
        read_weights(path)
    assert str(path) in str(found.value)


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
def test_more_than_is_allowed(suffix, tmp_path):
    path = tmp_path / f"w{suffix}"
    write_weights(path, {"a": np.zeros(1000)})
    with pytest.raises(DataError, match="allowed are 8,000"):
        read_weights(path, max_bytes=8000)
    assert read_weights(path, max_bytes=9000)["a"].size == 1000


@pytest.mark.parametrize(
    "name, message",
    [
        ("w.pt", "such files are pickles"),
        ("w.pth", "such files are pickles"),
        ("w.h5", ".npz or .safetensors files"),
        ("w", ".npz or .safetensors files"),
    ],
)
def test_other_suffixes(name, message, tmp_path):
    with pytest.raises(DataError, match=message):
        read_weights(tmp_path / name)
    with pytest.raises(DataError, match=message):
        write_weights(tmp_path / name, ARRAYS)
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_written(tmp_path):
    with pytest.raises(DataError, match="a: complex128 cannot be written as safetensors"):
        write_weights(tmp_path / "w.safetensors", {"a": np.ones(2, complex)})
    with pytest.raises(DataError, match="__metadata__"):
        write_weights(tmp_path / "w.safetensors", {"__metadata__": np.ones(2)})
    with pytest.raises(CreateError):
        write_weights(tmp_path / "missing" / "w.npz", ARRAYS)
    with pytest.raises(FileNotFoundError):
        read_weights(tmp_path / "w.npz")
    assert not list(tmp_path.iterdir())
