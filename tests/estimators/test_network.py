"""Networks of one's own: cells, models and graphs that train, run freely, and are saved without their code."""

import json
import struct

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.base import clone

import recurra as rc
from recurra.cells import Cell, Elman
from recurra.errors import ConfigError, ModelFileError
from recurra.models import Dense, Graph, to_tensors, unroll

SMALL = {"bptt_length": 8, "epochs": 6, "batch_size": 16, "learning_rate": 0.02, "validation": 0}
WAVE = np.sin(0.3 * np.arange(90))


class Leaky(eqx.Module):
    U: np.ndarray = eqx.field(default_factory=lambda: np.linspace(-1, 1, 4)[:, None])
    W: np.ndarray = eqx.field(default_factory=lambda: np.roll(np.eye(4), 1, 0) / 2)
    rate: float = 0.3
    squash: object = jnp.tanh

    def initial_state(self):
        return jnp.zeros(4, jnp.float32)

    def __call__(self, h, x):
        return (1 - self.rate) * h + self.rate * self.squash(self.U @ x + self.W @ h)


class Oscillator(Cell):
    """A physical cell: (q, p) of a damped, driven oscillator, its frequency to be learned; the readout sees both."""

    omega: np.ndarray
    steps: int = 2

    def initial_state(self):
        return jnp.zeros(1), jnp.zeros(1)

    def __call__(self, state, x):
        q, p = state
        for _ in range(self.steps):
            p = p - 0.1 * (self.omega**2 * (q - x) + 0.4 * p)
            q = q + 0.1 * p
        return q, p

    def output(self, state):
        return jnp.concatenate(state)


def _same(a, b):
    return a.values.tobytes() == b.values.tobytes()


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_a_cell_of_five_lines_trains_runs_freely_and_is_saved(precision, tmp_path):
    model = rc.Network(cell=Leaky(), precision=precision, seed=0, **SMALL).fit(WAVE)
    losses = [entry["loss"] for entry in model.history_]
    assert losses[-1] < losses[0]
    weights = to_tensors(model.network_.model)
    assert list(weights) == ["cells/0/weights/U", "cells/0/weights/W", "readout/0/V", "readout/0/c"]
    assert {array.dtype.name for array in weights.values()} == {precision}
    assert (weights["cells/0/weights/W"] != Leaky().W).any()
    model.save(tmp_path / "m.safetensors")
    for cell in (Leaky, Leaky(), lambda: Leaky()):
        again = rc.load(tmp_path / "m.safetensors", cell=cell)
        assert _same(again.forecast(20), model.forecast(20))
        assert _same(again.predict(WAVE[:20]), model.predict(WAVE[:20]))
    np.testing.assert_array_equal(Leaky().W, np.roll(np.eye(4), 1, 0) / 2)


def test_its_forecast_is_the_equation():
    model = rc.Network(cell=Leaky(), precision="float64", warmup=5, **SMALL).fit(WAVE)
    w = to_tensors(model.network_.model)
    y, h = (WAVE - WAVE.mean()) / WAVE.std(), np.zeros(4)
    seen, found = list(y[-6:]), []
    for t in range(9):
        x = seen[t]
        h = 0.7 * h + 0.3 * np.tanh(w["cells/0/weights/U"][:, 0] * x + w["cells/0/weights/W"] @ h)
        out = w["readout/0/V"] @ h + w["readout/0/c"]
        if t >= 5:
            found.append(out[0])
            seen.append(out[0])
    np.testing.assert_allclose(model.forecast(4).values[:, 0], np.array(found) * WAVE.std() + WAVE.mean(), atol=1e-12)


def test_the_file_holds_neither_code_nor_the_name_of_the_class(tmp_path):
    rc.Network(cell=Leaky(), **SMALL).fit(WAVE).save(tmp_path / "m.safetensors")
    data = (tmp_path / "m.safetensors").read_bytes()
    (size,) = struct.unpack("<Q", data[:8])
    document = json.loads(json.loads(data[8 : 8 + size])["__metadata__"]["recurra"])
    assert document["params"]["cell"] is None
    assert document["facts"] == {"constants": [{"rate": 0.3}]}
    assert b"Leaky" not in data
    assert b"test_network" not in data


class Wider(Leaky):
    U: np.ndarray = eqx.field(default_factory=lambda: np.ones((4, 1)))
    W: np.ndarray = eqx.field(default_factory=lambda: np.eye(4))
    extra: np.ndarray = eqx.field(default_factory=lambda: np.ones(2))


@pytest.mark.parametrize(
    ("handed", "message"),
    [
        ({}, r"Network: either `cell` or `graph`.*load\(path, cell=MyCell\)"),
        ({"cell": Wider}, r"missing \['network/cells/0/weights/extra'\]"),
        ({"cell": lambda: Leaky(W=np.eye(4)[:, :3])}, "cells/0/weights/W|does not take one step"),
        ({"cell": lambda: Leaky(rate=0.5)}, r"'rate': 0.5.*trained with .*'rate': 0.3"),
        ({"cell": Leaky, "units": 3}, "takes no 'units' from outside"),
    ],
)
def test_a_file_is_loaded_with_the_cell_that_fits_it(handed, message, tmp_path):
    rc.Network(cell=Leaky(), **SMALL).fit(WAVE).save(tmp_path / "m.safetensors")
    with pytest.raises(ModelFileError, match=message):
        rc.load(tmp_path / "m.safetensors", **handed)


def test_only_a_network_takes_a_cell(tmp_path):
    rc.Persistence().fit(WAVE).save(tmp_path / "m.safetensors")
    with pytest.raises(ModelFileError, match="a persistence that takes no 'cell'"):
        rc.load(tmp_path / "m.safetensors", cell=Leaky)


