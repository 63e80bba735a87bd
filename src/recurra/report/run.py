"""The report of one run, composed from the files of its directory."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from recurra.experiment import Run, read_run
from recurra.experiment.noise import noise_in_words
from recurra.experiment.run_directory import DIAGNOSIS
from recurra.report.forecasts import duration, forecast_figure, time_unit
from recurra.report.formatting import clean, number
from recurra.report.growth import error_growth_figure
from recurra.report.page import Highlight, Report, Section, Table
from recurra.report.palette import ink
from recurra.report.portrait import phase_portrait
from recurra.report.predictability import limit
from recurra.report.search import search_section
from recurra.report.training import training_curve
from recurra.storage import loads_strict

_METRICS = (
    ("rmse", "RMSE", "lower"),
    ("nrmse", "NRMSE", "lower"),
    ("mae", "MAE", "lower"),
    ("smape", "sMAPE", "lower"),
    ("r2", "R²", "higher"),
    ("valid_time", "valid time", "higher"),
)
_CLOSED = (
    "The model runs on its own output from the end of the training data; it sees nothing of the truth. "
    "NRMSE is the error in standard deviations of the training data: 1 is about as good as always "
    "forecasting the mean."
)

_UNKNOWN = (
    "How long the data can be forecast is not known: no exponent of theirs is. `recurra diagnose` estimates it from "
    "the rows, or takes that of the network."
)


def run_report(run_dir: str | Path) -> Report:
    """Compose the report of a finished run from the files of its directory.

    Args:
        run_dir: the directory that `recurra fit` wrote.

    Raises:
        RunDirectoryError: no run, one that is not finished, or one of its files is missing or damaged.
    """
    run = read_run(run_dir)
    learner = run.results["learner"]
    return Report(
        title=f"{ink(learner).title} forecast of {_data_name(run)}",
        summary=_summary(run, learner),
        sections=[_scores(run, learner), *_forecast_sections(run, learner), *_fitted(run), *_learned(run)],
        command=run.command,
        config=run.config,
        # what a run cost differs from one to the next, and its report is to be the same
        versions=dict(_flat({name: value for name, value in run.environment.items() if name != "cost"})),
        data_hash=run.results["data_sha256"],
        highlights=_highlights(run, learner),
    )


def _fitted(run: Run) -> list[Section]:
    """What a search tried, and how the training went: of a learner that is solved in one step the first says enough."""
    trials = [entry for entry in run.results.get("candidates", []) if "trial" in entry]
    found = [search_section(trials)] if trials else []
    if noise := run.results.get("noise"):
        found.insert(0, Section("Is there noise?", clean(noise_in_words(noise))))
    if run.history:
        found.append(Section("Training", _said(run), figures=[training_curve(run.history)]))
    elif not trials:
        words = "This learner is solved in one step: there is no training curve."
        found.append(Section("Training", _said(run, words)))
    return found


def _learned(run: Run) -> list[Section]:
    """What `recurra diagnose` has found, where it was asked; and in the end how long anything can be forecast."""
    file = run.path / DIAGNOSIS
    found = loads_strict(file.read_bytes(), what=str(file)) if file.exists() else {}
    sections = []
    if found:
        page, said = found["page"], found["words"]
        beside = Path(page).name == page and (run.path / page).is_file()
        text = said if beside else f"{said}\n\nAll figures and numbers are in {page}."
        link = (page, "All figures and numbers") if beside else None
        sections.append(Section("What has it learned?", text, link=link))
    return [*sections, limit_section(run, found.get("limit", ""))]


def limit_section(run: Run, known: str = "") -> Section:
    """How long the data of a run can be forecast, whatever the model: what every report on data ends with.

    Args:
        run: a finished run.
        known: what a diagnosis has said about it.
    """
    exponent = run.results["lyapunov_exponent"]
    return Section("How long can it be forecast?", known or (_limit(run, exponent) if exponent else _UNKNOWN))


def _limit(run: Run, exponent: float) -> str:
    from recurra.systems import catalogue

    system = catalogue().get(run.spec.name) if run.spec.kind == "system" else None
    return limit(run.series, exponent, _data_name(run), is_map=hasattr(system, "map"))


def _said(run: Run, *before: str) -> str:
    """What went wrong in a training without stopping it; the first runs kept no alarms."""
    alarms = [f"Alarm, {each['kind']}: {each['message']}." for each in run.results.get("alarms", [])]
    return "\n\n".join([*before, *alarms])


def _data_name(run: Run) -> str:
    return clean(Path(run.results["data"].removeprefix("dataset:").removeprefix("system:")).name)


def _flat(document: Mapping[str, Any], before: str = "") -> list[tuple[str, str]]:
    """Nested names joined by spaces, {"cpu": {"cores": 2}} as ("cpu cores", "2"); versions without prefix."""
    found = []
    for name, value in document.items():
        key = "" if name == "versions" else f"{before} {name}".strip()
        found += _flat(value, key) if isinstance(value, dict) else [(key, str(value))]
    return found


def _score(run: Run, kind: str) -> Mapping[str, Any]:
    return run.results["score"][kind]


def _scores(run: Run, learner: str) -> Section:
    captions = {
        "closed_loop": "Closed loop: the whole forecast on its own output; the best of a column is marked.",
        "one_step": "One step ahead: every forecast sees the true values up to its own time.",
    }
    tables = [_score_table(run, learner, kind, caption) for kind, caption in captions.items()]
    notes = [note for kind in captions for note in _score(run, kind).get("notes", ())]
    return Section("How good is it?", "\n\n".join([_CLOSED, *notes]), tables=tables)


def _score_table(run: Run, learner: str, kind: str, caption: str) -> Table:
    score = _score(run, kind)
    rows = {learner: score, **score["baselines"]}
    shown = [each for each in _METRICS if any(row.get(each[0]) is not None for row in rows.values())]
    common = set(run.truth.units)
    unit = common.pop() if len(common) == 1 else ""
    units = {"rmse": unit, "mae": unit, "smape": "%", "valid_time": time_unit(run.truth)}
    heads = [f"{title} ({clean(units[name])})" if units.get(name) else title for name, title, _ in shown]
    return Table(
        ["Learner", *heads],
        [[clean(ink(name).title), *(row.get(metric) for metric, _, _ in shown)] for name, row in rows.items()],
        caption,
        ["", *(better for _, _, better in shown)],
    )


def _forecast_sections(run: Run, learner: str) -> list[Section]:
    threshold, exponent = _score(run, "closed_loop")["threshold"], run.results["lyapunov_exponent"]
    scale = np.array(run.results["training_std"])
    growth = error_growth_figure(run.truth, run.forecasts, scale, threshold, exponent)
    found = [
        Section("Forecast", figures=[forecast_figure(run.truth, run.forecasts, run.before)]),
        Section("How long can it be trusted?", _truth(run), figures=[growth]),
    ]
    if len(run.truth.channels) > 1:
        figure = phase_portrait(run.truth, {learner: run.forecasts[learner]})
        found.append(Section("Does it follow the same dynamics?", figures=[figure]))
    return found


def _truth(run: Run) -> str:
    """How far simulated rows can be trusted themselves."""
    found = run.results["truth"]
    if not found:
        return ""
    error, step = found["local_error"], found["internal_step"]
    how = f"fixed step {step:g}" if error is None else f"local error held at {error:g} by sub-steps"
    agreed, whole = found["agreement_time"], (len(run.truth) - 1) * run.truth.dt
    until = (
        "over all test rows."
        if agreed >= whole * (1 - 1e-9)
        else f"for {duration(run.truth, agreed)}: no forecast can be shown to be valid for longer."
    )
    simulated = f"The truth is a simulation ({found['method']}, {how})."
    return f"{simulated} It agrees with a second solver from the same start {until}"


def _baseline(run: Run) -> tuple[str, float] | None:
    """The baseline with the smallest closed-loop NRMSE."""
    table = _score(run, "closed_loop")["baselines"]
    found = [(row["nrmse"], name) for name, row in table.items() if row.get("nrmse") is not None]
    return (min(found)[1], float(min(found)[0])) if found else None


def _summary(run: Run, learner: str) -> str:
    title, series = ink(learner).title, run.forecasts[learner]
    names = ", ".join(clean(name) for name in run.train.channels[:6])
    more = "" if len(run.train.channels) <= 6 else f" and {len(run.train.channels) - 6} more"
    span = duration(series, len(series) * series.dt)
    parts = [
        f"{title} was trained on {len(run.train):,} rows of {names}{more}.",
        f"It then ran on its own output for {len(series):,} steps ({span}).",
    ]
    score, best = _score(run, "closed_loop"), _baseline(run)
    if score.get("nrmse") is not None:
        parts.append(f"Its error is {number(score['nrmse'])} standard deviations of the training data")
        parts[-1] += f"{_against(float(score['nrmse']), best)}." if best else "; there is no baseline to compare with."
    return " ".join(parts)


def _against(error: float, best: tuple[str, float]) -> str:
    name, other = best
    title = ink(name).title
    if other == 0 or error == 0 or error == other:
        return f"; the best baseline, {title}, has {number(other)}"
    smaller, ratio = error < other, max(error, other) / min(error, other)
    share = 100 * abs(error - other) / other
    how = f"{number(ratio, 2)} times" if ratio >= 2 else f"{number(share, 2)}\u00a0%"
    return f", {how} {'smaller' if smaller else 'larger'} than that of the best baseline, {title}"


def _highlights(run: Run, learner: str) -> list[Highlight]:
    score, best = _score(run, "closed_loop"), _baseline(run)
    cards, valid = [], score.get("valid_time")
    if valid is not None:
        exponent = run.results["lyapunov_exponent"]
        note = f"error below {number(score['threshold'], 1)} standard deviations"
        if exponent and exponent > 0:
            note = f"{number(valid * exponent)} Lyapunov times, " + note
        cards.append(Highlight("Valid for", duration(run.truth, valid), note))
    if score.get("nrmse") is not None:
        cards.append(Highlight("Error, closed loop", number(score["nrmse"]), "NRMSE: 1 is as good as the mean"))
    if best:
        cards.append(Highlight("Best baseline", number(best[1]), f"NRMSE of {clean(ink(best[0]).title)}"))
    step = _score(run, "one_step").get("nrmse")
    if step is not None:
        cards.append(Highlight("Error, one step", number(step), "NRMSE, true values seen at every step"))
    return cards
