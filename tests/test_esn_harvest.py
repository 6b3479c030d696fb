"""States block by block: against plain loops, and what must not change their bits."""

from __future__ import annotations

import itertools
import threading

import h5py
import naive
import numpy as np
import pytest
from test_series_memory import Counting

from reservoir import threads
from reservoir.esn import harvest, recurrence, stretches
from reservoir.esn.drives import Noise, Teacher
from reservoir.esn.harvest import LANES_FROM, Harvest
from reservoir.esn.predict import states
from reservoir.esn.recurrence import origin
from reservoir.series.collection import collect
from reservoir.series.scaler import Scaler, measure, unscaled

RAGGED = [0, 40, 7, 1, 33, 0, 40, 12]
ONE_BY_ONE, AS_LANES = [90], RAGGED
drives = pytest.mark.parametrize("lengths", [ONE_BY_ONE, AS_LANES], ids=["series", "lanes"])


def series(lengths, columns=2, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(n, columns)) * 3 + 1 for n in lengths]


def gathered(run):
    """States of each series, and where it ended, from the blocks of a harvest."""
    found = [[] for _ in run._starts]
    for block in run:
        assert block.starts.tolist() == [sum(map(len, found[block.series]))], "out of order"
        assert len(block.states) == len(block.inputs)
        found[block.series].append(block.states)
    empty = np.zeros((0, run._reservoir.units), run._reservoir.dtype)
    return [np.concatenate([empty, *blocks]) for blocks in found], run.ends


def raw(arrays):
    return [a.tobytes() for a in arrays]


@pytest.fixture
def short_blocks(monkeypatch):
    """Blocks of a few steps, so that short series have many."""
    monkeypatch.setattr(stretches, "STEPS_A_BLOCK", 8)
    monkeypatch.setattr(harvest, "BLOCK_VALUES", 1)  # 16 steps a group of lanes
    monkeypatch.setattr(harvest, "LANES_A_GROUP", 5)
    monkeypatch.setattr(recurrence, "VECTORS_A_TILE", 1)


@pytest.mark.usefixtures("short_blocks")
@drives
@pytest.mark.parametrize("feedback", [0, 2])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_states_and_ends(make_reservoir, lengths, feedback, dtype):
    network = make_reservoir(units=6, feedback=feedback, dtype=dtype)
    X, y = series(lengths), series(lengths, 2, seed=1)
    scaler, target_scaler = measure(collect(X)), measure(collect(y))
    teacher = Teacher(collect(y, "y"), target_scaler) if feedback else None
    run = Harvest(network, collect(X), scaler, teacher=teacher)
    found, ends = gathered(run)
    tolerance = 1e-12 if dtype == "float64" else 1e-5
    for i in range(len(X)):
        u = scaler.scaled(X[i], np.float64)
        v = target_scaler.scaled(y[i], np.float64)
        forced = np.vstack([np.zeros((1, 2)), v]) if feedback else None
        wanted = naive.run(network, u, forced)
        assert found[i].dtype == dtype
        np.testing.assert_allclose(found[i], wanted, atol=tolerance)
        start = origin(network, feedback)
        assert np.array_equal(ends[i].x, found[i][-1] if len(u) else start.x)
        np.testing.assert_allclose(ends[i].u, u[-1] if len(u) else start.u, rtol=1e-6)
        if feedback:
            np.testing.assert_allclose(ends[i].y, v[-1] if len(u) else start.y, rtol=1e-6)
        assert ends[i].x.dtype == ends[i].u.dtype == ends[i].y.dtype == dtype


@pytest.mark.usefixtures("short_blocks")
@drives
def test_starts_and_going_on(make_reservoir, lengths):
    """Two harvests, the second one from the ends of the first, are one: the same bits."""
    network = make_reservoir(units=6, feedback=1)
    X, y = series(lengths), series(lengths, 1, seed=1)
    same = Scaler(np.array([1.0, 0.5]), np.array([2.0, 3.0])), unscaled(1)

    def run(part, starts=None):
        inputs, targets = collect([x[part] for x in X]), collect([t[part] for t in y])
        teacher = Teacher(targets, same[1])
        return gathered(Harvest(network, inputs, same[0], teacher=teacher, starts=starts))

    whole, ends = run(slice(None))
    first, middle = run(slice(0, 20))
    second, last = run(slice(20, None), middle)
    assert raw(map(np.concatenate, zip(first, second, strict=True))) == raw(whole)
    for a, b in zip(last, ends, strict=True):
        assert raw([a.x, a.u, a.y]) == raw([b.x, b.u, b.y])


@pytest.mark.usefixtures("short_blocks")
@drives
@pytest.mark.parametrize("feedback", [0, 1])
def test_all_states_at_once_are_those_of_the_blocks(make_reservoir, lengths, feedback):
    network, scaler = make_reservoir(units=6, feedback=feedback), unscaled(2)
    X, y = collect(series(lengths)), collect(series(lengths, 1, seed=1), "y")
    for noise in (None, Noise(0.2, 3)):
        teacher = Teacher(y, unscaled(1)) if feedback else None
        run = Harvest(network, X, scaler, teacher=teacher, noise=noise)
        assert raw(run.states()) == raw(gathered(run)[0])
        _, ends = gathered(run)
        later = Harvest(network, X, scaler, teacher=teacher, noise=noise, starts=ends)
        assert raw(later.states()) == raw(gathered(later)[0])


