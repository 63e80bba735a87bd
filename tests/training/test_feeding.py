"""Inputs between the data and a network's own output: against plain loops, their complex derivatives, and limits."""

from dataclasses import replace

import equinox as eqx
import jax
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit

from recurra.errors import ConfigError, Interrupted
from recurra.models import Stack, to_tensors
from recurra.training import FEEDINGS, SHARES, Fed, Feeding, NextSteps, Settings, Windows, train
from recurra.training.full_windows import FullWindows
from recurra.training.physics import Physics

STEPS, FORCED = 7, 2
RNG = np.random.default_rng(3)
VALUES, DRIVE = RNG.normal(size=(20, 2)), RNG.normal(size=(20, 1))
STARTS = np.array([0, 4, 12], np.int32)
FED = Fed.of(0.7, 0.1, 10, 0.2, seed=5, precision=np.float64)._replace(update=np.int32(3))  # alpha = 0.52


def _loss(papers, model, objective, seen, share, index):
    """The definition: step t sees a_t times the row and 1 - a_t times its own forecast of it."""
    unit, total = 1.0 if model.scale is None else model.scale, 0.0
    for w, start in enumerate(STARTS[index]):
        state, output = papers.start(model), None
        for t in range(STEPS):
            a = 1.0 if t < objective.teacher_forced else share[w, t - objective.teacher_forced]
            x = seen[w, t] if output is None else a * seen[w, t] + (1 - a) * output
            state, output = papers.step(model, state, papers.beside(x, DRIVE[start + t + 1]))
            if t >= objective.washout:
                total += (((output - VALUES[start + t + 1]) / unit) ** 2).mean()
    return total / len(index) / (STEPS - objective.washout)


def _complex_gradient(loss, model):
    """dL/dw of every weight, exact to rounding: the imaginary part of L(w + i h) / h."""
    weights, place = jax.tree.flatten((model.cells, model.readout))
    slopes = [np.zeros(array.shape) for array in weights]
    for slope, k in ((s, k) for k, s in enumerate(slopes)):
        for at in np.ndindex(*slope.shape):
            moved = [array.astype(complex) for array in weights]
            moved[k][at] += 1e-30j
            slope[at] = loss(Stack(*jax.tree.unflatten(place, moved), model.scale)).imag / 1e-30
    return slopes


def _seen(objective, fed, index):
    """What is drawn for these windows: the rows with their noise, and a_t."""
    rows = VALUES[STARTS[index][:, None] + np.arange(STEPS + 1)]
    with jax.enable_x64(True):
        seen = np.asarray(objective.feeding.noised(fed, index, rows))
        return seen, np.asarray(objective.feeding.coefficients(fed, index, STEPS - objective.teacher_forced))


@pytest.mark.parametrize(
    ("kind", "cell", "washout"),
    [("mixed", "lstm", 0), ("sampled", "gru", 3), ("leading", "tanh", 0), ("own", "lstm", FORCED)],
)
def test_the_loss_and_its_gradient(kind, cell, washout, draw, papers):
    scale = np.array([0.5, 2.0]) if cell == "lstm" else None
    model, index = draw(cell, 3, 2, units=2, scale=scale, seed=5), np.array([2, 0])
    objective = NextSteps(STEPS, FORCED, feeding=Feeding(kind, noisy=kind in ("sampled", "own")), washout=washout)
    seen, share = _seen(objective, FED, index)
    share = np.zeros_like(share) if kind == "own" else share
    with jax.enable_x64(True):
        loss = eqx.filter_jit(eqx.filter_value_and_grad(objective.loss))
        value, gradient = loss(model, Windows(VALUES, DRIVE, STARTS, None, FED), index)
        gradient = [np.asarray(leaf) for leaf in jax.tree.leaves((gradient.cells, gradient.readout))]
    by_hand = lambda m: _loss(papers, m, objective, seen, share, index)  # noqa: E731
    assert float(value) == pytest.approx(by_hand(model), rel=1e-13)
    for exact, slope in zip(gradient, _complex_gradient(by_hand, model), strict=True):
        np.testing.assert_allclose(exact, slope, rtol=1e-10, atol=1e-12)
        assert (slope != 0).any()


