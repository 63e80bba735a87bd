"""Symbols that are to be said again after a long wait, and a class that noise nearly hides.

References: S. Hochreiter, J. Schmidhuber, Long short-term memory, Neural Computation 9 (1997) 1735-1780, sections 5.2
and 5.3; J. Martens, I. Sutskever, Learning recurrent neural networks with Hessian-free optimization, ICML 2011;
H. Jaeger, Long short-term memory in echo state networks: details of a simulation study, Jacobs University technical
report 27 (2012); M. Arjovsky, A. Shah, Y. Bengio, Unitary evolution recurrent neural networks, ICML 2016.
"""

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

_SYMBOLS = 100  # of the random permutation
_COPIED, _KINDS = 10, 8  # symbols to be copied, and how many there are
_VARIANCE = 0.2  # of the noise of 1997


def five_bit_memory(length: int) -> LongLag:
    """Five symbols of two kinds, a wait, a cue, and the same five again; every one of the 32 in turn in a batch.

    Args:
        length: T, steps from the last symbol to the cue.
    """
    return _memory("5-bit-memory", length, kinds=2, symbols=5)


def twenty_bit_memory(length: int) -> LongLag:
    """Ten symbols of five kinds, a wait, a cue, and the same ten again.

    Args:
        length: T, steps from the last symbol to the cue.
    """
    return _memory("20-bit-memory", length, kinds=5, symbols=10)


def random_permutation(length: int) -> LongLag:
    r"""The next symbol at every step, and at the last step the first one again.

    The first symbol is one of two, the same two as the last; those between are independent and uniform on 98 others,
    which nobody can foresee. Every step is trained on, the last alone is judged.

    .. math:: L_0 = \frac{(T - 2) \ln 98 + \ln 2}{T - 1}

    Args:
        length: T, symbols of a sequence; of these T - 1 are seen.
    """
    check_length("random-permutation", length)
    return LongLag(
        name="random-permutation",
        length=length,
        definition="random symbols, the next one to be told; the last one, which is judged, is the first again",
        loss="categorical",
        inputs=_SYMBOLS,
        outputs=_SYMBOLS,
        steps=length - 1,
        lag=f"{length - 2} steps",
        solved=UNDER_ONE_PERCENT,
        trivial=float(((length - 2) * np.log(_SYMBOLS - 2) + np.log(2)) / (length - 1)),
        chance=0.5,
        source=MARTENS_2011,
        make=partial(_draw_permutation, length),
    )


def copy(length: int) -> LongLag:
    r"""Ten symbols of eight kinds, blanks, a delimiter, and the same ten again; blanks are to be told before.

    .. math:: L_0 = \frac{10 \ln 8}{T + 20}

    Args:
        length: T, steps from the last symbol to the delimiter.
    """
    check_length("copy", length)
    return LongLag(
        name="copy",
        length=length,
        definition="ten symbols of eight kinds; after a wait and a delimiter, the same ten, blanks at all steps before",
        loss="categorical",
        inputs=_KINDS + 2,
        outputs=_KINDS + 1,
        steps=length + 2 * _COPIED,
        lag=f"{length + _COPIED} steps",
        solved=UNDER_ONE_PERCENT,
        trivial=float(_COPIED * np.log(_KINDS) / (length + 2 * _COPIED)),
        chance=1 - _KINDS ** -float(_COPIED),
        source="Arjovsky, Shah and Bengio 2016",
        make=partial(_draw_copy, length),
    )


def noisy_recall(length: int) -> LongLag:
    r"""Which of two numbers came first, in noise: experiment 3b of 1997, the noisy 2-sequence problem, with N = 1.

    .. math:: x_0 = \pm 1 + \xi_0, \quad x_t = \xi_t, \quad \xi \sim \mathcal N(0, 0.2), \quad y = 1 \text{ or } 0

    Signal and noise come through the same channel. Nobody can be right more often than the sign of x_0 is that of the
    signal: it is not with the probability Phi(-1 / sqrt(0.2)) = 1.27 %, which is why the rule allows for some.

    Args:
        length: T.
    """
    check_length("noisy-recall", length)
    return LongLag(
        name="noisy-recall",
        length=length,
        definition="the first value is 1 or -1 in noise, all others are noise; at the end, which it was: 1 or 0",
        loss="squared",
        inputs=1,
        outputs=1,
        steps=longest(length),
        lag=f"at least {length - 1} steps",
        solved=Rule(256, 6, 0.04, TESTS_1997, 60),
        tolerance=0.2,
        trivial=0.25,
        chance=1.0,
        source=HOCHREITER_1997,
        make=partial(_draw_noisy, length),
    )


