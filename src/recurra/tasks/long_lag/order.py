r"""Two or three special symbols among many others: in which order did they come?

A sequence begins with a start symbol and ends with a cue; between them are four kinds of distractors, each as likely as
the others, but for the special steps, each of which holds X or Y. There is a class for every order, XX, XY, YX, YY.

Lengths are from T to 11 T / 10. The special steps, counted from 0, are uniform on windows of T, both ends included:

=======================  ==========================================
form                     windows in hundredths of T
=======================  ==========================================
2011, two symbols        1 ... 10, 40 ... 50
2011, three symbols      1 ... 10, 30 ... 40, 50 ... 60
1997, two symbols        10 ... 20, 50 ... 60
1997, three symbols      10 ... 20, 33 ... 43, 66 ... 76
=======================  ==========================================

In 1997 an output for each class is fitted to 1 or 0, and an answer is right where every output is within 0.3.

References: S. Hochreiter, J. Schmidhuber, Long short-term memory, Neural Computation 9 (1997) 1735-1780, section 5.6;
J. Martens, I. Sutskever, Learning recurrent neural networks with Hessian-free optimization, ICML 2011, with the windows
of the program that was published with it.
"""

from collections.abc import Sequence
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

SYMBOLS = ("X", "Y", "a", "b", "c", "d", "start", "cue")
_START, _CUE = SYMBOLS.index("start"), SYMBOLS.index("cue")
_DISTRACTORS = SYMBOLS.index("a"), SYMBOLS.index("d") + 1

Windows = Sequence[tuple[int, int]]  # in hundredths of T, both ends included
_TWO, _THREE = ((1, 10), (40, 50)), ((1, 10), (30, 40), (50, 60))
_TWO_1997, _THREE_1997 = ((10, 20), (50, 60)), ((10, 20), (33, 43), (66, 76))
_RULE_1997 = Rule(2000, 1, 0.1, TESTS_1997, 4)


def temporal_order(length: int) -> LongLag:
    """The order of two symbols: four classes, balanced within a batch.

    Args:
        length: T.
    """
    return _order("temporal-order", length, _TWO, UNDER_ONE_PERCENT, early=False)


def temporal_order_3(length: int) -> LongLag:
    """The order of three symbols: eight classes, balanced within a batch.

    Args:
        length: T.
    """
    return _order("temporal-order-3", length, _THREE, UNDER_ONE_PERCENT, early=False)


def temporal_order_1997(length: int) -> LongLag:
    """The order of two symbols, each class an output to be 1 or 0.

    Args:
        length: T.
    """
    return _order("temporal-order-1997", length, _TWO_1997, _RULE_1997, early=True)


def temporal_order_3_1997(length: int) -> LongLag:
    """The order of three symbols, each class an output to be 1 or 0.

    Args:
        length: T.
    """
    return _order("temporal-order-3-1997", length, _THREE_1997, _RULE_1997, early=True)


def _order(name: str, length: int, windows: Windows, rule: Rule, *, early: bool) -> LongLag:
    check_length(name, length)
    places = [_window(length, *window) for window in windows]
    first, last, classes = places[0][1], places[-1][1], 2 ** len(windows)
    return LongLag(
        name=name,
        length=length,
        definition=f"{len(windows)} symbols X or Y among distractors; at the end, their order: {classes} classes",
        loss="squared" if early else "categorical",
        inputs=len(SYMBOLS),
        outputs=classes,
        steps=longest(length),
        lag=f"from the first symbol at least {length - 1 - first} steps, from the last {length - 1 - last}",
        solved=rule,
        tolerance=0.3,
        trivial=(classes - 1) / classes**2 if early else float(np.log(classes)),
        chance=1.0 if early else 1 - 1 / classes,
        source=HOCHREITER_1997 if early else MARTENS_2011,
        make=partial(_draw, length, places, classes if early else 1),
    )


def _window(length: int, first: int, last: int) -> tuple[int, int]:
    """First and last step of a window; step 0 is taken by the start symbol."""
    return max(1, first * length // 100), last * length // 100


def _draw(length: int, places: Sequence[tuple[int, int]], terms: int, count: int, rng: np.random.Generator) -> Batch:
    ends, each = lengths(count, length, rng), np.arange(count)
    classes = balanced(count, 2 ** len(places), rng)
    symbols = rng.integers(*_DISTRACTORS, (count, longest(length)))
    symbols[:, 0] = _START
    for k, (low, high) in enumerate(places):
        bit = classes >> (len(places) - 1 - k) & 1  # X is 0 and Y is 1, the first symbol the highest bit
        symbols[each, rng.integers(low, high, count, endpoint=True)] = bit
    symbols[each, ends - 1] = _CUE
    return at_end(one_hot(symbols, len(SYMBOLS)), ends, one_hot(classes, 2 ** len(places)), terms)
