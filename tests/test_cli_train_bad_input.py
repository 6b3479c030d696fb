"""Bad input to training: one clear line, the right exit code, and nothing harmed."""

from __future__ import annotations

import os
from dataclasses import replace

import h5py
import numpy as np
import pytest
from test_cli_program import make_csv, make_model, run
from test_cli_program import refused as refused_by
from train_command_cases import SMALL, TASK, series, trained

from reservoir.checkpoint import read, write
from reservoir.jobs.owner import owning

SGD = (*TASK, "--optimizer", "sgd")


def refused(*args, code, env=None):
    """As in the tests of the program, with the first line of a run before the error."""
    result = run(*args, code=code, env=env)
    lines = [line for line in result.stderr.splitlines() if not line.startswith("training ")]
    assert len(lines) == 1, lines
    assert lines[0].startswith("error: ")
    assert result.stdout == ""
    return lines[0]


def files(directory):
    """What is below a directory, but for who owned a run last."""
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file() and path.name != "owner"
    }


@pytest.mark.parametrize(
    "args, code, parts",
    [
        (("--task", "additoin"), 2, ("--task", "unknown task 'additoin'", "'addition'")),
        ((*TASK, "--cell", "lstn"), 2, ("--cell", "unknown cell 'lstn'", "'lstm'")),
        ((*TASK, "--optimizer", "adm"), 2, ("--optimizer", "unknown optimizer 'adm'", "'adam'")),
        ((*TASK, "--optimizer", "lbfgs"), 2, ("there are hf, sgd",)),
        ((*TASK, "--damping", -1), 2, ("--damping",)),
        ((*TASK, "--structural-damping", "nan"), 2, ("--structural-damping",)),
        ((*TASK, "--damping", 1, "--optimizer", "adam"), 65, ("--damping", "adam", "of hf")),
        ((*TASK, "--clip", 1), 65, ("--clip", "'hf'", "adam")),
        ((*TASK, "--leak-rate", 0.5, "--cell", "gru"), 65, ("--leak-rate", "gru", "of rnn")),
        ((*TASK, "--curvature-batch", 20, "--gradient-batch", 10), 65, ("--curvature-batch 20",)),
        ((*TASK, "--structural-damping-c", 0.1), 65, ("--structural-damping-c", "lstm")),
        ((*TASK, "--cell", "lstm", "--no-forget-gate", "--forget-bias", 2), 65,
         ("--forget-bias", "--no-forget-gate")),
        ((*TASK, "--cell", "gru", "--connections", 3), 65, ("--connections", "sparse")),
        ((*TASK, "--connections", 0), 2, ("--connections",)),
        ((*TASK, "--momentum", "exponential:0.9:2", "--optimizer", "sgd"), 2,
         ("--momentum", "is 1.8 at step 1", "from 0 to 1")),
        ((*TASK, "--learning-rate", "nan", "--optimizer", "sgd"), 2, ("--learning-rate",)),
        ((*TASK, "--truncate", "0:5"), 2, ("--truncate", "'0:5'", "20:100")),
        ((*TASK, "--truncate", "5:"), 2, ("--truncate", "'5:'")),
        ((*TASK, "--truncate", "5:9"), 65, ("--truncate", "first-order")),
        ((*TASK, "--time-limit", "soon"), 2, ("--time-limit", "'soon'", "20m")),
        ((*TASK, "--time-limit", 0), 2, ("--time-limit",)),
        ((*TASK, "--marks", "halves"), 65, ("option of addition", "marks")),
        ((*TASK, "--leak-rate", "0.2:0.1"), 2, ("--leak-rate", "'0.2:0.1'", "0.02:0.2")),
        ((*TASK, "--leak-rate", "slow"), 2, ("--leak-rate", "'slow'")),
        ((*SGD, "--learning-rate", "cosin:1:2"), 2, ("--learning-rate", "'cosine'")),
        ((*SGD, "--learning-rate", "fast"), 2, ("--learning-rate", "'fast' is no number")),
        ((*SGD, "--learning-rate", 0), 2, ("--learning-rate", "above 0")),
        ((*SGD, "--momentum", 1.5), 2, ("--momentum", "at most 1")),
        ((*SGD, "--omega", "inf"), 2, ("--omega", "'inf'")),
        ((*SGD, "--clip-value", 0), 2, ("--clip-value",)),
        ((*TASK, "--clip-value", 1), 65, ("--clip-value", "'hf'", "adam")),
        ((*TASK, "--omega", 2), 65, ("omega", "published gradient", "first-order")),
        ((*TASK, "--omega", 2, "--cell", "gru", "--optimizer", "sgd"), 65, ("Omega", "GRU")),
        ((*TASK, "--shrink-exploded", 0.1), 65, ("--shrink-exploded", "Hessian-free")),
        ((*SGD, "--omega-derivative", "exact"), 65, ("--omega-derivative", "--omega")),
        ((*SGD, "--omega-derivative", "exat"), 2, ("--omega-derivative", "'exact'")),
        ((*SGD, "--keep-orthogonal", "--spectral-norm-bound", 1), 65,
         ("--keep-orthogonal and --spectral-norm-bound exclude each other",)),
        ((*SGD, "--freeze", "layers/0/V"), 65,
         ("--freeze: no parameter", "'layers/0/V'", "layers/0/W")),
        ((*SGD, "--freeze", "*"), 65, ("freeze", "none is left")),
        ((*SGD, "--freeze", "layers/*", "--l2", 1), 65, ("--l2 ", "--freeze")),
        ((*TASK, "--epoch", 3), 65, ("--epoch", "--small-batch")),
        ((*SGD, "--small-batch"), 65, ("--small-batch", "of hf")),
        ((*TASK, "--gain", 1, "--spectral-radius", 1), 65, ("--gain", "--spectral-radius")),
        (("s0.csv", "--patience", 3), 2, ("--patience", "--validation")),
        (("s0.csv", "--init-from", "none.h5"), 65, ("none.h5", "no such file")),
        (("s0.csv", "--init-from", "d.h5"), 65, ("d.h5",)),
        ((*TASK, "--plot", "p.pdf"), 2, ("--plot", "png")),
        ((*TASK, "--plot", "no/p.png"), 73, ("no",)),
        ((*TASK, "--requeue-exit-code", 0), 2, ("--requeue-exit-code",)),
        (("--task", "addition", "--length", 3), 65, ("length", "10")),
        ((), 2, ("--task NAME, or DATA",)),
        ((*TASK, "s0.csv"), 2, ("either --task or DATA",)),
        ((*TASK, "--classes"), 2, ("--classes is for DATA",)),
        ((*TASK, "--targets", "last"), 2, ("--targets last is for DATA",)),
        (("s0.csv", "--loss", "softmax_cross_entropy"), 2, ("for labels", "--classes")),
        (("s0.csv", "s1.csv", "--curvature-batch", 3), 65,
         ("--curvature-batch 3: the data have 2",)),
        (("s0.csv", "s1.csv", "--line-search-batch", 2), 65,
         ("--line-search-batch 2: the data have 2", "gradient")),
        ((*TASK, "--horizon", 1), 2, ("--horizon is for DATA",)),
        ((*TASK, "--horizon", 0), 2, ("--horizon is for DATA",)),
        ((*TASK, "--no-standardize"), 2, ("--standardize is for DATA",)),
        (("s0.csv", "--length", 5), 2, ("--length is for --task",)),
        (("s0.csv", "--marks", "halves"), 2, ("--marks is for --task",)),
        (("s0.csv", "--target", 0.1), 2, ("--validation",)),
        (("s0.csv", "--validation", "s1.csv", "--validation-fraction", 0.5), 2, ("not both",)),
        (("s0.csv", "--validation-fraction", 0.5), 65, ("--validation-fraction", "there is one")),
        (("none.csv",), 65, ("none.csv", "No such file")),
        (("s0.csv", "none.h5"), 65, ("none.h5", "No such file")),
        (("s0.csv", "--target-columns", "z"), 2, ("s0.csv", "'z'")),
        (("s0.csv", "--input-columns", "x,y,label", "--target-columns", "x,y,label",
          "--horizon", 15), 65, ("s0.csv", "15 rows")),
        (("s0.csv", "--target-columns", "x,y,label"), 2, ("no column is left",)),
        (("s0.csv", "--target-columns", "x,y", "--classes"), 2, ("labels take one target column",)),
        (("s0.csv", "--target-columns", "y", "--classes"), 65, ("s0.csv", "whole number")),
        (("s0.csv", "--target-columns", "label", "--classes"), 65, ("all labels are 3",)),
        (("s0.csv", "--target-columns", "y", "--targets", "last", "--horizon", 1), 2,
         ("--horizon",)),
        (("s0.csv", "s1.csv", "--gradient-batch", 3), 65, ("--gradient-batch 3", "2 sequences")),
        (("s0.csv", "s1.csv", "--backtracking-batch", 2), 65,
         ("--backtracking-batch 2", "2 sequences")),
        (("s0.csv", "--target-columns", "y", "--loss", "logistic_cross_entropy"), 65,
         ("series 0",)),
        (("bad.csv",), 65, ("bad.csv", "row 1", "NaN")),
        (("s0.csv", "d.h5"), 65, ("d.h5 holds many sequences, s0.csv is a table",)),
        (("d.h5", "--input-columns", "0"), 2, ("--input-columns", "d.h5")),
        (("d.h5", "e.h5"), 65, ("e.h5 has other columns or targets than d.h5",)),
        (("d.h5", "--validation", "e.h5"), 65, ("--validation has 6 inputs, the data have 2",)),
        (("s0.csv", "--input-columns", "x", "--validation", "d.h5"), 2, ("--input-columns",)),
        (("nan.h5",), 65, ("series 1", "step 2", "column 0")),
        (("damaged.h5",), 65, ("damaged.h5",)),
    ],
)  # fmt: skip
def test_refused(here, args, code, parts):
    series(here, 2)
    (here / "bad.csv").write_text("x,y\n1,2\n,4\n")
    run("task", "addition", "--length", 10, "--sequences", 3, "-o", "d.h5", "-q")
    run("task", "temporal_order", "--length", 10, "--sequences", 3, "-o", "e.h5", "-q")
    (here / "nan.h5").write_bytes((here / "d.h5").read_bytes())
    with h5py.File("nan.h5", "r+") as file:
        file["inputs"][int(file["lengths"][0, 0]) + 2, 0] = np.nan
    (here / "damaged.h5").write_bytes((here / "d.h5").read_bytes()[:1000])
    before = files(here)
    message = refused("train", *args, "--units", 5, "-o", "r", code=code)
    assert all(part in message for part in parts), message
    assert files(here) == before
    assert not (here / "r").exists()


