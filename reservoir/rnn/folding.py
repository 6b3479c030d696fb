"""A model's scalers, folded into its weights."""

from __future__ import annotations

import numpy as np

from reservoir.rnn.model import Model
from reservoir.rnn.parameters import Flat


def without_scalers(model: Model) -> Flat:
    """Parameters with which the network alone does what the model does.

    Inputs are then raw, and so are outputs where the loss is the squared error: U becomes U / scale
    and b becomes b - U mean / scale; V and c are multiplied by the scale of the targets, and their
    mean is added to c.

    Parameters
    ----------
    model : Model

    Returns
    -------
    ndarray, shape (P,)
        The bits of ``model.theta`` where the scalers change nothing.
    """
    theta = np.array(model.theta)
    views = model.network.views(theta)
    inputs, targets = model.input_scaler, model.target_scaler
    if (inputs.mean != 0.0).any() or (inputs.scale != 1.0).any():
        U, b = views["layers/0/U"], views["layers/0/b"]
        U /= inputs.scale  # U: (..., N, K), b: (..., N)
        b -= np.einsum("...k,k->...", U, inputs.mean)
    scaled = model.network.loss == "squared_error"
    if scaled and ((targets.mean != 0.0).any() or (targets.scale != 1.0).any()):
        V, c = views["readout/V"], views["readout/c"]
        V *= targets.scale[:, None]
        c *= targets.scale
        c += targets.mean
    return theta
