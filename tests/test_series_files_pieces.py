"""Tables written before all of their rows are there: in order, complete, or not at all."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import tracemalloc
from itertools import pairwise
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from reservoir.errors import DataError
from reservoir.series.outline import Outline
from reservoir.series.table import open_table
from reservoir.series.writing import write_pieces, write_table

ENVIRONMENT = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
FLOAT = np.dtype(np.float64)
X = np.random.default_rng(0).standard_normal((10, 2))

every_suffix = pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".npy", ".npz", ".h5"])


def outline(rows: int = 10, **options: Any) -> Outline:
    return Outline((rows, 2), FLOAT, ("a", "b"), **options)


def cut(values: Any, *cuts: int, number: int = 0) -> list[tuple[int, int, Any]]:
    bounds = [0, *cuts, len(values)]
    return [(number, a, values[a:b]) for a, b in pairwise(bounds)]


@every_suffix
@pytest.mark.parametrize("cuts", [(), (1,), (3, 3, 9), tuple(range(1, 10))])
@pytest.mark.parametrize("index", [None, ("step", range(10)), ("step", np.arange(10))])
def test_the_cuts_leave_no_trace(tmp_path: Path, suffix: str, cuts: Any, index: Any) -> None:
    write_pieces(tmp_path / f"p{suffix}", [outline()], cut(X, *cuts), index=index)
    write_table(tmp_path / f"t{suffix}", X, ["a", "b"], index=index)
    assert (tmp_path / f"p{suffix}").read_bytes() == (tmp_path / f"t{suffix}").read_bytes()


@every_suffix
def test_no_rows_and_one(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"x{suffix}"
    write_pieces(path, [outline(1)], cut(X[:1]))
    with open_table(path) as table:
        assert np.array_equal(table.values[:], X[:1])
    write_pieces(path, [outline(0)], [])
    with pytest.raises(DataError, match="no row"), open_table(path):
        pass


def test_tables_whose_pieces_are_mixed(tmp_path: Path) -> None:
    path = tmp_path / "x.h5"
    tables = [outline(10, name="s0", source="a.h5:/größe"), outline(0, name="s1"),
              Outline((5, 3), np.dtype(np.float32), ("ä", "b", "c"), "s2")]  # fmt: skip
    short = np.arange(15, dtype=np.float32).reshape(5, 3)
    pieces = [
        p for both in zip(cut(X, 4, 8), cut(short, 1, 3, number=2), strict=True) for p in both
    ]
    write_pieces(path, tables, iter(pieces))
    with h5py.File(path, "r+") as file:
        assert list(file) == ["s0", "s1", "s2"]
        assert [file[name].shape for name in file] == [(10, 2), (0, 2), (5, 3)]
        assert [file[name].dtype for name in file] == [FLOAT, FLOAT, np.float32]
        assert np.array_equal(file["s0"], X)
        assert np.array_equal(file["s2"], short)
        assert file["s0"].attrs["source"] == rb"a.h5:/gr\xf6\xdfe"
        assert "source" not in file["s2"].attrs
        file["s0"][:] = 0  # any other program may go on with it
    with open_table(f"{path}:/s2") as table:
        assert table.columns == ("ä", "b", "c")


def test_a_thousand_tables(tmp_path: Path) -> None:
    tables = [outline(2, name=f"t{i:03}") for i in range(1000)]
    write_pieces(tmp_path / "x.h5", tables, ((i, 0, X[:2] + i) for i in range(1000)))
    with h5py.File(tmp_path / "x.h5") as file:
        assert len(file) == 1000
        assert all(np.array_equal(file[f"t{i:03}"], X[:2] + i) for i in (0, 1, 500, 999))


def test_several_tables_of_very_many_columns(tmp_path: Path) -> None:
    columns = tuple(f"a column with a long name, the number is {i}" for i in range(2000))
    tables = [Outline((1, 2000), FLOAT, columns, name) for name in ("s0", "s1")]
    write_pieces(tmp_path / "x.h5", tables, [(i, 0, np.full((1, 2000), i)) for i in (1, 0)])
    for i in (0, 1):
        with open_table(f"{tmp_path / 'x.h5'}:/s{i}") as table:
            assert table.columns == columns
            assert (table.values[:] == i).all()


def test_several_tables_need_names(tmp_path: Path) -> None:
    for suffix in (".csv", ".npy", ".npz"):
        with pytest.raises(ValueError, match="2 tables need a format with names, HDF5"):
            write_pieces(tmp_path / f"x{suffix}", [outline(), outline()], [])
    with pytest.raises(ValueError, match="2 tables need"):
        write_pieces(tmp_path / "x.h5", [outline(), outline()], [], index=("step", range(10)))
    assert os.listdir(tmp_path) == []


@every_suffix
@pytest.mark.parametrize(
    ("pieces", "message"),
    [
        ([], r"the tables have only \[0\] rows"),
        (cut(X, 4)[:1], r"the tables have only \[4\] rows"),
        (cut(X, 4)[1:], r"from row 4 do not go on with table 0, of which 0 of \(10, 2\)"),
        (cut(X, 4)[:1] * 2, "from row 0 do not go on with table 0, of which 4"),
        ([*cut(X), (0, 10, X[:1])], "from row 10 do not go on"),
        ([(0, 0, np.zeros((11, 2)))], r"rows of shape \(11, 2\) from row 0"),
        ([(0, 0, np.zeros((10, 3)))], r"rows of shape \(10, 3\) from row 0"),
        ([(0, 0, np.zeros(10))], r"rows of shape \(10,\) from row 0"),
    ],
)
def test_pieces_that_do_not_fill_the_table(
    tmp_path: Path, suffix: str, pieces: Any, message: str
) -> None:
    path = tmp_path / f"x{suffix}"
    path.write_bytes(b"old")
    with pytest.raises(ValueError, match=message):
        write_pieces(path, [outline()], pieces)
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == [path.name]


@every_suffix
@pytest.mark.parametrize("error", [KeyboardInterrupt(), DataError("X contains NaN"), MemoryError()])
def test_what_stops_the_pieces_leaves_the_old_file(
    tmp_path: Path, suffix: str, error: BaseException
) -> None:
    path = tmp_path / f"x{suffix}"
    path.write_bytes(b"old")

    def pieces() -> Any:
        yield 0, 0, np.zeros((5000, 2))
        (temporary,) = set(os.listdir(tmp_path)) - {path.name}
        assert temporary.startswith(".reservoir-")
        raise error

    with pytest.raises(type(error)):
        write_pieces(path, [outline(10_000)], pieces())
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == [path.name]


@pytest.mark.parametrize("limit", [100, 9000, 100_000])
def test_a_bound_on_the_size_of_files(tmp_path: Path, limit: int) -> None:
    """Met by the layout or by the numbers; HDF5 itself never sees it."""
    path = tmp_path / "x.h5"
    path.write_bytes(b"old")
    program = f"""
