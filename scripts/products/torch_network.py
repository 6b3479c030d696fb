"""The networks in PyTorch, and our parameters as its own.

The map from our parameters to PyTorch's is linear: `parameters` takes weights and directions
there, `parts` (its transpose) takes gradients back. PyTorch has two biases, of which the second
is 0 here but for the GRU's b_n; it orders the gates of the LSTM i, f, g, o and those of the GRU
r, z, n; its z is 1 - z of ours, so the weights of z change sign.
"""

import torch

from products.job import Job
from products.layout import Parts

KINDS = {"rnn": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}

# Our gate and its sign, in the order of PyTorch's.
ORDER = {
    "rnn": ((0, 1.0),),
    "lstm": ((0, 1.0), (1, 1.0), (3, 1.0), (2, 1.0)),
    "gru": ((1, 1.0), (0, -1.0), (2, 1.0)),
}


class Network(torch.nn.Module):
    """One layer and a linear readout, time-major."""

    def __init__(self, job: Job) -> None:
        super().__init__()
        dtype = getattr(torch, job.dtype)
        self.layer = KINDS[job.cell](job.inputs, job.units, dtype=dtype)
        self.readout = torch.nn.Linear(job.units, job.outputs, dtype=dtype)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Linear outputs (T, B, M) for inputs (T, B, K), from the zero state."""
        h, _ = self.layer(inputs)  # h: (T, B, N)
        return self.readout(h)


def loss(found: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Half the squared error, averaged over sequences and steps."""
    return 0.5 * ((found - targets) ** 2).sum() / (targets.shape[0] * targets.shape[1])


def parameters(parts: Parts, job: Job) -> dict[str, torch.Tensor]:
    """PyTorch's parameters (weights or a direction) by name."""
    convert = getattr(torch, job.dtype)
    U, W, b = (torch.as_tensor(parts[name], dtype=convert) for name in "UWb")
    second = torch.zeros_like(b)
    if job.cell == "rnn":
        U, W, b, second = U[None], W[None], b[None], second[None]
    if "b_n" in parts:
        second[2] = torch.as_tensor(parts["b_n"], dtype=convert)
    return {
        "layer.weight_ih_l0": _theirs(U, job),
        "layer.weight_hh_l0": _theirs(W, job),
        "layer.bias_ih_l0": _theirs(b, job),
        "layer.bias_hh_l0": _theirs(second, job),
        "readout.weight": torch.as_tensor(parts["V"], dtype=convert),
        "readout.bias": torch.as_tensor(parts["c"], dtype=convert),
    }


def parts(gradients: dict[str, torch.Tensor], job: Job) -> Parts:
    """Our parts of a gradient in PyTorch's parameters."""
    names = {"U": "weight_ih_l0", "W": "weight_hh_l0", "b": "bias_ih_l0", "b_n": "bias_hh_l0"}
    found = {ours: _ours(gradients[f"layer.{theirs}"], job) for ours, theirs in names.items()}
    found["b_n"] = found["b_n"][-1]
    if job.cell == "rnn":
        found = {name: gates[0] for name, gates in found.items()}
    found |= {"V": gradients["readout.weight"], "c": gradients["readout.bias"]}
    return {name: part.detach().numpy() for name, part in found.items()}


def _theirs(gates: torch.Tensor, job: Job) -> torch.Tensor:
    """(G, N, ...) in our order as (G N, ...) in PyTorch's."""
    return torch.cat([sign * gates[gate] for gate, sign in ORDER[job.cell]])


def _ours(stacked: torch.Tensor, job: Job) -> torch.Tensor:
    """(G N, ...) in PyTorch's order as (G, N, ...) in ours."""
    found = stacked.reshape(-1, job.units, *stacked.shape[1:])
    gates = torch.empty_like(found)
    for theirs, (gate, sign) in enumerate(ORDER[job.cell]):
        gates[gate] = sign * found[theirs]
    return gates
