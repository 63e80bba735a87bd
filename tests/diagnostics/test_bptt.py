"""The backward pass written out, against automatic differentiation, the complex step, and pencil and paper."""

import math

import jax
import numpy as np
import pytest

from recurra.cells import Elman
from recurra.diagnostics.bptt import backward, cross_entropy, forward, squared_error
from recurra.diagnostics.vanilla import Vanilla
from recurra.errors import ConfigError, DataError
from recurra.models import Dense, Stack, unroll, with_output

WEIGHTS = ("U", "W", "b", "V", "c")
OUTPUTS = ("identity", "logistic", "tanh", "softmax")
STEPS, INPUTS, HIDDEN, CLASSES = 20, 3, 8, 2


def network(output="identity", scale=None, seed=0):
    rng = np.random.default_rng(seed)
    shapes = ((HIDDEN, INPUTS), (HIDDEN, HIDDEN), HIDDEN, (CLASSES, HIDDEN), CLASSES)
    return Vanilla(*(rng.normal(0, 0.4, shape) for shape in shapes), output=output, scale=scale)


@pytest.fixture(scope="module")
def given():
    """Inputs, initial state, errors, other errors."""
    rng = np.random.default_rng(1)
    return tuple(rng.normal(size=shape) for shape in ((STEPS, INPUTS), HIDDEN, (STEPS, CLASSES), (STEPS, CLASSES)))


def everything(back):
    """The seven derivatives by name."""
    return {**{name: getattr(back.total, name) for name in WEIGHTS}, "h0": back.total.h0, "x": back.dx}


def difference(found, wanted):
    """Relative to the largest entry."""
    return np.abs(found - wanted).max() / np.abs(wanted).max()


def loss_of(net, xs, start, target):
    return squared_error(forward(net, xs, start).y, target)[0].sum()


def derivatives(net, xs, start, quotient):
    """Of a loss of all seven arrays, entry by entry; `quotient(loss, array, index)` is one of them."""
    arrays = {**{name: getattr(net, name) for name in WEIGHTS}, "h0": start, "x": xs}

    def with_array(name, array, target):
        new = {**arrays, name: array}
        made = Vanilla(*(new[each] for each in WEIGHTS), net.activation, net.output, net.scale)
        return loss_of(made, new["x"], new["h0"], target)

    return {
        name: np.array([quotient(lambda a, n=name: with_array(n, a, 0.3), array, at) for at in np.ndindex(array.shape)])
        for name, array in arrays.items()
    }


def moved(array, at, by):
    other = array.astype(np.result_type(array, type(by)))
    other[at] += by
    return other


def central(loss, array, at, d=1e-4):
    """Of fourth order."""
    one, two = (loss(moved(array, at, k * d)) - loss(moved(array, at, -k * d)) for k in (1, 2))
    return (8 * one - two) / (12 * d)


def complex_step(loss, array, at):
    return loss(moved(array, at, 1e-30j)).imag / 1e-30


@pytest.mark.parametrize("output", ["tanh", "softmax"])
def test_all_seven_derivatives_are_those_of_automatic_differentiation(output, given):
    xs, start, errors, _ = given
    net = network(output, scale=np.array([0.5, 2.0]) if output == "tanh" else None)
    model = Stack((Elman(net.U, net.W, net.b),), (Dense(net.V, net.c),), net.scale)
    model = with_output(model, output)
    with jax.enable_x64(True):
        pull = jax.jit(lambda m, h, x, e: jax.vjp(lambda m, h, x: unroll(m.step, (h,), x)[1], m, h, x)[1](e))
        d, h0, x = jax.tree.map(np.asarray, pull(model, start, xs, errors))
    wanted = {"U": d.cells[0].U, "W": d.cells[0].W, "b": d.cells[0].b, "V": d.readout[0].V, "c": d.readout[0].c}
    found = everything(backward(forward(model, xs, start), errors))
    for name, value in {**wanted, "h0": h0, "x": x}.items():
        assert difference(found[name], value) < 1e-12, name


@pytest.mark.parametrize("output", OUTPUTS)
def test_all_seven_derivatives_are_those_of_the_complex_step(output, given):
    xs, start, _, _ = given
    net = network(output)
    tape = forward(net, xs, start)
    found = everything(backward(tape, squared_error(tape.y, 0.3)[1]))
    for name, value in derivatives(net, xs, start, complex_step).items():
        assert difference(found[name].ravel(), value) < 1e-13, name


def test_all_seven_derivatives_are_those_of_central_differences(given):
    xs, start, _, _ = given
    net = network("logistic")
    tape = forward(net, xs, start)
    found = everything(backward(tape, squared_error(tape.y, 0.3)[1]))
    for name, value in derivatives(net, xs, start, central).items():
        assert difference(found[name].ravel(), value) < 1e-8, name