import resource, sys
import numpy as np
from reservoir.series.outline import Outline
from reservoir.series.writing import write_pieces
sys.dont_write_bytecode = True  # it would be cut short
resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))
tables = [Outline((n, 2), np.dtype(float), ("a", "b"), f"s{{n}}") for n in (4, 6000)]
pieces = [(i, 0, np.zeros(t.shape)) for i, t in enumerate(tables)]
try:
    write_pieces(sys.argv[1], tables, pieces)
except OSError as error:
    print(type(error).__name__, error.errno, error.filename)
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program, str(path)],
        env=ENVIRONMENT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.stdout, done.stderr, done.returncode) == (f"OSError 27 {path}\n", "", 0)
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["x.h5"]


def test_hdf5_into_a_pipe(tmp_path: Path) -> None:
    pipe, file = tmp_path / "pipe.h5", tmp_path / "file.h5"
    os.mkfifo(pipe)
    found = []
    reader = threading.Thread(target=lambda: found.append(pipe.read_bytes()))
    reader.start()
    write_pieces(pipe, [outline()], cut(X, 3))
    reader.join()
    write_pieces(file, [outline()], cut(X, 3))
    assert found == [file.read_bytes()]


@every_suffix
def test_nothing_is_kept_in_memory(tmp_path: Path, suffix: str) -> None:
    rows = 60_000 if ".csv" in suffix else 600_000  # 10 MB of numbers
    block = np.random.default_rng(0).standard_normal((500, 2))
    pieces = ((0, start, block) for start in range(0, rows, 500))
    write_table(tmp_path / f"warm{suffix}", X, ["a", "b"])
    tracemalloc.start()
    write_pieces(tmp_path / f"x{suffix}", [outline(rows)], pieces)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20


def test_room_costs_nothing(tmp_path: Path) -> None:
    """A table of a terabyte is laid out at once, and given up without a trace."""
    with pytest.raises(ValueError, match="have only"):
        write_pieces(tmp_path / "x.h5", [outline(1 << 36)], cut(X))
    assert os.listdir(tmp_path) == []
