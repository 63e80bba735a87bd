"""Tasks on sequences: their four kinds, and generators of known ones with what a trivial answer reaches.

Those with long time lags, by which networks that remember are measured, are in `recurra.tasks.long_lag`.
"""

from recurra.tasks.bits import addition, flip_flop, parity, xor
from recurra.tasks.dna import dna_motif
from recurra.tasks.long_lag import LONG_LAG, LongLag
from recurra.tasks.memory import copy, recall, reverse
from recurra.tasks.problem import Problem
from recurra.tasks.pulses import pulses
from recurra.tasks.types import TASKS, TaskType, fitting

__all__ = [
    "LONG_LAG",
    "TASKS",
    "LongLag",
    "Problem",
    "TaskType",
    "addition",
    "copy",
    "dna_motif",
    "fitting",
    "flip_flop",
    "parity",
    "pulses",
    "recall",
    "reverse",
    "xor",
]
