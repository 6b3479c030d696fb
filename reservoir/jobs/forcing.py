"""How a job trains a generator: what comes back, how often it is forced, how it runs free."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from hfopt import Batches, DrawnBatches, StepBatches
from reservoir.errors import DataError
from reservoir.jobs.given_source import GivenSource
from reservoir.jobs.settings import Options
from reservoir.rnn import Batch, Model
from reservoir.rnn.forcing import Forcing
from reservoir.tasks import Sample

FORCING = ("feedback", "forcing", "hold_outputs", "free_run", "watch")


def as_generator(source: GivenSource, given: Options, horizon: int) -> GivenSource:
    """A source with what comes back and how a free run is judged.

    Raises
    ------
    DataError
        ``feedback`` of targets that are inputs already, or that do not belong to every step; a
        free run and no sequences to judge by.
    """
    feedback = bool(given.get("feedback"))
    if feedback and source.generates:
        raise DataError(
            "--feedback: the targets are the inputs a step later, and come back without it"
        )
    if feedback and (horizon or source.data.sample.at != "every"):
        raise DataError("--feedback needs targets at every step: --horizon 0, --targets every")
    source = replace(source, feedback=feedback)
    free_run, held_out = given.get("free_run"), source.held_out
    if held_out is None:
        for name in ("free_run", "watch"):
            if given.get(name):
                raise DataError(
                    f"--{name.replace('_', '-')} is about sequences to judge by: give --validation "
                    "or --validation-fraction"
                )
        return source
    asked = any(_given(given.get(name)) for name in FORCING)
    if free_run is None and asked and source.generates:
        free_run = max(1, int(held_out.lengths.min()) // 2)
    longest = int(held_out.lengths.max())
    if given.get("free_run") is not None and given["free_run"] >= longest > 1:
        raise DataError(
            f"--free-run {given['free_run']}: the longest series to judge by has {longest} steps; "
            "expected fewer, after a start that is forced"
        )
    watched = "free_run" if given.get("watch") == "free_run" else "loss"
    return replace(source, free_run=free_run, judged_by=watched)


def forcing_settings(given: Options, generates: bool) -> dict[str, Any]:
    """What is asked for, and nothing of the rest.

    Parameters
    ----------
    given : mapping
        Of `FORCING`; None and false are not given.
    generates : bool
        Whether outputs come back as inputs.

    Raises
    ------
    DataError
        An option that these data have no use for, or no schedule.
    """
    found = {name: given[name] for name in FORCING if _given(given.get(name))}
    for name in FORCING[1:]:
        if name in found and not generates:
            raise DataError(
                f"--{name.replace('_', '-')} is for outputs that come back as inputs: targets "
                "that are the inputs a step later, or --feedback"
            )
    forcing = forcing_of(found)
    if forcing.held and not forcing.mixes:
        raise DataError("--hold-outputs is about own outputs, of which --forcing 1 takes none")
    return found


def _given(value: Any) -> bool:
    """Whether an option says something: a probability of 0 does."""
    return value is not None and value is not False


def forcing_of(settings: Options) -> Forcing:
    """The record of some settings."""
    return Forcing(settings.get("forcing", 1.0), settings.get("hold_outputs", False))


def forced(batches: Batches[Any], model: Model, forcing: Forcing, seed: int) -> Batches[Any]:
    """The same sequences, with own outputs in place of inputs as the forcing of each step says.

    Which steps these are depends on the seed, the step and the place of the sequences alone.
    """
    if not forcing.mixes:
        return batches
    assert isinstance(batches, DrawnBatches)  # others are refused, as `Forcing.check` says
    drawn: DrawnBatches[Sample, Batch] = batches

    def give(step: int) -> StepBatches[Batch]:
        return replace(drawn, pack=_pack(model, forcing, seed, step))(step)

    return give


def _pack(
    model: Model, forcing: Forcing, seed: int, step: int
) -> Callable[[Sample, int, int], Batch]:
    def pack(sample: Sample, start: int, stop: int) -> Batch:
        some = sample[start:stop]
        own = forcing.own([seed, start], step, some.lengths.tolist())
        return model.batch(some.inputs, some.targets, some.weights, own, held=forcing.held)

    return pack
