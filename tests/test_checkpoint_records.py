"""Records of random numbers, comparison bit for bit, and a second reading of the specification.

The other tests of checkpoints import from here. The manifest below is written after
SPECIFICATION.md with h5py and hashlib alone, so that it can judge the package's own.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import fields, is_dataclass, replace

import h5py
import numpy as np
import pytest
from scipy import sparse

from reservoir.checkpoint import Checkpoint, read, write
from reservoir.errors import CheckpointError
from reservoir.esn.model import ESN, Position, Readout, Reservoir, RidgePath, Scaler


def record_of(path, **options):
    """The record in a checkpoint."""
    return read(path, **options).record


def random_record(
    units=12,
    inputs=2,
    targets=3,
    candidates=4,
    *,
    dtype="float64",
    feedback=True,
    dense=False,
    direct=False,
    density=0.3,
    seed=0,
    **changes,
):
    """A record as a fit would leave it, without a fit."""
    rng = np.random.default_rng(seed)

    def draw(*shape, dtype=dtype):
        return rng.standard_normal(shape).astype(dtype)

    if dense:
        W = draw(units, units)
    else:
        W = sparse.csr_array(draw(units, units) * (rng.random((units, units)) < density))
    features = units + inputs * direct
    errors = draw(candidates, targets, dtype="float64")
    errors[:1] = np.nan
    record = ESN(
        reservoir=Reservoir(
            W=W,
            W_in=draw(units, inputs),
            W_fb=draw(units, targets * feedback),
            bias=draw(units),
            leak_rate=(1 - rng.random(units)).astype(dtype),
            activation="tanh",
        ),
        input_scaler=Scaler(draw(inputs, dtype="float64"), 1 + rng.random(inputs)),
        target_scaler=Scaler(draw(targets, dtype="float64"), 1 + rng.random(targets)),
        readout=Readout(draw(features, targets, dtype="float64"), np.full(targets, -0.0)),
        ridge_path=RidgePath(
            criterion="loo",
            candidates=np.sort(rng.random(candidates)),
            errors=errors,
            chosen=np.full(targets, 5e-324),
            condition=float("inf"),
            scored=123,
        ),
        continues=rng.integers(-1, inputs, targets),
        washout="auto",
        horizon=1,
        input_names=tuple(f"Größe {i} 水" for i in range(inputs)),
        target_names=tuple(f"y{i}" for i in range(targets)),
        end=Position(draw(units), draw(inputs), draw(targets)),
    )
    return replace(record, **changes)


def changed(record, path, value):
    """A copy of a record with the field at "a.b" replaced."""
    name, _, rest = path.partition(".")
    inner = changed(getattr(record, name), rest, value) if rest else value
    return replace(record, **{name: inner})


def bits(value):
    """Whatever a record holds as nested tuples of types, shapes and bytes."""
    if is_dataclass(value):
        return tuple(bits(getattr(value, item.name)) for item in fields(value))
    if sparse.issparse(value):
        return ("csr", value.shape, bits(value.data), bits(value.indices), bits(value.indptr))
    if isinstance(value, np.ndarray):
        return (value.dtype.str, value.shape, value.tobytes())
    if isinstance(value, float):
        return ("float", np.float64(value).tobytes())
    return (type(value).__name__, value)


def assert_same(left, right):
    assert bits(left) == bits(right)


def spec_manifest(file):
    """Section 5 of SPECIFICATION.md."""
    lines = []

    def attribute_lines(node):
        for name in sorted(node.attrs, key=lambda name: name.encode()):
            if name in ("DIMENSION_LIST", "REFERENCE_LIST"):
                continue
            opened = node.attrs.get_id(name)
            value = np.empty(opened.shape, opened.dtype)
            opened.read(value)
            yield f"{name} {head(value.dtype, value.shape)} {value.tobytes().hex()}\n"

    def head(dtype, shape):
        return f"{dtype.str.lstrip('<|')} [{','.join(map(str, shape))}]"

    def visit(path, node):
        if path == "/manifest":
            return
        if isinstance(node, h5py.Group):
            header, data = "group\n", b""
            for name in node:
                visit(path.rstrip("/") + "/" + name, node[name])
        else:
            header, data = f"dataset {head(node.dtype, node.shape)}\n", np.asarray(node).tobytes()
        header += "".join(attribute_lines(node)) + "\n"
        digest = hashlib.sha256(header.encode("ascii") + data).hexdigest()
        lines.append((path.encode("ascii"), f"{digest}  {path}\n"))

    visit("/", file["/"])
    return "".join(line for _, line in sorted(lines)).encode("ascii")


def reseal(path):
    """Give a file that was tampered with a manifest that fits."""
    with h5py.File(path, "r+") as file:
        manifest = spec_manifest(file)
        del file["manifest"]
        file["manifest"] = np.bytes_(manifest)


def replaced(file, name, value, **options):
    """Put another dataset in the place of one, with its attributes."""
    attributes = dict(file[name].attrs) if name in file else {}
    if name in file:
        del file[name]
    dataset = file.create_dataset(name, data=value, **options)
    for key, attribute in attributes.items():
        dataset.attrs[key] = attribute
    return dataset


def expect_refusal(path, change, message, *, seal=True, checkpoint=None, **parts):
    """Change a valid file, fit the manifest, and expect one clear line, soon."""
    write(checkpoint or Checkpoint(random_record(), **parts), path)
    with h5py.File(path, "r+") as file:
        change(file)
    if seal:
        reseal(path)
    start = time.process_time()
    with pytest.raises(CheckpointError, match=message) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)
    assert time.process_time() - start < 5


def test_random_records_differ_by_their_seed():
    assert_same(random_record(seed=1), random_record(seed=1))
    with pytest.raises(AssertionError):
        assert_same(random_record(seed=1), random_record(seed=2))


@pytest.mark.parametrize(
    "path, value",
    [
        ("readout.intercept", np.full(3, 0.0)),  # not -0.0
        ("ridge_path.candidates", np.zeros(4, dtype="f4")),
        ("washout", 0),
        ("horizon", 2),
        ("reservoir.activation", "relu"),
        ("input_names", ("a", "b")),
        ("ridge_path.condition", 1.0),
    ],
)
def test_comparison_sees_a_single_field(path, value):
    record = random_record()
    with pytest.raises(AssertionError):
        assert_same(record, changed(record, path, value))


def test_comparison_sees_a_single_bit_of_W():
    record = random_record()
    W = record.reservoir.W.copy()
    W.data[-1] = np.nextafter(W.data[-1], 0)
    with pytest.raises(AssertionError):
        assert_same(record, changed(record, "reservoir.W", W))
