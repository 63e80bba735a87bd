"""Options that say how a file is read: the same for every command that takes DATA."""

import argparse
from typing import Any

from recurra.cli.options import names


def add_data_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `read_series`, by the names that it has for them."""
    group = parser.add_argument_group("how a file is read")
    group.add_argument(
        "--time", metavar="COLUMN", help="name of the time column (default: a first column t, time, date)"
    )
    group.add_argument("--channels", type=names, help="columns to forecast, comma-separated (default: all)")
    group.add_argument("--inputs", type=names, help="columns that drive the system, comma-separated")
    group.add_argument("--units", type=names, help="units of the channels, comma-separated")
    group.add_argument("--dt", type=float, help="step between rows, in time units")
    group.add_argument("--delimiter", help="between the columns of a text file")
    group.add_argument("--decimal", choices=(".", ","), help="decimal mark of a text file (default .)")
    group.add_argument("--gaps", help="missing values: refuse (default), split, interpolate:k, mask")
    group.add_argument(
        "--missing", type=names, help="what stands for 'no value', comma-separated, as in --missing=-999"
    )
    group.add_argument("--duplicates", help="rows with one time: refuse (default), first, mean")
    group.add_argument("--sort", action="store_true", default=None, help="sort the rows by time")
    group.add_argument("--resample", type=float, metavar="STEP", help="interpolate to this uniform step")
    group.add_argument("--time-unit", help="unit of the times: s, ms, us, ns for counts since 1970, or a name")
    group.add_argument("--zone", help="time zone of dates without one, as Europe/Oslo")
    group.add_argument("--time-axis", type=int, help="axis of an array along which time runs (default 0)")
    group.add_argument("--variable", help="variable or data set within the file")
    group.add_argument("--group", help="group within the file")


def data_options(args: argparse.Namespace) -> dict[str, Any]:
    """The options that were given, as keys of a configuration."""
    from recurra.experiment.config import READING

    return {f"data.{name}": getattr(args, name) for name in READING if getattr(args, name, None) is not None}


def fraction(text: str) -> float | str:
    """A fraction; words go on to where they are answered."""
    try:
        return float(text)
    except ValueError:
        return text
