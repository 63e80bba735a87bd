"""Commands on a finished run: `forecast`, `score` and `report`."""

import argparse
from pathlib import Path
from typing import Any

from recurra.cli.console import Answer, Console, refuse_unwritable
from recurra.cli.data_options import add_data_options, data_options
from recurra.cli.options import add_common, no_settings
from recurra.cli.tables import score_table
from recurra.errors import ConfigError


def add(commands: "argparse._SubParsersAction[Any]") -> None:
    """Add the three commands."""
    forecast = commands.add_parser("forecast", help="run a fitted model into the future", allow_abbrev=False)
    forecast.add_argument("run", type=Path, metavar="RUN", help="a run directory")
    forecast.add_argument("--steps", type=int, help="how many (default: as many as were held out)")
    forecast.add_argument("--csv", type=Path, metavar="FILE", help="write it to a file, as --out does")
    forecast.add_argument(
        "--history", metavar="DATA", help="rows to forecast from (default: those before the test part)"
    )
    forecast.add_argument("--drive", metavar="FILE", help="the drive of the rows to forecast, one row a step")
    add_data_options(forecast)
    add_common(forecast, out="write the forecast to this CSV file instead of stdout")
    forecast.set_defaults(handler=run_forecast)
    score = commands.add_parser("score", help="score a fitted model beside the baselines", allow_abbrev=False)
    score.add_argument("run", type=Path, metavar="RUN", help="a run directory")
    score.add_argument("data", nargs="?", metavar="DATA", help="other data (default: the rows held out)")
    add_data_options(score)
    add_common(score, out="write the scores to this JSON file")
    score.set_defaults(handler=run_score)
    report = commands.add_parser("report", help="write the report of a run", allow_abbrev=False)
    report.add_argument("run", type=Path, metavar="RUN", help="a run directory")
    add_common(report, out="the HTML file (default RUN/report.html)")
    report.set_defaults(handler=run_report)


def run_forecast(args: argparse.Namespace, console: Console) -> Answer:
    """Closed loop from where the rows held out begin, or from the end of other rows."""
    from recurra.experiment import columns_of, read_run, series_csv

    no_settings(args)
    if args.csv is not None and args.out is not None:
        raise ConfigError("`--csv` and `--out` name the same thing here: give one of them")
    target = args.csv or args.out
    if target is not None:
        refuse_unwritable(target, force=args.force)
    run, model = read_run(args.run), _model(args.run)
    known = run.before if args.history is None else _other(run, args.history, data_options(args)).segments[-1]
    drive = _drive(run, args)
    known_steps = len(run.truth) if drive is None else len(drive)
    steps = known_steps if args.steps is None else args.steps
    if drive is not None and steps > len(drive):
        raise ConfigError(
            f"the model is driven by {', '.join(drive.channels)}, known for {len(drive)} rows: "
            f"it cannot be run for {steps} steps. Give `--drive` with more"
        )
    forecast = model.forecast(steps, known, drive if drive is None else drive[:steps])
    text = series_csv(forecast)
    results: dict[str, Any] = {"run": str(args.run), "steps": steps, "dt": forecast.dt}
    if target is None:
        return Answer({**results, **columns_of(forecast)}, text)
    console.write_file(target, text, force=args.force)
    return Answer({**results, "file": str(target)}, str(target))


def _drive(run: Any, args: argparse.Namespace) -> Any:
    """The drive of the rows to forecast: from a file, or that of the rows held out; None for a model without one."""
    from recurra.data import read_series

    inputs = run.series.inputs
    if args.drive is not None:
        if inputs is None:
            raise ConfigError("the model has no drive: leave `--drive` out")
        given = {
            "time": run.spec.time,
            **{key.removeprefix("data."): value for key, value in data_options(args).items()},
        }
        return read_series(args.drive, **{**given, "channels": list(inputs.channels), "inputs": None})
    if inputs is None or args.history is None:
        return run.truth.inputs
    raise ConfigError(f"the model is driven by {', '.join(inputs.channels)}: give its future with `--drive FILE`")


def run_score(args: argparse.Namespace, console: Console) -> Answer:
    """Score the model file on the rows held out, or on other data."""
    import json

    from recurra.experiment import read_run, score_test
    from recurra.experiment.pieces import Rows
    from recurra.storage import plain

    no_settings(args)
    if args.out is not None:
        refuse_unwritable(args.out, force=args.force)
    run, model = read_run(args.run), _model(args.run)
    if args.data is None:
        score = score_test(model, Rows.of(run.series, run.trained, run.start, model.memory))
    else:
        score = model.score(_other(run, args.data, data_options(args)))
    learner = run.results["learner"]
    results = {
        "run": str(args.run),
        "learner": learner,
        "data": args.data or run.results["data"],
        "score": plain(score),
    }
    if args.out is not None:
        console.write_file(args.out, json.dumps(results, indent=2) + "\n", force=args.force)
    return Answer(results, score_table(learner, results["score"], run.results["time_unit"]))


def run_report(args: argparse.Namespace, console: Console) -> Answer:
    """Write the report anew from the files of the run."""
    from recurra.experiment.run_directory import REPORT
    from recurra.report import run_report as compose
    from recurra.report import write_report

    no_settings(args)
    path = args.out or args.run / REPORT
    refuse_unwritable(path, force=args.force or args.out is None)
    write_report(compose(args.run), path)
    return Answer({"run": str(args.run), "report": str(path)}, str(path))


def _model(path: Path) -> Any:
    from recurra.estimators import load
    from recurra.experiment.run_directory import MODEL

    return load(path / MODEL)


def _other(run: Any, source: str, options: dict[str, Any]) -> Any:
    """Read other data the way the run's own were read, where they are of the same kind; options go over that."""
    from dataclasses import replace

    from recurra.experiment import DataSpec, read_data

    spec = DataSpec(source)
    if spec.kind == run.spec.kind:
        spec = replace(run.spec, source=source, sha256=None)
    return read_data(replace(spec, **{key.removeprefix("data."): value for key, value in options.items()}))