@pytest.mark.parametrize("where", ["h", "a"])
def test_the_error_of_a_hidden_unit_is_what_a_perturbation_at_that_step_does(where, given):
    xs, start, _, _ = given
    net = network()

    def loss(push):
        h, total = start, 0.0
        for x, p in zip(xs, push, strict=True):
            h = np.tanh(net.U @ x + net.W @ h + net.b + (p if where == "a" else 0)) + (p if where == "h" else 0)
            total = total + ((net.V @ h + net.c - 0.3) ** 2).sum() / 2
        return total

    tape = forward(net, xs, start)
    found = getattr(backward(tape, squared_error(tape.y, 0.3)[1]), f"d{where}")
    zeros = np.zeros((STEPS, HIDDEN))
    wanted = np.array([central(loss, zeros, at) for at in np.ndindex(zeros.shape)]).reshape(zeros.shape)
    assert difference(found, wanted) < 1e-8


# Two units, three steps, all numbers dyadic; worked out with pencil and paper.
HAND = {"U": [[1], [0.5]], "W": [[0.5, 0.25], [-0.5, 0]], "b": [0.25, 0], "V": [[1, 2], [-1, 1]], "c": [0, 0.5]}
HAND_X = [[1.0], [0.0], [2.0]]
HAND_A = [[1.25, 0.5], [1.0, -0.625], [2.59375, 0.5]]
HAND_Z = [[2.25, -0.25], [-0.25, -1.125], [3.59375, -1.59375]]


def test_a_hand_computed_example_with_identity_outputs():
    tape = forward(Vanilla(**HAND, activation="identity"), HAND_X)
    np.testing.assert_array_equal(tape.a, HAND_A)
    np.testing.assert_array_equal(tape.h, [[0, 0], *HAND_A])
    np.testing.assert_array_equal(tape.y, HAND_Z)
    back = backward(tape, [[0, 0], [1, 0], [0, 1]])
    np.testing.assert_array_equal(back.dh, [[-0.875, 0], [0, 1.75], [-1, 1]])
    np.testing.assert_array_equal(back.total.h0, [-0.4375, -0.21875])
    np.testing.assert_array_equal(back.total.U, [[-2.875], [2.0]])
    np.testing.assert_array_equal(back.total.W, [[-1, 0.625], [3.1875, 0.25]])
    np.testing.assert_array_equal(back.total.b, [-1.875, 2.75])
    np.testing.assert_array_equal(back.total.V, [[1, -0.625], [2.59375, 0.5]])
    np.testing.assert_array_equal(back.total.c, [1, 1])
    np.testing.assert_array_equal(back.dx, [[-0.875], [0.875], [-0.5]])


def test_a_hand_computed_example_with_logistic_outputs():
    tape = forward(Vanilla(**HAND, activation="identity", output="logistic"), HAND_X)
    back = backward(tape, [[0, 0], [1, 0], [0, 1]])
    y = [[1 / (1 + math.exp(-z)) for z in row] for row in HAND_Z]
    p, q = y[1][0] * (1 - y[1][0]), y[2][1] * (1 - y[2][1])
    np.testing.assert_allclose(tape.y, y, rtol=0, atol=1e-15)
    np.testing.assert_allclose(back.dz, [[0, 0], [p, 0], [0, q]], rtol=0, atol=1e-15)
    # dL/da(3) = q (-1, 1), dL/da(2) = p (1, 2) + W^T dL/da(3) = (p - q, 2 p - q / 4)
    np.testing.assert_allclose(back.da[1:], [[p - q, 2 * p - q / 4], [-q, q]], rtol=0, atol=1e-15)
    np.testing.assert_allclose(back.total.V, [[p, -0.625 * p], [2.59375 * q, 0.5 * q]], rtol=0, atol=1e-15)


def test_a_hand_computed_example_with_softmax_outputs():
    tape = forward(Vanilla(**HAND, activation="identity", output="softmax"), HAND_X)
    back = backward(tape, [[0, 0], [1, 0], [0, 1]])
    first = [1 / (1 + math.exp(b - a)) for a, b in HAND_Z]
    np.testing.assert_allclose(tape.y, [[p, 1 - p] for p in first], rtol=0, atol=1e-15)
    p, q = first[1] * (1 - first[1]), first[2] * (1 - first[2])
    np.testing.assert_allclose(back.dz, [[0, 0], [p, -p], [-q, q]], rtol=0, atol=1e-15)
    np.testing.assert_allclose(back.da[2], [-2 * q, -q], rtol=0, atol=1e-15)
    np.testing.assert_allclose(back.total.c, [p - q, q - p], rtol=0, atol=1e-15)


