"""Truncated backpropagation: its limits, its bias, the state that is handed over, resumed trainings."""

from dataclasses import replace

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recurra.errors import ConfigError, Interrupted
from recurra.models import Stack, to_tensors
from recurra.training import NextSteps, Settings, Truncated, streams, train

ROWS = 25
RNG = np.random.default_rng(6)
VALUES, DRIVE = RNG.normal(size=(ROWS, 1)), RNG.normal(size=(ROWS, 1))


def _model(kind="elman", **given):
    return Stack.draw(kind, 2, 1, units=3, **{"precision": "float64", "seed": 3, **given})


def _data(steps, count=1, lengths=(ROWS,)):
    return VALUES, DRIVE, *streams(lengths, steps, count)


def _bits(model):
    return {name: array.tobytes() for name, array in to_tensors(model).items()}


@eqx.filter_jit
def _slope(objective, model, data, index, state):
    return eqx.filter_value_and_grad(objective.run, has_aux=True)(model, data, index, None, state)


def _handed(objective, model, data, updates):
    """Loss, gradient and state of each update, all with the same weights."""
    with jax.enable_x64(True):
        state, size, found = objective.carried(model, data), data[2].shape[1], []
        for u in range(updates):
            index = np.arange(u * size, (u + 1) * size)
            (loss, state), gradient = _slope(objective, model, data, index, state)
            found.append((float(loss), to_tensors(gradient), jax.tree.map(np.asarray, state)))
    return found


def test_a_window_as_long_as_the_series_is_full_backpropagation_to_the_bit():
    model, settings = _model("lstm"), Settings(epochs=4, stretch=2, learning_rate=0.03, clip_norm=1.0)
    full = train(model, NextSteps(24, 24), (VALUES, DRIVE, np.zeros(1, np.int32)), settings)
    truncated = train(model, Truncated(24), _data(24), settings)
    assert _bits(truncated.best) == _bits(full.best) != _bits(model)
    assert truncated.history == full.history


def test_the_state_at_the_borders_of_windows_is_that_of_an_unbroken_run_to_the_bit():
    model = _model("lstm", layers=2)
    with jax.enable_x64(True):
        run = eqx.filter_jit(lambda m, s, xs: m.run(s, xs))
        begin = jax.tree.map(lambda leaf: np.asarray(leaf)[None], model.initial_state())
        xs = np.concatenate([VALUES[:-1], DRIVE[1:]], axis=1)[None]
        for u, (_, _, state) in enumerate(_handed(Truncated(6), model, _data(6), 4)):
            whole = run(model, begin, xs[:, : 6 * (u + 1)])[0]
            for a, b in zip(jax.tree.leaves(state), jax.tree.leaves(whole), strict=True):
                np.testing.assert_array_equal(a, b)


def test_windows_of_one_step_give_the_one_step_formula():
    model = _model()
    cell, V, c = model.cells[0], model.readout[0].V, model.readout[0].c
    h = np.zeros(3)
    for u, (loss, gradient, state) in enumerate(_handed(Truncated(1), model, _data(1), 24)):
        new = np.tanh(cell.U @ np.concatenate([VALUES[u], DRIVE[u + 1]]) + cell.W @ h + cell.b)
        error = V @ new + c - VALUES[u + 1]
        assert loss == pytest.approx(error[0] ** 2, rel=1e-12)
        # dL/dW with h a constant: no path through earlier states
        expected = np.outer((1 - new**2) * (2 * error[0] * V[0]), h)
        np.testing.assert_allclose(gradient["cells/0/W"], expected, rtol=0, atol=1e-14)
        np.testing.assert_allclose(state[0][0], new, rtol=1e-13)
        h = new


