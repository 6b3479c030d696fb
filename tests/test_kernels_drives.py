"""Both drives of the recurrence against plain loops, over shapes, forms, types and edges."""

from __future__ import annotations

import naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from reservoir.esn import records
from reservoir.esn.model import ACTIVATIONS
from reservoir.esn.records import blocks, kernel_weights, lane_weights, matrix_record, no_loop
from reservoir.esn.recurrence import Drive, drive_lanes, drive_series, origin
from reservoir.kernels.matrices import CSR, Dense, Permutation
from reservoir.kernels.weights import Loop

FORMS = ("csr", "dense", "permutation")
TOLERANCE = {"float64": 1e-13, "float32": 3e-6}

reservoirs = st.fixed_dictionaries(
    {
        "form": st.sampled_from(FORMS),
        "units": st.sampled_from([1, 2, 3, 4, 5, 7, 8, 11, 16, 21, 37]),
        "inputs": st.integers(0, 3),
        "feedback": st.integers(0, 2),
        "activation": st.sampled_from(ACTIVATIONS),
        "leak": st.sampled_from(["scalar", "vector"]),
        "dtype": st.sampled_from(["float64", "float32"]),
        "seed": st.integers(0, 10),
    }
)


def random_drive(network, rows, rng, *, teacher=True, noise=True):
    units, inputs = network.W_in.shape
    targets = network.W_fb.shape[1]
    return Drive(
        rng.uniform(-1, 1, (rows, inputs)).astype(network.dtype),
        rng.uniform(-1, 1, (rows if teacher else 0, targets)).astype(network.dtype),
        rng.uniform(-1, 1, (rows if noise else 0, units)).astype(network.dtype),
    )


def random_loop(network, targets, rng, *, direct=False, columns=None):
    units, inputs = network.W_in.shape
    if columns is None:
        columns = rng.permutation(max(inputs, targets))[:targets]
        columns = np.where(columns < inputs, columns, -1)  # the others are exogenous
    shape = (targets, units + inputs if direct else units)
    return Loop(
        weights=rng.uniform(-1, 1, shape).astype(network.dtype) / units,
        intercept=rng.uniform(-1, 1, targets).astype(network.dtype),
        columns=np.array(columns, np.int64),
        gain=rng.uniform(0.5, 1, targets).astype(network.dtype),
        offset=rng.uniform(-0.5, 0.5, targets).astype(network.dtype),
    )


def packed(lengths):
    count = np.array(sorted(lengths, reverse=True), np.int64)
    return np.concatenate([[0], np.cumsum(count)[:-1]]).astype(np.int64)[: len(count)], count


def some(drive, rows):
    """A part of the rows of a drive."""
    return Drive(drive.inputs[rows], drive.teacher[rows], drive.noise[rows])


def close(found, wanted, dtype):
    assert found.dtype == dtype
    scale = max(1.0, np.abs(wanted).max(initial=0))
    np.testing.assert_allclose(found, wanted, rtol=0, atol=TOLERANCE[dtype] * scale)


def test_forms_of_the_matrix(make_reservoir):
    records = [matrix_record(make_reservoir(form).W) for form in FORMS]
    assert [type(record) for record in records] == [CSR, Dense, Permutation]
    line = sparse.csr_array(np.diag([0.5, 0.25], -1))  # its first row is empty
    assert isinstance(matrix_record(line), Permutation)
    assert matrix_record(line).weights.tolist() == [0, 0.5, 0.25]
    assert matrix_record(line).sources.tolist()[1:] == [0, 1]


