"""``scripts/check_reservoirpy``: the same matrices give the same states, fits and predictions.

It also tries the way to bring a ReservoirPy model over that the README shows.
"""

import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
from reservoirpy.mat_gen import uniform
from reservoirpy.nodes import Reservoir, Ridge

from reservoir import ESNRegressor
from reservoir.esn.model import Readout

STATES = 1e-12  # largest difference of a state
FIT = 1e-8  # of a prediction after a fit with the same ridge, relative to the targets
READOUT = 1e-12  # of a prediction with the same readout
STEPS = 1000
WASHOUT = 100
RIDGE = 1e-2  # smaller ones are lost in the rounding of ReservoirPy's uncentred Gram matrix


def brought_over(node: Reservoir, **settings: Any) -> ESNRegressor:
    """The reservoir of an initialized ReservoirPy node, with a readout to be fitted."""
    names = {"sigmoid": "logistic"}
    activation = node.activation.__name__
    return ESNRegressor(
        W=node.W,
        W_in=node.Win,
        bias=node.bias,
        leak_rate=node.lr,
        activation=names.get(activation, activation),
        standardize=False,
        **settings,
    )


def drawn(units: int, inputs: int, leak: Any, connectivity: float, **settings: Any) -> Reservoir:
    """A node whose matrices ReservoirPy has drawn."""
    node = Reservoir(
        units,
        lr=leak,
        sr=0.9,
        rc_connectivity=connectivity,
        bias=uniform(low=-0.5, high=0.5),
        seed=units + inputs,
        **settings,
    )
    node.run(np.zeros((1, inputs)))
    node.reset()
    return node


def state_cases() -> Iterator[tuple[str, Reservoir]]:
    """Sizes, leaks, input columns, densities; one other activation each."""
    for units, inputs, leak, connectivity in product(
        (10, 100, 500), (1, 3), (1.0, 0.3, "per unit"), (0.1, 1.0)
    ):
        rates = np.linspace(0.1, 1.0, units) if leak == "per unit" else leak
        name = f"N={units}, {inputs} inputs, leak {leak}, connectivity {connectivity}"
        yield name, drawn(units, inputs, rates, connectivity)
    for activation in ("sigmoid", "relu", "identity"):
        yield activation, drawn(100, 2, 0.3, 0.1, activation=activation)


def states_differ(node: Reservoir) -> float:
    """Largest difference of the states: one series, and several at once (as lanes)."""
    rng = np.random.default_rng(0)
    series = [rng.uniform(-1.0, 1.0, (length, node.input_dim)) for length in (STEPS, 700, 300, 40)]
    esn = brought_over(node, ridge=1e-3, washout=10).fit(series[0])
    theirs = []
    for inputs in series:
        node.reset()
        theirs.append(node.run(inputs))
    ours = [esn.states(series[0]), *esn.states(series)]
    return max(np.abs(a - b).max() for a, b in zip(ours, [theirs[0], *theirs], strict=True))


def models_differ() -> tuple[float, float]:
    """A ``Reservoir >> Ridge`` brought over: fitted again here, and with the readout it has."""
    t = np.arange(2 * STEPS + 1)
    series = (np.sin(0.2 * t) + 0.5 * np.sin(0.311 * t))[:, np.newaxis]
    train, test = series[: STEPS + 1], series[STEPS:]
    node, readout = drawn(200, 1, 0.3, 0.1), Ridge(ridge=RIDGE)
    model = node >> readout
    model.fit(train[:-1], train[1:], warmup=WASHOUT)
    node.reset()
    theirs = model.run(test[:-1])

    esn = brought_over(node, ridge=RIDGE, washout=WASHOUT).fit(train[:-1], train[1:])
    fitted = np.abs(esn.predict(test[:-1]) - theirs).max() / np.abs(theirs).max()

    esn.model_ = replace(esn.model_, readout=Readout(readout.Wout, readout.bias))
    taken = np.abs(esn.predict(test[:-1]) - theirs).max() / np.abs(theirs).max()
    return float(fitted), float(taken)


def main() -> int:
    missed = 0

    def report(name: str, difference: float, allowed: float) -> None:
        nonlocal missed
        good = difference <= allowed
        missed += not good
        print(f"{difference:.1e}  {'' if good else 'MISSED, '}allowed {allowed:.0e}  {name}")

    for name, node in state_cases():
        report(f"states, {name}", states_differ(node), STATES)
    fitted, taken = models_differ()
    report("predictions, fitted with the same ridge and washout", fitted, FIT)
    report("predictions, with the readout of the ReservoirPy model", taken, READOUT)
    print("all agree" if not missed else f"{missed} differ")
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