def test_a_physical_cell_learns_its_parameter(tmp_path):
    rng = np.random.default_rng(0)
    force = np.convolve(rng.normal(size=400), np.ones(5) / 5, "same")[:, None]
    truth = Oscillator(np.array([1.5]))
    with jax.enable_x64(True):
        step = jax.jit(lambda xs: unroll(lambda s, x: 2 * (truth(s, x),), truth.initial_state(), xs)[1][0])
        series = rc.Series(np.asarray(step(force)), inputs=force)

    class Driven(Oscillator):  # sees the force alone, the second entry of x
        def __call__(self, state, x):
            return super().__call__(state, x[1:])

    options = {"bptt_length": 40, "epochs": 60, "batch_size": 1, "learning_rate": 0.03, "final_learning_rate": 1e-3}
    options |= {"stateful": True, "precision": "float64", "validation": 0}
    model = rc.Network(cell=Driven(np.array([1.2])), **options).fit(series)
    assert float(model.network_.model.cells[0].module.omega[0]) == pytest.approx(1.5, abs=0.05)
    model.save(tmp_path / "m.safetensors")
    again = rc.load(tmp_path / "m.safetensors", cell=Driven(np.array([1.0])))
    drive = force[:20]
    assert _same(again.forecast(20, inputs=drive), model.forecast(20, inputs=drive))


def test_the_librarys_cells_are_cells_like_any_other():
    sizes = {"units": 5, "layers": 2, "readout": [4], **SMALL}
    own, named = (rc.Network(cell=cell, **sizes).fit(WAVE) for cell in (Elman, "elman"))
    assert _same(own.forecast(9), named.forecast(9))
    assert _same(own.forecast(9), rc.RNN(**sizes).fit(WAVE).forecast(9))


def test_a_graph_of_layers_is_plain_data(tmp_path):
    skips = [
        {"name": "slow", "layer": "gru", "units": 4},
        {"name": "fast", "layer": "elman", "units": 3, "activation": "softplus", "from": ["input", "slow", "x[t-1]"]},
        {"name": "x", "layer": "dense", "units": 1, "from": ["fast", "input"]},
        {"name": "v", "layer": "dense", "from": ["fast", "slow", "x[t-1]"]},
    ]
    series = rc.Series(np.column_stack([WAVE, np.cos(0.3 * np.arange(90))]), inputs=np.sin(np.arange(90)))
    options = {**SMALL, "dropout": 0.1, "recurrent_dropout": 0.1, "increment": True, "precision": "float64"}
    model = rc.Network(graph=skips, **options).fit(series)
    assert model.network_.model.wiring.heads == ("x", "v")
    assert model.history_[-1]["loss"] < model.history_[0]["loss"]
    model.save(tmp_path / "m.safetensors")
    again = rc.load(tmp_path / "m.safetensors")
    drive = np.sin(np.arange(90.0, 99.0))
    assert _same(again.forecast(9, inputs=drive), model.forecast(9, inputs=drive))
    assert again.graph == skips


def test_a_whole_model_brings_its_readout(tmp_path):
    rng = np.random.default_rng(0)

    def made():
        return Graph.of({"m": Leaky(), "y": Dense.draw(5, 1, rng)}, {"m": ["input"], "y": ["m", "input"]})

    model = rc.Network(cell=made(), increment=True, **SMALL).fit(WAVE)
    assert list(to_tensors(model.network_.model))[-1] == "scale"
    model.save(tmp_path / "m.safetensors")
    assert _same(rc.load(tmp_path / "m.safetensors", cell=made()).forecast(9), model.forecast(9))


def test_follows_scikit_learn():
    model = rc.Network(cell=Leaky(), units=3)
    copy = clone(model)
    assert list(copy.get_params()) == list(model.get_params())
    assert copy.units == 3
    np.testing.assert_array_equal(copy.cell.W, model.cell.W)
    assert model.set_params(cell="gru").cell == "gru"


class Bad(eqx.Module):
    def initial_state(self):
        return jnp.zeros(3)


class Growing(Bad):
    def __call__(self, h, x):
        return jnp.concatenate([h, x])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "either `cell` or `graph`"),
        ({"cell": "gru", "graph": [{"layer": "dense"}]}, "either `cell` or `graph`"),
        ({"cell": "grue"}, "unknown cell 'grue': did you mean 'gru'"),
        ({"cell": 3}, "`cell` must be a cell"),
        ({"cell": Leaky(), "layers": 2}, "`layers` must be 1"),
        ({"cell": Bad()}, "Bad lacks `__call__`"),
        ({"cell": Growing()}, r"Growing makes a state float32\[4\] of one that is float32\[3\]"),
        ({"cell": Leaky(U=np.ones((4, 3)))}, "Leaky does not take one step: x has 1 entries"),
        ({"cell": lambda: 3}, "int is none"),
        ({"graph": [{"layer": "dense", "units": 2}]}, "have 2 outputs, and the data 1 channels"),
        ({"graph": [{"layer": "dense", "from": ["x"]}], "units": 0}, "(?s)`units`.*unknown source 'x'"),
        ({"graph": [{"layer": "dense"}], "readout": [3]}, "`readout`: a graph or a model has its own"),
        ({"cell": Leaky(W=np.ones(4)), "recurrent_dropout": 0.5}, "no matrix `W`"),
    ],
)
def test_a_network_that_cannot_be_is_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        rc.Network(**{**SMALL, **options}).fit(WAVE)
