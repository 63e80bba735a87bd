"""Initialisation like an echo state network, for a vanilla network all of whose weights are then learned."""

import dataclasses
from typing import Any

import numpy as np
import scipy.sparse

from recurra.cells import Elman
from recurra.errors import ConfigError
from recurra.models import Model, Stack
from recurra.reservoirs import draw_reservoir

INITIALISATIONS = ("default", "echo-state")


def echo_state(
    model: Model,
    *,
    radius: float = 1.1,
    connections: int = 15,
    input_scale: float = 0.1,
    output_scale: float = 0.1,
    output_bias: Any = 0.0,
    seed: int,
) -> Model:
    r"""The model with the weights of a reservoir in its vanilla layers, drawn by `recurra.reservoirs.draw_reservoir`.

    .. math:: W_{ij} \ne 0 \text{ for } k \text{ sources } j \text{ of every unit } i, \quad \rho(W) = 1.1, \quad
        U \sim s_U, \quad V \sim \mathcal N(0, s_V^2), \quad b = 0, \quad c = \bar y

    With a radius a little above 1 the hidden units oscillate without dying out or exploding, so that a gradient finds
    its way back over many steps; the input weights are so small that an input does not wipe out what the state holds.

    Args:
        model: a `Stack` of `Elman` layers with a linear readout, or a wrapper of one.
        radius: largest modulus rho of the eigenvalues of W.
        connections: k, incoming connections of every unit.
        input_scale: s_U, standard deviation of the input weights of the first layer: 0.001 for the adding and
            multiplication problems, 0.1 for those of memory. Layers above it keep their own input weights.
        output_scale: s_V, standard deviation of the weights of the last layer of the readout.
        output_bias: c, the mean of the targets, a number or (outputs,).
        seed: of all of them.

    Raises:
        ConfigError: layers of another kind.

    Reference: I. Sutskever, J. Martens, G. Dahl, G. Hinton, On the importance of initialization and momentum in deep
    learning, ICML 2013, table 4; H. Jaeger, H. Haas, Science 304 (2004) 78-80.
    """
    inner = getattr(model, "model", None)
    if isinstance(inner, Model):
        options = {"radius": radius, "connections": connections, "input_scale": input_scale}
        options |= {"output_scale": output_scale, "output_bias": output_bias, "seed": seed}
        return dataclasses.replace(model, model=echo_state(inner, **options))
    if not isinstance(model, Stack) or not all(isinstance(cell, Elman) for cell in model.cells):
        raise ConfigError(
            "the initialisation 'echo-state' is for vanilla networks: only a reservoir of `elman` layers is defined"
        )
    *seeds, last_seed = map(int, np.random.SeedSequence(seed).generate_state(len(model.cells) + 1))
    size = {"spectral_radius": radius, "in_degree": connections, "input_scale": input_scale}
    kept: Any = model.cells
    cells = [_reservoir(cell, **size, seed=each) for cell, each in zip(kept, seeds, strict=True)]
    cells[1:] = [dataclasses.replace(c, U=old.U) for c, old in zip(cells[1:], kept[1:], strict=True)]
    last, dtype = model.readout[-1], model.dtype
    V = output_scale * np.random.default_rng(last_seed).standard_normal(last.V.shape)
    last = dataclasses.replace(last, V=V.astype(dtype), c=np.broadcast_to(output_bias, last.c.shape).astype(dtype))
    return dataclasses.replace(model, cells=tuple(cells), readout=(*model.readout[:-1], last))


def _reservoir(cell: Any, *, spectral_radius: float, in_degree: int, input_scale: float, seed: int) -> Any:
    """A cell of the same sizes with the weights of a reservoir, and no bias."""
    (units, inputs), dtype = cell.U.shape, cell.U.dtype
    drawn = draw_reservoir(
        units,
        inputs,
        spectral_radius=spectral_radius,
        in_degree=in_degree,
        input_scaling=np.sqrt(3) * input_scale,  # uniform on (-s, s) has the standard deviation s / sqrt(3)
        bias_scaling=0.0,
        leak=1.0,
        seed=seed,
    )
    W = scipy.sparse.csr_array(drawn.W).toarray()
    return dataclasses.replace(cell, U=drawn.W_in.astype(dtype), W=W.astype(dtype), b=np.zeros(units, dtype))
