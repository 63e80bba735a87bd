"""A network that was told a parameter, at values that it did not see: the flips of the logistic map."""

import numpy as np
import pytest

import recurra as rc
from recurra.diagnostics import lyapunov_spectrum
from recurra.diagnostics.step_maps import of_forecaster
from recurra.systems import LogisticMap

TRAINED = (3.3, 3.5, 3.7, 3.9)
# Where the period doubles to 4 (exact) and to 8 (R. M. May, Nature 261 (1976) 459), within what share it is looked for.
FLIPS = [(1 + np.sqrt(6), 0.02, 2), (3.54409, 0.005, 4)]


@pytest.fixture(scope="module")
def model():
    parts = []
    for r in TRAINED:
        drive = rc.Series(np.full((31, 1), r), channels=["r"])
        starts = [LogisticMap(r=r).simulate(30, initial=[x]) for x in np.linspace(0.05, 0.95, 8)]
        parts += [rc.Series(start.values, channels=["x"], inputs=drive) for start in starts]
    return rc.ESN(units=100, spectral_radius=0.0, input_scaling=0.5, washout=0, ridge=1e-12, seed=0).fit(parts)


def period(model, r):
    rows = model.forecast(2000, history=model.recent_[-1:], inputs={"r": r}).values[-64:, 0]
    return next((p for p in (1, 2, 4, 8, 16) if np.abs(rows[p:] - rows[:-p]).max() < 1e-4), 0)


@pytest.mark.parametrize(("flip", "share", "before"), FLIPS)
def test_a_flip_is_where_it_is(model, flip, share, before):
    assert (period(model, (1 - share) * flip), period(model, (1 + share) * flip)) == (before, 2 * before)


def test_beyond_the_flips_it_is_chaotic_as_the_map_is(model):
    found = lyapunov_spectrum(of_forecaster(model, inputs={"r": 3.8}), steps=4000, count=1)
    assert found.exponents[0] == pytest.approx(0.43, abs=0.05)  # of the map itself, by the same sum
