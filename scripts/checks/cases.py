"""Random reservoirs and the series that drive them, each from its number alone.

Series are stretches that suit a time-parallel harvest badly, one after the other: silence, in which
differences grow or hardly shrink, bursts, steps, constants, noise, chaos and sines.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reservoir.esn.build import Recipe, build
from reservoir.esn.model import Reservoir
from reservoir.weights import TOPOLOGIES

Array = NDArray[np.float64]
Generator = np.random.Generator

LEAST_STEPS, LEAST_UNITS = 8_000, 20


@dataclass(frozen=True)
class Case:
    """A reservoir and what drives it."""

    words: str  # what it is, for people
    reservoir: Reservoir
    inputs: Array  # (T, K)
    targets: Array | None  # (T, M) forced on the feedback weights


def case(seed: int, index: int, units: int, steps: int) -> Case:
    """Case ``index`` of at most so many units and steps."""
    rng = np.random.default_rng([seed, index])
    recipe = _recipe(rng, int(np.exp(rng.uniform(np.log(LEAST_UNITS), np.log(units + 1)))))
    columns, fed_back = int(rng.integers(1, 4)), int(recipe.feedback)
    reservoir = build(recipe, columns, fed_back, rng)
    length = int(rng.integers(min(LEAST_STEPS, steps), steps + 1))
    inputs, names = _series(rng, length, columns)
    targets = _series(rng, length, fed_back)[0] if fed_back else None
    leak = reservoir.leak_rate
    words = (
        f"{recipe.topology} {recipe.activation} {recipe.dtype}, N={recipe.units}, "
        f"radius {recipe.spectral_radius:.2f}, leak {leak.min():.2f}-{leak.max():.2f}, "
        f"input {recipe.input_scaling:.2g}, bias {recipe.bias_scaling:.2g}"
        f"{', feedback' if fed_back else ''}, T={length}: {' '.join(names)}"
    )
    return Case(words, reservoir, inputs, targets)


def _recipe(rng: Generator, units: int) -> Recipe:
    """Settings of all kinds, of which some make reservoirs that never forget."""
    activation = str(rng.choice(["tanh"] * 7 + ["logistic", "relu", "identity"]))
    radius = rng.uniform(0.5, 1.5)
    leak = float(np.exp(rng.uniform(np.log(0.05), 0.0))) if rng.random() < 0.7 else 1.0
    if activation in ("relu", "identity"):
        radius = min(radius, 0.95)  # others diverge
    if activation == "logistic":
        radius *= 4  # its slope is at most a fourth
    return Recipe(
        units=units,
        spectral_radius=radius,
        leak_rate=leak if rng.random() < 0.7 else rng.uniform(0.05, 1.0, units),
        input_scaling=float(np.exp(rng.uniform(np.log(0.01), np.log(3)))),
        bias_scaling=float(rng.choice([0.0, 0.2, 0.5])),
        feedback=bool(rng.random() < 0.15),
        connectivity=None if rng.random() < 0.5 else min(1.0, 3 / units + rng.uniform(0, 0.5)),
        topology=str(rng.choice(["random"] * 4 + list(TOPOLOGIES))),
        activation=activation,
        dtype="float32" if rng.random() < 0.25 else "float64",
    )


def _series(rng: Generator, length: int, columns: int) -> tuple[Array, list[str]]:
    """Random stretches, one after the other, and their names."""
    kinds = list(rng.choice(list(STRETCHES), int(rng.integers(1, 5))))
    found, names, left = [], [], length
    while left:
        name = str(rng.choice(kinds))
        steps = min(left, int(np.exp(rng.uniform(np.log(50), np.log(5000)))))
        found.append(STRETCHES[name](rng, steps, columns))
        names.append(name)
        left -= steps
    return np.concatenate(found), sorted(set(names))


def _bursts(rng: Generator, steps: int, columns: int) -> Array:
    """Silence, now and then broken by some steps of noise."""
    on = rng.random(steps) < np.exp(rng.uniform(np.log(0.002), np.log(0.1)))
    return rng.normal(size=(steps, columns)) * np.convolve(on, np.ones(5))[:steps, np.newaxis]


def _steps(rng: Generator, steps: int, columns: int) -> Array:
    """Levels that last for some time."""
    every = int(rng.integers(10, 500))
    return np.repeat(rng.normal(size=(steps // every + 1, columns)), every, axis=0)[:steps]


def _chaos(rng: Generator, steps: int, columns: int) -> Array:
    """The logistic map, between -1 and 1."""
    x, found = rng.uniform(0.1, 0.9, columns), np.empty((steps, columns))
    for row in found:
        x = 3.99 * x * (1 - x)
        row[:] = 2 * x - 1
    return found


def _sines(rng: Generator, steps: int, columns: int) -> Array:
    return np.sin(np.arange(steps)[:, np.newaxis] * np.exp(rng.uniform(-6, 1, columns)))


STRETCHES: dict[str, Callable[[Generator, int, int], Array]] = {
    "silence": lambda rng, steps, columns: np.zeros((steps, columns)),
    "constant": lambda rng, steps, columns: np.tile(rng.normal(size=columns), (steps, 1)),
    "noise": lambda rng, steps, columns: rng.normal(size=(steps, columns)),
    "faint": lambda rng, steps, columns: 1e-3 * rng.normal(size=(steps, columns)),
    "bursts": _bursts,
    "steps": _steps,
    "chaos": _chaos,
    "sines": _sines,
}
