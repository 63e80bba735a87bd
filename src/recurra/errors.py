"""The errors that recurra raises: each says what, where, why and what to do, and has its own exit code."""

from collections.abc import Iterable
from difflib import get_close_matches


class RecurraError(Exception):
    """Base of every error that recurra raises on purpose; `exit_code` is what the command line returns."""

    exit_code = 1


class ConfigError(RecurraError, ValueError):
    """An argument, an option or a configuration that cannot work."""

    exit_code = 2


class NotFittedError(ConfigError, AttributeError):
    """The model is asked for a forecast before `fit`."""


class MissingExtraError(ConfigError, ImportError):
    """An optional package is needed and not installed."""


class DataError(RecurraError, ValueError):
    """Data that recurra refuses: the message names row, column and count."""

    exit_code = 3


class DivergenceError(RecurraError, ArithmeticError):
    """A training that left the finite numbers.

    Attributes:
        cause: the first bad step, its epoch, the gradient norm before it, the learning rate.
    """

    exit_code = 4

    def __init__(self, message: str, *, cause: dict[str, float] | None = None):
        super().__init__(message)
        self.cause = cause or {}


class ModelFileError(RecurraError, ValueError):
    """A model file that is refused: damaged, foreign, too new, or not what it claims to be."""

    exit_code = 5


class RunDirectoryError(RecurraError, OSError):
    """A run directory that is busy, full or not writable."""

    exit_code = 6


class Interrupted(RecurraError):  # noqa: N818 - a request from outside, not a fault
    """Stopped by a signal after a checkpoint; `exit_code` is 128 plus the signal's number."""

    def __init__(self, message: str, *, signal_number: int):
        super().__init__(message)
        self.exit_code = 128 + signal_number


class RecurraWarning(UserWarning):
    """Something works but is probably not what was meant."""


def unknown(what: str, given: object, known: Iterable[str]) -> str:
    """The message for a name that does not exist: the nearest that does, or all that do.

    >>> unknown("key", "leaner", ["learner", "split"])
    "unknown key 'leaner': did you mean 'learner'?"
    """
    names, text = sorted(known), str(given)
    near = get_close_matches(text, names, 1) or get_close_matches(text.lower(), names, 1)
    near = near or [name for name in names if name.lower() == text.lower()]
    hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(names) or 'none'}"
    return f"unknown {what} {given!r}: {hint}"
