"""Pictures as PNG images: one function a picture, arrays in, bytes out.

Matplotlib draws without a display and without its global state. Truth is black, what a model
says is orange, everything else is blue or grey: a scheme that colour-blind readers can tell.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from reservoir.esn.model import RidgePath

TRUTH, MODEL, OTHER, GUIDE = "black", "#d55e00", "#0072b2", "0.5"
LINES = ("#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#f0e442", "black")  # of single targets
PANELS = 6  # targets that are drawn, one a panel
DPI = 120

Array = NDArray[Any]


def ridge_path_picture(path: RidgePath, names: Sequence[str]) -> bytes:
    """The error of each candidate ridge, and the choice.

    Parameters
    ----------
    path
        With a criterion other than "fixed".
    names
        Of the targets; each has a line if they are few.
    """
    figure = Figure(figsize=(7, 4.2), layout="constrained")
    axes = figure.subplots()
    shown = path.candidates > 0  # a ridge of zero has no place on a logarithmic axis
    ridges, errors = path.candidates[shown], np.sqrt(path.errors[shown])
    errors = np.where(np.isfinite(errors), errors, np.nan)
    mean = np.sqrt((errors**2).mean(axis=1))
    label = "all targets" if errors.shape[1] > 1 else _label(names[0])
    axes.loglog(ridges, mean, "-o", color=OTHER, ms=3.5, lw=1.8, label=label)
    chosen = np.unique(path.chosen[path.chosen > 0])
    if len(chosen) == 1:
        axes.axvline(chosen[0], color=MODEL, lw=1.5, label=f"chosen: {chosen[0]:.3g}")
    for m, name in enumerate(names[:PANELS] if errors.shape[1] > 1 else ()):
        axes.loglog(ridges, errors[:, m], color=LINES[m], lw=1, label=_label(name))
        if len(chosen) > 1:
            at = np.flatnonzero(ridges == path.chosen[m])
            axes.plot(ridges[at], errors[at, m], "o", color=MODEL, ms=7)
    if len(chosen) > 1:
        axes.plot([], [], "o", color=MODEL, ms=7, label="chosen")
    axes.set_xlabel("ridge (absolute)")
    axes.set_ylabel("held-out error\n(root mean square, scaled targets)")
    axes.set_title(
        f"Choice of the ridge by {path.criterion!r}, {path.scored:,} steps scored", loc="left"
    )
    axes.grid(which="major", color="0.9")
    axes.legend(frameon=False)
    return png(figure)


def forecast_picture(
    before: Array,
    truth: Array,
    forecasts: Mapping[str, Array],
    names: Sequence[str],
    first: int,
) -> bytes:
    """Closed-loop forecasts, what came before them, and the truth as far as it is known.

    Parameters
    ----------
    before : (n, M)
        Truth just before the forecasts.
    truth : (m, M)
        Begins with step ``first``, as the forecasts do; m may be 0.
    forecasts : mapping of str to (steps, M)
        By the name in the legend; the first is the one that matters.
    names
        Of the targets.
    """
    count = min(len(names), PANELS)
    figure = Figure(figsize=(9, 0.9 + 2.4 * count), layout="constrained")
    panels = list(figure.subplots(count, 1, sharex=True, squeeze=False)[:, 0])
    known = np.concatenate([before, truth])
    for m, axes in enumerate(panels):
        if len(known):
            steps = first - len(before) + np.arange(len(known))
            axes.plot(steps, known[:, m], color=TRUTH, lw=2.2, label="truth")
        for i, (label, forecast) in enumerate(forecasts.items()):
            steps = first + np.arange(len(forecast))
            color = (MODEL, OTHER, *LINES)[i % (2 + len(LINES))]
            axes.plot(steps, forecast[:, m], color=color, lw=1.2, zorder=3 - 0.1 * i, label=label)
        axes.axvline(first, color=GUIDE, lw=1, ls="--", zorder=0)
        axes.set_ylabel(_label(names[m]))
        _keep_in_sight(axes, known[:, m])
    longest = max(map(len, forecasts.values()))
    panels[0].set_title(f"Closed-loop forecast of {longest:,} steps", loc="left")
    finish(panels, "step")
    _legend(panels)
    return png(figure)


def prediction_picture(
    truth: Array, predicted: Array, names: Sequence[str], first: int, nrmse: Array
) -> bytes:
    """Predictions over the truth, and below each their error.

    Parameters
    ----------
    truth, predicted : (n, M)
        Consecutive steps, the first of them ``first``.
    nrmse : (M,)
        Over all steps, for the titles.
    """
    count = min(len(names), PANELS)
    figure = Figure(figsize=(9, 0.6 + 3.4 * count), layout="constrained")
    ratios = [3, 1] * count
    panels = figure.subplots(2 * count, 1, sharex=True, height_ratios=ratios, squeeze=False)[:, 0]
    steps = first + np.arange(len(truth))
    for m in range(count):
        upper, lower = panels[2 * m], panels[2 * m + 1]
        upper.plot(steps, truth[:, m], color=TRUTH, lw=2.6, label="truth")
        upper.plot(steps, predicted[:, m], color=MODEL, lw=1.0, label="prediction")
        upper.set_ylabel(_label(names[m]))
        upper.set_title(
            f"{_label(names[m])}: NRMSE {nrmse[m]:.3g} over all scored steps", loc="left"
        )
        lower.axhline(0, color=GUIDE, lw=1)
        lower.plot(steps, predicted[:, m] - truth[:, m], color=OTHER, lw=1)
        lower.set_ylabel("error")
    finish(list(panels), "row of the data")
    _legend(list(panels))
    return png(figure)


def _label(name: str) -> str:
    """The name of a column; a number alone says little."""
    return f"column {name}" if name.isdecimal() else name


def _keep_in_sight(axes: Any, truth: Array) -> None:
    """Let a forecast that runs away leave the panel, so that the truth stays readable."""
    truth = truth[np.isfinite(truth)]
    if len(truth):
        low, high = axes.get_ylim()
        margin = 0.3 * np.ptp(truth) or 1.0
        axes.set_ylim(max(low, truth.min() - margin), min(high, truth.max() + margin))


def finish(panels: list[Any], xlabel: str) -> None:
    """Grid, margins, and the label of the axis that the panels share."""
    for axes in panels:
        axes.grid(color="0.93")
        axes.margins(x=0.01)
    panels[-1].set_xlabel(xlabel)


def _legend(panels: list[Any]) -> None:
    place = {"loc": "lower right", "bbox_to_anchor": (1.0, 1.0), "borderaxespad": 0.2}
    panels[0].legend(frameon=False, ncols=4, **place)


def png(figure: Figure) -> bytes:
    """A figure as a PNG image, the same bytes for the same figure."""
    file = io.BytesIO()
    FigureCanvasAgg(figure)
    figure.savefig(file, format="png", dpi=DPI, metadata={"Software": None})
    return file.getvalue()
