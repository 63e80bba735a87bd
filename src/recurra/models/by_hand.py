"""Networks set by hand: what a recurrent network can do, with weights that can be read.

Each is a float64 `Stack`; run it within `jax.enable_x64(True)`, or by `recurra.forecasting.compiled.Compiled`. Those
that need no data start from a push: the input of the first row is added to what the units sum up, and the rows after
it are zeros.
"""

from typing import Any

import numpy as np

from recurra._types import whole_number
from recurra.cells import LSTM, Elman
from recurra.errors import ConfigError
from recurra.models.dense import Dense
from recurra.models.stack import Stack

_OPEN = 40.0  # 1 - sigma(40) is 4e-18: in float64 a gate that sums up 40 is open, and one with -40 lets 4e-18 through


def rotation(gain: float = 1.05, angle: float = 0.2) -> Stack:
    r"""An oscillator: two units that rotate, and grow until the tanh holds them.

    .. math:: h_t = \tanh(g R(\phi) h_{t-1} + x_t), \quad R(\phi) \text{ the rotation by } \phi

    A small h turns by phi and grows by g in every step; a large one is pressed back. Between them lies a limit cycle
    that attracts all of the plane but zero, with a period of 2 pi / phi for g close to 1.

    Args:
        gain: g; above 1 it oscillates, below it rings down.
        angle: phi in radians a step.

    Returns:
        Inputs: a push of each unit. Outputs: the two units.
    """
    cos, sin = np.cos(angle), np.sin(angle)
    return _units(gain * np.array([[cos, -sin], [sin, cos]]))


def self_exciting(gain: float) -> Stack:
    r"""Point attractors: one unit that excites itself.

    .. math:: h_t = \tanh(a h_{t-1} + x_t)

    For a <= 1 zero attracts everything; beyond, zero repels and the solutions of h = tanh(a h) attract, each its half
    of the line: one bit of memory.

    Args:
        gain: a.

    Returns:
        Input: a push. Output: the unit.
    """
    return _units(np.array([[gain]]))


def hopfield(patterns: Any, gain: float = 4.0) -> Stack:
    r"""Patterns as point attractors: a damaged one is completed.

    .. math:: h_t = \tanh(g (W h_{t-1} + x_t)), \quad W = \tfrac1n \sum_p s_p s_p^T \text{ without its diagonal}

    Args:
        patterns: s, (patterns, units) of -1 and 1: few, about 0.05 a unit at most.
        gain: g; the larger, the closer the units are to -1 and 1.

    Returns:
        Inputs: a push of each unit, the damaged pattern in the first row. Outputs: the units; their signs are the
        pattern.

    Raises:
        ConfigError: patterns of anything but -1 and 1.

    Reference: J. J. Hopfield, Proceedings of the National Academy of Sciences 79 (1982) 2554-2558; with graded units
    81 (1984) 3088-3092.
    """
    s = np.asarray(patterns, np.float64)
    if s.ndim != 2 or not s.size or not np.isin(s, (-1, 1)).all():
        raise ConfigError(f"`patterns` are (patterns, units) of -1 and 1, got an array of shape {s.shape}")
    W = s.T @ s / s.shape[1]
    np.fill_diagonal(W, 0.0)
    return _units(gain * W, gain * np.eye(s.shape[1]))


def random_network(gain: float, units: int = 200, seed: int = 0) -> Stack:
    r"""A random network, which turns chaotic with its gain.

    .. math:: h_t = \tanh(W h_{t-1} + x_t), \quad W_{jk} \text{ normal with the standard deviation } g / \sqrt n

    The eigenvalues of W fill the disk of radius g: below g = 1 all dies out, beyond it large networks are chaotic.

    Args:
        gain: g.
        units: n.
        seed: of the weights; networks of one seed differ by their gain alone.

    Returns:
        Inputs: a push of each unit. Outputs: the units.

    Reference: H. Sompolinsky, A. Crisanti, H. J. Sommers, Chaos in random neural networks, Physical Review Letters 61
    (1988) 259-262.
    """
    W = np.random.default_rng(seed).standard_normal((units, units)) * (gain / np.sqrt(units))
    return _units(W)


def parity() -> Stack:
    r"""A finite automaton: whether the ones so far are odd in number.

    With s the parity so far, and two ReLUs,

    .. math:: h_1 = \max(0, s + x), \quad h_2 = \max(0, s + x - 1), \quad s' = h_1 - 2 h_2

    is 0, 1, 0 for s + x = 0, 1, 2. All numbers are small and whole, so it never errs.

    Returns:
        Input: a bit. Output: s.
    """
    parity_of = np.array([1.0, -2.0])
    return _relus(np.ones((2, 1)), state=parity_of, output=parity_of)


