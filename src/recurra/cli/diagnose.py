"""`recurra diagnose`: what a trained network has learned, and how, or what an equation does; one part a question."""

import argparse
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from recurra.cli.console import Answer, Console, refuse_unwritable
from recurra.cli.diagnosis.case import Case
from recurra.cli.diagnosis.finding import Finding
from recurra.cli.diagnosis.verdict import closing, opening
from recurra.cli.options import add_common, no_settings, settings_of
from recurra.errors import ConfigError, DataError, DivergenceError, unknown


def _part(module: str, name: str) -> Callable[[Case], Finding]:
    """A part, which is loaded when it is asked: `--help` waits for no array library."""
    return lambda case: getattr(import_module(f"recurra.cli.diagnosis.{module}"), name)(case)


PARTS: dict[str, Callable[[Case], Finding]] = {
    "behaviour": _part("motion", "behaviour"),
    "exponents": _part("exponents", "exponents"),
    "fixed-points": _part("motion", "fixed_points"),
    "climate": _part("statistics", "climate"),
    "spectrum": _part("statistics", "spectrum"),
    "return-map": _part("statistics", "return_map"),
    "gradients": _part("inside", "gradients"),
    "memory": _part("units", "memory"),
    "modes": _part("units", "modes"),
    "followers": _part("units", "followers"),
    "structure": _part("inside", "structure"),
    "gates": _part("inside", "gates"),
}
OF_EQUATION = ("behaviour", "exponents", "fixed-points", "spectrum", "return-map")
OF_FREE_RUN = ("behaviour", "climate", "spectrum", "return-map")  # all else is of a state: several models have no one
_SYSTEM = "system:"
_ABOUT = """
Of a run directory it writes one page with all parts that apply, RUN/diagnose.html, and adds what was found to
RUN/report.html. Named parts alone are written to RUN/diagnose-PART.html (of several: RUN/diagnose.html), and change
nothing else. Of an equation, system:NAME, it writes diagnose-NAME.html here.
"""


def add(commands: "argparse._SubParsersAction[Any]") -> None:
    """Add the command."""
    parser = commands.add_parser(
        "diagnose", help="what a trained network has learned, and how", description=_ABOUT, allow_abbrev=False
    )
    parser.add_argument("of", metavar="RUN", help="a run directory, or system:NAME for an equation alone")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)} (default: all that apply)")
    parser.add_argument(
        "--steps",
        type=_at_least(500),
        default=20_000,
        help="rows of the free run and of simulated truth (default 20000)",
    )
    parser.add_argument(
        "--length", type=_at_least(3), default=100, metavar="STEPS", help="longest lag of gradients (default 100)"
    )
    add_common(parser, out="the HTML file; --set KEY=VALUE sets a parameter of system:NAME")
    parser.set_defaults(handler=run)


def run(args: argparse.Namespace, console: Console) -> Answer:
    """Answer every question that was asked, or all that can be: a table each, and one page."""
    for name in args.parts:
        if name not in PARTS:
            raise ConfigError(unknown("part of `diagnose`", name, PARTS))
    case, page = _of_system(args) if args.of.startswith(_SYSTEM) else _of_run(args)
    refuse_unwritable(page, force=args.force or (args.out is None and case.run is not None))
    findings, refusals = _found(case, args.parts, console)
    if not findings:
        raise ConfigError(f"nothing in this {'run' if case.run else 'system'} can be diagnosed. " + "; ".join(refusals))
    results: dict[str, Any] = {"report": str(page)}
    results |= (
        {"system": case.data, "parameters": case.system.parameters}
        if case.run is None
        else {
            "run": str(args.of),
            "learner": case.network,
        }
    )
    whole = not args.parts
    words = {"words": opening(findings), "limit": closing(case, findings)} if whole or len(findings) > 1 else {}
    results |= {**words, **{name: dict(found.results) for name, found in findings.items()}, "left_out": refusals}
    _write(case, findings, refusals, words, page, console)
    if whole and case.run is not None:
        _report(case, words, page, console)
    for line in _together(refusals):
        console.say(f"left out {line}")
    texts = [*([words["words"], ""] if words else [])]
    for found in findings.values():
        texts += [found.title, "", found.text, ""]
    texts += [*([words["limit"], ""] if words else []), f"report: {page}"]
    return Answer(results, "\n".join(texts))


