"""Files of named weights: NPZ and safetensors, by suffix."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from reservoir.checkpoint.limits import MAX_BYTES, Limits
from reservoir.checkpoint.safetensors import read_safetensors, safetensors
from reservoir.errors import DataError
from reservoir.series.atomic import write_atomically
from reservoir.series.npy_file import read_arrays

SUFFIXES = (".npz", ".safetensors")
PICKLES = (".pt", ".pth", ".bin", ".ckpt", ".pkl", ".pickle")

Arrays = Mapping[str, NDArray[Any]]


def read_weights(
    path: str | os.PathLike[str], *, max_bytes: int = MAX_BYTES
) -> dict[str, NDArray[Any]]:
    """Read all arrays of an NPZ or safetensors file.

    Nothing is unpickled. No more memory is taken than the file's size or ``max_bytes`` allow.

    Parameters
    ----------
    path : path
        The file; its suffix tells the format.
    max_bytes : int
        Refuse more bytes than this, 8 GiB if not given.

    Raises
    ------
    DataError
        Another suffix; or the file is damaged, too large, or holds something else than numbers.
    OSError
        The file cannot be read.
    """
    name = os.fspath(path)
    if _suffix(name) == ".npz":
        stored = max(Limits.ratio_from, Limits.ratio * os.path.getsize(name))
        return read_arrays(name, min(max_bytes, stored))
    return read_safetensors(name, max_bytes)


def write_weights(path: str | os.PathLike[str], arrays: Arrays) -> None:
    """Write arrays to an NPZ or safetensors file, whole or not at all; equal ones, equal bytes.

    Raises
    ------
    DataError
        Another suffix, or a type that safetensors does not have.
    CreateError, OSError
        The file cannot be created or written.
    """
    name = os.fspath(path)
    content = _npz(arrays) if _suffix(name) == ".npz" else safetensors(arrays)
    write_atomically(name, content)


def check_suffix(path: str | os.PathLike[str]) -> None:
    """Raise a DataError unless the name ends with ``.npz`` or ``.safetensors``."""
    _suffix(os.fspath(path))


def _suffix(name: str) -> str:
    suffix = PurePath(name).suffix.lower()
    if suffix in SUFFIXES:
        return suffix
    if suffix in PICKLES:
        raise DataError(
            f"{name}: such files are pickles, which can run code; in PyTorch write it as .npz "
            "(numpy.savez) or .safetensors (safetensors.torch.save_file)"
        )
    raise DataError(f"{name}: weights are .npz or .safetensors files")


def _npz(arrays: Arrays) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            # the date of ZipInfo is fixed
            with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as member:
                npy.write_array(member, np.asarray(array, order="C"), allow_pickle=False)
    return content.getvalue()
