"""A training job: all that decides the bits of a run."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from hfopt import Batches
from reservoir.esn.model import ESN
from reservoir.jobs.building import (
    FORCING_STREAM,
    batches_of,
    cells_of,
    initializer_of,
    optimizer_of,
    stream,
)
from reservoir.jobs.forcing import forced, forcing_of
from reservoir.jobs.from_reservoir import begun
from reservoir.jobs.from_trained import from_trained
from reservoir.jobs.remedies import as_options
from reservoir.jobs.settings import Options
from reservoir.jobs.source import Source
from reservoir.rnn import Model, Network
from reservoir.rnn.remedies import Remedies
from reservoir.rnn.treated import Treated


@dataclass(frozen=True, eq=False)
class Job:
    """All that decides the bits of a run.

    Parameters
    ----------
    source : Source
    network, optimizer, batches : mapping
        As `reservoir.jobs.settings` completes them.
    validate_every : int
        Steps; it decides at which of them the target can be met.
    seed : int
    horizon : int
        Steps that the targets are ahead of the inputs, in files.
    remedies : mapping
        As `reservoir.jobs.remedies` completes them.
    init_from : ESN, Model or None
        Whose reservoir or network the network begins as; ``network`` are then the settings that
        `reservoir.jobs.from_reservoir` or `reservoir.jobs.from_trained` completes.
    forcing : mapping
        As `reservoir.jobs.forcing.forcing_settings` gives it.
    """

    source: Source
    network: Options
    optimizer: Options
    batches: Options
    validate_every: int
    seed: int
    horizon: int = 0
    remedies: Options = field(default_factory=dict)
    init_from: ESN | Model | None = None
    forcing: Options = field(default_factory=dict)

    @cached_property
    def document(self) -> dict[str, Any]:
        """The job as JSON values: a run goes on only with an equal one."""
        found = {
            "seed": self.seed,
            "data": dict(self.source.document),
            "network": dict(self.network),
            "optimizer": dict(self.optimizer),
            "batches": dict(self.batches),
            "validate_every": self.validate_every,
            "horizon": self.horizon,
        }
        for name, options in (("remedies", self.remedies), ("forcing", self.forcing)):
            if options:
                found[name] = dict(options)
        return found

    def check(self) -> None:
        """Raise the DataErrors that the job would end with, before anything is written."""
        model = self.start()
        self.treated(model.network)
        forcing_of(self.forcing).check(
            second_order=self.optimizer["optimizer"] == "hf",
            squares=self.optimizer.get("preconditioner") == "fisher",
            omega=Remedies(**self.remedies).regularizes,
            truncated=self.batches.get("k1") is not None,
            feedback=model.feedback,
        )
        self.source.check(model)

    def drawn(self, model: Model) -> Batches[Any]:
        """The batches of each step, with own outputs in them as the forcing has it."""
        batches = batches_of(self.batches, self.source.draw, model, self.seed)
        seed = stream(self.seed, FORCING_STREAM)
        return forced(batches, model, forcing_of(self.forcing), seed)

    def start(self) -> Model:
        """The network with its initial parameters, those that its remedies allow."""
        model = self._drawn() if self.init_from is None else self._begun(self.init_from)
        with as_options():
            theta = Remedies(**self.remedies).start(model.network, model.theta)
        return replace(model, theta=theta)

    def treated(self, network: Network) -> Treated:
        """Problem and optimizer."""
        optimizer = optimizer_of(self.optimizer, self.batches, self.source.count)
        truncated = self.batches.get("k1") is not None
        with as_options():
            return Remedies(**self.remedies).applied(network, optimizer, truncated=truncated)

    def _drawn(self) -> Model:
        cells = cells_of(self.network, self.seed)
        network = self.source.network(cells, self.network["dtype"])
        theta = network.initial(self.seed, initializer_of(self.network))
        return self.source.model(network, theta)

    def _begun(self, record: ESN | Model) -> Model:
        if isinstance(record, Model):
            return from_trained(record, self.network, self.source)
        return begun(record, self.network, self.source, self.horizon)
