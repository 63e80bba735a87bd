"""Lyapunov exponents: of the network on its own output, beside those of the equation or an estimate from the data."""

from typing import Any

import numpy as np

from recurra.cli.diagnosis.case import Case
from recurra.cli.diagnosis.finding import Finding
from recurra.cli.tables import aligned
from recurra.errors import ConfigError, DataError, DivergenceError

_FOLLOWED = 20_000  # steps of a network, at most: its states are large
_SURE = 3.0  # standard errors


def exponents(case: Case) -> Finding:
    """The spectrum of the network beside that of the truth, which exponents to trust, and the dimension."""
    from recurra.diagnostics import lyapunov_spectrum

    columns: dict[str, Any] = {}
    notes: list[str] = []
    results: dict[str, Any] = {}
    figures: list[str] = []
    if case.system is not None:
        try:
            own = lyapunov_spectrum(case.system, steps=case.truth_steps, dt=case.step, seed=case.seed)
            columns["truth"] = own
        except (ConfigError, DivergenceError) as error:
            notes.append(f"No exponents of the equation: {error}.")
    elif case.model is not None:
        results["estimate"] = _estimate(case, notes, figures)
    conditional = None
    if case.model is not None:
        conditional = _conditional(case)
        notes.insert(0, conditional.words)
        results["conditional"] = {
            "largest": conditional.largest,
            "error": float(conditional.spectrum.errors[0]),
            "echo_state": conditional.echo_state,
            "memory_time": conditional.memory_time,
        }
        if case.drive:
            notes.append(f"It is driven by {', '.join(case.drive)}: left alone it has no motion, and no exponents.")
        else:
            columns[case.inside.name] = lyapunov_spectrum(
                case.inside.model, steps=min(case.steps, _FOLLOWED), seed=case.seed
            )
    elif not columns:
        raise ConfigError(notes[0])
    return _finding(case, columns, conditional, results, notes, figures)


def _conditional(case: Case) -> Any:
    from recurra.diagnostics import conditional_exponents

    return conditional_exponents(case.inside.model, case.run.known, count=1, seed=case.seed)


def _estimate(case: Case, notes: list[str], figures: list[str]) -> dict[str, Any] | None:
    """The largest exponent of measured rows, as far as they tell, and its curve; what they do not tell is a note."""
    from recurra.diagnostics import exponent_from_data
    from recurra.report.stretching import stretching_figure

    try:
        found = exponent_from_data(case.truth, case.truth.channels[0])
    except (ConfigError, DataError) as error:
        notes.append(f"No estimate of an exponent from the data: {error}.")
        return None
    notes.append(found.words)
    figures.append(stretching_figure(found, case.truth.channels[0], case.truth.provenance.get("time_unit", "")))
    sure = found.region is not None and found.unfolded is not False
    return {"exponent": found.exponent if found.region else None, "error": found.error, "sure": sure}


def _finding(
    case: Case,
    columns: dict[str, Any],
    conditional: Any,
    results: dict[str, Any],
    notes: list[str],
    figures: list[str],
) -> Finding:
    from recurra.report import Highlight, Section, Table
    from recurra.report.exponents import Column, exponent_figure
    from recurra.storage import plain

    trusted = {name: np.ones(len(found.exponents), bool) for name, found in columns.items()}
    if conditional is not None and case.inside.name in columns:
        known = columns["truth"].exponents if "truth" in columns else None
        trusted[case.inside.name] = conditional.trusted(columns[case.inside.name].exponents, known)
    for name, found in columns.items():
        results[name] = {
            "exponents": found.exponents,
            "errors": found.errors,
            "trusted": trusted[name],
            "dimension": found.dimension,
            "converged": found.converged,
        }
    notes += _lost(case, columns, conditional, results)
    summary = _summary(case, columns, trusted, results)
    heads = ["", *(f"{name}{part}" for name in columns for part in ("", " ±")), *(["trusted"] if conditional else [])]
    rows = _rows(case, columns, trusted)
    tables = [Table(heads, rows, "Lyapunov exponents per time unit, with standard errors.")] if columns else []
    if columns:
        estimate = results.get("estimate") or {}
        marks = {n: Column(f.exponents, f.errors, trusted[n]) for n, f in columns.items()}
        if "truth" not in marks and estimate.get("exponent") is not None:
            only = np.array([estimate["exponent"]]), np.array([estimate["error"]]), np.array([estimate["sure"]])
            marks = {"truth": Column(*only), **marks}
        level = None if conditional is None or case.drive else conditional.largest
        figures = [exponent_figure(marks, level), *figures]
    section = Section("Lyapunov exponents", "\n\n".join([summary, *notes]), figures, tables)
    text = "\n".join([summary, *notes, "", *([aligned(heads, rows), ""] if columns else [])])
    cards = []
    if columns:
        name, found = list(columns.items())[-1]
        beside = f"{columns['truth'].exponents[0]:.3g} of the truth" if len(columns) == 2 else "per time unit"
        cards.append(Highlight("First exponent", f"{found.exponents[0]:.3g}", beside))
    return Finding("Lyapunov exponents", summary, plain(results), text, [section], cards)


