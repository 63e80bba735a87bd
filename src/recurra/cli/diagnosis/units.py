"""What the units of a network do: which follow a channel, the modes they have together, how far back they remember."""

from dataclasses import replace
from typing import Any

import numpy as np

from recurra.cli.diagnosis.case import Case, known_rows
from recurra.cli.diagnosis.finding import Finding
from recurra.cli.tables import aligned
from recurra.errors import DataError

_ROWS = 5000  # along which units are compared with channels, at most
_SETTLES = 100  # rows at their beginning that are left out, one in ten at most
_LAGS, _SHIFTS = 10, 999  # of units behind channels; shifted series to compare with
_LISTED, _SHOWN = 8, 3  # rows of a table; channels that are drawn
_REST = 2000  # steps in which a network comes to rest under the mean of its data
_NOISE = 3**0.5  # half of the width of a uniform distribution of variance one, as scaled data have
_REMEMBERED = 200  # lags of a memory, at most
_STEPS = 10_000  # of noise, at least


def followers(case: Case) -> Finding:
    """Which unit follows which channel, with what delay, and whether chance would do as well."""
    from recurra.report import Section, Table
    from recurra.report.followers import Followed, follower_figure
    from recurra.storage import plain

    seen, found, rows, shifts = _compared(case)
    best = [next(pair for pair in found.pairs if pair.channel == name) for name in _channels(case)]
    units = len({pair.unit for pair in found.found()})
    summary = f"{units:,} of {seen.values.shape[1]:,} units follow a channel more closely than chance would."
    closest = "; ".join(_followed(pair) for pair in best if pair in found.found())
    if closest:
        summary += f" The closest: {closest}."
    how = (
        f"Along {rows}, {len(seen.values):,} rows. p is the probability of a correlation as large anywhere among all "
        f"units, channels and lags up to {_LAGS} if none followed any, by {shifts:,} shifted series. Of oscillations "
        "of one frequency it tells nothing: they agree at some lag however they are shifted."
    )
    columns = ["unit", "channel", "lag, steps", "correlation", "p"]
    pairs = [*best, *(pair for pair in found.pairs[:_LISTED] if pair not in best)]
    listed = [[pair.name, pair.channel, pair.lag, pair.correlation, pair.p] for pair in pairs]
    panels = [Followed(pair, _column(seen.seen, pair.channel), seen.values[:, pair.unit]) for pair in best[:_SHOWN]]
    unit = seen.seen.provenance.get("time_unit", "")
    figure = follower_figure(panels, case.inside.name, found.dt, unit)
    table = Table(
        columns, listed, "For each channel the unit that follows it most closely; then the closest pairs of all."
    )
    section = Section("Which unit follows what?", f"{summary}\n\n{how}", [figure], [table])
    results = {"data": rows, "units": units, "pairs": [dict(zip(columns, row, strict=True)) for row in listed]}
    text = f"{summary}\n{how}\n\n{aligned(columns, listed)}\n"
    return Finding("Units and what they follow", summary, plain(results), text, [section])


