"""Ways to follow a vector field dy/dt = f(t, y) from row to row of a time grid."""

from recurra.systems.integrators import euler, euler_cromer, rk4, verlet
from recurra.systems.integrators.fixed_step import FixedStep
from recurra.systems.integrators.sub_stepped import SubStepped

Integrator = FixedStep | SubStepped

DEFAULT = "accurate"
METHODS: dict[str, Integrator] = {
    "accurate": SubStepped("Dopri8", 1e-12, relative=1e-14),
    "adaptive": SubStepped("Tsit5", 1e-9, relative=1e-9),
    "euler": FixedStep(euler.step),
    "rk4": FixedStep(rk4.step),
    "euler-cromer": FixedStep(euler_cromer.step),
    "verlet": FixedStep(verlet.step),
}
MECHANICAL = ("euler-cromer", "verlet")  # for x'' = a(t, x, v) alone, with the state (x, v)
GENERAL = tuple(name for name in METHODS if name not in MECHANICAL)
SECOND_OPINION = SubStepped("Tsit5", 1e-14, relative=1e-14)  # at least as good as "accurate", in another way
