"""`recurra task NAME`: a published task with a long lag, one learner, until it is solved or the limits are reached."""

import argparse
from pathlib import Path
from typing import Any

from recurra.cli.console import Answer, Console
from recurra.cli.executors import seeds_of, sequences_of
from recurra.cli.options import add_common, settings_of
from recurra.cli.tables import aligned
from recurra.cli.task_report import COLUMNS, row, write_task_report
from recurra.cli.watch import Watch
from recurra.errors import ConfigError, DataError, DivergenceError, RunDirectoryError

_SEQUENCES = "stop before the epoch that would exceed N (default 5,000,000)"


def add(commands: "argparse._SubParsersAction[Any]") -> None:
    """Add the command."""
    parser = commands.add_parser("task", help="learn a published task with a long time lag", allow_abbrev=False)
    parser.add_argument("name", nargs="?", metavar="NAME", help="see --list")
    parser.add_argument("--list", action="store_true", help="list the tasks and the learners")
    parser.add_argument("--length", type=int, default=100, metavar="T", help="as the papers count it (default 100)")
    parser.add_argument("--learner", default="lstm", help="see --list (default lstm)")
    parser.add_argument("--budget", type=seconds, metavar="TIME", help="stop after 60s, 5m or 2h (default: no limit)")
    parser.add_argument("--sequences", type=int, metavar="N", help=_SEQUENCES)
    parser.add_argument("--whole", action="store_true", help="go on to the last sequence though it is solved before")
    parser.add_argument("--seeds", type=int, default=1, metavar="K", help="repeat with this many seeds (default 1)")
    add_common(parser, out="where to keep it (default runs/task-<name>-<learner>-<hash>)")
    parser.set_defaults(handler=run)


def seconds(text: str) -> float:
    """A time such as 90, 60s, 5m or 2h in seconds.

    >>> seconds("90"), seconds("1.5m"), seconds("2h")
    (90.0, 90.0, 7200.0)
    """
    units = {"s": 1.0, "m": 60.0, "h": 3600.0}
    number, unit = (text[:-1], units[text[-1]]) if text and text[-1] in units else (text, 1.0)
    try:
        found = float(number) * unit
    except ValueError:
        found = -1.0
    if not 0 < found < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is no time: write 60s, 5m or 2h")
    return found


def run(args: argparse.Namespace, console: Console) -> Answer:
    """One task, or the list of them."""
    if args.list or args.name is None:
        return _list(args)
    from recurra.experiment import RunDirectory, config_hash
    from recurra.experiment.long_lag_settings import settings_for
    from recurra.experiment.run_directory import REPORT
    from recurra.tasks.long_lag import long_lag

    seeds_of(args)
    sequences_of(args)
    task = long_lag(args.name, args.length)
    config = {
        "task": task.name,
        "length": task.length,
        "learner": args.learner,
        "seed": args.seed or 0,
        "seeds": args.seeds,
        **{name: getattr(args, name) for name in ("budget", "sequences", "whole") if getattr(args, name)},
        "settings": _written(settings_for(task, args.learner, settings_of(args, {}))),
    }
    path = args.out or Path("runs") / f"task-{task.name}-{args.learner}-{config_hash(config)[:8]}"
    with RunDirectory(path, config, force=args.force) as directory:
        console.log = directory.log
        if directory.finished:
            console.say(f"finished before: {path} (--force starts anew)")
        else:
            console.say(f"{'resuming' if directory.resumed else 'running'} {args.learner} on {task.name} in {path}")
            try:
                _work(task, config, directory, console)
            except (ConfigError, DataError):  # refused late: the corrected command finds nothing in its way
                if not directory.resumed:
                    directory.discard()
                raise
        report = directory.file(REPORT)
        results = {**directory.results, "run": str(path), "report": str(report) if report.exists() else None}
    return _answer(results)


def _list(args: argparse.Namespace) -> Answer:
    """Every task at a length, and every learner."""
    from recurra.experiment.long_lag_settings import LEARNERS
    from recurra.tasks.long_lag import LEAST, LONG_LAG

    shown = ("name", "definition", "lag", "trivial", "chance", "rule", "source")
    tasks = [make(args.length) for name, make in LONG_LAG.items() if args.length >= LEAST[name]]
    others = [{"name": name, "least": LEAST[name]} for name in LONG_LAG if args.length < LEAST[name]]
    entries = [{name: getattr(task, name) for name in shown} for task in tasks]
    learners = [{"name": name, "title": item.title, "settings": dict(item.settings)} for name, item in LEARNERS.items()]
    lines = [f"tasks, at length {args.length}: the loss of the best answer without memory, and what it gets wrong", ""]
    for entry in entries:
        head = f"{entry['name']}: {entry['definition']}"
        numbers = f"loss {entry['trivial']:.4g}, wrong {100 * entry['chance']:.3g} %"
        lines += [head, f"    lag: {entry['lag']}; {numbers}", f"    solved: {entry['rule']} ({entry['source']})"]
    if others:
        lines += ["", f"longer than {args.length}: " + ", ".join(f"{o['name']} from {o['least']} on" for o in others)]
    lines += ["", aligned(["learner", "what it is"], [[item["name"], item["title"]] for item in learners])]
    found = {"length": args.length, "tasks": entries, "others": others, "learners": learners}
    return Answer(found, "\n".join(lines))


