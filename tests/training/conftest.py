"""Objectives whose trainings can be followed by hand: only the bias c of the readout gets a gradient."""

from dataclasses import dataclass, replace
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from recurra.forecasting.compiled import Compiled
from recurra.models import Dense, Stack
from recurra.training import NextSteps, Objective, train


@dataclass(frozen=True)
class Pull(Objective):
    """L = mean over the batch of sum_j a_j (c_j - d_ij)^2 / 2, d the rows of `data`: gradient a (c - d)."""

    stiffness: tuple[float, ...]

    def count(self, data):
        return len(data)

    def length(self, data):
        return 2

    def loss(self, model, data, index, keys=None):
        c = model.readout[0].c
        return jnp.mean(jnp.sum(jnp.asarray(self.stiffness, c.dtype) / 2 * (c - data[index]) ** 2, axis=1))


@dataclass(frozen=True)
class Slope(Objective):
    """L = mean over the batch of d_i . c: the gradient is the mean of the rows."""

    def count(self, data):
        return len(data)

    def length(self, data):
        return 2

    def loss(self, model, data, index, keys=None):
        return jnp.mean(data[index] @ model.readout[0].c)


@pytest.fixture(scope="session")
def pull():
    return Pull


@pytest.fixture(scope="session")
def slope():
    return Slope()


@pytest.fixture(scope="session")
def bias():
    """`bias(c)`: a model whose readout has the bias c, in its precision."""

    def made(c):
        c = np.asarray(c)
        model = Stack.draw("elman", 1, len(c), units=1, seed=0)
        cells, V = jax.tree.map(lambda leaf: np.asarray(leaf, c.dtype), (model.cells, model.readout[0].V))
        return Stack(cells, (Dense(V, c),))

    return made


@pytest.fixture
def follow():
    """`follow(objective, model, data, settings)`: c at the start and after every epoch, and the training."""

    def followed(objective, model, data, settings, stretch=1):
        path = [np.array(model.readout[0].c)]

        def record(model):
            path.append(np.array(model.readout[0].c))
            return -float(len(path))  # always better: the last model is kept

        trained = train(model, objective, data, replace(settings, stretch=stretch), validate=record)
        return np.array(path), trained

    return followed


@pytest.fixture(scope="session")
def sine_training():
    """A small real training: model, objective, data and a closed-loop validation on the rows that follow."""
    wave = np.sin(0.3 * np.arange(80))[:, None]
    model = Stack.draw("gru", 1, 1, units=4, seed=2)
    data = wave[:50].astype(np.float32), np.zeros((50, 0), np.float32), np.arange(44, dtype=np.int32)
    warm, drive = wave[None, 40:50], np.zeros((1, 20, 0))

    def validate(model):
        network = Compiled(model)
        state, _ = network.run(network.initial_state(1), warm)
        return float(np.sqrt(np.mean((network.free_run(state, wave[50:51], drive)[1][0] - wave[51:71]) ** 2)))

    return SimpleNamespace(model=model, objective=NextSteps(5, 3), data=data, validate=validate)
