"""Reading NumPy's array files: NPY by memory mapping, NPZ into memory. Nothing is unpickled."""

from __future__ import annotations

import contextlib
import errno
import math
import os
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from reservoir.errors import DataError
from reservoir.series.rows import Contents, LazyRows, Rows, check_numbers, number_dtype

NAMES_KEY = "columns"  # the array of an NPZ file that names the columns


class _Header(NamedTuple):
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    fortran: bool
    size: int  # bytes of the header

    @property
    def total(self) -> int:
        """Bytes of header and data."""
        return self.size + math.prod(self.shape) * self.dtype.itemsize


def read_npy(path: str) -> Contents:
    """Map an NPY file into memory.

    Raises
    ------
    DataError
        The file is damaged, cut off, pickled, or no table of real numbers.
    OSError
        The file cannot be read.
    """
    with open(path, "rb") as file:
        header = _read_header(file, path)
        size = os.fstat(file.fileno()).st_size
    check_numbers(path, header.dtype, header.shape)
    if size < header.total:
        raise DataError(f"{path}: the file is cut off: {size} bytes of {header.total}")
    mapped = np.memmap(
        path,
        dtype=header.dtype,
        mode="r",
        offset=header.size,
        shape=header.shape,
        order="F" if header.fortran else "C",
    )
    return Contents(_as_rows(mapped, path), None, path)


def read_npz(path: str, key: str) -> Contents:
    """Read an array of an NPZ file.

    An array of strings ``columns`` names the columns, if it fits.

    Parameters
    ----------
    path : str
        The file.
    key : str
        The name of the array; it may be empty if only one array can be a table.

    Raises
    ------
    DataError
        The file is damaged, there is no such array or none of real numbers, or several arrays
        can be meant: the message lists them.
    OSError
        The file cannot be read.
    """
    with _archive(path) as archive:
        return _read_archive(archive, path, key)


def read_arrays(path: str, max_bytes: int) -> dict[str, NDArray[Any]]:
    """Read every array of an NPZ file, of numbers of any shape.

    Parameters
    ----------
    path : str
        The file.
    max_bytes : int
        Refuse arrays of more bytes than this together, before memory is taken for them.

    Raises
    ------
    DataError
        The file is damaged, holds something else than arrays of numbers, or too much.
    OSError
        The file cannot be read.
    """
    with _archive(path) as archive:
        headers = _headers(archive, path)
        for name, header in headers.items():
            if header.dtype.kind not in "biuf":
                raise DataError(f"{path}:{name}: expected numbers, got {header.dtype}")
        total = sum(header.total for header in headers.values())
        if total > max_bytes:
            raise DataError(f"{path}: the arrays have {total:,} bytes, allowed are {max_bytes:,}")
        return {
            name: _read_member(archive, name, header, f"{path}:{name}")
            for name, header in headers.items()
        }


@contextlib.contextmanager
def _archive(path: str) -> Iterator[zipfile.ZipFile]:
    """An open NPZ file; what is wrong with it is a DataError."""
    with open(path, "rb") as file:
        try:
            with zipfile.ZipFile(file) as archive:
                yield archive
        except DataError:
            raise
        except (zipfile.BadZipFile, zlib.error, EOFError, ValueError) as error:
            raise DataError(f"{path}: the file is damaged or not NPZ: {error}") from None
        except (NotImplementedError, RuntimeError) as error:  # encryption, unknown compression
            raise DataError(f"{path}: the file cannot be read: {error}") from None
        except OSError as error:  # offsets beyond any file are refused by the system
            if error.errno != errno.EINVAL:
                raise
            raise DataError(f"{path}: the file is damaged or not NPZ") from None
        except MemoryError:
            raise DataError(f"{path}: the array does not fit into memory") from None


def _headers(archive: zipfile.ZipFile, path: str) -> dict[str, _Header]:
    headers: dict[str, _Header] = {}
    for info in archive.infolist():
        name = info.filename
        if name.endswith(".npy"):
            with archive.open(info) as member:
                headers[name.removesuffix(".npy")] = _read_header(member, f"{path}:{name}")
    return headers


def _read_archive(archive: zipfile.ZipFile, path: str, key: str) -> Contents:
    headers = _headers(archive, path)
    chosen = key or _only_table(headers, path)
    if chosen not in headers:
        raise DataError(f"{path}: there is no array {chosen!r}; {_listing(headers)}")
    source = f"{path}:{chosen}"
    header = headers[chosen]
    check_numbers(source, header.dtype, header.shape)
    values = _as_rows(_read_member(archive, chosen, header, source), source)
    names = _read_names(archive, headers, values.shape[1], path)
    return Contents(values, names, source)


def _only_table(headers: dict[str, _Header], path: str) -> str:
    tables = [n for n, h in headers.items() if h.dtype.kind in "biuf" and len(h.shape) in (1, 2)]
    if len(tables) != 1:
        many = "several arrays can be meant" if tables else "no array is a table of real numbers"
        raise DataError(f"{path}: {many}; {_listing(headers)}; give one as {path}:name")
    return tables[0]


def _listing(headers: dict[str, _Header]) -> str:
    if not headers:
        return "the file holds no arrays"
    items = [f"{name} {header.dtype} {header.shape}" for name, header in headers.items()]
    return f"the file holds {', '.join(items[:20])}{', ...' if len(items) > 20 else ''}"


def _read_member(archive: zipfile.ZipFile, name: str, header: _Header, source: str) -> NDArray[Any]:
    info = archive.getinfo(f"{name}.npy")
    if info.file_size < header.total:
        raise DataError(f"{source}: the array is cut off: {info.file_size} of {header.total} bytes")
    with archive.open(info) as member:
        array: NDArray[Any] = npy.read_array(member, allow_pickle=False)
        member.read()  # to the end, where the checksum is compared
    return array


def _read_names(
    archive: zipfile.ZipFile, headers: dict[str, _Header], width: int, path: str
) -> tuple[str, ...] | None:
    header = headers.get(NAMES_KEY)
    if header is None or header.dtype.kind != "U" or header.shape != (width,):
        return None
    names = _read_member(archive, NAMES_KEY, header, f"{path}:{NAMES_KEY}")
    return tuple(str(name) for name in names)


def _read_header(file: IO[bytes], source: str) -> _Header:
    start = file.tell()
    try:
        version = npy.read_magic(file)
        read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        if version not in ((1, 0), (2, 0)):  # 3.0 differs only for named fields
            raise DataError(f"{source}: NPY version {version} is not read (arrays with fields)")
        shape, fortran, dtype = read(file)
    except (DataError, OSError):
        raise
    except Exception as error:  # NumPy lets its tokenizer and the literal parser raise anything
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(f"{source}: the file is damaged or not NPY: {reason}") from None
    if any(length < 0 for length in shape):
        raise DataError(f"{source}: the file is damaged: the shape is {shape}")
    return _Header(dtype, shape, fortran, file.tell() - start)


def _as_rows(array: NDArray[Any], source: str) -> Rows:
    """Return two dimensions and a native number type, without a copy of a mapped array."""
    dtype = number_dtype(array.dtype)
    if dtype == array.dtype:
        return array[:, np.newaxis] if array.ndim == 1 else array
    if isinstance(array, np.memmap):
        return LazyRows(array, source)
    return np.asarray(LazyRows(array, source))
