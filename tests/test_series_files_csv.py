"""Reading text tables: layouts, missing values, and the place of every error."""

from __future__ import annotations

import gzip
import os
import threading
from pathlib import Path

import numpy as np
import pytest

from reservoir.errors import ColumnError, DataError
from reservoir.series import csv_file
from reservoir.series.table import Table, open_table

NAN = float("nan")


def read(path: Path, content: str | bytes) -> Table:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with open_table(path) as table:
        return table


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data.csv"


@pytest.mark.parametrize(
    "content, names, values",
    [
        ("a,b\n1,2\n3,4\n", ("a", "b"), [[1, 2], [3, 4]]),
        ("1,2\n3,4", None, [[1, 2], [3, 4]]),
        ("a;b\n1;2\n", ("a", "b"), [[1, 2]]),
        ("a\tb\n1\t2\n", ("a", "b"), [[1, 2]]),
        ("a   b\n 1 \t 2 \n3 4\n", ("a", "b"), [[1, 2], [3, 4]]),
        ("  1.5  -2e3\n", None, [[1.5, -2000]]),
        ('"wind speed" b\n1 2\n', ("wind speed", "b"), [[1, 2]]),
        ("wind speed\n1\n2\n", ("wind speed",), [[1], [2]]),
        ("a;b\n1\n", ("a;b",), [[1]]),
        ("a, b\r\n1, 2\r\n", ("a", "b"), [[1, 2]]),
        ("a,b\r1,2\r3,4\r", ("a", "b"), [[1, 2], [3, 4]]),
        ("# comment, one\n\n#two\na,b\n# units\n\n1,2\n\n3,4\n\n", ("a", "b"), [[1, 2], [3, 4]]),
        ('"a, b";"say ""hi"""\n"1";"2"\n', ("a, b", 'say "hi"'), [[1, 2]]),
        ('"two\nlines",b\n1,2\n', ("two\nlines", "b"), [[1, 2]]),
        (",b\n1,2\n", ("0", "b"), [[1, 2]]),
        (",0\n1,2\n", None, [[NAN, 0], [1, 2]]),
        ('"",x,"0"\n1,2,3\n', ("", "x", "0"), [[1, 2, 3]]),
        ('size 5",b\n1,2\n3,4\n5,6\n', ('size 5"', "b"), [[1, 2], [3, 4], [5, 6]]),
        ("1,2\n,\n3,\n", None, [[1, 2], [NAN, NAN], [3, NAN]]),
        ("1\t2\n\t\n3\t4\n", None, [[1, 2], [NAN, NAN], [3, 4]]),
        ("\t\n3\t4\n", None, [[NAN, NAN], [3, 4]]),
        ("a,b\nNaN,nan\n1,2\n", ("a", "b"), [[NAN, NAN], [1, 2]]),
        ("nan,inf\n1,-Infinity\n", None, [[NAN, np.inf], [1, -np.inf]]),
        ('"1","2"\n3,4\n', ("1", "2"), [[3, 4]]),
        ('"1","2"\n"3","4"\n', None, [[1, 2], [3, 4]]),
        ('date,"1"\n2020-01-01,4\n', ("date", "1"), None),
        ("1,x\n3,4\n", ("1", "x"), [[3, 4]]),
        ('x\n""\n1\n', ("x",), [[NAN], [1]]),
        ("x\n1\n\n2\n", ("x",), [[1], [2]]),
        ('x,y\n1,2\n\n  \n" 3", "4"\n5,\n', ("x", "y"), [[1, 2], [3, 4], [5, NAN]]),
        ("\ufeffa,b\n1,2\n", ("a", "b"), [[1, 2]]),
        ("größe,温度\n1,2\n", ("größe", "温度"), [[1, 2]]),
    ],
)
def test_layouts(
    path: Path, content: str, names: tuple[str, ...] | None, values: list[list[float]] | None
) -> None:
    table = read(path, content)
    if names is None:
        assert not table.named
        assert table.columns == tuple(map(str, range(table.values.shape[1])))
    else:
        assert table.named
        assert table.columns == names
    if values is not None:
        np.testing.assert_array_equal(table.values[:], np.array(values, dtype=float))
        assert isinstance(table.values, np.ndarray)
        assert table.values.dtype == np.float64
    assert table.source == str(path)


