"""The picture of the twin steps."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib.pyplot as plt


def draw(rows: Sequence[dict[str, float]], path: Path) -> None:
    """Draw how far the states and the parameters move, with and without structural damping."""
    figure, panels = plt.subplots(1, 2, figsize=(9, 3.5), layout="constrained", sharex=True)
    steps = [row["step"] for row in rows]
    for panel, key, title in zip(
        panels, ("h", "d"), ("change of a unit's state (rms)", "length of the step"), strict=True
    ):
        for name, color in (("with", "tab:blue"), ("without", "tab:orange")):
            panel.semilogy(
                steps, [row[f"{name}: {key}"] for row in rows], "o-", ms=3, color=color,
                label=f"{name} structural damping",
            )  # fmt: skip
        panel.set(title=title, xlabel="step of the optimizer")
    panels[0].legend()
    figure.savefig(path, dpi=120)
    plt.close(figure)
