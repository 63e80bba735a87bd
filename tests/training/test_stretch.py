"""Optimisers, schedule, clipping and the order of the windows, on trainings that can be followed by hand."""

import equinox as eqx
import numpy as np
import pytest

from recurra.training import OPTIMIZERS, Settings

A = (3.0, 0.5, 2e-4)  # the last gradients are so small that it matters where an optimiser adds its epsilon
START, TARGET = np.array([1.0, -2.0, 0.5]), np.array([0.25, 0.5, -1.0])


def _adam(gradient, rate, updates):
    """Kingma and Ba, Algorithm 1, with epsilon 1e-7."""
    c, m, v, path = START, 0.0, 0.0, [START]
    for t in range(1, updates + 1):
        g = gradient(c)
        m = 0.9 * m + 0.1 * g
        v = 0.999 * v + 0.001 * g**2
        c = c - rate * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-7)
        path.append(c)
    return np.array(path)


def _rmsprop(gradient, rate, updates):
    """Keras 3: rho 0.9, epsilon 1e-7 under the root."""
    c, v, path = START, 0.0, [START]
    for _ in range(updates):
        g = gradient(c)
        v = 0.9 * v + 0.1 * g**2
        c = c - rate * g / np.sqrt(v + 1e-7)
        path.append(c)
    return np.array(path)


def _momentum(gradient, rate, updates, mu=0.75):
    c, velocity, path = START, 0.0, [START]
    for _ in range(updates):
        velocity = mu * velocity - rate * gradient(c)
        c = c + velocity
        path.append(c)
    return np.array(path)


def _sgd(gradient, rate, updates):
    return _momentum(gradient, rate, updates, mu=0.0)


def _adagrad(gradient, rate, updates):
    """Keras 3: the sum of squares starts at 0.1, epsilon 1e-7 under the root."""
    c, total, path = START, 0.1, [START]
    for _ in range(updates):
        g = gradient(c)
        total = total + g**2
        c = c - rate * g / np.sqrt(total + 1e-7)
        path.append(c)
    return np.array(path)


def _nesterov(gradient, rate, updates, mu=0.75):
    """Sutskever et al. 2013, equations 3 and 4; the path is that of theta + mu v, where the slope is taken."""
    theta, v, path = START, 0.0, [START]
    for _ in range(updates):
        v = mu * v - rate * gradient(theta + mu * v)
        theta = theta + v
        path.append(theta + mu * v)
    return np.array(path)


HAND = {
    "adam": _adam,
    "adamw": _adam,  # without a decay, and of a bias with one
    "rmsprop": _rmsprop,
    "adagrad": _adagrad,
    "momentum": _momentum,
    "nesterov": _nesterov,
    "sgd": _sgd,
}


def test_every_optimiser_is_computed_by_hand():
    assert set(HAND) == set(OPTIMIZERS)


@pytest.mark.parametrize("optimizer", HAND)
def test_an_optimiser_takes_the_steps_computed_by_hand(optimizer, pull, bias, follow):
    rate = 1e-3  # no power of two: it would lose digits in float32
    decay = 0.1 if optimizer == "adamw" else 0.0
    settings = Settings(
        optimizer=optimizer, learning_rate=rate, final_learning_rate=rate, momentum=0.75, weight_decay=decay, epochs=5
    )
    path, trained = follow(pull(A), bias(START), np.tile(TARGET, (4, 1)), settings)
    expected = HAND[optimizer](lambda c: np.array(A) * (c - TARGET), rate, 5)
    np.testing.assert_allclose(path, expected, rtol=0, atol=1e-15)
    assert trained.position.model.readout[0].c.dtype == np.float64
    assert trained.position.update == 5


