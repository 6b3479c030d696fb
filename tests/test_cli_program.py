"""The program as a whole: help, exit codes, the log. ``run`` and ``make_series`` are shared."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time

import click
import numpy as np
import pytest
from click.testing import CliRunner

from reservoir.cli import failures
from reservoir.cli.log import Log
from reservoir.cli.main import COMMANDS, reservoir
from reservoir.errors import CheckpointError, ColumnError, CreateError, DataError

PROGRAM = (sys.executable, "-m", "reservoir.cli.main")


def run(*args, code=0, stdin=None, env=None):
    """Run the program in this process, as ``main`` does, and check its exit code."""
    result = CliRunner().invoke(reservoir, [str(arg) for arg in args], input=stdin, env=env)
    assert result.exit_code == code, (result.exit_code, result.stdout, result.stderr)
    return result


def refused(*args, code, stdin=None, env=None):
    """Run the program, check that it refuses in one line, and return that line."""
    result = run(*args, code=code, stdin=stdin, env=env)
    lines = result.stderr.splitlines()
    assert lines, result.stdout
    assert lines[-1].startswith("error: ")
    assert all(line.startswith(("error: ", "warning: ", "fitting ")) for line in lines)
    assert sum(line.startswith("error: ") for line in lines) == 1
    return lines[-1].removeprefix("error: ")


def process(*args, **options):
    """Run the program in a process of its own."""
    options = {"capture_output": True, "text": True, "timeout": 60} | options
    return subprocess.run([*PROGRAM, *map(str, args)], **options)


def wave(steps, seed=0):
    """A series (steps, 2) that is easy to predict: a slow and a fast wave with a little noise."""
    t = np.arange(steps)
    columns = np.stack([np.sin(0.2 * t), np.cos(0.51 * t) + 0.3 * np.sin(0.2 * t)], axis=1)
    return 10 + 3 * columns + 0.01 * np.random.default_rng(seed).standard_normal((steps, 2))


def make_csv(path, values, names):
    """Write a table with a header, all digits kept."""
    rows = [",".join(map(repr, row)) for row in np.asarray(values, float).tolist()]
    path.write_text("\n".join([",".join(names), *rows]) + "\n")
    return path


def make_series(directory, steps=300):
    """Write wave.csv with the columns slow and fast."""
    return make_csv(directory / "wave.csv", wave(steps), ["slow", "fast"])


def make_model(directory, *options, steps=300):
    """Write wave.csv and fit wave.h5 to it."""
    data, model = make_series(directory, steps), directory / "wave.h5"
    run("fit", data, "-o", model, "--units", 20, "--seed", 1, "-q", *options)
    return data, model


# ---- help and version


def test_help_imports_nothing_that_computes():
    code = (
        "import sys\n"
        "from reservoir.cli.main import reservoir\n"
        "for args in [[], *([name] for name in sys.argv[1:]), ['config', 'show']]:\n"
        "    try: reservoir.main([*args, '--help'])\n"
        "    except SystemExit as end: assert end.code in (0, None), args\n"
        "heavy = {'numpy', 'numba', 'scipy', 'h5py', 'matplotlib', 'sklearn'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    ended = subprocess.run([sys.executable, "-c", code, *COMMANDS], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.count("Usage: reservoir") == len(COMMANDS) + 2


def test_help_takes_a_quarter_of_a_second_at_most():
    taken = []
    for _ in range(5):  # processor time, and the best of some: others may use the machine
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert process("--help").returncode == 0
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        taken.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        if taken[-1] < 0.25:
            return
    pytest.fail(f"processor seconds: {taken}")


def test_short_help_and_version():
    assert run("-h").stdout == run("--help").stdout
    assert run("fit", "-h").stdout.startswith("Usage: reservoir fit [OPTIONS] DATA...")
    assert run("--version").stdout.startswith("reservoir ")


def test_every_command_is_in_the_help_with_a_text():
    text = run("--help").stdout
    for name in COMMANDS:
        assert any(line.split()[0] == name and len(line.split()) > 3 for line in
                   text.splitlines() if line.startswith(f"  {name} ")), name  # fmt: skip


def test_without_a_command_the_help_and_the_code_of_wrong_usage():
    result = run(code=2)
    assert "Usage: reservoir" in result.stderr
    assert result.stdout == ""


def test_unknown_command_and_option():
    assert "'fitt'" in refused("fitt", code=2)
    assert "--unit-s" in refused("fit", "a.csv", "--unit-s", 3, code=2)
    assert "reservoir fit -h" in refused("fit", "a.csv", code=2)  # -o is missing
    assert "Missing command" in refused("config", code=2)


def test_completion_of_the_shell():
    env = os.environ | {
        "_RESERVOIR_COMPLETE": "bash_complete", "COMP_WORDS": "reservoir fo", "COMP_CWORD": "1",
    }  # fmt: skip
    assert "forecast" in process(env=env).stdout


# ---- failures


@pytest.mark.parametrize(
    "error, code, message",
    [
        (click.Abort(), 130, "interrupted"),
        (click.UsageError("no such thing"), 2, "no such thing"),
        (click.ClickException("not here"), 1, "not here"),
        (ColumnError("no column 'a'"), 2, "no column 'a'"),
        (DataError("NaN"), 65, "NaN"),
        (CheckpointError("not one"), 65, "not one"),
        (CreateError(2, "cannot create x, no such directory", "d"), 73,
         "cannot create x, no such directory: d"),
        (OSError(28, "No space left on device", "x.csv"), 74, "x.csv: No space left on device"),
        (OSError(28, "No space left on device"), 74, "No space left on device"),
        (MemoryError(), 1, "out of memory"),
        (KeyError("k"), 1, "KeyError: 'k' (RESERVOIR_DEBUG=1 shows where)"),
    ],
)  # fmt: skip
def test_exit_codes(error, code, message):
    assert failures.exit_code(error) == code
    assert failures.message(error) == message


def broken(error):
    def function(*_):
        raise error

    return function


def test_interrupt(tmp_path, monkeypatch):
    _, model = make_model(tmp_path)
    monkeypatch.setattr("reservoir.cli.inspecting.print_all", broken(KeyboardInterrupt()))
    assert run("inspect", model, code=130).stderr.split() == ["error:", "interrupted"]


def test_unexpected_error_in_one_line_and_its_traceback_if_asked(tmp_path, monkeypatch):
    _, model = make_model(tmp_path)
    monkeypatch.setattr("reservoir.cli.inspecting.print_all", broken(TypeError("a\nb")))
    assert refused("inspect", model, code=1) == "TypeError: a b (RESERVOIR_DEBUG=1 shows where)"
    told = run("inspect", model, code=1, env={"RESERVOIR_DEBUG": "1"}).stderr
    assert "Traceback" in told
    assert told.splitlines()[-1].startswith("error: TypeError")


def test_broken_pipe_is_quiet(tmp_path):
    _, model = make_model(tmp_path)
    big = make_csv(tmp_path / "big.csv", wave(20_000), ["slow", "fast"])
    command = [*PROGRAM, "predict", str(model), str(big)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as writer:
        assert writer.stdout.readline() == b"step,slow,fast\n"
        writer.stdout.close()
        assert writer.stderr.read() == b""
        assert writer.wait(30) == 1


def test_interrupt_while_waiting_for_input(tmp_path):
    _, model = make_model(tmp_path)
    command = [*PROGRAM, "predict", str(model), "-"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as waiting:
        deadline = time.monotonic() + 30
        while not asleep_in_read(waiting.pid) and time.monotonic() < deadline:
            time.sleep(0.05)
        waiting.send_signal(signal.SIGINT)
        assert waiting.communicate(timeout=30)[1].split() == [b"error:", b"interrupted"]
        assert waiting.returncode == 130


def asleep_in_read(pid):
    """Whether a process waits for its standard input."""
    with open(f"/proc/{pid}/syscall") as file:
        return file.read().startswith("0 0x0 ")  # read(0, ...)


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("command", ["predict", "inspect", "config"])
def test_full_standard_output(tmp_path, command, unbuffered):
    data, model = make_model(tmp_path)
    arguments = {"predict": (model, data), "inspect": (model,), "config": ("show", "fit")}
    environment = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    with open("/dev/full", "w") as full:
        ended = process(command, *arguments[command], stdout=full, capture_output=False,
                        stderr=subprocess.PIPE, env=environment)  # fmt: skip
    assert ended.returncode == 74
    assert len(ended.stderr.splitlines()) == 1
    assert "No space left" in ended.stderr


def test_closed_standard_streams(tmp_path):
    _, model = make_model(tmp_path)
    command = " ".join(PROGRAM)
    ended = subprocess.run(f"{command} predict {model} - <&- >&-", shell=True, capture_output=True)
    assert ended.returncode == 65
    assert ended.stderr == b"error: standard input: the file is empty\n"


# ---- the log


def test_log_as_json(tmp_path):
    data = make_series(tmp_path)
    said = run("fit", data, "-o", tmp_path / "m.h5", "--units", 10, "--seed", 3,
               "--log-format", "json").stderr  # fmt: skip
    (event,) = map(json.loads, said.splitlines())
    assert event["level"] == "info"
    assert event["seed"] == 3
    assert "10 units" in event["message"]


def test_numbers_that_json_does_not_have_are_null(capsys):
    told = Log()
    told.format = "json"
    told.info("it ran away", rmse=float("inf"), steps=np.int64(3))
    event = json.loads(capsys.readouterr().err, parse_constant=pytest.fail)
    assert (event["rmse"], event["steps"]) == (None, 3)


def test_errors_as_json_too(tmp_path):
    env = {"RESERVOIR_LOG_FORMAT": "json"}
    event = json.loads(run("inspect", tmp_path / "no.h5", code=65, env=env).stderr)
    assert (event["level"], event["code"]) == ("error", 65)


def test_quiet_says_nothing_but_warnings(tmp_path):
    data = make_series(tmp_path)
    options = ("-o", tmp_path / "m.h5", "--units", 10, "--seed", 3)
    assert run("fit", data, *options, "-q").stderr == ""
    assert run("fit", data, *options).stderr != ""


def test_a_warning_of_the_library_is_one_line(tmp_path):
    sine = make_csv(tmp_path / "s.csv", np.sin(0.2 * np.arange(300))[:, None], ["s"])
    options = ("--units", 100, "--seed", 0, "--ridge", 0, "-q")
    said = run("fit", sine, "-o", tmp_path / "m.h5", *options).stderr
    (line,) = said.splitlines()
    assert line.startswith("warning: the readout is ill-conditioned")


def test_wrong_number_of_threads():
    message = refused("warmup", code=2, env={"RESERVOIR_THREADS": "many"})
    assert "RESERVOIR_THREADS is 'many'" in message
