"""Files from strangers: the manifest fits, whatever they hold; they must be refused."""

from __future__ import annotations

import json
import time
import zlib

import h5py
import numpy as np
import pytest
from scipy import sparse
from test_checkpoint_records import random_record, record_of, reseal

from reservoir.checkpoint import Checkpoint, read, save, write
from reservoir.errors import CheckpointError

MIB = 2**20


@pytest.fixture
def tampered(tmp_path):
    """Return a function that changes a valid file, fits the manifest and expects a refusal."""
    path = tmp_path / "m.h5"

    def tamper(change, message, *, seal=True, **parts):
        write(Checkpoint(random_record(), **parts), path)
        with h5py.File(path, "r+") as file:
            change(file)
        if seal:
            reseal(path)
        start = time.perf_counter()
        with pytest.raises(CheckpointError, match=message) as caught:
            read(path)
        assert str(caught.value).startswith(f"{path}: ")
        assert "\n" not in str(caught.value)
        assert time.perf_counter() - start < 5

    return tamper


def replace(file, name, value, **options):
    """Put another dataset in the place of one, with its attributes."""
    attributes = dict(file[name].attrs) if name in file else {}
    if name in file:
        del file[name]
    dataset = file.create_dataset(name, data=value, **options)
    for key, attribute in attributes.items():
        dataset.attrs[key] = attribute
    return dataset


def test_sealing_alone_changes_nothing(tmp_path):
    """The other tests of this file rely on it: a tampered file is not refused for its seal."""
    save(random_record(), tmp_path / "m.h5")
    with h5py.File(tmp_path / "m.h5", "r+") as file:
        replace(file, "continues", np.array([0, 1, -1]), chunks=(2,), compression="gzip")
        file["added"] = np.arange(3)
    reseal(tmp_path / "m.h5")
    assert record_of(tmp_path / "m.h5").continues.tolist() == [0, 1, -1]


# --- where a file can point ---------------------------------------------------------------------


def test_soft_links(tampered):
    def change(file):
        del file["end"]["x"]
        file["end"]["x"] = h5py.SoftLink("/reservoir/bias")

    tampered(change, r"/end has a link that is not a hard link \(x\)", seal=False)


def test_external_links(tampered, tmp_path):
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["x"] = np.zeros(12)

    def change(file):
        del file["end"]["x"]
        file["end"]["x"] = h5py.ExternalLink(str(tmp_path / "secret.h5"), "/x")

    tampered(change, r"/end has a link that is not a hard link \(x\)", seal=False)


def test_external_storage(tampered, tmp_path):
    (tmp_path / "secret").write_bytes(bytes(12 * 8))

    def change(file):
        del file["end"]["x"]
        external = [(str(tmp_path / "secret"), 0, 12 * 8)]
        file["end"].create_dataset("x", shape=(12,), dtype="f8", external=external)

    tampered(change, "/end/x keeps its data in another file", seal=False)


def test_virtual_datasets(tampered):
    def change(file):
        layout = h5py.VirtualLayout(shape=(12,), dtype="f8")
        layout[:] = h5py.VirtualSource(".", "/reservoir/bias", shape=(12,))
        del file["end"]["x"]
        file["end"].create_virtual_dataset("x", layout)

    tampered(change, "/end/x is a virtual or compact dataset", seal=False)


def test_cycles(tampered):
    def change(file):
        file["end"]["again"] = file["/"]

    tampered(change, r"/end links one object twice \(again\)", seal=False)


def test_second_links(tampered):
    def change(file):
        file["end"]["other"] = file["reservoir/bias"]

    tampered(change, "links one object twice")


def test_committed_types(tampered):
    def change(file):
        file["kind"] = np.dtype("f8")

    tampered(change, r"/ has a member that is no group or dataset \(kind\)", seal=False)


# --- types, spaces, names -----------------------------------------------------------------------

COMPOUND = np.zeros(2, dtype=[("a", "f8"), ("b", "i4")])