def test_adamw_shrinks_matrices_and_no_bias(pull, bias, follow):
    model, rate, decay = bias(START), 1e-2, 0.3
    model = eqx.tree_at(lambda m: m.cells[0].b, model, np.array([0.7]))
    settings = Settings(optimizer="adamw", learning_rate=rate, final_learning_rate=rate, weight_decay=decay, epochs=5)
    _, trained = follow(pull(A), model, np.tile(TARGET, (4, 1)), settings)
    after, before = trained.position.model, model
    share = (1 - rate * decay) ** 5  # their gradient is zero, so that is all
    np.testing.assert_allclose(after.cells[0].U, before.cells[0].U * share, rtol=1e-14)
    np.testing.assert_allclose(after.cells[0].W, before.cells[0].W * share, rtol=1e-14)
    np.testing.assert_allclose(after.readout[0].V, before.readout[0].V * share, rtol=1e-14)
    np.testing.assert_array_equal(after.cells[0].b, before.cells[0].b)


def test_nesterov_follows_a_rate_that_changes(pull, bias, follow):
    settings = Settings(
        optimizer="nesterov", learning_rate=0.1, schedule="step", milestones=(2,), decay=0.5, momentum=0.9, epochs=5
    )
    path, _ = follow(pull((3.0,)), bias([1.0]), np.zeros((4, 1)), settings)
    theta, v, expected = 1.0, 0.0, [1.0]
    for rate in (0.1, 0.1, 0.05, 0.05, 0.05):
        v = 0.9 * v - rate * 3.0 * (theta + 0.9 * v)
        theta += v
        expected.append(theta + 0.9 * v)
    np.testing.assert_allclose(path[:, 0], expected, rtol=0, atol=1e-15)


def test_weights_without_a_gradient_stay_to_the_bit(pull, bias, follow):
    model = bias(START)
    for optimizer in HAND:
        settings = Settings(optimizer=optimizer, learning_rate=2.0**-5, momentum=0.75, epochs=2)
        _, trained = follow(pull(A), model, np.tile(TARGET, (4, 1)), settings)
        after = trained.position.model
        for name in ("U", "W", "b"):
            np.testing.assert_array_equal(getattr(after.cells[0], name), getattr(model.cells[0], name))
        np.testing.assert_array_equal(after.readout[0].V, model.readout[0].V)


def test_the_loss_of_an_epoch_is_the_mean_over_its_batches_before_each_update(pull, bias, follow):
    settings = Settings(optimizer="sgd", learning_rate=0.5, final_learning_rate=0.5, epochs=1, batch_size=1)
    _, trained = follow(pull((1.0,)), bias([8.0]), np.zeros((4, 1)), settings)
    # c halves at every update: 8, 4, 2, 1
    assert trained.history[0]["loss"] == pytest.approx(np.mean([64, 16, 4, 1]) / 2, rel=1e-15)
    assert trained.history[0]["gradient_norm"] == pytest.approx(np.mean([8, 4, 2, 1]), rel=1e-15)


def test_the_rate_falls_along_half_a_cosine_over_all_updates(slope, bias, follow):
    settings = Settings(optimizer="sgd", learning_rate=1e-1, final_learning_rate=1e-3, epochs=40, batch_size=3)
    path, _ = follow(slope, bias([0.0]), np.ones((3, 1)), settings)
    rates = -np.diff(path[:, 0])
    assert rates[0] == pytest.approx(1e-1, rel=1e-6)
    assert rates[20] == pytest.approx((1e-1 + 1e-3) / 2, rel=1e-6)
    assert rates[10] == pytest.approx(1e-3 + 0.099 * (0.5 + np.sqrt(2) / 4), rel=1e-6)
    expected = 1e-3 + 0.099 * (1 + np.cos(np.pi * np.arange(40) / 40)) / 2
    np.testing.assert_allclose(rates, expected, rtol=1e-12)


