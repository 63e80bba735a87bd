"""One piece of work on paper: a name to import, arguments as JSON; and how it ended."""

import json
import re
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from recurra.errors import ConfigError, Interrupted

Pause = Callable[[], None]
Entry = Callable[[Mapping[str, Any], Pause], Any]

_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}")
_MOST = 2**20  # characters: what is larger is data, and data are named, not sent
_begun = 0  # tasks in this process so far


@dataclass(frozen=True)
class Task:
    """A piece of work that any process can do: it imports a function by its name and calls it.

    Args:
        name: to report it by, and that of its files; unique in a run.
        entry: `module:function`, called with the arguments and with a function `pause`, which it calls where it may be
            stopped without a loss: that raises `Interrupted` where it is to stop. It returns plain JSON: where large,
            the path of a file that it has written. It does nothing twice: what it finds done, it returns.
        arguments: plain JSON, at most 2^20 characters of it.

    Raises:
        ConfigError: a name that is no name of a file, arguments that are no JSON or too much of it.

    >>> Task("half", "operator:truediv", {"of": 1}).name
    'half'
    """

    name: str
    entry: str
    arguments: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self):
        if not _NAME.fullmatch(self.name):
            raise ConfigError(f"{self.name!r} is no name of a task: letters, digits, '.', '_' and '-', at most 200")
        if self.entry.count(":") != 1:
            raise ConfigError(f"task {self.name}: {self.entry!r} names no function: write module:function")
        size = len(self.as_json())
        if size > _MOST:
            raise ConfigError(f"task {self.name} has arguments of {size} characters: write them to a file, and name it")

    def as_json(self) -> str:
        """The task as one JSON object."""
        content = {"name": self.name, "entry": self.entry, "arguments": dict(self.arguments)}
        try:
            return json.dumps(content, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise ConfigError(f"task {self.name}: its arguments are no plain JSON: {error}") from error

    @staticmethod
    def from_json(text: str) -> "Task":
        """The task that `as_json` wrote."""
        return Task(**json.loads(text))


@dataclass(frozen=True)
class Outcome:
    """How a task ended.

    Args:
        task: which.
        value: what its function returned; None where it failed.
        reason: why it failed, in words; "" where it did not.
        details: a traceback, where there is one.
    """

    task: Task
    value: Any = None
    reason: str = ""
    details: str = ""

    def as_dict(self) -> dict[str, Any]:
        """All but the task, as plain JSON."""
        return {"value": self.value, "reason": self.reason, "details": self.details}


def attempt(task: Task, pause: Pause) -> Outcome:
    """Do a task in this process and on this thread; whatever it raises is its outcome, but a request to stop.

    Raises:
        Interrupted: from `pause`.
    """
    global _begun
    _begun += 1
    try:
        value = _entry(task.entry)(task.arguments, pause)
        json.dumps(value, allow_nan=False)
        return Outcome(task, value)
    except Interrupted:
        raise
    except (Exception, SystemExit) as error:  # the boundary: a task that fails is no reason for others to
        text = str(error) or "no message"
        return Outcome(task, None, f"{type(error).__name__}: {text}", traceback.format_exc())


def first_here() -> bool:
    """Whether no other task was begun in this process: what it has needed so far is then what this one needs."""
    return _begun <= 1


def _entry(name: str) -> Entry:
    module, _, function = name.partition(":")
    return getattr(import_module(module), function)