@pytest.mark.parametrize(
    "text, parts",
    [
        ("[train]\nunits = 5\nunts = 3\n", ("line 3", "[train]", "'unts'", "'units'")),
        ("# a job\n[trian]\nunits = 5\n", ("line 2", "[trian]", "'train'")),
        ('[train]\n\nunits = "many"\n', ("line 3", "[train] units", "'many'", "whole number")),
        ("[fit]\nunits = 3\n[train]\nunits = 2.5\n", ("line 4", "[train] units", "2.5")),
        ('[train]\ncell = "gro"\n', ("line 2", "unknown cell 'gro'", "'gru'")),
        ("[train]\ndamping = -1\n", ("line 2", "[train] damping", "-1")),
        ("[train]\ntime_limit = true\n", ("line 2", "[train] time_limit", "20m")),
        ('[train]\nlearn_leak = "yes"\n', ("line 2", "true or false")),
        ("units = 3\n", ("line 1", "'units'", "in no table")),
        ("[train]\nvalidation = [1]\n", ("line 2", "a text or a list of texts")),
        ("[train\n", ("job.toml", "line 1")),
    ],
)
def test_job_files(here, text, parts):
    (here / "job.toml").write_text(text)
    message = refused("train", "job.toml", *TASK, "-o", "r", code=2)
    assert all(part in message for part in ("job.toml", *parts)), message
    assert not (here / "r").exists()