def _compared(case: Case) -> tuple[Any, Any, str, int]:
    """States along known rows, what they follow, which rows, and how many shifted series stand beside."""
    from recurra.diagnostics import followers as compare
    from recurra.diagnostics import states_of

    series, rows = known_rows(case.run, case.length)
    seen = states_of(case.inside.model, max(series.segments, key=len)[-_ROWS:])
    skip = min(_SETTLES, len(seen.values) // 10)
    seen = replace(seen, values=seen.values[skip:], seen=seen.seen[skip:])
    shifts = min(_SHIFTS, len(seen.values) - 2 * _LAGS - 1)
    if shifts < 1:
        raise DataError(f"{len(seen.values)} rows are too few to tell a unit that follows a channel from chance")
    return seen, compare(seen, max_lag=_LAGS, permutations=shifts, seed=case.seed), rows, shifts


def _followed(pair: Any) -> str:
    later = "at once" if pair.lag == 0 else f"{pair.lag} step{'s' if pair.lag > 1 else ''} later"
    return f"{pair.channel} by {pair.name}, {later} (r = {pair.correlation:.3g})"


def modes(case: Case) -> Finding:
    """The network as a set of oscillators, with frequency and damping, around its rest under the mean of its data."""
    from recurra.diagnostics import modes as around
    from recurra.report import Section, Table
    from recurra.report.modes import alive_modes, modes_figure
    from recurra.storage import plain

    state, settled = _rest(case.inside.model)
    found, peaks = around(case.inside.model, state=state), _peaks(case)
    where = (
        "Around the state in which the network rests while it is given the mean of its data."
        if settled
        else f"Given the mean of its data the network does not come to rest in {_REST:,} steps: around its last state."
    )
    columns = ["frequency", "damping", "time constant", "quality"]
    values = np.stack([found.frequencies, found.dampings, found.time_constants, found.qualities], axis=1)
    table = values[alive_modes(found)[:_LISTED]].tolist()
    rows = [[str(k + 1), *row] for k, row in enumerate(table)]
    caption = (
        "The slowest modes, in cycles and per time unit; a time constant is negative where a mode grows, the quality "
        "1/2 without an oscillation."
    )
    figure = modes_figure(found, case.inside.name, peaks, case.run.series.provenance.get("time_unit", ""))
    section = Section(
        "What oscillators is it made of?",
        f"{found.words}\n\n{where} A disturbance of the states is a sum of such modes, each a damped oscillation.",
        [figure],
        [Table(["", *columns], rows, caption)],
    )
    slowest = [dict(zip(columns, row, strict=True)) for row in table]
    results = {"settled": settled, "modes": len(found.multipliers), "slowest": slowest, "peaks": peaks}
    text = f"{found.words}\n{where}\n\n{aligned(['', *columns], rows)}\n"
    return Finding("Modes", found.words, plain(results), text, [section])


def memory(case: Case) -> Finding:
    """How far back the states remember each input, and how much in all."""
    from recurra.diagnostics import measure_memory_capacity, states_of
    from recurra.report import Section, Table
    from recurra.report.memory import memory_figure
    from recurra.storage import plain

    model = case.inside.model
    units = states_of(model, case.run.known[:3]).values.shape[1]
    lags = min(2 * units, _REMEMBERED)
    options = {"lags": lags, "scale": _NOISE, "steps": max(_STEPS, 4 * (units + lags) + lags), "seed": case.seed}
    names = _channels(case)[:_SHOWN]
    found = {name: measure_memory_capacity(model, feature=k, **options) for k, name in enumerate(names)}
    reach = {name: _half(each.by_lag) for name, each in found.items()}
    told = "; ".join(_remembered(name, reach[name], case.dt) for name in names)
    summary = f"The states still tell at least half of an input: {told}."
    how = (
        "White noise as large as the data comes in by one input while the others are held at their mean, and linear "
        f"readouts of the {units:,} states are asked for what came in some steps ago. The sum over the lags of what "
        f"they know, the memory capacity, is {units:,} at most."
    )
    columns = ["input", "capacity", "±", "known now", "half known, steps back"]
    rows = [[name, each.total, each.error, float(each.by_lag[0]), reach[name]] for name, each in found.items()]
    caption = f"Memory capacity over {lags} lags with its standard error."
    section = Section(
        "How far back does it remember?", f"{summary}\n\n{how}", [memory_figure(found)], [Table(columns, rows, caption)]
    )
    results = {
        "states": units,
        "lags": lags,
        "inputs": {
            name: {"capacity": each.total, "error": each.error, "half": reach[name], "by_lag": each.by_lag}
            for name, each in found.items()
        },
    }
    return Finding("Memory", summary, plain(results), f"{summary}\n{how}\n\n{aligned(columns, rows)}\n", [section])


def _channels(case: Case) -> tuple[str, ...]:
    """All that the network sees."""
    frame = case.inside.model.frame_
    return (*frame.channels, *frame.inputs)


def _column(series: Any, name: str) -> np.ndarray:
    part = series if name in series.channels else series.inputs
    return part.values[:, part.channels.index(name)]


def _rest(model: Any) -> tuple[np.ndarray, bool]:
    """The state after long under the mean of the data, and whether it is one of rest."""
    from recurra.diagnostics import states_of
    from recurra.diagnostics.states import reservoir_of
    from recurra.diagnostics.subject import network_of

    held = reservoir_of(model) or network_of(model)
    last, state = states_of(held, np.zeros((_REST, model.frame_.features))).values[-2:]
    return state, bool(np.abs(state - last).max() <= 1e-6)


def _peaks(case: Case) -> dict[str, float]:
    from recurra.diagnostics.attractor import welch_spectrum

    found = welch_spectrum(case.truth).peaks[:_SHOWN]
    return {name: float(f) for name, f in zip(case.truth.channels, found, strict=False) if np.isfinite(f)}


def _half(by_lag: np.ndarray) -> int | None:
    """The last lag before less than half is known; None where that is so from the beginning."""
    lost = np.flatnonzero(by_lag < 0.5)
    last = int(lost[0]) - 1 if lost.size else len(by_lag) - 1
    return last if last >= 0 else None


def _remembered(name: str, reach: int | None, dt: float) -> str:
    if reach is None:
        return f"of {name} not even in the same step"
    return f"of {name} {reach} step{'' if reach == 1 else 's'} back ({reach * dt:.3g} time units)"
