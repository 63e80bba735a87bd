"""`recurra compare DATA`: learners side by side under the same budget, every learner and seed a run of its own."""

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recurra.cli.console import Answer, Console
from recurra.cli.data_options import add_data_options, data_options, fraction
from recurra.cli.executors import add_executor, executor_of, seeds_of, sequences_of
from recurra.cli.options import add_common, names, settings_of
from recurra.cli.tables import aligned
from recurra.cli.task import seconds
from recurra.cli.watch import Watch
from recurra.errors import ConfigError, RunDirectoryError

_FAILED = 7  # exit code: it is over, and some of its runs are not what was asked for
_ROWS = "rows"
_WHOLE = 1e7
_TASK = "task:"
_LENGTH = 100  # of a task's sequences
_HEADS = {
    "valid_time": "valid time",
    "closed_loop_nrmse": "closed loop: NRMSE",
    "one_step_nrmse": "one step: NRMSE",
    "wrong_fraction": "wrong",
    "gradient_passes": "passes",
    "peak_memory_bytes": "MiB",
}


@dataclass(frozen=True)
class _Plan:
    """A comparison: what decides it, its runs in a directory, and how they are told."""

    config: Mapping[str, Any]
    runs: Callable[[Path], list[Any]]
    told: Callable[[Any, str], dict[str, Any]]
    metrics: Sequence[str]
    title: str
    kind: str = "data"  # or "task"
    data_hash: str = ""


def add(commands: "argparse._SubParsersAction[Any]") -> None:
    """Add the command."""
    parser = commands.add_parser("compare", help="learners side by side on data or on a task", allow_abbrev=False)
    parser.add_argument("data", metavar="DATA", help="a file, dataset:NAME, system:NAME; or task:NAME, see `task`")
    parser.add_argument(
        "--learners",
        type=names,
        required=True,
        metavar="NAME,...",
        help="see `recurra learners`; for task:NAME those of `recurra task --list`",
    )
    parser.add_argument(
        "--seeds", type=int, default=5, metavar="K", help="runs of each with seeds of its own (default 5)"
    )
    parser.add_argument(
        "--budget",
        type=seconds,
        metavar="TIME",
        help="of each training, 60s, 5m or 2h, whatever its epochs (default: none, as many epochs as the learner's)",
    )
    parser.add_argument("--split", type=fraction, help="fraction of the rows that is trained on (default 0.8)")
    parser.add_argument("--gap", type=int, help="rows left out between the training and the test part (default 0)")
    parser.add_argument("--steps", type=int, help="steps to simulate, for system:NAME")
    parser.add_argument("--length", type=int, metavar="T", help="of the sequences, for task:NAME (default 100)")
    parser.add_argument(
        "--sequences",
        type=int,
        metavar="N",
        help="training sequences at most, for task:NAME: each stops before the epoch that would exceed N",
    )
    add_executor(parser, "run", default="each in a process of its own")
    add_data_options(parser)
    add_common(parser, out="where to keep the runs (default runs/compare-<hash>)")
    parser.set_defaults(handler=run)


def run(args: argparse.Namespace, console: Console) -> Answer:
    """Run what is not finished, and put all of it side by side."""
    from recurra.experiment import RunDirectory, config_hash
    from recurra.experiment.run_directory import REPORT

    if "" in args.learners:
        raise ConfigError(f"`--learners {','.join(args.learners)}`: between two commas and at the end there is a name")
    plan = _on_task(args) if args.data.startswith(_TASK) else _on_data(args)
    path = args.out or Path("runs") / f"compare-{config_hash(plan.config)[:8]}"
    executor = executor_of(args, path / _ROWS, workers=1)
    with RunDirectory(path, plan.config, force=args.force) as directory:
        console.log = directory.log
        with Watch(console, piece="its runs have written their checkpoints", again="resumes") as watch, watch.gently():
            found = directory.results if directory.finished else _run(plan, executor, directory, console, watch)
    failed = sum(row["reason"] != "" for row in found["seeds"])
    report = path / REPORT
    results = {**found, "failed": failed, "compare": str(path), "report": str(report) if report.exists() else None}
    return Answer(results, _text(results, plan.metrics, args.sequences), code=_FAILED if failed else 0)


