"""Training jobs on given sequences."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from training_cases import run, small_job

from reservoir.errors import DataError
from reservoir.jobs.given_source import Sequences, given
from reservoir.jobs.training import Ending
from reservoir.tasks import task


def sequences(count=12, seed=0):
    sample = task("addition", 10).draw(count, seed, dtype="float64")
    return Sequences(sample, "squared_error", target_names=("sum",))


def test_given_sequences(tmp_path):
    source = given(sequences(), validation=sequences(6, 1))
    outcome = run(small_job(source=source), tmp_path / "r", target=1e9)
    assert outcome.ending is Ending.TARGET
    assert outcome.score.loss == outcome.history["validation_loss"][-1]
    assert np.isnan(outcome.score.wrong)


def test_without_validation_nothing_is_the_best(tmp_path):
    outcome = run(small_job(source=given(sequences())), tmp_path / "r")
    assert outcome.score is None
    assert np.isnan(outcome.history["validation_loss"]).all()
    assert not (tmp_path / "r" / "best.h5").exists()


def test_other_numbers_are_another_job(tmp_path):
    run(small_job(source=given(sequences())), tmp_path / "r", max_steps=1)
    with pytest.raises(DataError, match=r"data\.sha256: "):
        run(small_job(source=given(sequences(seed=1))), tmp_path / "r")


def test_a_fraction_is_held_out():
    source = given(sequences(), fraction=0.25, seed=3)
    assert (source.count, len(source.held_out)) == (9, 3)
    every = [one.tobytes() for one in sequences().sample.inputs]
    parts = [one.tobytes() for one in (*source.data.sample.inputs, *source.held_out.inputs)]
    assert sorted(parts) == sorted(every)
    again = given(sequences(), fraction=0.25, seed=3)
    assert again.document == source.document
    assert given(sequences(), fraction=0.25, seed=4).document != source.document


def test_one_sequence_cannot_be_split():
    with pytest.raises(DataError, match="--validation-fraction holds out whole sequences"):
        given(sequences(1), fraction=0.5)
    assert given(sequences(1)).count == 1


def test_labels_are_numbered_as_those_learned():
    labelled = Sequences(
        task("temporal_order", 10).draw(20, 0), "softmax_cross_entropy",
        classes=np.array([3, 5, 7, 9]),
    )  # fmt: skip
    some = Sequences(
        task("temporal_order", 10).draw(20, 1)[:6], "softmax_cross_entropy",
        classes=np.array([1, 5, 7, 9]),
    )  # fmt: skip
    with pytest.raises(DataError, match=r"the label 1 is not among those learned: 3, 5, 7, 9"):
        given(labelled, validation=some)
    two = Sequences(
        replace(some.sample, targets=np.array([0, 1, 1, 0, 1, 0])), "softmax_cross_entropy",
        classes=np.array([5, 9]),
    )  # fmt: skip
    source = given(labelled, validation=two)
    np.testing.assert_array_equal(source.held_out.targets, [1, 3, 3, 1, 3, 1])


def test_scalers_are_those_of_what_is_learned():
    data = sequences()
    source = given(data, standardize=True)
    rows = np.concatenate(data.sample.inputs)
    np.testing.assert_allclose(source.scalers[0].mean, rows.mean(0))
    np.testing.assert_allclose(source.scalers[1].scale, data.sample.targets.std(0))
    plain = given(data, standardize=False)
    assert (plain.scalers[0].scale == 1).all()
