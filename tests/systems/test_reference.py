"""The shipped exponents against closed forms, exact invariants, and published numbers."""

import json
from importlib.resources import files

import numpy as np
import pytest

from recurra.diagnostics import kaplan_yorke_dimension
from recurra.systems import (
    DampedOscillator,
    Duffing,
    HenonMap,
    KuramotoSivashinsky,
    LogisticMap,
    Lorenz63,
    Lorenz96,
    MackeyGlass,
    Rossler,
    VanDerPol,
    catalogue,
    reference_exponents,
)

ROWS = json.loads((files("recurra.systems") / "reference_exponents.json").read_text("utf-8"))["rows"]


def close(system, wanted, floor=1e-4):
    """Within four standard errors, or what is left of the integrator."""
    found = reference_exponents(system)
    np.testing.assert_array_less(
        np.abs(np.array(found.exponents[: len(wanted)]) - wanted), 4 * np.array(found.errors[: len(wanted)]) + floor
    )


def test_published_and_exact_numbers_are_met():
    close(LogisticMap(), [np.log(2)], 1e-6)
    close(HenonMap(), [0.4192, -1.6232])
    close(Lorenz63(), [0.9056, 0.0, -14.5723])
    close(Rossler(), [0.0714, 0.0, -5.3943])
    close(DampedOscillator(), [0.0, -0.2, -0.2], 1e-3)


def test_dimensions_of_the_delay_equation_are_those_of_its_discoverers():
    """Farmer 1982, Physica D 4, 366-393: 2.1, 2.8 and 3.6."""
    for tau, dimension in ((17.0, 2.1), (23.0, 2.8), (30.0, 3.6)):
        assert reference_exponents(MackeyGlass(tau=tau)).dimension == pytest.approx(dimension, abs=0.05)


def test_limit_cycles_have_dimension_one():
    assert reference_exponents(VanDerPol()).dimension == 1.0
    assert reference_exponents(DampedOscillator()).dimension == 1.0  # with the time


def test_volumes_shrink_as_the_equations_say():
    for system, trace in ((Lorenz63(), -41 / 3), (Duffing(), -0.3), (DampedOscillator(), -0.4), (Lorenz96(), -40.0)):
        assert sum(reference_exponents(system).exponents) == pytest.approx(trace, abs=2e-4)
    assert sum(reference_exponents(HenonMap()).exponents) == pytest.approx(np.log(0.3), abs=1e-6)


def test_lorenz_63_is_known_to_the_promised_precision():
    found = reference_exponents(Lorenz63())
    assert found.runs * found.time >= 60_000
    assert np.all(np.abs(np.array(found.exponents) - [0.9056, 0.0, -14.5723]) < [0.003, 0.002, 0.003])


@pytest.mark.parametrize("row", ROWS, ids=[f"{row['system']}-{k}" for k, row in enumerate(ROWS)])
def test_every_row_is_of_twenty_runs_of_a_system_that_is_there(row):
    system = catalogue()[row["system"]](**{k: v for k, v in row["parameters"].items() if k != "force" or v != "none"})
    found = reference_exponents(system)
    assert found.runs >= 20
    assert len(set(row["seeds"])) == found.runs
    assert list(found.exponents) == sorted(found.exponents, reverse=True)
    assert len(found.errors) == len(found.exponents)
    exponents = np.array(found.exponents)
    settled = np.where(np.abs(exponents) < 3 * np.array(found.errors) + 1e-5, 0.0, exponents)
    assert found.dimension == pytest.approx(kaplan_yorke_dimension(settled, found.size), abs=1e-3)


@pytest.mark.parametrize("length", [22.0, 60.0, 100.0, 200.0])
def test_waves_have_two_exponents_that_are_zero(length):
    """Of a shift in time and one in space."""
    found = reference_exponents(KuramotoSivashinsky(length=length))
    assert found == reference_exponents(KuramotoSivashinsky(length=length, points=32, substep=0.01))
    exponents, errors = np.array(found.exponents), np.array(found.errors)
    assert (np.abs(exponents) < 4 * errors + 1e-3).sum() >= 2
    assert found.dimension == pytest.approx(0.23 * length, rel=0.2)  # Manneville 1985, extensive


def test_the_largest_is_that_of_the_system():
    assert MackeyGlass().lyapunov_exponent == reference_exponents(MackeyGlass()).exponents[0]
    assert Duffing().lyapunov_exponent > 0.09
    assert VanDerPol().lyapunov_exponent == 0.0
    assert reference_exponents(Lorenz63(rho=20.0)) is None
    assert KuramotoSivashinsky(length=23.0).lyapunov_exponent is None
    assert KuramotoSivashinsky(substep=1 / 32).lyapunov_exponent == KuramotoSivashinsky().lyapunov_exponent
