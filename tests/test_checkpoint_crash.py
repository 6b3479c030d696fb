"""Killed processes, full disks, bad writes: the old file or the new one, never neither."""

from __future__ import annotations

import errno
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from test_checkpoint_records import assert_same, random_record

from reservoir.checkpoint import read, save, writing
from reservoir.errors import CreateError

# One process forks the writers that are killed: an interpreter for each kill would take seconds.
KILL = """
import os, signal, sys, time
sys.path.insert(0, sys.argv[2])
import numpy as np
from reservoir.checkpoint import read, save
from test_checkpoint_records import bits, random_record
path = sys.argv[1]
records = [random_record(units=200, seed=seed) for seed in (1, 2)]
expected = [bits(record) for record in records]
save(records[0], path)
start = time.perf_counter()
save(records[0], path)
took = time.perf_counter() - start  # of a save: a busy machine is several times slower
rng = np.random.default_rng(0)
seen = []
for _ in range(12):
    child = os.fork()
    if not child:
        while True:
            for record in reversed(records):
                save(record, path)
    time.sleep(took * (1 + 3 * rng.random()))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    found = bits(read(path).record)
    assert found in expected, "neither the old nor the new model"
    seen.append(expected.index(found))
left = [name for name in os.listdir(os.path.dirname(path)) if name.endswith(".tmp")]
print(len(seen), len(set(seen)), len(left))
"""


def test_killed_while_overwriting(tmp_path):
    command = [sys.executable, "-c", KILL, tmp_path / "m.h5", Path(__file__).parent]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    kills, different, leftovers = map(int, done.stdout.split())
    assert kills == 12
    assert different == 2  # the children did write
    assert leftovers > 0  # and some died while they did


FILL = """
import errno, os, resource, sys
sys.path.insert(0, sys.argv[2])
from reservoir.checkpoint import save
from test_checkpoint_records import random_record
sys.dont_write_bytecode = True  # it would be cut short
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
try:
    save(random_record(seed=2), sys.argv[1])
except OSError as error:
    print(errno.errorcode[error.errno], error.filename)
"""


@pytest.mark.parametrize("before", [True, False])
def test_a_full_disk(tmp_path, before):
    path = tmp_path / "m.h5"
    if before:
        save(random_record(seed=1), path)
    command = [sys.executable, "-c", FILL, path, Path(__file__).parent]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.stdout.split() == ["EFBIG", str(path)], done.stderr
    assert list(tmp_path.iterdir()) == ([path] if before else [])
    if before:
        assert_same(read(path).record, random_record(seed=1))


@pytest.mark.parametrize("spoil", ["flip", "cut", "other"])
def test_what_reads_back_otherwise_does_not_take_the_place(tmp_path, monkeypatch, spoil):
    """A disk that lies: the temporary file is read again before it is renamed."""
    path = tmp_path / "m.h5"
    save(random_record(seed=1), path)
    old = path.read_bytes()

    def bad_image(root, image=writing.image):
        content = image(root)
        if spoil == "cut":
            return content[:-100]
        if spoil == "other":
            return old
        bias = np.ascontiguousarray(random_record(seed=2).reservoir.bias).tobytes()
        assert content.count(bias) == 1
        return content.replace(bias, bias[:-1] + bytes([bias[-1] ^ 1]))

    monkeypatch.setattr(writing, "image", bad_image)
    with pytest.raises(OSError, match="reads back otherwise") as caught:
        save(random_record(seed=2), path)
    assert caught.value.errno == errno.EIO
    assert caught.value.filename == str(path)
    assert path.read_bytes() == old
    assert list(tmp_path.iterdir()) == [path]


def test_where_nothing_can_be_created(tmp_path):
    with pytest.raises(CreateError, match="no such directory"):
        save(random_record(), tmp_path / "missing" / "m.h5")
    with pytest.raises(CreateError, match="it is a directory"):
        save(random_record(), tmp_path)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(CreateError, match="not a directory"):
        save(random_record(), tmp_path / "file" / "m.h5")


def test_a_link_stays_a_link(tmp_path):
    save(random_record(seed=1), tmp_path / "real.h5")
    (tmp_path / "link.h5").symlink_to("real.h5")
    save(random_record(seed=2), tmp_path / "link.h5")
    assert (tmp_path / "link.h5").is_symlink()
    assert_same(read(tmp_path / "real.h5").record, random_record(seed=2))