@pytest.mark.parametrize(
    "value, dtype",
    [
        ("text", None),  # variable length, UTF-8
        ("text", h5py.string_dtype("utf-8", 4)),
        ("text", h5py.string_dtype("ascii")),
        (True, None),  # h5py makes an enumeration of it
        (COMPOUND, None),
        (1j, None),
        (np.float16(1), None),
        (np.arange(3, dtype=">f8"), None),
        (np.zeros(2, "V8"), None),
        (h5py.Empty("f8"), None),
        (np.array([b"a", b"b"]), None),
    ],
    ids=str,
)
def test_types_that_are_not_of_the_format(tampered, value, dtype):
    def change(file):
        file.create_dataset("added", data=value, dtype=dtype)

    message = (
        "/added has a (type that is not of the format|null dataspace)|/added is an array of st"
    )
    tampered(change, message, seal=False)


@pytest.mark.parametrize("kind", [h5py.ref_dtype, h5py.regionref_dtype, h5py.vlen_dtype("f8")])
def test_references_and_ragged_arrays(tampered, kind):
    tampered(
        lambda file: file["end"].create_dataset("added", (1,), dtype=kind),
        "/end/added has a type that is not of the format",
        seal=False,
    )


@pytest.mark.parametrize(
    "value", ["text", True, h5py.Empty("f8"), np.float16(1), COMPOUND[0]], ids=str
)
def test_attributes_keep_the_format_too(tampered, value):
    def change(file):
        file["end"].attrs["added"] = value

    tampered(change, "attribute 'added' of /end has a", seal=False)


def test_reference_attributes_are_known_by_name_and_on_datasets_alone(tampered):
    def change(file):
        file["end"].attrs["DIMENSION_LIST"] = file["end"].ref

    tampered(change, "attribute 'DIMENSION_LIST' of /end has a type", seal=False)


@pytest.mark.parametrize("name", ["two words", "tab\t", "ünïcode", "x" * 256])
def test_names(tampered, name):
    def member(file):
        file["end"][name] = 1.0

    def attribute(file):
        file["end"].attrs[name] = 1.0

    tampered(member, "/end has a member or attribute with a forbidden name", seal=False)
    tampered(attribute, "/end has a member or attribute with a forbidden name", seal=False)


def test_text_after_its_end(tampered):
    def change(file):
        file["end"].attrs["note"] = np.array(b"a\0b", dtype="S4")

    tampered(change, "attribute 'note' of /end has text after its end")


# --- how much a file can ask for ----------------------------------------------------------------


def test_eight_terabytes_declared_in_nothing(tampered):
    def change(file):
        del file["reservoir/bias"]
        file["reservoir"].create_dataset("bias", shape=(10**12,), dtype="f8")

    tampered(change, "/reservoir/bias declares 8,000,000,000,000 bytes and stores 0", seal=False)


def test_the_ratio_holds_for_deflated_data(tampered):
    """Both sides of the bound: deflate cannot do more than 1032:1."""

    def change(file):
        shape, chunk = (17 * MIB,), (MIB,)
        zeros = file.create_dataset("z", shape, "u1", chunks=chunk, compression="gzip")
        zeros[:MIB] = 0  # one chunk of 17

    tampered(change, "/z declares 17,825,792 bytes and stores 1,", seal=False)


def test_data_that_deflates_well_is_read(tmp_path):
    zeros = np.zeros(17 * MIB, dtype=np.uint8)
    write(Checkpoint(random_record(), statistics={"zeros": zeros}), tmp_path / "m.h5")
    assert (tmp_path / "m.h5").stat().st_size < 400_000
    assert not read(tmp_path / "m.h5").statistics["zeros"].any()


def test_the_total_is_a_limit_and_can_be_raised(tmp_path):
    write(Checkpoint(random_record(), statistics={"a": np.zeros(MIB)}), tmp_path / "m.h5")
    with pytest.raises(
        CheckpointError, match="more than 8,000,000 bytes of data, the limit; raise"
    ):
        read(tmp_path / "m.h5", max_bytes=8_000_000)
    assert read(tmp_path / "m.h5", max_bytes=9_000_000).statistics["a"].size == MIB


def test_a_file_larger_than_the_limit_is_not_opened(tmp_path):
    save(random_record(), tmp_path / "m.h5")
    with open(tmp_path / "m.h5", "r+b") as file:
        file.truncate(66 * MIB)  # sparse: takes no room
    with pytest.raises(CheckpointError, match="is larger than 1,000,000 bytes"):
        record_of(tmp_path / "m.h5", max_bytes=1_000_000)


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