def _lost(case: Case, columns: dict[str, Any], conditional: Any, results: dict[str, Any]) -> list[str]:
    """Whether the network forgets fast enough to have all exponents of the truth."""
    if conditional is None or case.drive:
        return []
    if "truth" not in columns:
        return [f"Exponents below {conditional.largest:.3g} belong to the network itself, not to what it has learned."]
    exponents = columns["truth"].exponents
    gap = results["gap"] = conditional.gap(exponents[np.isfinite(exponents)])
    if gap > 0:
        return [f"The network forgets faster than the truth shrinks, by {gap:.3g}: it can have all of its exponents."]
    known = int((exponents > conditional.largest).sum())
    return [
        f"The truth shrinks faster than the network forgets: of its {len(exponents)} exponents {known} can be found in "
        "the network, the others are lost among those of the network itself."
    ]


def _summary(case: Case, columns: dict[str, Any], trusted: dict[str, np.ndarray], results: dict[str, Any]) -> str:
    if not columns:
        return "There are no exponents of a free run."
    whose = {name: " (the truth)" if name == "truth" else " (the free network)" for name in columns}
    if case.model is None:
        whose = {"truth": ""}
    first = [f"{each.exponents[0]:.3g} ± {each.errors[0]:.2g}{whose[name]}" for name, each in columns.items()]
    said = [f"The first exponent per time unit is {' and '.join(first)}"]
    sizes = [f"{each.dimension:.3g}" for each in columns.values() if each.dimension is not None]
    if len(sizes) == len(columns):
        said[-1] += f", the Kaplan-Yorke dimension {' and '.join(sizes)}"
    if len(columns) == 2:
        pairs = _compared(columns["truth"], columns[case.inside.name], trusted[case.inside.name])
        agree = results["agree"] = sum(alike for *_, alike in pairs)
        said.append(f"{agree} of the {len(pairs)} exponents that can be trusted agree within {_SURE:g} standard errors")
    return ". ".join(said) + "."


def _compared(truth: Any, network: Any, trusted: np.ndarray) -> list[tuple[float, float, bool]]:
    """Pairs of exponents, and whether they agree."""
    found = []
    for k in range(min(len(truth.exponents), int(trusted.sum()))):
        a, b = float(truth.exponents[k]), float(network.exponents[k])
        error = float(np.hypot(np.nan_to_num(truth.errors[k]), np.nan_to_num(network.errors[k])))
        found.append((a, b, bool(abs(a - b) <= _SURE * error + 1e-9)))
    return found


def _rows(case: Case, columns: dict[str, Any], trusted: dict[str, np.ndarray]) -> list[list[Any]]:
    rows = []
    for k in range(max((len(found.exponents) for found in columns.values()), default=0)):
        row: list[Any] = [str(k + 1)]
        for found in columns.values():
            known = k < len(found.exponents)
            row += [float(found.exponents[k]), _finite(found.errors[k])] if known else [None, None]
        if case.model is not None:
            own = trusted.get(case.inside.name, np.empty(0, bool))
            row.append(("yes" if own[k] else "no") if k < len(own) else None)
        rows.append(row)
    return rows


def _finite(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None
