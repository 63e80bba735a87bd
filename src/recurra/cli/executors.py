"""Options of the commands that do many runs: their seeds, where they are done, and for how long each."""

import argparse
from pathlib import Path
from typing import Any

from recurra.errors import ConfigError

_SEEDS = 2**32


def seeds_of(args: argparse.Namespace) -> range:
    """The seeds that `--seed` and `--seeds` ask for.

    Raises:
        ConfigError: none, or one outside 0 ... 2^32 - 1.
    """
    if args.seeds < 1:
        raise ConfigError(f"`--seeds {args.seeds}`: at least one seed is needed")
    first = args.seed or 0
    found = range(first, first + args.seeds)
    for seed in (found[0], found[-1]):
        if not 0 <= seed < _SEEDS:
            raise ConfigError(f"the seed {seed} must be in 0 ... 2^32 - 1: see `--seed` and `--seeds`")
    return found


def sequences_of(args: argparse.Namespace) -> int | None:
    """The training sequences that `--sequences` asks for.

    Raises:
        ConfigError: fewer than two.
    """
    if args.sequences is not None and args.sequences < 2:
        raise ConfigError(f"`--sequences {args.sequences}`: at least two are needed")
    return args.sequences


def add_executor(parser: argparse.ArgumentParser, what: str, *, default: str = "in this process") -> None:
    """Add the options; `what` is the word for one of the runs."""
    group = parser.add_argument_group(f"where each {what} is done (default: {default}, one after the other)")
    group.add_argument("--workers", type=int, metavar="N", help=f"each {what} in a process of its own, N at a time")
    group.add_argument("--dask", type=int, metavar="N", help="on N workers of Dask, started on this machine")
    group.add_argument(
        "--scheduler-file", type=Path, metavar="FILE", help="on the workers of a scheduler of Dask that is running"
    )
    group.add_argument(
        "--limit",
        type=float,
        metavar="SECONDS",
        help=f"wall time for each {what} (default: none), each then in a process",
    )


def executor_of(args: argparse.Namespace, home: Path, *, workers: int | None = None) -> Any:
    """The executor that the options ask for; `workers` where they ask for none."""
    from recurra.sweeps import choose_executor

    given = args.workers, args.dask, args.scheduler_file
    chosen = workers if all(each is None for each in given) else args.workers
    return choose_executor(home, workers=chosen, dask=args.dask, scheduler_file=args.scheduler_file, limit=args.limit)
