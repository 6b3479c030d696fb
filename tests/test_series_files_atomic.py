"""Files are written whole or not at all."""

from __future__ import annotations

import errno
import os
import secrets
import signal
import stat
import subprocess
import sys
import threading
import tracemalloc
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from reservoir.errors import CreateError
from reservoir.series import atomic
from reservoir.series.atomic import check_creatable, write_atomically

ENVIRONMENT = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "PYTHONUNBUFFERED": ""}


@pytest.fixture
def target(tmp_path: Path) -> Path:
    path = tmp_path / "out.csv"
    path.write_bytes(b"old")
    return path


def only_the_mode_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `os.access` look at the mode of the owner, also for a user who may do anything."""

    def access(path: str, mode: int) -> bool:
        return (os.stat(path).st_mode >> 6) & mode == mode

    monkeypatch.setattr(os, "access", access)


def test_bytes_and_callables(tmp_path: Path) -> None:
    write_atomically(tmp_path / "a", b"one")
    assert (tmp_path / "a").read_bytes() == b"one"
    write_atomically(tmp_path / "a", lambda file: file.write(b"two"))
    assert (tmp_path / "a").read_bytes() == b"two"
    write_atomically(tmp_path / "b", b"")
    assert (tmp_path / "b").read_bytes() == b""
    assert sorted(os.listdir(tmp_path)) == ["a", "b"]


def test_relative_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    check_creatable("a")
    write_atomically("a", b"one")
    assert (tmp_path / "a").read_bytes() == b"one"


def test_the_name_changes_only_when_all_is_on_the_disk(
    target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []
    fsync, replace = os.fsync, os.replace

    def watched_fsync(descriptor: int) -> None:
        kind = "directory" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file"
        events.append(f"fsync {kind} {os.fstat(descriptor).st_size if kind == 'file' else ''}")
        fsync(descriptor)

    def watched_replace(source: str, destination: str) -> None:
        assert os.path.dirname(source) == os.path.dirname(destination)
        assert target.read_bytes() == b"old"
        events.append("replace")
        replace(source, destination)

    monkeypatch.setattr(os, "fsync", watched_fsync)
    monkeypatch.setattr(os, "replace", watched_replace)
    write_atomically(target, b"new content")
    assert events == ["fsync file 11", "replace", "fsync directory "]


@pytest.mark.parametrize("error", [ValueError("x"), KeyboardInterrupt(), OSError("no number")])
def test_an_error_while_writing_leaves_the_old_file(target: Path, error: BaseException) -> None:
    def fail(file: BinaryIO) -> None:
        file.write(b"half" * 100_000)
        raise error

    with pytest.raises(type(error)) as caught:
        write_atomically(target, fail)
    assert caught.value is error
    assert target.read_bytes() == b"old"
    assert os.listdir(target.parent) == ["out.csv"]


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_failing_system_call_leaves_the_old_file(
    target: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def fail(first: Any, *rest: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), *([first] if rest else []))

    monkeypatch.setattr(os, step, fail)
    with pytest.raises(OSError, match="No space left") as caught:
        write_atomically(target, b"new")
    assert caught.value.errno == errno.ENOSPC
    assert caught.value.filename == str(target)
    assert target.read_bytes() == b"old"
    assert os.listdir(target.parent) == ["out.csv"]


def test_content_is_verified_before_it_takes_the_name(target: Path) -> None:
    seen: list[bytes] = []

    def verify(temporary: str) -> None:
        assert target.read_bytes() == b"old"
        seen.append(Path(temporary).read_bytes())
        if seen[-1] == b"bad":
            raise ValueError("not what it should be")

    with pytest.raises(ValueError, match="not what it should be"):
        write_atomically(target, b"bad", verify=verify)
    assert target.read_bytes() == b"old"
    write_atomically(target, lambda file: file.write(b"good"), verify=verify)
    assert target.read_bytes() == b"good"
    assert seen == [b"bad", b"good"]
    assert os.listdir(target.parent) == ["out.csv"]


def test_a_file_in_the_place_of_the_temporary_one_is_not_touched(
    target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(secrets, "token_hex", lambda size: "planted")
    planted = target.parent / f"{atomic.TEMPORARY_PREFIX}planted{atomic.TEMPORARY_SUFFIX}"
    planted.symlink_to(target)
    with pytest.raises(FileExistsError) as caught:
        write_atomically(target, b"new")
    assert caught.value.filename == str(target)
    assert target.read_bytes() == b"old"
    assert planted.is_symlink()


def test_errors_of_other_files_keep_their_names(target: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        write_atomically(target, lambda file: open("/missing/input", "rb"))  # noqa: SIM115
    assert caught.value.filename == "/missing/input"


def test_a_killed_process_leaves_the_old_file(target: Path) -> None:
    program = """
import os, signal, sys
from reservoir.series.atomic import write_atomically
def die(file):
    file.write(b"half" * 100_000)
    file.flush()
    os.kill(os.getpid(), signal.SIGKILL)
