"""`LongLag`: a task whose answer needs what was seen long before, and when it counts as solved."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from recurra._types import whole_number
from recurra.errors import ConfigError, DataError
from recurra.tasks.problem import check_sizes


class Batch(NamedTuple):
    """Sequences, padded to one number of steps; the first four are what `recurra.training.MaskedSteps` takes.

    Args:
        inputs: (sequences, steps, features) float32, zeros where nothing is present.
        present: (sequences, steps), True up to the end of each sequence.
        targets: (sequences, steps, outputs) float32: values, or classes one-hot.
        weights: (sequences, steps, terms) float32, 1 where there is a target and 0 elsewhere; terms are the outputs of
            the loss "squared", and one for all classes of "categorical".
        judged: (sequences, steps), True at the steps whose answers decide whether a sequence is right.
    """

    inputs: np.ndarray
    present: np.ndarray
    targets: np.ndarray
    weights: np.ndarray
    judged: np.ndarray

    @property
    def data(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Inputs, present, targets and weights: what is trained on."""
        return self[:4]


@dataclass(frozen=True)
class Rule:
    """When a task counts as solved, as published.

    Args:
        window: sequences in a row, scored before they are trained on.
        fewer: the number of them that are wrong must be below this.
        mean_error: their mean absolute error at the judged steps must be below this; None for no such bound.
        tests: new sequences on which the trained network is scored.
        confirm: the number of these that are wrong must be below this: part of the rule, or what the paper says was
            always so.
        on_tests: the new sequences alone decide, and the window says when it is worth to look at them.
    """

    window: int
    fewer: int
    mean_error: float | None
    tests: int
    confirm: int
    on_tests: bool = False

    def met(self, wrong: np.ndarray, deviations: np.ndarray) -> bool:
        """Whether the last `window` of the scored sequences allow to stop.

        Args:
            wrong: (sequences,) as of `LongLag.wrong`.
            deviations: (sequences,) as of `LongLag.deviations`.
        """
        if len(wrong) < self.window:
            return False
        last = slice(-self.window, None)
        right = int(np.sum(wrong[last])) < self.fewer
        return right and (self.mean_error is None or float(np.mean(deviations[last])) < self.mean_error)

    def confirmed(self, wrong_fraction: float) -> bool:
        """Whether that share of wrong sequences among the `tests` new ones is low enough."""
        return round(wrong_fraction * self.tests) < self.confirm

    def in_words(self) -> str:
        """The rule as a sentence."""
        few = f"fewer than {self.fewer}" if self.fewer > 1 else "none"
        text = f"{few} of the last {self.window:,} sequences wrong"
        if self.mean_error is not None:
            text += f" and their mean error below {self.mean_error:g}"
        return f"{text}, confirmed by fewer than {self.confirm} wrong of {self.tests:,} new ones"


HOCHREITER_1997 = "Hochreiter and Schmidhuber 1997"
MARTENS_2011 = "Martens and Sutskever 2011"
TESTS_1997 = 2560  # sequences scored

# Martens and Sutskever 2011: under 1 % of 10,000 test sequences wrong. The window decides when it is worth testing.
UNDER_ONE_PERCENT = Rule(1000, 10, None, 10_000, 100, on_tests=True)

# The shortest length of each task.
LEAST = {
    **dict.fromkeys(("adding", "adding-mean", "multiplication", "xor"), 10),
    **dict.fromkeys(("adding-1997", "multiplication-1997"), 22),
    **dict.fromkeys(("temporal-order", "temporal-order-3", "temporal-order-1997", "temporal-order-3-1997"), 20),
    **dict.fromkeys(("5-bit-memory", "20-bit-memory", "copy"), 1),
    "random-permutation": 3,
    "noisy-recall": 2,
}

Maker = Callable[[int, np.random.Generator], Batch]