def test_a_job_file_that_is_no_text(here):
    (here / "job.toml").write_bytes(b"\xba\x00\xff")
    assert "job.toml is no text in UTF-8" in refused("train", "job.toml", "-o", "r", code=2)


def test_targets_of_each_step_are_not_the_last_ones(here):
    run("task", "copy", "--length", 5, "--sequences", 3, "-o", "c.h5", "-q")
    message = refused("train", "c.h5", "--targets", "last", "-o", "r", code=2)
    assert "c.h5 has a target at each step" in message


def test_help_of_a_number_without_bounds(here):
    assert "None]" not in run("train", "--help").stdout


def test_two_job_files(here):
    (here / "job.toml").write_text("[train]\nunits = 5\n")
    for args in (("job.toml", "--config", "job.toml"), ("--config", "job.toml", "job.toml")):
        assert "two job files" in refused("train", *args, *TASK, "-o", "r", code=2)


def test_a_wrong_variable(here):
    env = {"RESERVOIR_TRAIN_CELL": "gro"}
    message = refused("train", *TASK, "-o", "r", code=2, env=env)
    assert "RESERVOIR_TRAIN_CELL" in message


# ---- the run directory


def test_another_job(here):
    trained(steps=1)
    before = files(here)
    for change, part in (
        (("--units", 6), "network.units: 5, now 6"),
        (("--damping", 1), "optimizer.damping: 0.1, now 1.0"),
        (("--length", 20), "data.length: 10, now 20"),
        (("--seed", 5), "seed: 0, now 5"),
        (("--optimizer", "adam", "--curvature-batch", 1), ""),
    ):
        message = refused("train", *TASK, *SMALL, "--seed", 0, "-o", "r", *change, code=65)
        assert part in message
    assert files(here) == before
    trained(steps=2)


