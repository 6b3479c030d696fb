"""Clipping of gradients by their global norm."""

from __future__ import annotations

from hfopt.vectors import Vector, norm


def clip_by_global_norm(gradient: Vector, threshold: float) -> tuple[Vector, float]:
    """Scale a gradient down to a norm of ``threshold`` if it is longer.

    Pascanu, Mikolov and Bengio (2013), "On the difficulty of training recurrent neural networks",
    ICML, algorithm 1.

    Parameters
    ----------
    gradient : ndarray, shape (P,)
        Finite; not changed.
    threshold : float
        Infinity clips nothing.

    Returns
    -------
    ndarray, shape (P,)
        The gradient itself if it is short enough.
    float
        The norm before.
    """
    length = norm(gradient)
    if length <= threshold:
        return gradient, length
    return gradient * (threshold / length), length
