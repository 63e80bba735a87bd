"""What the parts have found, in a paragraph, and how long anything can be forecast."""

from collections.abc import Mapping
from typing import Any

from recurra.cli.diagnosis.case import Case
from recurra.cli.diagnosis.finding import Finding

_SAID = ("behaviour", "exponents", "fixed-points", "climate")  # in the paragraph at the top


def opening(findings: Mapping[str, Finding]) -> str:
    """What the network does, and where it differs from the data."""
    said = [findings[name].summary for name in _SAID if name in findings]
    return " ".join(said or [each.summary for each in findings.values()])


def closing(case: Case, findings: Mapping[str, Finding]) -> str:
    """How long anything can be forecast, with the exponent that is known best."""
    from recurra.report.predictability import limit

    series = case.truth if case.run is None else case.run.series
    exponent, whose = _exponent(case, findings)
    return limit(series, exponent, whose, is_map=case.is_map)


def _exponent(case: Case, findings: Mapping[str, Finding]) -> tuple[float | None, str]:
    """The largest exponent, and whose it is."""
    if case.system is not None and case.system.lyapunov_exponent is not None:
        return float(case.system.lyapunov_exponent), case.data
    results: Mapping[str, Any] = findings["exponents"].results if "exponents" in findings else {}
    if "truth" in results:
        return results["truth"]["exponents"][0], case.data
    estimate = results.get("estimate")
    if estimate is not None and estimate["sure"]:
        return estimate["exponent"], "the data, an estimate"
    if case.run is not None and case.inside.name in results:
        return results[case.inside.name]["exponents"][0], "the network"
    return None, ""
