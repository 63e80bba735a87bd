"""Tasks on sequences: their four kinds, and generators of known ones with what a trivial answer reaches."""

from recurra.tasks.bits import addition, flip_flop, parity, xor
from recurra.tasks.dna import dna_motif
from recurra.tasks.memory import copy, recall, reverse
from recurra.tasks.problem import Problem
from recurra.tasks.pulses import pulses
from recurra.tasks.types import TASKS, TaskType, fitting

__all__ = [
    "TASKS",
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
