"""Choosing columns, and telling formats by names."""

from __future__ import annotations

import os

import numpy as np
import pytest

from reservoir.errors import ColumnError, DataError
from reservoir.series.columns import check_positions, resolve_columns
from reservoir.series.formats import locate, output_format
from reservoir.series.table import Table

NAMES = ("time", "Temperature", "2", "wind speed", "a,b")


@pytest.mark.parametrize(
    "spec, expected",
    [
        ("time", (0,)),
        ("wind speed, time", (3, 0)),
        ("1", (1,)),
        ("2", (2,)),  # a name, and by chance the number of its place
        ("0:2", (0, 1)),
        (":2,4", (0, 1, 4)),
        ("3:", (3, 4)),
        ("2:5,0", (2, 3, 4, 0)),
        (":", (0, 1, 2, 3, 4)),
        ('"a,b",time', (4, 0)),
    ],
)
def test_resolves(spec: str, expected: tuple[int, ...]) -> None:
    assert resolve_columns(spec, NAMES) == expected


def test_names_win_over_numbers_and_ranges() -> None:
    names = ("1", "0", "0:2")
    assert resolve_columns("0", names) == (1,)
    assert resolve_columns("1", names) == (0,)
    assert resolve_columns("2", names) == (2,)
    assert resolve_columns("0:2", names) == (2,)
    assert resolve_columns("0:3", names) == (0, 1, 2)


@pytest.mark.parametrize(
    "spec, message",
    [
        ("temperatur", "there is no column 'temperatur'; the nearest: 'Temperature'"),
        ("pressure", "there is no column 'pressure'; the columns are 0 to 4: 'time'"),
        ("5", "there is no column 5; the columns are 0 to 4"),
        ("-1", "there is no column '-1'"),
        ("3:6", "there are no columns 3:6; the columns are 0 to 4"),
        ("3:3", "the range 3:3 holds no column"),
        ("time,0", "column 'time' [(]number 0[)] is chosen twice"),
        ("0:3,1", "column 'Temperature' [(]number 1[)] is chosen twice"),
        ("time,,2", "an empty entry"),
        ("", "an empty entry"),
        ('"time', "cannot read the list of columns"),
    ],
)
def test_refuses(spec: str, message: str) -> None:
    with pytest.raises(ColumnError, match=message):
        resolve_columns(spec, NAMES)


def test_a_name_that_appears_twice_is_ambiguous_and_its_number_is_not() -> None:
    with pytest.raises(ColumnError, match=r"2 columns have the name 'x'.*\(0, 2\)"):
        resolve_columns("x", ("x", "y", "x"))
    assert resolve_columns("2", ("x", "y", "x")) == (2,)


def test_unnamed_columns_are_counted_in_the_message() -> None:
    with pytest.raises(ColumnError, match=r"there is no column 'x'; the columns are 0 to 1$"):
        resolve_columns("x", ("0", "1"))
    with pytest.raises(ColumnError, match=r"the only column is 0$"):
        resolve_columns("1", ("0",))


@pytest.mark.parametrize("positions", [(), (5,), (-1,), (1, 1)])
def test_positions_are_checked(positions: tuple[int, ...]) -> None:
    with pytest.raises(ColumnError):
        check_positions(positions, NAMES)


def test_select_keeps_order_names_and_origin() -> None:
    table = Table(np.arange(6.0).reshape(2, 3), ("a", "b", "c"), True, "x.csv")
    chosen = table.select("c,a")
    np.testing.assert_array_equal(chosen.values[:], [[2.0, 0.0], [5.0, 3.0]])
    assert (chosen.columns, chosen.named, chosen.source) == (("c", "a"), True, "x.csv")
    np.testing.assert_array_equal(table.select((1, 2)).values[:], [[1.0, 2.0], [4.0, 5.0]])
    with pytest.raises(ColumnError, match=r"^x\.csv: there is no column 'd'"):
        table.select("d")


def test_a_table_needs_a_name_for_every_column() -> None:
    with pytest.raises(ValueError, match="do not fit 1 columns"):
        Table(np.zeros((2, 3)), ("a",), True, "x")


@pytest.mark.parametrize(
    "path, format, file, key",
    [
        ("x.csv", "csv", "x.csv", ""),
        ("X.CSV.GZ", "csv", "X.CSV.GZ", ""),
        ("x.tsv", "csv", "x.tsv", ""),
        ("-", "csv", "-", ""),
        ("x.npz:a", "npz", "x.npz", "a"),
        ("C:x.h5:/a/b:c", "hdf5", "C:x.h5", "/a/b:c"),
        ("x.hdf5:/a.csv", "hdf5", "x.hdf5", "/a.csv"),
        ("12:30.csv", "csv", "12:30.csv", ""),
    ],
)
def test_locates(path: str, format: str, file: str, key: str) -> None:
    assert locate(path) == (format, file, key)


def test_an_existing_file_wins_over_the_colon(
    tmp_path: os.PathLike[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert locate("a.h5:b.npz") == ("hdf5", "a.h5", "b.npz")
    with open("a.h5:b.npz", "w"):
        pass
    assert locate("a.h5:b.npz") == ("npz", "a.h5:b.npz", "")
    assert locate("d.h5:e.h5:f") == ("hdf5", "d.h5", "e.h5:f")
    with open("d.h5:e.h5", "w"):
        pass
    assert locate("d.h5:e.h5:f") == ("hdf5", "d.h5:e.h5", "f")


@pytest.mark.parametrize(
    "path", ["x.xlsx", "x", "x.gz", "x.npy.gz", "x.csv:a", ".csv", "dir.csv/x"]
)
def test_unknown_suffixes_are_refused_with_those_that_are_known(path: str) -> None:
    with pytest.raises(DataError, match=r"\.csv \.tsv \.txt \.npy \.npz \.h5 \.hdf5 \.hdf"):
        locate(path)
    with pytest.raises(DataError, match=r"\.csv \.tsv \.txt \.npy \.npz \.h5 \.hdf5 \.hdf"):
        output_format(path)


def test_output_paths_name_no_places_inside_files() -> None:
    with pytest.raises(DataError, match="tells no known format"):
        output_format("x.h5:/values")
    assert output_format("/dev/null") == "csv"