@drives
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_block_sizes_do_not_change_bits(make_reservoir, monkeypatch, lengths, dtype):
    network, noise = make_reservoir(units=6, dtype=dtype), Noise(0.1, 5)
    X = collect(series(lengths))
    found = []
    for steps, values, group in ((512, 1 << 22, 128), (1, 1, 4), (7, 6 * 5 * 19, 5)):
        monkeypatch.setattr(stretches, "STEPS_A_BLOCK", steps)
        monkeypatch.setattr(harvest, "BLOCK_VALUES", values)
        monkeypatch.setattr(harvest, "LANES_A_GROUP", group)
        found.append(raw(gathered(Harvest(network, X, measure(X), noise=noise))[0]))
    assert found[0] == found[1] == found[2]


def test_the_drives_agree(make_reservoir):
    """A series alone and among many: 1e-12."""
    network, X = make_reservoir(units=30), series([200] * LANES_FROM)
    scaler = unscaled(2)
    many = states(network, scaler, collect(X))
    for i, x in enumerate(X):
        np.testing.assert_allclose(states(network, scaler, collect(x))[0], many[i], atol=1e-12)
    assert any(
        states(network, scaler, collect(x))[0].tobytes() != many[i].tobytes()
        for i, x in enumerate(X)
    ), "both came through one drive"


def test_neighbours_do_not_matter(make_reservoir):
    network, X = make_reservoir(units=11), series([50, 60, 3, 50, 70, 0, 20, 20, 50])
    scaler = unscaled(2)
    found = states(network, scaler, collect(X))
    for chosen in ([0, 1, 2, 3], [8, 0, 4, 5, 6], [1, 1, 1, 1, 1]):
        again = states(network, scaler, collect([X[i] for i in chosen]))
        assert raw(again) == raw(found[i] for i in chosen)


@pytest.mark.usefixtures("short_blocks")
@drives
def test_threads_do_not_change_bits(make_reservoir, use_threads, lengths):
    network, X = make_reservoir(units=6), collect(series(lengths * 3))
    found = []
    for number in (1, 2, 3):
        use_threads(number)
        found.append(raw(states(network, unscaled(2), X)))
    assert found[0] == found[1] == found[2]


@drives
def test_noise(make_reservoir, lengths):
    """Of the asked level, of its own stream for each series, repeatable, added before f."""
    network, level = make_reservoir("permutation", 50, activation="identity"), 0.3
    network.W.data[:] = 0
    network.leak_rate[:] = 1
    X = collect(series(lengths))
    silent, _ = gathered(Harvest(network, X, unscaled(2)))
    run = Harvest(network, X, unscaled(2), noise=Noise(level, 7))
    noisy, _ = gathered(run)
    assert raw(gathered(run)[0]) == raw(noisy), "a second pass must see the same noise"
    drawn = [a - b for a, b in zip(noisy, silent, strict=True)]
    np.testing.assert_allclose(np.concatenate(drawn).std(), level, rtol=0.1)
    longest = max(drawn, key=len)
    assert np.abs(np.corrcoef(longest[:-1].ravel(), longest[1:].ravel())[0, 1]) < 0.1
    # A later call, told how many series came before, draws from the streams that follow.
    later, _ = gathered(Harvest(network, X, unscaled(2), noise=Noise(level, 7, offset=1)))
    for i in range(1, len(lengths)):
        steps = min(lengths[i - 1], lengths[i])
        again = (later[i - 1] - silent[i - 1])[:steps]
        np.testing.assert_allclose(again, drawn[i][:steps], atol=1e-12)
    first = [d[0] for d in drawn if len(d)] + [(later[-1] - silent[-1])[0]]
    assert len({row.tobytes() for row in first}) == len(first), "two series share a stream"


# ---- datasets


@pytest.mark.parametrize("lengths", [[3000], [1500, 0, 3000, 700, 3000]], ids=["one", "many"])
def test_a_dataset_is_an_array(make_reservoir, tmp_path, lengths):
    network, X = make_reservoir(units=6), series(lengths)
    with h5py.File(tmp_path / "x.h5", "w") as file:
        stored = [
            file.create_dataset(f"s{i}", data=x, chunks=(100, 2), maxshape=(None, 2))
            for i, x in enumerate(X)
        ]
        scaler = measure(collect(stored))
        assert raw([scaler.mean, scaler.scale]) == raw(vars(measure(collect(X))).values())
        found = states(network, scaler, collect(stored))
        assert raw(found) == raw(states(network, scaler, collect(X)))


@pytest.mark.parametrize("number", [1, 5])
def test_a_dataset_is_read_in_bounded_pieces(make_reservoir, monkeypatch, number):
    """However long the series: a block at a time, each row once a pass, in order."""
    monkeypatch.setattr(harvest, "BLOCK_VALUES", 6 * 5 * 400)
    network = make_reservoir(units=6)
    for steps in (5000, 20_000):
        sources = [Counting(x) for x in series([steps] * number)]
        run = Harvest(network, collect(sources), unscaled(2), time_parallel="off")
        for _ in threads.ahead(run):
            pass
        bound = stretches.STEPS_A_BLOCK if number < LANES_FROM else 400
        for source in sources:
            *read, last = source.read
            assert last == (steps - 1, steps), "where the series ends"
            assert source.largest <= bound
            assert read[0][0] == 0
            assert read[-1][1] == steps
            assert all(a[1] == b[0] for a, b in itertools.pairwise(read))


def test_a_closed_harvest_leaves_no_thread(make_reservoir, use_threads):
    use_threads(2)
    network = make_reservoir(units=6)
    stream = threads.ahead(Harvest(network, collect(series([5000])[0]), unscaled(2)))
    next(stream)
    stream.close()
    assert "reservoir-ahead" not in [t.name for t in threading.enumerate()]
