"""Ways to follow a vector field dy/dt = f(t, y) from row to row of a time grid."""

import diffrax

from recurra.systems.integrators import euler, rk4
from recurra.systems.integrators.fixed_step import FixedStep
from recurra.systems.integrators.sub_stepped import SubStepped

Integrator = FixedStep | SubStepped

DEFAULT = "accurate"
METHODS: dict[str, Integrator] = {
    "accurate": SubStepped(diffrax.Dopri8, 1e-12, relative=1e-14),
    "adaptive": SubStepped(diffrax.Tsit5, 1e-9, relative=1e-9),
    "euler": FixedStep(euler.step),
    "rk4": FixedStep(rk4.step),
}
SECOND_OPINION = SubStepped(diffrax.Tsit5, 1e-14, relative=1e-14)  # at least as good as "accurate", in another way
