"""A training that is stopped anywhere and resumed ends with the bits of one that was not."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from recurra.errors import ConfigError, Interrupted
from recurra.models import Stack, to_tensors
from recurra.storage import read_checkpoint
from recurra.training import OPTIMIZERS, Loss, NextSteps, Penalty, Settings, train

SETTINGS = Settings(
    learning_rate=0.05, final_learning_rate=0.01, epochs=24, stretch=2, batch_size=8, clip_norm=1.0, seed=2
)


def _all(trained):
    """Everything that a training leaves, to the bit."""
    weights = {name: array.tobytes() for name, array in to_tensors(trained.best).items()}
    last = {name: array.tobytes() for name, array in to_tensors(trained.position.model).items()}
    return weights, last, trained.history, trained.best_score, trained.best_epoch, trained.epoch


def _stop_at(epochs):
    """A progress callback that is interrupted after these epochs."""

    def progress(entry):
        if entry["epoch"] in epochs:
            raise Interrupted("stopped", signal_number=15)

    return progress


@pytest.mark.parametrize("validated", [True, False], ids=["validated", "not validated"])
def test_a_resumed_training_ends_with_the_same_bits(validated, sine_training, tmp_path):
    case = sine_training
    _resume(case, SETTINGS, {"validate": case.validate if validated else None}, tmp_path)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_resumed_training_of_any_optimiser_ends_with_the_same_bits(optimizer, pull, bias, tmp_path):
    data = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
    case = SimpleNamespace(model=bias(np.ones(3, np.float32)), objective=pull((3.0, 1.0, 0.2)), data=data)
    _resume(case, replace(SETTINGS, optimizer=optimizer), {}, tmp_path)


def test_a_resumed_training_goes_on_with_its_average(sine_training, tmp_path):
    _resume(sine_training, replace(SETTINGS, averaged_updates=10**6), {}, tmp_path)


def _resume(case, settings, options, tmp_path):
    """Stop twice, and compare with the training that was not."""
    whole = train(case.model, case.objective, case.data, settings, **options)
    rng = np.random.default_rng(list(OPTIMIZERS).index(settings.optimizer))
    stops = sorted(2 * rng.choice(np.arange(1, 12), 2, replace=False))
    path = tmp_path / "checkpoint.safetensors"
    for stop in stops:
        with pytest.raises(Interrupted):
            train(
                case.model,
                case.objective,
                case.data,
                settings,
                checkpoint=path,
                progress=_stop_at([stop]),
                **options,
            )
        assert read_checkpoint(path)[0]["epoch"] == stop  # written before the progress is told
    resumed = train(case.model, case.objective, case.data, settings, checkpoint=path, **options)
    assert _all(resumed) == _all(whole)


def test_a_finished_training_is_read_back_and_not_trained_on(sine_training, tmp_path):
    case, path, told = sine_training, tmp_path / "checkpoint.safetensors", []
    options = {"validate": case.validate, "checkpoint": path, "progress": told.append}
    whole = train(case.model, case.objective, case.data, SETTINGS, **options)
    told.clear()
    again = train(case.model, case.objective, case.data, SETTINGS, **options)
    assert told == []
    assert _all(again) == _all(whole)


def test_patience_survives_an_interruption(sine_training, tmp_path):
    case, path = sine_training, tmp_path / "checkpoint.safetensors"
    settings = replace(SETTINGS, learning_rate=0.3, final_learning_rate=0.3, epochs=60, patience=6)
    whole = train(case.model, case.objective, case.data, settings, validate=case.validate)
    assert whole.epoch < 60
    stop = whole.epoch - 2  # in the middle of the patience
    assert whole.best_epoch <= stop
    options = {"validate": case.validate, "checkpoint": path}
    with pytest.raises(Interrupted):
        train(case.model, case.objective, case.data, settings, progress=_stop_at([stop]), **options)
    assert _all(train(case.model, case.objective, case.data, settings, **options)) == _all(whole)


def _other(case, what):
    model, objective, data, settings = case.model, case.objective, case.data, SETTINGS
    if what == "epochs":
        settings = replace(settings, epochs=30)
    elif what == "seed":
        settings = replace(settings, seed=3)
    elif what == "values":
        data = (data[0] + np.float32(1e-6), *data[1:])
    elif what == "objective":
        objective = NextSteps(5, 4)
    elif what == "loss":
        objective = NextSteps(5, 3, Loss("huber"))
    elif what == "mask":
        data = (*data, np.ones((50, 1), bool))
    elif what == "penalty":
        settings = replace(settings, l2=Penalty(W=1e-9))
    elif what == "schedule":
        settings = replace(settings, schedule="exponential")
    elif what == "divergence":
        settings = replace(settings, on_diverge="backoff:2")
    elif what == "units":
        model = Stack.draw("gru", 1, 1, units=5, seed=2)
    elif what == "increments":
        model = Stack.draw("gru", 1, 1, units=4, seed=2, scale=np.ones(1, np.float32))
    return model, objective, data, settings


OTHERS = [
    "epochs",
    "seed",
    "values",
    "objective",
    "loss",
    "mask",
    "penalty",
    "schedule",
    "divergence",
    "units",
    "increments",
]


def test_the_checkpoint_of_another_training_is_refused(sine_training, tmp_path):
    case, path = sine_training, tmp_path / "checkpoint.safetensors"
    train(case.model, case.objective, case.data, SETTINGS, checkpoint=path)
    kept = path.read_bytes()
    for what in OTHERS:
        with pytest.raises(ConfigError, match="belongs to a training with other data or settings"):
            train(*_other(case, what), checkpoint=path)
        assert path.read_bytes() == kept, what


def test_the_checkpoint_of_another_activation_is_refused(sine_training, tmp_path):
    path, settings = tmp_path / "checkpoint.safetensors", replace(SETTINGS, epochs=2)
    tanh, relu = (Stack.draw("elman", 1, 1, units=4, seed=2, activation=a) for a in ("tanh", "relu"))
    train(tanh, sine_training.objective, sine_training.data, settings, checkpoint=path)
    with pytest.raises(ConfigError, match="belongs to a training with other data or settings"):
        train(relu, sine_training.objective, sine_training.data, settings, checkpoint=path)
