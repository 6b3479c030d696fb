"""Targets of losses: what is taken, in which type, and what is refused with its place."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hfopt import LOSSES

SQUARED = LOSSES["squared_error"]
SOFTMAX = LOSSES["softmax_cross_entropy"]


@pytest.mark.parametrize(
    "given_dtype, result",
    [
        ("f4", "f4"),
        (">f4", "f4"),
        ("f8", "f8"),
        ("f2", "f8"),
        ("g", "f8"),
        ("i8", "f8"),
        ("?", "f8"),
    ],
)
@pytest.mark.parametrize("name", LOSSES)
def test_dtypes_of_targets(name, given_dtype, result):
    targets = np.array([[1, 0], [0, 1], [0, 1]]).astype(given_dtype)
    checked = LOSSES[name].check_targets(targets, 3, 2)
    assert checked.dtype == np.dtype(result)
    assert checked.tolist() == [[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]


@pytest.mark.parametrize("dtype", ["i1", "u1", "i8", "u8", ">i4"])
def test_labels_are_checked_into_one_dtype(dtype):
    checked = SOFTMAX.check_targets(np.array([2, 0, 199 if dtype != "i1" else 9], dtype), 3, 200)
    assert checked.dtype == np.intp
    assert checked[:2].tolist() == [2, 0]


ALL = tuple(LOSSES)
ROW_2 = r"row 2, column 1 \(counted from 0\); expected "


@pytest.mark.parametrize(
    "names, targets, message",
    [
        (ALL, np.zeros((2, 3)), r"shape \(3, 2\), rows by outputs; got \(2, 3\)"),
        (ALL, np.zeros((3, 2, 1)), r"shape \(3, 2\).*got \(3, 2, 1\)"),
        (ALL, 1.0, r"shape \(3, 2\).*got \(\)"),
        (ALL[:2], np.zeros(3), r"shape \(3, 2\).*got \(3,\)"),
        (ALL, [[1, 0], [0], [1, 0]], "not an array of numbers"),
        (ALL, np.full((3, 2), 0.5j), "real numbers; their dtype is complex128"),
        (ALL, np.full((3, 2), "a"), "real numbers; their dtype is <U1"),
        (ALL, np.full((3, 2), None), "real numbers; their dtype is object"),
        (ALL, np.ma.masked_equal(np.eye(3, 2), 1.0), "masked array"),
        (ALL, [[1, 0], [1, 0], [1, math.nan]], "NaN at " + ROW_2 + "a finite number"),
        (ALL, [[1, 0], [1, 0], [1, -math.inf]], "-inf at " + ROW_2 + "a finite number"),
        (ALL[1:2], [[1, 0], [1, 0], [1, 1.5]], "1.5 at " + ROW_2 + r"a number in \[0, 1\]"),
        (ALL[1:2], [[1, 0], [1, 0], [1, -0.5]], "-0.5 at " + ROW_2 + r"a number in \[0, 1\]"),
        (ALL[2:], [[1, 0], [1, 0], [1.5, -0.5]], "-0.5 at " + ROW_2 + "a probability, at least 0"),
        (ALL[2:], [[1, 0], [1, 0], [0.5, 0.25]], r"the sum 0\.75 over columns 0 to 1 at row 2"),
        (ALL[2:], [[1, 0], [0, 0], [1, 0]], r"the sum 0\.0 over columns 0 to 1 at row 1"),
        (ALL[2:], [0, 1, 2], r"class label 2 at row 2 \(counted from 0\); expected 0 to 1"),
        (ALL[2:], [0, -1, 1], r"class label -1 at row 1 \(counted from 0\); expected 0 to 1"),
        (ALL[2:], np.array([0, 2**64 - 1, 0], "u8"), f"class label {2**64 - 1} at row 1"),
        (ALL[2:], [0, 1], r"class labels must have shape \(3,\), got \(2,\)"),
        (ALL[2:], [0.0, 1.0, 1.0], "class labels must be integers; their dtype is float64"),
    ],
)
def test_bad_targets(names, targets, message):
    for name in names:
        with pytest.raises(ValueError, match=message):
            LOSSES[name].check_targets(targets, 3, 2)


def test_too_large_long_doubles_are_infinite():
    targets = np.zeros((3, 2), np.longdouble)
    targets[2, 1] = np.longdouble("1e4000") if np.finfo(np.longdouble).maxexp > 1024 else np.inf
    with pytest.raises(ValueError, match="inf at " + ROW_2):
        SQUARED.check_targets(targets, 3, 2)


def test_probabilities_of_float32_sum_to_one_well_enough():
    outputs = np.random.default_rng(0).standard_normal((100, 3000)).astype(np.float32)
    probabilities = SOFTMAX.mean(outputs)
    assert SOFTMAX.check_targets(probabilities, 100, 3000) is probabilities
    with pytest.raises(ValueError, match="sum to 1"):
        SOFTMAX.check_targets(probabilities * np.float32(1.0001), 100, 3000)
