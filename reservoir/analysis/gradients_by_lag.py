"""The gradient on its way back through time, split by the lag between a loss and a state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from reservoir.analysis.tile_flow import Flat, TileFlow
from reservoir.errors import DataError
from reservoir.rnn.batch import Batch
from reservoir.rnn.network import Network
from reservoir.rnn.tile import Indices
from reservoir.weights.arguments import whole


@dataclass(frozen=True)
class GradientFlow:
    """Norms of dE_t/ds_{t-lag} by layer, and the parts of the gradient by W from each lag."""

    lags: Indices  # (L,) 0, 1, ...
    pairs: Indices  # (L,) targets that reach so far back
    norms: Flat  # (layers, L) root mean square over the pairs
    log_norms: Flat  # (layers, L) mean logarithm over the pairs; -inf if one is 0
    by_step: Flat  # (layers, T, L) root mean square over the sequences; NaN without a target
    component_norms: Flat  # (layers, L) of the gradient by W that arises at each lag
    shares: Flat  # (layers, L) of the squared norm of the gradient by W: sum to 1 over all lags
    kept_lags: tuple[int, ...]
    components: tuple[Flat, ...]  # a layer: (kept, gates..., N, N) of the gradient by W

    def heat_map(self, layer: int = 0) -> Flat:
        """``by_step`` over (t, k), the step of the target and that of the state; NaN elsewhere."""
        steps = self.by_step.shape[1]
        found = np.full((steps, steps), np.nan)
        for lag in self.lags:
            t = np.arange(lag, steps)
            found[t, t - lag] = self.by_step[layer, lag:, lag]
        return found


def gradient_flow(
    network: Network,
    theta: ArrayLike,
    batch: Batch,
    *,
    max_lag: int | None = None,
    keep: Sequence[int] = (),
) -> GradientFlow:
    """Follow the loss of every target of a batch back through time.

    Parameters
    ----------
    network : Network
    theta : (P,)
    batch : Batch
        Of the network. E_t is the loss of one target times its weight.
    max_lag : int, optional
        The longest lag; by default the longest that the sequences have.
    keep : sequence of int
        Lags whose parts of the gradient by W are returned as they are.

    Returns
    -------
    GradientFlow
        The state s of a layer is h, and (h, c) of an LSTM, as the layer above and the next step
        find it; the derivative goes all ways from there. Norms below the range of the network's
        floats are 0.

    Raises
    ------
    DataError
        As `Network.value`; or an argument is out of its range.

    Notes
    -----
    Each target goes back on its own: with targets at every step of B sequences of T steps these are
    B T^2 / 2 steps of backpropagation, T / 2 times as many as a gradient takes. ``max_lag`` bounds
    them to B T ``max_lag``; so do weights of 0 in the batch, which leave targets out. Activations
    of the whole batch are held, and T times as many numbers as there are lags.
    """
    total = network.gradient(theta, batch).gradient
    steps = int(max(tile.lengths[0] for tile in batch.tiles))
    last = steps - 1 if max_lag is None else min(whole("max_lag", max_lag, least=0), steps - 1)
    for lag in keep:
        if not 0 <= lag <= last:
            raise DataError(f"keep: lags must be from 0 to {last}, got {lag}")
    packed = network.pack(network.layout.checked(theta, "theta"))
    tiles = batch.each(lambda k: TileFlow(network, packed, batch, k))
    own_W = [f"layers/{k}/W" for k in range(len(network.cells))]
    wanted = [network.views(total)[name] for name in own_W]
    squares = np.zeros((len(own_W), steps, last + 1))  # summed over sequences
    logs, count = np.zeros((len(own_W), last + 1)), np.zeros((steps, last + 1), np.int64)
    sizes, shares = np.zeros((2, len(own_W), last + 1))
    kept: dict[int, list[Flat]] = {}
    for lag in range(last + 1):
        parts = batch.each(lambda k: tiles[k].back())
        component = np.sum([part.gradient for part in parts], axis=0)
        for part in parts:
            np.add.at(count[:, lag], part.steps, 1)
            for k, norms in enumerate(part.norms):
                np.add.at(squares[k, :, lag], part.steps, norms**2)
                with np.errstate(divide="ignore"):
                    logs[k, lag] += np.log(norms).sum()
        own = [network.views(component)[name] for name in own_W]
        for k, (one, whole_one) in enumerate(zip(own, wanted, strict=True)):
            sizes[k, lag] = np.linalg.norm(one)
            square = float((whole_one**2).sum())
            shares[k, lag] = float((one * whole_one).sum()) / square if square else np.nan
        if lag in keep:
            kept[lag] = own
    pairs = count.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return GradientFlow(
            np.arange(last + 1), pairs,
            np.sqrt(squares.sum(axis=1) / pairs), logs / pairs, np.sqrt(squares / count),
            sizes, shares, tuple(keep),
            tuple(np.array([kept[lag][k] for lag in keep]) for k in range(len(own_W))),
        )  # fmt: skip
