"""Step lengths at given updates against their closed forms, through whole trainings; what is refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from recurra.errors import ConfigError
from recurra.training import SCHEDULES, Settings
from recurra.training.schedules import Rates, momentum

UPDATES = 12  # 6 epochs of 2 batches
DONE = np.arange(UPDATES) / UPDATES
FORMS = {
    "constant": np.full(UPDATES, 0.1),
    "cosine": 0.001 + 0.099 * (1 + np.cos(np.pi * DONE)) / 2,
    "exponential": 0.1 * 0.01**DONE,
    "step": 0.1 * 0.5 ** np.repeat([0, 1, 2], [4, 6, 2]),
}


def _settings(schedule, **given):
    milestones = (2, 5) if schedule == "step" else ()
    fixed = {"optimizer": "sgd", "learning_rate": 0.1, "final_learning_rate": 0.001, "decay": 0.5, "epochs": 6}
    return Settings(**{**fixed, "schedule": schedule, "milestones": milestones, "batch_size": 1, **given})


def _rates(follow, slope, bias, settings):
    """The rates (epochs, 2): each of two windows moves a number of its own, in an order that changes."""
    path = follow(slope, bias([0.0, 0.0]), np.eye(2), settings)[0]
    return -np.diff(path, axis=0)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_the_rate_of_each_update_is_the_closed_form(schedule, slope, bias, follow):
    each = _rates(follow, slope, bias, _settings(schedule))
    expected = FORMS[schedule].reshape(6, 2)
    np.testing.assert_allclose(np.sort(each, axis=1), np.sort(expected, axis=1), rtol=1e-12)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_warm_up_rises_to_the_schedule_that_follows(schedule, slope, bias, follow):
    each = _rates(follow, slope, bias, _settings(schedule, warmup_updates=3))
    done = np.arange(9) / 9
    after = {
        "constant": np.full(9, 0.1),
        "cosine": 0.001 + 0.099 * (1 + np.cos(np.pi * done)) / 2,
        "exponential": 0.1 * 0.01**done,
        "step": FORMS["step"][3:],  # its milestones count all epochs
    }[schedule]
    expected = np.concatenate([[0.025, 0.05, 0.075], after]).reshape(6, 2)
    np.testing.assert_allclose(np.sort(each, axis=1), np.sort(expected, axis=1), rtol=1e-12)


@pytest.mark.parametrize(
    ("given", "match"),
    [
        ({"schedule": "cosin"}, "did you mean 'cosine'"),
        ({"optimizer": "adamm"}, "unknown optimizer"),
        ({"schedule": "exponential", "final_learning_rate": 0.0}, "never reaches 0"),
        ({"schedule": "step"}, "'step' alone has them"),
        ({"milestones": (3,)}, "'step' alone has them"),
        ({"schedule": "step", "milestones": (5, 5)}, "increasing"),
        ({"schedule": "step", "milestones": (0, 5)}, "from 1 on"),
        ({"decay": 0.0}, "`decay`"),
        ({"warmup_updates": -1}, "`warmup_updates`"),
        ({"momentum_tail": -1}, "`momentum_tail`"),
        ({"averaged_updates": -1}, "`averaged_updates`"),
        ({"weight_decay": 0.1}, "'adamw'"),
        ({"optimizer": "adamw", "weight_decay": -0.1}, "from 0 on"),
        ({"on_diverge": "back off"}, "backoff:5"),
        ({"on_diverge": "backoff:0"}, "backoff:5"),
    ],
)
def test_settings_that_cannot_be_are_refused(given, match):
    with pytest.raises(ConfigError, match=match):
        Settings(**given)


@pytest.mark.parametrize(
    ("schedule", "asked", "update", "expected"),
    [
        ("constant", 0.97, 0, 0.97),
        ("delayed", 0.995, 0, 0.9),
        ("delayed", 0.995, 999, 0.9),
        ("delayed", 0.995, 1000, 0.995),
        ("delayed", 0.0, 1000, 0.0),
        ("increasing", 0.99, 0, 0.5),
        ("increasing", 0.99, 249, 0.5),
        ("increasing", 0.99, 250, 0.75),
        ("increasing", 0.99, 2250, 0.95),
        ("increasing", 0.99, 12_249, 1 - 0.5 / 49),
        ("increasing", 0.99, 12_500, 0.99),
        ("increasing", 0.0, 100, 0.0),
    ],
)
def test_the_momentum_of_an_update_is_that_of_the_paper(schedule, asked, update, expected):
    rates = Rates(*[np.float64(0.0)] * len(Rates._fields))._replace(momentum=np.float64(asked), tail=np.inf)
    with jax.enable_x64(True):
        assert float(momentum(schedule, rates, jnp.int32(update))) == pytest.approx(expected, abs=1e-15)


def test_an_increasing_momentum_is_the_hand_result_through_a_training(slope, bias, follow):
    settings = _settings("constant", optimizer="nesterov", momentum=0.9, momentum_schedule="increasing", epochs=300)
    path = follow(slope, bias([0.0]), np.ones((1, 1)), settings)[0][:, 0]
    mu = [min(1 - 0.5 / (t // 250 + 1), 0.9) for t in range(301)]
    v, moved, expected = 0.0, 0.0, []
    for t in range(300):  # a slope of one: v <- mu v - rate, w <- w + mu' v - rate
        v = mu[t] * v - 0.1
        moved += mu[t + 1] * v - 0.1
        expected.append(moved)
    np.testing.assert_allclose(path[-300:], expected, rtol=1e-12)
    assert path[-1] - path[-2] < 1.2 * (path[-60] - path[-61])  # it is faster after 250


def test_in_the_tail_the_momentum_is_nine_tenths_at_most(slope, bias, follow):
    for asked, last in ((0.99, 0.9), (0.5, 0.5)):
        settings = _settings("constant", optimizer="nesterov", momentum=asked, momentum_tail=3, epochs=10)
        path = follow(slope, bias([0.0]), np.ones((1, 1)), settings)[0][:, 0]
        mu = [asked] * 7 + [last] * 4
        v, moved, expected = 0.0, 0.0, []
        for t in range(10):
            v = mu[t] * v - 0.1
            moved += mu[t + 1] * v - 0.1
            expected.append(moved)
        np.testing.assert_allclose(path[-10:], expected, rtol=1e-12)


def test_an_unknown_momentum_schedule_is_refused_with_the_nearest():
    with pytest.raises(ConfigError, match="'increasing'"):
        Settings(momentum_schedule="incresing")
