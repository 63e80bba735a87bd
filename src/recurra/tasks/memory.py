"""Tasks of memory alone: what came before is to be said again."""

from typing import Any

import numpy as np

from recurra.errors import ConfigError
from recurra.tasks.problem import Problem, check_sizes

LETTERS = "abcdefgh"


def recall(count: int, length: int, *, steps: int, seed: int) -> Problem:
    r"""White noise, as it was some steps ago.

    .. math:: y_t = x_{t-k}, \quad x_t \sim \mathcal N(0, 1), \quad t \ge k

    What is seen at t says nothing about it, so every answer without memory has the mean squared error 1 = Var x.

    Args:
        count: sequences.
        length: rows of each, more than `steps`.
        steps: k, how far back.
        seed: of the noise.
    """
    check_sizes(count=count, length=length - steps, steps=steps)
    x = np.random.default_rng(seed).normal(size=(count, length, 1))
    y = np.full(x.shape, np.nan)
    y[:, steps:] = x[:, :-steps]
    return Problem("many-to-many", "squared", list(x), list(y), 1.0)


def copy(count: int, length: int, *, symbols: str = LETTERS, seed: int) -> Problem:
    r"""A text is read and then written again: y_k = x_k.

    The letters are independent and equally likely, so a constant answer is right once in as many as there are.

    Args:
        count: sequences.
        length: letters of each text.
        symbols: the letters there are, each once.
        seed: of the texts.

    >>> problem = copy(2, 5, seed=0)
    >>> problem.inputs, problem.targets == problem.inputs
    (['gfecc', 'aaabg'], True)
    """
    texts = _texts(count, length, symbols, seed)
    return Problem("delayed", "categorical", texts, list(texts), 1 / len(symbols))


def reverse(count: int, length: int, *, symbols: str = LETTERS, seed: int) -> Problem:
    r"""A text is read and then written backwards: y_k = x_{n-1-k}. For the rest as `copy`.

    >>> reverse(1, 5, seed=0).targets
    ['ccefg']
    """
    texts = _texts(count, length, symbols, seed)
    return Problem("delayed", "categorical", texts, [text[::-1] for text in texts], 1 / len(symbols))


def _texts(count: int, length: int, symbols: str, seed: int) -> list[Any]:
    check_sizes(count=count, length=length)
    if len(symbols) < 2 or len(set(symbols)) != len(symbols):
        raise ConfigError(f"`symbols` are two letters or more, each once, got {symbols!r}")
    drawn = np.random.default_rng(seed).integers(0, len(symbols), (count, length))
    return ["".join(symbols[k] for k in row) for row in drawn]