def _on_data(args: argparse.Namespace) -> _Plan:
    from recurra.experiment import read_data
    from recurra.experiment.config import DataSpec
    from recurra.sweeps import comparison

    if args.length is not None or args.sequences is not None:
        raise ConfigError("`--length` and `--sequences` are for task:NAME")
    given = {"split": args.split, "gap": args.gap}
    data = {key.removeprefix("data."): value for key, value in data_options(args).items()}
    data = {"source": args.data, **data, **({} if args.steps is None else {"steps": args.steps})}
    base = {"data": data, **{key: value for key, value in given.items() if value is not None}}
    learners = [*dict.fromkeys([*args.learners, *comparison.BASELINES])]
    chosen = {"settings": comparison.split_settings(settings_of(args, {}), learners), "budget": args.budget}
    seeds = seeds_of(args)
    comparison.on_data(base, args.learners, seeds, home=Path(), **chosen)  # what cannot be is refused here
    base["data"]["sha256"] = read_data(DataSpec(**data)).sha256
    return _Plan(
        {"compare": _plain({**base, "learners": learners, "seeds": args.seeds, "seed": seeds[0], **chosen})},
        lambda home: comparison.on_data(base, args.learners, seeds, home=home, force=args.force, **chosen),
        comparison.told_of_fit,
        comparison.ON_DATA,
        args.data,
        data_hash=base["data"]["sha256"],
    )


def _on_task(args: argparse.Namespace) -> _Plan:
    from recurra.sweeps import comparison

    given = {"--split": args.split, "--gap": args.gap, "--steps": args.steps, **data_options(args)}
    unused = [name for name, value in given.items() if value is not None]
    if unused:
        raise ConfigError(f"{unused[0].replace('data.', '--')} has no meaning for a task: it is for data")
    task, length = args.data.removeprefix(_TASK), _LENGTH if args.length is None else args.length
    seeds = seeds_of(args)
    chosen = {
        "settings": comparison.split_settings(settings_of(args, {}), args.learners),
        "budget": args.budget,
        "most": sequences_of(args),
    }

    def runs(home: Path) -> list[Any]:
        return comparison.on_task(task, length, args.learners, seeds, home=home, force=args.force, **chosen)

    runs(Path())  # what cannot be is refused here
    decides = {"task": task, "length": length, "learners": args.learners, "seeds": args.seeds, "seed": seeds[0]}
    return _Plan(
        {"compare": _plain({**decides, **chosen})},
        runs,
        comparison.told_of_task,
        comparison.ON_TASK,
        f"{task}, length {length}",
        kind="task",
    )


def _plain(table: Mapping[str, Any]) -> dict[str, Any]:
    """Without what is not set: TOML has no word for it."""
    return {
        key: _plain(value) if isinstance(value, Mapping) else value for key, value in table.items() if value is not None
    }


def _run(plan: _Plan, executor: Any, directory: Any, console: Console, watch: Watch) -> dict[str, Any]:
    from recurra.experiment.run_directory import METRICS, is_finished
    from recurra.storage import plain, write_json
    from recurra.sweeps import Processes
    from recurra.sweeps.comparison import summary

    home = directory.file(_ROWS)
    home.mkdir(exist_ok=True)
    runs = plan.runs(home)
    waiting = [each for each in runs if directory.force or not is_finished(each.path)]
    many = "1 run" if len(runs) == 1 else f"{len(runs)} runs"
    where = "each in a process of its own" if isinstance(executor, Processes) else "on workers of Dask"
    console.say(f"{many} in {directory.path}, {len(runs) - len(waiting)} finished before; {where}")
    by_name, reasons = {each.task.name: each for each in runs}, dict[str, str]()
    for outcome in executor.run([each.task for each in waiting], watch.check):
        name = outcome.task.name
        reasons[name] = plan.told(by_name[name], outcome.reason)["reason"]
        console.say(f"[{len(reasons)}/{len(waiting)}] {name}: {reasons[name] or 'finished'}")
        directory.log(f"{name}: {outcome.details or reasons[name] or 'finished'}")
    told = [plan.told(each, reasons.get(each.task.name, "")) for each in runs]
    results = plain({"rows": summary(told, plan.metrics), "seeds": told})
    _report(plan, runs, results, directory, console)
    if any(row["reason"] for row in told):  # the same command tries these again
        write_json(directory.file(METRICS), {"complete": False, "results": results})
    else:
        directory.finish(results, ["recurra", *console.words])
    return results