def test_short_windows_are_biased_where_the_memory_is_longer():
    """Lag 5: y[t] is the drive five steps before. The gradient of single steps is not that of the whole series."""
    model, values = _model(), np.zeros((ROWS, 1))
    values[5:] = DRIVE[:-5]
    gradients = {}
    for steps in (1, 8, 24):
        data = values, DRIVE, *streams([ROWS], steps, 1)
        found = _handed(Truncated(steps), model, data, 24 // steps)
        gradients[steps] = np.mean([gradient["cells/0/W"] for _, gradient, _ in found], axis=0)
    with jax.enable_x64(True):
        loss = NextSteps(24, 24).loss
        full = to_tensors(jax.jit(jax.grad(loss))(model, (values, DRIVE, np.zeros(1, np.int32)), jnp.arange(1)))
    size = np.linalg.norm(full["cells/0/W"])
    bias = {steps: np.linalg.norm(g - full["cells/0/W"]) / size for steps, g in gradients.items()}
    assert bias[24] < 1e-13
    assert bias[1] > 0.1
    assert bias[8] < bias[1]


def test_streams_run_side_by_side_as_each_would_alone():
    model = _model("gru")
    both = _handed(Truncated(3), model, _data(3, 2), 4)
    starts = _data(3, 2)[2]
    for stream in (0, 1):
        alone = VALUES, DRIVE, starts[:, stream : stream + 1], np.arange(4)[:, None] == 0
        for (_, _, state), (_, _, own) in zip(both, _handed(Truncated(3), model, alone, 4), strict=True):
            np.testing.assert_allclose(state[0][stream], own[0][0], rtol=1e-14)


def test_every_series_begins_from_the_initial_state():
    model = _model("gru")
    together = _handed(Truncated(4), model, _data(4, 1, (9, 16)), 5)
    second = VALUES[9:], DRIVE[9:], *streams([16], 4, 1)
    for (loss, _, state), (own_loss, _, own) in zip(together[2:], _handed(Truncated(4), model, second, 3), strict=True):
        np.testing.assert_array_equal(state[0], own[0])
        assert loss == own_loss


def test_what_is_washed_out_is_not_compared():
    model, data = _model(), _data(6)
    whole, washed = (_handed(Truncated(6, washout), model, data, 2) for washout in (0, 4))
    with jax.enable_x64(True):
        ys = np.asarray(model(np.concatenate([VALUES[:-1], DRIVE[1:]], axis=1)))
    errors = (ys - VALUES[1:])[:, 0] ** 2
    assert washed[0][0] == pytest.approx(errors[4:6].mean(), rel=1e-13)
    assert washed[1][0] == pytest.approx(whole[1][0], rel=1e-13)  # only after a fresh start
    assert whole[1][0] == pytest.approx(errors[6:12].mean(), rel=1e-13)


def test_unobserved_targets_are_left_out():
    model, data, observed = _model(), _data(6), np.ones((ROWS, 1), bool)
    observed[[2, 5, 9]] = False
    found = _handed(Truncated(6, 1), model, (*data, observed), 2)
    with jax.enable_x64(True):
        ys = np.asarray(model(np.concatenate([VALUES[:-1], DRIVE[1:]], axis=1)))
    errors = (ys - VALUES[1:])[:, 0] ** 2
    assert found[0][0] == pytest.approx(errors[[2, 3, 5]].mean(), rel=1e-13)  # rows 3, 4, 6
    assert found[1][0] == pytest.approx(errors[[6, 7, 9, 10, 11]].mean(), rel=1e-13)


@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_a_resumed_training_ends_with_the_same_bits(dropout, tmp_path):
    model = _model("gru", dropout=dropout, recurrent_dropout=dropout)
    settings = Settings(epochs=6, stretch=2, learning_rate=0.02, final_learning_rate=0.02)
    whole = train(model, Truncated(3, 1), _data(3, 2), settings)
    assert np.abs(whole.position.carried[0]).max() > 0

    def stop(entry):
        if entry["epoch"] == 4:
            raise Interrupted("stopped", signal_number=15)

    path = tmp_path / "c.safetensors"
    with pytest.raises(Interrupted):
        train(model, Truncated(3, 1), _data(3, 2), settings, checkpoint=path, progress=stop)
    resumed = train(model, Truncated(3, 1), _data(3, 2), settings, checkpoint=path)
    assert _bits(resumed.best) == _bits(whole.best)
    assert resumed.history == whole.history
    np.testing.assert_array_equal(resumed.position.carried[0], whole.position.carried[0])
    with pytest.raises(ConfigError, match="other data or settings"):
        train(model, Truncated(3, 0), _data(3, 2), settings, checkpoint=path)


def test_single_steps_with_a_state_handed_over_train_the_recurrent_weights(recwarn):
    settings = Settings(epochs=2, stretch=2, learning_rate=0.05)
    trained = train(_model(), Truncated(1), _data(1, 2), settings)
    assert np.abs(trained.best.cells[0].W - _model().cells[0].W).max() > 1e-3
    assert not recwarn.list


@given(
    lengths=st.lists(st.integers(1, 40), min_size=1, max_size=5),
    steps=st.integers(1, 12),
    count=st.integers(1, 6),
)
def test_streams_cut_every_series_into_windows_that_follow_each_other(lengths, steps, count):
    if max(lengths) <= steps:
        with pytest.raises(ConfigError, match=f"no window of {steps} steps fits the {max(lengths)} rows"):
            streams(lengths, steps, count)
        return
    starts, fresh = streams(lengths, steps, count)
    ends = np.cumsum(lengths)
    windows = sum((rows - 1) // steps for rows in lengths)
    assert starts.shape == fresh.shape == (windows // min(count, windows), min(count, windows))
    assert len(set(starts.ravel().tolist())) == starts.size
    series = np.searchsorted(ends, starts, side="right")
    np.testing.assert_array_equal(series, np.searchsorted(ends, starts + steps, side="right"))  # over no border
    assert fresh[0].all()
    on = ~fresh[1:]
    np.testing.assert_array_equal(starts[1:][on] - starts[:-1][on], steps)
    np.testing.assert_array_equal(series[1:] != series[:-1], fresh[1:])


def test_a_washout_as_long_as_the_window_is_refused():
    with pytest.raises(ConfigError, match="from 0 to 3, less than a window"):
        Truncated(4, 4)
    assert replace(Truncated(4), washout=3).washout == 3