def test_depth(tampered, tmp_path):
    save(random_record(), tmp_path / "ok.h5")
    with h5py.File(tmp_path / "ok.h5", "r+") as file:
        file["a/b/c/d/e/f"] = 1.0
    reseal(tmp_path / "ok.h5")
    record_of(tmp_path / "ok.h5")
    tampered(lambda file: file.create_dataset("a/b/c/d/e/f/g", data=1.0), "nested deeper than 6")


def test_number_of_objects(tampered):
    def wide(file):
        for i in range(10_001):
            file.create_group(f"a/{i}")

    def spread(file):
        for i in range(5_100):
            file.create_group(f"a/{i}")
            file.create_group(f"b/{i}")

    tampered(wide, "has more than 10,000 objects", seal=False)
    tampered(spread, "has more than 10,000 objects", seal=False)


def test_number_and_size_of_attributes(tampered):
    def change(file):
        for i in range(65):
            file["end"].attrs[f"a{i}"] = i

    tampered(change, "/end has more than 64 attributes")
    tampered(
        lambda file: file["end"].attrs.create("a", np.zeros((2, 2))), "'a' of /end is too large"
    )


def test_length_of_texts(tampered):
    tampered(
        lambda file: replace(file, "provenance", np.bytes_(b"{}" + b" " * 16 * MIB)),
        "/provenance has more than 16,777,216 bytes of text",
        seal=False,
    )


