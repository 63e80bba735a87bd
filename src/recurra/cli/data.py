"""`recurra data DATA`: what a series is like, before anything is learned from it."""

import argparse
import json
from typing import Any

from recurra.cli.console import Answer, Console
from recurra.cli.data_options import add_data_options, data_options
from recurra.cli.options import add_common
from recurra.cli.tables import aligned

_CLOCK = ((365.25 * 86400, "yr"), (86400.0, "d"), (3600.0, "h"), (60.0, "min"), (1.0, "s"))


def add(commands: "argparse._SubParsersAction[Any]") -> None:
    """Add the command."""
    parser = commands.add_parser("data", help="look at data: length, sampling, gaps, traps", allow_abbrev=False)
    parser.add_argument("data", nargs="?", metavar="DATA", help="a file, dataset:NAME or system:NAME")
    parser.add_argument("--steps", type=int, help="steps to simulate, for system:NAME")
    add_data_options(parser)
    add_common(parser, out="write the description to this JSON file")
    parser.set_defaults(handler=run)


def run(args: argparse.Namespace, console: Console) -> Answer:
    """Read and describe."""
    from recurra.data import describe
    from recurra.experiment import make_config, read_data

    options = {"data.source": args.data, "data.steps": args.steps, "data.seed": args.seed, **data_options(args)}
    config = make_config(file=args.config, settings=args.settings, options=options)
    series = read_data(config.data)
    found = describe(series)
    made = series.provenance
    facts = {key: made[key] for key in ("source", "licence", "citation", "calendar", "notes") if made.get(key)}
    results = {"data": config.data.source, "sha256": series.sha256, **found.as_dict(), "provenance": facts}
    if args.out is not None:
        console.write_file(args.out, json.dumps(results, indent=2) + "\n", force=args.force)
    return Answer(results, _text(results, dates=series.times.dtype.kind == "M"))


def _text(found: dict[str, Any], *, dates: bool) -> str:
    lines = [f"{found['data']}: {found['rows']:,} rows, {found['start']} to {found['end']}"]
    lines.append(f"sampling: every {_span(found['dt'], found, dates)}")
    segments = found["segments"]
    if len(segments) > 1:
        longest = _span(found["longest_break"], found, dates)
        lines.append(f"breaks: {len(segments) - 1}, the longest {longest}; segments of {_range(segments)} rows")
    if found["missing_rows"]:
        lines.append(f"missing: values in {found['missing_rows']:,} rows, at most {found['longest_missing']} in a row")
    columns = ["channel", "unit", "mean", "std", "min", "max", "distinct", "missing", "period", "power in it"]
    columns += ["autocorrelation time", "effective rows"]
    everything = [(entry, "") for entry in found["channels"]] + [(entry, " (input)") for entry in found["inputs"]]
    rows = [_row(entry, mark, found, dates) for entry, mark in everything]
    lines += ["", aligned(columns, rows)]
    traps = [f"{entry['name']}: {trap}" for entry, _ in everything for trap in entry["traps"]]
    notes = [str(note) for note in found["provenance"].get("notes", ())]
    return "\n".join([*lines, *([""] if traps or notes else []), *traps, *notes])


def _row(entry: dict[str, Any], mark: str, found: dict[str, Any], dates: bool) -> list[Any]:
    numbers = [entry[key] for key in ("mean", "std", "low", "high", "distinct", "missing")]
    share = None if entry["period"] is None else f"{100 * entry['period_power']:.0f} %"
    times = [_span(entry[key], found, dates) for key in ("period", "autocorrelation_time")]
    rows = entry["effective_samples"]
    effective = None if rows is None else round(rows)
    return [entry["name"] + mark, entry["unit"], *numbers, times[0], share, times[1], effective]


def _span(span: float | None, found: dict[str, Any], dates: bool) -> str | None:
    """A span of time with its unit; for dates in the largest one that it fills."""
    if span is None:
        return None
    if not dates:
        return f"{span:.4g} {found['time_unit']}".rstrip()
    size, unit = next((each for each in _CLOCK if span >= each[0]), _CLOCK[-1])
    return f"{span / size:.4g} {unit}"


def _range(numbers: Any) -> str:
    return f"{min(numbers)} to {max(numbers)}"
