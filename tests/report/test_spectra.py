"""The figure of spectra: power and band at their frequencies on logarithmic axes, one panel a channel."""

import re

import numpy as np
import pytest

from recurra.diagnostics.attractor import welch_spectrum
from recurra.report.spectra import spectrum_figure
from recurra.series import Series


def made(values, unit="s"):
    names = ["x", "v"][: values.shape[1]]
    return Series(values, dt=0.1, channels=names, provenance={"time_unit": unit} if unit else {})


@pytest.fixture(scope="module")
def noisy():
    t, rng = 0.1 * np.arange(2040), np.random.default_rng(0)
    x = np.sin(2 * np.pi * 1.25 * t)
    return made(np.stack([x, 50 * x], axis=1) + rng.normal(size=(2040, 2)) * [0.1, 2.0])


def test_power_and_band_are_drawn_at_their_frequencies(noisy, read):
    other = made(noisy.values[:, ::-1] * [1 / 50, 50])
    spectra = {"truth": welch_spectrum(noisy), "esn": welch_spectrum(other)}
    figure = read(spectrum_figure(spectra, noisy, noisy.channels))
    across, up = figure.ticks()
    across[:, 1], up[:, 1] = np.log10(across[:, 1]), np.log10(up[:, 1])
    panels = np.split(up, [int(np.argmax(np.diff(up[:, 1]) < 0)) + 1])  # each from its smallest tick up
    for name, pen in (("truth", "ink"), ("esn", "esn")):
        found = spectra[name]
        for c in range(2):
            drawn = figure.line(f"line-{pen}-{c}")
            np.testing.assert_allclose(read.to_data(drawn[:, 0], across), np.log10(found.frequencies[1:]), atol=3e-3)
            power = np.log10(found.power[1:, c])
            np.testing.assert_allclose(read.to_data(drawn[:, 1], panels[c]), power, atol=0.02)
            edge = band(figure, f"band-{pen}-{c}")
            heights = read.to_data(edge[:, 1], panels[c])
            assert heights.max() == pytest.approx(np.log10(found.high[1:, c].max()), abs=0.02)
            bottom = max(found.low[1:, c].min(), spectra["truth"].power[1:, c].min() / 3)  # where the axis ends
            assert heights.min() == pytest.approx(np.log10(bottom), abs=0.02)
    assert {"power of x", "power of v", "frequency (cycles per s)", "truth", "ESN"} <= set(figure.texts)
    assert "lie at the frequencies: the truth 1.25, 1.25; ESN 1.25, 1.25." in figure.words


def band(figure, name):
    path = next(figure.group(name).iter("path")).get("d")
    corners = np.array([float(n) for n in re.findall(r"-?[\d.]+", path)]).reshape(-1, 2)
    return corners + figure.marks(name)  # a path, and where it is used


def test_what_is_below_the_range_of_rounding_runs_along_the_edge(read):
    t = 0.1 * np.arange(2040)
    smooth = made(np.sin(2 * np.pi * 1.25 * t)[:, None], unit="")
    found = welch_spectrum(smooth)
    figure = read(spectrum_figure({"truth": found}, smooth, smooth.channels))
    _, up = figure.ticks()
    up[:, 1] = np.log10(up[:, 1])
    lowest = read.to_data(figure.line("line-ink-0")[:, 1], up).min()
    assert lowest == pytest.approx(np.log10(found.power.max() * 1e-9 / 3), abs=0.05)
    assert "frequency (cycles per time unit)" in figure.texts


def test_a_channel_that_does_not_vary_has_no_power_and_is_drawn(read):
    rest = made(np.full((400, 1), 2.0))
    figure = read(spectrum_figure({"truth": welch_spectrum(rest)}, rest, rest.channels))
    assert np.ptp(figure.line("line-ink-0")[:, 1]) == 0
    alive = made(np.sin(0.7 * np.arange(400))[:, None])
    spectra = {"truth": welch_spectrum(alive), "esn": welch_spectrum(rest)}
    figure = read(spectrum_figure(spectra, alive, alive.channels))
    assert np.ptp(figure.line("line-esn-0")[:, 1]) == 0
    assert np.ptp(figure.line("line-ink-0")[:, 1]) > 50


def test_only_the_channels_that_are_asked_for_have_a_panel(noisy, read):
    figure = read(spectrum_figure({"truth": welch_spectrum(noisy)}, noisy, ["x"]))
    assert "power of v" not in figure.texts
    assert [each for each in figure.ids if each.endswith("line-ink-0")]
    assert not [each for each in figure.ids if each.endswith("line-ink-1")]
