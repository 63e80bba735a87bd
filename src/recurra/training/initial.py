"""Initialisation like an echo state network, for a vanilla network all of whose weights are then learned."""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import scipy.sparse

from recurra.cells import Elman
from recurra.errors import ConfigError
from recurra.models import Dense, Model, Stack
from recurra.reservoirs import TriangularFactor, draw_reservoir
from recurra.training.sequences import masked_outputs

INITIALISATIONS = ("default", "echo-state")
_RIDGE = 1e-4  # of the readout by which reservoirs are compared, relative to its largest squared singular value
_PIECE = 1000  # sequences that are run at a time


def echo_state(
    model: Model,
    *,
    radius: float = 1.1,
    connections: int = 15,
    input_scale: float = 0.1,
    output_scale: float = 0.1,
    output_bias: Any = 0.0,
    seed: int | Sequence[int],
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


def best_echo_state(model: Stack, data: Any, *, draws: int, seed: int, **options: Any) -> Model:
    r"""The best of several draws of `echo_state`: the one whose states tell most of what is asked for.

    .. math:: \min_k \sum_{(i, t) \in S} |y_{it} - c_k - V_k h^{(k)}_{it}|^2

    The readout (c_k, V_k) is a ridge regression on the first half of the sequences, the sum goes over the compared
    steps S of the second half. A reservoir that holds little of it leaves a gradient nothing to begin with: training
    then stays for long, or for good, at the loss of the best constant. The readout itself is drawn, not kept.

    Args:
        model: as of `echo_state`, a `Stack`.
        data: two sequences or more, as of `MaskedSteps`: (inputs, present, targets, weights).
        draws: number of them; one is not compared.
        seed: of the first; the others have it and their number.
        options: as of `echo_state`.
    """
    found = (echo_state(model, seed=[seed, k] if k else seed, **options) for k in range(draws))
    return next(found) if draws == 1 else min(found, key=lambda drawn: _left(drawn, data))


def _left(model: Any, data: Any) -> float:
    """What a linear readout of the states of one half of the sequences leaves of the targets of the other half."""
    targets, judged, units = data[2], data[3].any(axis=2), model.cells[-1].W.shape[0]
    states = dataclasses.replace(model, readout=(Dense(np.eye(units, dtype=model.dtype), np.zeros(1, model.dtype)),))
    half = len(targets) // 2
    total, left = TriangularFactor.empty(units, targets.shape[2]), 0.0
    for seen, wanted in _states(states, data, judged, range(half)):
        total = total.add(seen, wanted)
    coefficients = total.solve(_RIDGE)
    for seen, wanted in _states(states, data, judged, range(half, len(targets))):
        left += float(np.sum((wanted - coefficients[:, 0] - seen @ coefficients[:, 1:].T) ** 2))
    return left


def _states(model: Any, data: Any, judged: np.ndarray, rows: range) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The outputs of a model and the targets (steps, each), at the compared steps of some sequences, in pieces."""
    for first in range(rows.start, rows.stop, _PIECE):
        piece = slice(first, min(first + _PIECE, rows.stop))
        found = np.asarray(masked_outputs(model, data[0][piece], data[1][piece]))[judged[piece]]
        yield found.astype(np.float64), data[2][piece][judged[piece]].astype(np.float64)


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
