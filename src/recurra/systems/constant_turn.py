"""A vehicle in the plane that drives at a speed and turns at a rate of its own."""

from typing import Any, ClassVar

import numpy as np

from recurra.errors import ConfigError
from recurra.series import Series
from recurra.systems.maps import provenance
from recurra.systems.system import Plan, System


class ConstantTurn(System):
    """The position of a vehicle that turns at a nearly constant rate, as it is measured.

    x' = v cos(theta), y' = v sin(theta), theta' = w

    Between two rows v and w are constant, and the step is exact: a chord of the length
    v dt sin(w dt / 2) / (w dt / 2) in the direction theta + w dt / 2. From row to row they diffuse, and every measured
    position has an error of its own. Without `initial` the track starts at the origin in any direction; its speed and
    its turn rate are drawn from normal distributions, so that every seed gives another vehicle.

    Args:
        speed: mean of v over the vehicles, m/s.
        speed_spread: its standard deviation.
        turn_rate_spread: standard deviation of w over the vehicles, rad/s; its mean is 0.
        speed_noise: diffusion of v, m/s in a second: its standard deviation grows as the square root of the time.
        turn_noise: the same of w, rad/s in a second.
        measurement_noise: standard deviation of the error of x and of y, m.

    References:
        X. Rong Li, V. P. Jilkov, Survey of maneuvering target tracking, part I: dynamic models, IEEE Trans. Aerospace
        and Electronic Systems 39 (2003) 1333-1364.

    >>> track = ConstantTurn().simulate(steps=40, seed=3)
    >>> track.channels, track.units, track.dt
    (('x', 'y'), ('m', 'm'), 0.5)
    """

    speed: float = 12.0
    speed_spread: float = 3.0
    turn_rate_spread: float = 0.25
    speed_noise: float = 0.3
    turn_noise: float = 0.02
    measurement_noise: float = 0.1

    name: ClassVar[str] = "constant-turn"
    title: ClassVar[str] = "Vehicle in the plane at a nearly constant speed and turn rate"
    channels: ClassVar[tuple[str, ...]] = ("x", "y")
    units: ClassVar[tuple[str, ...]] = ("m", "m")
    default_dt: ClassVar[float] = 0.5
    methods: ClassVar[tuple[str, ...]] = ()
    state_size: ClassVar[int] = 5

    def __check_init__(self):
        for name in ("speed_spread", "turn_rate_spread", "speed_noise", "turn_noise", "measurement_noise"):
            if getattr(self, name) < 0:
                raise ConfigError(f"`{name}` of {self.name} is a standard deviation, got {getattr(self, name)!r}")

    @property
    def transient(self) -> float:
        """0: a track begins where it is first seen."""
        return 0.0

    def trajectory(self, plan: Plan) -> Series:
        """Draw a vehicle and follow it; a longer track starts with the same rows."""
        rng, dt = np.random.default_rng(plan.seed), plan.dt
        drawn = self._vehicle(rng)  # drawn in any case: the noise does not depend on whether `initial` is given
        start = drawn if plan.initial is None else plan.initial
        noise = rng.standard_normal((plan.steps + 1, 4))
        v = start[2] + self.speed_noise * dt**0.5 * _before(noise[:-1, 0])
        w = start[4] + self.turn_noise * dt**0.5 * _before(noise[:-1, 1])
        theta = start[3] + dt * _before(w[:-1])
        chord = v * dt * np.sinc(w * dt / (2 * np.pi))
        moves = (chord * np.stack([np.cos(theta + w * dt / 2), np.sin(theta + w * dt / 2)]))[:, :-1].T
        position = start[:2] + np.concatenate([np.zeros((1, 2)), np.cumsum(moves, axis=0)])
        values = position + self.measurement_noise * noise[:, 2:]
        facts = provenance(self, plan.seed, start.tolist(), 0.0)
        return Series(values, dt=dt, channels=self.channels, units=self.units, provenance={**facts, "time_unit": "s"})

    def _vehicle(self, rng: np.random.Generator) -> np.ndarray:
        v, w = rng.standard_normal(2)
        heading = rng.uniform(-np.pi, np.pi)
        return np.array([0.0, 0.0, self.speed + self.speed_spread * v, heading, self.turn_rate_spread * w])

    def _start(self, initial: Any) -> np.ndarray:
        try:
            return super()._start(initial)
        except ConfigError as error:
            raise ConfigError(f"{error}; they are x, y, the speed, the heading and the turn rate") from error


def _before(steps: np.ndarray) -> np.ndarray:
    """Sums of all steps before each row, 0 before the first: one row more than there are steps."""
    return np.concatenate([np.zeros(1), np.cumsum(steps)])
