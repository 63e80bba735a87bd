"""Steps of differential equations as cells: equal to loops, with the sensitivities and orders of the closed forms."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import recurra as rc
from recurra.cells import Elman, EulerCell
from recurra.cells.euler import motion_units, velocity_unit
from recurra.errors import ConfigError, ModelFileError
from recurra.models import Dense, Graph, Stack, unroll
from recurra.systems import DampedOscillator, HenonMap, Lorenz63, Sampled, VanDerPol, custom

ETA, DT, STEPS = 0.4, 0.01, 2000
FORCE = np.random.default_rng(0).uniform(-1, 1, STEPS)


def _loop(eta: float = ETA, dt: float = DT, start: tuple[float, float] = (1.0, 0.0)) -> np.ndarray:
    """Euler's method for x'' + eta x' + x = F, the states after each step."""
    x, v = start
    rows = []
    for F in FORCE:
        x, v = x + dt * v, v + dt * (F - eta * v - x)
        rows.append((x, v))
    return np.array(rows)


def _run(cell, start, xs) -> np.ndarray:
    with jax.enable_x64(True):

        def step(h, x):
            h = cell(h, x)
            return h, h

        return np.asarray(unroll(step, jnp.asarray(start), jnp.asarray(xs))[1])


@pytest.fixture(scope="module")
def exact() -> np.ndarray:
    return _loop()


def test_the_velocity_is_one_linear_unit(exact):
    unit = velocity_unit(DampedOscillator(damping=ETA), DT)
    assert (unit.W.item(), *unit.U[0]) == (1 - ETA * DT, -DT, DT)
    positions = np.append(1.0, exact[:-1, 0])
    v = _run(unit, np.zeros(1), np.stack([positions, FORCE], axis=1))
    assert np.abs(v[:, 0] - exact[:, 1]).max() < 1e-13


def test_position_and_velocity_are_two_linear_units(exact):
    units = motion_units(DampedOscillator(damping=ETA), DT)
    assert units.W.tolist() == [[1, DT], [-DT, 1 - ETA * DT]]
    assert units.U.tolist() == [[0], [DT]]
    assert np.abs(_run(units, np.array([1.0, 0.0]), FORCE[:, None]) - exact).max() < 1e-13


def test_the_units_are_the_simulation_by_euler():
    system = DampedOscillator(damping=0.3, natural_frequency=1.7, force=Sampled(FORCE, dt=DT))
    series = system.simulate(steps=STEPS - 1, dt=DT, method="euler", initial=[1.0, 0.5])
    found = _run(motion_units(system, DT), np.array([1.0, 0.5]), FORCE[:-1, None])
    assert np.abs(found - series.values[1:]).max() < 1e-13


@pytest.mark.parametrize(("n", "published"), [(100, 0.6698), (2000, 3.30e-4)])
def test_the_sensitivity_to_the_start_vanishes_as_a_power(n, published):
    unit = velocity_unit(DampedOscillator(damping=ETA), DT)
    with jax.enable_x64(True):
        xs = jnp.zeros((n, 2))
        end = jax.grad(lambda v: unroll(lambda h, x: (unit(h, x), None), v, xs)[0][0])(jnp.ones(1))
    assert end[0] == pytest.approx((1 - ETA * DT) ** n, rel=1e-12)
    assert end[0] == pytest.approx(published, rel=1e-3)


def test_the_modulus_of_the_eigenvalues_says_when_it_grows():
    moduli = np.abs(np.linalg.eigvals(np.asarray(motion_units(DampedOscillator(damping=ETA), DT).W))) ** 2
    assert moduli == pytest.approx(1 - ETA * DT + DT**2, rel=1e-12)
    assert moduli == pytest.approx(0.9961, abs=1e-10)
    largest = {}
    for eta, dt in ((0.4, 0.39), (0.4, 0.41), (0.0, 0.01)):
        unforced = _run(motion_units(DampedOscillator(damping=eta), dt), np.array([1.0, 0.0]), np.zeros((2000, 1)))
        largest[eta, dt] = np.linalg.norm(unforced[-1])
    assert largest[0.4, 0.39] < 0.1 < 10 < largest[0.4, 0.41]
    assert largest[0.0, 0.01] == pytest.approx((1 + DT**2) ** 1000, rel=0.02)  # no damping: always


def test_squashed_units_err_by_the_square_of_the_scale(exact):
    """How much depends on the random force: 2.1e-3 is known of another one."""
    system, start = DampedOscillator(damping=ETA), np.array([1.0, 0.0])
    worst = {}
    for s in (1e-2, 1e-3):
        cell = motion_units(system, DT, squash=s)
        assert cell.activation == "tanh"
        worst[s] = np.abs(_run(cell, s * start, FORCE[:, None])[:, 0] / s - exact[:, 0]).max()
    assert worst[1e-2] == pytest.approx(2.1e-3, rel=0.1)
    assert worst[1e-3] == pytest.approx(2.1e-5, rel=0.1)
    assert worst[1e-2] / worst[1e-3] == pytest.approx(100, rel=0.02)


def test_pairs_of_one_step_give_the_weights_back(exact):
    """A feed-forward map of one step, fitted by least squares."""
    states = np.vstack([[1.0, 0.0], exact])
    inputs = np.column_stack([states[:-1, 1], states[:-1, 0], FORCE])
    found = np.linalg.lstsq(inputs, states[1:, 1], rcond=None)[0]
    assert np.abs(found - [1 - ETA * DT, -DT, DT]).max() < 1e-10


@pytest.mark.parametrize(("method", "order"), [("euler", 1), ("heun", 2), ("rk4", 4)])
def test_each_method_has_its_order(method, order):
    """h' = x - theta h from 1: h(2) = x / theta + (1 - x / theta) exp(-2 theta)."""
    errors = []
    for steps in (20, 40):
        cell = EulerCell(lambda h, x, theta: x - theta * h, np.array(1.3), size=1, dt=2 / steps, method=method)
        end = _run(cell, np.ones(1), np.full((steps, 1), 0.5))[-1, 0]
        errors.append(abs(end - (0.5 / 1.3 + (1 - 0.5 / 1.3) * np.exp(-2.6))))
    assert np.log2(errors[0] / errors[1]) == pytest.approx(order, abs=0.15)


