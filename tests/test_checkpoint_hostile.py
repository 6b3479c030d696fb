"""Files from strangers: the manifest fits, whatever they hold; they must be refused."""

from __future__ import annotations

from functools import partial

import h5py
import numpy as np
import pytest
from checkpoint_cases import KINDS
from test_checkpoint_records import expect_refusal, random_record, record_of, replaced, reseal

from reservoir.checkpoint import Checkpoint, read, save, write
from reservoir.errors import CheckpointError

MIB = 2**20


# A group of each kind of model, and a dataset in it.
PLACES = {"esn": ("end", "x"), "rnn": ("parameters/layers/0", "W")}


@pytest.fixture
def tampered(tmp_path):
    return partial(expect_refusal, tmp_path / "m.h5")


@pytest.fixture(params=PLACES)
def each(request, tmp_path):
    """As `tampered`, for every kind of model; and the place to tamper with."""
    checkpoint = KINDS[request.param]()
    tampered = partial(expect_refusal, tmp_path / "m.h5", checkpoint=checkpoint)
    return tampered, *PLACES[request.param]


def test_sealing_alone_changes_nothing(tmp_path):
    """The other tests of this file rely on it: a tampered file is not refused for its seal."""
    save(random_record(), tmp_path / "m.h5")
    with h5py.File(tmp_path / "m.h5", "r+") as file:
        replaced(file, "continues", np.array([0, 1, -1]), chunks=(2,), compression="gzip")
        file["added"] = np.arange(3)
    reseal(tmp_path / "m.h5")
    assert record_of(tmp_path / "m.h5").continues.tolist() == [0, 1, -1]


# --- where a file can point ---------------------------------------------------------------------


def test_soft_links(each):
    tampered, group, name = each

    def change(file):
        del file[group][name]
        file[group][name] = h5py.SoftLink("/provenance")

    tampered(change, rf"/{group} has a link that is not a hard link \({name}\)", seal=False)


def test_external_links(each, tmp_path):
    tampered, group, name = each
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["x"] = np.zeros(12)

    def change(file):
        del file[group][name]
        file[group][name] = h5py.ExternalLink(str(tmp_path / "secret.h5"), "/x")

    tampered(change, rf"/{group} has a link that is not a hard link \({name}\)", seal=False)


def test_external_storage(each, tmp_path):
    tampered, group, name = each
    (tmp_path / "secret").write_bytes(bytes(12 * 8))

    def change(file):
        del file[group][name]
        external = [(str(tmp_path / "secret"), 0, 12 * 8)]
        file[group].create_dataset(name, shape=(12,), dtype="f8", external=external)

    tampered(change, f"/{group}/{name} keeps its data in another file", seal=False)


def test_virtual_datasets(each):
    tampered, group, name = each

    def change(file):
        layout = h5py.VirtualLayout(shape=(2,), dtype="f8")
        layout[:] = h5py.VirtualSource(".", "/input_scaler/scale", shape=(2,))
        del file[group][name]
        file[group].create_virtual_dataset(name, layout)

    tampered(change, f"/{group}/{name} is a virtual or compact dataset", seal=False)


def test_cycles(each):
    tampered, group, _ = each

    def change(file):
        file[group]["again"] = file["/"]

    tampered(change, rf"/{group} links one object twice \(again\)", seal=False)


def test_second_links(each):
    tampered, group, _ = each

    def change(file):
        file[group]["other"] = file["input_scaler/scale"]

    tampered(change, "links one object twice")


def test_committed_types(tampered):
    def change(file):
        file["kind"] = np.dtype("f8")

    tampered(change, r"/ has a member that is no group or dataset \(kind\)", seal=False)


def test_committed_types_without_a_name(tampered):
    def change(file):
        file["kind"] = np.dtype("f8")
        file.create_dataset("added", (1,), dtype=file["kind"])
        del file["kind"]

    tampered(change, "/added has a type that is not of the format", seal=False)


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


def test_eight_terabytes_declared_in_nothing(each):
    tampered, group, name = each

    def change(file):
        del file[group][name]
        file[group].create_dataset(name, shape=(10**12,), dtype="f8")

    tampered(change, f"/{group}/{name} declares 8,000,000,000,000 bytes and stores 0", seal=False)


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
        lambda file: replaced(file, "provenance", np.bytes_(b"{}" + b" " * 16 * MIB)),
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
