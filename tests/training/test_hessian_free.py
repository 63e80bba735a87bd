"""Hessian-free steps on functions of a few numbers: closed forms, losses that are no numbers, parts of a step."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from recurra.cells import Array
from recurra.models import Model
from recurra.training import (
    HessianFree,
    Objective,
    Settings,
    train,
)


class Point(Model):
    """A model that is its weights."""

    w: Array
    scale: Array | None = None

    def initial_state(self):
        return ()

    def step(self, state, x):
        return state, self.w


@dataclass(frozen=True)
class Residuals(Objective):
    """Half the sum of squares of a function of the weights: a column of `data`, or Rosenbrock's."""

    kind: str = "linear"

    def count(self, data):
        return 1

    def length(self, data):
        return 2

    def outputs(self, model, data, index, keys=None):
        w = model.w
        if self.kind == "rosenbrock":
            return jnp.array([10 * (w[1] - w[0] ** 2), 1 - w[0]]), ()
        if self.kind == "cliff":  # no number beyond the radius 1
            return jnp.where(jnp.linalg.norm(w) < 1, 1.0, jnp.nan) * (w - 10.0), ()
        return data[0] @ w - data[1], ()

    def compared(self, outputs, model, data, index):
        return 0.5 * jnp.sum(outputs**2)

    def terms(self, data, index):
        return 1

    def matched(self):
        return self


def run(objective, data, start, epochs=1, stretch=1, precision="float64", **options):
    settings = Settings(optimizer="hessian-free", epochs=epochs, stretch=stretch, hessian_free=HessianFree(**options))
    path = []
    point = Point(np.asarray(start, precision))
    trained = train(point, objective, data, settings, until=lambda t: path.append(np.array(t.position.model.w)))
    return trained, [np.asarray(start), *path, trained.position.model.w]