@pytest.mark.parametrize(
    "content, message",
    [
        ("", "data.csv: the file is empty$"),
        ("\n  \n# only a comment\n", "data.csv: the file is empty$"),
        ("\n# x\na,b\n", r"a header \(line 3\) and no row below it"),
        ('"1","2"\n', r"a header \(line 1\) and no row below it"),
        ("a,b\n1,2\n3,x\n", "data.csv, line 3: row 1, column 'b': 'x' is not a number$"),
        ("1,2\n\n3,x\n", "data.csv, line 3: row 1, column 1: 'x' is not a number$"),
        ("# c\na b\n1 2\n\n3 x\n", "line 5: row 1, column 'b': 'x'"),
        ("a,b\n1,2\n3\n", "line 3: found 1 cells, expected 2 as in the header$"),
        ("1,2\n3,4,5\n", "line 2: found 3 cells, expected 2 as in the first row$"),
        ("a b\n1 2\n3 4 5\n", "line 3: found 3 cells, expected 2"),
        ("a,b,c\n1,2\n", r"line 2: found 2 cells, expected 3 as in the header \(line 1\)"),
        ("a,b\n1,2,\n3,4,\n", "line 2: found 3 cells, expected 2"),
        ('"x\ny",b\n1,2\n"3\n",4\nz,4\n', "line 6: row 2, column 'x.*y': 'z'"),
        ("a;b\n1,5;2\n2;3,5\n", r"'3,5' is not a number \(decimals need a point, not a comma\)"),
        ("a,b\n1,2\nN/A,3\n", r"line 3: .*'N/A' is not a number \(a missing value is an empty"),
        ("a,b\n1,2\n1_000,3\n", "line 3: row 1, column 'a': '1_000'"),
        ("a,b\n1,2\n\u0663,3\n", "line 3: row 1, column 'a': '\u0663'"),
        ("a,b\n1,2\n# late,3\n", "line 3: row 1, column 'a': '# late'"),
        ("a,b\n1,2\n" + "y" * 99 + ",3\n", "'y{37}[.]{3}' is not a number$"),
        ("a,b\n1,2\n" + '"' + "y" * 200_000 + '",3\n', "line 3: field larger than field limit"),
        ("a,b\nx,y\n", "line 2: row 0, column 'a': 'x' is not a number"),
        ("date,2019\n2020-01-01,5\n", "line 1: this may be a header or a row of data"),
    ],
)
def test_errors_name_the_place(path: Path, content: str, message: str) -> None:
    with pytest.raises(DataError, match=f"(?s){message}") as caught:
        read(path, content)
    assert "\n" not in str(caught.value).replace("x\\ny", "")


