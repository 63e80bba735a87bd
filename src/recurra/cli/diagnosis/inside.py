"""Inside a network: its structure, gradients on their way back through time, its gates."""

from typing import Any

from recurra.cli.diagnosis.case import Case, known_rows
from recurra.cli.diagnosis.finding import Finding
from recurra.cli.tables import aligned
from recurra.errors import DataError


def gradients(case: Case) -> Finding:
    """Whether gradients vanish or explode on their way back through time."""
    from recurra.diagnostics.gradient_flow import gradient_flow
    from recurra.report.gradients import ends, facts, gradient_section, lag_rows
    from recurra.storage import plain

    series, rows = known_rows(case.run, case.length)
    flow = gradient_flow(case.inside.model, series, length=case.length)
    exponent, beside = _slope_beside(case, series, flow)
    section = gradient_section(flow, rows, exponent, beside)
    lines = [
        f"{flow.words} {flow.advice}",
        f"Measured along {rows}, {ends(flow)}.",
        beside,
        *flow.notes,
        *([flow.no_bound] if flow.no_bound else []),
        "",
        aligned(["lag", "norm", "bound"], lag_rows(flow)),
        "",
        aligned(["", ""], facts(flow)).lstrip(),
        "",
    ]
    results = {"data": rows, **plain({**flow.as_dict(), "conditional": exponent})}
    return Finding("Gradients through time", flow.words, results, "\n".join(lines), [section])


def _slope_beside(case: Case, series: Any, flow: Any) -> tuple[float | None, str]:
    """The largest conditional exponent along the same rows, per step, and how it compares with the slope in words."""
    from recurra.diagnostics import conditional_exponents

    try:
        found = conditional_exponents(case.inside.model, series, count=1, seed=case.seed)
    except DataError as error:
        return None, f"No conditional exponent stands beside it: {error}."
    exponent = found.largest * series.dt
    return exponent, (
        f"The logarithm of the norm changes by {flow.rate:.3g} a step; the largest conditional Lyapunov exponent along "
        f"the same rows, to which that tends for long lags, is {exponent:.3g} a step."
    )


def structure(case: Case) -> Finding:
    """The network, folded and unfolded in time, drawn from the model itself."""
    from recurra.diagnostics.subject import network_of
    from recurra.models import folded, parameter_count
    from recurra.report import Section, model_diagram

    network = network_of(case.inside.model)
    diagram = folded(network)
    nodes = [{"name": n.name, "kind": n.kind, "size": n.size} for n in diagram.nodes]
    edges = [
        {"from": e.source[0], "to": e.target[0], "weights": e.weights, "recurrent": e.recurrent} for e in diagram.edges
    ]
    loops = sum(edge["recurrent"] for edge in edges)
    count = parameter_count(network)
    summary = f"{count:,} trained numbers, {len(nodes)} nodes; {loops} of {len(edges)} edges come from the step before."
    section = Section("Folded and unfolded", summary, figures=[model_diagram(network)])
    rows = [
        [edge["from"], edge["to"], edge["weights"], "one step later" if edge["recurrent"] else ""] for edge in edges
    ]
    text = "\n".join([summary, "", aligned(["from", "to", "weights", ""], rows), ""])
    results = {"parameters": count, "nodes": nodes, "edges": edges}
    return Finding("The network", summary, results, text, [section])


def gates(case: Case) -> Finding:
    """How far the gates of an LSTM are open along the data."""
    from recurra.diagnostics import gates as along
    from recurra.report import Section, gate_figure
    from recurra.storage import plain

    series, rows = known_rows(case.run, case.length)
    found = along(case.inside.model, series)
    means = {
        name: {gate: float(getattr(layer, gate).mean()) for gate in ("write", "keep", "read")}
        for name, layer in found.items()
    }
    unit = series.provenance.get("time_unit", "")
    sections = [
        Section(
            _gates_of(name, len(found)), f"Along {rows}.", figures=[gate_figure(layer, dt=series.dt, time_unit=unit)]
        )
        for name, layer in found.items()
    ]
    summary = "; ".join(
        f"{name}: write {m['write']:.2f}, keep {m['keep']:.2f}, read {m['read']:.2f}" for name, m in means.items()
    )
    summary = f"How far the gates are open on average along {rows}, from 0 to 1. {summary}."
    return Finding("Gates over time", summary, {"data": rows, "mean": plain(means)}, f"{summary}\n", sections)


def _gates_of(name: str, layers: int) -> str:
    return f"How far are the gates open?{f' Layer {name}' if layers > 1 else ''}"
