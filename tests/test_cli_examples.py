"""The examples in the help: each command has one, and it works as it stands."""

from __future__ import annotations

import shlex

import click
import pytest
from test_cli_program import make_csv, run, wave
from torch_cases import archived

from reservoir.checkpoint.weights_file import write_weights
from reservoir.cli.main import COMMANDS, reservoir


def all_commands():
    """The names of every command, those of groups after the group's."""
    for name in COMMANDS:
        command = reservoir.get_command(None, name)
        if isinstance(command, click.Group):
            yield from ((name, inner) for inner in command.commands)
        else:
            yield (name,)


def example(names):
    """The lines below "Example:" at the end of a help."""
    text = run(*names, "--help").stdout
    _, found, below = text.rpartition("Example:\n")
    assert found, f"{names} has no example"
    return [line.strip() for line in below.splitlines() if line.strip()]


@pytest.fixture
def directory(tmp_path, monkeypatch):
    """Where the examples run: with laser.csv, lstm.npz, and models that examples make."""
    make_csv(tmp_path / "laser.csv", wave(1000)[:, :1], ["intensity"])
    write_weights(tmp_path / "lstm.npz", archived("LSTM", "float64")[0])
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("names", list(all_commands()), ids=" ".join)
def test_example(names, directory):
    for name in ("fit", "import"):
        (made,) = example((name,))
        run(*shlex.split(made)[1:])
    lines = example(names)
    for line in lines:
        words = shlex.split(line)
        assert words[: 1 + len(names)] == ["reservoir", *names]
        result = run(*words[1:])
        if "-o" in words:
            assert (directory / words[words.index("-o") + 1]).stat().st_size > 0
        else:
            assert result.stdout