def test_a_run_of_files_and_one_of_a_task(here):
    trained(steps=0)
    paths = series(here, 2)
    message = refused("train", *paths, "--units", 5, "--seed", 0, "-o", "r", code=65)
    assert "data.task: addition, now none" in message


def test_a_checkpoint_of_something_else(here):
    _, model = make_model(here)
    (here / "r").mkdir()
    (here / "r" / "step-000007.h5").write_bytes(model.read_bytes())
    before = files(here)
    message = refused("train", *TASK, *SMALL, "-o", "r", code=65)
    assert "r/step-000007.h5 is no checkpoint of a training job" in message
    assert files(here) == before
    run("train", *TASK, *SMALL, "-o", "r", "--fresh", "--max-steps", 0)
    assert (here / "r" / "before" / "step-000007.h5").exists()


def test_a_directory_in_use(here):
    trained(steps=1)
    before = files(here)
    with owning(here / "r"):
        result = run("train", *TASK, *SMALL, "--seed", 0, "-o", "r", "--fresh", code=75)
    lines = [line for line in result.stderr.splitlines() if line.startswith("warning: ")]
    assert lines[0].startswith(f"warning: r is in use by process {os.getpid()} on ")
    assert result.stdout == ""
    assert files(here) == before


def test_places_that_cannot_be(here):
    (here / "file").write_text("x")
    assert "file" in refused("train", *TASK, *SMALL, "-o", "file", code=73)
    assert "no" in refused("train", *TASK, *SMALL, "-o", "no/r", code=73)
    assert (here / "file").read_text() == "x"


