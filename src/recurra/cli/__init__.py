"""The command line: `recurra COMMAND ...`. Nothing heavy is imported before a command needs it."""

import logging
import os
import signal
import sys
import warnings
from collections.abc import Sequence

from recurra.cli.console import Answer, Console, open_streams
from recurra.cli.failures import understood
from recurra.cli.parser import parse
from recurra.cli.watch import Stop, terminable
from recurra.errors import Interrupted, RecurraError, RecurraWarning, RunDirectoryError

_SIGPIPE_EXIT = 141


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: the words after `recurra`; default: those of this process.

    Returns:
        The exit code: 0 done, 1 our bug, 2 usage or configuration, 3 data refused, 4 training diverged,
        5 model file refused, 6 run directory busy, full or not writable, 7 sweep with failed rows,
        130 and 143 stopped by a signal, 141 broken pipe.
    """
    open_streams()
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # without a home it talks about its list of fonts
    console = Console(sys.argv[1:] if argv is None else argv)
    with terminable(), warnings.catch_warnings():
        warnings.showwarning = console.show_warning
        warnings.simplefilter("always", RecurraWarning)  # what a user asked Python to do with warnings is for libraries
        try:
            return _run(console)
        except BrokenPipeError:
            _drop_stdout()
            return _SIGPIPE_EXIT


def _run(console: Console) -> int:
    """One command and its answer, or its refusal."""
    try:
        args = parse(console.words)
        answer = args.handler(args, console)
        _answer(console, answer)
        return answer.code
    except SystemExit as done:  # --help and --version
        return int(done.code or 0)
    except BrokenPipeError:
        raise
    except RecurraError as error:
        refused = error
    except KeyboardInterrupt as error:
        number = error.number if isinstance(error, Stop) else signal.SIGINT
        refused = Interrupted(str(error) or "stopped", signal_number=number)
    except Exception as error:  # the one place: whatever is left is our bug
        known = understood(error)
        if known is None:
            console.apologise(error)
            sys.stdout.flush()
            return 1
        refused = known
    console.refuse(refused)
    sys.stdout.flush()
    return refused.exit_code


def _answer(console: Console, answer: Answer) -> None:
    try:
        console.answer(answer)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        _drop_stdout()
        raise RunDirectoryError(f"cannot write the answer to stdout: {error.strerror or error}") from error


def _drop_stdout() -> None:
    """Python flushes stdout once more at exit; there is nobody left to read it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