@settings(max_examples=40)
@given(
    units=st.sampled_from([1, 2, 5, 37]),
    density=st.floats(0, 1),
    columns=st.integers(1, 40),
    seed=st.integers(0, 99),
)
def test_blocks_of_columns(units, density, columns, seed):
    """The form for lanes holds the same non-zeros, block by block, row by row."""
    rng = np.random.default_rng(seed)
    W = sparse.random_array((units, units), density=density, rng=rng, format="csr")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records, "LEAST_COLUMNS", columns)
        patch.setattr(records, "LEAST_NONZEROS", 1)
        record = matrix_record(W)
        if not isinstance(record, CSR):
            return
        found = blocks(record)
    number = len(found.indptr)
    width = -(-units // number)
    assert 1 <= number <= max(1, units // columns)
    dense = np.zeros((units, units))
    for b, indptr in enumerate(found.indptr.astype(int)):
        for i in range(units):
            chosen = slice(indptr[i], indptr[i + 1])
            indices = found.indices[chosen]
            assert (indices // width == b).all()
            assert (np.diff(indices.astype(int)) > 0).all()
            dense[i, indices] += found.data[chosen]
    assert np.array_equal(dense, W.toarray())
    assert found.indptr[-1, -1] == len(found.data)


def test_lanes_of_many_blocks(make_reservoir):
    network = make_reservoir("csr", units=600)
    weights = lane_weights(kernel_weights(network))
    assert len(weights.W.indptr) > 1
    drive = random_drive(network, 5, np.random.default_rng(0), teacher=False, noise=False)
    x, y, states = np.zeros((1, 600)), np.zeros((1, 0)), np.empty((5, 600))
    lane = np.array([0]), np.array([5])
    drive_lanes(weights, no_loop(network.dtype), drive, *lane, x, y, states=states)
    close(states, naive.run(network, drive.inputs), "float64")


@settings(max_examples=150)
@given(kind=reservoirs, steps=st.sampled_from([0, 1, 2, 5, 9]), noise=st.booleans())
def test_one_series(make_reservoir, kind, steps, noise):
    network = make_reservoir(**kind)
    rng = np.random.default_rng(kind["seed"])
    drive = random_drive(network, steps, rng, teacher=bool(kind["feedback"]), noise=noise)
    teacher = drive.teacher if kind["feedback"] else None
    wanted = naive.run(network, drive.inputs, teacher, drive.noise if noise else None)

    states = np.full((steps, kind["units"]), np.nan, network.dtype)
    start = origin(network, kind["feedback"])
    weights, loop = kernel_weights(network), no_loop(network.dtype)
    end = drive_series(weights, loop, drive, start, states=states)
    close(states, wanted, kind["dtype"])
    assert end.x.dtype == network.dtype
    assert np.array_equal(end.x, states[-1] if steps else start.x)
    assert np.array_equal(end.u, drive.inputs[-1] if steps else start.u)
    assert not start.x.any(), "the start was written over"


@settings(max_examples=100)
@given(
    kind=reservoirs,
    lengths=st.lists(st.sampled_from([0, 1, 2, 5, 6]), max_size=20),
    noise=st.booleans(),
)
def test_lanes(make_reservoir, kind, lengths, noise):
    network = make_reservoir(**kind)
    rng = np.random.default_rng(kind["seed"])
    first, count = packed(lengths)
    rows = int(count.sum())
    drive = random_drive(network, rows, rng, teacher=bool(kind["feedback"]), noise=noise)
    x = rng.uniform(-1, 1, (len(count), kind["units"])).astype(network.dtype)
    y = np.zeros((len(count), kind["feedback"]), network.dtype)
    starts = x.copy()
    states = np.full((rows, kind["units"]), np.nan, network.dtype)
    weights, loop = lane_weights(kernel_weights(network)), no_loop(network.dtype)
    drive_lanes(weights, loop, drive, first, count, x, y, states=states)
    for lane, (begin, steps) in enumerate(zip(first, count, strict=True)):
        part = some(drive, slice(begin, begin + steps))
        wanted = naive.run(
            network,
            part.inputs,
            part.teacher if kind["feedback"] else None,
            part.noise if noise else None,
            x=starts[lane],
        )
        close(states[begin : begin + steps], wanted, kind["dtype"])
        assert np.array_equal(x[lane], states[begin + steps - 1] if steps else starts[lane])


@settings(max_examples=100)
@given(
    kind=reservoirs,
    targets=st.integers(1, 3),
    direct=st.booleans(),
    steps=st.sampled_from([1, 2, 6]),
)
def test_closed_loop_of_one(make_reservoir, kind, targets, direct, steps):
    kind = kind | {"feedback": targets if kind["feedback"] else 0}
    network = make_reservoir(**kind)
    rng = np.random.default_rng(kind["seed"])
    loop = random_loop(network, targets, rng, direct=direct)
    drive = random_drive(network, steps, rng, teacher=False, noise=False)
    drive.inputs[:, loop.columns[loop.columns >= 0]] = np.nan  # must not be read
    start = origin(network, targets)
    start.y[:] = rng.uniform(-1, 1, targets)
    outputs = np.full((steps, targets), np.nan, network.dtype)
    end = drive_series(kernel_weights(network), loop, drive, start, outputs=outputs)
    wanted_states, wanted = naive.run_closed(network, loop, drive.inputs, y=start.y)
    close(outputs, wanted, kind["dtype"])
    close(end.x, wanted_states[-1], kind["dtype"])
    assert np.array_equal(end.y, outputs[-1])


@settings(max_examples=60)
@given(
    kind=reservoirs,
    targets=st.integers(1, 2),
    direct=st.booleans(),
    lengths=st.lists(st.sampled_from([0, 1, 4, 7]), max_size=18),
)
def test_closed_loop_of_many(make_reservoir, kind, targets, direct, lengths):
    kind = kind | {"feedback": targets if kind["feedback"] else 0}
    network = make_reservoir(**kind)
    rng = np.random.default_rng(kind["seed"])
    loop = random_loop(network, targets, rng, direct=direct)
    first, count = packed(lengths)
    rows = int(count.sum())
    drive = random_drive(network, rows, rng, teacher=False, noise=False)
    drive.inputs[:, loop.columns[loop.columns >= 0]] = np.nan
    x = rng.uniform(-1, 1, (len(count), kind["units"])).astype(network.dtype)
    y = rng.uniform(-1, 1, (len(count), targets)).astype(network.dtype)
    starts = x.copy(), y.copy()
    outputs = np.full((rows, targets), np.nan, network.dtype)
    drive_lanes(
        lane_weights(kernel_weights(network)), loop, drive, first, count, x, y, outputs=outputs
    )
    for lane, (begin, steps) in enumerate(zip(first, count, strict=True)):
        part = slice(begin, begin + steps)
        states, wanted = naive.run_closed(
            network, loop, drive.inputs[part], x=starts[0][lane], y=starts[1][lane]
        )
        close(outputs[part], wanted, kind["dtype"])
        close(x[lane], states[-1] if steps else starts[0][lane], kind["dtype"])
        assert np.array_equal(y[lane], outputs[part][-1] if steps else starts[1][lane])


@pytest.mark.parametrize("form", FORMS)
def test_an_output_replaces_its_own_column_only(make_reservoir, form):
    """Two outputs of which one is fed back to the last of three inputs, by hand."""
    network = make_reservoir(form, units=6, inputs=3)
    loop = random_loop(network, 2, np.random.default_rng(3), columns=[-1, 2])
    inputs = np.random.default_rng(4).uniform(-1, 1, (5, 3))
    drive = Drive(inputs, np.empty((0, 2)), np.empty((0, 6)))
    outputs, start = np.empty((5, 2)), origin(network, 2)
    drive_series(kernel_weights(network), loop, drive, start, outputs=outputs)
    # Open, with the column filled by hand, the same comes out.
    fed = inputs.copy()
    fed[:, 2] = loop.gain[1] * np.concatenate([[0], outputs[:-1, 1]]) + loop.offset[1]
    states = naive.run(network, fed)
    np.testing.assert_allclose(outputs, states @ loop.weights.T + loop.intercept, atol=1e-13)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("lanes", [1, 6])
def test_an_infinite_sum_saturates(make_reservoir, form, lanes):
    """An overflow before the activation is not a NaN after it."""
    network = make_reservoir(form, units=5, inputs=1, leak="scalar")
    network.W_in[:] = [[1], [-1], [1], [-1], [1]]
    inputs = np.full((2 * lanes, 1), np.inf)
    states = np.empty((2 * lanes, 5))
    drive = Drive(inputs, np.empty((0, 0)), np.empty((0, 5)))
    weights, loop = kernel_weights(network), no_loop(network.dtype)
    if lanes == 1:
        drive_series(weights, loop, drive, origin(network, 0), states=states)
    else:
        first, count = packed([2] * lanes)
        x, y = np.zeros((lanes, 5)), np.zeros((lanes, 0))
        weights = lane_weights(weights)
        drive_lanes(weights, loop, drive, first, count, x, y, states=states)
    assert np.allclose(states[0], [0.3, -0.3, 0.3, -0.3, 0.3])
    assert np.allclose(states[1], [0.51, -0.51, 0.51, -0.51, 0.51])