@pytest.mark.parametrize(
    "content, message",
    [
        ("a,b\n1,\xe9\n".encode("latin-1"), "line 2: the byte 0xe9 is not UTF-8"),
        (b"a,b\n" + b"1,2\n" * 50_000 + b"\xff,3\n", "line 50002: the byte 0xff is not UTF-8"),
        ("a,b\n1,2\n".encode("utf-16"), "the text is UTF-16; save it as UTF-8"),
        (b"\x89HDF\r\n\x1a\n\x00\x00", "line 1: the byte 0x89 is not UTF-8"),
        (b"a,b\n1,2\n\x00,3\n", "line 3: row 1, column 'a': '.x00' is not a number"),
    ],
)
def test_what_is_no_text(path: Path, content: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(path, content)


def test_columns_of_text_can_be_left_out(path: Path) -> None:
    table = read(path, 'when,a,"b"\n2020-01-01,1,2\n2020-01-02,3,\n"x, y",5,6\n')
    assert table.columns == ("when", "a", "b")
    assert len(table.values) == 3
    np.testing.assert_array_equal(
        table.select("b,a").values[:], [[2.0, 1.0], [NAN, 3.0], [6.0, 5.0]]
    )
    message = "line 2: row 0, column 'when': '2020-01-01' is not a number; choose the columns"
    with pytest.raises(DataError, match=message):
        table.values[:]
    with pytest.raises(DataError, match=message):
        np.asarray(table.values)
    with pytest.raises(DataError, match=message):
        table.select("a,when")
    with pytest.raises(ColumnError, match="'whenn'; the nearest: 'when'"):
        table.select("whenn")


def test_columns_of_text_do_not_hide_other_errors(path: Path) -> None:
    with pytest.raises(DataError, match="line 3: row 1, column 'a': 'x'"):
        read(path, "when,a\nmon,1\ntue,x\n")
    with pytest.raises(DataError, match="line 3: found 3 cells, expected 2"):
        read(path, "when,a\nmon,1\ntue,2,3\n")
    with pytest.raises(DataError, match="line 3: found 1 cells, expected 2"):
        read(path, "when,a\nmon,1\ntue\n")


def test_a_first_row_with_a_missing_value_is_no_header(path: Path) -> None:
    table = read(path, "1,NA\n2,3\n")
    assert table.columns == ("0", "1")
    with pytest.raises(DataError, match=r"line 1: row 0, column 1: 'NA' .*a missing value"):
        table.values[:]
    np.testing.assert_array_equal(table.select("0").values[:], [[1.0], [2.0]])


def test_numbers_go_through_the_fast_parser(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object) -> None:
        raise AssertionError("the slow scan ran")

    monkeypatch.setattr(csv_file, "_parse_exactly", fail)
    assert read(path, "a,b\n1,2\n\n3,nan\n").values.shape == (2, 2)
    assert read(path, 'd,a\n2020,1\n"2021",3\n').values.shape == (2, 2)
    assert read(path, "d,a\nmon,1\ntue,3\n").values.shape == (2, 2)
    assert read(path, "1 2\n3  4\n").values.shape == (2, 2)
    with pytest.raises(AssertionError, match="slow scan"):
        read(path, "a,b\n1,\n")


def test_both_parsers_agree(path: Path) -> None:
    rows = "1,2\n 3 ,-4e-310\n+.5,1.\n1e400,-0\n0.1,123456789012345678\n"
    fast = read(path, rows).values[:]
    slow = read(path, rows + ",\n").values[:-1]
    np.testing.assert_array_equal(fast, slow)
    np.testing.assert_array_equal(np.signbit(fast), np.signbit(slow))


def test_a_million_cells_take_no_seconds(path: Path) -> None:
    import time

    rows = np.random.default_rng(0).standard_normal((1000, 5)).tolist()
    text = "".join(",".join(map(repr, row)) + "\n" for row in rows)
    path.write_text("a,b,c,d,e\n" + text * 200)
    times = []
    for _ in range(2):
        start = time.process_time()
        with open_table(path) as table:
            assert table.values.shape == (200_000, 5)
        times.append(time.process_time() - start)
    assert min(times) < 1.0


def test_gzip(tmp_path: Path) -> None:
    path = tmp_path / "data.csv.gz"
    whole = gzip.compress(b"a,b\n" + b"".join(b"%d,2\n" % i for i in range(5000)), mtime=0)
    assert read(path, whole).values.shape == (5000, 2)
    for damaged in (whole[:50], whole[: len(whole) // 2], whole[:-1], b"a,b\n1,2\n"):
        with pytest.raises(DataError, match=r"data\.csv\.gz: the gzip data are damaged"):
            read(path, damaged)
    block = whole[:10] + b"\xff" + whole[11:]  # no type of a deflated block
    checksum = whole[:-8] + bytes([whole[-8] ^ 255]) + whole[-7:]
    for damaged in (block, checksum):
        with pytest.raises(DataError, match=r"data\.csv\.gz: the gzip data are damaged"):
            read(path, damaged)


def test_missing_files_are_errors_of_the_system(tmp_path: Path) -> None:
    for name in ("x.csv", "x.csv.gz", "x.npy", "x.npz", "x.npz:a", "x.h5", "x.h5:/a"):
        with pytest.raises(FileNotFoundError) as caught, open_table(tmp_path / name):
            pass
        assert str(caught.value.filename) == str(tmp_path / name.split(":")[0])
    (tmp_path / "d.csv").mkdir()
    with pytest.raises(IsADirectoryError), open_table(tmp_path / "d.csv"):
        pass


@pytest.mark.parametrize("name", ["pipe", "pipe.csv", "pipe.csv.gz"])
def test_named_pipes(tmp_path: Path, name: str) -> None:
    pipe = tmp_path / name
    os.mkfifo(pipe)
    content = b"a,b\n1,\n3,4\n"
    sent = gzip.compress(content) if name.endswith(".gz") else content
    writer = threading.Thread(target=pipe.write_bytes, args=(sent,))
    writer.start()
    with open_table(pipe) as table:
        np.testing.assert_array_equal(table.values[:], [[1.0, NAN], [3.0, 4.0]])
    writer.join()
