"""Sequences in a file: the rows of all of them one after the other, in plain HDF5 or NPZ.

inputs   (sum of T_i, K)
targets  (sum of T_i, M) for every step or (B, M) for the last; labels are integers, M = 1
weights  (sum of T_i, 1) or (B, 1), optional
lengths  (B, 1)
"""

from __future__ import annotations

import os
import zipfile
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reservoir.errors import DataError
from reservoir.series.atomic import write_atomically
from reservoir.series.formats import Location, locate, output_format
from reservoir.series.outline import Outline
from reservoir.series.table import open_table
from reservoir.series.writing import write_pieces
from reservoir.tasks.sample import Sample

INPUTS, TARGETS, WEIGHTS, LENGTHS = "inputs", "targets", "weights", "lengths"
ROWS = 1 << 16  # written at a time

Array = NDArray[Any]


def write_sample(path: str | os.PathLike[str], sample: Sample, source: str = "") -> None:
    """Write sequences, so that the name shows the old file or the whole new one.

    Parameters
    ----------
    path : str or path
        ``.h5`` and the like, or ``.npz``.
    sample : Sample
    source : str
        Where they come from, an attribute of each HDF5 dataset.

    Raises
    ------
    DataError
        Another suffix.
    CreateError, OSError
        As `reservoir.series.writing.write_table`.
    """
    tables = _tables(sample)
    match output_format(path):
        case "npz":
            write_atomically(path, lambda file: np.savez(file, allow_pickle=False, **tables))
        case "hdf5":
            outlines = [
                Outline(table.shape, table.dtype, tuple(map(str, range(table.shape[1]))), n, source)
                for n, table in tables.items()
            ]
            pieces = (
                (number, start, table[start : start + ROWS])
                for number, table in enumerate(tables.values())
                for start in range(0, len(table), ROWS)
            )
            write_pieces(path, outlines, pieces)
        case _:
            raise DataError(f"{os.fspath(path)}: sequences are written as .h5 or .npz")


def holds_sample(path: str) -> bool:
    """Whether a file has the members of `write_sample`, by their names.

    Raises
    ------
    DataError
        The suffix of the name tells no known format.
    """
    place = locate(path)
    if place.key or not os.path.isfile(place.path):
        return False
    try:
        return {INPUTS, TARGETS, LENGTHS} <= _members(place)
    except (OSError, RuntimeError, zipfile.BadZipFile):  # whoever reads it says what is wrong
        return False


def read_sample(path: str) -> Sample:
    """Read sequences that `write_sample`, or another program, wrote.

    Raises
    ------
    DataError
        The members do not fit each other, or hold what they should not; the message names the
        member. Numbers are not looked at: `reservoir.rnn.Network.batch` does.
    OSError
        The file cannot be read.
    """
    lengths = _lengths(path)
    inputs, targets = _member(path, INPUTS), _member(path, TARGETS)
    steps = int(lengths.sum())
    if len(inputs) != steps:
        raise DataError(
            f"{path}: {INPUTS} has {len(inputs):,} rows, the {LENGTHS} add up to {steps:,}"
        )
    at = _at(path, TARGETS, targets, lengths)
    cuts = np.cumsum(lengths)[:-1]

    def cut(array: Array) -> Any:
        return np.split(array, cuts) if len(array) == steps and at == "every" else array

    if targets.dtype.kind in "iu":
        if targets.shape[1] != 1:
            raise DataError(f"{path}: {TARGETS} has {targets.shape[1]} columns of integers")
        targets = targets[:, 0].astype(np.int64)
    weights = None
    if WEIGHTS in _members(locate(path)):
        table = _member(path, WEIGHTS)
        if len(table) != len(targets) or table.shape[1] != 1:
            raise DataError(
                f"{path}: {WEIGHTS} has the shape {table.shape}, expected {(len(targets), 1)}"
            )
        weights = cut(table[:, 0].astype(np.float64))
    return Sample(np.split(inputs, cuts), cut(targets), at, weights)


def _tables(sample: Sample) -> dict[str, Array]:
    every = sample.at == "every"
    targets = np.concatenate(sample.targets) if every else np.asarray(sample.targets)
    found = {
        INPUTS: np.concatenate(sample.inputs),
        TARGETS: targets.reshape(len(targets), -1),
        LENGTHS: sample.lengths[:, np.newaxis],
    }
    if sample.weights is not None:
        weights: Any = np.concatenate(sample.weights) if every else np.asarray(sample.weights)
        found[WEIGHTS] = weights[:, np.newaxis]
    return found


def _member(path: str, name: str) -> Array:
    with open_table(f"{path}:{name}") as table:
        return np.ascontiguousarray(table.values[0 : len(table.values)])


def _members(place: Location) -> set[str]:
    """Names in a file that can hold several arrays; none in any other."""
    if place.format == "npz":
        with zipfile.ZipFile(place.path) as archive:
            return {name.removesuffix(".npy") for name in archive.namelist()}
    if place.format == "hdf5":
        from reservoir.series.hdf5_file import h5py

        with h5py.File(place.path, "r") as file:
            return set(file)
    return set()


def _lengths(path: str) -> NDArray[np.int64]:
    lengths = _member(path, LENGTHS)
    if lengths.dtype.kind == "f" and ((lengths == np.floor(lengths)) & (lengths < 2**53)).all():
        lengths = lengths.astype(np.int64)  # programs that know doubles alone write them so
    if lengths.dtype.kind not in "iu" or lengths.shape[1] != 1 or (lengths < 1).any():
        raise DataError(f"{path}: {LENGTHS} are not whole numbers above 0, one a sequence")
    return lengths[:, 0].astype(np.int64)


def _at(path: str, name: str, targets: Array, lengths: NDArray[np.int64]) -> str:
    steps = int(lengths.sum())
    if len(targets) == len(lengths):
        return "last"
    if len(targets) == steps:
        return "every"
    raise DataError(
        f"{path}: {name} has {len(targets):,} rows, expected {steps:,}, one a step, or "
        f"{len(lengths):,}, one a sequence"
    )