def test_a_hand_computed_example_with_tanh_units():
    tape = forward(Vanilla(**HAND), HAND_X[:2])
    first = [math.tanh(1.25), math.tanh(0.5)]
    second = [math.tanh(0.5 * first[0] + 0.25 * first[1] + 0.25), math.tanh(-0.5 * first[0])]
    np.testing.assert_allclose(tape.h[1:], [first, second], rtol=0, atol=1e-15)
    np.testing.assert_allclose(tape.slopes[0], [1 - first[0] ** 2, 1 - first[1] ** 2], rtol=0, atol=1e-15)
    np.testing.assert_allclose(tape.y[1, 0], second[0] + 2 * second[1], rtol=0, atol=1e-15)


def test_the_parts_of_the_net_input_add_up_to_it(given):
    xs, start, _, _ = given
    net = network()
    tape = forward(net, xs, start)
    np.testing.assert_allclose(tape.from_input + tape.from_past + net.b, tape.a, rtol=0, atol=1e-15)
    np.testing.assert_allclose(tape.from_input, np.einsum("ij,tj->ti", net.U, xs), rtol=0, atol=1e-15)
    terms = tape.drivers(unit=2, step=7)
    assert len(terms) == INPUTS + HIDDEN + 1
    assert math.fsum(terms.values()) == pytest.approx(tape.a[6, 2], rel=0, abs=1e-15)
    assert list(map(abs, terms.values())) == sorted(map(abs, terms.values()), reverse=True)
    assert terms["h[3]"] == net.W[2, 3] * tape.h[6, 3]


def test_length_and_bytes_of_the_tape_are_as_predicted(given):
    xs, start, _, _ = given
    tape = forward(network(), xs, start)
    assert len(tape) == STEPS
    assert tape.nbytes == 8 * (STEPS * (INPUTS + 4 * HIDDEN + 2 * CLASSES) + HIDDEN)


def test_slopes_are_the_analytic_ones_and_saturated_units_are_counted():
    a = np.array([[0.0, 5.0, -3.0, 1.0]])
    net = Vanilla(np.eye(4), np.zeros((4, 4)), np.zeros(4), np.ones((1, 4)), [0.0])
    tape = forward(net, a)
    np.testing.assert_allclose(tape.slopes, 1 / np.cosh(a) ** 2, rtol=0, atol=1e-15)
    # 1 / cosh(3)^2 = 0.00987 and 1 / cosh(5)^2 = 0.00018 are below 0.01
    assert tape.saturation().tolist() == [0.5]
    assert tape.saturation(below=0.001).tolist() == [0.25]


@pytest.mark.parametrize("output", OUTPUTS)
def test_twice_the_error_is_twice_every_derivative_bit_by_bit(output, given):
    xs, start, errors, _ = given
    tape = forward(network(output), xs, start)
    once, twice = backward(tape, errors), backward(tape, 2 * errors)
    for name, value in everything(once).items():
        np.testing.assert_array_equal(everything(twice)[name], 2 * value)
    for name in ("dz", "dh", "da"):
        np.testing.assert_array_equal(getattr(twice, name), 2 * getattr(once, name))


@pytest.mark.parametrize("output", OUTPUTS)
def test_derivatives_of_a_sum_of_errors_are_sums(output, given):
    xs, start, errors, others = given
    tape = forward(network(output), xs, start)
    one, two, both = (everything(backward(tape, e)) for e in (errors, others, 0.3 * errors - 1.7 * others))
    for name, value in both.items():
        assert difference(value, 0.3 * one[name] - 1.7 * two[name]) < 1e-12


@pytest.mark.parametrize("output", OUTPUTS)
def test_the_backward_pass_is_the_adjoint_of_the_linearised_forward_pass(output, given):
    xs, start, errors, _ = given
    net, rng = network(output), np.random.default_rng(2)
    u = {name: rng.normal(size=getattr(net, name).shape) for name in WEIGHTS}
    u |= {"h0": rng.normal(size=HIDDEN), "x": rng.normal(size=xs.shape)}
    shifted = Vanilla(*(getattr(net, name) + 1e-30j * u[name] for name in WEIGHTS), output=output)
    push = forward(shifted, xs + 1e-30j * u["x"], start + 1e-30j * u["h0"]).y.imag / 1e-30
    pull = everything(backward(forward(net, xs, start), errors))
    assert (push * errors).sum() == pytest.approx(sum((u[name] * pull[name]).sum() for name in u), rel=1e-12)


@pytest.mark.parametrize("name", WEIGHTS)
def test_contributions_of_the_steps_add_up_to_the_total(name, given):
    xs, start, errors, _ = given
    back = backward(forward(network(), xs, start), errors)
    steps = back.contributions(name)
    assert difference(steps.sum(axis=0), getattr(back.total, name)) < 1e-14
    assert steps.shape == (STEPS, *getattr(back.tape.network, name).shape)
    np.testing.assert_allclose(back.norms(name), np.linalg.norm(steps.reshape(STEPS, -1), axis=1), rtol=1e-14)