@dataclass(frozen=True)
class LongLag:
    r"""A task with a long time lag between what is seen and the answer that needs it.

    The baseline is the answer of lowest loss that looks at nothing but the number of the step, so that it has no
    memory: the mean of the targets there, or the shares of the classes.

    Args:
        name: as in `LONG_LAG`.
        length: T, as the paper counts it.
        definition: the task in a line.
        loss: "squared" or "categorical".
        inputs, outputs: columns.
        steps: of every batch, the longest possible sequence.
        lag: the steps to be bridged, in words.
        solved: when it counts as solved.
        tolerance: largest absolute error of a right answer, for the loss "squared".
        trivial: expected loss of the baseline, the mean over what is compared.
        chance: share of the sequences that the baseline gets wrong.
        source: the paper that defines it.
        make: draws a number of sequences.
    """

    name: str
    length: int
    definition: str
    loss: str
    inputs: int
    outputs: int
    steps: int
    lag: str
    solved: Rule
    trivial: float
    chance: float
    source: str
    make: Maker = field(repr=False, compare=False)
    tolerance: float = 0.04

    @property
    def rule(self) -> str:
        """When the task counts as solved, in words."""
        if self.loss == "categorical":
            return f"{self.solved.in_words()}; wrong: the likeliest class is not the true one at any judged step"
        return f"{self.solved.in_words()}; wrong: an error above {self.tolerance:g}"

    def draw(self, count: int, *, seed: int | Sequence[int]) -> Batch:
        """New sequences.

        Args:
            count: how many.
            seed: of all that is random; the same seed and count give the same bits.

        >>> from recurra.tasks.long_lag import LONG_LAG
        >>> batch = LONG_LAG["adding"](20).draw(3, seed=0)
        >>> batch.inputs.shape, batch.targets.shape, batch.present.sum(axis=1)
        ((3, 22, 2), (3, 22, 1), array([22, 21, 21]))
        """
        check_sizes(count=count)
        return self.make(count, np.random.default_rng(seed))

    def mistakes(self, outputs: np.ndarray, batch: Batch) -> np.ndarray:
        """Which answers are judged and wrong (sequences, steps), from outputs (sequences, steps, outputs)."""
        return self._missed(outputs, batch) & batch.judged

    def wrong(self, outputs: np.ndarray, batch: Batch) -> np.ndarray:
        """Which sequences have any judged answer wrong (sequences,)."""
        return np.asarray(self.mistakes(outputs, batch).any(axis=1))

    def errors(self, outputs: np.ndarray, batch: Batch) -> np.ndarray:
        """The published zero-one error: the number of judged answers that are wrong in each sequence (sequences,)."""
        return self.mistakes(outputs, batch).sum(axis=1)

    def deviations(self, outputs: np.ndarray, batch: Batch) -> np.ndarray:
        """The mean absolute error at the judged steps of each sequence (sequences,); 0 or 1 a step for classes."""
        if self.loss == "categorical":
            each = self._missed(outputs, batch).astype(np.float64)
        else:
            each = np.abs(outputs.astype(np.float64) - batch.targets).mean(axis=2)
        return np.where(batch.judged, each, 0.0).sum(axis=1) / batch.judged.sum(axis=1)

    def _missed(self, outputs: np.ndarray, batch: Batch) -> np.ndarray:
        """(sequences, steps), whether an answer is wrong where it is judged; an output that is not finite is wrong."""
        if outputs.shape != batch.targets.shape:
            raise DataError(f"outputs of {self.name} have the shape {outputs.shape}, not {batch.targets.shape}")
        if self.loss == "categorical":
            finite = np.isfinite(outputs).all(axis=2)
            return ~finite | (outputs.argmax(axis=2) != batch.targets.argmax(axis=2))
        right = np.abs(outputs.astype(np.float64) - batch.targets) <= self.tolerance
        return np.asarray(~right.all(axis=2))


def check_length(name: str, length: int) -> None:
    """Refuse a length that the windows of a task do not fit into.

    Raises:
        ConfigError: names the task and the shortest length, as of `LEAST`.
    """
    least = LEAST[name]
    if not whole_number(length) or length < least:
        raise ConfigError(f"`length` of {name} must be a whole number from {least} on, got {length!r}")


def longest(length: int) -> int:
    """Steps of the longest sequence where lengths are uniform on T ... 11 T / 10."""
    return length + length // 10


def lengths(count: int, length: int, rng: np.random.Generator) -> np.ndarray:
    """Lengths uniform on T ... 11 T / 10, both included (count,)."""
    return rng.integers(length, longest(length) + 1, count)


def present(ends: np.ndarray, steps: int) -> np.ndarray:
    """(sequences, steps), True before the ends (sequences,)."""
    return np.arange(steps) < ends[:, None]


def at_end(inputs: np.ndarray, ends: np.ndarray, answers: np.ndarray, terms: int) -> Batch:
    """A batch with one answer, at the last step of each sequence.

    Args:
        inputs: (sequences, steps, features).
        ends: lengths (sequences,).
        answers: (sequences, outputs).
        terms: of the loss.
    """
    count, steps, _ = inputs.shape
    each, there = np.arange(count), present(ends, steps)
    targets = np.zeros((count, steps, answers.shape[1]), np.float32)
    weights = np.zeros((count, steps, terms), np.float32)
    judged = np.zeros((count, steps), bool)
    targets[each, ends - 1] = answers
    weights[each, ends - 1] = 1
    judged[each, ends - 1] = True
    return Batch(np.where(there[:, :, None], inputs, 0).astype(np.float32, copy=False), there, targets, weights, judged)


def one_hot(symbols: np.ndarray, classes: int) -> np.ndarray:
    """Symbols (...) as rows (..., classes) with a single 1; a negative symbol gives zeros."""
    return (symbols[..., None] == np.arange(classes)).astype(np.float32)


def balanced(count: int, classes: int, rng: np.random.Generator) -> np.ndarray:
    """Classes (count,) in random order, each as often as the others, or once more."""
    return rng.permutation(np.arange(count) % classes)
