"""The systems of the package dysts."""

import json
import subprocess
import sys
from importlib import util

import numpy as np
import pytest

from recurra.errors import ConfigError, MissingExtraError
from recurra.systems import Lorenz63, agreement_time, dysts, dysts_catalogue, from_dysts, make

needs_dysts = pytest.mark.skipif(util.find_spec("dysts") is None, reason="needs dysts")


@needs_dysts
def test_its_lorenz_is_ours():
    start = [1.0, 2.0, 20.0]
    theirs = from_dysts("Lorenz", beta=8 / 3).simulate(steps=200, dt=0.01, initial=start)
    ours = Lorenz63().simulate(steps=200, dt=0.01, initial=start)
    np.testing.assert_allclose(theirs.values, ours.values, atol=1e-8)
    stiff = from_dysts("Lorenz", beta=8 / 3).simulate(steps=200, dt=0.01, method="lsoda", initial=start)
    np.testing.assert_allclose(stiff.values, ours.values, atol=1e-7)


@needs_dysts
@pytest.mark.parametrize(
    "name",
    ["Rossler", "Chua", "Thomas", "DoublePendulum", "HenonHeiles", "Lorenz96", "Hopfield", "VallisElNino", "SprottA"],
)
def test_a_sample_of_them(name):
    system = from_dysts(name)
    series = system.simulate(steps=20, seed=1)
    assert np.isfinite(series.values).all()
    assert series.values.shape == (21, system.state_size)
    assert series.dt == system.default_dt
    json.dumps(dict(series.provenance), allow_nan=False)
    assert make(series.provenance["system"], **series.provenance["parameters"]) == system


@needs_dysts
def test_provenance_and_names():
    system = make("dysts/lorenz")
    assert system.name == "dysts/Lorenz"
    assert system.lyapunov_exponent == pytest.approx(0.8917, abs=1e-4)
    assert make("dysts/lorenz", rho=20.0).lyapunov_exponent is None
    series = system.simulate(steps=30, seed=4)
    assert series.provenance["lyapunov_source"].startswith("dysts 0.")
    assert system.simulate(steps=30, seed=4).sha256 == series.sha256
    assert system.simulate(steps=30, seed=5).sha256 != series.sha256
    assert agreement_time(series, 1e-4) == pytest.approx(30 * series.dt)
    known = dysts_catalogue()
    assert len(known) > 100
    assert "MackeyGlass" not in known  # it has a delay
    assert known["Lorenz"] == "A minimal weather model based on atmospheric convection."


@needs_dysts
@pytest.mark.parametrize(
    ("make_it", "message"),
    [
        (lambda: make("dysts/Lorentz"), "unknown system of dysts 'Lorentz': did you mean 'Lorenz'"),
        (lambda: from_dysts("Lorenz", roh=28.0), "unknown parameter of dysts/Lorenz 'roh': did you mean 'rho'"),
        (lambda: from_dysts("Lorenz", rho="high"), "`rho` of dysts/Lorenz must be finite"),
        (lambda: from_dysts("Hopfield", tau=[1.0]), "`tau` of dysts/Hopfield must be finite"),
        (lambda: from_dysts("Lorenz").simulate(steps=3, method="rk4"), "unknown method of dysts/Lorenz 'rk4'"),
        (lambda: from_dysts("Lorenz").simulate(steps=3, initial=[1.0]), r"must be 3 numbers \(x, y, z\)"),
        (lambda: from_dysts("Lorenz", sigma=-1e3).simulate(steps=99, initial=[1.0, 1.0, 1.0]), "leaves the finite"),
    ],
)
def test_what_it_refuses(make_it, message):
    with pytest.raises(ConfigError, match=message):
        make_it()


def test_without_the_package(monkeypatch):
    dysts._catalogue.cache_clear()
    monkeypatch.setattr(dysts.util, "find_spec", lambda name: None)
    for call in (dysts_catalogue, lambda: from_dysts("Lorenz"), lambda: make("dysts/Lorenz")):
        with pytest.raises(MissingExtraError, match=r"pip install 'recurra\[dysts\]'"):
            call()


@needs_dysts
def test_the_package_is_loaded_only_to_simulate():
    code = "import sys; from recurra.systems import dysts_catalogue, make; make('dysts/Rossler'); dysts_catalogue()\n"
    done = subprocess.run([sys.executable, "-c", f"{code}assert 'dysts.flows' not in sys.modules"], check=False)
    assert done.returncode == 0