def test_stored_bytes_shared_by_datasets(tmp_path):
    """A small file cannot show the same bytes again and again."""
    path, nbytes = tmp_path / "m.h5", 800_000
    save(random_record(), path)
    with h5py.File(path, "r+") as file:
        for i in range(40):
            file.create_dataset(f"a{i}", (nbytes // 8,), "f8")
        file["a0"][:] = 1
        address = file["a0"].id.get_offset()
    length = nbytes.to_bytes(8, "little")
    nowhere, shared = b"\xff" * 8 + length, address.to_bytes(8, "little") + length
    content = path.read_bytes()
    assert content.count(nowhere) == 39
    path.write_bytes(content.replace(nowhere, shared))
    with h5py.File(path) as file:
        assert file["a39"][0] == 1
    with pytest.raises(CheckpointError, match="claims more bytes than the file has"):
        record_of(path)


# --- sizes and values ---------------------------------------------------------------------------


def edit_config(file, **entries):
    document = json.loads(file["config"][()])
    document |= entries
    text = json.dumps({name: value for name, value in document.items() if value != "absent"})
    replace(file, "config", np.bytes_(text))


@pytest.mark.parametrize(
    "entries, message",
    [
        ({"units": 13}, "features"),
        ({"units": 13, "features": 13}, r"indptr has shape \(13,\); the config says \(14,\)"),
        ({"inputs": 2**40, "input_names": ["a"] * 2}, "input_names"),
        ({"units": 2**41}, "'units' is missing or not a count"),
        ({"units": -1}, "'units' is missing or not a count"),
        ({"units": 12.0}, "'units' is missing or not a count"),
        ({"units": True}, "'units' is missing or not a count"),
        ({"units": "absent"}, "'units' is missing or not a count"),
        ({"units": 0, "features": 0}, "contradicts"),
        ({"nonzeros": 3}, r"/reservoir/W/data has shape"),
        ({"nonzeros": 145}, "nonzeros"),
        ({"recurrence": "array"}, "nonzeros"),
        ({"recurrence": "array", "nonzeros": 144}, "/reservoir/W is missing or not a dataset"),
        ({"recurrence": "csc_matrix"}, "recurrence is 'csc_matrix', not one of"),
        ({"dtype": "float32"}, "has type f8, not f4"),
        ({"dtype": "object"}, "dtype is 'object', not one of"),
        ({"activation": "exec"}, "activation is 'exec', not one of"),
        ({"feedback": 0}, r"W_fb has shape \(12, 3\); the config says \(12, 0\)"),
        ({"feedback": 2}, "feedback"),
        ({"candidates": 5}, "the config says"),
        ({"washout": -1}, "washout"),
        ({"washout": "never"}, "washout"),
        ({"horizon": None}, "horizon"),
        ({"criterion": 3}, "criterion"),
        ({"input_names": ["a"]}, "input_names"),
        ({"input_names": [1, 2]}, "input_names"),
        ({"target_names": "abc"}, "target_names"),
    ],
)
def test_a_config_that_lies(tampered, entries, message):
    tampered(lambda file: edit_config(file, **entries), message)


@pytest.mark.parametrize(
    "text, message",
    [
        (b'{"units": NaN}', "not valid JSON: NaN is not JSON"),
        (b'{"units": 12, "units": 13}', "occurs twice"),
        (b"[1, 2]", "not a JSON object"),
        (b"{" * 50, "not valid JSON"),
        (b'{"a": ' + b"[" * 100_000, "not valid JSON"),
        (b'{"a": ' + b"1" * 10_000 + b"}", "not valid JSON"),
        (b'{"\xc3\xa4": 1}', "not ASCII"),
    ],
)
def test_json_that_is_none(tampered, text, message):
    tampered(lambda file: replace(file, "config", np.bytes_(text)), message)


def csr(indices=(0, 2, 1), indptr=(0, 2, 2, 3, *[3] * 9)):
    """Index arrays of a 12 by 12 matrix with three entries: valid as they are."""

    def change(file):
        replace(file, "reservoir/W/data", np.ones(3))
        replace(file, "reservoir/W/indices", np.array(indices, dtype="i4"))
        replace(file, "reservoir/W/indptr", np.array(indptr, dtype="i4"))
        edit_config(file, nonzeros=3)

    return change


def test_the_index_arrays_below_are_valid_before_they_are_spoiled(tmp_path):
    save(random_record(), tmp_path / "m.h5")
    with h5py.File(tmp_path / "m.h5", "r+") as file:
        csr()(file)
    reseal(tmp_path / "m.h5")
    W = record_of(tmp_path / "m.h5").reservoir.W.toarray()
    assert [tuple(place) for place in np.argwhere(W)] == [(0, 0), (0, 2), (2, 1)]


@pytest.mark.parametrize(
    "arrays, message",
    [
        ({"indices": (0, 12, 1)}, r"not in 0\.\.11"),
        ({"indices": (0, 2**31 - 1, 1)}, r"not in 0\.\.11"),
        ({"indices": (-1, 2, 1)}, r"not in 0\.\.11"),
        ({"indices": (2, 0, 1)}, "unsorted or doubled"),
        ({"indices": (2, 2, 1)}, "unsorted or doubled"),
        ({"indptr": (0, 3, 2, *[3] * 10)}, "indptr does not rise"),
        ({"indptr": (0, 100, 3, *[3] * 10)}, "indptr does not rise"),
        ({"indptr": (0, -5, *[3] * 11)}, "indptr does not rise"),
        ({"indptr": (1, 2, 2, *[3] * 10)}, "indptr does not rise"),
        ({"indptr": (0, 2, 2, *[2] * 10)}, "indptr does not rise"),
        ({"indptr": (0, 2, 2, *[4] * 10)}, "indptr does not rise"),
        ({"indptr": (0, 2, 3)}, r"/reservoir/W/indptr has shape \(3,\)"),
        ({"indices": (0, 2)}, r"/reservoir/W/indices has shape \(2,\)"),
    ],
)
def test_sparse_indices_never_reach_a_kernel_unchecked(tampered, arrays, message):
    tampered(csr(**arrays), message)


def test_sparse_matrices_of_another_shape_or_type(tampered):
    def change(file):
        file["reservoir/W"].attrs["shape"] = [12, 13]

    tampered(change, r"/reservoir/W does not have the shape \(12, 12\)")
    tampered(
        lambda file: replace(file, "reservoir/W/indices", np.zeros(len(file["reservoir/W/data"]))),
        "/reservoir/W/indices has type f8, not i4 or i8",
    )


@pytest.mark.parametrize(
    "name, value, message",
    [
        ("continues", [0, 1, 2], r"/continues has an entry that is not in -1\.\.1"),
        ("continues", [0, 1, -2], r"/continues has an entry"),
        ("reservoir/leak_rate", np.zeros(12), r"leak_rate has an entry that is not in \(0, 1\]"),
        ("reservoir/leak_rate", np.full(12, np.nan), "leak_rate"),
        ("input_scaler/scale", np.zeros(2), "/input_scaler/scale has an entry that is zero"),
        ("end/x", np.zeros((12, 1)), r"/end/x has shape \(12, 1\)"),
        ("end/x", np.zeros(12, "i8"), "/end/x has type i8, not f4 or f8"),
        ("readout/weights", np.zeros((12, 3), "f4"), "/readout/weights has type f4, not f8"),
    ],
)
def test_values_that_the_model_relies_on(tampered, name, value, message):
    tampered(lambda file: replace(file, name, np.asarray(value)), message)


@pytest.mark.parametrize("name", ["reservoir", "readout", "continues", "config", "end/y"])
def test_missing_members(tampered, name):
    def change(file):
        del file[name]

    tampered(change, f"{name}.* is missing")


# --- documents ----------------------------------------------------------------------------------

PARTS = {
    "array": {"a": np.arange(6.0).reshape(2, 3)},
    "csr": {"a": sparse.csr_array(np.eye(3))},
    "mt": {"a": np.random.Generator(np.random.MT19937(0))},
    "philox": {"a": np.random.Generator(np.random.Philox(0))},
}


@pytest.mark.parametrize(
    "part, old, new, message",
    [
        ("array", '"shape": [2, 3]', '"shape": [3, 2]', r"the config says \(3, 2\)"),
        ("array", '"shape": [2, 3]', '"shape": [2, -3]', "not well-formed"),
        ("array", '"shape": [2, 3]', '"shape": [2, 1e9]', "not well-formed"),
        ("array", '"shape": [2, 3]', '"shape": 6', "not well-formed"),
        ("array", '"float64"', '"float32"', "has type f8, not f4"),
        ("array", '"float64"', '"object"', "not well-formed"),
        ("array", '"$array": "a"', '"$array": "../reservoir/bias"', "missing or not a dataset"),
        ("array", '"$array": "a"', '"$array": 7', "not well-formed"),
        ("array", '"$array": "a"', '"$pickle": "a"', "placeholder of an unknown kind"),
        ("array", '{"a": ', '{"b": {"$float": "1e5"}, "a": ', "placeholder of an unknown kind"),
        ("array", '{"a": ', '{"b": {"$dict": [[[], 1]]}, "a": ', "not well-formed"),
        ("array", '{"a": ', '{"b": {"$dict": [1]}, "a": ', "not well-formed"),
        ("array", '{"a": ', '{"b": {"$dtype": "O"}, "a": ', "placeholder of an unknown kind"),
        ("csr", '"nonzeros": 3', '"nonzeros": 4', "/estimator/a/data has shape"),
        ("csr", '"nonzeros": 3', '"nonzeros": null', "not well-formed"),
        ("csr", '"shape": [3, 3]', '"shape": [3, 2]', "does not have the shape"),
        ("csr", '"shape": [3, 3]', '"shape": [3]', "not well-formed"),
        ("mt", '"pos": ', '"pos": 1000000', "random state that is none"),
        ("mt", '"pos": ', '"pos": -', "random state that is none"),
        ("mt", '"MT19937"', '"os.system"', "random state that is none"),
        ("mt", '"key": [', '"key": [1, ', "random state that is none"),
        ("mt", '"Generator"', '"Generator2"', "random state that is none"),
        ("mt", '"pool_size": ', '"pool_size": 999999999', "random state that is none"),
        ("philox", '"buffer_pos": ', '"buffer_pos": 9', "random state that is none"),
        ("philox", '"buffer": [', '"buffer": [1, ', "random state that is none"),
        ("philox", '"state": {"bit', '"state": 3, "x": {"bit', "random state that is none"),
    ],
)
def test_placeholders_that_lie(tampered, part, old, new, message):
    def change(file):
        text = file["estimator/json"][()].decode()
        assert text.count(old) >= 1, text
        replace(file, "estimator/json", np.bytes_(text.replace(old, new, 1)))

    tampered(change, message, estimator=PARTS[part])


def test_placeholders_do_not_multiply_a_dataset(tampered):
    def change(file):
        text = file["estimator/json"][()].decode()
        placeholder = text[len('{"a": ') : -1]
        replace(file, "estimator/json", np.bytes_(f'{{"a": {placeholder}, "b": {placeholder}}}'))

    tampered(change, "names one dataset twice", estimator=PARTS["array"])


def test_documents_nested_without_end(tampered):
    def change(file):
        text = b'{"a": ' * 900 + b"1" + b"}" * 900
        replace(file, "estimator/json", np.bytes_(text))

    tampered(change, "nested too deeply|not valid JSON", estimator=PARTS["array"])
