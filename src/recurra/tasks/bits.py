"""Tasks on bits: logic, arithmetic and memory that is set and reset."""

import numpy as np

from recurra.errors import ConfigError
from recurra.tasks.problem import Problem, check_sizes


def xor(count: int, length: int, *, seed: int) -> Problem:
    r"""Exclusive or of the inputs one and two steps back: no linear network can do better than guess.

    .. math:: y_t = x_{t-1} \oplus x_{t-2}, \quad t \ge 2

    The bits are independent and fair, so y is uncorrelated with every x and with the constant: the best linear answer
    is 1/2, of mean squared error 1/4.

    Args:
        count: sequences.
        length: rows of each, more than 2.
        seed: of the bits.

    >>> problem = xor(1, 6, seed=0)
    >>> problem.inputs[0][:, 0], problem.targets[0][:, 0]
    (array([1., 1., 1., 0., 0., 0.]), array([nan, nan,  0.,  0.,  1.,  0.]))
    """
    check_sizes(count=count, length=length)
    check_sizes(length=length - 2)
    x = np.random.default_rng(seed).integers(0, 2, (count, length, 1))
    y = np.full(x.shape, np.nan)
    y[:, 2:] = x[:, 1:-1] ^ x[:, :-2]
    return Problem("many-to-many", "squared", list(x.astype(float)), list(y), 0.25)


def parity(count: int, length: int, *, seed: int) -> Problem:
    r"""Whether the number of ones so far is odd.

    .. math:: y_t = x_0 \oplus x_1 \oplus \dots \oplus x_t

    A constant answer is right half of the time, and so is every answer that misses a single bit.

    Args:
        count: sequences.
        length: rows of each.
        seed: of the bits.
    """
    check_sizes(count=count, length=length)
    x = np.random.default_rng(seed).integers(0, 2, (count, length, 1))
    return Problem("many-to-many", "binary", list(x.astype(float)), list(np.cumsum(x, axis=1) % 2.0), 0.5)


def addition(count: int, bits: int, *, seed: int) -> Problem:
    r"""The sum of two binary numbers, least significant bit first; the state is the carry.

    .. math:: y_t = a_t \oplus b_t \oplus c_t, \quad c_{t+1} = 1 \text{ where } a_t + b_t + c_t \ge 2, \quad c_0 = 0

    After the n bits comes a row of zeros, whose answer is the last carry. It is 0 with the probability
    (1 + 2^{-n}) / 2, all other bits with 1/2, so the best constant answer is 0.

    Args:
        count: sequences.
        bits: n, of each number; a sequence has one row more.
        seed: of the numbers.

    >>> problem = addition(1, 4, seed=1)
    >>> problem.inputs[0].T.astype(int).tolist(), problem.targets[0][:, 0].astype(int).tolist()
    ([[0, 1, 0, 1, 0], [1, 1, 0, 1, 0]], [1, 0, 1, 0, 1])
    """
    check_sizes(count=count, bits=bits)
    x = np.zeros((count, bits + 1, 2), int)
    x[:, :bits] = np.random.default_rng(seed).integers(0, 2, (count, bits, 2))
    y, carry = np.zeros((count, bits + 1, 1)), np.zeros(count, int)
    for t in range(bits + 1):
        total = x[:, t].sum(axis=1) + carry
        y[:, t, 0], carry = total % 2, total // 2
    trivial = 0.5 + 2.0**-bits / (2 * (bits + 1))
    return Problem("many-to-many", "binary", list(x.astype(float)), list(y), trivial)


def flip_flop(count: int, length: int, *, bits: int = 3, rate: float = 0.1, seed: int) -> Problem:
    r"""Several memories of one bit: each keeps the sign of the last pulse on its own input.

    .. math:: y_{t,k} = \begin{cases} x_{t,k} & x_{t,k} \ne 0 \\ y_{t-1,k} & \text{otherwise} \end{cases}

    The first row has a pulse on every input; later ones are there with probability `rate`, and up or down alike. So
    the mean of y is 0, its mean square 1.

    Args:
        count: sequences.
        length: rows of each.
        bits: inputs and outputs.
        rate: probability of a pulse, from 0 to 1.
        seed: of the pulses.

    Reference: D. Sussillo, O. Barak, Opening the black box: low-dimensional dynamics in high-dimensional recurrent
    neural networks, Neural Computation 25 (2013) 626-649.
    """
    check_sizes(count=count, length=length, bits=bits)
    if not 0 <= rate <= 1:
        raise ConfigError(f"`rate` is {rate}: it is a probability")
    rng = np.random.default_rng(seed)
    there = rng.random((count, length, bits)) < rate
    there[:, 0] = True
    x = np.where(there, rng.choice([-1.0, 1.0], there.shape), 0.0)
    last = np.maximum.accumulate(np.where(there, np.arange(length)[:, None], 0), axis=1)
    return Problem("many-to-many", "squared", list(x), list(np.take_along_axis(x, last, axis=1)), 1.0)
