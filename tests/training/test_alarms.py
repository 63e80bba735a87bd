"""Each alarm on its crafted case, and none of them on a healthy training."""

import warnings
from dataclasses import replace

import jax
import numpy as np
import pytest

from recurra.errors import RecurraWarning
from recurra.models import Dense, Stack
from recurra.training import LastStep, NextSteps, Settings, Truncated, alarms, train
from recurra.training.wrappers import Gaussian, LearnedStart

WAVE = np.sin(0.3 * np.arange(60)).astype(np.float32)[:, None]
DATA = WAVE, np.zeros((60, 0), np.float32), np.arange(50, dtype=np.int32)
SHORT = Settings(epochs=4, stretch=2, batch_size=25)


def _network(activation="tanh", hidden=(), seed=0):
    return Stack.draw("elman", 1, 1, units=4, hidden=hidden, activation=activation, seed=seed)


def _with_bias(model, b):
    return replace(model, cells=(replace(model.cells[0], b=np.full(4, b, np.float32)),))


def _kinds(found):
    return [alarm["kind"] for alarm in found]


def _entries(losses):
    return [{"epoch": e + 1, "loss": loss} for e, loss in enumerate(losses)]


@pytest.fixture
def heard():
    """The alarms of a call, and the warnings that came with them."""

    def listen(check, *arguments):
        found = []
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            check(found, *arguments)
        assert [str(w.message) for w in caught] == [alarm["message"] for alarm in found]
        assert {w.category for w in caught} <= {RecurraWarning}
        return found

    return listen


def test_a_healthy_training_is_silent():
    trained = train(_network(), NextSteps(8, 8), DATA, SHORT)  # a warning of recurra is an error in tests
    assert trained.alarms == []
    assert set(trained.history[0]) == {"epoch", "loss", "gradient_norm", "clipped", "validation"}


def test_sequences_of_one_step_speak_once_and_not_of_their_gradient_too():
    with pytest.warns(RecurraWarning) as caught:
        trained = train(_network(), NextSteps(1, 1), DATA, SHORT)
    assert len(caught) == 1
    assert "sequence length 1: the recurrent weights are unused" in str(caught[0].message)
    assert [(alarm["kind"], alarm["epoch"]) for alarm in trained.alarms] == [("no recurrence", 0)]


def test_recurrent_weights_that_only_see_zeros_are_told_by_their_gradient():
    """Inputs of zero until the last step, and no bias: W multiplies a state of zero in every window."""
    inputs = np.zeros((40, 6, 1), np.float32)
    inputs[:, -1, 0] = np.random.default_rng(0).normal(size=40)
    data = inputs, inputs[:, -1]
    with pytest.warns(RecurraWarning, match="recurrent weights is exactly zero in epochs 1 to 2") as caught:
        trained = train(_network("relu"), _Unbiased(), data, replace(SHORT, batch_size=40))
    assert len(caught) == 1  # and not again in epochs 3 and 4
    assert _kinds(trained.alarms) == ["no recurrence"]


class _Unbiased(LastStep):
    """The last step, of a network whose cells have no bias."""

    def loss(self, model, data, index, keys=None):
        cell = model.cells[0]
        model = replace(model, cells=(replace(cell, b=0 * cell.b),))
        return super().loss(model, data, index, keys)


@pytest.mark.parametrize(("W", "U", "expected"), [(0, 1, 1), (1e-30, 1, 0), (0, 0, 0), (1, 0, 0)])
def test_idle_is_an_exact_zero_beside_weights_that_learn(W, U, expected):
    model = jax.tree.map(lambda leaf: 0 * leaf, _network())
    cell = model.cells[0]
    gradient = replace(model, cells=(replace(cell, W=cell.W + np.float32(W), U=cell.U + np.float32(U)),))
    assert alarms.idle(gradient) == expected
    assert alarms.idle(model.readout) == 0  # no recurrent weights, nothing to say


def test_dead_relus_are_counted_by_layer():
    model = _with_bias(_network("relu"), -9.0)
    with pytest.warns(
        RecurraWarning, match=r"4 of 4 units of cells/0 are never active \(after epoch 2, in 8 windows\)"
    ):
        trained = train(model, NextSteps(8, 8), DATA, SHORT)
    assert [(a["kind"], a["epoch"], a["layers"]) for a in trained.alarms] == [("dead units", 2, {"cells/0": [4, 4]})]


def test_dead_units_of_a_readout_are_found(heard):
    model = _network(hidden=(5,))
    off = replace(model.readout[0], c=np.array([-9, -9, -9, -9, 9], np.float32))
    found = heard(alarms.check_units, replace(model, readout=(off, model.readout[1])), NextSteps(8, 8), DATA, 7)
    assert [(a["kind"], a["epoch"], a["layers"]) for a in found] == [("dead units", 7, {"readout/0": [4, 5]})]
    assert heard(alarms.check_units, _network(hidden=(5,)), NextSteps(8, 8), DATA, 7) == []


