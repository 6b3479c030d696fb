"""Slow and obvious twins of the engine: plain loops and dense formulas.

Imports neither package, so that an error of theirs cannot hide in here.
"""

from __future__ import annotations

import math

import numpy as np


def activation(name, a):
    """One number through the activation."""
    if name == "tanh":
        return math.tanh(a)
    if name == "logistic":
        return 1 / (1 + math.exp(-a)) if a > -700 else math.exp(a)
    if name == "relu":
        return max(a, 0.0)
    return a


def dense(W):
    """The matrix as an array of float64, whatever its form."""
    return np.asarray(W.todense() if hasattr(W, "todense") else W, dtype=np.float64)


def step(network, x, u, y, noise):
    """``x <- (1-a) x + a f(W x + W_in u + b + W_fb y + noise)``, unit by unit."""
    W, units = dense(network.W), len(x)
    new = np.empty(units)
    for i in range(units):
        a = float(network.bias[i]) + float(noise[i])
        for j in range(units):
            a += W[i, j] * x[j]
        for k in range(len(u)):
            a += float(network.W_in[i, k]) * u[k]
        for m in range(len(y)):
            a += float(network.W_fb[i, m]) * y[m]
        leak = float(network.leak_rate[i])
        new[i] = (1 - leak) * x[i] + leak * activation(network.activation, a)
    return new


def run(network, inputs, teacher=None, noise=None, x=None, y=None):
    """States (T, N) along one series; ``teacher`` row t is forced at step t, else ``y`` stays."""
    units, targets = len(network.bias), network.W_fb.shape[1]
    x = np.zeros(units) if x is None else np.asarray(x, np.float64)
    y = np.zeros(targets) if y is None else np.asarray(y, np.float64)
    states = np.empty((len(inputs), units))
    for t in range(len(inputs)):
        y = y if teacher is None else np.asarray(teacher[t], np.float64)
        x = step(network, x, inputs[t], y, np.zeros(units) if noise is None else noise[t])
        states[t] = x
    return states


def run_closed(network, loop, inputs, x=None, y=None):
    """States (T, N) and outputs (T, M) of one series whose outputs are fed back.

    ``loop`` has weights (M, N or N + K), intercept, columns, gain and offset (M,).
    """
    units, targets = len(network.bias), len(loop.intercept)
    x = np.zeros(units) if x is None else np.asarray(x, np.float64)
    y = np.zeros(targets) if y is None else np.asarray(y, np.float64)
    states, outputs = np.empty((len(inputs), units)), np.empty((len(inputs), targets))
    for t in range(len(inputs)):
        u = np.array(inputs[t], np.float64)
        for m in range(targets):
            if loop.columns[m] >= 0:
                u[loop.columns[m]] = float(loop.gain[m]) * y[m] + float(loop.offset[m])
        x = step(network, x, u, y[: network.W_fb.shape[1]], np.zeros(units))
        features = x if loop.weights.shape[1] == units else np.concatenate([x, u])
        y = np.array(
            [
                float(loop.intercept[m]) + math.fsum(loop.weights[m] * features)
                for m in range(targets)
            ]
        )
        states[t], outputs[t] = x, y
    return states, outputs


# ---- readouts


def ridge(features, targets, penalty):
    """Weights (F, M) and intercept (M,): least squares with rows for the penalty.

    The column of ones has no such row: the intercept is free. Without a penalty, and if it is not
    unique, the solution of the least norm.
    """
    rows, columns = features.shape
    if penalty == 0:
        means = features.mean(axis=0), targets.mean(axis=0)
        weights = np.linalg.pinv(features - means[0]) @ (targets - means[1])
        return weights, means[1] - means[0] @ weights
    top = np.hstack([features, np.ones((rows, 1))])
    bottom = np.hstack([math.sqrt(penalty) * np.eye(columns), np.zeros((columns, 1))])
    wanted = np.vstack([targets, np.zeros((columns, targets.shape[1]))])
    solution = np.linalg.lstsq(np.vstack([top, bottom]), wanted, rcond=None)[0]
    return solution[:-1], solution[-1]


def hat(features, penalty):
    """The matrix (T, T) that takes the targets to their fit, intercept included."""
    rows, columns = features.shape
    design = np.hstack([features, np.ones((rows, 1))])
    penalties = penalty * np.eye(columns + 1)
    penalties[-1, -1] = 0
    return design @ np.linalg.solve(design.T @ design + penalties, design.T)


def gcv(features, targets, penalty):
    """Generalized cross-validation (M,): ``T |y - Hy|^2 / (T - tr H)^2``."""
    rows = len(features)
    H = hat(features, penalty)
    return rows * ((targets - H @ targets) ** 2).sum(axis=0) / (rows - np.trace(H)) ** 2


def left_out(features, targets, penalty, groups):
    """Mean squared error (M,) when each group of rows is predicted by a fit of all others."""
    errors = np.zeros(targets.shape[1])
    for group in groups:
        kept = np.setdiff1d(np.arange(len(features)), group)
        weights, intercept = ridge(features[kept], targets[kept], penalty)
        errors += ((targets[group] - features[group] @ weights - intercept) ** 2).sum(axis=0)
    return errors / len(features)


def contiguous(rows, folds):
    """Row numbers of each fold: row t belongs to fold ``t * folds // rows``."""
    of = np.arange(rows) * folds // rows
    return [np.flatnonzero(of == fold) for fold in range(folds)]


# ---- the whole network


def standardize(series):
    """Mean and standard deviation of each column over all rows of all series; NaN left out."""
    rows = np.concatenate(series)
    scale = np.nanstd(rows, axis=0)
    return np.nanmean(rows, axis=0), np.where(scale == 0, 1.0, scale)


def scored_rows(network, X, y, washouts, *, direct=False):
    """Scaled features and targets of all scored steps, and the four scalers.

    X, y: lists of series. With feedback the scaled target of the step before is forced.
    """
    mean_x, scale_x = standardize(X)
    mean_y, scale_y = standardize(y)
    features, targets = [], []
    for series, wanted, washout in zip(X, y, washouts, strict=True):
        u, v = (series - mean_x) / scale_x, (wanted - mean_y) / scale_y
        teacher = None
        if network.W_fb.shape[1]:
            teacher = np.vstack([np.zeros((1, v.shape[1])), v])
        states = run(network, u, teacher)
        rows = np.hstack([states, u]) if direct else states
        features.append(rows[washout : len(v)])
        targets.append(v[washout:])
    return np.concatenate(features), np.concatenate(targets), (mean_x, scale_x, mean_y, scale_y)
