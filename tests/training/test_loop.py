"""The loop around the compiled stretches: divergence, the kept weights, patience, compilations, warnings."""

from dataclasses import dataclass, field, replace

import jax
import numpy as np
import pytest

from recurra.errors import DivergenceError, RecurraWarning
from recurra.models import Stack, to_tensors
from recurra.training import LastStep, NextSteps, Objective, Penalty, Settings, train
from recurra.training.loop import Trained, _rates
from recurra.training.stretch import batches_of, run_stretch, start

BLOW_UP = Settings(optimizer="sgd", learning_rate=11.0, final_learning_rate=11.0, epochs=40, batch_size=2)


def _bits(model):
    return {name: array.tobytes() for name, array in to_tensors(model).items()}


def _diverge(rate):
    """c <- c - rate c in float32 until the loss c^2 / 2 is a hundred million: good updates, |g|, c."""
    c, update, norm = np.float32(1), 0, 0.0
    while c * c / 2 <= 1e8:
        norm, update = abs(float(c)), update + 1
        c = c - np.float32(rate) * c
    return update, norm, c


def _run(objective, model, data, seed=0, **given):
    """One stretch of `epochs` epochs, from the start."""
    settings = Settings(optimizer="sgd", **{"stretch": 1, **given, "final_learning_rate": given["learning_rate"]})
    rates = _rates(objective, data, settings, 1.0, model.dtype)
    begin, key = start(model, objective, data, Settings(optimizer="sgd")), jax.random.key(seed)
    order = batches_of(objective, data, settings.batch_size, settings.stretch, seed, 0, settings.epochs)
    now = np.int32(0), np.int32(settings.epochs)
    return run_stretch(settings.static, objective, begin, data, rates, order, key, *now)[0]


@pytest.mark.parametrize("stretch", [1, 10])
def test_a_diverging_training_tells_the_update_and_the_gradient_before_it(stretch, pull, bias):
    settings = replace(BLOW_UP, stretch=stretch)
    good, norm, _ = _diverge(11.0)
    with pytest.raises(DivergenceError, match=r"learning rate of 0\.001, or set `clip_norm=1\.0`") as caught:
        train(bias(np.ones(1, np.float32)), pull((1.0,)), np.zeros((6, 1), np.float32), settings)
    cause = caught.value.cause
    assert caught.value.exit_code == 4
    assert cause["update"] == good + 1
    assert cause["epoch"] == good // 3 + 1  # 3 batches an epoch
    assert cause["gradient_norm"] == pytest.approx(norm, rel=1e-5)
    assert cause["learning_rate"] == 11.0
    assert f"update {good + 1} (epoch {good // 3 + 1})" in str(caught.value)


def test_there_is_no_update_after_the_bad_one(pull, bias):
    model, data = bias(np.ones(1, np.float32)), np.zeros((2, 1), np.float32)

    def run(epochs):
        return _run(pull((1.0,)), model, data, learning_rate=11.0, batch_size=2, stretch=30, epochs=epochs)

    good, _, c = _diverge(11.0)
    stopped, before = run(30), run(good)
    assert (stopped.bad_update, before.bad_update) == (good, -1)
    assert (stopped.update, before.update) == (good, good)
    assert _bits(stopped.model) == _bits(before.model)
    assert float(stopped.model.readout[0].c[0]) == pytest.approx(float(c), rel=1e-5)


def test_good_batches_after_a_bad_one_change_nothing(pull, bias):
    data = np.array([[0.0], [0.0], [1e30], [0.0], [0.0], [0.0]], np.float32)  # the third row overflows the loss
    model, bad = bias(np.ones(1, np.float32)), set()
    for seed in range(6):
        end = _run(pull((1.0,)), model, data, seed, learning_rate=0.5, batch_size=1, epochs=1)
        assert float(end.model.readout[0].c[0]) == 0.5 ** int(end.update)
        assert end.update == end.bad_update
        assert np.isinf(end.bad_loss)
        bad.add(int(end.bad_update))
    assert min(bad) < 4  # good batches followed


def test_a_last_step_that_overflows_the_weights_is_a_divergence_too(pull, bias):
    model, data = bias(np.ones(1, np.float32)), np.zeros((2, 1), np.float32)
    settings = Settings(optimizer="sgd", learning_rate=3e38, final_learning_rate=3e38, epochs=1)
    with pytest.raises(DivergenceError, match="update 1 "):
        train(model, pull((1e3,)), data, settings)


def test_clipping_keeps_the_same_training_finite(pull, bias):
    settings = replace(BLOW_UP, clip_norm=0.01)
    trained = train(bias(np.ones(1, np.float32)), pull((1.0,)), np.zeros((6, 1), np.float32), settings)
    assert abs(trained.best.readout[0].c[0]) < 1.0


def test_without_validation_the_last_weights_are_kept(sine_training):
    case = sine_training
    trained = train(case.model, case.objective, case.data, Settings(epochs=12, stretch=5))
    assert trained.epoch == trained.best_epoch == len(trained.history) == 12
    assert _bits(trained.best) == _bits(trained.position.model)
    assert [entry["epoch"] for entry in trained.history] == list(range(1, 13))
    assert {entry["validation"] for entry in trained.history} == {None}
    assert trained.history[-1]["loss"] < trained.history[0]["loss"]


def test_the_weights_of_the_best_validation_are_kept(sine_training):
    case, seen = sine_training, []

    def validate(model):
        seen.append((case.validate(model), _bits(model)))
        return seen[-1][0]

    settings = Settings(epochs=60, stretch=2, learning_rate=0.05, final_learning_rate=0.05, seed=2)
    trained = train(case.model, case.objective, case.data, settings, validate=validate)
    scores = [score for score, _ in seen]
    assert [e["validation"] for e in trained.history] == [s for score in scores for s in (None, score)]
    best = int(np.argmin(scores))
    assert best < len(scores) - 1  # otherwise this would test nothing
    assert trained.best_epoch == 2 * (best + 1)
    assert trained.best_score == scores[best] == case.validate(trained.best)
    assert _bits(trained.best) == seen[best][1]


