"""Trainings that explode: when they stop, what they say, and going on with half the rate."""

import math
from dataclasses import replace

import numpy as np
import pytest

import recurra as rc
from recurra.errors import DivergenceError, Interrupted
from recurra.models import to_tensors
from recurra.training import Settings, train

# c <- c - rate c explodes above a rate of 2, and halves the loss of its start below
WILD = Settings(optimizer="sgd", learning_rate=11.0, final_learning_rate=11.0, epochs=8, stretch=4, batch_size=2)


def _case(pull, bias):
    return bias(np.ones(1)), pull((1.0,)), np.zeros((6, 1))


@pytest.mark.bad_input(44)
@pytest.mark.parametrize("optimizer", ["adam", "sgd", "rmsprop"])
def test_a_network_that_explodes_stops_with_the_cause(optimizer):
    """Adam's steps are bounded: it would go on for ever with a loss of 1e13 and a useless network."""
    model = rc.RNN(units=8, epochs=20, learning_rate=1e6, clip_norm=None, optimizer=optimizer, bptt_length=20)
    with pytest.raises(
        DivergenceError, match=r"update \d+ \(epoch 1\).* learning rate of 0\.001, or set `clip_norm=1\.0`"
    ) as caught:
        model.fit(np.sin(0.1 * np.arange(200.0)))
    assert caught.value.exit_code == 4
    cause = caught.value.cause
    assert (cause["epoch"], cause["learning_rate"]) == (1, 1e6)
    assert cause["update"] <= 5
    assert np.isfinite(cause["gradient_norm"])
    assert not cause["loss"] < 1e8 * cause["first_loss"]


def test_the_rate_is_halved_until_the_training_stays_finite(pull, bias):
    model, objective, data = _case(pull, bias)
    trained = train(model, objective, data, replace(WILD, on_diverge="backoff:5"))
    # |1 - rate|^(2 n) / 2 passes 1e8 within the 12 updates of the first stretch at 11 and 5.5, at 2.75 in the second
    rates = [11.0, 5.5, 2.75]
    bad = [math.ceil(math.log(2e8) / (2 * math.log(rate - 1))) for rate in rates]
    assert bad[1] < 12 < bad[2] < 24
    assert [cause["learning_rate"] for cause in trained.backoffs] == rates
    assert [cause["update"] for cause in trained.backoffs] == [n + 1 for n in bad]
    assert [cause["epoch"] for cause in trained.backoffs] == [n // 3 + 1 for n in bad]
    assert [entry["backoffs"] for entry in trained.history] == [2] * 4 + [3] * 4
    assert trained.epoch == len(trained.history) == 8


def test_after_the_last_halving_it_is_a_divergence(pull, bias):
    model, objective, data = _case(pull, bias)
    with pytest.raises(DivergenceError, match=r"learning rate 5\.5, halved 1 times") as caught:
        train(model, objective, data, replace(WILD, on_diverge="backoff:1"))
    assert caught.value.cause["learning_rate"] == 5.5


def test_the_training_after_halvings_is_that_of_the_lower_rate(pull, bias):
    model, objective, data = _case(pull, bias)
    halved = train(model, objective, data, replace(WILD, on_diverge="backoff:5", epochs=4))
    gentle = train(model, objective, data, replace(WILD, learning_rate=2.75, final_learning_rate=2.75, epochs=4))
    assert to_tensors(halved.best)["readout/0/c"].tobytes() == to_tensors(gentle.best)["readout/0/c"].tobytes()
    assert [e["loss"] for e in halved.history] == [e["loss"] for e in gentle.history]


def test_a_good_stretch_before_the_bad_one_is_kept(pull, bias):
    """|c| grows tenfold an update: the first stretch of one epoch is good, the third is not."""
    model, objective, data = _case(pull, bias)
    settings = replace(WILD, stretch=1, on_diverge="backoff:5")
    trained = train(model, objective, data, settings)
    first = trained.backoffs[0]
    counts = [entry["backoffs"] for entry in trained.history]
    assert counts[0] == 0
    assert counts == sorted(counts)
    assert first["epoch"] == counts.count(0) + 1
    c = np.float64(1)
    for entry in trained.history:
        losses = []
        for _ in range(3):
            losses.append(c * c / 2)
            c = c - 11.0 * 0.5 ** entry["backoffs"] * c
        assert entry["loss"] == pytest.approx(np.mean(losses), rel=1e-12)


@pytest.mark.parametrize("stop", [1, 2, 5])
def test_a_resumed_training_backs_off_to_the_same_bits(stop, pull, bias, tmp_path):
    model, objective, data = _case(pull, bias)
    settings = replace(WILD, stretch=1, on_diverge="backoff:5")
    whole, path = train(model, objective, data, settings), tmp_path / "c.safetensors"

    def interrupt(entry):
        if entry["epoch"] == stop:
            raise Interrupted("stopped", signal_number=15)

    with pytest.raises(Interrupted):
        train(model, objective, data, settings, checkpoint=path, progress=interrupt)
    resumed = train(model, objective, data, settings, checkpoint=path)
    assert to_tensors(resumed.best)["readout/0/c"].tobytes() == to_tensors(whole.best)["readout/0/c"].tobytes()
    assert (resumed.history, resumed.backoffs) == (whole.history, whole.backoffs)


def test_a_training_that_never_diverges_is_the_same_with_a_way_back(sine_training):
    case, settings = sine_training, Settings(epochs=4, stretch=2)
    plain = train(case.model, case.objective, case.data, settings)
    careful = train(case.model, case.objective, case.data, replace(settings, on_diverge="backoff:3"))
    assert all(np.array_equal(to_tensors(careful.best)[k], v) for k, v in to_tensors(plain.best).items())
    assert careful.backoffs == []
    assert "backoffs" not in plain.history[0]