def linear(rows=12, size=5, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((rows, size)), rng.standard_normal(rows)


def test_one_step_without_damping_is_least_squares():
    A, y = linear()
    trained, path = run(Residuals(), (A, y), np.zeros(5), damping=1e-10, warm_start=0.0)
    np.testing.assert_allclose(path[-1], np.linalg.lstsq(A, y, rcond=None)[0], rtol=1e-8)
    assert trained.history[0]["rho"] == pytest.approx(1.0, abs=1e-10)
    assert trained.history[0]["step_length"] == 1.0


def test_damping_falls_by_two_thirds_and_the_distance_as_predicted():
    A, y = linear()
    trained, path = run(Residuals(), (A, y), np.ones(5), epochs=4, damping=0.8, warm_start=0.0)
    end, H = np.linalg.lstsq(A, y, rcond=None)[0], A.T @ A
    for k, entry in enumerate(trained.history):
        damping = 0.8 * (2 / 3) ** k
        assert entry["damping"] == pytest.approx(damping, rel=1e-12)
        away = damping * np.linalg.solve(H + damping * np.eye(5), path[k] - end)
        np.testing.assert_allclose(path[k + 1] - end, away, rtol=1e-8, atol=1e-12)


def test_curvatures_of_one_and_a_millionth_take_five_steps():
    A, y = np.diag([1.0, 1e-3]), np.array([1.0, 1e-3])  # curvatures 1 and 1e-6
    _, path = run(Residuals(), (A, y), np.zeros(2), epochs=5, damping=1e-10)
    assert np.abs(path[-1] - 1).max() <= 1e-3
    assert 0.5 * np.sum((A @ path[-1] - y) ** 2) <= 1e-10
    # gradient descent at its limit of stability, rate 2, needs ln(10) / (2e-6) steps for one digit of the error
    w = np.zeros(2)
    for _ in range(100_000):
        w -= 1.99 * A.T @ (A @ w - y)
    assert abs(w[1] - 1) > 0.5


def test_progress_tells_loss_ratio_damping_and_iterations():
    told = []
    settings = Settings(optimizer="hessian-free", epochs=2, stretch=1, hessian_free=HessianFree(damping=0.8))
    trained = train(Point(np.ones(5)), Residuals(), linear(), settings, progress=told.append)
    names = ("epoch", "loss", "validation", "rho", "damping", "cg_steps")
    seconds = [event.pop("seconds") for event in told]
    assert 0 < seconds[0] < seconds[1]
    assert told == [{"epochs": 2, **{name: entry[name] for name in names}} for entry in trained.history]


def test_rosenbrock_in_less_than_thirty_steps():
    trained, path = run(Residuals("rosenbrock"), (), [-1.2, 1.0], epochs=29, damping=0.1)
    assert np.abs(path[-1] - 1).max() <= 1e-8
    assert trained.history[-1]["loss"] <= 1e-15


def test_a_loss_that_is_not_a_number_shortens_the_step_and_raises_the_damping():
    trained, path = run(Residuals("cliff"), (), np.zeros(3), epochs=3, damping=1e-4)
    assert all(np.isfinite(w).all() and np.linalg.norm(w) < 1 for w in path)
    assert np.linalg.norm(path[1]) > 0
    assert trained.history[0]["rho"] is None  # minus infinity
    assert 0 < trained.history[0]["step_length"] < 1
    assert trained.history[1]["damping"] == pytest.approx(1.5e-4, rel=1e-12)


@dataclass(frozen=True)
class Trap(Residuals):
    """No number anywhere but at the start."""

    def outputs(self, model, data, index, keys=None):
        w = model.w
        return jnp.where(jnp.sum(w**2) > 0, jnp.nan, 1.0) * (w - 1.0), ()


def test_a_step_that_no_length_makes_good_is_not_taken():
    trained, path = run(Trap(), (), np.zeros(3), epochs=2, damping=0.5)
    np.testing.assert_array_equal(path[-1], 0.0)  # to the bit
    assert [entry["step_length"] for entry in trained.history] == [0.0, 0.0]
    assert [entry["damping"] for entry in trained.history] == pytest.approx([0.5, 0.75])
    np.testing.assert_array_equal(trained.position.optimizer.iterate, 0.0)


def test_the_ratio_is_of_the_undamped_model_and_the_step_that_was_taken():
    A, y = linear()
    trained, path = run(Residuals(), (A, y), np.ones(5), damping=3.0, cg_steps=2)
    x, loss = path[-1] - 1, lambda w: 0.5 * np.sum((A @ w - y) ** 2)
    model = x @ A.T @ (A @ np.ones(5) - y) + 0.5 * x @ A.T @ A @ x
    assert trained.history[0]["rho"] == pytest.approx((loss(path[-1]) - loss(np.ones(5))) / model, rel=1e-10)


@dataclass(frozen=True)
class Wall(Residuals):
    """A narrow valley that the quadratic model at the start does not see."""

    def outputs(self, model, data, index, keys=None):
        A, y = data
        w = model.w
        return jnp.concatenate([A @ w - y, 30 * jax.nn.relu(jnp.abs(w) - 1.0)]), ()


def test_an_earlier_iterate_is_taken_where_the_loss_rises_after_it():
    A, y = np.diag(np.geomspace(1, 0.03, 8)), np.geomspace(0.5, 2, 8)
    trained, path = run(Wall(), (A, y), np.zeros(8), damping=1e-8, cg_steps=8)
    entry, slope = trained.history[0], A.T @ y
    assert (entry["cg_taken"], entry["cg_steps"], entry["step_length"]) == (1, 8, 1.0)
    steepest = slope * (slope @ slope) / np.sum((A @ slope) ** 2)  # the first iterate, which stays before the wall
    assert np.abs(steepest).max() < 1 < np.abs(np.linalg.solve(A, y)).max()
    np.testing.assert_allclose(path[-1], steepest, rtol=1e-6)
    assert entry["rho"] == pytest.approx(1.0, abs=1e-10)  # of the iterate that was taken, where the model is exact


def test_the_second_step_begins_at_a_share_of_the_last_iterate():
    A, y = linear()
    _, path = run(Residuals(), (A, y), np.ones(5), epochs=2, damping=0.4, cg_steps=1, warm_start=0.95)
    H, w, x, damping = A.T @ A, np.ones(5), np.zeros(5), 0.4
    for k in range(2):
        g, B, start = A.T @ (A @ w - y), H + damping * np.eye(5), 0.95 * x
        r = -g - B @ start
        x = start + r * (r @ r) / (r @ B @ r)
        loss = lambda v: 0.5 * np.sum((A @ v - y) ** 2)  # noqa: E731
        rho = (loss(w + x) - loss(w)) / (g @ x + 0.5 * x @ H @ x)
        w, damping = w + x, damping * (2 / 3 if rho > 0.75 else 1.0 if rho >= 0.25 else 1.5)
        np.testing.assert_allclose(path[k + 1], w, rtol=1e-10)


@dataclass(frozen=True)
class Cases(Residuals):
    """A linear model whose windows are the rows: what the preconditioner is made of."""

    def count(self, data):
        return len(data[0])

    def outputs(self, model, data, index, keys=None):
        return data[0][index] @ model.w - data[1][index], ()

    def compared(self, outputs, model, data, index):
        return jnp.mean(outputs**2)

    def terms(self, data, index):
        return len(index)


def test_the_preconditioner_saves_iterations_where_scales_differ():
    rng = np.random.default_rng(0)
    A = rng.standard_normal((400, 60)) * np.geomspace(1, 1e-3, 60)
    data = A, rng.standard_normal(400)
    steps = {}
    for on in (False, True):
        method = HessianFree(cg_steps=250, damping=1e-9, preconditioned=on)
        settings = Settings(optimizer="hessian-free", epochs=1, batch_size=400, stretch=1, hessian_free=method)
        trained = train(Point(np.zeros(60)), Cases(), data, settings)
        steps[on] = trained.history[0]["cg_steps"], trained.position.model.w
    assert steps[False][0] >= 3 * steps[True][0]
    np.testing.assert_allclose(A @ steps[True][1], A @ np.linalg.lstsq(*data, rcond=None)[0], atol=0.2)


def test_steps_that_are_never_taken_sound_an_alarm():
    with pytest.warns(Warning, match="none of the last 5 steps"):
        trained, _ = run(Trap(), (), np.zeros(3), epochs=6, damping=0.5)
    assert [alarm["kind"] for alarm in trained.alarms] == ["rejected steps"]
