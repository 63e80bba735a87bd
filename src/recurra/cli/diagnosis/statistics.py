"""What is compared without regard to when things happen: climate, spectra, return maps."""

from typing import Any

import numpy as np

from recurra.cli.diagnosis.case import Case
from recurra.cli.diagnosis.finding import Finding
from recurra.cli.tables import aligned
from recurra.errors import DataError

_SHOWN = 3  # channels of a spectrum
_MAXIMA = 10  # of a channel that is drawn
_NAMES = {
    "divergence": "divergence of the states, nats",
    "mixture": "divergence of a mixture, nats",
    "spectrum": "Hellinger distance of the spectra",
    "log_spectrum": "distance of the spectra, dB",
    "wasserstein": "Wasserstein distance of the channels",
    "mean": "mean",
    "spread": "spread",
    "third": "third moment",
    "fourth": "fourth moment",
    "return_map": "distance of the return maps",
}


def climate(case: Case) -> Finding:
    """Whether the free run has the climate of the truth, beside what the truth has with itself."""
    from recurra.diagnostics import climate as compare
    from recurra.report import Highlight, Section, Table

    found = compare(case.truth, case.free)
    rows = [
        [_NAMES.get(name, name), score.value, score.floor, score.ceiling, "yes" if score.passed else "no"]
        for name, score in found.scores.items()
    ]
    columns = ["measure", "network", "truth, mean", "truth, largest", "alike"]
    caption = (
        f"How far stretches of {found.rows:,} rows of the free run are from such of the truth, beside how far "
        "stretches of the truth are from each other. Alike: no farther than the largest of these."
    )
    passed = sum(score.passed for score in found.scores.values())
    summary = f"Climate: {found.words[0].lower()}{found.words[1:]}"
    section = Section(
        "Does it have the same climate?", f"{found.words} {case.how}", tables=[Table(columns, rows, caption)]
    )
    card = Highlight("Climate", f"{passed} of {len(rows)}", "measures as small as within the truth")
    text = f"{found.words}\n{case.how}\n\n{aligned(columns, rows)}\n"
    return Finding("Climate", summary, found.as_dict(), text, [section], [card])


def spectrum(case: Case) -> Finding:
    """The power spectra of the truth and of the free run."""
    from recurra.diagnostics.attractor import power_spectrum_distance, welch_spectrum
    from recurra.report import Section
    from recurra.report.spectra import spectrum_figure
    from recurra.storage import plain

    series = {"truth": case.truth}
    if case.model is not None:
        series[case.network] = case.free
    rows = min(map(len, series.values()))
    series = {name: each[len(each) - rows :] for name, each in series.items()}
    found = {name: welch_spectrum(each) for name, each in series.items()}
    channels = case.truth.channels[:_SHOWN]
    peaks = {
        name: [float(peak) if np.isfinite(peak) else None for peak in each.peaks[: len(channels)]]
        for name, each in found.items()
    }
    results: dict[str, Any] = {"rows": rows, "channels": list(channels), "peaks": peaks}
    summary = _peaks(peaks, channels, case.network if case.model is not None else None)
    if case.model is not None:
        half = rows // 2
        distance = power_spectrum_distance(series["truth"], series[case.network])
        floor = power_spectrum_distance(series["truth"][:half], series["truth"][half : 2 * half])
        results |= {"hellinger": distance, "floor": floor}
        summary += (
            f". The Hellinger distance of the spectra is {distance:.2g}, between two halves of the truth {floor:.2g}"
        )
    figure = spectrum_figure(found, case.truth, channels)
    section = Section("Does it have the same frequencies?" if case.model else "Power spectrum", f"{summary}.", [figure])
    table = aligned(["", *channels], [[name, *values] for name, values in peaks.items()])
    text = f"{summary}.\n\nThe frequency of a clear peak, in cycles per time unit:\n{table}\n"
    return Finding("Power spectra", f"{summary}.", plain(results), text, [section])


def _peaks(peaks: dict[str, list[float | None]], channels: tuple[str, ...], network: str | None) -> str:
    """Of the first channel of the truth with a peak."""
    c = next((c for c, peak in enumerate(peaks["truth"]) if peak is not None), None)
    if c is None:
        return f"The spectrum of {' and of '.join(channels)} is broad, without a clear peak"
    said = f"The spectrum of {channels[c]} has its peak at {peaks['truth'][c]:.3g} cycles per time unit"
    if network is None:
        return said
    own = peaks[network][c]
    return f"{said}, that of the free run {'has no clear one' if own is None else f'at {own:.3g}'}"


def return_map(case: Case) -> Finding:
    """Each maximum against the one before, or each row of a map against the row before."""
    from recurra.diagnostics.attractor import return_map_distance
    from recurra.report import Section
    from recurra.report.return_maps import return_map_figure
    from recurra.storage import plain

    channel = _clearest(case)
    series = {"truth": case.truth} if case.model is None else {"truth": case.truth, case.network: case.free}
    points = {name: _points(case, each, channel) for name, each in series.items()}
    name = case.truth.channels[channel]
    what = f"each row of {name} against the row before" if case.is_map else f"each maximum of {name} against the last"
    counts = ", ".join(
        f"{len(each):,} of the {'truth' if key == 'truth' else 'free run'}" for key, each in points.items()
    )
    summary = f"The return map shows {what}: {counts}."
    results: dict[str, Any] = {"channel": name, "points": {key: len(each) for key, each in points.items()}}
    if case.model is not None and not case.is_map:
        distance = return_map_distance(case.truth, case.free, channel)
        results["distance"] = distance
        summary += f" The maps are {distance:.2g} standard deviations apart."
        if not np.isfinite(distance):
            summary = f"The truth has {len(points['truth']):,} maxima of {name}, the free run none to speak of."
    unit = case.truth.units[channel]
    section = Section("Return map", summary, [return_map_figure(points, name, unit, is_map=case.is_map)])
    return Finding("Return map", summary, plain(results), f"{summary}\n", [section])


def _points(case: Case, series: Any, channel: int) -> np.ndarray:
    from recurra.diagnostics.attractor import return_map as maxima

    if case.is_map:
        values = series.values[:, channel]
        return np.stack([values[:-1], values[1:]], axis=1)
    return maxima(series, channel).points


def _clearest(case: Case) -> int:
    """The channel in which a height says most about the next one: where neighbouring heights have like successors."""
    scatter = {}
    for channel in range(len(case.truth.channels)):
        points = _points(case, case.truth, channel)
        if len(points) < _MAXIMA:
            continue
        after = points[np.argsort(points[:, 0], kind="stable"), 1]
        scatter[channel] = float((np.diff(after) ** 2).mean() / after.var()) if after.var() > 0 else 0.0
    if not scatter:
        raise DataError(f"no channel of the truth has {_MAXIMA} maxima: there is no return map to draw")
    return min(scatter, key=lambda channel: scatter[channel])
