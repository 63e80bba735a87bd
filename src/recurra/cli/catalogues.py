"""Commands that list what there is: `systems`, `datasets`, `learners`."""

import argparse
from typing import Any

from recurra.cli.console import Answer, Console
from recurra.cli.options import add_common, no_settings
from recurra.cli.tables import aligned


def add(commands: "argparse._SubParsersAction[Any]") -> None:
    """Add the three commands."""
    for name, handler, what in (
        ("systems", list_systems, "the systems that can be simulated"),
        ("datasets", list_datasets, "the data sets that ship in packages"),
        ("learners", list_learners, "the learners and their parameters"),
    ):
        parser = commands.add_parser(name, help=what, allow_abbrev=False)
        add_common(parser, out="write the list to this JSON file")
        parser.set_defaults(handler=handler)


def list_systems(args: argparse.Namespace, console: Console) -> Answer:
    """Names, channels, steps and Lyapunov exponents."""
    from recurra import systems
    from recurra.storage import plain

    entries = []
    for name, kind in systems.catalogue().items():
        system = kind()
        entries.append(
            {
                "name": name,
                "title": kind.title,
                "channels": list(system.channels),
                "dt": system.default_dt,
                "lyapunov_exponent": system.lyapunov_exponent,
                "parameters": plain(system.parameters),
            }
        )
    return _answer(args, console, entries, ("name", "title", "channels", "dt", "lyapunov_exponent", "parameters"))


def list_datasets(args: argparse.Namespace, console: Console) -> Answer:
    """Names, channels and where the data come from."""
    from dataclasses import asdict

    from recurra.data import datasets
    from recurra.storage import plain

    entries = [plain(asdict(dataset)) for dataset in datasets.catalogue()]
    return _answer(args, console, entries, ("name", "title", "channels", "package", "licence"))


def list_learners(args: argparse.Namespace, console: Console) -> Answer:
    """Names and parameters with their defaults."""
    from recurra.estimators import LEARNERS
    from recurra.storage import plain

    entries = [
        {"name": name, "title": learner.title, "parameters": plain(learner.build().get_params())}
        for name, learner in LEARNERS.items()
    ]
    return _answer(args, console, entries, ("name", "title", "parameters"))


def _answer(
    args: argparse.Namespace, console: Console, entries: list[dict[str, Any]], shown: tuple[str, ...]
) -> Answer:
    import json

    no_settings(args)
    results = {args.command: entries}
    if args.out is not None:
        console.write_file(args.out, json.dumps(results, indent=2) + "\n", force=args.force)
    rows = [[_cell(entry.get(key)) for key in shown] for entry in entries]
    return Answer(results, aligned([key.replace("_", " ") for key in shown], rows))


def _cell(value: Any) -> Any:
    if isinstance(value, dict):
        return ", ".join(f"{key}={inner}" for key, inner in value.items())
    return value
