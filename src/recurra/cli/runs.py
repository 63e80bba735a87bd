"""Commands on a finished run: `forecast`, `score` and `report`."""

import argparse
from pathlib import Path
from typing import Any

from recurra.cli.console import Answer, Console, refuse_existing
from recurra.cli.options import add_common, no_settings
from recurra.cli.tables import score_table
from recurra.errors import ConfigError


def add(commands: "argparse._SubParsersAction[Any]") -> None:
    """Add the three commands."""
    forecast = commands.add_parser("forecast", help="run a fitted model into the future", allow_abbrev=False)
    forecast.add_argument("run", type=Path, metavar="RUN", help="a run directory")
    forecast.add_argument("--steps", type=int, help="how many (default: as many as were held out)")
    forecast.add_argument("--csv", type=Path, metavar="FILE", help="write it to a file, as --out does")
    add_common(forecast, out="write the forecast to this CSV file instead of stdout")
    forecast.set_defaults(handler=run_forecast)
    score = commands.add_parser("score", help="score a fitted model beside the baselines", allow_abbrev=False)
    score.add_argument("run", type=Path, metavar="RUN", help="a run directory")
    score.add_argument("data", nargs="?", metavar="DATA", help="other data (default: the rows held out)")
    add_common(score, out="write the scores to this JSON file")
    score.set_defaults(handler=run_score)
    report = commands.add_parser("report", help="write the report of a run", allow_abbrev=False)
    report.add_argument("run", type=Path, metavar="RUN", help="a run directory")
    add_common(report, out="the HTML file (default RUN/report.html)")
    report.set_defaults(handler=run_report)


def run_forecast(args: argparse.Namespace, console: Console) -> Answer:
    """Closed loop from where the rows held out begin."""
    from recurra.experiment import columns_of, read_run, series_csv

    no_settings(args)
    if args.csv is not None and args.out is not None:
        raise ConfigError("`--csv` and `--out` name the same thing here: give one of them")
    run, model = read_run(args.run), _model(args.run)
    steps = len(run.test) if args.steps is None else args.steps
    drive = run.test.inputs
    if drive is not None and steps > len(drive):
        raise ConfigError(
            f"the model is driven by {', '.join(drive.channels)}, known for {len(drive)} rows: "
            f"it cannot be run for {steps} steps"
        )
    forecast = model.forecast(steps, run.known, drive if drive is None else drive[:steps])
    text = series_csv(forecast)
    target = args.csv or args.out
    results: dict[str, Any] = {"run": str(args.run), "steps": steps, "dt": forecast.dt}
    if target is None:
        return Answer({**results, **columns_of(forecast)}, text)
    console.write_file(target, text, force=args.force)
    return Answer({**results, "file": str(target)}, str(target))


def run_score(args: argparse.Namespace, console: Console) -> Answer:
    """Score the model file on the rows held out, or on other data."""
    import json

    from recurra.experiment import read_run
    from recurra.storage import plain

    no_settings(args)
    run, model = read_run(args.run), _model(args.run)
    data, history = (run.test, run.known) if args.data is None else (_other(run, args.data), None)
    score = plain(model.score(data, history=history))
    learner = run.results["learner"]
    results = {
        "run": str(args.run),
        "learner": learner,
        "data": args.data or run.results["data"],
        "score": score,
    }
    if args.out is not None:
        console.write_file(args.out, json.dumps(results, indent=2) + "\n", force=args.force)
    return Answer(results, score_table(learner, score, run.results["time_unit"]))


def run_report(args: argparse.Namespace, console: Console) -> Answer:
    """Write the report anew from the files of the run."""
    from recurra.experiment.run_directory import REPORT
    from recurra.report import run_report as compose
    from recurra.report import write_report

    no_settings(args)
    path = args.out or args.run / REPORT
    if args.out is not None:
        refuse_existing(path, force=args.force)
    write_report(compose(args.run), path)
    return Answer({"run": str(args.run), "report": str(path)}, str(path))


def _model(path: Path) -> Any:
    from recurra.estimators import load
    from recurra.experiment.run_directory import MODEL

    return load(path / MODEL)


def _other(run: Any, source: str) -> Any:
    """Read other data the way the run's own were read, where they are of the same kind."""
    from dataclasses import replace

    from recurra.experiment import DataSpec, read_data

    spec = DataSpec(source)
    return read_data(replace(run.spec, source=source, sha256=None) if spec.kind == run.spec.kind else spec)
