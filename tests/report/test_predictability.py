"""The sentence that a report ends with: the numbers in it, and when there is none."""

import re

import numpy as np
import pytest

from recurra.report.predictability import limit
from recurra.series import Series

WAVE = np.sin(0.05 * np.arange(20_000))
NOISE = np.random.default_rng(0).normal(size=20_000)


def numbers(text):
    percent = float(re.search(r"noise of ([\d.e-]+) %", text)[1])
    times, units = re.search(r"about ([\d.]+) Lyapunov times, ([\d.]+) time units", text).groups()
    return percent / 100, float(times), float(units)


def test_the_noise_of_the_rows_and_the_exponent_give_the_limit():
    sigma = 0.02 / np.sqrt(0.5)  # of the noise, in standard deviations of the wave
    noise, times, units = numbers(text := limit(Series(WAVE + 0.02 * NOISE, dt=0.05), 0.9056, "Lorenz-63"))
    assert noise == pytest.approx(sigma, rel=0.02)
    assert times == pytest.approx(np.log(0.4 / sigma), rel=0.03)
    assert units == pytest.approx(np.log(0.4 / sigma) / 0.9056, rel=0.01)
    assert "The largest exponent, 0.906 per time unit, is that of Lorenz-63; the noise is estimated" in text


def test_of_several_channels_it_is_the_noise_of_the_whole():
    both = np.stack([WAVE, WAVE + 0.02 * NOISE], axis=1)
    assert numbers(limit(Series(both), 1.0, "it"))[0] == pytest.approx(0.02, rel=0.03)  # sqrt(0.5) * 0.02 * sqrt(2)


def test_a_map_and_rows_that_tell_no_noise_are_limited_by_rounding():
    times = np.log(0.4 / np.finfo(float).eps)
    holes = np.ones((20_000, 1), bool)
    holes[::7] = False
    for series, options, said in (
        (Series(WAVE), {"is_map": True}, "the noise is rounding alone."),
        (Series(WAVE[:40]), {}, "not known, so that this is the limit by rounding alone."),
        (Series(WAVE, mask=holes), {}, "not known, so that this is the limit by rounding alone."),
        (Series(np.full(200, 3.0)), {}, "estimated from the rows"),
    ):
        text = limit(series, 0.5, "it", **options)
        assert numbers(text)[1:] == pytest.approx((times, 2 * times), rel=0.03)
        assert said in text


def test_the_longest_unbroken_rows_tell_the_noise():
    loud = np.concatenate([WAVE[:300] + 0.3 * NOISE[:300], WAVE[:5000] + 0.002 * NOISE[:5000]])
    series = Series(loud, breaks=[300])
    assert numbers(limit(series, 1.0, "it"))[0] == pytest.approx(0.002 / WAVE[:5000].std(), rel=0.05)


@pytest.mark.parametrize("exponent", [None, np.nan, np.inf])
def test_without_an_exponent_nothing_is_claimed(exponent):
    text = limit(Series(WAVE), exponent, "nothing")
    assert text == "How long the data can be forecast is not known: there is no exponent that could be trusted."


def test_where_errors_do_not_grow_there_is_no_such_limit():
    assert "−0.100" in (text := limit(Series(WAVE + 0.01 * NOISE), -0.1, "the data, an estimate"))
    assert "is not positive" in text
