"""What the drives promise of bits, and that their time loops never allocate."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
from test_kernels_drives import FORMS, packed, random_drive, random_loop, some

from reservoir.esn.records import kernel_weights, lane_weights, no_loop
from reservoir.esn.recurrence import Drive, drive_lanes, drive_series, origin

DTYPES = ("float64", "float32")


def along_series(network, drive, start):
    states = np.empty((len(drive.inputs), network.units), network.dtype)
    loop = no_loop(network.dtype)
    return states, drive_series(kernel_weights(network), loop, drive, start, states=states)


def along_lanes(network, drive, lengths, x, y):
    first, count = packed(lengths)
    states = np.empty((len(drive.inputs), network.units), network.dtype)
    weights, loop = lane_weights(kernel_weights(network)), no_loop(network.dtype)
    drive_lanes(weights, loop, drive, first, count, x, y, states=states)
    return states


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("form", FORMS)
def test_two_runs_are_one_run(make_reservoir, form, dtype):
    network = make_reservoir(form, units=13, feedback=2, dtype=dtype)
    drive = random_drive(network, 60, np.random.default_rng(5))
    start = origin(network, 2)
    whole, end = along_series(network, drive, start)
    for cut in (0, 1, 17, 59, 60):
        a, middle = along_series(network, some(drive, slice(0, cut)), start)
        b, last = along_series(network, some(drive, slice(cut, 60)), middle)
        assert np.array_equal(np.concatenate([a, b]), whole)
        assert np.array_equal(last.x, end.x)
        assert np.array_equal(last.y, end.y)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("form", FORMS)
def test_two_runs_of_lanes_are_one_run(make_reservoir, form, dtype):
    network = make_reservoir(form, units=13, dtype=dtype)
    lanes, steps, cut = 11, 20, 7
    drive = random_drive(network, lanes * steps, np.random.default_rng(6), teacher=False)
    zero = np.zeros((lanes, 13), dtype), np.zeros((lanes, 0), dtype)
    whole = along_lanes(network, drive, [steps] * lanes, *(z.copy() for z in zero))
    at = np.arange(lanes * steps).reshape(lanes, steps)
    first, rest = at[:, :cut].ravel(), at[:, cut:].ravel()
    x, y = (z.copy() for z in zero)

    def part(rows):
        return Drive(drive.inputs[rows], drive.teacher, drive.noise[rows])

    a = along_lanes(network, part(first), [cut] * lanes, x, y)
    b = along_lanes(network, part(rest), [steps - cut] * lanes, x, y)
    assert np.array_equal(a, whole[first])
    assert np.array_equal(b, whole[rest])


@pytest.mark.parametrize("form", FORMS)
def test_a_closed_loop_goes_on(make_reservoir, form):
    network = make_reservoir(form, units=9, inputs=2, feedback=2)
    loop = random_loop(network, 2, np.random.default_rng(7), direct=True, columns=[1, -1])
    drive = random_drive(network, 30, np.random.default_rng(8), teacher=False, noise=False)
    weights, start = kernel_weights(network), origin(network, 2)

    def run(rows, position):
        outputs = np.empty((len(range(30)[rows]), 2))
        part = Drive(drive.inputs[rows], drive.teacher, drive.noise)
        return outputs, drive_series(weights, loop, part, position, outputs=outputs)

    whole, end = run(slice(0, 30), start)
    a, middle = run(slice(0, 12), start)
    b, last = run(slice(12, 30), middle)
    assert np.array_equal(np.concatenate([a, b]), whole)
    assert np.array_equal(last.x, end.x)
    assert np.array_equal(last.y, end.y)


@pytest.mark.parametrize("form", FORMS)
def test_the_drives_agree(make_reservoir, form):
    network = make_reservoir(form, units=50, inputs=2, feedback=1)
    lengths = [300, 200, 200, 7, 1]
    first, _ = packed(lengths)
    drive = random_drive(network, sum(lengths), np.random.default_rng(9))
    x, y = np.zeros((5, 50)), np.zeros((5, 1))
    states = along_lanes(network, drive, lengths, x, y)
    for begin, steps in zip(first, lengths, strict=True):
        rows = slice(begin, begin + steps)
        alone, _ = along_series(network, some(drive, rows), origin(network, 1))
        np.testing.assert_allclose(states[rows], alone, rtol=0, atol=1e-12)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("form", FORMS)
def test_a_lane_does_not_feel_its_neighbours(make_reservoir, form, dtype):
    """Whatever runs beside a series, in whatever place and of whatever length: the same bits."""
    network = make_reservoir(form, units=21, dtype=dtype)
    rng = np.random.default_rng(10)
    series = random_drive(network, 40, rng, teacher=False)
    alone = along_lanes(network, series, [40], np.zeros((1, 21), dtype), np.zeros((1, 0), dtype))
    for others in ([], [55], [39] * 3, [60, 40, 3], [41] * 12 + [5], [40] * 33):
        lengths = sorted([*others, 40], reverse=True)
        place = lengths.index(40)
        first, count = packed(lengths)
        drive = random_drive(network, sum(lengths), rng, teacher=False)
        rows = slice(first[place], first[place] + 40)
        drive.inputs[rows], drive.noise[rows] = series.inputs, series.noise
        x = np.zeros((len(count), 21), dtype)
        states = along_lanes(network, drive, lengths, x, np.zeros((len(count), 0), dtype))
        assert np.array_equal(states[rows], alone)


def test_lanes_on_any_number_of_threads(make_reservoir, use_threads):
    network = make_reservoir("csr", units=30)
    lengths = sorted(np.random.default_rng(11).integers(0, 60, 163))[::-1]
    drive = random_drive(network, int(sum(lengths)), np.random.default_rng(12), teacher=False)
    found = []
    for number in (1, 2, 3):
        use_threads(number)
        x = np.zeros((len(lengths), 30))
        states = along_lanes(network, drive, lengths, x, np.zeros((len(lengths), 0)))
        found.append((states.tobytes(), x.tobytes()))
    assert found[0] == found[1] == found[2]


def test_no_allocation_in_the_time_loops():
    """The allocations that Numba counts do not grow with the number of steps."""
    script = """
        import sys
        sys.path[:0] = sys.argv[1:]
        import numpy as np
        from numba.core.runtime import rtsys
        from conftest import random_reservoir
        from reservoir.esn.records import kernel_weights, lane_weights
        from reservoir.kernels.lanes import run_lanes
        from reservoir.kernels.series import run_series
        from test_kernels_drives import FORMS, random_loop

        def allocations(network, loop, steps, lanes, closed):
            units, inputs = network.W_in.shape
            targets = 2
            rows = steps * max(lanes, 1)
            teacher = np.zeros((0 if closed else rows, targets))
            noise = np.zeros((0 if closed else rows, units))
            states, outputs = np.empty((rows, units)), np.empty((rows if closed else 0, targets))
            shape = (lanes,) if lanes else ()
            rest = (np.zeros((rows, inputs)), teacher, noise, np.zeros((*shape, units)),
                    np.zeros((*shape, targets)), states, outputs)
            weights = kernel_weights(network)
            if lanes:
                first = np.arange(lanes, dtype=np.uint64) * np.uint64(steps)
                arguments = (lane_weights(weights), None, loop, first, first,
                             np.full(lanes, steps), *rest)
            else:
                arguments = (weights, loop, *rest)
            kernel = run_lanes if lanes else run_series
            kernel(*arguments)
            before = rtsys.get_allocation_stats().alloc
            kernel(*arguments)
            return rtsys.get_allocation_stats().alloc - before

        for form in FORMS:
            network = random_reservoir(form, units=9, inputs=2, feedback=2)
            loop = random_loop(network, 2, np.random.default_rng(0), direct=True)
            for lanes in (0, 5):
                for closed in (False, True):
                    few = allocations(network, loop, 3, lanes, closed)
                    many = allocations(network, loop, 3000, lanes, closed)
                    assert 0 < few == many, (form, lanes, closed, few, many)
    """
    here = Path(__file__).parent
    subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), str(here), str(here.parent)],
        check=True,
        env={**os.environ, "NUMBA_NRT_STATS": "1"},
    )
