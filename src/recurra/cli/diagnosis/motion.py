"""What a network and an equation do in the long run: the word for it, and where they rest."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from recurra.cli.diagnosis.case import Case
from recurra.cli.diagnosis.finding import Finding
from recurra.cli.tables import aligned
from recurra.errors import ConfigError, DivergenceError

_FOLLOWED = 20_000  # steps, at most
_SETTLED = 2000  # steps before them
_LISTED = 3  # channels and rates that are listed
_NOTHING = 1e-6  # of the size of the data


def behaviour(case: Case) -> Finding:
    """The word for the motion of the network, and for that of the data."""
    from recurra.diagnostics import behaviour as told
    from recurra.report import Highlight, Section, Table
    from recurra.storage import plain

    numbers: dict[str, Any] = {
        "steps": min(case.steps, _FOLLOWED),
        "transient": min(case.steps, _SETTLED),
        "seed": case.seed,
    }
    found = {}
    if case.model is not None:
        one = case.inside.facts.get("members", 1) == 1 and case.inside.has_step_map
        own = case.alone(case.inside.model) if one else case.free
        found[case.network] = told(own, **numbers)
    try:
        found["truth"] = told(case.truth if case.system is None else case.system, dt=case.step, **numbers)
    except ConfigError:  # an equation without a map from state to state: then its rows tell
        found["truth"] = told(case.truth, **numbers)
    summary = _said(case, found)
    rows = [[name, each.kind, each.why] for name, each in found.items()]
    results = {name: {"kind": each.kind, "numbers": each.numbers, "why": each.why} for name, each in found.items()}
    table = Table(["", "motion", "why"], rows, "The motion, and what that rests on.")
    section = Section("What does it do in the long run?", summary, tables=[table])
    text = "\n".join([summary, "", *(f"{name}: {kind}; {why}." for name, kind, why in rows), ""])
    name, first = next(iter(found.items()))
    cards = [Highlight("Motion", first.kind, case.data if name == "truth" else f"the truth: {found['truth'].kind}")]
    return Finding("Behaviour", summary, plain(results), text, [section], cards)


def _said(case: Case, found: dict[str, Any]) -> str:
    truth = found["truth"].kind
    name, verb = ("the data", "are") if case.system is None else (case.data, "is")
    if case.model is None:
        why = found["truth"].why
        return f"{name} {verb} {_a(truth)}. {why[0].upper()}{why[1:]}."
    own = found[case.network].kind
    if own == truth:
        return f"Left to itself the network is {_a(own)}, and so {verb} {name}."
    return f"Left to itself the network is {_a(own)}, where {name} {verb} {_a(truth)}."


def _a(kind: str) -> str:
    return f"on a {kind}" if kind in ("point attractor", "limit cycle") else kind


def fixed_points(case: Case) -> Finding:
    """Where the network rests, beside where the equation does: stability, multipliers, time constants."""
    from recurra.report import Section, Table
    from recurra.report.fixed_points import portrait_figure
    from recurra.storage import plain

    notes: list[str] = []
    resting: dict[str, Resting] = {}
    if case.model is not None:
        resting[case.inside.name] = _of_network(case)
    if case.system is not None:
        try:
            resting["truth"] = _of_equation(case)
        except (ConfigError, DivergenceError) as error:
            if not resting:
                raise
            notes.append(f"No fixed points of the equation: {error}.")
    size = case.truth.values.std(axis=0)
    rows = [row for name, each in resting.items() for row in _rows(name, each, size)]
    summary = " ".join(_counted(case, name, each) for name, each in resting.items())
    notes.append(
        "Starts of the search: slow rows of the data, held until the network settles. More may exist."
        if case.model is not None
        else "More may exist: no search finds all."
    )
    columns = ["whose", "kind", ", ".join(case.truth.channels[:_LISTED]), "rates, per time unit", "time constant"]
    caption = (
        "Fixed points; the rates of growth there (of a flow the eigenvalues of its derivative), the largest ones, and "
        "in how many time units the slowest difference shrinks by e; negative: grows."
    )
    tables = [Table(columns, rows, caption)] if rows else []
    figure = portrait_figure(_panels(case, resting), case.truth, case.is_map)
    section = Section("Where does it rest?", "\n\n".join([summary, *notes]), [figure], tables)
    text = "\n".join([summary, *notes, "", *([aligned(columns, rows), ""] if rows else [])])
    results = {name: {"places": each.places, **each.as_dict()} for name, each in resting.items()}
    return Finding("Fixed points", summary, plain(results), text, [section])


@dataclass(frozen=True, eq=False)
class Resting:
    """Fixed points of one map: in the units of the data (points, channels), and all that is known of them."""

    places: np.ndarray
    found: Any

    def as_dict(self) -> dict[str, Any]:
        """Plain numbers, without the states of a network."""
        rates = self.found.rates[:, :_LISTED]
        return {
            "kinds": list(self.found.kinds),
            "rates": np.stack([rates.real, rates.imag], axis=-1),
            "multipliers": np.abs(self.found.multipliers[:, :_LISTED]),
            "time_constants": self.found.time_constants[:, :_LISTED],
        }


def _of_equation(case: Case) -> Resting:
    from recurra.diagnostics import fixed_points as search

    found = search(case.system, dt=case.step, seed=case.seed)
    shown = found.points if found.points.shape[1] == len(case.truth.channels) else found.points[:, :0]
    return Resting(shown, found)


def _of_network(case: Case) -> Resting:
    """From slow rows of what it was fitted to."""
    from recurra.diagnostics import fixed_points as search

    model = case.alone(case.inside.model)
    if not case.inside.has_step_map:
        raise ConfigError(f"{case.network} has no step map, of which fixed points could be: fit an esn or a gru")
    found = search(model, case.run.known)
    return Resting(model.frame_.scaler.unscale(np.asarray(found.states[1])), found)


def _counted(case: Case, name: str, each: Resting) -> str:
    whose = case.data if case.model is None else "The truth" if name == "truth" else "The free network"
    kinds = list(each.found.kinds)
    if not kinds:
        return f"{whose} rests nowhere that was found."
    if len(kinds) == 1:
        return f"{whose} has one fixed point, {'a saddle' if kinds == ['saddle'] else kinds[0]}."
    counts = {kind: kinds.count(kind) for kind in kinds}
    parts = [f"{n} saddle{'s' if n > 1 else ''}" if kind == "saddle" else f"{n} {kind}" for kind, n in counts.items()]
    return f"{whose} has {len(kinds)} fixed points: {', '.join(parts)}."


def _rows(name: str, each: Resting, size: np.ndarray) -> list[list[Any]]:
    """A place within a millionth of the size (channels,) of the data from zero is zero."""
    from recurra.report.formatting import number

    rows = []
    for k, kind in enumerate(each.found.kinds):
        places = np.where(np.abs(each.places[k]) > _NOTHING * size[: each.places.shape[1]], each.places[k], 0.0)
        place = ", ".join(number(float(x)) for x in places[:_LISTED])
        rows.append([name, kind, place or "–", _rates(each.found.rates[k]), float(each.found.time_constants[k, 0])])
    return rows


def _rates(rates: np.ndarray) -> str:
    """The first ones, a pair of conjugates as one with both signs."""
    shown, k = [], 0
    while k < min(_LISTED, len(rates)):
        twin = k + 1 < len(rates) and abs(rates[k].imag) >= 1e-9 and abs(rates[k + 1] - rates[k].conj()) < 1e-6
        shown.append(_complex(rates[k], "±" if twin else ""))
        k += 2 if twin else 1
    return ", ".join(shown)


def _complex(z: complex, sign: str = "") -> str:
    from recurra.report.formatting import number

    if not np.isfinite(z.real):
        return "−∞"
    return (
        number(z.real)
        if abs(z.imag) < 1e-9
        else f"{number(z.real)} {sign or ('+' if z.imag > 0 else '−')} {number(abs(z.imag))}i"
    )


def _panels(case: Case, resting: dict[str, Resting]) -> list[Any]:
    from recurra.report.fixed_points import Portrait

    empty = np.empty((0, len(case.truth.channels)))
    series = {"truth": case.truth, **({} if case.model is None else {case.inside.name: case.free_inside})}
    found = []
    for name, each in series.items():
        own = resting.get(name)
        shown = own is not None and own.places.shape[1] == len(case.truth.channels)
        places, stable = (own.places, own.found.stable) if own is not None and shown else (empty, np.empty(0, bool))
        found.append(Portrait(name, each.values, places, stable))
    return found