def test_the_cell_of_a_system_takes_the_steps_of_its_simulation():
    for system, method in ((Lorenz63(), "rk4"), (VanDerPol(force="none"), "euler")):
        cell = EulerCell.of(system, list(system.parameters)[-1:], dt=0.01, method=method)
        series = system.simulate(steps=50, dt=0.01, method=method, initial=np.ones(system.state_size))
        found = _run(cell, np.ones(system.state_size), np.zeros((50, 1)))
        assert np.abs(found - series.values[1:]).max() < 1e-12


def test_the_cell_of_a_driven_system_takes_the_force_from_its_input(exact):
    cell = EulerCell.of(DampedOscillator(damping=ETA, force=jnp.cos), ["damping", "natural_frequency"], dt=DT)
    assert np.abs(_run(cell, np.array([1.0, 0.0]), FORCE[:, None]) - exact).max() < 1e-13


def test_gradients_of_the_parameters_are_those_of_differences():
    system = custom(lambda t, y, p: -p["k"] * y**3, channels=["y"], parameters={"k": 0.7})
    cell = EulerCell.of(system, ["k"], dt=0.1, method="heun")

    def end(k):
        trained = eqx.tree_at(lambda c: c.theta["k"], cell, k)
        return unroll(lambda h, x: (trained(h, x), None), jnp.ones(1), jnp.zeros((20, 1)))[0][0]

    with jax.enable_x64(True):
        slope, e = float(jax.grad(end)(0.7)), 1e-5
        assert slope == pytest.approx(float(end(0.7 + e) - end(0.7 - e)) / (2 * e), rel=1e-8)


class Squashing(eqx.Module):
    """A network as vector field: h' = tanh(U x + W h) - h."""

    U: np.ndarray
    W: np.ndarray

    def __call__(self, h, x):
        return jnp.tanh(self.U @ x + self.W @ h) - h


