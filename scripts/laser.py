"""Fit an echo state network to the Santa Fe laser and forecast it; called by scripts/quickstart.

The first 7,000 intensities train the network and, as a control, a linear autoregression. The
rest tests both: one step ahead over all of it, and in a closed loop from many starts. Hyper-
parameters were chosen on the training part alone.

    python scripts/laser.py DIRECTORY
"""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path

import numpy as np

from reservoir import ESNRegressor, load, save
from reservoir.analysis.autoregression import fit_autoregression
from reservoir.analysis.pictures import forecast_picture
from reservoir.tasks.santafe_laser import santafe_laser

TRAIN, STEPS, CONTEXT = 7000, 200, 500
BEYOND = 0.5  # of the standard deviation: a forecast is lost


def valid_steps(said: np.ndarray, truth: np.ndarray, scale: float) -> int:
    """Steps until the error, averaged over the five last steps, is beyond all use."""
    error = np.sqrt(np.convolve((said - truth)[:, 0] ** 2, np.ones(5) / 5)[: len(said)]) / scale
    lost = np.flatnonzero(error > BEYOND)
    return int(lost[0]) if len(lost) else len(said)


def main() -> None:
    directory = Path(sys.argv[1])
    series = santafe_laser()
    train, test = series[:TRAIN], series[TRAIN:]
    scale = float(test.std())

    began = time.perf_counter()
    esn = ESNRegressor(random_state=1).fit(train)
    seconds = time.perf_counter() - began
    linear = fit_autoregression(train)
    print(f"Santa Fe laser: {TRAIN} intensities to train, {len(test)} to test")
    print(
        f"echo state network of {esn.units} units fitted in {seconds:.1f} s, "
        f"ridge {esn.ridge_:.2g}; linear autoregression of order {linear.order}"
    )

    # One step ahead, the context before the test part included so that nothing is washed out.
    joined = series[TRAIN - CONTEXT :]
    esn_error = esn.predict(joined[:-1])[CONTEXT - 1 :] - test
    linear_error = linear.one_step(joined)[CONTEXT - linear.order :] - test
    starts = np.linspace(TRAIN, len(series) - STEPS, 50).astype(int)
    contexts = [series[start - CONTEXT : start] for start in starts]
    truths = [series[start : start + STEPS] for start in starts]
    forecasts = esn.forecast(STEPS, contexts)
    linear_forecasts = [linear.forecast(STEPS, context) for context in contexts]
    rows = [
        ("echo state network", esn_error, forecasts),
        ("linear autoregression", linear_error, linear_forecasts),
    ]
    print(f"{'':24}{'NRMSE, one step':>18}{'forecast: steps within ' + str(BEYOND) + ' std':>36}")
    esn_valid = [valid_steps(f, t, scale) for f, t in zip(forecasts, truths, strict=True)]
    for name, error, said in rows:
        nrmse = float(np.sqrt(np.mean(error**2))) / scale
        valid = [valid_steps(f, t, scale) for f, t in zip(said, truths, strict=True)]
        middle = f"median {statistics.median(valid):g}, best {max(valid)} of {STEPS}"
        print(f"{name:24}{nrmse:18.4f}{middle:>36}")

    save(esn, directory / "laser.h5")
    again = load(directory / "laser.h5")
    same = np.array_equal(again.predict(test), esn.predict(test))
    print(f"wrote {directory / 'laser.h5'}; loaded again it predicts the same bits: {same}")
    # The picture shows the start at which the network does neither well nor badly.
    order = sorted(range(len(starts)), key=lambda i: esn_valid[i])
    typical = order[len(order) // 2]
    picture = forecast_picture(
        contexts[typical][-100:],
        truths[typical],
        {
            "echo state network": forecasts[typical],
            "linear autoregression": linear_forecasts[typical],
        },
        ["laser intensity"],
        int(starts[typical]),
    )
    (directory / "forecast.png").write_bytes(picture)
    print(f"wrote {directory / 'forecast.png'}: a forecast of median length against the truth")


if __name__ == "__main__":
    main()
