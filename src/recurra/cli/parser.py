"""The grammar of the command line: one subcommand a file or small group, each adds itself."""

import argparse
from collections.abc import Sequence

from recurra import __version__
from recurra.cli import bench, catalogues, compare, data, diagnose, doctor, examples, fit, runs, simulate, sweep, task
from recurra.cli.options import Parser
from recurra.errors import ConfigError, unknown

_EXIT_CODES = """exit codes:
  0 done; 1 a bug; 2 usage or configuration; 3 data refused; 4 training diverged; 5 model file refused;
  6 run directory busy, full or not writable; 7 sweep with failed rows; 130, 143 stopped by a signal after a checkpoint

DATA is a file, dataset:NAME or system:NAME. Try `recurra demo`, then `recurra fit dataset:earth-rotation`."""


def build_parser() -> tuple[argparse.ArgumentParser, list[str]]:
    """The parser of the whole command line, and the names of the commands."""
    parser = Parser(
        prog="recurra",
        description="Learn, forecast and explain dynamics from time series with recurrent neural networks.",
        epilog=_EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"recurra {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=Parser)
    for group in (examples, data, fit, runs, diagnose, simulate, sweep, compare, task, bench, catalogues, doctor):
        group.add(commands)
    return parser, list(commands.choices)


def parse(words: Sequence[str]) -> argparse.Namespace:
    """Parse a command line; a misspelt command is refused with the nearest one."""
    parser, known = build_parser()
    command = next((word for word in words if not word.startswith("-")), None)
    if command is not None and command not in known:
        raise ConfigError(unknown("command", command, known))
    return parser.parse_args(words)
