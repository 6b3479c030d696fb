"""How runs and steps end: numbers with names and messages."""

from __future__ import annotations

from enum import IntEnum


class Named(IntEnum):
    """An enumeration of numbers that a file can hold, each with a message for people."""

    message: str

    def __new__(cls, number: int, message: str) -> Named:
        """Make a member of a number and its message."""
        member = int.__new__(cls, number)
        member._value_ = number
        member.message = message
        return member


class Status(Named):
    """Why `minimize` returned; a success is `CONVERGED` alone, as in SciPy."""

    RUNNING = -1, "the run goes on"
    CONVERGED = 0, "the norm of the gradient is within its tolerance"
    MAX_STEPS = 1, "the greatest number of steps is reached"
    STOPPED = 2, "the callback stopped the run"
    STALLED = 3, "too many steps in a row did not decrease the objective"
    NOT_FINITE = 4, "too many steps in a row met numbers that are not finite"


class Refusal(Named):
    """Why a step left the parameters as they were."""

    NONE = 0, "the step was taken"
    NOT_FINITE = 1, "a value, a gradient or a product is not finite"
    NO_DECREASE = 2, "no point along the step decreases the objective enough"


def status(converged: bool, refusal: int, rejections: int, max_rejections: int) -> Status:
    """The status of an optimizer after a step.

    Parameters
    ----------
    converged : bool
        Whether the gradient was within its tolerance.
    refusal : int
        Why the last step was refused, a `Refusal`.
    rejections, max_rejections : int
        Steps refused in a row, and how many of them end the run.
    """
    if converged:
        return Status.CONVERGED
    if rejections < max_rejections:
        return Status.RUNNING
    return Status.NOT_FINITE if refusal == Refusal.NOT_FINITE else Status.STALLED