def _written(settings: dict[str, Any]) -> dict[str, Any]:
    """Settings for the configuration, where TOML has nothing: what is not set is left out."""
    return {name: value for name, value in settings.items() if value is not None}


def _work(task: Any, config: dict[str, Any], directory: Any, console: Console) -> None:
    from recurra.examples.parts import Parts
    from recurra.experiment.long_lag import run_long_lag
    from recurra.experiment.run_directory import CHECKPOINT

    parts, checkpoint = Parts(directory.path), directory.file(CHECKPOINT)
    with Watch(console, piece="a checkpoint", again="resumes") as watch, console.progress(config["learner"]) as move:

        def progress(event: dict[str, Any]) -> None:
            move(event)
            watch.check()

        def one(seed: int) -> dict[str, Any]:
            with watch.gently():
                found = run_long_lag(
                    task,
                    config["learner"],
                    seed=seed,
                    budget=config.get("budget"),
                    most=config.get("sequences"),
                    whole=config.get("whole", False),
                    settings=config["settings"],
                    progress=progress,
                    checkpoint=checkpoint,
                )
            for file in checkpoint.parent.glob(f"{CHECKPOINT}*"):  # the next seed begins anew
                file.unlink()
            return found

        seeds = [
            parts.get(f"seed-{seed}", lambda seed=seed: one(seed))
            for seed in range(config["seed"], config["seed"] + config["seeds"])
        ]
        for found in seeds:
            directory.log(f"seed {found['seed']}: {found['stop']} after {found['sequences']:,} sequences")
        _finish(task, config, seeds, directory, console)


def _finish(task: Any, config: dict[str, Any], seeds: list[Any], directory: Any, console: Console) -> None:
    from recurra.experiment import run_directory as names
    from recurra.experiment.environment import environment
    from recurra.experiment.run_files import write_history
    from recurra.storage import write_json

    told = ("wrong_fraction", "errors", "sequences", "seconds", "gradient_passes")
    results = {
        "task": task.name,
        "length": task.length,
        "learner": config["learner"],
        "solved": all(found["solved"] for found in seeds),
        **{name: _mean(seeds, name) for name in told},
        "parameters": seeds[0]["parameters"],
        "baseline": {"loss": task.trivial, "wrong_fraction": task.chance},
        "rule": task.rule,
        "seeds": [{name: value for name, value in found.items() if name != "history"} for found in seeds],
    }
    write_json(directory.file(names.ENVIRONMENT), environment())
    history = [{"seed": found["seed"], **entry} for found in seeds for entry in found["history"]]
    write_history(directory.file(names.HISTORY), history)
    command = ["recurra", *console.words]
    write_task_report(task, config, results, seeds, directory, command, console)
    directory.finish(results, command)


def _mean(seeds: list[Any], name: str) -> float | None:
    """The mean of a number over the seeds that have it; of one seed that number itself."""
    values = [found[name] for found in seeds if found[name] is not None]
    if len(values) == 1:
        return values[0]
    return sum(values) / len(values) if values else None


def _answer(results: dict[str, Any]) -> Answer:
    """What a finished run says; where a seed diverged, with the exit code of that."""
    try:
        diverged = any(found["stop"] == "diverged" for found in results["seeds"])
        return Answer(results, _text(results), code=DivergenceError.exit_code if diverged else 0)
    except (KeyError, TypeError, ValueError) as error:  # a file that we did not write so
        raise RunDirectoryError(
            f"the results in {results['run']} are damaged ({type(error).__name__}: {error}). Start anew with --force"
        ) from error


def _text(results: dict[str, Any]) -> str:
    baseline, seeds = results["baseline"], results["seeds"]
    lines = [
        f"{results['learner']} on {results['task']}, length {results['length']}: "
        f"{'solved' if results['solved'] else 'not solved'} ({results['parameters']:,} parameters)",
        f"solved where {results['rule']}; without memory {100 * baseline['wrong_fraction']:.3g} % are wrong",
        "",
        aligned(COLUMNS, [row(found) for found in seeds]),
        "",
        *[f"seed {found['seed']}: {found['failure']['message']}" for found in seeds if found["failure"]],
        results["report"] or results["run"],
    ]
    return "\n".join(lines)
