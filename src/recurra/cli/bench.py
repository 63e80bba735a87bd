"""`recurra bench SUITE`: published protocols, measured row by row into a file that the same command completes."""

import argparse
import json
from pathlib import Path
from typing import Any

from recurra.cli.console import Answer, Console
from recurra.cli.options import add_common, no_settings
from recurra.cli.tables import aligned
from recurra.errors import ConfigError


def add(commands: "argparse._SubParsersAction[Any]") -> None:
    """Add the command."""
    parser = commands.add_parser("bench", help="published benchmarks, measured here", allow_abbrev=False)
    parser.add_argument("suite", nargs="?", metavar="SUITE", help="see --list")
    parser.add_argument("--list", action="store_true", help="list the suites")
    parser.add_argument(
        "--learner",
        action="append",
        default=[],
        metavar="NAME",
        help="a line of the suite or a learner, with its default settings; repeatable (default: the suite's own)",
    )
    parser.add_argument("--seeds", type=int, metavar="N", help="seeds of each (default: as the protocol has it)")
    parser.add_argument("--data", type=Path, metavar="FILE", help="where a suite needs a file of data")
    parser.add_argument(
        "--results",
        type=Path,
        metavar="FILE.jsonl",
        help="where the rows are kept; those that are there are not measured again (default bench-SUITE.jsonl)",
    )
    parser.add_argument("--table", action="store_true", help="measure nothing: the table of the rows that are there")
    parser.add_argument("--markdown", action="store_true", help="print the table in Markdown")
    add_common(parser, out="write the table to this JSON file")
    parser.set_defaults(handler=run)


def run(args: argparse.Namespace, console: Console) -> Answer:
    """Measure what is missing, and show what there is."""
    from recurra.suites import measure_rows, read_rows, suite, suites

    no_settings(args)
    if args.list or args.suite is None:
        return _listed(suites())
    chosen = suite(args.suite)
    path = args.results or Path(f"bench-{chosen.name}.jsonl")
    if args.table:
        if not path.is_file():
            raise ConfigError(f"there are no results in {path}: name the file with --results, or omit --table")
        rows = read_rows(path, chosen)
    else:
        cases = chosen.cases(chosen.chosen(args.learner), args.seeds, args.seed or 0, args.data)
        command = _command(args)
        rows = measure_rows(
            chosen, cases, path, command=command, again=args.force, told=lambda row: _tell(row, console)
        )
    return _answer(args, console, chosen, rows, path)


def _listed(found: Any) -> Answer:
    entries = [
        {
            "name": each.name,
            "title": each.title,
            "source": each.source,
            "lines": [entry.name for entry in each.entries],
            "seeds": each.seeds,
            "needs": each.needs or None,
        }
        for each in found.values()
    ]
    rows = [[entry["name"], entry["title"], entry["source"]] for entry in entries]
    return Answer({"suites": entries}, aligned(["name", "title", "source"], rows))


def _command(args: argparse.Namespace) -> str:
    """The command line as a row keeps it: without the places of files."""
    words = ["recurra", "bench", args.suite, *(word for name in args.learner for word in ("--learner", f"'{name}'"))]
    words += ["--seeds", str(args.seeds)] if args.seeds is not None else []
    words += ["--seed", str(args.seed)] if args.seed is not None else []
    words += ["--data", args.data.name] if args.data is not None else []
    return " ".join(words)


def _tell(row: dict[str, Any], console: Console) -> None:
    numbers = {name: value for name, value in row.items() if isinstance(value, float) and name != "seconds"}
    shown = ", ".join(f"{name} {value:.4g}" for name, value in numbers.items())
    console.say(f"{row['name']}{' ' + row['part'] if 'part' in row else ''}, seed {row['seed']}: {shown}")


def _answer(args: argparse.Namespace, console: Console, chosen: Any, rows: list[dict[str, Any]], path: Path) -> Answer:
    from dataclasses import asdict

    from recurra.suites import markdown, summarise
    from recurra.suites.summary import HEADS, cells

    lines = summarise(chosen, rows)
    facts = {"suite": chosen.name, "title": chosen.title, "protocol": chosen.protocol, "source": chosen.source}
    published = [asdict(each) for each in chosen.published]
    results = {**facts, "lines": lines, "published": published, "seeds": rows, "results": str(path)}
    if args.out is not None:
        console.write_file(args.out, json.dumps(results, indent=2) + "\n", force=args.force)
    if args.markdown:
        return Answer(results, markdown(chosen, rows))
    titles = {each.name: each.title for each in chosen.measures}
    others = [[each.who, titles[each.measure], each.value, each.source] for each in chosen.published]
    text = [chosen.title, "", aligned(list(HEADS), [cells(line) for line in lines])]
    text += ["", aligned(["published", "measure", "value", "source"], others)] if others else []
    return Answer(results, "\n".join([*text, "", str(path)]))
