"""`recurra sweep FILE.toml`: a grid of runs, here, in processes or on Dask; a failure is a row, not the end."""

import argparse
from pathlib import Path
from typing import Any

from recurra.cli.console import Answer, Console
from recurra.cli.executors import add_executor, executor_of
from recurra.cli.options import add_common
from recurra.cli.tables import aligned
from recurra.cli.watch import Watch
from recurra.errors import ConfigError, RunDirectoryError

_FAILED = 7  # exit code: the sweep is over, and some of its rows are not what was asked for
_ROWS = "rows"
_SHOWN = ("valid time", "closed loop: NRMSE", "one step: NRMSE")


def add(commands: "argparse._SubParsersAction[Any]") -> None:
    """Add the command."""
    parser = commands.add_parser("sweep", help="run a grid of configurations", allow_abbrev=False)
    parser.add_argument("file", type=Path, metavar="FILE.toml", help="a configuration with a table [grid] of lists")
    add_executor(parser, "run")
    add_common(parser, out="where to keep the runs (default runs/sweep-<hash>)")
    parser.set_defaults(handler=run)


def run(args: argparse.Namespace, console: Console) -> Answer:
    """Run what is not finished, and gather all rows."""
    from recurra.experiment import RunDirectory, config_hash
    from recurra.sweeps import read_grid

    _refuse_settings(args)
    grid = read_grid(args.file)
    config = {"sweep": dict(grid.table)}
    path = args.out or Path("runs") / f"sweep-{config_hash(config)[:8]}"
    executor = executor_of(args, path / _ROWS)
    with RunDirectory(path, config, force=args.force) as directory:
        console.log = directory.log
        with Watch(console, piece="its runs have written their checkpoints", again="resumes") as watch, watch.gently():
            finished = directory.finished
            rows = directory.results["rows"] if finished else _run(grid, executor, directory, args, console, watch)
    failed = sum(row["reason"] != "" for row in rows)
    results = {"sweep": str(path), "rows": rows, "failed": failed}
    return Answer(results, _text(results, grid.keys), code=_FAILED if failed else 0)


def _refuse_settings(args: argparse.Namespace) -> None:
    if args.settings or args.config or args.seed is not None:
        raise ConfigError("a sweep has its settings in its file: write seed, --set and --config there")


def _run(grid: Any, executor: Any, directory: Any, args: argparse.Namespace, console: Console, watch: Watch) -> Any:
    from recurra.experiment.run_directory import METRICS, is_finished
    from recurra.storage import write_json

    home = directory.file(_ROWS)
    home.mkdir(exist_ok=True)
    waiting = [row for row in grid.rows if args.force or not is_finished(home / row.name)]
    console.say(f"{len(grid.rows)} runs in {directory.path}, {len(grid.rows) - len(waiting)} of them finished before")
    tasks = [grid.task(row, home / row.name, force=args.force) for row in waiting]
    reasons = {}
    for outcome in executor.run(tasks, watch.check):
        name = outcome.task.name
        reasons[name] = outcome.reason
        console.say(f"[{len(reasons)}/{len(tasks)}] {name}: {outcome.reason or 'finished'}")
        directory.log(f"{name}: {outcome.details or outcome.reason or 'finished'}")
    rows = [_row(row, home / row.name, reasons.get(row.name, "")) for row in grid.rows]
    if any(row["reason"] for row in rows):  # the same command tries these again
        write_json(directory.file(METRICS), {"complete": False, "results": {"rows": rows}})
    else:
        directory.finish({"rows": rows}, ["recurra", *console.words])
    return rows


def _row(row: Any, path: Path, reason: str) -> dict[str, Any]:
    from recurra.experiment.run_directory import read_results

    score = None
    if not reason:
        try:
            score = read_results(path)["score"]
        except (RunDirectoryError, KeyError) as error:
            reason = f"its results cannot be read: {error}"
    return {"run": row.name, "settings": dict(row.settings), "reason": reason, "score": score}


def _text(results: dict[str, Any], keys: tuple[str, ...]) -> str:
    table = []
    for row in results["rows"]:
        found: list[Any] = [row["settings"][key] for key in keys]
        if row["score"] is None:
            found += [None, None, None]
        else:
            closed, step = row["score"]["closed_loop"], row["score"]["one_step"]
            found += [closed["valid_time"], closed["nrmse"], step["nrmse"]]
        table.append([*found, row["reason"].partition(":")[0] or "finished"])
    failures = [f"{row['run']}: {row['reason']}" for row in results["rows"] if row["reason"]]
    lines = [aligned([*keys, *_SHOWN, "run"], table), "", *failures, results["sweep"]]
    return "\n".join(lines)
