"""Jacobians that are given, and exact spectra of their products by mpmath."""

from __future__ import annotations

import numpy as np
from reference_products import exact


class Given:
    """A stretch of given Jacobians (T, n, n)."""

    def __init__(self, jacobians):
        self.jacobians = np.asarray(jacobians, float)
        self.steps, self.size = self.jacobians.shape[:2]

    def push(self, t, V):
        return self.jacobians[t] @ V


def rotation(angle, factor=1.0):
    c, s = factor * np.cos(angle), factor * np.sin(angle)
    return np.array([[c, -s], [s, c]])


def network_like(rng, T, n, saturation, gain=1.0):
    """``diag(1 - h^2) W`` with states of their own."""
    slopes = 1 / np.cosh(rng.normal(0, saturation, (T, n, 1))) ** 2
    return slopes * rng.normal(0, gain / np.sqrt(n), (n, n))


def cases():
    """Jacobians by name, and the digits that their product takes."""
    rng = np.random.default_rng(5)
    normal = rng.normal(0, 1, (60, 4, 4))
    similar = rng.normal(0, 1, (4, 4))
    blocks = np.zeros((4, 4))
    blocks[:2, :2], blocks[2:, 2:] = rotation(0.3, 1.1), rotation(1.9, 0.7)
    pairs = similar @ blocks @ np.linalg.inv(similar)
    return {
        "random": (normal, 200),
        "of one step": (normal[:1], 50),
        "of one unit": (rng.normal(0, 1, (50, 1, 1)), 50),
        "of a network": (network_like(rng, 100, 4, 1.0), 400),
        "of some units over few steps": (network_like(rng, 10, 12, 1.0, 1.8), 80),
        "of a saturated network": (network_like(rng, 60, 4, 8.0), 2000),
        "exploding": (1e9 * normal, 200),
        "vanishing": (1e-9 * normal, 200),
        "of two complex pairs": (np.repeat(pairs[None], 100, axis=0), 200),
        "of a Jordan block": (np.repeat([[[0.5, 1.0], [0.0, 0.5]]], 70, axis=0), 200),
        "of neighbours": (np.repeat(np.diag([1.0, 1.0 + 1e-6, 0.5])[None], 20, axis=0), 100),
        "triangular, the small ones first": (
            np.repeat([[[0.5, 1.0, -0.3], [0.0, 2.0, 0.7], [0.0, 0.0, 3.0]]], 80, axis=0), 200,
        ),
    }  # fmt: skip


def spectra(jacobians, digits):
    return tuple(np.array(each) for each in exact(np.asarray(jacobians, float), digits))
