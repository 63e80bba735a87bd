"""What a command prints: results on stdout, everything else on stderr, and never a colour."""

import json
import os
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from recurra.errors import ConfigError, RecurraError, RunDirectoryError

SCHEMA = "recurra/1"
_TOLD = ("loss", "validation", "rho", "damping", "cg_steps")  # of a training, on its progress bar
_PIECE = 2**16  # characters
_ISSUES = "please report it with that file"


@dataclass(frozen=True)
class Answer:
    """What a command has to say: results for programs, text for people, and its exit code."""

    results: Mapping[str, Any]
    text: str
    code: int = 0


class Console:
    """Where one command prints.

    Args:
        words: the command line; `--json` and `--quiet` count even where the rest of it is wrong.
    """

    def __init__(self, words: Sequence[str]):
        self.words = list(words)
        self.command = next((word for word in words if not word.startswith("-")), "")
        self.as_json = "--json" in words
        self.quiet = "--quiet" in words
        self.log: Callable[[str], None] | None = None  # of the open run directory

    def say(self, text: str) -> None:
        """Narration, on stderr."""
        if not self.quiet:
            _narrate(text)

    def error(self, text: str) -> None:
        """What went wrong, on stderr, however quiet the command is."""
        _narrate(f"recurra: error: {text}")

    def answer(self, answer: Answer) -> None:
        """The results, on stdout: one JSON object, or text."""
        if self.as_json:
            self._print_json({"results": answer.results})
        else:
            text = answer.text if answer.text.endswith("\n") else answer.text + "\n"
            # An unbuffered stdout reports a reader that went away only at the next write: so in pieces.
            for start in range(0, len(text), _PIECE):
                sys.stdout.write(text[start : start + _PIECE])

    def refuse(self, error: RecurraError) -> None:
        """An error that recurra raised on purpose."""
        self._keep(str(error))
        self.error(str(error))
        if self.as_json:
            self._print_error(error.exit_code, type(error).__name__, str(error))

    def apologise(self, error: BaseException) -> None:
        """An error that nobody foresaw: one line, and the traceback in a file."""
        text = "".join(traceback.format_exception(error))
        where = "run.log of the run directory" if self._keep(text) else _temporary(text)
        kind = type(error).__name__
        message = f"this is a bug in recurra, sorry ({kind}: {error}). The traceback is in {where}: {_ISSUES}"
        self.error(message)
        if self.as_json:
            self._print_error(1, kind, message)

    def show_warning(
        self,
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        """A warning as one line on stderr; the signature is that of `warnings.showwarning`."""
        del category, filename, lineno, file, line
        _narrate(f"recurra: warning: {message}")

    @contextmanager
    def progress(self, what: str) -> Iterator[Callable[[Mapping[str, Any]], None]]:
        """A progress bar on a terminal, nothing elsewhere; gives the callback that moves it."""
        if self.quiet or not sys.stderr.isatty():
            yield lambda event: None
            return
        from tqdm import tqdm

        with tqdm(desc=what, unit="epoch", file=sys.stderr, leave=False) as bar:

            def move(event: Mapping[str, Any]) -> None:
                bar.total = event.get("epochs")
                bar.n = event.get("epoch", bar.n)
                bar.set_postfix({key: f"{event[key]:.3g}" for key in _TOLD if event.get(key)})

            yield move

    def write_file(self, path: Path, text: str, *, force: bool) -> None:
        """Write a result to a file of the user's choice; an existing one only with `--force`."""
        from recurra.storage import write_atomic

        refuse_unwritable(path, force=force)
        write_atomic(path, text.encode())
        self.say(f"wrote {path}")

    def _keep(self, text: str) -> bool:
        if self.log is None:
            return False
        try:
            self.log(text)
        except RunDirectoryError:  # a full disk must not hide the error that is being kept
            return False
        return True

    def _print_error(self, code: int, kind: str, message: str) -> None:
        self._print_json({"error": {"code": code, "kind": kind, "message": message}})

    def _print_json(self, content: Mapping[str, Any]) -> None:
        document = {"schema": SCHEMA, "command": self.command, **content}
        utf8 = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
        print(json.dumps(document, allow_nan=False, ensure_ascii=not utf8))


def refuse_unwritable(path: Path, *, force: bool) -> None:
    """Refuse to replace a file, unless `--force` says so, and a file that cannot be written: before the work."""
    from recurra.storage import probe

    try:
        exists = path.is_file()
    except OSError as error:
        raise RunDirectoryError(f"cannot write {path}: {error.strerror}. Choose another name") from error
    if exists and not force:
        raise ConfigError(f"{path} exists: choose another name, or replace it with --force")
    probe(path)


def open_streams() -> None:
    """Give a process that was started without stdin, stdout or stderr an empty one of each.

    The next file that is opened would take the place of the missing one, and what is printed would end up in it.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            handle = os.open(os.devnull, os.O_RDWR)
            if handle != number:
                os.dup2(handle, number)
                os.close(handle)
            setattr(sys, name, os.fdopen(number, "r" if number == 0 else "w", encoding="utf-8", closefd=False))
        elif number and hasattr(getattr(sys, name), "reconfigure"):
            getattr(sys, name).reconfigure(errors="backslashreplace")  # a name that the locale cannot spell


def _narrate(text: str) -> None:
    """A line on stderr; nobody reading it, or a full disk behind it, is no reason to stop."""
    with suppress(OSError):
        print(text, file=sys.stderr, flush=True)


def _temporary(text: str) -> str:
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="recurra-", suffix=".log", delete=False, encoding="utf-8", errors="backslashreplace"
        ) as file:
            file.write(text)
    except OSError:  # no room for it anywhere: then it is shown
        _narrate(text)
        return "the lines above"
    return file.name
