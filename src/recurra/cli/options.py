"""Options that every command has, and the settings that come with them."""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from recurra.errors import ConfigError


class Parser(argparse.ArgumentParser):
    """argparse with recurra's way to refuse: a `ConfigError`, reported like every other error."""

    def error(self, message: str) -> NoReturn:
        """Refuse the command line."""
        raise ConfigError(f"{message}. See `{self.prog} --help`")


def add_common(parser: argparse.ArgumentParser, *, out: str) -> None:
    """Add the options of every command; `out` says what `--out` is here."""
    group = parser.add_argument_group("options of every command")
    group.add_argument("--json", action="store_true", help="print one JSON object")
    group.add_argument("--seed", type=int, help="seed of everything random (default 0)")
    group.add_argument("--out", type=Path, help=out)
    group.add_argument("--config", type=Path, metavar="FILE.toml", help="read settings from a file")
    group.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        dest="settings",
        help="set one setting; repeatable",
    )
    group.add_argument("--quiet", action="store_true", help="no narration, no progress bar")
    group.add_argument("--force", action="store_true", help="replace what is there")


def settings_of(args: argparse.Namespace, options: Mapping[str, Any]) -> dict[str, Any]:
    """`--config`, `--set` and the command's own options as one table; a key given twice is refused."""
    from recurra.experiment.checks import refuse
    from recurra.experiment.settings import merge, parse_setting, read_toml

    table = read_toml(args.config) if args.config is not None else {}
    merged, problems = merge(table, [parse_setting(text) for text in args.settings], options)
    refuse(problems, "settings")
    return merged


def no_settings(args: argparse.Namespace) -> None:
    """Refuse settings where a command has none: what is given must be used."""
    given = settings_of(args, {})
    if given:
        raise ConfigError(f"`{args.command}` has no settings, got {', '.join(sorted(given))}")


def names(text: str) -> list[str]:
    """A comma-separated list of names."""
    return [name.strip() for name in text.split(",")]
