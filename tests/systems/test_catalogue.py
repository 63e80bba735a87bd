"""Names, parameters, arguments of `simulate`, provenance."""

import json

import numpy as np
import pytest

from recurra.errors import ConfigError
from recurra.systems import Lorenz63, catalogue, make


def test_names():
    assert list(catalogue()) == sorted(catalogue())
    assert {"damped-oscillator", "kuramoto-sivashinsky", "lorenz63", "mackey-glass", "narma10"} <= set(catalogue())
    assert all(kind.title for kind in catalogue().values())


@pytest.mark.parametrize("name", catalogue())
def test_every_system(name):
    system = make(name)
    assert system.name == name
    series = system.simulate(steps=30, seed=1)
    assert len(series) == 31
    assert series.values.dtype == np.float64
    assert series.dt == system.default_dt
    assert series.times[0] == 0.0
    assert (series.channels, series.units) == (system.channels, system.units)
    json.dumps(dict(series.provenance), allow_nan=False)
    assert make(series.provenance["system"], **series.provenance["parameters"]) == system
    assert system.simulate(steps=30, seed=1).sha256 == series.sha256


def test_provenance():
    series = Lorenz63(rho=20).simulate(steps=5, dt=0.02, method="rk4", initial=[1, 2, 3])
    assert dict(series.provenance) == {
        "source": "simulation of lorenz63",
        "system": "lorenz63",
        "parameters": {"sigma": 10.0, "rho": 20.0, "beta": 8 / 3},
        "method": "rk4",
        "tolerance": None,
        "seed": None,
        "initial": [1.0, 2.0, 3.0],
        "transient": 0.0,
        "lyapunov_exponent": None,
    }
    drawn = Lorenz63().simulate(steps=5, dt=0.02, seed=7)
    assert [drawn.provenance[key] for key in ("method", "tolerance", "seed", "transient")] == [
        "accurate",
        1e-12,
        7,
        20.0,
    ]


def test_inputs_are_not_modified_and_results_not_writable():
    start = np.array([1.0, 2.0, 3.0])
    series = Lorenz63().simulate(steps=5, dt=0.02, initial=start)
    assert start.tolist() == [1.0, 2.0, 3.0]
    assert not series.values.flags.writeable


def test_unknown_names():
    with pytest.raises(ConfigError, match=r"unknown system 'lorenz': did you mean 'lorenz(63|96)'"):
        make("lorenz")
    with pytest.raises(ConfigError, match=r"unknown parameter of lorenz63 'rh': did you mean 'rho'"):
        make("lorenz63", rh=28.0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"steps": 0}, "`steps`"),
        ({"steps": 2.5}, "`steps`"),
        ({"steps": True}, "`steps`"),
        ({"steps": 5, "dt": 0.0}, "`dt`"),
        ({"steps": 5, "dt": -0.1}, "`dt`"),
        ({"steps": 5, "dt": float("nan")}, "`dt`"),
        ({"steps": 5, "dt": "0.1"}, "`dt`"),
        ({"steps": 5, "seed": -1}, "`seed`"),
        ({"steps": 5, "method": "rk5"}, "did you mean 'rk4'"),
        ({"steps": 5, "method": "Euler"}, "did you mean 'euler'"),
        ({"steps": 5, "initial": [1.0, 2.0]}, r"3 numbers \(x, y, z\), got shape \(2,\)"),
        ({"steps": 5, "initial": [1.0, 2.0, np.inf]}, "`initial` must be finite"),
        ({"steps": 5, "initial": ["a", "b", "c"]}, "`initial` must be 3 numbers"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ConfigError, match=message):
        Lorenz63().simulate(**arguments)