def _memory(name: str, length: int, *, kinds: int, symbols: int) -> LongLag:
    check_length(name, length)
    return LongLag(
        name=name,
        length=length,
        definition=f"{symbols} symbols of {kinds} kinds; after a wait and a cue, the same {symbols} again",
        loss="categorical",
        inputs=kinds + 2,
        outputs=kinds,
        steps=length + 2 * symbols,
        lag=f"{length + symbols} steps",
        solved=UNDER_ONE_PERCENT,
        trivial=float(np.log(kinds)),
        chance=1 - kinds ** -float(symbols),
        source=MARTENS_2011,
        make=partial(_draw_memory, length, kinds, symbols),
    )


def _draw_memory(length: int, kinds: int, symbols: int, count: int, rng: np.random.Generator) -> Batch:
    """Symbols, T - 1 blanks, the cue, and blanks while the answer is given, which alone is compared."""
    if kinds**symbols <= 32:  # few enough for all of them to be in a batch
        patterns = balanced(count, kinds**symbols, rng)
        drawn = patterns[:, None] // kinds ** np.arange(symbols) % kinds
    else:
        drawn = rng.integers(0, kinds, (count, symbols))
    steps, blank, cue = length + 2 * symbols, kinds, kinds + 1
    seen = np.full((count, steps), blank)
    seen[:, :symbols] = drawn
    seen[:, symbols + length - 1] = cue
    answers = np.full((count, steps), -1)
    answers[:, -symbols:] = drawn
    return _said(one_hot(seen, kinds + 2), one_hot(answers, kinds), answers >= 0, answers >= 0)


def _draw_copy(length: int, count: int, rng: np.random.Generator) -> Batch:
    drawn = rng.integers(0, _KINDS, (count, _COPIED))
    steps, blank, delimiter = length + 2 * _COPIED, _KINDS, _KINDS + 1
    seen = np.full((count, steps), blank)
    seen[:, :_COPIED] = drawn
    seen[:, _COPIED + length - 1] = delimiter
    answers = np.full((count, steps), blank)
    answers[:, -_COPIED:] = drawn
    judged = np.zeros((count, steps), bool)
    judged[:, -_COPIED:] = True
    return _said(one_hot(seen, _KINDS + 2), one_hot(answers, _KINDS + 1), np.ones_like(judged), judged)


def _draw_permutation(length: int, count: int, rng: np.random.Generator) -> Batch:
    symbols = rng.integers(2, _SYMBOLS, (count, length))
    symbols[:, 0] = symbols[:, -1] = balanced(count, 2, rng)
    judged = np.zeros((count, length - 1), bool)
    judged[:, -1] = True
    seen, told = one_hot(symbols[:, :-1], _SYMBOLS), one_hot(symbols[:, 1:], _SYMBOLS)
    return _said(seen, told, np.ones_like(judged), judged)


def _draw_noisy(length: int, count: int, rng: np.random.Generator) -> Batch:
    ends, classes = lengths(count, length, rng), balanced(count, 2, rng)
    inputs = np.sqrt(_VARIANCE) * rng.standard_normal((count, longest(length), 1))
    inputs[:, 0, 0] += 2 * classes - 1
    return at_end(inputs, ends, classes[:, None], 1)


def _said(inputs: np.ndarray, targets: np.ndarray, compared: np.ndarray, judged: np.ndarray) -> Batch:
    """Sequences that all have the same length, of classes."""
    return Batch(inputs, np.ones_like(judged), targets, compared[:, :, None].astype(np.float32), judged)
