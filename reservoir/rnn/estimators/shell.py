"""What the estimators of trained networks share: parameters, inputs, the course of a fit."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import fields
from inspect import signature
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted, validate_data

from hfopt import Optimizer, Result, RunState, Status
from reservoir.errors import DataError
from reservoir.rnn.estimators.architecture import CLIP, FirstOrder, cells_of, optimizer_of
from reservoir.rnn.estimators.begun import begun
from reservoir.rnn.estimators.sequences import Sequences
from reservoir.rnn.estimators.training import Settings, train
from reservoir.rnn.forcing import Forcing
from reservoir.rnn.initial import Initializer
from reservoir.rnn.model import Model
from reservoir.rnn.network import Network
from reservoir.rnn.parameters import Flat
from reservoir.rnn.remedies import Remedies
from reservoir.series.collection import Collection, collect, is_table
from reservoir.series.scaler import Scaler, joined, measure, unscaled
from reservoir.weights.arguments import check_flags
from reservoir.weights.seeds import generator

P = TypeVar("P")
_SETTINGS = tuple(f.name for f in fields(Settings) if f.name not in ("first_order", "remedies"))


class Supervised(NamedTuple):
    """Sequences with targets, and what a network for them needs.

    Attributes
    ----------
    sequences : Sequences
    outputs : int
    loss : str
    scaler : Scaler
        Of the targets.
    classes : ndarray or None
        As `Model.classes`.
    flat : bool
        Whether outputs are without columns.
    continues, feedback
        As `Model` has them.
    """

    sequences: Sequences
    outputs: int
    loss: str
    scaler: Scaler
    classes: NDArray[Any] | None
    flat: bool
    continues: tuple[int, ...] = ()
    feedback: bool = False


class RNNEstimator(BaseEstimator, ABC):  # type: ignore[misc]
    """Parameters and fit of `RNNRegressor` and `RNNClassifier`, which say what targets are."""

    def __init__(
        self,
        cell: Any = "rnn",
        units: int = 100,
        *,
        layers: int = 1,
        activation: str = "tanh",
        leak_rate: float | str | ArrayLike = 1.0,
        initializer: Initializer | None = None,
        init_from: Any = None,
        optimizer: Any = "hf",
        learning_rate: float | str | Callable[[int], float] | None = None,
        momentum: float | str | Callable[[int], float] | None = None,
        clip: float | None = CLIP,
        clip_value: float | None = None,
        l1: float = 0.0,
        l2: float = 0.0,
        l1_other: float = 0.0,
        l2_other: float = 0.0,
        spectral_radius_bound: float | None = None,
        spectral_norm_bound: float | None = None,
        keep_orthogonal: bool = False,
        omega: float | str | Callable[[int], float] = 0.0,
        omega_derivative: str = "published",
        shrink_exploded: float | None = None,
        freeze: str | Sequence[str] = (),
        max_steps: int | None = None,
        batch_size: int | None = None,
        curvature_batch: int | None = None,
        window: int | None = None,
        truncation: int | tuple[int, int] | None = None,
        early_stopping: bool = True,
        validation_fraction: float = 0.1,
        patience: int = 10,
        tol: float = 1e-4,
        warm_start: bool = False,
        standardize: bool = True,
        dtype: str = "float64",
        callback: Callable[[Any], object] | None = None,
        random_state: Any = None,
    ) -> None:
        self.cell = cell
        self.units = units
        self.layers = layers
        self.activation = activation
        self.leak_rate = leak_rate
        self.initializer = initializer
        self.init_from = init_from
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.momentum = momentum
        self.clip = clip
        self.clip_value = clip_value
        self.l1 = l1
        self.l2 = l2
        self.l1_other = l1_other
        self.l2_other = l2_other
        self.spectral_radius_bound = spectral_radius_bound
        self.spectral_norm_bound = spectral_norm_bound
        self.keep_orthogonal = keep_orthogonal
        self.omega = omega
        self.omega_derivative = omega_derivative
        self.shrink_exploded = shrink_exploded
        self.freeze = freeze
        self.max_steps = max_steps
        self.batch_size = batch_size
        self.curvature_batch = curvature_batch
        self.window = window
        self.truncation = truncation
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.tol = tol
        self.warm_start = warm_start
        self.standardize = standardize
        self.dtype = dtype
        self.callback = callback
        self.random_state = random_state

    model_: Model
    result_: Result[Any, Any]
    loss_curve_: NDArray[np.float64]
    metrics_: dict[str, NDArray[np.float64]]
    validation_curve_: NDArray[np.float64]
    flat_: bool
    n_features_in_: int

    def fit(self, X: Any, y: Any) -> RNNEstimator:
        """Train the network on one series or several.

        Parameters
        ----------
        X : (T, K), (n, T, K), list of (T_i, K)
            Inputs.
        y
            Targets; see the class.

        Raises
        ------
        ValueError
            Unusable data or parameters; the message names series, step and column. An earlier fit
            stays whole.

        Warns
        -----
        sklearn.exceptions.ConvergenceWarning
            Training ended because of numbers that are not finite.
        """
        before = self.__dict__.copy()
        try:
            self._fit(X, y)
        except BaseException:  # an earlier fit stays whole
            self.__dict__.clear()
            self.__dict__.update(before)
            raise
        return self

    def _fit(self, X: Any, y: Any) -> None:
        check_flags(self)
        settings = Settings(
            first_order=self._part(FirstOrder),
            remedies=self._part(Remedies),
            **{name: getattr(self, name) for name in _SETTINGS},
        )
        warm = bool(self.warm_start) and self.__sklearn_is_fitted__()
        inputs = self._validated(X, reset=not warm)
        scaler = measure(inputs)  # checks that all inputs are finite
        data = self._supervised(inputs, y, warm=warm)
        first, second = generator(self.random_state).integers(2**63, size=2).tolist()
        columns = inputs.columns + (data.outputs if data.feedback else 0)
        network, theta = self._network(columns, data, first, warm=warm)
        if warm:
            model, state = self._continued(network, data)
        else:
            if self.init_from is not None:
                scaler = self.init_from.input_scaler
            elif not self.standardize:
                scaler = unscaled(inputs.columns)
            names = tuple(map(str, getattr(self, "feature_names_in_", ())))
            if data.feedback:
                scaler = joined(scaler, data.scaler)
            at, state = data.sequences.at, None
            model = Model(
                network, theta, scaler, data.scaler, at, names, classes=data.classes,
                continues=data.continues, feedback=data.feedback,
            )  # fmt: skip
        forcing = self._forcing(data)
        trained = train(
            model, data.sequences, settings, generator(second), state, warm=warm, forcing=forcing
        )
        self.model_, self.result_ = trained.model, trained.result
        self.loss_curve_, self.validation_curve_ = trained.losses, trained.validation
        self.metrics_ = trained.metrics
        self.flat_ = data.flat
        if trained.result.status is Status.NOT_FINITE:
            message = f"training ended at step {self.n_iter_}: {trained.result.message}"
            warnings.warn(message, ConvergenceWarning, stacklevel=4)

    def _part(self, kind: type[P]) -> P:
        """A record of some of the parameters."""
        return kind(**{name: getattr(self, name) for name in signature(kind).parameters})

    def _network(
        self, inputs: int, data: Supervised, seed: int, *, warm: bool
    ) -> tuple[Network, Flat]:
        """The network, and the parameters with which it begins."""
        outputs, loss = data.outputs, data.loss
        if self.init_from is not None:
            if data.feedback:
                raise DataError("init_from: a reservoir has no inputs for what feedback=True adds")
            parameters = self.get_params(deep=False)
            return begun(self.init_from, parameters, inputs, outputs, loss, self.dtype)
        cells = cells_of(self.cell, self.units, self.layers, self.activation, self.leak_rate, seed)
        network = Network(cells, inputs, outputs, loss, self.dtype)
        theta = self.model_.theta if warm else network.initial(seed, self.initializer)
        return network, theta

    @abstractmethod
    def _supervised(self, inputs: Collection, y: Any, *, warm: bool) -> Supervised:
        """Targets as a network for them takes them."""

    def _forcing(self, data: Supervised) -> Forcing:
        """How a generator is trained: all is forced, for targets that do not come back."""
        return Forcing()

    def _continued(self, network: Network, data: Supervised) -> tuple[Model, RunState[Any] | None]:
        """The model of the fit before, and the state of its optimizer, if that can go on."""
        model, at = self.model_, data.sequences.at
        for what, old, new in (
            ("the network", repr(model.network), repr(network)),
            ("targets", model.at, at),
            ("what comes back", model.continues, data.continues),
        ):
            if old != new:
                raise DataError(f"warm_start: {what} cannot change from {old} to {new}")
        result = self.result_
        goes_on = result.status in (Status.MAX_STEPS, Status.STOPPED)
        optimizer = optimizer_of(self.optimizer, self._part(FirstOrder))
        if not (goes_on and _fits(result.state, optimizer)):
            return model, None
        return model, result.state._replace(carried=None)  # of series that may be others now

    def states(self, X: Any) -> Any:
        """Hidden states (T, N) of the last layer along each series, each from its initial state."""
        inputs = self._collected(X)
        return inputs.in_form(self.model_.states(list(inputs.series)))

    def record(self) -> Model:
        """The fitted record, ``model_``.

        Raises
        ------
        sklearn.exceptions.NotFittedError
        """
        check_is_fitted(self)
        return self.model_

    @property
    def n_iter_(self) -> int:
        """Steps of the optimizer, those of earlier fits that this one continued included."""
        return self.result_.nit

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "model_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags

    # ---- what the subclasses use

    def _validated(self, X: Any, *, reset: bool) -> Collection:
        """Inputs checked by scikit-learn where it can, and by the collection where it cannot."""
        if is_table(X):
            X = validate_data(self, X, reset=reset, ensure_all_finite=False, dtype="numeric")
        elif reset:
            self.__dict__.pop("feature_names_in_", None)  # of an earlier fit
        inputs = collect(X, "X")
        if not inputs.series:
            raise DataError("X holds no series; expected at least one")
        if reset:
            self.n_features_in_ = inputs.columns
        elif inputs.columns != self.n_features_in_:
            raise DataError(
                f"X has {inputs.columns} features, but {type(self).__name__} is expecting "
                f"{self.n_features_in_} features as input"
            )
        return inputs

    def _collected(self, X: Any) -> Collection:
        """Inputs of a fitted estimator."""
        check_is_fitted(self)
        inputs = self._validated(X, reset=False)
        for i, steps in enumerate(inputs.lengths):
            for _ in inputs.chunks(i):  # reads, and so checks that all is finite
                pass
            if not steps and self.model_.at == "last":
                raise DataError(f"X, series {i} has no step, hence no last output")
        return inputs

    def _formed(self, found: list[NDArray[Any]], inputs: Collection) -> Any:
        """Something for each step of each series, or for its last one, as the series came."""
        if self.model_.at == "every":
            return inputs.in_form(found)
        return np.concatenate([one[-1:] for one in found])


def _fits(state: RunState[Any], optimizer: Optimizer[Any, Any]) -> bool:
    """Whether a run can go on with an optimizer: its state has the form of this one's."""
    own = optimizer.init(state.theta)
    shapes = [[np.shape(field) for field in one] for one in (own, state.optimizer)]
    return type(own) is type(state.optimizer) and shapes[0] == shapes[1]
