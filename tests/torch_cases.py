"""Models of PyTorch with random weights, and what they give; makes tests/archive/torch-2.13.npz.

    python tests/torch_cases.py

needs PyTorch; the archive lets the tests compare with it where it is not installed.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

ARCHIVE = Path(__file__).parent / "archive" / "torch-2.13.npz"
T, B, K, N, M, LAYERS = 5, 2, 2, 3, 2, 2
KINDS = {"tanh": "RNN", "relu": "RNN", "LSTM": "LSTM", "GRU": "GRU"}


def model(name, dtype="float64", seed=0):
    """A recurrent module "rnn." of two layers and a readout "fc."."""
    import torch

    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            options = {"nonlinearity": name} if KINDS[name] == "RNN" else {}
            self.rnn = getattr(torch.nn, KINDS[name])(K, N, LAYERS, **options)
            self.fc = torch.nn.Linear(N, M)

        def forward(self, x):  # x: (T, B, K)
            return self.fc(self.rnn(x)[0])

    torch.manual_seed(seed)
    return Model().to(getattr(torch, dtype)).eval()


def arrays(module):
    return {name: tensor.numpy() for name, tensor in module.state_dict().items()}


def inputs():
    return np.random.default_rng(0).standard_normal((T, B, K))


def outputs(module, x):
    import torch

    with torch.no_grad():
        like = next(module.parameters())
        return module(torch.tensor(x, dtype=like.dtype)).numpy()


def everything():
    """What the archive holds: inputs, and weights and outputs of each model in two precisions."""
    found = {"inputs": inputs()}
    for name in KINDS:
        for dtype in ("float64", "float32"):
            module = model(name, dtype)
            found |= {f"{name}/{dtype}/{key}": array for key, array in arrays(module).items()}
            found[f"{name}/{dtype}/outputs"] = outputs(module, inputs())
    return found


def archived(name, dtype):
    """Weights, inputs and outputs of one model, from the archive."""
    with np.load(ARCHIVE) as archive:
        prefix = f"{name}/{dtype}/"
        found = {k.removeprefix(prefix): archive[k] for k in archive if k.startswith(prefix)}
        return found, archive["inputs"], found.pop("outputs")


if __name__ == "__main__":
    np.savez_compressed(ARCHIVE, **everything())
