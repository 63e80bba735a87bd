"""The rest of a network that learned Lorenz-63, against the fixed points of the equations and their eigenvalues."""

import numpy as np

import recurra as rc
from recurra.diagnostics.orbits.resting import held_rows, polished, slow_rows
from recurra.systems import Lorenz63


def test_a_network_that_learned_lorenz_rests_where_the_equations_do():
    series = Lorenz63().simulate(5000, dt=0.02, seed=0)
    model = rc.ESN(units=150, spectral_radius=0.1, seed=0).fit(series)
    rows = model.frame_.scaled(series)[0]
    found = polished(model, held_rows(model.network_, slow_rows(rows)))
    places = model.frame_.scaler.unscale(np.asarray(found.states[1]))
    c = np.sqrt(8 / 3 * 27)
    outer = np.abs(places[:, 2] - 27) < 0.01
    assert outer.sum() == 2
    np.testing.assert_allclose(np.sort(places[outer, 0]), [-c, c], rtol=1e-4)
    J = np.array([[-10, 10, 0], [1, -1, -c], [c, c, -8 / 3]])
    exact = np.linalg.eigvals(J)
    exact = exact[np.lexsort([-exact.imag, -exact.real])]
    for rates in found.rates[outer, :3]:
        np.testing.assert_allclose(rates[np.lexsort([-rates.imag, -rates.real])], exact, atol=5e-3)