@pytest.mark.parametrize("kind", ["mixed", "sampled", "leading"])
def test_all_of_the_data_is_teacher_forcing_and_none_of_it_the_closed_loop(kind, draw):
    model, index = draw("gru", 3, 2, seed=1), np.arange(3)
    objective, plain = NextSteps(STEPS, 1, feeding=Feeding(kind)), (VALUES, DRIVE, STARTS)
    with jax.enable_x64(True):
        loss = eqx.filter_jit(objective.loss)
        for share, forced in ((1.0, STEPS), (0.0, 1)):
            expected = eqx.filter_jit(NextSteps(STEPS, forced).loss)(model, plain, index)
            found = loss(model, Windows(*plain, None, Fed.of(share, precision=np.float64)), index)
            assert float(found) == pytest.approx(float(expected), rel=1e-14)


def test_a_window_with_one_true_row_is_a_rollout(draw, papers):
    model = draw("lstm", 3, 2, seed=2)
    with jax.enable_x64(True):
        outputs = eqx.filter_jit(NextSteps(STEPS, 1).outputs)(model, (VALUES, DRIVE, STARTS), np.array([1]))[0]
    expected = papers.closed_loop(model, papers.start(model), VALUES[4], DRIVE[5 : 5 + STEPS])
    np.testing.assert_allclose(outputs[0], expected, rtol=1e-12)


def test_shares_are_the_curves_of_scheduled_sampling():
    def along(schedule):
        fed = Fed.of(1.0, 0.0, 100, precision=np.float64)
        with jax.enable_x64(True):
            return np.array(
                [float(Feeding("mixed", schedule).share(fed._replace(update=k))) for k in range(0, 151, 25)]
            )

    s = np.minimum(np.arange(0, 151, 25) / 100, 1)
    np.testing.assert_allclose(along("linear"), 1 - s, atol=1e-15)
    floor = 0.2 ** (5 / np.log(5))  # exp(-5), as a power of k = 0.2
    np.testing.assert_allclose(along("exponential"), (0.2 ** (5 * s / np.log(5)) - floor) / (1 - floor), atol=1e-15)
    low, high = expit([-6, 6])
    np.testing.assert_allclose(along("inverse-sigmoid"), (expit(6 - 12 * s) - low) / (high - low), atol=1e-15)


@given(st.floats(0, 1), st.floats(0, 1), st.integers(1, 1000), st.integers(0, 2000), st.sampled_from(sorted(SHARES)))
def test_a_share_lies_between_the_first_and_the_last(first, last, updates, update, schedule):
    share = float(Feeding("mixed", schedule).share(Fed.of(first, last, updates)._replace(update=update)))
    assert min(first, last) - 1e-6 <= share <= max(first, last) + 1e-6


def test_what_is_drawn_depends_on_seed_update_and_window_alone():
    sampled, fed = Feeding("sampled", noisy=True), Fed.of(0.3, noise=0.5, seed=1)
    index = np.arange(400)
    coins = np.asarray(sampled.coefficients(fed, index, 50))
    assert set(np.unique(coins)) == {0.0, 1.0}
    assert abs(coins.mean() - 0.3) < 4 * np.sqrt(0.3 * 0.7 / coins.size)
    np.testing.assert_array_equal(sampled.coefficients(fed, index[[7, 3]], 50), coins[[7, 3]])
    noise = np.asarray(sampled.noised(fed, index, np.ones((400, 25, 2), np.float32))) - 1
    assert abs(noise.mean()) < 4 * 0.5 / np.sqrt(noise.size)
    assert noise.std() == pytest.approx(0.5, rel=0.02)
    assert abs(np.corrcoef(coins.ravel(), noise.ravel())[0, 1]) < 0.03
    for other in (fed._replace(update=np.int32(1)), Fed.of(0.3, noise=0.5, seed=2)):
        assert abs(np.corrcoef(np.asarray(sampled.coefficients(other, index, 50)).ravel(), coins.ravel())[0, 1]) < 0.03


