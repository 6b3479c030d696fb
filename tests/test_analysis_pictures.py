"""Pictures: what is drawn, by the axes before they become pixels, and that they are PNG."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from reservoir.analysis import pictures
from reservoir.esn.model import RidgePath


@pytest.fixture
def drawn(monkeypatch):
    """The figures that are drawn, kept."""
    figures = []
    png = pictures.png

    def keeping(figure):
        figures.append(figure)
        return png(figure)

    monkeypatch.setattr(pictures, "png", keeping)
    return figures


def lines(axes):
    """The lines of a panel by their names in the legend."""
    return {line.get_label(): line.get_xydata() for line in axes.get_lines()}


def path(targets, chosen):
    candidates = np.array([0.0, 1e-3, 1.0, 1e3])
    errors = np.outer([4.0, 1.0, 2.0, 9.0], np.arange(1, targets + 1))
    return RidgePath("blocks", candidates, errors, np.array(chosen), 1e5, 100)


def test_ridge_path(drawn):
    assert pictures.ridge_path_picture(path(1, [1e-3]), ["x"]).startswith(b"\x89PNG")
    (axes,) = drawn[0].axes
    assert axes.get_xscale() == axes.get_yscale() == "log"
    found = lines(axes)
    np.testing.assert_allclose(found["x"], [[1e-3, 1], [1, 2**0.5], [1e3, 3]])
    assert found["chosen: 0.001"][:, 0].tolist() == [1e-3, 1e-3]
    assert "ridge" in axes.get_xlabel()
    assert "error" in axes.get_ylabel()


def test_ridge_path_of_several_targets(drawn):
    pictures.ridge_path_picture(path(2, [1e-3, 1.0]), ["x", "y"])
    found = lines(drawn[0].axes[0])
    np.testing.assert_allclose(found["all targets"][:, 1], np.sqrt([1.5, 3, 13.5]))
    assert {"x", "y", "chosen"} <= set(found)
    marks = [line.get_xydata()[0].tolist() for line in drawn[0].axes[0].get_lines()
             if len(line.get_xydata()) == 1]  # fmt: skip
    assert marks == [[1e-3, 1.0], [1.0, 2.0]]


def test_forecast(drawn):
    rng = np.random.default_rng(0)
    before, truth, said = (rng.standard_normal((n, 2)) for n in (10, 5, 8))
    pictures.forecast_picture(before, truth, {"forecast": said, "control": -said}, ["3", "y"], 100)
    upper, lower = drawn[0].axes
    for m, axes in enumerate((upper, lower)):
        found = lines(axes)
        assert found["truth"][:, 0].tolist() == list(range(90, 105))
        np.testing.assert_array_equal(found["truth"][:, 1], np.concatenate([before, truth])[:, m])
        assert found["forecast"][:, 0].tolist() == list(range(100, 108))
        np.testing.assert_array_equal(found["forecast"][:, 1], said[:, m])
        np.testing.assert_array_equal(found["control"][:, 1], -said[:, m])
    assert (upper.get_ylabel(), lower.get_ylabel()) == ("column 3", "y")
    assert lower.get_xlabel() == "step"


def test_forecast_without_truth(drawn):
    nothing = np.empty((0, 1))
    pictures.forecast_picture(nothing, nothing, {"forecast": np.ones((4, 1))}, ["x"], 0)
    assert "truth" not in lines(drawn[0].axes[0])


def test_a_forecast_that_runs_away_leaves_the_truth_readable(drawn):
    truth = np.array([[0.0], [np.nan], [10.0], [5.0]])
    for reach in (9.0, 1e6, np.inf):
        said = np.array([[0.0], [reach], [9.0]])
        pictures.forecast_picture(truth, truth[:1], {"forecast": said}, ["x"], 4)
    near, far, infinite = (figure.axes[0].get_ylim() for figure in drawn)
    assert -1 < near[0] < 0
    assert 10 < near[1] < 11
    assert far[1] == 13
    assert infinite[1] <= 13
    unknown = np.full((3, 1), np.nan)
    pictures.forecast_picture(unknown, unknown, {"forecast": np.ones((3, 1))}, ["x"], 3)
    assert len(drawn) == 4


def test_prediction(drawn):
    truth, said = np.arange(6.0).reshape(3, 2), np.ones((3, 2))
    pictures.prediction_picture(truth, said, ["x", "y"], 7, np.array([0.5, 0.25]))
    first, error, second, _ = drawn[0].axes
    np.testing.assert_array_equal(lines(first)["truth"], [[7, 0], [8, 2], [9, 4]])
    np.testing.assert_array_equal(lines(first)["prediction"], [[7, 1], [8, 1], [9, 1]])
    np.testing.assert_array_equal(error.get_lines()[1].get_ydata(), [1, -1, -3])
    assert "NRMSE 0.25" in second.get_title(loc="left")


def test_many_targets_are_cut(drawn):
    nothing = np.empty((0, 9))
    names = list("abcdefghi")
    pictures.forecast_picture(nothing, nothing, {"f": np.ones((4, 9))}, names, 0)
    pictures.prediction_picture(np.ones((4, 9)), np.ones((4, 9)), names, 0, np.ones(9))
    assert [len(figure.axes) for figure in drawn] == [pictures.PANELS, 2 * pictures.PANELS]


def test_the_same_picture_has_the_same_bytes():
    data = np.ones((3, 1)), np.zeros((3, 1)), ["x"], 0, np.ones(1)
    assert pictures.prediction_picture(*data) == pictures.prediction_picture(*data)


def test_no_global_state_of_matplotlib():
    pictures.ridge_path_picture(path(1, [1.0]), ["x"])
    assert "matplotlib.pyplot" not in sys.modules
