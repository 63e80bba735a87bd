"""The report of one run, composed from the files of its directory."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from recurra.report.forecasts import duration, forecast_figure, time_unit
from recurra.report.formatting import clean, number, quantity
from recurra.report.growth import error_growth_figure
from recurra.report.page import Highlight, Report, Section, Table
from recurra.report.palette import ink
from recurra.report.portrait import phase_portrait
from recurra.report.run_files import RunFiles, read_run
from recurra.report.training import training_curve
from recurra.series import Series

_METRICS = (
    ("rmse", "RMSE", "lower"),
    ("nrmse", "NRMSE", "lower"),
    ("mae", "MAE", "lower"),
    ("smape", "sMAPE", "lower"),
    ("r2", "R²", "higher"),
    ("valid_time", "valid time", "higher"),
)
_THRESHOLD = 0.4
_CLOSED = (
    "The model runs on its own output from the end of the training data; it sees nothing of the truth. "
    "NRMSE is the error in standard deviations of the training data: 1 is about as good as always "
    "forecasting the mean."
)


def run_report(run_dir: str | Path) -> Report:
    """Compose the report of a run directory; what is missing there is said in a section of its own.

    Args:
        run_dir: the directory that the command line wrote.

    Raises:
        RunDirectoryError: there is no such directory.
        DataError: one of its files is damaged.
    """
    run = read_run(run_dir)
    learner = _learner(run)
    forecasts = {name or learner: series for name, series in run.forecasts.items()}
    sections, notes = [_scores(run, learner)], list(run.notes)
    if forecasts and run.truth is not None:
        sections += _forecast_sections(run, run.truth, forecasts, notes)
    elif forecasts:
        notes.append("data.npz holds no test part: the forecast has no truth to be drawn against.")
    if run.history:
        sections.append(Section("Training", figures=[training_curve(run.history)]))
    elif not any(note.startswith("history.jsonl") for note in notes):
        sections.append(Section("Training", "This learner is solved in one step: there is no training curve."))
    if notes:
        sections.append(Section("What is missing", "\n\n".join(notes)))
    name = _data_name(run)
    return Report(
        title=f"{ink(learner).title} forecast of {name}",
        summary=_summary(run, learner, forecasts),
        sections=sections,
        command=run.command,
        config=run.config,
        versions=run.versions,
        data_hash=str(run.results.get("data_sha256") or ""),
        highlights=_highlights(run, learner),
    )


def _learner(run: RunFiles) -> str:
    return str(run.results.get("learner") or run.config.get("learner") or "model")


def _data_name(run: RunFiles) -> str:
    found = str(run.results.get("data") or run.path.name)
    return clean(Path(found.removeprefix("dataset:").removeprefix("system:")).name)


def _score(run: RunFiles, kind: str) -> Mapping[str, Any]:
    return (run.results.get("score") or {}).get(kind) or {}


def _unit(run: RunFiles) -> str:
    part = run.truth or run.train
    return time_unit(part) if part is not None else str(run.results.get("time_unit") or "")


def _scores(run: RunFiles, learner: str) -> Section:
    captions = {
        "closed_loop": "Closed loop: the whole forecast on its own output; the best of a column is marked.",
        "one_step": "One step ahead: every forecast sees the true values up to its own time.",
    }
    tables = [_score_table(run, learner, kind, caption) for kind, caption in captions.items() if _score(run, kind)]
    text = _CLOSED if tables else "There are no scores: metrics.json holds none."
    return Section("How good is it?", text, tables=tables)


def _score_table(run: RunFiles, learner: str, kind: str, caption: str) -> Table:
    score = _score(run, kind)
    rows = {learner: score, **(score.get("baselines") or {})}
    shown = [each for each in _METRICS if any(row.get(each[0]) is not None for row in rows.values())]
    data = run.truth or run.train
    common = set(data.units) if data is not None else set()
    unit = common.pop() if len(common) == 1 else ""
    units = {"rmse": unit, "mae": unit, "smape": "%", "valid_time": _unit(run)}
    heads = [f"{title} ({clean(units[name])})" if units.get(name) else title for name, title, _ in shown]
    return Table(
        ["Learner", *heads],
        [[clean(ink(name).title), *(row.get(metric) for metric, _, _ in shown)] for name, row in rows.items()],
        caption,
        ["", *(better for _, _, better in shown)],
    )


def _forecast_sections(
    run: RunFiles, truth: Series, forecasts: Mapping[str, Series], notes: list[str]
) -> list[Section]:
    learner = next(iter(forecasts))
    found = [Section("Forecast", figures=[forecast_figure(truth, forecasts, run.train)])]
    scale = run.results.get("training_std")
    if scale is None and run.train is not None:
        scale = run.train.values.std(axis=0)
    if scale is None or not (np.isfinite(scale).all() and np.all(np.asarray(scale) > 0)):
        notes.append("The standard deviation of the training data is not known: the error growth is not drawn.")
    else:
        exponent = run.results.get("lyapunov_exponent")
        figure = error_growth_figure(truth, forecasts, scale, _THRESHOLD, exponent)
        found.append(Section("How long can it be trusted?", _truth(run, truth), figures=[figure]))
    if len(truth.channels) > 1:
        figure = phase_portrait(truth, {learner: forecasts[learner]})
        found.append(Section("Does it follow the same dynamics?", figures=[figure]))
    return found


def _truth(run: RunFiles, rows: Series) -> str:
    """How far simulated rows can be trusted themselves."""
    found = run.results.get("truth")
    if not found:
        return ""
    step = found["internal_step"]
    how = f"local error held at {found['local_error']:g} by sub-steps" if step == "adaptive" else f"fixed step {step:g}"
    return (
        f"The truth is a simulation ({found['method']}, {how}). It agrees with a second solver from the same start for "
        f"{duration(rows, found['agreement_time'])}: no forecast can be shown to be valid for longer."
    )


def _baseline(run: RunFiles) -> tuple[str, float] | None:
    """The baseline with the smallest closed-loop NRMSE."""
    table = _score(run, "closed_loop").get("baselines") or {}
    found = [(row["nrmse"], name) for name, row in table.items() if row.get("nrmse") is not None]
    return (min(found)[1], float(min(found)[0])) if found else None


def _summary(run: RunFiles, learner: str, forecasts: Mapping[str, Series]) -> str:
    title = ink(learner).title
    parts = []
    if run.train is not None:
        names = ", ".join(clean(name) for name in run.train.channels[:6])
        more = "" if len(run.train.channels) <= 6 else f" and {len(run.train.channels) - 6} more"
        parts.append(f"{title} was trained on {len(run.train):,} rows of {names}{more}.")
    if learner in forecasts:
        series = forecasts[learner]
        span = duration(series, len(series) * series.dt)
        parts.append(f"It then ran on its own output for {len(series):,} steps ({span}).")
    score, best = _score(run, "closed_loop"), _baseline(run)
    if score.get("nrmse") is not None:
        parts.append(f"Its error is {number(score['nrmse'])} standard deviations of the training data")
        parts[-1] += f"{_against(float(score['nrmse']), best)}." if best else "; there is no baseline to compare with."
    return " ".join(parts) or "The run directory holds neither data nor scores."


def _against(error: float, best: tuple[str, float]) -> str:
    name, other = best
    title = ink(name).title
    if other == 0 or error == 0 or error == other:
        return f"; the best baseline, {title}, has {number(other)}"
    smaller, ratio = error < other, max(error, other) / min(error, other)
    share = 100 * abs(error - other) / other
    how = f"{number(ratio, 2)} times" if ratio >= 2 else f"{number(share, 2)}\u00a0%"
    return f", {how} {'smaller' if smaller else 'larger'} than that of the best baseline, {title}"


def _highlights(run: RunFiles, learner: str) -> list[Highlight]:
    score, unit, best = _score(run, "closed_loop"), _unit(run), _baseline(run)
    cards, part = [], run.truth or run.train
    valid = score.get("valid_time")
    if valid is not None:
        exponent = run.results.get("lyapunov_exponent")
        note = f"error below {number(_THRESHOLD, 1)} standard deviations"
        if exponent and exponent > 0:
            note = f"{number(valid * exponent)} Lyapunov times, " + note
        cards.append(Highlight("Valid for", duration(part, valid) if part is not None else quantity(valid, unit), note))
    if score.get("nrmse") is not None:
        cards.append(Highlight("Error, closed loop", number(score["nrmse"]), "NRMSE: 1 is as good as the mean"))
    if best:
        cards.append(Highlight("Best baseline", number(best[1]), f"NRMSE of {clean(ink(best[0]).title)}"))
    step = _score(run, "one_step").get("nrmse")
    if step is not None:
        cards.append(Highlight("Error, one step", number(step), "NRMSE, true values seen at every step"))
    return cards
