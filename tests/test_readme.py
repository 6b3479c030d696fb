"""The README's examples run as they stand."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).parent.parent / "README.md"
PYTHON = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
CONSOLE = re.findall(r"```console\n(.*?)```", README.read_text(), re.DOTALL)


@pytest.fixture
def program(tmp_path, monkeypatch):
    """A directory of its own, with ``reservoir`` and ``python`` as this environment has them."""
    monkeypatch.chdir(tmp_path)
    commands = {
        "reservoir": [sys.executable, "-m", "reservoir.cli.main"],
        "python": [sys.executable],
    }
    root = str(README.parent)
    environment = {**os.environ, "PYTHONPATH": root}

    def run(line):
        name, *arguments = shlex.split(line)
        return subprocess.run(
            commands[name] + arguments, env=environment, capture_output=True, text=True
        )

    return run


def test_there_are_examples():
    assert len(PYTHON) >= 2
    assert sum(line.startswith("$ reservoir") for line in CONSOLE[0].splitlines()) >= 7


def test_python_examples(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {}
    for block in PYTHON:
        exec(compile(block, "README.md", "exec"), names)
    assert names["future"].shape == (100, 1)
    assert names["states"].shape == (500, 500)
    assert [p.shape for p in names["predictions"]] == [(300,), (450,), (200,)]


def test_console_examples(program, tmp_path):
    for block in CONSOLE:
        for line in block.splitlines():
            done = program(line.removeprefix("$ "))
            assert done.returncode == 0, (line, done.stderr)
    assert len((tmp_path / "forecast.csv").read_text().splitlines()) == 101
    assert (tmp_path / "forecast.png").read_bytes().startswith(b"\x89PNG")


def test_every_command_is_in_the_table():
    from reservoir.cli.main import reservoir as group

    text = README.read_text()
    for name in group.list_commands(None):
        assert re.search(rf"^\| `{name}\b", text, re.MULTILINE), name
