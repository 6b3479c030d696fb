"""``RNNClassifier``: trained networks for targets that are labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import assert_all_finite, column_or_1d

from reservoir.errors import DataError
from reservoir.rnn.estimators.sequences import Sequences
from reservoir.rnn.estimators.shell import RNNEstimator, Supervised
from reservoir.rnn.estimators.targets import is_list_of_arrays, shape_of, weights_of
from reservoir.series.collection import Collection
from reservoir.series.scaler import unscaled


class RNNClassifier(ClassifierMixin, RNNEstimator):  # type: ignore[misc]
    """Recurrent network trained on labels, one for every step or one for each series.

    As `RNNRegressor`, with softmax cross-entropy of an output for each class, or logistic
    cross-entropy of a single output for two classes.

    Parameters
    ----------
    cell, units, layers, activation, leak_rate, initializer, init_from, optimizer, learning_rate, \
    momentum, clip, clip_value, l1, l2, l1_other, l2_other, spectral_radius_bound, \
    spectral_norm_bound, keep_orthogonal, omega, omega_derivative, shrink_exploded, freeze, \
    max_steps, batch_size, curvature_batch, window, truncation, early_stopping, \
    validation_fraction, patience, tol, warm_start, standardize, dtype, callback, random_state
        As in `RNNRegressor`; ``standardize`` is about inputs alone.

    Attributes
    ----------
    classes_ : ndarray, shape (C,)
        The labels, sorted.
    model_, result_, loss_curve_, metrics_, validation_curve_, n_iter_, n_features_in_
        As in `RNNRegressor`.

    Examples
    --------
    >>> import numpy as np
    >>> from reservoir import RNNClassifier
    >>> x = np.random.default_rng(0).normal(size=(200, 20, 1))  # 200 series of 20 steps
    >>> y = np.where(x.sum(axis=(1, 2)) > 0, "up", "down")  # one label a series
    >>> rnn = RNNClassifier(units=20, max_steps=20, random_state=0).fit(x[:100], y[:100])
    >>> bool(rnn.score(x[100:], y[100:]) > 0.8)
    True
    """

    classes_: NDArray[Any]

    def fit(self, X: Any, y: Any) -> RNNClassifier:
        """Train the network on one series or several.

        Parameters
        ----------
        X : (T, K), (n, T, K), list of (T_i, K)
            Inputs.
        y
            (T,): a label for each step of one series. (n,): a label for each of several series.
            (n, T) or a list of (T_i,): a label for each step of several series.

        Raises
        ------
        ValueError
            Unusable data or parameters; the message names what was expected. An earlier fit stays
            whole.

        Warns
        -----
        sklearn.exceptions.ConvergenceWarning
            Training ended because of numbers that are not finite.
        """
        super().fit(X, y)
        return self

    def _supervised(self, inputs: Collection, y: Any, *, warm: bool) -> Supervised:
        at, labels = labels_of(y, inputs)
        Sequences(inputs, labels, at)  # as many as there are steps or series
        joined = _joined(labels, at)
        found = np.unique(joined)
        classes = self.classes_ if warm else found
        unknown = found[~np.isin(found, classes)]
        if unknown.size:
            raise DataError(
                f"warm_start: y holds the class {unknown[0]}, which the fit before did not; "
                f"expected {', '.join(map(str, classes))}"
            )
        if len(classes) < 2:
            raise DataError(
                f"y holds {len(classes)} class{'es' * (not len(classes))}; expected at least 2"
            )
        self.classes_ = classes
        two = len(classes) == 2
        codes = [np.searchsorted(classes, one) for one in labels]
        each: list[NDArray[Any]] = codes
        if two:
            each = [code[..., np.newaxis].astype(np.float64) for code in codes]
        outputs = 1 if two else len(classes)
        return Supervised(
            Sequences(inputs, each, at),
            outputs,
            "logistic_cross_entropy" if two else "softmax_cross_entropy",
            unscaled(outputs),
            recorded(classes),
            two,
        )

    def decision_function(self, X: Any) -> Any:
        """Linear outputs: for two classes one number, positive for the second, else a column each.

        Returns
        -------
        A row for each step of each series, as the series came, or for each series.
        """
        inputs = self._collected(X)
        found, _ = self.model_.outputs(list(inputs.series))
        return self._formed([one[:, 0] for one in found] if self.flat_ else found, inputs)

    def predict_proba(self, X: Any) -> Any:
        """Probabilities of the classes, a column each.

        Returns
        -------
        As `decision_function`, with C columns.
        """
        inputs = self._collected(X)
        return self._formed(self._probabilities(inputs), inputs)

    def predict_log_proba(self, X: Any) -> Any:
        """Logarithms of `predict_proba`; -inf where a probability is 0."""
        inputs = self._collected(X)
        with np.errstate(divide="ignore"):
            found = [np.log(one) for one in self._probabilities(inputs)]
        return self._formed(found, inputs)

    def predict(self, X: Any) -> Any:
        """Labels of each step, or of each series.

        Returns
        -------
        (T,) for one series, (n, T) or a list for several; (n,) for labels of series.
        """
        inputs = self._collected(X)
        return self._formed(self._labels(inputs), inputs)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """The fraction of labels that are right.

        Parameters
        ----------
        X, y
            As in ``fit``.
        sample_weight : array, or a list of arrays as X is, optional
            A number for each label.
        """
        inputs = self._collected(X)
        at, labels = labels_of(y, inputs)
        if at != self.model_.at:
            raise DataError(f"y has labels at {at} step; the fit had them at {self.model_.at} step")
        Sequences(inputs, labels, at)
        said = self._labels(inputs)
        truth = _joined(labels, at)
        found = _joined(said if at == "every" else [one[-1] for one in said], at)
        if sample_weight is not None:
            sample_weight = weights_of(sample_weight, len(truth))
        return float(accuracy_score(truth, found, sample_weight=sample_weight))

    def _probabilities(self, inputs: Collection) -> list[NDArray[Any]]:
        found = self.model_.predict(list(inputs.series))
        return [np.hstack([1 - one, one]) for one in found] if self.flat_ else found

    def _labels(self, inputs: Collection) -> list[NDArray[Any]]:
        return [self.classes_[one.argmax(axis=1)] for one in self._probabilities(inputs)]


def labels_of(y: Any, inputs: Collection) -> tuple[str, Sequence[NDArray[Any]]]:
    """Where labels belong, "every" step or the "last", and those of each series.

    Raises
    ------
    ValueError
        Numbers that are no labels, or not one-dimensional.
    """
    if y is None:
        raise DataError("RNNClassifier requires y to be passed, but the target y is None")
    at, labels = "every", None  # type: str, Any
    if inputs.form == "one":
        labels = [column_or_1d(y, warn=True)]
    elif is_list_of_arrays(y) or (len(shape_of(y)) > 1 and shape_of(y)[1:] != (1,)):
        labels = [column_or_1d(one) for one in y]
    else:
        at, labels = "last", column_or_1d(y, warn=True)
    joined = _joined(labels, at)
    assert_all_finite(joined, input_name="y")
    check_classification_targets(joined)
    return at, labels


def _joined(labels: Sequence[NDArray[Any]], at: str) -> NDArray[Any]:
    """All labels in one array."""
    return np.concatenate(labels) if at == "every" else np.asarray(labels)


def recorded(classes: NDArray[Any]) -> NDArray[Any]:
    """Labels as a record holds them: no objects, but the texts that they are."""
    return classes.astype(str) if classes.dtype.kind == "O" else classes
