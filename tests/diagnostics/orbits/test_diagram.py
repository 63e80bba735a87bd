"""The brute-force diagram against closed forms of the logistic map."""

import numpy as np
import pytest

from recurra.diagnostics.orbits import bifurcation_diagram, family
from recurra.errors import ConfigError, DataError
from recurra.systems import LogisticMap


def test_the_diagram_of_the_logistic_map():
    r = np.array([0.5, 2.5, 3.2, 3.83, 4.0, 5.0])
    found = bifurcation_diagram(family(LogisticMap(), "r"), r, np.array([0.3]), steps=3000)
    counts = [len(np.unique(row.round(9))) for row in found.settled[:4]]
    assert counts == [1, 1, 2, 3]
    np.testing.assert_allclose(found.settled[1], 0.6, rtol=1e-12)
    np.testing.assert_allclose(found.exponents[:2], np.log(0.5), atol=1e-9)
    np.testing.assert_allclose(found.exponents[2], np.log(abs(4 + 2 * 3.2 - 3.2**2)) / 2, atol=1e-9)
    assert found.exponents[4] == pytest.approx(np.log(2), abs=5e-3)
    assert np.isnan(found.exponents[5])
    assert len(np.unique(found.maxima()[2].round(9))) == 1


def test_what_has_no_diagram_is_refused():
    step = family(LogisticMap(), "r")
    with pytest.raises(DataError, match="`parameters`"):
        bifurcation_diagram(step, [], np.array([0.3]))
    with pytest.raises(ConfigError, match="`steps`"):
        bifurcation_diagram(step, [1.0], np.array([0.3]), steps=0)
    with pytest.raises(ConfigError, match="`coordinate`"):
        bifurcation_diagram(step, [1.0], np.array([0.3]), coordinate=1)