def test_the_schedule_counts_updates_not_epochs(slope, bias, follow):
    settings = Settings(optimizer="sgd", learning_rate=0.5, final_learning_rate=0.0, epochs=5, batch_size=1)
    path, _ = follow(slope, bias([0.0]), np.ones((8, 1)), settings)
    rates = 0.25 * (1 + np.cos(np.pi * np.arange(40) / 40))
    np.testing.assert_allclose(-np.diff(path[:, 0]), rates.reshape(5, 8).sum(axis=1), rtol=1e-5)


def test_clipping_shortens_the_gradient_and_keeps_its_direction(slope, bias, follow):
    settings = Settings(optimizer="sgd", learning_rate=0.5, final_learning_rate=0.5, epochs=1, clip_norm=2.0)
    path, trained = follow(slope, bias([0.0, 0.0]), np.tile([3.0, 4.0], (4, 1)), settings)
    np.testing.assert_allclose(path[1], [-0.6, -0.8], rtol=1e-14)  # length 0.5 * 2
    assert trained.history[0]["gradient_norm"] == pytest.approx(5.0, rel=1e-14)  # as it was
    assert trained.history[0]["clipped"] == 1.0


def test_the_share_of_clipped_updates_is_counted(slope, bias, follow):
    data = np.array([[0.5], [1.0], [2.0], [-3.0]])
    settings = Settings(
        optimizer="sgd", learning_rate=1.0, final_learning_rate=1.0, epochs=1, batch_size=1, clip_norm=1.0
    )
    path, trained = follow(slope, bias([0.0]), data, settings)
    assert trained.history[0]["clipped"] == 0.5  # a gradient of exactly the limit is not clipped
    assert path[1, 0] == pytest.approx(-(0.5 + 1 + 1 - 1), rel=1e-15)
    assert trained.history[0]["gradient_norm"] == pytest.approx(6.5 / 4, rel=1e-15)


def test_what_does_not_fill_a_batch_is_left_out_of_the_epoch(slope, bias, follow):
    settings = Settings(optimizer="sgd", learning_rate=1.0, final_learning_rate=1.0, epochs=3, batch_size=4)
    path, trained = follow(slope, bias([0.0]), np.ones((11, 1)), settings)
    np.testing.assert_array_equal(path[:, 0], [0, -2, -4, -6])
    assert trained.position.update == 6


def _orders(path):
    """Which window each update saw: with rate 7/8, c is read as digits to base 8, the newest first."""
    orders = []
    for c, old in zip(path[1:, 0], path[:-1, 0], strict=True):
        rest, seen = (c - old / 8**8) * 8 / 7, []
        for _ in range(8):
            seen.append(int(rest + 1e-6))
            rest = (rest - seen[-1]) * 8
        orders.append(seen[::-1])
    return orders


def _digits(follow, pull, bias, stretch=1, **given):
    settings = Settings(optimizer="sgd", learning_rate=0.875, final_learning_rate=0.875, **{"batch_size": 1, **given})
    return follow(pull((1.0,)), bias([0.0]), np.arange(8.0)[:, None], settings, stretch)[0]


def test_the_order_of_windows_depends_on_seed_and_epoch_alone(pull, bias, follow):
    first = _orders(_digits(follow, pull, bias, epochs=4, seed=0))
    assert all(sorted(order) == list(range(8)) for order in first)
    assert len({tuple(order) for order in first}) == 4  # a new one in every epoch
    assert _orders(_digits(follow, pull, bias, epochs=6, seed=0))[:4] == first  # however long it lasts
    others = _orders(_digits(follow, pull, bias, epochs=4, seed=1))
    assert all(a != b for a, b in zip(first, others, strict=True))


def test_the_order_of_windows_does_not_depend_on_the_stretches(pull, bias, follow):
    single = _digits(follow, pull, bias, epochs=6, seed=3)
    for stretch, seen in ((2, [2, 4, 6]), (4, [4, 6]), (10, [6])):
        longer = _digits(follow, pull, bias, stretch, epochs=6, seed=3)
        np.testing.assert_array_equal(longer[1:], single[seen])