def _neural(seed: int = 0) -> EulerCell:
    rng = np.random.default_rng(seed)
    return EulerCell(Squashing(rng.standard_normal((4, 1)), rng.standard_normal((4, 4))), size=4, dt=0.5)


def test_a_network_as_field_trains_and_runs_freely():
    options = {"bptt_length": 8, "epochs": 40, "batch_size": 16, "learning_rate": 0.1, "validation": 0}
    simple = {"optimizer": "sgd", "schedule": "constant", "clip_norm": None}
    model = rc.Network(cell=_neural(), **options, **simple).fit(np.sin(0.3 * np.arange(90)))
    losses = [entry["loss"] for entry in model.history_]
    assert losses[-1] < 0.2 * losses[0]
    assert not np.allclose(model.network_.model.cells[0].module.field.W, _neural().field.W)
    assert np.abs(model.forecast(20).values[:, 0] - np.sin(0.3 * np.arange(90, 110))).mean() < 0.5


def test_it_is_a_layer_of_stacks_and_graphs():
    xs = np.random.default_rng(0).standard_normal((6, 1))
    cell, readout = _neural(), Dense(np.ones((1, 4)), np.zeros(1))
    graph = Graph.of({"h": cell, "y": readout}, {"h": ["input"], "y": ["h"]}, precision="float64")
    h, rows = np.zeros(4), []
    for x in xs:
        h = h + 0.5 * (np.tanh(cell.field.U @ x + cell.field.W @ h) - h)
        rows.append([h.sum()])
    with jax.enable_x64(True):
        for model in (Stack((cell,), (readout,)), graph):
            assert np.abs(np.asarray(model(xs)) - rows).max() < 1e-12


def test_a_physical_cell_in_a_network_learns_its_frequency_from_the_drive(tmp_path):
    rng, many = np.random.default_rng(3), []
    for _ in range(4):
        F = np.convolve(rng.standard_normal(70), np.ones(10) / 3, "same")
        many.append(DampedOscillator(force=Sampled(F - F.mean(), dt=0.2)))
    many = [true.simulate(steps=60, dt=0.2, method="euler", initial=[0.0, 0.0]) for true in many]
    # A step sees the force at its end: the rows are moved so that it is the one at its beginning
    many = [rc.Series(s.values[1:], dt=0.2, inputs=s.inputs.values[:-1]) for s in many]

    def made(damping=0.4):
        guess = DampedOscillator(damping=damping, natural_frequency=1.15)
        return EulerCell.of(guess, ["natural_frequency"], dt=0.2)

    options = {"bptt_length": 59, "warmup": 10, "epochs": 150, "learning_rate": 0.05, "validation": 0}
    model = rc.Network(cell=made(), **options).fit(many)
    found = model.network_.model.cells[0].module.theta["natural_frequency"].item()
    assert found == pytest.approx(1.0, abs=0.03)
    model.save(tmp_path / "m.safetensors")
    again = rc.load(tmp_path / "m.safetensors", cell=made())
    drive = np.zeros(10)
    assert again.forecast(10, inputs=drive).values.tobytes() == model.forecast(10, inputs=drive).values.tobytes()
    with pytest.raises(ModelFileError, match="constants"):  # the damping is no weight here
        rc.load(tmp_path / "m.safetensors", cell=made(damping=0.5))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: EulerCell(jnp.add, size=2, dt=0.1, method="rk5"), "'rk5'"),
        (lambda: EulerCell(jnp.add, size=2, dt=-0.1), "positive"),
        (lambda: EulerCell.of(HenonMap(), ["a"], dt=0.1), "no vector field"),
        (lambda: EulerCell.of(Lorenz63(), ["rhoo"], dt=0.1), "did you mean 'rho'|rho"),
        (lambda: EulerCell.of(DampedOscillator(), ["force"], dt=0.1), "force"),
    ],
)
def test_a_cell_that_cannot_be_is_refused(make, message):
    with pytest.raises(ConfigError, match=message):
        make()


def test_the_exact_cells_are_cells_of_the_library():
    assert isinstance(velocity_unit(DampedOscillator(), 0.1), Elman)
