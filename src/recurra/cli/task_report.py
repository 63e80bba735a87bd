"""The report of a task with a long lag: its rule, a row for each seed, and the learning curves."""

from collections.abc import Sequence
from typing import Any

from recurra.cli.console import Console

COLUMNS = ["seed", "solved", "why it stopped", "share wrong", "errors", "sequences", "gradient passes", "seconds"]
_WHY = {
    "solved": "solved",
    "budget": "time was over",
    "sequences": "no sequences left for an epoch",
    "diverged": "diverged",
}


def write_task_report(
    task: Any,
    config: dict[str, Any],
    results: dict[str, Any],
    seeds: Sequence[dict[str, Any]],
    directory: Any,
    command: Sequence[str],
    console: Console,
) -> None:
    """Write `report.html` of a run; without matplotlib, say so and go on.

    Args:
        task: the `LongLag`.
        config: of the run.
        results: of all seeds together.
        seeds: what `run_long_lag` gave for each.
        directory: the open run directory.
        command: the words that started the run.
        console: where to say what is missing.
    """
    from recurra.experiment.run_directory import REPORT

    try:
        from recurra.report import write_report
    except ImportError as error:
        if (error.name or "").startswith("recurra"):
            raise
        console.say(f"no {REPORT}: it needs matplotlib, pip install 'recurra[report]'")
        return
    write_report(_page(task, config, results, seeds, command), directory.file(REPORT))


def row(found: dict[str, Any]) -> list[Any]:
    """One seed as a row of `COLUMNS`."""
    return [
        found["seed"],
        "yes" if found["solved"] else "no",
        _WHY[found["stop"]],
        *(found[name] for name in ("wrong_fraction", "errors", "sequences", "gradient_passes", "seconds")),
    ]


def _page(
    task: Any, config: dict[str, Any], results: dict[str, Any], seeds: Sequence[dict[str, Any]], command: Sequence[str]
) -> Any:
    from recurra.experiment.environment import environment
    from recurra.report import Highlight, Report, Section, Table

    learner, solved = config["learner"], sum(found["solved"] for found in seeds)
    rows = [[*map(str, row(found)[:1]), *row(found)[1:]] for found in seeds]
    rows.append(["without memory", None, None, task.chance, None, None, None, None])
    caption = (
        f"{task.name} of length {task.length}, learned by {learner}; shares and errors are of {task.solved.tests:,} "
        "new sequences. Errors: wrong answers a sequence. A gradient pass is the gradient of one sequence"
    )
    text = (
        f"{task.definition[0].upper()}{task.definition[1:]} ({task.source}). Lag: {task.lag}. Solved: {task.rule}.\n\n"
        f"An answer without memory has the loss {task.trivial:.4g}."
    )
    sections = [Section("Results", text, tables=[Table(COLUMNS, rows, caption)])]
    return Report(
        title=f"{task.name}, length {task.length}: {learner}",
        summary=f"{solved} of {len(seeds)} seeds solved the task.",
        sections=sections + [_curve(found) for found in seeds if found["history"]],
        command=command,
        config=config,
        versions=environment()["versions"],
        highlights=[
            Highlight("share wrong", f"{results['wrong_fraction']:.3g}", "of new sequences, the mean of all seeds")
        ],
    )


def _curve(found: dict[str, Any]) -> Any:
    """The learning curve of one seed."""
    from recurra.report import Section, training_curve

    history = [{**entry, "validation": entry.get("wrong_fraction")} for entry in found["history"]]
    text = (
        "The loss of every epoch of new sequences. The validation score is the share that is wrong of sequences which "
        "were scored before the network was trained on them; where it is zero there is no line."
    )
    if found["failure"]:
        text += f"\n\n{found['failure']['message']}."
    return Section(f"Learning curve of seed {found['seed']}", text, [training_curve(history)])
