"""The command line: `recurra COMMAND ...`. Nothing heavy is imported before a command needs it."""

import os
import signal
import sys
import warnings
from collections.abc import Sequence

from recurra.cli.console import Console
from recurra.cli.parser import parse
from recurra.errors import Interrupted, RecurraError

_SIGPIPE_EXIT = 141


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: the words after `recurra`; default: those of this process.

    Returns:
        The exit code: 0 done, 1 our bug, 2 usage or configuration, 3 data refused, 4 training diverged,
        5 model file refused, 6 run directory busy, full or not writable, 130 and 143 stopped by a signal,
        141 broken pipe.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    console = Console(words)
    with warnings.catch_warnings():
        warnings.showwarning = console.show_warning
        try:
            args = parse(words)
            answer = args.handler(args, console)
            console.answer(answer)
            sys.stdout.flush()
        except SystemExit as done:  # --help and --version
            return int(done.code or 0)
        except BrokenPipeError:
            # Python flushes stdout once more at exit; there is nobody left to read it.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return _SIGPIPE_EXIT
        except RecurraError as error:
            console.refuse(error)
            return error.exit_code
        except KeyboardInterrupt:
            stopped = Interrupted("stopped", signal_number=signal.SIGINT)
            console.refuse(stopped)
            return stopped.exit_code
        except Exception as error:  # the one place: whatever is left is our bug
            console.apologise(error)
            return 1
    return 0