def _report(plan: _Plan, runs: Sequence[Any], results: Mapping[str, Any], directory: Any, console: Console) -> None:
    """`report.html`, where the extra that draws it is installed."""
    from recurra.experiment import read_run
    from recurra.experiment.environment import environment
    from recurra.experiment.run_directory import REPORT, is_finished
    from recurra.sweeps.comparison import curve_of

    try:
        from recurra.report import Report, write_report
        from recurra.report.comparison import comparison_sections, verdict
        from recurra.report.run import limit_section
    except ImportError as error:
        if (error.name or "").startswith("recurra"):
            raise
        console.say(f"no {REPORT}: it needs matplotlib, pip install 'recurra[report]'")
        return
    curves: dict[str, list[Any]] = {}
    for each in runs:
        if is_finished(each.path):
            curves.setdefault(each.learner, []).append(curve_of(each.path))
    sections = comparison_sections(results["rows"], results["seeds"], curves, plan.metrics, kind=plan.kind)
    finished = [each.path for each in runs if is_finished(each.path)]
    if plan.kind == "data" and finished:  # the data are the same in all of them
        sections.append(limit_section(read_run(finished[0])))
    report = Report(
        title=f"Learners compared on {plan.title}",
        summary=verdict(results["rows"], "solved" if plan.kind == "task" else "valid_time"),
        sections=sections,
        command=["recurra", *console.words],
        config=plan.config,
        versions=environment()["versions"],
        data_hash=plan.data_hash,
    )
    write_report(report, directory.file(REPORT))


def _text(results: Mapping[str, Any], metrics: Sequence[str], most: int | None) -> str:
    try:
        table = [
            [row["learner"], *(_cell(row[name], name) for name in metrics), _ended(row)] for row in results["rows"]
        ]
    except (KeyError, TypeError) as error:  # a file that we did not write so
        raise RunDirectoryError(f"the results in {results['compare']} are damaged: start anew with --force") from error
    failures = [f"{row['run']}: {row['reason']}" for row in results["seeds"] if row["reason"]]
    heads = ["learner", *(_HEADS.get(name, name) for name in metrics), "runs"]
    notes = _seen(results["seeds"], most)
    return "\n".join([aligned(heads, table), "", *notes, *failures, results["report"] or results["compare"]])


def _seen(runs: Sequence[Mapping[str, Any]], most: int | None) -> list[str]:
    """What was seen, where it is not as many sequences as were allowed though a run was not ended before."""
    found: dict[str, int] = {}
    for row in runs:
        if most is not None and row.get("sequences") is not None and not row["solved"] and row["sequences"] != most:
            found[row["learner"]] = max(row["sequences"], found.get(row["learner"], 0))
    told = ", ".join(f"{learner} {count:,}" for learner, count in found.items())
    return [f"of {most:,} sequences, whole epochs within the limits were seen: {told}"] if found else []


def _cell(found: Mapping[str, float] | None, name: str) -> str | None:
    if found is None:
        return None
    scale = 2.0**-20 if name == "peak_memory_bytes" else 1.0
    middle, low, high = (_number(scale * found[key]) for key in ("median", "low", "high"))
    return middle if low == high else f"{middle} ({low}-{high})"


def _number(value: float) -> str:
    """Whole numbers whole, others to three digits."""
    return f"{value:.0f}" if value == round(value) and abs(value) < _WHOLE else f"{value:.3g}"


def _ended(row: Mapping[str, Any]) -> str:
    return f"{row['runs']}" if not row["failed"] else f"{row['runs'] - row['failed']} of {row['runs']}"
