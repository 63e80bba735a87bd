"""Tasks with long time lags, as they were published: what recurrent networks are measured by since 1997.

Sequences are drawn anew for every training step, without a curriculum, and the rules are those of the papers.
"""

from collections.abc import Callable

from recurra.errors import ConfigError, unknown
from recurra.tasks.long_lag.marked import adding, adding_1997, adding_mean, multiplication, multiplication_1997, xor
from recurra.tasks.long_lag.order import temporal_order, temporal_order_3, temporal_order_3_1997, temporal_order_1997
from recurra.tasks.long_lag.recall import copy, five_bit_memory, noisy_recall, random_permutation, twenty_bit_memory
from recurra.tasks.long_lag.task import LEAST, Batch, LongLag, Rule

LONG_LAG: dict[str, Callable[[int], LongLag]] = {
    "adding": adding,
    "adding-mean": adding_mean,
    "multiplication": multiplication,
    "xor": xor,
    "temporal-order": temporal_order,
    "temporal-order-3": temporal_order_3,
    "random-permutation": random_permutation,
    "5-bit-memory": five_bit_memory,
    "20-bit-memory": twenty_bit_memory,
    "copy": copy,
    "noisy-recall": noisy_recall,
    "adding-1997": adding_1997,
    "multiplication-1997": multiplication_1997,
    "temporal-order-1997": temporal_order_1997,
    "temporal-order-3-1997": temporal_order_3_1997,
}


def long_lag(name: str, length: int) -> LongLag:
    """The task of that name.

    Args:
        name: a key of `LONG_LAG`.
        length: T.

    Raises:
        ConfigError: an unknown name (says the nearest), a length that is too short.
    """
    if name not in LONG_LAG:
        raise ConfigError(unknown("task", name, LONG_LAG))
    return LONG_LAG[name](length)


__all__ = [
    "LEAST",
    "LONG_LAG",
    "Batch",
    "LongLag",
    "Rule",
    "adding",
    "adding_1997",
    "adding_mean",
    "copy",
    "five_bit_memory",
    "long_lag",
    "multiplication",
    "multiplication_1997",
    "noisy_recall",
    "random_permutation",
    "temporal_order",
    "temporal_order_3",
    "temporal_order_3_1997",
    "temporal_order_1997",
    "twenty_bit_memory",
    "xor",
]