def _of_run(args: argparse.Namespace) -> tuple[Case, Path]:
    from recurra.estimators import load
    from recurra.experiment import read_run
    from recurra.experiment.run_directory import MODEL
    from recurra.experiment.source import make_system

    no_settings(args)
    path = Path(args.of)
    run, model = read_run(path), load(path / MODEL)
    system = make_system(run.spec.name, run.spec.parameters) if run.spec.kind == "system" else None
    name = f"diagnose-{args.parts[0]}.html" if len(args.parts) == 1 else "diagnose.html"
    return Case(args.steps, args.length, args.seed or 0, run, model, system), args.out or path / name


def _of_system(args: argparse.Namespace) -> tuple[Case, Path]:
    from recurra.experiment.source import make_system

    name = args.of.removeprefix(_SYSTEM)
    system = make_system(name, settings_of(args, {}))
    unfit = [part for part in args.parts if part not in OF_EQUATION]
    if unfit:
        raise ConfigError(f"{', '.join(unfit)}: of an equation there are the parts {', '.join(OF_EQUATION)}")
    return Case(args.steps, args.length, args.seed or 0, system=system), args.out or Path(f"diagnose-{name}.html")


def _found(case: Case, asked: list[str], console: Console) -> tuple[dict[str, Finding], list[str]]:
    """What each part has found, and why others do not apply; of a single one that was asked for it is raised."""
    findings, refusals = {}, []
    for name in asked or (PARTS if case.run is not None else OF_EQUATION):
        console.say(f"{name} ...")
        try:
            found = PARTS[name](case)
        except (ConfigError, DataError, DivergenceError) as error:
            if len(asked) == 1:
                raise
            refusals.append(f"{name}: {error}")
            continue
        member = name not in OF_FREE_RUN and case.run is not None and case.inside.words
        findings[name] = found.of(case.inside.words, case.inside.facts) if member else found
    return findings, refusals


def _write(
    case: Case,
    findings: Mapping[str, Finding],
    refusals: list[str],
    words: Mapping[str, str],
    page: Path,
    console: Console,
) -> None:
    from recurra.experiment.run_directory import REPORT
    from recurra.report import Report, Section, write_report

    sections = [section for found in findings.values() for section in found.sections]
    if refusals:
        sections.append(Section("What was left out", "\n\n".join(_together(refusals))))
    if words:
        sections.append(Section("How long can it be forecast?", words["limit"]))
    if case.run is not None and (page.parent / REPORT).exists() and page.parent.samefile(case.run.path):
        sections.append(Section("The run", link=(REPORT, "Its scores, its forecast and its training")))
    title = "What has it learned" if words else next(iter(findings.values())).title
    of = f"{case.network} on {case.data}" if case.run is not None else case.data
    if case.run is None and words:
        title = "What does it do"
    write_report(
        Report(
            title=f"{title}{'?' if words else ':'} {of}",
            summary=words["words"] if words else next(iter(findings.values())).summary,
            sections=sections,
            command=["recurra", *console.words],
            config=case.run.config if case.run is not None else {"parameters": case.system.parameters},
            data_hash=case.run.results["data_sha256"] if case.run is not None else "",
            highlights=[card for found in findings.values() for card in found.highlights][:4],
        ),
        page,
    )


def _together(refusals: list[str]) -> list[str]:
    """Each reason once, after the parts that it is of."""
    parts: dict[str, list[str]] = {}
    for refusal in refusals:
        name, reason = refusal.split(": ", 1)
        parts.setdefault(reason, []).append(name)
    return [f"{', '.join(names)}: {reason}." for reason, names in parts.items()]


def _report(case: Case, words: Mapping[str, str], page: Path, console: Console) -> None:
    """Keep what was found in the run directory, and write the report of the run anew with it."""
    from recurra.experiment.run_directory import DIAGNOSIS, REPORT
    from recurra.report import run_report, write_report
    from recurra.storage import write_json

    write_json(case.run.path / DIAGNOSIS, {**words, "page": page.name})
    write_report(run_report(case.run.path), case.run.path / REPORT)
    console.say(f"added to {case.run.path / REPORT}")


def _at_least(least: int) -> Callable[[str], int]:
    def whole(text: str) -> int:
        if not text.isascii() or not text.isdigit() or int(text) < least:
            raise argparse.ArgumentTypeError(f"{text!r} is no whole number of at least {least}")
        return int(text)

    return whole
