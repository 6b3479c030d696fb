"""What ``warmup`` compiles is all that fits, predictions and forecasts need."""

from __future__ import annotations

import subprocess
import sys

CODE = """
import itertools, sys
import numpy as np
from reservoir.checkpoint import Checkpoint, read, write
from reservoir.esn import harvest, warmup
from reservoir.esn.candidates import Candidates, candidate_states
from reservoir.kernels.gaps import widest_gaps
from reservoir.series.collection import collect
from reservoir.series.scaler import unscaled
from reservoir.kernels.lanes import run_lanes
from reservoir.kernels.panels import add_products, centre, multiply, pack, pack_transposed
from reservoir.kernels.series import run_series
from reservoir import ESNRegressor

harvest.WORTH_CUTTING = 0
for each in warmup.SPECIALIZATIONS:
    warmup.warm(each)
KERNELS = (run_series, run_lanes, widest_gaps, pack, centre, add_products, pack_transposed,
           multiply)
warmed = [len(kernel.signatures) for kernel in KERNELS]
assert warmed == [6, 12, 2, 2, 1, 1, 1, 1], warmed
rng = np.random.default_rng(0)
long = np.sin(np.arange(6000.0))[:, np.newaxis]
one, many = rng.standard_normal((80, 2)), list(rng.standard_normal((6, 80, 2)))
for topology, dtype, feedback in itertools.product(
    warmup.FORMS.values(), ("float64", "float32"), (False, True)
):
    esn = ESNRegressor(8, topology=topology, dtype=dtype, feedback=feedback, noise=0.1,
                       direct=True, ridge=1.0, random_state=0)
    if feedback:
        esn.fit(one[:, :1], one[:, 1:]).predict(one[:, :1])
        esn.fit([s[:, :1] for s in many], [s[:, 1:] for s in many])
        esn.forecast(5, one[:, :1], one[:, 1:], inputs=one[:5, :1])
    else:
        esn.fit(one).predict(one)
        esn.fit(many).predict(many)
        esn.forecast(5, one)
        esn.forecast(5, many)
        esn.states(many)
        esn.fit(long).predict(long)
        esn.set_params(ridge="loo").fit(long).set_params(ridge=1.0)
        for _ in candidate_states(esn.model_.reservoir, Candidates(*np.ones((4, 3))),
                                  collect(one[:, :1]), unscaled(1)):
            pass
        esn.fit(one)
    write(Checkpoint(esn.model_), sys.argv[1])
    esn.model_ = read(sys.argv[1]).record
    esn.predict(one[:, : esn.n_features_in_])
    esn.predict([s[:, : esn.n_features_in_] for s in many])
    used = [len(kernel.signatures) for kernel in KERNELS]
    assert used == warmed, (topology, dtype, feedback, used)
"""


def test_warmup_leaves_nothing_to_compile(tmp_path):
    command = [sys.executable, "-c", CODE, str(tmp_path / "m.h5")]
    ended = subprocess.run(command, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
