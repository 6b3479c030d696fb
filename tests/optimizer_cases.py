"""Small problems for optimizers: dense, obvious, with breakdowns on order."""

from __future__ import annotations

import numpy as np

from hfopt import GaussNewton, Gradient, Tangent


class LeastSquares:
    """1/2 |r(theta)|^2 of a residual with a dense Jacobian; a batch scales the objective."""

    def residual(self, theta):
        raise NotImplementedError

    def jacobian(self, theta):
        raise NotImplementedError

    def value(self, theta, batch):
        return float(0.5 * batch * self.residual(theta) @ self.residual(theta))

    def gradient(self, theta, batch, *, squares=False):
        J, r = self.jacobian(theta), self.residual(theta)
        each = batch * J * r[:, None]  # a row for each residual
        return Gradient(
            self.value(theta, batch), each.sum(0), (each**2).sum(0) if squares else None, None
        )

    def linearize(self, theta, batch):
        return DenseLinearization(self, theta, batch)


class DenseLinearization:
    def __init__(self, problem, theta, batch):
        found = problem.gradient(theta, batch, squares=True)
        self.value, self.gradient, self.squares, self.state = found
        self.J, self.batch, self.size = problem.jacobian(theta), batch, theta.size

    def jvp(self, v):
        return Tangent((self.J @ v)[None], v.copy())  # the states are the parameters

    def vjp(self, outputs, states=None):
        product = self.J.T @ outputs[0]
        return product if states is None else product + states

    def loss_curvature(self, outputs):
        return self.batch * outputs

    def state_curvature(self, states, structural):
        return structural.preactivations * states

    def operator(self, damping=0.0, structural=0.0):
        return GaussNewton(self, damping, structural)


class Rosenbrock(LeastSquares):
    """Residuals 10 (y - x^2) and 1 - x: least at (1, 1)."""

    start = (-1.2, 1.0)

    def residual(self, theta):
        x, y = theta
        return np.array([10.0 * (y - x * x), 1.0 - x])

    def jacobian(self, theta):
        return np.array([[-20.0 * theta[0], 10.0], [-1.0, 0.0]])


class Quadratic(LeastSquares):
    """Residuals A theta - y, with the eigenvalues of A'A as given."""

    def __init__(self, eigenvalues, seed=0):
        rng = np.random.default_rng(seed)
        n = len(eigenvalues)
        Q = np.linalg.qr(rng.standard_normal((n, n)))[0]
        P = np.linalg.qr(rng.standard_normal((n, n)))[0]
        self.A = P @ np.diag(np.sqrt(eigenvalues)) @ Q.T
        self.solution = rng.standard_normal(n)

    def residual(self, theta):
        return self.A @ (theta - self.solution)

    def jacobian(self, theta):
        return self.A


class Broken(Quadratic):
    """A quadratic whose value, gradient or products turn into NaN when ``broken`` says so."""

    def __init__(self, what, broken, eigenvalues=(1.0, 2.0, 5.0)):
        super().__init__(eigenvalues)
        self.what, self.broken, self.calls = what, broken, 0

    def _spoil(self, what, number):
        if what not in self.what:
            return number
        self.calls += 1
        return number * (np.nan if self.broken(self.calls) else 1.0)

    def value(self, theta, batch):
        return self._spoil("value", super().value(theta, batch))

    def gradient(self, theta, batch, *, squares=False):
        value = 0.5 * batch * self.residual(theta) @ self.residual(theta)
        gradient = batch * self.A.T @ self.residual(theta)
        return Gradient(float(value), self._spoil("gradient", gradient), None, None)

    def linearize(self, theta, batch):
        problem = self

        class Spoilt(DenseLinearization):
            def vjp(self, outputs, states=None):
                return problem._spoil("product", super().vjp(outputs, states))

        return Spoilt(self, theta, batch)


def same(a, b):
    """Whether two records are equal bit for bit, NaN included."""
    if isinstance(a, tuple):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    x, y = np.asarray(a), np.asarray(b)
    return x.dtype == y.dtype and x.shape == y.shape and x.tobytes() == y.tobytes()
