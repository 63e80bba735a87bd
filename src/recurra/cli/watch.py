"""Signals during a run: the first stops it at the next point where it can be, the second ends the process."""

import signal
from types import FrameType, TracebackType
from typing import Any, Self

from recurra.cli.console import Console
from recurra.errors import Interrupted

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Watch:
    """Context in which SIGINT and SIGTERM set a flag that `check` looks at.

    Args:
        console: where the first signal is answered.
        piece: what is finished before the run stops.
        again: what the same command does after that.
    """

    def __init__(self, console: Console, *, piece: str, again: str):
        self.console = console
        self.piece = piece
        self.again = again
        self.received: int | None = None
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        self._before = {number: signal.signal(number, self._receive) for number in _SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def check(self) -> None:
        """Raise `Interrupted` if a signal has come."""
        if self.received is not None:
            name = signal.Signals(self.received).name
            raise Interrupted(
                f"stopped by {name} after {self.piece}: the same command {self.again}", signal_number=self.received
            )

    def _receive(self, number: int, frame: FrameType | None) -> None:
        del frame
        self.received = number
        for each in _SIGNALS:
            signal.signal(each, signal.SIG_DFL)
        self.console.say(f"stopping after {self.piece}; once more leaves at once")