write_atomically(sys.argv[1], die)
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(target)], env=ENVIRONMENT, check=False
    )
    assert done.returncode == -signal.SIGKILL
    assert target.read_bytes() == b"old"
    left = [name for name in os.listdir(target.parent) if name != "out.csv"]
    assert len(left) == 1
    assert left[0].startswith(atomic.TEMPORARY_PREFIX)
    assert left[0].endswith(atomic.TEMPORARY_SUFFIX)


@pytest.mark.parametrize("umask, mode", [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_new_files_have_the_mode_that_open_gives(tmp_path: Path, umask: int, mode: int) -> None:
    before = os.umask(umask)
    try:
        write_atomically(tmp_path / "a", b"")
        (tmp_path / "b").write_bytes(b"")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == mode
    assert stat.S_IMODE((tmp_path / "b").stat().st_mode) == mode


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o755])
def test_old_files_keep_their_mode(target: Path, mode: int) -> None:
    target.chmod(mode)
    write_atomically(target, b"new")
    assert stat.S_IMODE(target.stat().st_mode) == mode


def test_long_names(tmp_path: Path) -> None:
    write_atomically(tmp_path / ("x" * 255), b"new")
    with pytest.raises(OSError, match="name too long") as caught:
        write_atomically(tmp_path / ("x" * 256), b"new")
    assert caught.value.filename == str(tmp_path / ("x" * 256))
    assert os.listdir(tmp_path) == ["x" * 255]


@pytest.mark.parametrize("write", [True, False])
def test_what_cannot_be_created(target: Path, monkeypatch: pytest.MonkeyPatch, write: bool) -> None:
    only_the_mode_counts(monkeypatch)
    directory = target.parent

    def create(path: Path) -> None:
        if write:
            write_atomically(path, b"new")
        else:
            check_creatable(path)

    def refused(path: Path, message: str, culprit: Path) -> None:
        with pytest.raises(CreateError, match=message) as caught:
            create(path)
        assert str(path) in str(caught.value)
        assert caught.value.filename == str(culprit)

    refused(directory / "a" / "b", "no such directory", directory / "a")
    refused(target / "b", "not a directory", target)
    refused(directory, "it is a directory", directory)
    target.chmod(0o444)
    refused(target, "write-protected", target)
    target.chmod(0o644)
    directory.chmod(0o555)
    refused(directory / "b", "the directory is not writable", directory)
    directory.chmod(0o755)
    assert os.listdir(directory) == ["out.csv"]


def test_a_directory_that_takes_no_files() -> None:
    with pytest.raises(CreateError) as caught:
        write_atomically("/proc/out.csv", b"new")
    assert caught.value.filename == "/proc"


def test_symbolic_links_stay(target: Path) -> None:
    folder = target.parent / "elsewhere"
    folder.mkdir()
    link, dangling = folder / "link", folder / "dangling"
    link.symlink_to("../out.csv")
    dangling.symlink_to("../new.csv")
    write_atomically(link, b"new")
    write_atomically(dangling, b"made")
    assert link.is_symlink()
    assert dangling.is_symlink()
    assert not target.is_symlink()
    assert target.read_bytes() == b"new"
    assert (target.parent / "new.csv").read_bytes() == b"made"
    (folder / "lost").symlink_to("/missing/directory/x")
    with pytest.raises(CreateError, match="no such directory: '/missing/directory'"):
        write_atomically(folder / "lost", b"new")
    (folder / "folder").symlink_to(folder)
    with pytest.raises(CreateError, match="it is a directory"):
        write_atomically(folder / "folder", b"new")


def test_named_pipes(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    received: list[bytes] = []
    reader = threading.Thread(target=lambda: received.append(pipe.read_bytes()))
    reader.start()
    write_atomically(pipe, b"through")
    reader.join()
    assert received == [b"through"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_devices() -> None:
    write_atomically("/dev/null", b"gone")
    with pytest.raises(OSError, match="No space left") as caught:
        write_atomically("/dev/full", b"new")
    assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, "/dev/full")


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
def test_open_descriptors_are_written_straight(target: Path, name: str) -> None:
    program = f"""
import numpy as np
from reservoir.series.atomic import write_atomically
from reservoir.series.writing import check_output, write_table
print("first")
check_output("{name}")
write_atomically("{name}", b"second\\n")
write_table("{name}", np.ones((1, 1)), ["third"])
print("last")
"""
    inode = target.stat().st_ino
    with open(target, "ab") as stream:
        subprocess.run([sys.executable, "-c", program], env=ENVIRONMENT, stdout=stream, check=True)
    assert target.read_bytes() == b"oldfirst\nsecond\nthird\n1.0\nlast\n"
    assert target.stat().st_ino == inode


def test_a_descriptor_that_is_not_open() -> None:
    with pytest.raises(OSError, match="Bad file descriptor") as caught:
        write_atomically("/dev/fd/987654", b"new")
    assert caught.value.filename == "/dev/fd/987654"


def test_pieces_are_not_held_in_memory(tmp_path: Path) -> None:
    piece = bytes(1 << 20)

    def write(file: BinaryIO) -> None:
        for _ in range(64):
            file.write(piece)

    tracemalloc.start()
    write_atomically(tmp_path / "a", write)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (tmp_path / "a").stat().st_size == 64 << 20
    assert peak < 1 << 20
