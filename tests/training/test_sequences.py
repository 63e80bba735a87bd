"""Padded and masked sequences against each of them alone; what is masked is as if it were not there."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from recurra.models import Stack, to_tensors
from recurra.training import Feedback, Loss, MaskedSteps

LENGTHS, STEPS = (3, 7, 3, 5), 7
SQUARES = MaskedSteps()


@pytest.fixture(scope="module")
def model():
    return Stack.draw("lstm", 2, 2, units=3, precision="float64", seed=5)


@pytest.fixture(scope="module")
def sequences():
    rng = np.random.default_rng(4)
    return [(rng.normal(size=(n, 2)), rng.normal(size=(n, 2))) for n in LENGTHS]


def _padded(sequences, filler=0.0):
    inputs, targets = (np.full((len(LENGTHS), STEPS, 2), filler) for _ in range(2))
    present = np.arange(STEPS) < np.array(LENGTHS)[:, None]
    for k, (x, y) in enumerate(sequences):
        inputs[k, : len(x)], targets[k, : len(y)] = x, y
    return inputs, present, targets, np.repeat(present[:, :, None], 2, axis=2).astype(float)


@eqx.filter_jit
def _program(objective, model, data):
    return eqx.filter_value_and_grad(objective.loss)(model, data, jnp.arange(len(data[0])))


def _slope(model, data, objective=SQUARES):
    with jax.enable_x64(True):
        value, gradient = _program(objective, model, data)
        return float(value), to_tensors(gradient)


@eqx.filter_jit
def _single(model, x, y, w):
    return eqx.filter_value_and_grad(lambda m: jnp.sum(w * (m(x) - y) ** 2))(model)


def _alone(model, sequences, compared):
    """Loss and gradient from runs of one sequence each, as long as it is: the mean over all values compared."""
    total, slopes = 0.0, {}
    with jax.enable_x64(True):
        for (x, y), w in zip(sequences, compared, strict=True):
            value, gradient = _single(model, x, y, w / sum(map(np.sum, compared)))
            total += float(value)
            slopes = {name: slopes.get(name, 0.0) + g for name, g in to_tensors(gradient).items()}
    return total, slopes


@pytest.fixture(scope="module")
def alone(model, sequences):
    return _alone(model, sequences, [np.ones((n, 2)) for n in LENGTHS])


def _close(found, expected, tolerance):
    assert found[0] == pytest.approx(expected[0], rel=tolerance)
    for name, exact in expected[1].items():
        np.testing.assert_allclose(found[1][name], exact, rtol=0, atol=tolerance)
        assert (exact != 0).any()


def test_a_padded_batch_is_each_sequence_alone_in_loss_and_gradient(model, sequences, alone):
    _close(_slope(model, _padded(sequences)), alone, 1e-12)


def test_the_state_is_held_where_nothing_is_present(model, sequences, alone):
    """The padding may be anywhere, also before and inside a sequence."""
    inputs, present, targets, weights = _padded(sequences)
    places = [np.sort(np.random.default_rng(k).permutation(STEPS)[:n]) for k, n in enumerate(LENGTHS)]
    scattered = [np.zeros_like(array) for array in (inputs, present, targets, weights)]
    for k, at in enumerate(places):
        for array, of in zip(scattered, (inputs, present, targets, weights), strict=True):
            array[k, at] = of[k, : len(at)]
    assert any(at[0] > 0 for at in places)
    _close(_slope(model, tuple(scattered)), alone, 1e-12)


@pytest.mark.parametrize("filler", [1e6, np.nan])
def test_what_stands_in_masked_steps_changes_no_bit(model, sequences, filler):
    found, expected = _slope(model, _padded(sequences, filler)), _slope(model, _padded(sequences))
    assert found[0] == expected[0]
    for name, exact in expected[1].items():
        assert found[1][name].tobytes() == exact.tobytes()


def test_masked_targets_alone_have_a_gradient_of_exactly_zero(model, sequences):
    inputs, present, targets, weights = _padded(sequences)
    value, gradient = _slope(model, (inputs, present, targets, np.zeros_like(weights)))
    assert value == 0
    assert all((leaf == 0).all() for leaf in gradient.values())


def test_many_to_one_reads_the_last_step_that_is_present(model, sequences):
    inputs, present, targets, weights = _padded(sequences)
    weights[:] = 0
    for k, n in enumerate(LENGTHS):
        weights[k, n - 1] = 1

    last = [np.repeat(np.arange(n)[:, None] == n - 1, 2, axis=1) for n in LENGTHS]
    _close(_slope(model, (inputs, present, targets, weights)), _alone(model, sequences, last), 1e-12)


def test_missing_targets_are_as_if_their_terms_were_dropped(model, sequences):
    inputs, present, targets, weights = _padded(sequences)
    missing = np.random.default_rng(1).random(targets.shape) < 0.4
    found = _slope(model, (inputs, present, np.where(missing, np.nan, targets), np.where(missing, 0.0, weights)))

    there = [~missing[k, :n] for k, n in enumerate(LENGTHS)]
    _close(found, _alone(model, sequences, there), 1e-14)


def test_weights_of_steps_enter_in_a_straight_line(model, sequences):
    data = _padded(sequences)
    rng = np.random.default_rng(2)
    first, second = (np.where(data[3] > 0, rng.uniform(0.5, 2, data[3].shape), 0.0) for _ in range(2))
    a, b, both = (_slope(model, (*data[:3], w)) for w in (first, second, 2 * first + 3 * second))
    assert both[0] == pytest.approx(2 * a[0] + 3 * b[0], rel=1e-14)
    for name, leaf in both[1].items():
        np.testing.assert_allclose(leaf, 2 * a[1][name] + 3 * b[1][name], rtol=0, atol=1e-14)


def test_classes_are_compared_together(model, sequences, papers):
    inputs, present, _, weights = _padded(sequences)
    classes = np.random.default_rng(3).integers(0, 2, (len(LENGTHS), STEPS))
    value, _ = _slope(model, (inputs, present, np.eye(2)[classes], weights[:, :, :1]), MaskedSteps(Loss("categorical")))
    terms = []
    for k, (x, _) in enumerate(sequences):
        logits = papers.unroll(model, x)[1]
        p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        terms += [-np.log(p[t, classes[k, t]]) for t in range(len(x))]
    assert value == pytest.approx(np.mean(terms), rel=1e-13)


def test_feedback_sees_what_it_gave_one_step_before(draw, papers):
    inner = draw("gru", 1 + 2, 2, units=3)
    xs = np.random.default_rng(0).normal(size=(6, 1))
    with jax.enable_x64(True):
        found = np.asarray(Feedback(inner, 2, "softmax")(xs))
    state, seen, expected = papers.start(inner), np.zeros(2), []
    for x in xs:
        state, y = papers.step(inner, state, np.concatenate([x, seen]))
        expected.append(y)
        seen = np.exp(y) / np.exp(y).sum()
    np.testing.assert_allclose(found, expected, rtol=1e-13)


def test_an_objective_knows_its_sequences(sequences):
    data = _padded(sequences)
    assert (MaskedSteps().count(data), MaskedSteps().length(data)) == (4, 7)
