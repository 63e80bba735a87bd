r"""Two of many values are marked, and the answer is their sum, product or exclusive or.

Two forms were published. That of 2011 has lengths T' from T to 11 T / 10, the first mark at a step of
1 ... T' / 10 and the second at one of T' / 10 + 1 ... T' / 2, steps counted from 1. That of 1997 marks one of the first
ten steps, and one of the first T / 2 - 1 that are still unmarked; the first step and the last carry the mark -1. Where
the first step is drawn, its mark stays -1 and its value counts as the neutral element, 0 of a sum and 1 of a product.

Of the adding problem of 2011 there are two: the program that was published with the paper has the sum of the two
values (`adding`), notes on Sutskever's thesis their mean (`adding-mean`). An error above 0.04 is wrong in both. The
paper of 2013 has 0.82 of the sequences wrong in table 5 where only output biases learn, which fits the mean: the best
constant is wrong for 0.92^2 = 0.846 of them, and for 0.96^2 = 0.922 where the target is the sum. The program
also marks step 0 and step T - 3 with -1; these marks, of which the paper says nothing, are left out.

References: S. Hochreiter, J. Schmidhuber, Long short-term memory, Neural Computation 9 (1997) 1735-1780, sections 5.4
and 5.5; J. Martens, I. Sutskever, Learning recurrent neural networks with Hessian-free optimization, ICML 2011;
I. Sutskever, J. Martens, G. Dahl, G. Hinton, On the importance of initialization and momentum in deep learning, ICML
2013.
"""

from collections.abc import Callable
from functools import partial

import numpy as np

from recurra.tasks.long_lag.task import (
    HOCHREITER_1997,
    MARTENS_2011,
    TESTS_1997,
    UNDER_ONE_PERCENT,
    Batch,
    LongLag,
    Rule,
    at_end,
    balanced,
    check_length,
    lengths,
    longest,
    one_hot,
)

_PROGRAM = f"{MARTENS_2011}, the program published with it"
_THESIS = "Sutskever et al. 2013, as in notes on Sutskever's thesis"
_MARKS = 10  # the first mark of 1997 is among as many steps

Operation = Callable[[np.ndarray, np.ndarray], np.ndarray]


def adding(length: int) -> LongLag:
    r"""The sum of the two marked values, y = u_1 + u_2 with u uniform on (0, 1).

    The best constant answer is 1, of mean squared error 2 / 12; it is within 0.04 with the probability 1 - 0.96^2.

    Args:
        length: T.
    """
    return _recent("adding", length, "u1 + u2", np.add, 1 / 6, 0.96**2, _PROGRAM)


def adding_mean(length: int) -> LongLag:
    """The mean of the two marked values: `adding` with half the target, so that 0.04 is twice as wide.

    Args:
        length: T.
    """
    return _recent("adding-mean", length, "(u1 + u2) / 2", lambda a, b: (a + b) / 2, 1 / 24, 0.92**2, _THESIS)


def multiplication(length: int) -> LongLag:
    r"""The product of the two marked values, y = u_1 u_2 with u uniform on (0, 1).

    .. math:: P(u_1 u_2 \le p) = p (1 - \ln p), \quad \mathrm{Var} = \frac19 - \frac1{16}

    Args:
        length: T.
    """
    chance = 1 - (_product_below(0.29) - _product_below(0.21))
    return _recent("multiplication", length, "u1 u2", np.multiply, 7 / 144, chance, MARTENS_2011)


def xor(length: int) -> LongLag:
    """Whether the two marked bits differ. Two classes, balanced within a batch.

    Args:
        length: T.
    """
    check_length("xor", length)
    return LongLag(
        name="xor",
        length=length,
        definition="bits with two marked steps; at the end, whether the two marked bits differ",
        loss="categorical",
        inputs=2,
        outputs=2,
        steps=longest(length),
        lag=_lag_2011(length),
        solved=UNDER_ONE_PERCENT,
        trivial=float(np.log(2)),
        chance=0.5,
        source=MARTENS_2011,
        make=partial(_draw_xor, length),
    )


def adding_1997(length: int) -> LongLag:
    r"""The sum of the two marked values, scaled: y = 1/2 + (X_1 + X_2) / 4 with X uniform on (-1, 1).

    With the probability p that one of the two is at the first step and counts as 0, the variance of the targets is
    (2 - p) / 48: 1/24 but for that.

    Args:
        length: T.
    """
    p = _first_step(length, "adding-1997")
    return _early(
        "adding-1997",
        length,
        "values uniform on (-1, 1) with two marked; at the end, 1/2 + (X1 + X2) / 4",
        Rule(2000, 1, 0.01, TESTS_1997, 4),
        (2 - p) / 48,
        1 - p * 0.16 - (1 - p) * (1 - 0.92**2),
        partial(_draw_1997, length, -1.0, 0.0, lambda a, b: 0.5 + (a + b) / 4),
    )


