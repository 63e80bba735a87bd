"""`recurra demo` and `recurra example NAME`: worked examples, each with a table and a report."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from recurra.cli.console import Answer, Console
from recurra.cli.options import add_common, no_settings, settings_of
from recurra.cli.tables import aligned
from recurra.cli.watch import Watch
from recurra.errors import ConfigError, RunDirectoryError, unknown


def add(commands: "argparse._SubParsersAction[Any]") -> None:
    """Add the two commands."""
    demo = commands.add_parser("demo", help="one minute: train, forecast, write a report", allow_abbrev=False)
    demo.add_argument("--seeds", type=int, default=1, help="repeat with this many seeds (default 1)")
    add_common(demo, out="where to keep it (default runs/demo-<hash>)")
    demo.set_defaults(handler=run_demo)
    example = commands.add_parser("example", help="run a worked example", allow_abbrev=False)
    example.add_argument("name", nargs="?", metavar="NAME", help="see --list")
    example.add_argument("--list", action="store_true", help="list the examples")
    example.add_argument("--seeds", type=int, help="repeat with this many seeds (default: the example's own)")
    example.add_argument("--as-lectured", action="store_true", default=None, help="exactly as in the lecture")
    add_common(example, out="where to keep it (default runs/example-<name>-<hash>)")
    example.set_defaults(handler=run_example)


def run_demo(args: argparse.Namespace, console: Console) -> Answer:
    """The demonstration."""
    from recurra.examples import demo

    title, shows = "recurra in one minute", "What recurra does, from data to an honest score."
    no_settings(args)
    return _run("demo", demo.run, title, shows, {}, args, console)


def run_example(args: argparse.Namespace, console: Console) -> Answer:
    """One example, or the list of them."""
    from recurra.examples import EXAMPLES
    from recurra.experiment.checks import mistyped, refuse

    if args.list or args.name is None:
        entries = [{"name": name, "title": item.title, "shows": item.shows} for name, item in EXAMPLES.items()]
        rows = [[entry["name"], entry["title"], entry["shows"]] for entry in entries]
        return Answer({"examples": entries}, aligned(["name", "title", "shows"], rows))
    if args.name not in EXAMPLES:
        raise ConfigError(unknown("example", args.name, EXAMPLES))
    item = EXAMPLES[args.name]
    options = settings_of(args, {"as_lectured": args.as_lectured})
    problems = [unknown(f"option of {args.name}", key, item.options) for key in options if key not in item.options]
    problems += [line for key in item.options for line in mistyped(key, options.get(key, False), bool)]
    refuse(problems, "settings")
    args.seeds = item.seeds if args.seeds is None else args.seeds
    return _run(f"example-{args.name}", item.run, item.title, item.shows, options, args, console)


def _run(
    label: str,
    work: Callable[..., Any],
    title: str,
    shows: str,
    options: dict[str, Any],
    args: argparse.Namespace,
    console: Console,
) -> Answer:
    """Run it in a directory of its own, or show what is finished there."""
    from recurra.experiment import RunDirectory, config_hash
    from recurra.experiment.run_directory import REPORT

    if args.seeds < 1:
        raise ConfigError(f"`--seeds {args.seeds}`: at least one seed is needed")
    config = {"example": label, "seeds": args.seeds, "seed": args.seed or 0, "options": options}
    path = args.out or Path("runs") / f"{label}-{config_hash(config)[:8]}"
    with RunDirectory(path, config, force=args.force) as directory:
        console.log = directory.log
        if directory.finished:
            console.say(f"finished before: {path} (--force starts anew)")
        else:
            console.say(f"running {label} in {path}")
            _work(work, title, shows, config, directory, console)
        results = {**directory.results, "run": str(path), "report": str(directory.file(REPORT))}
    return Answer(results, f"{_table(directory)}\n\n{results['report']}")


def _table(directory: Any) -> str:
    """The table of a finished example, with its caption."""
    try:
        table = directory.results["table"]
        return f"{table['caption']}\n\n{aligned(table['columns'], table['rows'])}"
    except (KeyError, TypeError, ValueError, IndexError) as error:  # a file that we did not write so
        raise RunDirectoryError(
            f"the results in {directory.path} are damaged ({type(error).__name__}: {error}). Start anew with --force"
        ) from error


def _work(
    work: Callable[..., Any], title: str, shows: str, config: dict[str, Any], directory: Any, console: Console
) -> None:
    from recurra.examples.parts import Parts

    with Watch(console, piece="this part", again="resumes") as watch, console.progress(config["example"]) as move:

        def progress(event: dict[str, Any]) -> None:
            move(event)
            watch.check()

        arguments = {"seeds": config["seeds"], "seed": config["seed"], **config["options"]}
        outcome = work(**arguments, progress=progress, parts=Parts(directory.path))
        _finish(outcome, title, shows, config, directory, console)


def _finish(outcome: Any, title: str, shows: str, config: dict[str, Any], directory: Any, console: Console) -> None:
    from recurra.experiment.environment import environment
    from recurra.experiment.run_directory import REPORT
    from recurra.report import Report, Section, write_report
    from recurra.storage import plain

    table = outcome.table
    report = Report(
        title=title,
        summary=shows,
        sections=[Section("Results", tables=[table]), *outcome.sections],
        command=["recurra", *console.words],
        config=config,
        versions=environment()["versions"],
        data_hash=outcome.data_hash,
    )
    write_report(report, directory.file(REPORT))
    kept = plain({"columns": table.columns, "rows": table.rows, "caption": table.caption})
    directory.finish({**plain(outcome.results), "table": kept}, ["recurra", *console.words])