def test_the_last_hidden_error_is_the_output_error_seen_through_the_readout(given):
    xs, start, errors, _ = given
    net = network()
    back = backward(forward(net, xs, start), errors)
    np.testing.assert_array_equal(back.dh[-1], net.V.T @ errors[-1])
    J = back.tape.slopes[-1][:, None] * net.W  # dh(T)/dh(T-1)
    np.testing.assert_allclose(back.dh[-2], J.T @ back.dh[-1] + net.V.T @ errors[-2], rtol=0, atol=1e-14)


def test_the_loss_is_the_sum_of_those_of_the_steps_and_linear_in_their_weights(given):
    _, _, y, target = given
    terms, errors = squared_error(y, target)
    assert terms.sum() == pytest.approx(((y - target) ** 2).sum() / 2, rel=1e-15)
    np.testing.assert_array_equal(errors, y - target)
    w = np.where(np.arange(STEPS) == 4, 0.0, 0.5)
    weighted, weighted_errors = squared_error(y, target, w)
    np.testing.assert_array_equal(weighted, w * terms)
    np.testing.assert_array_equal(weighted_errors, w[:, None] * errors)
    assert squared_error(y, target, 1 / STEPS)[0].sum() == pytest.approx(terms.mean(), rel=1e-14)


def test_softmax_and_cross_entropy_together_leave_the_difference_of_probabilities(given):
    xs, start, _, _ = given
    tape = forward(network("softmax"), xs, start)
    target = np.eye(2)[np.arange(STEPS) % 2]
    terms, errors = cross_entropy(tape.y, target)
    np.testing.assert_allclose(backward(tape, errors).dz, tape.y - target, rtol=0, atol=1e-15)
    np.testing.assert_allclose(terms, -np.log(tape.y[np.arange(STEPS), np.arange(STEPS) % 2]), rtol=1e-15)


def test_a_linear_network_of_radius_1_1_grows_as_its_powers():
    turn = np.array([[0.6, -0.8], [0.8, 0.6]])
    net = Vanilla(np.zeros((2, 1)), 1.1 * turn, np.zeros(2), np.eye(2), np.zeros(2), activation="identity")
    tape = forward(net, np.zeros((60, 1)), start=[1.0, 0.0])
    np.testing.assert_allclose(np.linalg.norm(tape.h, axis=1), 1.1 ** np.arange(61), rtol=1e-13)
    last = np.zeros((60, 2))
    last[-1] = [0.0, 1.0]
    np.testing.assert_allclose(
        np.linalg.norm(backward(tape, last).dh, axis=1), 1.1 ** np.arange(59, -1, -1), rtol=1e-13
    )


def test_leaving_the_slope_out_gives_a_wrong_derivative_and_ours_is_right():
    rng = np.random.default_rng(3)
    shapes = ((5, 2), (5, 5), 5, (1, 5), 1)
    net = Vanilla(*(rng.normal(0, 1, shape) for shape in shapes))
    xs = rng.normal(size=(12, 2))
    tape = forward(net, xs)
    errors = squared_error(tape.y, 0.0)[1]
    without, later = np.zeros((5, 5)), np.zeros(5)
    for t in reversed(range(12)):
        later = net.V.T @ errors[t] + net.W.T @ later
        without += np.outer(later, tape.h[t])

    def loss(W):
        return loss_of(Vanilla(net.U, W, net.b, net.V, net.c), xs, np.zeros(5), 0.0)

    wanted = np.array([central(loss, net.W, at) for at in np.ndindex(5, 5)]).reshape(5, 5)
    assert difference(backward(tape, errors).total.W, wanted) < 1e-8
    assert np.linalg.norm(without - wanted) / np.linalg.norm(wanted) > 1


def test_what_does_not_fit_is_refused(given):
    xs, start, errors, _ = given
    tape = forward(network(), xs, start)
    with pytest.raises(DataError, match=r"inputs have shape \(20, 2\): the network takes \(steps, 3\)"):
        forward(network(), xs[:, :2])
    with pytest.raises(DataError, match=r"start has shape \(3,\)"):
        forward(network(), xs, start[:3])
    with pytest.raises(DataError, match=r"errors have shape \(19, 2\), the outputs \(20, 2\)"):
        backward(tape, errors[1:])
    with pytest.raises(ConfigError, match="unknown weight 'X'"):
        backward(tape, errors).contributions("X")
    with pytest.raises(ConfigError, match="no step 21 of unit 0: steps are 1 to 20, units 0 to 7"):
        tape.drivers(unit=0, step=21)