def multiplication_1997(length: int) -> LongLag:
    """The product of the two marked values, y = X_1 X_2 with X uniform on (0, 1).

    Args:
        length: T.
    """
    p = _first_step(length, "multiplication-1997")
    mean = p / 2 + (1 - p) / 4
    within = p * 0.08 + (1 - p) * (_product_below(mean + 0.04) - _product_below(mean - 0.04))
    return _early(
        "multiplication-1997",
        length,
        "values uniform on (0, 1) with two marked; at the end, X1 X2",
        Rule(2000, 13, None, TESTS_1997, 16),
        p / 3 + (1 - p) / 9 - mean**2,
        1 - within,
        partial(_draw_1997, length, 0.0, 1.0, np.multiply),
    )


def _product_below(p: float) -> float:
    """The probability that the product of two uniform numbers is below p."""
    return float(p * (1 - np.log(p)))


def _first_step(length: int, name: str) -> float:
    """The probability that the first step is one of the two that are drawn."""
    check_length(name, length)
    return 1 / _MARKS + (1 - 1 / _MARKS) / (length // 2 - 2)


def _lag_2011(length: int) -> str:
    return f"from the first mark at least {length - length // 10} steps, from the second {length - length // 2}"


def _recent(
    name: str, length: int, formula: str, operation: Operation, trivial: float, chance: float, source: str
) -> LongLag:
    check_length(name, length)
    return LongLag(
        name=name,
        length=length,
        definition=f"values uniform on (0, 1) with two marked; at the end, {formula}",
        loss="squared",
        inputs=2,
        outputs=1,
        steps=longest(length),
        lag=_lag_2011(length),
        solved=UNDER_ONE_PERCENT,
        trivial=trivial,
        chance=chance,
        source=source,
        make=partial(_draw_2011, length, operation),
    )


def _early(
    name: str, length: int, definition: str, rule: Rule, trivial: float, chance: float, make: Callable[..., Batch]
) -> LongLag:
    return LongLag(
        name=name,
        length=length,
        definition=f"{definition}; the first and the last step carry the mark -1",
        loss="squared",
        inputs=2,
        outputs=1,
        steps=longest(length),
        lag=f"at least {length - length // 2 + 1} steps",
        solved=rule,
        trivial=trivial,
        chance=chance,
        source=HOCHREITER_1997,
        make=make,
    )


def _marks_2011(ends: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """The two marked steps, counted from 0."""
    return rng.integers(0, ends // 10), rng.integers(ends // 10, ends // 2)


def _marked(values: np.ndarray, marks: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Values (sequences, steps) beside a column that is 1 at the marked steps."""
    inputs = np.zeros((*values.shape, 2), np.float32)
    inputs[:, :, 0] = values
    for mark in marks:
        inputs[np.arange(len(values)), mark, 1] = 1
    return inputs


def _draw_2011(length: int, operation: Operation, count: int, rng: np.random.Generator) -> Batch:
    ends, each = lengths(count, length, rng), np.arange(count)
    values = rng.random((count, longest(length)), np.float32)
    first, second = _marks_2011(ends, rng)
    answers = operation(values[each, first].astype(np.float64), values[each, second].astype(np.float64))
    return at_end(_marked(values, (first, second)), ends, answers[:, None], 1)


def _draw_xor(length: int, count: int, rng: np.random.Generator) -> Batch:
    ends, each = lengths(count, length, rng), np.arange(count)
    values = rng.integers(0, 2, (count, longest(length)), dtype=np.int8)
    first, second = _marks_2011(ends, rng)
    differ = balanced(count, 2, rng)
    values[each, second] = values[each, first] ^ differ
    return at_end(_marked(values, (first, second)), ends, one_hot(differ, 2), 1)


def _draw_1997(
    length: int, low: float, neutral: float, operation: Operation, count: int, rng: np.random.Generator
) -> Batch:
    ends, each = lengths(count, length, rng), np.arange(count)
    values = (low + (1 - low) * rng.random((count, longest(length)), np.float32)).astype(np.float32)
    first = rng.integers(0, _MARKS, count)
    second = rng.integers(0, length // 2 - 2, count)
    second += second >= first  # one of the others
    inputs = _marked(values, (first, second))
    inputs[:, 0, 1] = -1
    inputs[each, ends - 1, 1] = -1
    a, b = (np.where(mark == 0, neutral, values[each, mark].astype(np.float64)) for mark in (first, second))
    return at_end(inputs, ends, operation(a, b)[:, None], 1)
