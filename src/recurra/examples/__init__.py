"""Worked examples: each runs a whole experiment, scores it against honest baselines and draws it."""

from recurra.examples.catalogue import EXAMPLES as EXAMPLES
from recurra.examples.catalogue import Example as Example
from recurra.examples.outcome import Outcome as Outcome
