"""The forms of the LSTM: peepholes, the constant error carousel of 1997, and gates held by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

import recurra as rc
from recurra.cells import LSTM
from recurra.errors import ConfigError
from recurra.models import Stack, parameter_count, tensor_layout, unroll

FORMS = {
    "plain": {},
    "peepholes": {"peepholes": True},
    "1997": {"forget_gate": False},
    "1997 with peepholes": {"forget_gate": False, "peepholes": True},
}
SIZES = [(1, 1), (1, 32), (4, 32), (3, 5), (7, 1), (10, 10), (3, 100)]
INPUTS, UNITS, STEPS = 2, 3, 7


def logistic(a):
    return 1 / (1 + np.exp(-a))


@pytest.fixture(scope="module")
def cells():
    """One cell of each form, every weight random."""
    rng = np.random.default_rng(0)
    drawn = {name: LSTM.draw(INPUTS, UNITS, rng, **options) for name, options in FORMS.items()}
    return jax.tree.map(lambda leaf: rng.normal(0, 0.8, leaf.shape), drawn)


@pytest.fixture(scope="module")
def xs():
    return np.random.default_rng(1).normal(size=(STEPS, INPUTS))


@pytest.fixture(scope="module")
def runs(cells, xs):
    """Every h and c of all forms, their loss, and its gradient: one program."""

    def run(cell):
        return unroll(lambda state, x: (cell(state, x),) * 2, cell.initial_state(), xs)[1]

    def loss(cells):
        states = {name: run(cell) for name, cell in cells.items()}
        return sum(jnp.sum(jnp.sin(h) + 0.3 * c**2) for h, c in states.values()), states

    with jax.enable_x64(True):
        (_, states), gradient = jax.jit(jax.value_and_grad(loss, has_aux=True))(cells)
        flat, rebuild = ravel_pytree(cells)
        total = jax.jit(jax.vmap(lambda w: loss(rebuild(w))[0]))
        size = 1e-5
        moved = np.asarray(flat) + size * np.concatenate([np.eye(len(flat)), -np.eye(len(flat))])
        above, below = np.split(np.asarray(total(moved)), 2)
        slope = (above - below) / (2 * size)
        return jax.tree.map(np.asarray, (states, ravel_pytree(gradient)[0], slope))


def by_definition(cell, xs, forget_gate):
    """The equations of the papers, unit by unit."""
    n = cell.W.shape[1]
    h, c, hs, cs = np.zeros(n), np.zeros(n), [], []
    rows = "ifgo" if forget_gate else "igo"
    for x in xs:
        new_h, new_c = np.empty(n), np.empty(n)
        for k in range(n):
            a = {r: cell.U[j * n + k] @ x + cell.W[j * n + k] @ h + cell.b[j * n + k] for j, r in enumerate(rows)}
            p = dict.fromkeys("ifo", 0.0)
            if cell.p is not None:
                p |= {r: cell.p[j * n + k] for j, r in enumerate("ifo" if forget_gate else "io")}
            f = logistic(a["f"] + p["f"] * c[k]) if forget_gate else 1.0
            new_c[k] = f * c[k] + logistic(a["i"] + p["i"] * c[k]) * np.tanh(a["g"])
            new_h[k] = logistic(a["o"] + p["o"] * new_c[k]) * np.tanh(new_c[k])
        h, c = new_h, new_c
        hs.append(h)
        cs.append(c)
    return np.array(hs), np.array(cs)


@pytest.mark.parametrize(("inputs", "units"), SIZES)
def test_the_forms_have_their_sizes_in_closed_form(inputs, units):
    readout, one_gate = 2 * (units + 1), units * (inputs + units + 1)
    counts = {
        name: parameter_count(Stack.draw("lstm", inputs, 2, units=units, seed=0, **options)) - readout
        for name, options in FORMS.items()
    }
    assert counts == {
        "plain": 4 * one_gate,
        "peepholes": 4 * one_gate + 3 * units,
        "1997": 3 * one_gate,
        "1997 with peepholes": 3 * one_gate + 2 * units,
    }


@pytest.mark.parametrize("name", FORMS)
def test_a_form_is_its_equations_unit_by_unit(name, cells, xs, runs):
    found, wanted = runs[0][name], by_definition(cells[name], xs, FORMS[name].get("forget_gate", True))
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-14)


def test_the_gradients_of_all_forms_are_those_of_central_differences(runs):
    _, gradient, slope = runs
    np.testing.assert_allclose(gradient, slope, rtol=0, atol=1e-8)
    assert np.abs(gradient).min() > 0  # every weight counts, the peepholes too


def test_zero_peepholes_are_the_plain_cell_to_the_bit():
    plain, seeing = (LSTM.draw(3, 4, np.random.default_rng(5), **FORMS[name]) for name in ("plain", "peepholes"))
    state, x = (np.full(4, 0.3), np.full(4, -0.2)), np.ones(3)
    np.testing.assert_array_equal(seeing.p, np.zeros(12))
    for a, b in zip(plain(state, x), seeing(state, x), strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_plain_form_has_the_tensors_it_had():
    names = {"cells/0/U": (16, 2), "cells/0/W": (16, 4), "cells/0/b": (16,), "readout/0/V": (1, 4), "readout/0/c": (1,)}
    assert {k: shape for k, (_, shape) in tensor_layout(Stack.draw("lstm", 2, 1, units=4, seed=0)).items()} == names


def test_the_forget_bias_is_one_where_there_is_a_forget_gate():
    np.testing.assert_array_equal(LSTM.draw(1, 2, np.random.default_rng(0)).b, [0, 0, 1, 1, 0, 0, 0, 0])
    assert not LSTM.draw(1, 2, np.random.default_rng(0), forget_gate=False).b.any()


def test_the_estimator_trains_saves_and_loads_the_other_forms(tmp_path):
    wave = np.sin(0.3 * np.arange(80))
    small = {"units": 3, "epochs": 2, "bptt_length": 5, "validation": 0.0}
    model = rc.LSTM(**small, peepholes=True, forget_gate=False).fit(wave)
    assert model.network_.model.cells[0].p.shape == (6,)
    assert model.network_.model.cells[0].p.any()  # they were zero before the training
    model.save(tmp_path / "m.safetensors")
    again = rc.load(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(again.forecast(10).values, model.forecast(10).values)
    with pytest.raises(ConfigError, match="`peepholes` must be true or false"):
        rc.LSTM(peepholes=1).fit(wave)


def test_a_graph_takes_the_forms_as_options():
    plan = [{"layer": "lstm", "units": 4, "peepholes": True, "forget_gate": False}, {"layer": "dense"}]
    cell = rc.models.Graph.draw(plan, 2, 1, seed=0).nodes[0]
    assert cell.p.shape == (8,)
    assert not cell.forget_gate


def test_clamps_that_cannot_be_are_refused():
    cell = LSTM.draw(2, 3, np.random.default_rng(0))
    with pytest.raises(ConfigError, match=r"held at 1\.5: give one number from 0 to 1"):
        cell.clamped(write=1.5)
    with pytest.raises(ConfigError, match="3 units is held at 2 values"):
        cell.clamped(read=[0, None])
    with pytest.raises(ConfigError, match="no `keep` to clamp"):
        LSTM.draw(2, 3, np.random.default_rng(0), forget_gate=False).clamped(keep=1.0)
