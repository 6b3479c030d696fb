"""A training job: begins, goes on where it was, stops in time, and leaves checkpoints."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np

from hfopt import Carrying, Progress, RunState, Status, minimize
from reservoir import threads
from reservoir.checkpoint import Checkpoint, History, Run
from reservoir.errors import DataError
from reservoir.jobs.clock import Clock
from reservoir.jobs.interruption import Flag, Interrupted
from reservoir.jobs.job import Job
from reservoir.jobs.metrics import Metrics
from reservoir.jobs.owner import owning
from reservoir.jobs.run_directory import RunDirectory
from reservoir.jobs.settings import Options, RunSettings, difference, kind_of
from reservoir.jobs.source import Score
from reservoir.rnn import Ahead, Model

Row = Mapping[str, Any]

COLUMNS = {"loss": "validation_loss", "wrong": "wrong", "free_run": "free_run"}  # of a Score


class Ending(Enum):
    """Why a job ended, with the words for it."""

    TARGET = "the target is met"
    PATIENCE = "the score did not improve any more"
    TIME_LIMIT = "the time limit is reached"
    PROCESSOR_LIMIT = "the limit of processor time is reached"
    MAX_STEPS = Status.MAX_STEPS.message
    CONVERGED = Status.CONVERGED.message
    STALLED = Status.STALLED.message
    NOT_FINITE = Status.NOT_FINITE.message


@dataclass(frozen=True, eq=False)
class Outcome:
    """How a job ended.

    Attributes
    ----------
    ending : Ending
    model : Model
        That of the last step.
    checkpoint : Path
        Where it is.
    history : History
    score : Score or None
        Of the model on the sequences that decide; None if there are none.
    """

    ending: Ending
    model: Model
    checkpoint: Path
    history: History
    score: Score | None


def train(
    job: Job,
    directory: RunDirectory,
    settings: RunSettings,
    flag: Flag,
    *,
    fresh: bool = False,
    tell: Callable[[str], object] = lambda message: None,
    warn: Callable[[str], object] = lambda message: None,
    show: Callable[[Row], object] = lambda row: None,
) -> Outcome:
    """Run a job to its end, from where it is.

    Parameters
    ----------
    job : Job
    directory : RunDirectory
        Made if it is not there.
    settings : RunSettings
    flag : Flag
        Set when the run shall end; `reservoir.jobs.interruption.watching` lets signals do it.
    fresh : bool
        Whether to begin anew; the files of the run before are moved aside.
    tell, warn : callable
        Are given messages for people: what is found, and what is damaged.
    show : callable
        Is given each step, as the history has it.

    Returns
    -------
    Outcome

    Raises
    ------
    Interrupted
        The flag was set; the last complete step is on the disk.
    InUseError
        Another process works in the directory.
    DataError
        The directory holds the run of another job; the message has the difference.
    CreateError, OSError
        A file cannot be written; the checkpoints that are there stay.
    """
    flag.check()
    directory.create()
    with owning(directory.path), threads.looking(flag.check):
        if fresh and (aside := directory.set_aside()):
            tell(f"the run before is in {aside}")
        directory.sweep()
        run = _Running(job, directory, settings, show)
        run.take_up(tell, warn)
        return run.go()


class _Running:
    """A run under way: where it is, and what happens after each step."""

    def __init__(
        self,
        job: Job,
        directory: RunDirectory,
        settings: RunSettings,
        show: Callable[[Row], object],
    ) -> None:
        self._job, self._directory, self._settings = job, directory, settings
        self._show = show
        self._model = job.start()
        self._treated = job.treated(self._model.network)
        theta = self._model.theta
        self._state = RunState(0, theta, math.nan, self._treated.optimizer.init(theta))
        self._history = History()
        self._row: Row | None = None  # of the last step, until it is noted
        self._seconds, self._processor_seconds = 0.0, 0.0
        self._saved: Path | None = None

    def take_up(self, tell: Callable[[str], object], warn: Callable[[str], object]) -> None:
        """Go to where an earlier run was, or save the start."""
        found = self._directory.newest(set_bad_aside=True)
        for error in found.bad:
            warn(f"{error}; it is now called *.corrupt")
        if found.checkpoint is not None and found.path is not None:
            _check_same(found.checkpoint, self._job.document, found.path)
            assert found.checkpoint.run is not None
            self._state = found.checkpoint.run.state
            self._history = found.checkpoint.history
            self._saved = found.path
            tell(f"the run stands at step {self._state.step}, {found.path}")
        else:
            self._save()
        if len(self._history):
            self._seconds = float(self._history["seconds"][-1])
            self._processor_seconds = float(self._history["processor_seconds"][-1])
        self._best, self._since = self._least_score()
        self._met = self._was_met()

    def go(self) -> Outcome:
        """All steps that are left."""
        job, settings = self._job, self._settings
        self._clock = Clock(self._history)
        batches = job.drawn(self._model)
        if not isinstance(batches, Carrying) and kind_of(job.optimizer["optimizer"]) != "hf":
            batches = Ahead(batches)  # steps are short: packing would count
        ending, score = self._ending(), None
        if ending is None:
            with Metrics(self._directory.metrics, self._history) as self._metrics:
                try:
                    result = minimize(
                        self._treated.problem,
                        None,
                        self._treated.optimizer,
                        self._treated.batches(batches),
                        max_steps=settings.max_steps,
                        callback=self._after,
                        state=self._state,
                    )
                except Interrupted:
                    self._save_what_is_new()
                    raise
                self._save_what_is_new()
            ending = self._ending() or Ending[result.status.name]
            score = self._final_score()
            due = self._state.step % job.validate_every == 0  # then it was judged as the others
            if score is not None and not due and self._score(score) < self._best:
                self._directory.save_best(self._checkpoint(), job.seed)
        assert self._saved is not None
        score = score or self._final_score()
        return Outcome(ending, self._at(self._state), self._saved, self._history, score)

    def _after(self, progress: Progress[Any, Any]) -> bool:
        """Judge, note, show and save a step; whether the run is done."""
        step = progress.state.step
        row = progress.report._asdict() | {"step": step}
        row |= self._judged(progress.state)  # may be interrupted: the step is then done again
        row |= self._treated.metrics(step - 1, progress.state.theta)
        if (carried := progress.state.carried) is not None:
            row |= {"round": carried.round, "position": carried.start}
        row |= self._clock.times()
        if len(self._history):  # a table that an earlier version began has its columns
            row = {name: row[name] for name in self._history.names}
        self._state, self._saved, self._row = progress.state, None, row
        self._seconds, self._processor_seconds = row["seconds"], row["processor_seconds"]
        self._met = self._below(row[self._column])
        every = (self._settings.metrics_every, self._job.validate_every)
        if any(step % n == 0 for n in every):
            self._note()
        self._show(row)
        if self._improved(row):
            self._directory.save_best(self._checkpoint(), self._job.seed)
        if step % self._settings.checkpoint_every == 0:
            self._save()
        return self._ending() is not None

    def _note(self) -> None:
        """Add the last step to the history and the metrics, if it is not there."""
        if self._row is not None:
            self._history.append(self._row)
            self._metrics.append(self._row)
            self._row = None

    def _judged(self, state: RunState[Any]) -> dict[str, float]:
        """Loss and fraction wrong on other sequences, where they are due; else NaN."""
        source, score, step = self._job.source, Score(math.nan, math.nan), state.step
        sample = source.validation(step) if step % self._job.validate_every == 0 else None
        if sample is not None:
            model = self._at(state)
            score = source.score(model, sample)
            if self._below(self._score(score)):
                decisive = source.test(step)
                score = score if decisive is None else source.score(model, decisive)
        found = {"validation_loss": score.loss, "wrong": score.wrong}
        return found if source.free_run is None else found | {"free_run": score.free_run}

    def _final_score(self) -> Score | None:
        source, step, model = self._job.source, self._state.step, self._at(self._state)
        sample = source.test(step)
        if sample is None:
            sample = source.validation(step)
        return None if sample is None else source.score(model, sample)

    def _was_met(self) -> bool:
        """Whether the steps so far met the target, which may be another one than theirs."""
        if not (len(self._history) and self._below(self._history[self._column][-1])):
            return False
        score = self._final_score()
        return score is not None and self._below(self._score(score))

    def _score(self, of: Score) -> float:
        """What decides of a judgement."""
        return float(getattr(of, self._job.source.judged_by))

    def _below(self, score: float) -> bool:
        """Whether a score meets the target."""
        target = self._settings.target
        return target is not None and bool(score < target)

    @property
    def _column(self) -> str:
        return COLUMNS[self._job.source.judged_by]

    def _improved(self, row: Row) -> bool:
        if not row[self._column] < self._best:
            self._since += row["step"] % self._job.validate_every == 0
            return False
        self._best, self._since = float(row[self._column]), 0
        return True

    def _least_score(self) -> tuple[float, int]:
        """The best score of the steps so far, and the judgements after it."""
        if not len(self._history):
            return math.inf, 0
        judged = self._history["step"] % self._job.validate_every == 0
        scores = self._history[self._column][judged]
        scores = np.where(np.isfinite(scores), scores, math.inf)
        best = float(scores.min(initial=math.inf))
        since = len(scores) - 1 - int(scores.argmin()) if best < math.inf else len(scores)
        return best, since

    def _ending(self) -> Ending | None:
        """Whether the steps so far end the run, so that a run that is over stays so."""
        settings = self._settings
        if self._met:
            return Ending.TARGET
        if settings.patience is not None and self._since >= settings.patience:
            return Ending.PATIENCE
        if not self._state.step:
            return None
        if settings.time_limit is not None and self._seconds >= settings.time_limit:
            return Ending.TIME_LIMIT
        if (
            settings.processor_limit is not None
            and self._processor_seconds >= settings.processor_limit
        ):
            return Ending.PROCESSOR_LIMIT
        return None

    def _at(self, state: RunState[Any]) -> Model:
        return replace(self._model, theta=state.theta)

    def _checkpoint(self) -> Checkpoint:
        self._note()  # the clock goes on from the last row
        run = Run(self._state, self._job.document)
        return Checkpoint(self._at(self._state), run=run, history=self._history)

    def _save_what_is_new(self) -> None:
        if self._saved is None:
            self._save()

    def _save(self) -> None:
        step = self._state.step
        self._saved = self._directory.save(self._checkpoint(), step, self._job.seed)


def _check_same(checkpoint: Checkpoint, document: Options, path: Path) -> None:
    """Refuse to go on with a checkpoint of something else."""
    if not isinstance(checkpoint.record, Model) or checkpoint.run is None:
        raise DataError(f"{path} is no checkpoint of a training job; --fresh moves it aside")
    different = difference(checkpoint.run.job, document)
    if different:
        raise DataError(
            f"{path} is of another job ({'; '.join(different)}); "
            "take another directory, or --fresh to move the old run aside"
        )
