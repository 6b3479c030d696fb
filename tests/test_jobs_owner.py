"""Who works in a run directory."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys

import pytest

from reservoir.errors import InUseError
from reservoir.jobs.owner import NAME, owning

HOLD = """
import sys
from pathlib import Path
from reservoir.jobs.owner import owning
with owning(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_the_file_says_who_it_is(tmp_path, monkeypatch):
    monkeypatch.setenv("SLURM_JOB_ID", "77")
    with owning(tmp_path):
        told = json.loads((tmp_path / NAME).read_text())
        assert told["host"] == socket.gethostname()
        assert told["pid"] == os.getpid()
        assert told["job"] == {"scheduler": "slurm", "id": "77"}


def test_two_at_once(tmp_path):
    with (
        owning(tmp_path),
        pytest.raises(InUseError, match=rf"in use by process {os.getpid()} on"),
        owning(tmp_path),
    ):
        pass
    with owning(tmp_path):
        pass


def test_a_file_that_nobody_holds_is_no_owner(tmp_path):
    (tmp_path / NAME).write_text("left by a crash, and longer than what is written there now" * 9)
    with owning(tmp_path):
        assert json.loads((tmp_path / NAME).read_text())["pid"] == os.getpid()


def test_an_owner_that_says_nothing(tmp_path):
    with owning(tmp_path):
        (tmp_path / NAME).write_text("{}")
        with pytest.raises(InUseError, match="in use by another process"), owning(tmp_path):
            pass


def test_a_killed_owner_holds_nothing(tmp_path):
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(InUseError, match=f"process {other.pid}"), owning(tmp_path):
            pass
        other.kill()
        other.wait()
        with owning(tmp_path):
            pass
