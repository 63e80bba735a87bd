"""`recurra simulate SYSTEM`: a system as a CSV table."""

import argparse
from typing import Any

from recurra.cli.console import Answer, Console, refuse_unwritable
from recurra.cli.options import add_common, settings_of

_OWN = ("steps", "dt", "method", "seed")


def add(commands: "argparse._SubParsersAction[Any]") -> None:
    """Add the command."""
    parser = commands.add_parser("simulate", help="simulate a system", allow_abbrev=False)
    parser.add_argument("system", metavar="SYSTEM", help="see `recurra systems`")
    parser.add_argument("--steps", type=int, help="steps after the first row (default 5000)")
    parser.add_argument("--dt", type=float, help="step between rows, in time units (default: the system's)")
    parser.add_argument("--method", help="integrator (default: sub-steps that hold the local error at 1e-12)")
    add_common(parser, out="write to this CSV file instead of stdout; --set KEY=VALUE sets a parameter")
    parser.set_defaults(handler=run)


def run(args: argparse.Namespace, console: Console) -> Answer:
    """Simulate and print, or write a file."""
    from recurra.experiment import columns_of, series_csv
    from recurra.experiment.checks import mistyped, refuse
    from recurra.experiment.source import DEFAULT_STEPS, make_system
    from recurra.storage import plain

    settings = settings_of(args, {key: getattr(args, key) for key in _OWN})
    kinds = {"steps": int, "dt": float, "method": str, "seed": int}
    own = {key: settings.pop(key) for key in _OWN if key in settings}
    refuse([line for key, value in own.items() for line in mistyped(key, value, kinds[key])], "settings")
    system = make_system(args.system, settings)
    if args.out is not None:
        refuse_unwritable(args.out, force=args.force)
    series = system.simulate(
        steps=own.get("steps", DEFAULT_STEPS),
        dt=own.get("dt", system.default_dt),
        method=own.get("method"),
        seed=own.get("seed", 0),
    )
    text = series_csv(series)
    facts = plain(series.provenance)
    results: dict[str, Any] = {
        "system": system.name,
        "rows": len(series),
        "dt": series.dt,
        "provenance": facts,
    }
    if args.out is None:
        return Answer({**results, **columns_of(series)}, text)
    console.write_file(args.out, text, force=args.force)
    return Answer({**results, "file": str(args.out)}, str(args.out))