def test_patience_counts_epochs_since_the_best(sine_training):
    case = sine_training
    scores = iter([5.0, 3.0, 4.0, 3.0, 2.0, 9.0, 2.5, 2.0, 2.1, 2.2, 0.1])
    trained = train(
        case.model,
        case.objective,
        case.data,
        Settings(epochs=100, stretch=2, patience=7),
        validate=lambda model: next(scores),
    )
    # The best is 2.0 after epoch 10; 8 epochs later, at the next validation after 7, it stops.
    assert (trained.best_epoch, trained.best_score, trained.epoch) == (10, 2.0, 18)


def test_a_budget_of_time_that_is_over_ends_after_the_stretch_with_its_best(pull, bias):
    """A nanosecond is over after the first stretch, a day is not."""
    model, data = bias(np.ones(1, np.float32)), np.zeros((2, 1), np.float32)
    settings = Settings(optimizer="sgd", learning_rate=0.1, final_learning_rate=0.1, epochs=7, stretch=3, batch_size=2)
    short, long = (train(model, pull((1.0,)), data, replace(settings, budget=seconds)) for seconds in (1e-9, 86400.0))
    assert (short.epoch, long.epoch) == (3, 7)
    assert short.history == long.history[:3]
    assert short.best_epoch == 3


def test_progress_is_told_every_stretch(sine_training):
    case, told = sine_training, []
    train(
        case.model,
        case.objective,
        case.data,
        Settings(epochs=5, stretch=2),
        validate=lambda model: 0.5,
        progress=told.append,
    )
    assert [(entry["epoch"], entry["epochs"], entry["validation"]) for entry in told] == [
        (2, 5, 0.5),
        (4, 5, 0.5),
        (5, 5, 0.5),
    ]
    assert all(entry["loss"] > 0 for entry in told)


@dataclass(frozen=True)
class _Counting(Objective):
    """The objective inside, counting how often it is traced."""

    inside: Objective
    traces: list = field(compare=False)

    def count(self, data):
        return self.inside.count(data)

    def length(self, data):
        return self.inside.length(data)

    def outputs(self, model, data, index, keys=None):
        self.traces.append(1)
        return self.inside.outputs(model, data, index, keys)

    def compared(self, outputs, model, data, index):
        return self.inside.compared(outputs, model, data, index)

    def terms(self, data, index):
        return self.inside.terms(data, index)

    def matched(self):
        return self.inside.matched()


def test_a_second_training_of_the_same_shapes_compiles_nothing(sine_training):
    case, traces = sine_training, []
    settings = Settings(
        optimizer="nesterov",
        epochs=4,
        stretch=3,
        clip_norm=1.0,
        schedule="step",
        milestones=(1,),
        warmup_updates=2,
        l2=Penalty(W=0.1),
    )

    def run(**changes):
        other = Stack.draw("gru", 1, 1, units=4, seed=len(traces))
        objective = _Counting(NextSteps(5, 3), traces)
        return train(other, objective, case.data, replace(settings, **changes))

    run()
    first = len(traces)
    assert first > 0
    for changes in (
        {},
        {"learning_rate": 0.3},
        {"final_learning_rate": 1e-5},
        {"epochs": 9},
        {"clip_norm": None},
        {"momentum": 0.5},
        {"decay": 0.5},
        {"milestones": (3,)},
        {"warmup_updates": 7},
        {"l2": Penalty(W=0.2)},
        {"on_diverge": "backoff:2"},
        {"seed": 8},
        {"patience": 3},
    ):
        run(**changes)
    assert len(traces) == first
    run(optimizer="sgd")
    assert len(traces) > first  # the counter works


def test_the_same_training_gives_the_same_bits_and_leaves_its_start_alone(sine_training):
    case = sine_training
    before = _bits(case.model)
    runs = [train(case.model, case.objective, case.data, Settings(epochs=4, seed=s)) for s in (1, 1, 2)]
    assert isinstance(runs[0], Trained)
    assert _bits(runs[0].best) == _bits(runs[1].best) != _bits(runs[2].best)
    assert runs[0].history == runs[1].history
    assert _bits(case.model) == before


def _lectured(steps, features):
    """The lecture's network on windows of 4 values, as `steps` steps of `features`."""
    rng = np.random.default_rng(0)
    wave = (np.sin(0.02 * np.arange(60)) + 2 * rng.random(60)).astype(np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(wave, 5)
    model = Stack.draw("elman", features, 1, units=32, hidden=(8,), activation="relu", seed=1)
    data = windows[:, :4].reshape(-1, steps, features), windows[:, 4:]
    settings = Settings(optimizer="rmsprop", epochs=3, batch_size=16)
    return model, train(model, LastStep(), data, settings).best


def test_with_one_step_the_recurrent_weights_never_change_and_it_says_so():
    with pytest.warns(RecurraWarning, match="sequence length 1: the recurrent weights are unused"):
        before, after = _lectured(steps=1, features=4)
    np.testing.assert_array_equal(after.cells[0].W, before.cells[0].W)
    assert np.abs(after.cells[0].U - before.cells[0].U).max() > 1e-3


def test_with_four_steps_the_recurrent_weights_learn(recwarn):
    before, after = _lectured(steps=4, features=1)
    assert np.abs(after.cells[0].W - before.cells[0].W).max() > 1e-3
    assert not [w for w in recwarn if issubclass(w.category, RecurraWarning)]