def test_a_training_goes_along_the_schedule(draw, papers):
    model, index = draw("tanh", 3, 2, units=2, seed=4), np.arange(3)
    objective = NextSteps(STEPS, FORCED, feeding=Feeding("mixed"))
    fed = Fed.of(1.0, 0.0, 3, precision=np.float64)
    settings = Settings("sgd", 0.1, 0.1, schedule="constant", epochs=3, batch_size=3, stretch=2)
    trained = train(model, objective, Windows(VALUES, DRIVE, STARTS, None, fed), settings)
    rows, expected = VALUES[STARTS[:, None] + np.arange(STEPS + 1)], model
    for alpha in (1.0, 2 / 3, 1 / 3):
        share = np.full((3, STEPS - FORCED), alpha)
        slopes = _complex_gradient(lambda m, a=share: _loss(papers, m, objective, rows, a, index), expected)
        weights, place = jax.tree.flatten((expected.cells, expected.readout))
        expected = Stack(*jax.tree.unflatten(place, [w - 0.1 * s for w, s in zip(weights, slopes, strict=True)]))
    for name, array in to_tensors(trained.best).items():
        np.testing.assert_allclose(array, to_tensors(expected)[name], rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("optimizer", ["adam", "hessian-free"])
def test_a_resumed_training_ends_with_the_same_bits(optimizer, sine_training, tmp_path):
    case, path = sine_training, tmp_path / "checkpoint.safetensors"
    objective = NextSteps(5, 2, feeding=Feeding("sampled", "inverse-sigmoid", noisy=True), washout=1)
    data = Windows(*case.data, None, Fed.of(0.9, 0.1, 30, 0.01, seed=7))
    settings = Settings(optimizer, 0.05, epochs=6, batch_size=8, stretch=1, seed=2)
    whole = train(case.model, objective, data, settings)

    def stop(entry):
        if entry["epoch"] == 3:
            raise Interrupted("stopped", signal_number=15)

    with pytest.raises(Interrupted):
        train(case.model, objective, data, settings, checkpoint=path, progress=stop)
    other = data._replace(fed=Fed.of(0.9, 0.2, 30, 0.01, seed=7))
    for changed in (objective, replace(objective, feeding=Feeding("mixed", noisy=True))):
        with pytest.raises(ConfigError, match="other data or settings"):
            train(case.model, changed, other, settings, checkpoint=path)
    resumed = train(case.model, objective, data, settings, checkpoint=path)
    assert resumed.history == whole.history
    kept, again = to_tensors(whole.best), to_tensors(resumed.best)
    assert {name: a.tobytes() for name, a in kept.items()} == {name: a.tobytes() for name, a in again.items()}


def test_objectives_around_it_hand_the_update_on():
    inner, data = NextSteps(STEPS, FORCED, feeding=Feeding("mixed")), Windows(VALUES, DRIVE, STARTS, None, FED)
    assert inner.at(data, 8).fed.update == 8
    assert FullWindows(inner, 2).at(data, 8).fed.update == 8
    assert Physics(inner, None).at((data, "units"), 8)[0].fed.update == 8
    plain = VALUES, DRIVE, STARTS
    assert inner.at(plain, 8) is plain


def test_what_cannot_be():
    assert FEEDINGS[0] == Feeding().kind
    with pytest.raises(ConfigError, match=r"unknown feeding 'mixd'.*mixed"):
        Feeding("mixd")
    with pytest.raises(ConfigError, match="unknown schedule of a share"):
        Feeding("mixed", "cosine")
    with pytest.raises(ConfigError, match="`washout` is 7"):
        NextSteps(STEPS, 1, washout=STEPS)
    with pytest.raises(ConfigError, match="takes numbers"):
        NextSteps(STEPS, 1, feeding=Feeding("mixed")).loss(None, (VALUES, DRIVE, STARTS), jax.numpy.arange(3))
