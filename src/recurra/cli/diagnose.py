"""`recurra diagnose RUN`: what a trained network has learned, and how: one part a question, one table of parts."""

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recurra.cli.console import Answer, Console, refuse_unwritable
from recurra.cli.options import add_common, no_settings
from recurra.cli.tables import aligned
from recurra.errors import ConfigError, DataError, DivergenceError, unknown


@dataclass(frozen=True)
class Finding:
    """What a part has found.

    Args:
        title: of its page.
        summary: the verdict in words.
        results: for programs, plain data.
        text: for people.
        sections: of its page.
    """

    title: str
    summary: str
    results: Mapping[str, Any]
    text: str
    sections: Sequence[Any]


def add(commands: "argparse._SubParsersAction[Any]") -> None:
    """Add the command."""
    parser = commands.add_parser("diagnose", help="what a trained network has learned, and how", allow_abbrev=False)
    parser.add_argument("run", type=Path, metavar="RUN", help="a run directory")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)} (default: all that apply)")
    parser.add_argument(
        "--length", type=_length, default=100, metavar="STEPS", help="longest lag of gradients (default 100)"
    )
    add_common(parser, out="the HTML file of one part (default RUN/diagnose-PART.html)")
    parser.set_defaults(handler=run)


def run(args: argparse.Namespace, console: Console) -> Answer:
    """Answer every question that was asked, or all that can be: a table, and a page each."""
    from recurra.estimators import load
    from recurra.experiment import read_run
    from recurra.experiment.run_directory import MODEL

    no_settings(args)
    for name in args.parts:
        if name not in PARTS:
            raise ConfigError(unknown("part of `diagnose`", name, PARTS))
    if args.out is not None and len(args.parts) != 1:
        raise ConfigError("`--out` names one file: say which part goes there, as in `recurra diagnose RUN gradients`")
    pages = {name: args.out or args.run / f"diagnose-{name}.html" for name in args.parts or PARTS}
    found, model = read_run(args.run), load(args.run / MODEL)
    for page in pages.values():
        refuse_unwritable(page, force=args.force or args.out is None)
    results: dict[str, Any] = {"run": str(args.run), "learner": found.results["learner"]}
    texts, refusals = [], []
    for name, page in pages.items():
        try:
            finding = PARTS[name](found, model, args)
        except (ConfigError, DataError, DivergenceError) as error:
            if args.parts:
                raise
            refusals.append(f"{name}: {error}")
            continue
        _write(finding, found, page, console)
        results[name] = {**finding.results, "report": str(page)}
        texts += [finding.title, "", finding.text, f"report: {page}", ""]
    if not texts:
        raise ConfigError("nothing in this run can be diagnosed. " + "; ".join(refusals))
    for refusal in refusals:
        console.say(f"left out {refusal}")
    return Answer(results, "\n".join(texts).rstrip())


def gradients(run: Any, model: Any, args: argparse.Namespace) -> Finding:
    """Whether gradients vanish or explode on their way back through time."""
    from recurra.diagnostics.gradient_flow import gradient_flow
    from recurra.report.gradients import ends, facts, gradient_section, lag_rows
    from recurra.storage import plain

    series, rows = _rows(run, args.length)
    flow = gradient_flow(model, series, length=args.length)
    section = gradient_section(flow, rows)
    lines = [
        f"{flow.words} {flow.advice}",
        f"Measured along {rows}, {ends(flow)}.",
        *flow.notes,
        *([flow.no_bound] if flow.no_bound else []),
        "",
        aligned(["lag", "norm", "bound"], lag_rows(flow)),
        "",
        aligned(["", ""], facts(flow)).lstrip(),
        "",
    ]
    results = {"data": rows, **plain(flow.as_dict())}
    return Finding("Gradients through time", flow.words, results, "\n".join(lines), [section])


def structure(run: Any, model: Any, args: argparse.Namespace) -> Finding:
    """The network, folded and unfolded in time, drawn from the model itself."""
    from recurra.diagnostics.subject import network_of
    from recurra.models import folded, parameter_count
    from recurra.report import Section, model_diagram

    del run, args
    network = network_of(model)
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


def gates(run: Any, model: Any, args: argparse.Namespace) -> Finding:
    """How far the gates of an LSTM are open along the data."""
    from recurra.diagnostics import gates as along
    from recurra.report import Section, gate_figure
    from recurra.storage import plain

    series, rows = _rows(run, args.length)
    found = along(model, series)
    means = {
        name: {gate: float(getattr(layer, gate).mean()) for gate in ("write", "keep", "read")}
        for name, layer in found.items()
    }
    unit = series.provenance.get("time_unit", "")
    sections = [
        Section(f"Layer {name}", f"Along {rows}.", figures=[gate_figure(layer, dt=series.dt, time_unit=unit)])
        for name, layer in found.items()
    ]
    summary = "; ".join(
        f"{name}: write {m['write']:.2f}, keep {m['keep']:.2f}, read {m['read']:.2f}" for name, m in means.items()
    )
    summary = f"How far the gates are open on average along {rows}, from 0 to 1. {summary}."
    return Finding("Gates over time", summary, {"data": rows, "mean": plain(means)}, f"{summary}\n", sections)


PARTS: dict[str, Callable[[Any, Any, argparse.Namespace], Finding]] = {
    "structure": structure,
    "gradients": gradients,
    "gates": gates,
}


def _rows(run: Any, length: int) -> tuple[Any, str]:
    """The rows to look at, and what they are: the test part, or the training part where only that is long enough."""
    parts = {"the test part": run.test, "the training part": run.train}
    longest = {name: max(map(len, part.segments)) for name, part in parts.items()}
    name = next((name for name, rows in longest.items() if rows > length), max(longest, key=lambda n: longest[n]))
    return parts[name], name


def _write(finding: Finding, run: Any, page: Path, console: Console) -> None:
    from recurra.report import Report, write_report

    report = Report(
        title=f"{finding.title}: {run.results['learner']} on {Path(run.results['data']).name}",
        summary=finding.summary,
        sections=finding.sections,
        command=["recurra", *console.words],
        config=run.config,
        data_hash=run.results["data_sha256"],
    )
    write_report(report, page)


def _length(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 3:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number of at least 3")
    return int(text)
