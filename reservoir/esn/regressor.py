"""``ESNRegressor``: the scikit-learn estimator, a shell over the record and its functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from reservoir.errors import DataError
from reservoir.esn import fit as esn_fit
from reservoir.esn import predict as esn_predict
from reservoir.esn.build import Recipe, build, noise_entropy
from reservoir.esn.gathering import Settings
from reservoir.esn.model import ESN
from reservoir.esn.pairing import Data, own_future
from reservoir.esn.piece import check_out, fill
from reservoir.esn.ridge import parse_ridge
from reservoir.esn.scoring import r_squared
from reservoir.esn.statistics import PARTS, Statistics
from reservoir.series.collection import Collection, collect, is_table
from reservoir.series.scaler import Scaler, measure, unscaled
from reservoir.weights.arguments import check_flags, nonnegative, one_of, whole
from reservoir.weights.seeds import generator

MISSING = ("error", "skip")
TIME_PARALLEL = ("auto", "off")


class ESNRegressor(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Echo state network: a fixed random recurrence and a linear readout fitted by ridge.

    ``x <- (1-a) x + a f(W x + W_in u + b + W_fb y)``, output ``y = W_out [x; u] + c``
    (Jaeger 2001; Lukosevicius 2012). Inputs and targets are standardized by default; the scalers
    belong to the model and are undone on output. Every call starts each series at the zero state
    and leaves no state behind.

    Parameters
    ----------
    units : int, default 500
        Number of units N.
    spectral_radius : float, default 0.9
        Of W; not applied to a W that is given.
    leak_rate : float, array (N,) or str, default 1.0
        The a of each unit, in (0, 1]; 1 is no leak. Smaller is slower. A text such as "0.02:0.2" is
        a range, in which each unit draws its own.
    input_scaling : float or array (K,), default 0.25
        Largest weight of each input.
    bias_scaling : float, default 0.5
        Largest bias.
    ridge : "blocks", "gcv", "loo", float or list of float, default "blocks"
        Penalty on the readout. A number is absolute. A list is a set of candidates, chosen from
        by "blocks". The names choose from a grid relative to trace(G)/N: "blocks" predicts each
        of ``folds`` contiguous parts from the others, "gcv" is generalized cross-validation,
        "loo" exact leave-one-out by a second pass. The intercept is not penalised.
    washout : int or "auto", default "auto"
        Steps at the start of each series that are not scored; "auto" is a tenth of the series,
        at most 100.
    topology : str, default "random"
        "random", "orthogonal", "cycle", "cycle_jumps", "delay_line" or "small_world".
    connectivity : float, optional
        Fraction of non-zeros of W; by default about 10 incoming weights a unit.
    input_connectivity : float, default 1.0
        Fraction of non-zeros of W_in and W_fb.
    weight_values, input_values : "uniform", "normal" or "signs", default "uniform"
        Distribution of the non-zeros of W; of W_in and W_fb.
    activation : "tanh", "logistic", "relu" or "identity", default "tanh"
    feedback : bool, default False
        Whether the output of the step before enters through W_fb: the target in the fit (teacher
        forcing, as Jaeger 2001 has it), the model's own output in ``predict`` and ``forecast``. A
        readout that is fitted at once has no outputs of its own meanwhile, so nothing else can be
        mixed in; ``noise`` in the fit makes the closed loop find back to its path.
    feedback_scaling : float or array (M,), default 0.25
    direct : bool, default False
        Whether the inputs are features of the readout too.
    noise : float, default 0.0
        Standard deviation of Gaussian noise inside the activation during the fit.
    standardize : bool, default True
        Whether inputs and targets are brought to zero mean and unit variance.
    missing_targets : "error" or "skip", default "error"
        What a NaN in the targets does: "skip" leaves the step unscored.
    ridge_per_target : bool, default False
        Whether every target gets a ridge of its own.
    folds : int, default 5
        For ``ridge="blocks"``.
    solver : "gram" or "qr", default "gram"
        Normal equations in float64, or triangular factors, which keep twice the digits at twice
        the cost.
    time_parallel : "auto" or "off", default "auto"
        Whether a long series, one that takes some 0.1 s or more, is cut into chunks that run side
        by side, where the reservoir forgets its start fast enough. States are then within 1e-10
        (float32: 1e-4) of those of a run in one piece, relative to the largest of each step. Not
        with noise.
    dtype : "float64" or "float32", default "float64"
        Of weights, states and outputs.
    W : (N, N), W_in : (N, K), W_fb : (N, M), bias : float or (N,), optional
        Matrices of your own, NumPy or SciPy sparse, used as they are.
    random_state : int, Generator or None, default None
        A Generator is copied.

    Attributes
    ----------
    model_ : reservoir.esn.model.ESN
        The fitted record: everything that a prediction needs.
    progress_ : reservoir.esn.fit.Progress
        What ``partial_fit`` and ``merge`` go on with; ``statistics_`` is a part of it.
    ridge_ : float or array (M,)
        The ridge used.
    flat_ : bool
        Whether outputs are one-dimensional, as y was.
    incremental_ : bool
        Whether it was fitted in parts.
    n_features_in_ : int

    Examples
    --------
    >>> import numpy as np
    >>> from reservoir import ESNRegressor
    >>> wave = np.sin(0.1 * np.arange(2050))[:, np.newaxis]
    >>> esn = ESNRegressor(units=100, random_state=0).fit(wave[:2000])
    >>> bool(np.abs(esn.forecast(steps=50) - wave[2000:]).max() < 0.01)
    True
    """

    def __init__(
        self,
        units: int = 500,
        *,
        spectral_radius: float = 0.9,
        leak_rate: float | str | ArrayLike = 1.0,
        input_scaling: float | ArrayLike = 0.25,
        bias_scaling: float = 0.5,
        ridge: float | Sequence[float] | str = "blocks",
        washout: int | str = "auto",
        topology: str = "random",
        connectivity: float | None = None,
        input_connectivity: float = 1.0,
        weight_values: str = "uniform",
        input_values: str = "uniform",
        activation: str = "tanh",
        feedback: bool = False,
        feedback_scaling: float | ArrayLike = 0.25,
        direct: bool = False,
        noise: float = 0.0,
        standardize: bool = True,
        missing_targets: str = "error",
        ridge_per_target: bool = False,
        folds: int = 5,
        solver: str = "gram",
        time_parallel: str = "auto",
        dtype: str = "float64",
        W: Any = None,
        W_in: Any = None,
        W_fb: Any = None,
        bias: Any = None,
        random_state: Any = None,
    ) -> None:
        self.units = units
        self.spectral_radius = spectral_radius
        self.leak_rate = leak_rate
        self.input_scaling = input_scaling
        self.bias_scaling = bias_scaling
        self.ridge = ridge
        self.washout = washout
        self.topology = topology
        self.connectivity = connectivity
        self.input_connectivity = input_connectivity
        self.weight_values = weight_values
        self.input_values = input_values
        self.activation = activation
        self.feedback = feedback
        self.feedback_scaling = feedback_scaling
        self.direct = direct
        self.noise = noise
        self.standardize = standardize
        self.missing_targets = missing_targets
        self.ridge_per_target = ridge_per_target
        self.folds = folds
        self.solver = solver
        self.time_parallel = time_parallel
        self.dtype = dtype
        self.W = W
        self.W_in = W_in
        self.W_fb = W_fb
        self.bias = bias
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> ESNRegressor:
        """Fit the readout on one series or several.

        Parameters
        ----------
        X : (T, K), (n, T, K), list of (T_i, K), or HDF5 datasets of such shapes
            Inputs. Datasets are read in pieces, never as a whole.
        y : (T,), (T, M), (n, T, M) or list, optional
            Targets. Without them the model learns the next step of X, and can forecast.

        Raises
        ------
        ValueError
            Unusable data or parameters; the message names series, step and column.
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
        settings = self._settings()
        data, flat = self._data(X, y, reset=True)
        data.check(settings.washout)
        rng = generator(self.random_state)
        recipe = Recipe(**{f.name: getattr(self, f.name) for f in fields(Recipe)})
        reservoir = build(recipe, data.inputs.columns, data.targets.columns, rng)
        scalers = self._scalers(data)
        names = getattr(self, "feature_names_in_", range(data.inputs.columns))
        labels = esn_fit.labels_of(data, tuple(map(str, names)))
        self.model_, self.progress_ = esn_fit.fit(
            reservoir, data, scalers, settings, labels, noise_entropy(rng)
        )
        self.flat_ = flat
        self.incremental_ = False

    def partial_fit(self, X: Any, y: Any = None, *, continued: bool = False) -> ESNRegressor:
        """Add series to the fit; the first call draws the reservoir and sets the scalers.

        Parameters
        ----------
        X, y
            As in ``fit``.
        continued : bool, default False
            Whether X goes on with the series at whose end the call before stopped: same number
            of series, no washout.
        """
        if not hasattr(self, "model_"):
            if parse_ridge(self.ridge).criterion == "loo":
                raise DataError('ridge="loo" cannot be had in parts; use "blocks" or "gcv"')
            self.fit(X, y)
            self.incremental_ = True
            return self
        self._check_progress()
        data, _ = self._data(X, y, reset=False)
        self.model_, self.progress_ = esn_fit.fit_more(
            self.model_, self.progress_, data, self._settings(), continued=continued
        )
        self.incremental_ = True
        return self

    def merge(self, other: ESNRegressor) -> ESNRegressor:
        """Take in the data of another fit of the same reservoir and scalers.

        Raises
        ------
        ValueError
            If the two differ in reservoir, scalers, solver or folds.
        """
        self._check_progress()
        other._check_progress()
        self.model_, self.progress_ = esn_fit.merge(
            (self.model_, self.progress_), (other.model_, other.progress_), self._settings()
        )
        self.incremental_ = True
        return self

    def predict(self, X: Any, *, out: Any = None) -> Any:
        """Outputs along each series, every series from the zero state.

        Parameters
        ----------
        X
            As in ``fit``.
        out : array or HDF5 dataset of the shape of the outputs, or a list of them, optional
            Where the outputs go, piece by piece; must not overlap X.

        Returns
        -------
        (T,) or (T, M) for one series, as y was in the fit; (n, T, M) or a list for several. Or
        ``out``, if it was given.

        Raises
        ------
        ValueError
            If ``out`` has another shape, before anything is computed; or unusable data.
        """
        inputs = self._collect_inputs(X)
        if out is None:
            outputs = esn_predict.predict(self.model_, inputs, time_parallel=self._time_parallel())
            return self._formed(outputs, inputs)
        check_out(out, inputs, () if self.flat_ else (len(self.model_.continues),))
        pieces = esn_predict.predicted(self.model_, inputs, time_parallel=self._time_parallel())
        fill(out, inputs.form, pieces, flat=self.flat_)
        return out

    def states(self, X: Any) -> Any:
        """States (T, N) along each series, without feedback of outputs."""
        inputs = self._collect_inputs(X)
        reservoir, scaler = self.model_.reservoir, self.model_.input_scaler
        if reservoir.W_fb.shape[1]:
            reservoir = replace(reservoir, W_fb=reservoir.W_fb[:, :0])
        return inputs.in_form(
            esn_predict.states(reservoir, scaler, inputs, time_parallel=self._time_parallel())
        )

    def forecast(self, steps: int, X: Any = None, y: Any = None, *, inputs: Any = None) -> Any:
        """Run in a closed loop.

        Parameters
        ----------
        steps : int
        X : like X of ``fit``, optional
            Context that the model follows first; by default it starts at the end of the last
            training series.
        y : like y of ``fit``, optional
            Targets along the context, forced on a model with feedback.
        inputs : (steps, K), or a list of such for several contexts, optional
            Future inputs, for columns that the outputs do not replace.

        Returns
        -------
        (steps,) or (steps, M); one for each context.
        """
        check_is_fitted(self)
        steps = whole("steps", steps, least=0)
        model: ESN = self.model_
        if X is None:
            form = Collection((np.empty((0, 0)),), "X", "one")
            starts = [model.end]
        else:
            form = self._collect_inputs(X)
            forced = None if y is None else collect(y, "y", one_dimensional=True)
            starts = esn_predict.context_ends(
                model, form, forced, time_parallel=self._time_parallel()
            )
        exogenous = None if inputs is None else collect(inputs, "inputs")
        return self._formed(esn_predict.forecast(model, steps, starts, exogenous), form)

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """R^2 of the predictions, the washout of each series skipped.

        Without y, of the next step of X, as in ``fit``.
        """
        check_is_fitted(self)
        inputs = self._collect_inputs(X)
        if y is None and self.model_.horizon != 1:
            raise DataError("score needs y: the model was fitted with targets of their own")
        targets = own_future(inputs) if y is None else collect(y, "y", one_dimensional=True)
        skip = self.missing_targets == "skip"
        data = Data(inputs, targets, int(y is None), skip)
        data.check(self.washout)
        pieces = esn_predict.predicted(self.model_, inputs, time_parallel=self._time_parallel())
        return r_squared(data, pieces, data.scored(self.washout), sample_weight)

    def record(self) -> ESN:
        """The fitted record, ``model_``.

        Raises
        ------
        sklearn.exceptions.NotFittedError
        """
        check_is_fitted(self)
        model: ESN = self.model_
        return model

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = False
        tags.target_tags.multi_output = True
        tags.input_tags.three_d_array = True
        return tags

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "model_")

    # ---- what the methods above share

    def _check_progress(self) -> None:
        check_is_fitted(self)
        if not hasattr(self, "progress_"):
            raise DataError(
                "this model was loaded from a file without its statistics, so nothing can be added "
                "to its fit; save it with progress=True"
            )

    def _data(self, X: Any, y: Any, *, reset: bool) -> tuple[Data, bool]:
        """Inputs and targets, and whether outputs shall be one-dimensional."""
        check_flags(self)
        inputs = self._validated(X, reset=reset)
        skip = one_of("missing_targets", self.missing_targets, MISSING) == "skip"
        if y is None:
            if self.feedback:
                raise DataError("feedback=True needs targets y; without them X is its own target")
            return Data(inputs, own_future(inputs), 1, skip), False
        targets = collect(y, "y", one_dimensional=True)
        return Data(inputs, targets, skip_missing=skip), targets.flat

    def _validated(self, X: Any, *, reset: bool) -> Collection:
        """Inputs checked by scikit-learn where it can, and by the collection where it cannot."""
        if is_table(X):
            X = validate_data(self, X, reset=reset, ensure_all_finite=False, dtype="numeric")
        elif reset:
            self.__dict__.pop("feature_names_in_", None)  # of an earlier fit
        inputs = collect(X, "X")
        if reset:
            self.n_features_in_ = inputs.columns
        elif inputs.columns != self.n_features_in_:
            raise DataError(
                f"X has {inputs.columns} features, but {type(self).__name__} is expecting "
                f"{self.n_features_in_} features as input"
            )
        return inputs

    def _collect_inputs(self, X: Any) -> Collection:
        check_is_fitted(self)
        return self._validated(X, reset=False)

    def _settings(self) -> Settings:
        washout = self.washout
        if washout != "auto":
            washout = whole("washout", washout, least=0)
        return Settings(
            ridge=parse_ridge(self.ridge, self.ridge_per_target),
            solver=one_of("solver", self.solver, PARTS),
            folds=whole("folds", self.folds, least=2),
            washout=washout,
            direct=bool(self.direct),
            noise=nonnegative("noise", self.noise),
            time_parallel=self._time_parallel(),
        )

    def _time_parallel(self) -> str:
        return one_of("time_parallel", self.time_parallel, TIME_PARALLEL)

    def _scalers(self, data: Data) -> tuple[Scaler, Scaler]:
        """Measured in one pass, which also checks that all data are finite."""
        measured = measure(data.inputs), measure(data.targets, nan=data.skip_missing)
        if self.standardize:
            return measured
        return unscaled(data.inputs.columns), unscaled(data.targets.columns)

    @property
    def statistics_(self) -> Statistics:
        """What the readout was solved from."""
        return self.progress_.statistics

    @property
    def ridge_(self) -> Any:
        """The ridge used: one number, or one a target."""
        chosen = self.model_.ridge_path.chosen
        return chosen if self.ridge_per_target else float(chosen[0])

    def _formed(self, outputs: list[NDArray[Any]], inputs: Collection) -> Any:
        return inputs.in_form([o[:, 0] for o in outputs] if self.flat_ else outputs)