def test_a_full_disk(here, monkeypatch):
    trained(steps=1)
    before = files(here)

    def full(*args, **options):
        raise OSError(28, "No space left on device", "r/step-000002.h5")

    with monkeypatch.context() as patch:  # the directory of the fixture stays
        patch.setattr("reservoir.jobs.run_directory.write", full)
        result = run("train", *TASK, *SMALL, "--seed", 0, "--max-steps", 3, "-o", "r", code=74)
    errors = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert errors == ["error: r/step-000002.h5: No space left on device"]
    after = files(here)
    assert after.pop("r/metrics.jsonl").startswith(before.pop("r/metrics.jsonl"))
    assert after == before
    trained(steps=3)
    assert (here / "r" / "step-000003.h5").exists()


# ---- other commands


@pytest.mark.parametrize(
    "job, code",
    [
        ({"data": 3, "horizon": "far", "seed": True, "optimizer": 1}, 2),
        ({"data": {"task": "none", "length": 10}}, 65),
        ({"data": {"task": "addition", "length": "long"}}, 65),
        ({"data": {"task": ["addition"], "length": 10}}, 65),
        ({"data": {"task": "addition", "length": 10, "__class__": 1}}, 65),
        ({"data": {"task": "temporal_order", "length": 10}}, 65),
    ],
)
def test_a_job_that_makes_no_sense(here, job, code):
    trained(steps=0)
    path = here / "r" / "step-000000.h5"
    checkpoint = read(path)
    write(replace(checkpoint, run=replace(checkpoint.run, job=job)), path)
    refused_by("evaluate", "r", code=code)
    run("inspect", "r")
    refused("train", *TASK, *SMALL, "-o", "r", code=65)


@pytest.mark.parametrize(
    "args, code, parts",
    [
        (("evaluate", "empty"), 65, ("empty", "without a checkpoint")),
        (("inspect", "empty"), 65, ("empty", "without a checkpoint")),
        (("predict", "empty", "d.h5"), 65, ("empty", "without a checkpoint")),
        (("evaluate", "none"), 65, ("none", "no such file")),
        (("evaluate", "r/best.h5", "--best"), 2, ("--best", "r/best.h5")),
        (("evaluate", "r", "e.h5"), 65, ("e.h5", "6 inputs", "2")),
        (("evaluate", "r", "d.h5", "--seed", 1), 2, ("--seed",)),
        (("evaluate", "r", "d.h5", "--missing-targets", "skip"), 2, ("--missing-targets",)),
        (("evaluate", "r", "s0.csv"), 2, ("--target-columns",)),
        (("predict", "r", "s0.csv"), 2, ("s0.csv", "--input-columns")),
        (("predict", "r", "e.h5"), 65, ("e.h5", "6 inputs")),
        (("predict", "r", "d.h5", "--input-columns", "0"), 2, ("--input-columns",)),
        (("predict", "r"), 2, ("DATA",)),
        (("evaluate", "wave.h5"), 2, ("DATA",)),
        (("evaluate", "wave.h5", "wave.csv", "--sequences", 5), 2, ("--sequences",)),
        (("forecast", "r/best.h5", "--steps", 3), 2, ("trained network", "DATA")),
    ],
)
def test_refused_by_others(here, args, code, parts):
    trained(steps=1)
    series(here, 1)
    make_model(here)
    make_csv(here / "two.csv", np.zeros((3, 2)), ["x", "y"])
    (here / "empty").mkdir()
    run("task", "addition", "--length", 10, "--sequences", 3, "-o", "d.h5", "-q")
    run("task", "temporal_order", "--length", 10, "--sequences", 3, "-o", "e.h5", "-q")
    before = files(here)
    message = refused_by(*args, code=code)
    assert all(part in message for part in parts), message
    assert files(here) == before


def test_damage_is_passed_over_and_left_alone(here):
    trained(steps=2)
    (here / "r" / "step-000002.h5").write_bytes(b"half")
    done = run("inspect", "r")
    assert done.stdout.startswith("file        r/step-000001.h5")
    assert done.stderr.startswith("warning: r/step-000002.h5: is not an HDF5 file; an older one")
    assert (here / "r" / "step-000002.h5").read_bytes() == b"half"
    (here / "r" / "best.h5").write_bytes(b"half")
    assert "best.h5" in refused_by("inspect", "r", "--best", code=65)