def adder() -> Stack:
    r"""A serial adder of binary numbers of any length.

    The two bits and the carry add up to 0, 1, 2 or 3. Three ReLUs count them,

    .. math:: h_k = \max(0, a + b + \text{carry} - (k - 1)), \quad k = 1, 2, 3

    with the carry h_2 - h_3 and the bit of the sum h_1 - 2 h_2 + 2 h_3, exactly.

    Returns:
        Inputs: a bit of each number, the lowest first; after the highest a row of zeros gives the last carry. Output:
        the bit of the sum.
    """
    return _relus(np.ones((3, 2)), state=np.array([0.0, 1.0, -1.0]), output=np.array([1.0, -2.0, 2.0]))


def flip_flop(bits: int = 3) -> Stack:
    r"""Bits that are set by pulses and held between them: 2^bits states of rest.

    .. math:: h_t = \tanh(2 h_{t-1} + 4 x_t), \quad y_t = h_t / h^*, \quad h^* = \tanh(2 h^*) = 0.957504

    Each unit rests at h* or -h*, and a pulse of 4 is more than the 2 h* with which it holds on.

    Args:
        bits: number of units.

    Returns:
        Inputs: a pulse for each bit, 1 sets it, -1 clears it, 0 leaves it. Outputs: 1 and -1.

    Reference: D. Sussillo, O. Barak, Opening the black box, Neural Computation 25 (2013) 626-649.
    """
    rest = 1.0
    for _ in range(100):  # the slope there is 0.166: each step gains most of a digit
        rest = np.tanh(2 * rest)
    eye = np.eye(bits)
    return _units(2 * eye, 4 * eye, readout=eye / rest)


def delay_line(units: int) -> Stack:
    r"""The last inputs, each in a unit of its own: all that n linear units can remember.

    .. math:: h_{1,t} = x_t, \quad h_{k+1,t} = h_{k,t-1}

    Args:
        units: n.

    Returns:
        Input: x. Outputs: x now and 1, ..., n - 1 steps back.

    Raises:
        ConfigError: `units` is no whole number of at least 1.
    """
    if not whole_number(units) or units < 1:
        raise ConfigError(f"`units` must be a whole number of at least 1, got {units!r}")
    return linear(np.eye(units, k=-1), np.eye(units, 1))


def linear(W: Any, U: Any) -> Stack:
    r"""A linear recurrent network: a filter with the kernel W^k U.

    .. math:: h_t = W h_{t-1} + U x_t = \sum_k W^k U x_{t-k}

    With one unit, h = alpha h + beta x: white noise of variance 1 makes h vary by beta^2 / (1 - alpha^2).

    Args:
        W: (units, units).
        U: (units, inputs).

    Returns:
        Inputs: x. Outputs: the units.
    """
    return _units(np.asarray(W, np.float64), np.asarray(U, np.float64), activation="identity")


def latch(scale: float = 1e-4) -> Stack:
    r"""A memory cell of one LSTM unit: written on command, kept as long as one likes, read on command.

    .. math::
        \mathrm{write} = \sigma(40 (2 w_t - 1)), \quad \mathrm{keep} = \sigma(40 (1 - 2 w_t)), \quad
        \mathrm{read} = \sigma(40 (2 r_t - 1)), \quad c_t = \mathrm{keep} \, c_{t-1} + \mathrm{write} \tanh(s x_t)

    sigma(40) is 1 in float64 and sigma(-40) = 4e-18: a new value takes the place of the old one, and between the
    commands nothing comes in. The value is made small, where the tanh is straight, and y = h / s.

    Args:
        scale: s. A value x is read as x (1 - 2/3 (s x)^2), and what leaks in is 4e-18 / s a step.

    Returns:
        Inputs: the value x, the command to write w and that to read r, 0 or 1. Output: the value while it is read,
        else 0.
    """
    gate = 2 * _OPEN
    U = np.array([[0.0, gate, 0.0], [0.0, -gate, 0.0], [scale, 0.0, 0.0], [0.0, 0.0, gate]])
    cell = LSTM(U, np.zeros((4, 1)), np.array([-_OPEN, _OPEN, 0.0, -_OPEN]))
    return Stack((cell,), (Dense(np.array([[1 / scale]]), np.zeros(1)),))


def _units(
    W: np.ndarray, U: np.ndarray | None = None, readout: np.ndarray | None = None, activation: str = "tanh"
) -> Stack:
    """Units without a bias, each pushed by its own input and each an output, where nothing else is said."""
    units = len(W)
    cell = Elman(np.eye(units) if U is None else U, W, np.zeros(units), activation)
    V = np.eye(units) if readout is None else readout
    return Stack((cell,), (Dense(V, np.zeros(len(V))),))


def _relus(U: np.ndarray, state: np.ndarray, output: np.ndarray) -> Stack:
    """ReLUs with the biases 0, -1, -2, ..., which all see the same combination of themselves."""
    units = len(U)
    cell = Elman(U, np.tile(state, (units, 1)), -np.arange(units, dtype=np.float64), "relu")
    return Stack((cell,), (Dense(output[None], np.zeros(1)),))