@pytest.mark.parametrize("wrapped", [False, True])
def test_saturated_units_are_told_with_their_share(heard, wrapped):
    model = _with_bias(_network(), 9.0)  # 1 - tanh(9 +- a few)^2 < 0.01
    if wrapped:
        model = Gaussian(LearnedStart.of(replace(model, readout=(Dense.draw(4, 2, np.random.default_rng(0)),))))
    found = heard(alarms.check_units, model, NextSteps(8, 4), DATA, 3)
    assert [(a["kind"], a["layers"]) for a in found] == [("saturated units", {"cells/0": 1.0})]
    assert "100 % of the slopes of cells/0 are below 0.01 (after epoch 3, in 8 windows)" in found[0]["message"]


def test_gates_saturate_like_units(heard):
    model = Stack.draw("lstm", 1, 1, units=4, seed=0)
    cell = model.cells[0]
    shut = replace(model, cells=(replace(cell, b=np.repeat(np.float32([9, 9, 0, 9]), 4)),))  # all gates open for good
    assert heard(alarms.check_units, model, NextSteps(8, 8), DATA, 1) == []
    found = heard(alarms.check_units, shut, NextSteps(8, 8), DATA, 1)
    assert found[0]["layers"]["cells/0"] >= 0.75


def test_every_objective_of_windows_is_looked_at(heard):
    model, starts = _with_bias(_network(), 9.0), np.array([[0, 20], [8, 28]], np.int32)
    windows = np.stack([WAVE[k : k + 8] for k in range(12)])
    for objective, data, count in (
        (Truncated(8), (*DATA[:2], starts, starts == 0), 4),
        (LastStep(), (windows, windows[:, -1]), 8),
    ):
        (found,) = heard(alarms.check_units, model, objective, data, 1)
        assert f"in {count} windows" in found["message"]


def test_a_loss_that_takes_back_what_was_gained_is_a_spike(heard):
    losses = [0.8**e for e in range(20)]
    found = heard(alarms.check_loss, _entries([*losses, 0.5, 0.4]), 5, 0.01)
    assert [(a["kind"], a["epoch"], a["before"], a["after"]) for a in found] == [("loss spike", 21, losses[-1], 0.5)]
    assert "learning rate of 0.003" in found[0]["message"]
    below = [loss - 0.9 for loss in losses]  # a logarithm of a likelihood: half of what was gained is no spike
    assert heard(alarms.check_loss, _entries([*below, -0.4]), 5, 0.01) == []
    assert _kinds(heard(alarms.check_loss, _entries([*below, 0.2]), 5, 0.01)) == ["loss spike"]
    assert heard(alarms.check_loss, _entries([*losses, 0.5, 0.4]), 1, 0.01) == []  # it was an earlier stretch


def test_losses_that_fall_wander_or_wobble_are_no_spikes(heard):
    rng = np.random.default_rng(0)
    fall = 0.9 ** np.arange(100)
    for losses in (
        fall,
        fall + 0.1,
        1 + 0.3 * rng.random(100),  # a plateau with noise
        fall * np.exp(rng.normal(0, 0.7, 100)),  # noise of a factor two
        [*fall, 40 * fall[-1]],  # a jump far below what was gained
        [1.0, 5.0, *fall],  # the first epochs
        rng.normal(0, 1e-9, 100) - 4,
    ):
        assert heard(alarms.check_loss, _entries(losses), 100, 0.01) == []


def test_each_kind_speaks_once():
    found = []
    with pytest.warns(RecurraWarning, match="first"):
        alarms.sound(found, alarms.SPIKE, 3, "first")
    alarms.sound(found, alarms.SPIKE, 5, "second")
    assert found == [{"kind": "loss spike", "epoch": 3, "message": "first"}]


def test_a_training_that_is_resumed_keeps_its_alarms_and_is_silent(tmp_path):
    model, file = _with_bias(_network("relu"), -9.0), tmp_path / "checkpoint.safetensors"

    def stop(event):
        raise InterruptedError

    with pytest.warns(RecurraWarning, match="never active"), pytest.raises(InterruptedError):
        train(model, NextSteps(8, 8), DATA, SHORT, checkpoint=file, progress=stop)
    resumed = train(model, NextSteps(8, 8), DATA, SHORT, checkpoint=file)  # a second warning would be an error
    assert [(a["kind"], a["epoch"]) for a in resumed.alarms] == [("dead units", 2)]


def test_a_rate_that_is_halved_is_kept_among_the_alarms_without_a_warning(bias, pull):
    settings = Settings(
        optimizer="sgd", learning_rate=11.0, final_learning_rate=11.0, epochs=40, batch_size=2, on_diverge="backoff:4"
    )
    trained = train(bias(np.ones(1, np.float32)), pull((1.0,)), np.zeros((6, 1), np.float32), settings)
    assert [(a["kind"], a["epoch"]) for a in trained.alarms] == [("diverged", trained.backoffs[0]["epoch"])]
