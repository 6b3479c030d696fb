"""Reading NPY, NPZ and HDF5: laziness, choice of the array, and files that are refused."""

from __future__ import annotations

import io
import os
import pickle
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray

from reservoir.errors import DataError
from reservoir.series.rows import LazyRows
from reservoir.series.table import Table, open_table

X = np.arange(12.0).reshape(4, 3) / 7


def refused(path: Path | str, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught, open_table(path) as table:
        table.values[:]
    assert "\n" not in str(caught.value)


def store(path: Path, **arrays: Any) -> Path:
    """Write arrays in the format that the name asks for."""
    if path.suffix == ".npz":
        np.savez(path, **arrays)
    elif path.suffix == ".npy":
        np.save(path, *arrays.values())
    else:
        with h5py.File(path, "w") as file:
            for name, array in arrays.items():
                file[name] = array
    return path


every_format = pytest.mark.parametrize("name", ["a.npy", "a.npz", "a.h5"])


# ---- all binary formats alike


@every_format
@pytest.mark.parametrize("dtype", ["f8", ">f8", "f4", ">f4", "f2", "i8", ">i2", "u1", "?", "g"])
def test_real_number_types_come_native(tmp_path: Path, name: str, dtype: str) -> None:
    array = np.array([[0, 1, 1], [1, 0, 0]], dtype)
    with open_table(store(tmp_path / name, x=array)) as table:
        block = table.values[0:2]
        expected = {"?": "u1", "g": "f8"}.get(dtype, dtype.lstrip(">"))
        assert block.dtype == table.values.dtype == np.dtype(expected)
        assert block.dtype.isnative
        np.testing.assert_array_equal(block, array.astype(float))
        np.testing.assert_array_equal(np.asarray(table.values), array.astype(float))
        assert (table.columns, table.named) == (("0", "1", "2"), False)


@every_format
def test_one_dimension_is_one_column(tmp_path: Path, name: str) -> None:
    with open_table(store(tmp_path / name, x=X[:, 0])) as table:
        assert table.values.shape == (4, 1)
        np.testing.assert_array_equal(table.values[1:3], X[1:3, :1])
        np.testing.assert_array_equal(table.select("0").values[:], X[:, :1])


@every_format
def test_columns_are_selected_in_any_order(tmp_path: Path, name: str) -> None:
    with open_table(store(tmp_path / name, x=X)) as table:
        for columns in ([2, 0], [1], [0, 1, 2], [1, 2], [2, 1, 0]):
            chosen = table.select(columns)
            assert chosen.values.shape == (4, len(columns))
            np.testing.assert_array_equal(chosen.values[1:], X[1:, columns])
        np.testing.assert_array_equal(table.select("2,0").select([1]).values[:], X[:, :1])
        assert table.select("2,0").columns == ("2", "0")


@every_format
@pytest.mark.parametrize(
    "array, message",
    [
        (X + 1j, "the dtype is complex128, expected real numbers; store the real"),
        (np.array([b"a", b"b"]), "the dtype is .S1, expected real numbers"),
        (np.array([(1, 2.0)], "i4,f8"), "the dtype is .*f0.*, expected real numbers"),
        (np.float64(1), "the array has 0 dimensions .* expected 1 .steps. or 2"),
        (np.zeros((2, 2, 2)), r"the array has 3 dimensions \(shape \(2, 2, 2\)\), expected 1"),
        (np.zeros((0, 2)), "the array has no rows"),
        (np.zeros(0), "the array has no rows"),
        (np.zeros((2, 0)), "the array has no columns"),
    ],
)
def test_what_is_no_table(tmp_path: Path, name: str, array: Any, message: str) -> None:
    path = str(store(tmp_path / name, x=array))
    suffix = "" if name == "a.npy" else ":x"
    refused(f"{path}{suffix}", f"{name}.*{message}")


@every_format
def test_damaged_files(tmp_path: Path, name: str) -> None:
    path = store(tmp_path / name, x=X)
    whole = path.read_bytes()
    for length in [0, 1, 6, 8, 9, 20, 60, len(whole) // 2, len(whole) - 1]:
        path.write_bytes(whole[:length])
        refused(path, name)
    path.write_bytes(b"a,b\n1,2\n")
    refused(path, f"{name}: the file is damaged or not {name[2:].upper().replace('H5', 'HDF5')}")


# ---- NPY and NPZ


def test_npy_is_mapped_and_stays_so_when_columns_are_selected(tmp_path: Path) -> None:
    path = tmp_path / "big.npy"
    header = {"descr": "<f8", "fortran_order": False, "shape": (10**9, 100)}
    with open(path, "wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        file.truncate(file.tell() + 8 * 10**11)  # 800 GB that occupy nothing
    with open_table(path) as table:
        assert isinstance(table.values, np.memmap)
        chosen = table.select("99,0,50")
        assert not isinstance(chosen.values, np.ndarray)
        assert chosen.values.shape == (10**9, 3)
        assert not chosen.values[5 * 10**8 : 5 * 10**8 + 10].any()
        assert isinstance(table.select("3:9").values, np.memmap)


def test_npy_in_fortran_order(tmp_path: Path) -> None:
    with open_table(store(tmp_path / "a.npy", x=np.asfortranarray(X))) as table:
        np.testing.assert_array_equal(table.values[1:3], X[1:3])


def test_pickles_are_not_loaded(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[Any, tuple[str]]:
            return os.mkdir, (str(tmp_path / "loaded"),)

    bomb = np.array([Bomb(), None], dtype=object)
    np.save(tmp_path / "a.npy", bomb, allow_pickle=True)
    refused(tmp_path / "a.npy", "the dtype is object, .*pickled objects are never read")
    (tmp_path / "b.npy").write_bytes(pickle.dumps(bomb))
    refused(tmp_path / "b.npy", "b.npy: the file is damaged or not NPY")
    np.savez(tmp_path / "c.npz", x=bomb)
    refused(tmp_path / "c.npz", r"no array is a table .* holds x object \(2,\)")
    refused(f"{tmp_path}/c.npz:x", "c.npz:x: the dtype is object")
    np.savez(tmp_path / "d.npz", x=X, columns=np.array([Bomb()] * 3))
    with open_table(f"{tmp_path}/d.npz:x") as table:
        assert not table.named
    assert not (tmp_path / "loaded").exists()


@pytest.mark.parametrize(
    "header",
    [
        "{'descr': '<f8', 'fortran_order': False, 'shape': (-1, 3)}",
        "{'descr': '<f8', 'fortran_order': False}",
        "{'descr': 'nonsense', 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (1,), 'x': " + "-" * 5000 + "1}",
        "[" * 5000,
        "\x00",
    ],
)
def test_damaged_npy_headers(tmp_path: Path, header: str) -> None:
    body = header.encode()
    path = tmp_path / "a.npy"
    path.write_bytes(b"\x93NUMPY\x02\x00" + len(body).to_bytes(4, "little") + body + bytes(80))
    refused(path, "a.npy: the file is damaged")


def test_npz_needs_a_name_if_several_arrays_can_be_meant(tmp_path: Path) -> None:
    path = str(store(tmp_path / "a.npz", inputs=X, targets=X[:, 0], seed=np.int64(3)))
    refused(
        path,
        r"several arrays can be meant; the file holds inputs float64 \(4, 3\), "
        r"targets float64 \(4,\), seed int64 \(\); give one as .*a\.npz:name",
    )
    refused(f"{path}:target", "there is no array 'target'; the file holds inputs")
    with open_table(f"{path}:targets") as table:
        np.testing.assert_array_equal(table.values[:], X[:, :1])
        assert table.source == f"{path}:targets"


def test_npz_names_its_columns(tmp_path: Path) -> None:
    path = str(store(tmp_path / "a.npz", x=X, columns=np.array(["a", "b", "ß"])))
    with open_table(path) as table:
        assert (table.columns, table.named) == (("a", "b", "ß"), True)
    path = str(store(tmp_path / "b.npz", x=X, columns=np.array(["a", "b"])))
    with open_table(path) as table:
        assert not table.named


def test_npz_compressed_encrypted_and_empty(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "a.npz", x=X)
    with open_table(tmp_path / "a.npz") as table:
        np.testing.assert_array_equal(table.values[:], X)
    content = bytearray((tmp_path / "a.npz").read_bytes())
    for place in (6, content.index(b"PK\x01\x02") + 8):
        content[place] |= 1  # the flag of encryption
    (tmp_path / "b.npz").write_bytes(content)
    refused(tmp_path / "b.npz", "b.npz: the file cannot be read: .*encrypted")
    with zipfile.ZipFile(tmp_path / "c.npz", "w") as archive:
        archive.writestr("readme.txt", "no arrays")
    refused(tmp_path / "c.npz", "no array is a table of real numbers; the file holds no arrays")


@pytest.mark.parametrize("tail", [b"", b"more than the array"])
def test_npz_checksums_are_compared(tmp_path: Path, tail: bytes) -> None:
    member = io.BytesIO()
    np.save(member, X)
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", member.getvalue() + tail * 1000)
    with open_table(path) as table:
        np.testing.assert_array_equal(table.values[:], X)
    whole = path.read_bytes()
    place = whole.index(X[2].tobytes())
    path.write_bytes(whole[:place] + b"\xff" + whole[place + 1 :])
    refused(path, r"a\.npz.*: the file is damaged or not NP[YZ]: Bad CRC")


def test_npz_with_a_directory_before_the_file(tmp_path: Path) -> None:
    path = store(tmp_path / "a.npz", x=X)
    content = path.read_bytes()
    path.write_bytes(content[:-6] + (10**6).to_bytes(4, "little") + content[-2:])
    refused(path, r"a\.npz: the file is damaged or not NPZ")


def test_npz_that_declares_more_than_it_holds(tmp_path: Path) -> None:
    member = io.BytesIO()
    header = {"descr": "<f8", "fortran_order": False, "shape": (10**12, 3)}
    np.lib.format.write_array_header_1_0(member, header)
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("x.npy", member.getvalue() + bytes(100))
    refused(tmp_path / "a.npz", r"a\.npz:x: the array is cut off")


# ---- HDF5


class Counted:
    """Stands for a dataset, and keeps what was read of it."""

    def __init__(self, array: NDArray[Any]) -> None:
        self.array = array
        self.shape, self.dtype = array.shape, array.dtype
        self.reads: list[Any] = []

    def __getitem__(self, key: Any) -> NDArray[Any]:
        self.reads.append(key)
        block: NDArray[Any] = self.array[key]
        return block


def test_rows_are_read_when_they_are_sliced_and_not_before() -> None:
    base = Counted(np.arange(60.0).reshape(10, 6))
    rows = LazyRows(base, "x")
    table = Table(rows, tuple("abcdef"), True, "x").select("e,c")
    assert len(table.values) == len(rows) == 10
    assert table.values.shape == (10, 2)
    assert base.reads == []
    np.testing.assert_array_equal(table.values[2:4], base.array[2:4, [4, 2]])
    assert base.reads == [(slice(2, 4, 1), slice(2, 5))]
    assert table.values[4:4].shape == (0, 2)
    assert len(base.reads) == 1
    np.testing.assert_array_equal(rows[-3:], base.array[-3:])
    np.testing.assert_array_equal(rows[1:9:3], base.array[1:9:3])
    np.testing.assert_array_equal(rows[5:99], base.array[5:])


def test_rows_are_not_indexed_otherwise() -> None:
    rows = LazyRows(X, "x")
    with pytest.raises(TypeError, match="by slices, not by int"):
        rows[0]  # type: ignore[index]
    with pytest.raises(ValueError, match="forward, not with step -1"):
        rows[::-1]
    with pytest.raises(ValueError, match="without a copy"):
        np.array(rows, copy=False)
    assert np.asarray(rows, dtype=np.float32).dtype == np.float32


def test_hdf5_larger_than_memory(tmp_path: Path) -> None:
    path = tmp_path / "big.h5"
    with h5py.File(path, "w") as file:
        big = file.create_dataset("x", (10**9, 100), "f8", chunks=(1000, 100))
        big[5 * 10**8] = np.arange(100)
    with open_table(path) as table:
        assert not isinstance(table.values, np.ndarray)
        block = table.select("99,1").values[5 * 10**8 : 5 * 10**8 + 2]
        np.testing.assert_array_equal(block, [[99, 1], [0, 0]])


def test_the_dataset_of_hdf5_is_found_or_named(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["run/x"] = X
        file["run/note"] = "text"
        file["cube"] = np.zeros((2, 2, 2))
        file["run/again"] = file["run"]  # a cycle
    for name in (path, f"{path}:/run/x", f"{path}:run/x", f"{path}:/run", f"{path}:/"):
        with open_table(name) as table:
            np.testing.assert_array_equal(table.values[:], X)
            assert table.source == f"{path}:/run/x"
    with h5py.File(path, "a") as file:
        file["y"] = X[:, 0]
    refused(
        path,
        r"several datasets can be meant; there are /run/x float64 \(4, 3\), "
        r"/y float64 \(4,\); give one as .*a\.h5:/name",
    )
    refused(f"{path}:/z", "there is no '/z'; there are /run/x")
    refused(f"{path}:/y/z", "there is no '/y/z'; there are /run/x")
    refused(f"{path}:/run/note", "expected real numbers")
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file["cube"] = np.zeros((2, 2, 2))
    refused(tmp_path / "b.h5", "no dataset is a table of numbers")


def test_hdf5_with_very_many_objects(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["run/x"] = X
        groups = file.create_group("groups")
        for i in range(10_001):
            groups.create_group(str(i))
    refused(tmp_path / "a.h5", "over 10000 objects; give one as")
    with open_table(f"{tmp_path}/a.h5:/run") as table:
        assert table.source.endswith(":/run/x")


def test_hdf5_is_searched_six_groups_deep(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["/1/2/3/4/5/6/x"] = X
        file["/1/2/3/4/5/6/7/y"] = X
    with open_table(tmp_path / "a.h5") as table:
        assert table.source.endswith(":/1/2/3/4/5/6/x")
    refused(f"{tmp_path}/a.h5:/1", "several datasets can be meant")


@pytest.mark.parametrize(
    "names",
    [
        np.array([b"a", b"b", b"c"]),
        np.array(["a", "b", "c"], dtype=h5py.string_dtype()),
        np.array([b"a", b"b", b"c"], dtype=h5py.string_dtype("utf-8", 4)),
    ],
)
def test_hdf5_names_its_columns(tmp_path: Path, names: Any) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x"] = X
        file["x"].attrs["columns"] = names
    with open_table(tmp_path / "a.h5") as table:
        assert (table.columns, table.named) == (("a", "b", "c"), True)
        assert table.select("c,a").columns == ("c", "a")


@pytest.mark.parametrize(
    "names", [np.arange(3), 3, np.array([b"a", b"b"]), b"abc", h5py.Empty("S1")]
)
def test_hdf5_attributes_that_are_no_names(tmp_path: Path, names: Any) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x"] = X
        file["x"].attrs["columns"] = names
    with open_table(tmp_path / "a.h5") as table:
        assert (table.columns, table.named) == (("0", "1", "2"), False)


def test_hdf5_refuses_data_of_other_files(tmp_path: Path) -> None:
    secret = tmp_path / "secret.bin"
    secret.write_bytes(X.tobytes())
    store(tmp_path / "other.h5", x=X)
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["real"] = X
        file.create_dataset("external", (4, 3), "f8", external=[(str(secret), 0, 96)])
        layout = h5py.VirtualLayout((4, 3), "f8")
        layout[:] = h5py.VirtualSource(str(tmp_path / "other.h5"), "x", (4, 3))
        file.create_virtual_dataset("virtual", layout)
        file["link"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "/x")
        file["soft"] = h5py.SoftLink("/real")
    refused(f"{path}:/external", "a.h5:/external: the data lie in another file")
    refused(f"{path}:/virtual", "a.h5:/virtual: virtual datasets")
    refused(f"{path}:/link", "a.h5:/link: links to other files .*other.h5. are not followed")
    refused(f"{path}:/soft", "a.h5:/soft: soft links are not followed; name /real instead")


def test_hdf5_refuses_names_that_lie_in_other_files(tmp_path: Path) -> None:
    secret = tmp_path / "secret.bin"
    secret.write_bytes(b"abc")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x"] = X
        file.create_dataset("columns", (3,), "S1", external=[(str(secret), 0, 3)])
    refused(f"{tmp_path}/a.h5:/x", "/columns: the data lie in another file")


def test_hdf5_filters(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("good", data=X, compression="gzip", shuffle=True, fletcher32=True)
        file.create_dataset("fast", data=X, compression="lzf")
        for name, codes in (("plugin", [32004]), ("twice", [1, 1])):
            plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
            plan.set_chunk((4, 3))
            for code in codes:
                plan.set_filter(code, h5py.h5z.FLAG_OPTIONAL, (1,))
            space = h5py.h5s.create_simple((4, 3))
            h5py.h5d.create(file.id, name.encode(), h5py.h5t.IEEE_F64LE, space, plan)
    for name in ("good", "fast"):
        with open_table(f"{path}:/{name}") as table:
            np.testing.assert_array_equal(table.values[1:], X[1:])
    refused(f"{path}:/plugin", r"the filter 32004 \(.*\) needs a plug-in: not loaded")
    refused(f"{path}:/twice", "the data are compressed twice")


def test_hdf5_damage_found_while_reading_names_the_rows(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("x", data=X, chunks=(2, 3), fletcher32=True)
    whole = path.read_bytes()
    place = whole.index(X[3].tobytes())
    path.write_bytes(whole[:place] + b"\xff" + whole[place + 1 :])
    with open_table(path) as table:
        np.testing.assert_array_equal(table.values[:2], X[:2])
        with pytest.raises(DataError, match=r"a\.h5:/x: rows 2 to 3 cannot be read"):
            table.values[2:4]


def test_hdf5_types_that_are_no_numbers(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["null"] = h5py.Empty("f8")
        file["strings"] = ["a", "b"]
        file["type"] = np.dtype("f8")
        kind = h5py.h5t.TypeID.copy(h5py.h5t.UNIX_D32LE)
        h5py.h5d.create(file.id, b"time", kind, h5py.h5s.create_simple((4,)))
    refused(f"{path}:/null", "the dataset is empty")
    refused(f"{path}:/strings", "the dtype is object")
    refused(f"{path}:/type", "neither a dataset nor a group")
    refused(f"{path}:/time", "a.h5: the file is damaged|expected real numbers")
    refused(path, "no dataset is a table of numbers")


def test_text_tables_import_no_hdf5_and_hdf5_loads_no_plugins(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a,b\n1,2\n")
    store(tmp_path / "a.h5", x=X)
    program = """
import os, sys
from reservoir.series.table import open_table
from reservoir.series.writing import check_output, write_table
with open_table("a.csv") as table:
    write_table("b.csv", table.values, table.columns)
check_output("b.h5")
heavy = {"h5py", "pandas", "sklearn", "scipy", "numba"} & set(sys.modules)
with open_table("a.h5") as table:
    table.values[:]
print(heavy or "light", "h5py" in sys.modules, os.environ["HDF5_PLUGIN_PRELOAD"])
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("light True ::\n", "")
