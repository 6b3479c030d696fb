"""Chunks and filters of files from strangers: what HDF5 would do with them, we do not."""

from __future__ import annotations

import tracemalloc
import zlib
from functools import partial

import h5py
import numpy as np
import pytest
from test_checkpoint_records import expect_refusal, random_record

from reservoir.checkpoint import read, save
from reservoir.errors import CheckpointError

MIB = 2**20


@pytest.fixture
def tampered(tmp_path):
    return partial(expect_refusal, tmp_path / "m.h5")


def bomb(file, name, length, inflated):
    """A chunk whose deflate stream is longer than the chunk."""
    dataset = file.create_dataset(name, (length,), "i4", chunks=(length,), compression="gzip")
    dataset.id.write_direct_chunk((0,), zlib.compress(bytes(inflated), 9))


@pytest.mark.parametrize("inflated", [4001, 3999, 0, 64 * MIB])
def test_chunks_inflate_to_their_size_and_no_further(tampered, inflated):
    tampered(
        lambda file: bomb(file, "added", 1000, inflated),
        "/added has a chunk of the wrong length",
        seal=False,
    )


def test_a_bomb_takes_no_memory(tmp_path):
    """HDF5 itself inflates it whole before it looks at the length."""
    path = tmp_path / "m.h5"
    save(random_record(), path)
    with h5py.File(path, "r+") as file:
        bomb(file, "added", 1000, 64 * MIB)
    tracemalloc.start()
    try:
        with pytest.raises(CheckpointError, match="/added has a chunk of the wrong length"):
            read(path)
        assert tracemalloc.get_traced_memory()[1] < 4 * MIB
    finally:
        tracemalloc.stop()


def test_a_chunk_shorter_than_its_checksum(tampered):
    """HDF5 2.0 dies of it: the length wraps around."""

    def change(file):
        dataset = file.create_dataset("added", (9,), "i4", chunks=(9,), fletcher32=True)
        dataset.id.write_direct_chunk((0,), b"123")

    tampered(change, "/added has a chunk of the wrong length", seal=False)


@pytest.mark.parametrize("claimed", [35, 40, 4000, 2**31])
def test_an_index_that_claims_another_length(tmp_path, claimed):
    """h5py 3.16 itself reads such a chunk into a buffer that is too small."""
    path = tmp_path / "m.h5"
    save(random_record(), path)
    with h5py.File(path, "r+") as file:
        dataset = file.create_dataset("added", data=np.arange(9, dtype="i4"), chunks=(9,))
        file.flush()
        file.create_dataset("after", data=np.zeros(1000))
        address = dataset.id.get_chunk_info_by_coord((0,)).byte_offset
    content = path.read_bytes()
    rest = bytes(4) + bytes(16) + address.to_bytes(8, "little")  # filter mask, offsets, address
    assert content.count((36).to_bytes(4, "little") + rest) == 1
    changed = claimed.to_bytes(4, "little") + rest
    path.write_bytes(content.replace((36).to_bytes(4, "little") + rest, changed))
    message = r"/added (has a chunk of the wrong length|claims more bytes than the file has)"
    with pytest.raises(CheckpointError, match=message):
        read(path)


def test_compact_datasets(tampered):
    def change(file):
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plist.set_layout(h5py.h5d.COMPACT)
        space = h5py.h5s.create_simple((3,))
        h5py.h5d.create(file.id, b"added", h5py.h5t.IEEE_F64LE, space, plist)

    tampered(change, "/added is a virtual or compact dataset", seal=False)


def test_chunks_that_are_not_stored(tampered):
    tampered(
        lambda file: file.create_dataset("added", (9,), "i4", chunks=(3,)),
        "/added has chunks that are not stored",
        seal=False,
    )


def test_chunks_that_do_not_inflate(tampered):
    def change(file):
        dataset = file.create_dataset("added", (9,), "i4", chunks=(9,), compression="gzip")
        dataset.id.write_direct_chunk((0,), b"this is no zlib stream")

    tampered(change, "/added has a chunk of the wrong length", seal=False)


@pytest.mark.parametrize("twice", [h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE])
def test_filters_twice(tampered, twice):
    def change(file):
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plist.set_chunk((100,))
        for _ in range(2):
            plist.set_filter(twice, values=(6,) if twice == h5py.h5z.FILTER_DEFLATE else ())
        space = h5py.h5s.create_simple((100,))
        h5py.h5d.create(file.id, b"added", h5py.h5t.IEEE_F64LE, space, plist)

    tampered(change, "/added has filters that are not of the format", seal=False)


@pytest.mark.parametrize("options", [{"compression": "lzf"}, {"scaleoffset": 3}], ids=str)
def test_other_filters(tampered, options):
    tampered(
        lambda file: file.create_dataset("added", data=np.arange(9), **options),
        "/added has filters that are not of the format",
    )


def test_large_chunks(tampered):
    tampered(
        lambda file: file.create_dataset("added", (9,), "f8", chunks=(9 * MIB,), maxshape=(None,)),
        "/added has chunks of more than 67,108,864 bytes",
        seal=False,
    )


def test_many_chunks(tampered):
    tampered(
        lambda file: file.create_dataset("added", (70_000,), "u1", chunks=(1,)),
        "/added has more than 65,536 chunks",
        seal=False,
    )
