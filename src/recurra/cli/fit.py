"""`recurra fit DATA`: train, forecast the rows held out, score beside the baselines, keep it all."""

import argparse
from pathlib import Path
from typing import Any

from recurra.cli.console import Answer, Console
from recurra.cli.data_options import add_data_options, data_options, fraction
from recurra.cli.options import add_common
from recurra.cli.tables import score_table
from recurra.cli.watch import Watch
from recurra.cli.writing import write_run_report
from recurra.errors import ConfigError, DataError


def add(commands: "argparse._SubParsersAction[Any]") -> None:
    """Add the command."""
    parser = commands.add_parser("fit", help="train a learner on data and forecast the rest", allow_abbrev=False)
    parser.add_argument("data", nargs="?", metavar="DATA", help="a file, dataset:NAME or system:NAME")
    parser.add_argument("--learner", help="see `recurra learners` (default auto)")
    parser.add_argument("--split", type=fraction, help="fraction of the rows that is trained on (default 0.8)")
    parser.add_argument("--split-by", help="cut in time (default) or between trajectories: time, trajectory")
    parser.add_argument("--gap", type=int, help="rows left out between the training and the test part (default 0)")
    parser.add_argument("--name", help="label of the run directory")
    parser.add_argument("--steps", type=int, help="steps to simulate, for system:NAME")
    add_data_options(parser)
    add_common(parser, out="the run directory (default runs/<name>-<config hash>)")
    parser.set_defaults(handler=run)


def run(args: argparse.Namespace, console: Console) -> Answer:
    """Fit, resume, or show what is finished."""
    from recurra.experiment import RunDirectory, make_config, read_data, read_run
    from recurra.experiment.config import check_data_hash

    config = make_config(file=args.config, settings=args.settings, options=_options(args))
    series = read_data(config.data)
    config = check_data_hash(config, series.sha256)
    console.say(_described(series))
    path = args.out or Path("runs") / config.run_name()
    with RunDirectory(path, config.as_dict(), force=args.force) as directory:
        console.log = directory.log
        with Watch(console, piece="a checkpoint", again="resumes") as watch:
            if directory.finished:
                console.say(f"finished before: {path} (--force starts anew)")
            else:
                console.say(f"{'resuming' if directory.resumed else 'running'} {config.learner} in {path}")
                _fit(config, directory, series, console, watch)
            report = write_run_report(directory, console)
            watch.check()
        results = {"run": str(path), "report": report and str(report), **read_run(path).results}
    return Answer(results, _text(results))


def _fit(config: Any, directory: Any, series: Any, console: Console, watch: Watch) -> None:
    from recurra.experiment import run_fit

    with console.progress(config.learner) as move:

        def progress(event: dict[str, Any]) -> None:
            move(event)
            watch.check()

        try:
            run_fit(
                config,
                directory,
                series,
                progress=progress,
                stop=watch.check,
                gently=watch.gently,
                command=["recurra", *console.words],
            )
        except (ConfigError, DataError):
            if not directory.resumed:
                directory.discard()
                console.log = None
            raise


def _described(series: Any) -> str:
    """What was read, in a line: a time axis taken for a channel would show here, and so would rows that are missing."""
    drive = f"; inputs {', '.join(series.inputs.channels)}" if series.inputs is not None else ""
    step = f"step {series.dt:g} {series.provenance.get('time_unit', '')}".rstrip()
    span = f"time {series.times[0]} to {series.times[-1]}, {step}"
    missing = int((~series.observed).sum())
    holes = f"; {missing} values missing" if missing else ""
    holes += f"; {len(series.segments)} segments" if series.breaks else ""
    return f"{len(series)} rows; {span}; channels {', '.join(series.channels)}{drive}{holes}"


def _options(args: argparse.Namespace) -> dict[str, Any]:
    own = {key: getattr(args, key) for key in ("learner", "split", "split_by", "gap", "name", "seed")}
    return {**own, "data.source": args.data, "data.steps": args.steps, **data_options(args)}


def _text(results: dict[str, Any]) -> str:
    from recurra.experiment.noise import noise_in_words

    rows = results["rows"]
    learner = results["learner"]
    lines = [
        f"{learner} on {results['data']}: trained on {rows['train']} rows, forecast {rows['test']}",
        "",
        score_table(learner, results["score"], results["time_unit"]),
        "",
        *([noise_in_words(results["noise"]), ""] if results.get("noise") else []),
        results["report"] or results["run"],
    ]
    return "\n".join(lines)
