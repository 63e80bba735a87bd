"""Signals: the first stops a command where nothing is lost by it, the second ends the process at once."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType, TracebackType
from typing import Any, Self

from recurra.cli.console import Console
from recurra.errors import Interrupted

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stop(KeyboardInterrupt):
    """Raised where a signal finds the program; no fault, and nothing that catches faults may catch it."""

    def __init__(self, message: str, number: int):
        super().__init__(message)
        self.number = number


class Watch:
    """Context in which SIGINT and SIGTERM stop a run: at once or, inside `gently`, at the next `check`.

    Files are whole or not there at every moment, so that a run may be stopped anywhere; a training is stopped gently,
    after the checkpoint that is under way.

    Args:
        console: where the first signal is answered.
        piece: what is finished before a run stops gently.
        again: what the same command does after that.
    """

    def __init__(self, console: Console, *, piece: str, again: str):
        self.console = console
        self.piece = piece
        self.again = again
        self.received: int | None = None
        self._gentle = False
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():  # others cannot receive signals
            self._before = {number: signal.signal(number, self._receive) for number in _SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @contextmanager
    def gently(self) -> Iterator[None]:
        """Inside, a signal waits for the next `check`; the end is one."""
        self._gentle = True
        try:
            yield
        finally:
            self._gentle = False
        self.check()

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
        if not self._gentle:
            raise Stop(f"stopped by {signal.Signals(number).name}: the same command {self.again}", number)
        with suppress(RuntimeError):  # it came in the middle of another line
            self.console.say(f"stopping after {self.piece}; once more leaves at once")


@contextmanager
def terminable() -> Iterator[None]:
    """Inside, SIGTERM ends a command as Ctrl-C does: what is open is closed, half-written files are removed."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        del frame
        signal.signal(number, signal.SIG_DFL)
        raise Stop(f"stopped by {signal.Signals(number).name}", number)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
