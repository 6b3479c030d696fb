"""Preconditioners of conjugate gradients: diagonals (P,) that the residual is divided by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np

from hfopt.arguments import between, positive
from hfopt.vectors import Vector, all_finite


class Preconditioner(Protocol):
    """How a diagonal is made."""

    @property
    def squares(self) -> bool:
        """Whether the squared gradients of sequences are needed, which cost time."""

    def diagonal(self, squares: Vector | None, damping: float) -> Vector | None:
        """The diagonal, positive and finite; None for no preconditioning.

        Parameters
        ----------
        squares : ndarray, shape (P,), or None
            As `hfopt.Gradient.squares`; None if the problem has none.
        damping : float
            Lambda.
        """


@dataclass(frozen=True)
class NoPreconditioner:
    """None, the default: reported as little help for recurrent networks."""

    squares: ClassVar[bool] = False

    def diagonal(self, squares: Vector | None, damping: float) -> Vector | None:
        """None."""
        return None


@dataclass(frozen=True)
class EmpiricalFisher:
    """(scale * squares + lambda)^power, Martens (2010), section 4.7.

    Parameters
    ----------
    power : float
        0.75 in the paper.
    scale : float
        A factor on the sum of squared gradients. Those of a mean over B sequences have a factor
        1/B each: with a ``scale`` of B their sum has the size of the curvature and of lambda.
    """

    power: float = 0.75
    scale: float = 1.0
    squares: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Check the options."""
        between("power", self.power, 0.0, 1.0)
        positive("scale", self.scale)

    def diagonal(self, squares: Vector | None, damping: float) -> Vector | None:
        """The diagonal; None where it is not positive and finite, as without damping it may be.

        Raises
        ------
        ValueError
            The problem gave no squares.
        """
        if squares is None:
            raise ValueError("this preconditioner needs squared gradients; the problem gives none")
        with np.errstate(over="ignore", invalid="ignore"):
            found: Vector = (self.scale * squares + damping) ** self.power
        return found if all_finite(found) and bool((found > 0.0).all()) else None
