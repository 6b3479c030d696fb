"""``reservoir task``: the list, and files of sequences that are read back as they were."""

from __future__ import annotations

import h5py
import numpy as np
import pytest
from test_cli_program import refused, run

from reservoir.errors import DataError
from reservoir.tasks import TASKS, Sample, task
from reservoir.tasks.sample_file import holds_sample, read_sample, write_sample


def test_the_list():
    lines = run("task", "--length", 50).stdout.splitlines()
    assert [line.split()[0] for line in lines[1:]] == list(TASKS)
    assert lines[1].split() == ["addition", "absolute", "source", "0.02083", "84.64", "%"]


def same(one: Sample, other: Sample) -> None:
    assert one.at == other.at
    for a, b in zip(one.inputs, other.inputs, strict=True):
        np.testing.assert_array_equal(a, b)
        assert a.dtype == b.dtype
    for a, b in zip(one.targets, other.targets, strict=True):
        np.testing.assert_array_equal(a, b)
    assert (one.weights is None) == (other.weights is None)
    if one.weights is not None:
        for a, b in zip(one.weights, other.weights, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", TASKS)
@pytest.mark.parametrize("suffix", ["h5", "npz"])
def test_what_is_written_is_what_the_task_draws(tmp_path, name, suffix):
    path = tmp_path / f"d.{suffix}"
    run("task", name, "--length", 20, "--sequences", 9, "--seed", 3, "-o", path)
    assert holds_sample(str(path))
    same(read_sample(str(path)), task(name, 20).draw(9, 3))


def test_options_of_the_task(tmp_path):
    path = tmp_path / "d.h5"
    said = run("task", "copy", "--length", 5, "--symbols", 2, "--scored", "recall",
               "--sequences", 4, "-o", path).stdout  # fmt: skip
    assert "targets at every" in said
    expected = task("copy", 5, symbols=2, scored="recall").draw(4, 0)
    assert expected.weights is not None
    same(read_sample(str(path)), expected)


def test_the_file_is_plain(tmp_path):
    path = tmp_path / "d.h5"
    run("task", "temporal_order", "--length", 10, "--sequences", 4, "-o", path)
    with h5py.File(path) as file:
        assert set(file) == {"inputs", "targets", "lengths"}
        assert file["inputs"].shape == (40, 6)
        assert file["targets"].shape == (4, 1)
        np.testing.assert_array_equal(file["lengths"][:, 0], 10)
        assert file["inputs"].attrs["source"] == b"temporal_order, length 10, seed 0"


@pytest.mark.parametrize(
    "args, code, parts",
    [
        (("additon", "-o", "d.h5"), 2, ("unknown task 'additon'; did you mean 'addition'?",)),
        (("addition",), 2, ("-o FILE.h5",)),
        (("-o", "d.h5"), 2, ("NAME",)),
        (("addition", "-o", "d.csv"), 65, ("d.csv", ".h5 or .npz")),
        (("addition", "-o", "d.png"), 65, ("d.png", "suffix")),
        (("addition", "-o", "no/d.h5"), 73, ("no",)),
        (("addition", "--length", 3, "-o", "d.h5"), 65, ("length", "10")),
        (("addition", "--marks", "halves", "-o", "d.h5"), 65, ("option of addition", "marks")),
        (("copy", "--scored", "recal", "-o", "d.h5"), 65, ("scored", "did you mean 'recall'")),
        (("addition", "--sequences", 0, "-o", "d.h5"), 2, ("--sequences",)),
    ],
)
def test_refused(tmp_path, monkeypatch, args, code, parts):
    monkeypatch.chdir(tmp_path)
    message = refused("task", *args, code=code)
    assert all(part in message for part in parts), message
    assert not list(tmp_path.iterdir())


# ---- files that others wrote


def write(path, **members):
    with h5py.File(path, "w") as file:
        for name, value in members.items():
            file[name] = np.asarray(value)
    return str(path)


GOOD = {"inputs": np.zeros((5, 2)), "targets": np.zeros((2, 1)), "lengths": [2, 3]}


def test_one_dimension_will_do(tmp_path):
    path = write(tmp_path / "a.h5", inputs=np.arange(5.0), targets=[0, 1], lengths=[2, 3])
    sample = read_sample(path)
    assert [one.shape for one in sample.inputs] == [(2, 1), (3, 1)]
    np.testing.assert_array_equal(sample.targets, [0, 1])


@pytest.mark.parametrize(
    "change, message",
    [
        ({"lengths": [2, 4]}, "inputs has 5 rows, the lengths add up to 6"),
        ({"lengths": [5, 0]}, "lengths are not whole numbers above 0"),
        ({"lengths": [2.5, 2.5]}, "lengths are not whole numbers above 0"),
        ({"lengths": [np.inf, 3.0]}, "lengths are not whole numbers above 0"),
        ({"lengths": [np.nan, 3.0]}, "lengths are not whole numbers above 0"),
        ({"targets": np.zeros((3, 1))}, "targets has 3 rows, expected 5, one a step, or 2"),
        ({"targets": np.zeros((2, 2), int)}, "targets has 2 columns of integers"),
        ({"weights": np.zeros(3)}, r"weights has the shape \(3, 1\), expected \(2, 1\)"),
    ],
)
def test_members_that_do_not_fit(tmp_path, change, message):
    with pytest.raises(DataError, match=message):
        read_sample(write(tmp_path / "a.h5", **(GOOD | change)))


def test_what_is_no_file_of_sequences(tmp_path):
    assert holds_sample(write(tmp_path / "a.h5", **GOOD))
    assert not holds_sample(write(tmp_path / "b.h5", inputs=np.zeros((5, 2))))
    (tmp_path / "c.h5").write_bytes(b"no HDF5")
    (tmp_path / "c.npz").write_bytes(b"no zip")
    for name in ("c.h5", "c.npz", "none.h5", "a.h5:/inputs", "d.csv"):
        assert not holds_sample(str(tmp_path / name))


def test_single_steps_and_one_sequence(tmp_path):
    for sample in (
        Sample([np.ones((1, 2))], np.zeros((1, 3)), "last"),
        Sample([np.ones((1, 1)), np.ones((2, 1))], [np.zeros((1, 1)), np.ones((2, 1))], "every"),
    ):
        write_sample(tmp_path / "a.h5", sample)
        same(read_sample(str(tmp_path / "a.h5")), sample)
