"""The oscillator solved by a network: its residual against a loop, its error against the exact motion."""

import numpy as np
import pytest

from recurra.examples import solve_oscillator
from recurra.examples.parts import Parts
from recurra.training.least_squares import residuals_of


@pytest.fixture(scope="module")
def outcome(tmp_path_factory):
    parts = Parts(tmp_path_factory.mktemp("parts"))
    return solve_oscillator.run(seeds=1, seed=0, evaluations=60, parts=parts), parts


@pytest.mark.parametrize("motion", ["driven", "free"])
def test_every_network_is_within_a_thousandth_of_the_exact_motion(outcome, motion):
    for entry in outcome[0].results["seeds"]:
        assert entry[motion]["max_error"] <= 1e-3
        assert entry[motion]["weights"] == 12 * (1 + 12 + 1) + 2 * (12 + 1) + 12


def test_the_baselines_are_loops_of_euler_and_runge_and_kutta(outcome):
    dt, n = 0.2, 100
    t = dt * np.arange(n + 1)
    s = np.sqrt(1 - 0.2**2)
    exact = np.exp(-0.2 * t) * (np.cos(s * t) + 0.2 / s * np.sin(s * t))
    A = np.array([[0.0, 1.0], [-1.0, -0.4]])
    euler = np.eye(2) + dt * A
    rk4 = sum((np.linalg.matrix_power(dt * A, k) / f for k, f in enumerate((1, 1, 2, 6, 24))), np.zeros((2, 2)))
    for name, step in (("euler", euler), ("rk4", rk4)):
        x = [(np.linalg.matrix_power(step, k) @ [1.0, 0.0])[0] for k in range(n + 1)]
        found = outcome[0].results["baselines"]["free"][name]
        assert found == pytest.approx(np.abs(x - exact).max(), rel=1e-6)


def _outputs(ys, data):
    return solve_oscillator.residuals(lambda F: ys, data)


def test_the_residual_is_of_fourth_order_on_the_exact_motion_and_sees_the_start():
    system, worst = solve_oscillator.SYSTEMS["driven"], []
    for dt in (0.2, 0.1):
        half = dt / 2 * np.arange(2 * round(20 / dt) + 1)
        ys = system.solution(half[::2], [1.0, 0.0])
        found = residuals_of(_outputs, ys, (np.cos(0.5 * half), dt, np.array([1.0, 0.1]), 0.4, 1.0))
        assert found[-2:] == pytest.approx([0.0, -1.0], abs=1e-12)  # ten times what v(0) is off
        worst.append(np.abs(found[:-2]).max())
    assert np.log2(worst[0] / worst[1]) == pytest.approx(4, abs=0.2)


def test_a_finished_part_is_not_made_again(outcome, monkeypatch):
    done, parts = outcome
    monkeypatch.setattr(solve_oscillator, "_one", None)
    again = solve_oscillator.run(seeds=1, seed=0, evaluations=60, parts=parts)
    assert again.results == done.results
    assert again.table.rows == done.table.rows
