"""Alarms during a training: what goes wrong in silence, said once, with where it is and what to do about it.

A training that leaves the finite numbers is one of them: it stops the training with a `DivergenceError`, or, where the
rate is halved instead, is kept among the alarms without a warning.
"""

import warnings
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from recurra.errors import RecurraWarning
from recurra.models import Model, Stack
from recurra.training.full_windows import FullWindows
from recurra.training.objectives import LastStep, NextSteps, Objective
from recurra.training.physics import Physics
from recurra.training.truncated import Truncated

DIVERGED, SPIKE, DEAD, SATURATED, NO_RECURRENCE, REJECTED = (
    "diverged",
    "loss spike",
    "dead units",
    "saturated units",
    "no recurrence",
    "rejected steps",
)
_IN_A_ROW = 5  # steps of Hessian-free optimisation that are not taken
_BEFORE = 10  # epochs, whose changes a spike is compared to
_TIMES = 10  # their median change
_MOSTLY_DEAD, _MOSTLY_FLAT = 0.75, 0.5  # shares of a layer
_WINDOWS, _STEPS = 8, 200  # that are looked at

Alarm = dict[str, Any]  # kind, epoch, message, and the facts of its kind


def record(alarms: list[Alarm], kind: str, epoch: int, message: str, **facts: Any) -> bool:
    """Keep an alarm; False for one of a kind that has spoken before in this training."""
    if any(alarm["kind"] == kind for alarm in alarms):
        return False
    alarms.append({"kind": kind, "epoch": epoch, "message": message, **facts})
    return True


def sound(alarms: list[Alarm], kind: str, epoch: int, message: str, **facts: Any) -> None:
    """Keep an alarm and warn of it, the first time."""
    if record(alarms, kind, epoch, message, **facts):
        warnings.warn(message, RecurraWarning, stacklevel=4)


def check_length(alarms: list[Alarm], model: Model, objective: Objective, data: Any) -> None:
    """Sequences of a single step, from the initial state, for a model with weights W that are to see the past."""
    if objective.length(data) == 1 and not objective.carries and any(name == "W" for name, _ in _named(model)):
        sound(
            alarms,
            NO_RECURRENCE,
            0,
            "sequence length 1: the recurrent weights are unused, they only ever multiply the zero initial state. "
            "Arrange the window as steps, not as features",
        )


def idle(gradient: Any) -> jax.Array:
    """1 where the recurrent weights W have a gradient of exactly zero while other weights of their cells learn."""
    names = _named(gradient)
    recurrent = [jnp.abs(leaf).max() for name, leaf in names if name == "W" and leaf.size]
    others = [jnp.abs(leaf).max() for name, leaf in names if name in ("U", "b", "d") and leaf.size]
    if not recurrent or not others:
        return jnp.zeros(())
    return ((jnp.stack(recurrent).max() == 0) & (jnp.stack(others).max() > 0)).astype(float)


def _named(tree: Any) -> list[tuple[str, Any]]:
    """The leaves of a model by the last part of their names."""
    paths = jax.tree_util.tree_flatten_with_path(tree)[0]
    return [(jax.tree_util.keystr(path[-1:], simple=True), leaf) for path, leaf in paths]


def check_recurrence(alarms: list[Alarm], shares: np.ndarray, epoch: int) -> None:
    """Recurrent weights without a gradient in a whole stretch.

    Args:
        alarms: of the training.
        shares: of the updates of each epoch that were `idle` (epochs,).
        epoch: the last of them.
    """
    if (shares == 1).all():
        sound(
            alarms,
            NO_RECURRENCE,
            epoch,
            f"the gradient of the recurrent weights is exactly zero in epochs {epoch - len(shares) + 1} to {epoch}, "
            "and that of the other weights is not: the hidden state that they multiply stays zero, so the network "
            "learns nothing from the past. Look at the initial state and the weights that feed it, and take other ones",
        )


def check_loss(alarms: list[Alarm], history: list[dict[str, Any]], epochs: int, learning_rate: float) -> None:
    """A loss that takes back in one of the last `epochs` what was gained before.

    A jump is a spike where it is more than a quarter of all that was gained, a tenth of the loss of the first epoch,
    and ten times the median change of the ten epochs before. A loss that goes below zero is a log likelihood, in which
    single rows cost much as soon as the spread is small: there the jump has to take back all that was gained.
    """
    losses = np.array([entry["loss"] for entry in history], np.float64)
    for e in range(max(_BEFORE + 1, len(losses) - epochs), len(losses)):
        best = losses[:e].min()
        gained = (losses[0] - best) * (1.0 if best < 0 else 0.25)
        usual = float(np.median(np.abs(np.diff(losses[e - _BEFORE - 1 : e]))))
        if losses[e] - losses[e - 1] > max(gained, abs(losses[0]) / 10, _TIMES * usual):
            sound(
                alarms,
                SPIKE,
                e + 1,
                f"the loss jumps from {losses[e - 1]:.3g} to {losses[e]:.3g} in epoch {e + 1}: a step was too long "
                f"(learning rate {learning_rate:g}). Take a learning rate of {learning_rate / 3:.1g}, a schedule that "
                "lowers it, or a smaller `clip_norm`",
                before=float(losses[e - 1]),
                after=float(losses[e]),
            )
            return


def check_steps(alarms: list[Alarm], history: list[dict[str, Any]], epoch: int) -> None:
    """Steps of Hessian-free optimisation that are not taken, several in a row: nothing is learnt any more."""
    last = [entry["step_length"] for entry in history[-_IN_A_ROW:]]
    if len(last) == _IN_A_ROW and not any(last):
        sound(
            alarms,
            REJECTED,
            epoch,
            f"none of the last {_IN_A_ROW} steps of Hessian-free optimisation lowered the loss, so the weights did not "
            'move: the training is at its end, or the precision is (take `precision` "float64"), or the curvature is '
            "not finite",
        )


def check_units(alarms: list[Alarm], model: Model, objective: Objective, data: Any, epoch: int) -> None:
    """ReLUs that are never active and units that are saturated, in a few windows; where the cells are known."""
    # Late: a package whose other parts look at trainings.
    from recurra.models.activity import activities

    stack: Any = model
    while isinstance(getattr(stack, "model", None), Model):
        stack = stack.model
    xs = _windows(objective, data)
    if not isinstance(stack, Stack) or xs is None:
        return
    layers = activities(stack, xs, jax.tree.map(np.asarray, model.initial_state()))
    where = f"after epoch {epoch}, in {len(xs)} windows"
    dead = {layer.name: [len(layer.dead), layer.output.shape[-1]] for layer in layers}
    dead = {name: counts for name, counts in dead.items() if counts[0] > _MOSTLY_DEAD * counts[1]}
    if dead:
        which = ", ".join(f"{few} of {all_} units of {name}" for name, (few, all_) in dead.items())
        sound(
            alarms,
            DEAD,
            epoch,
            f"{which} are never active ({where}): a ReLU that is always off passes no gradient and does not come back. "
            "Take a smaller learning rate, a `clip_norm`, or the activation 'leaky-relu' or 'elu'",
            layers=dead,
        )
    flat = {layer.name: float(np.mean(list(layer.saturated.values()))) for layer in layers if layer.saturated}
    flat = {name: share for name, share in flat.items() if share > _MOSTLY_FLAT}
    if flat:
        which = ", ".join(f"{100 * share:.0f} % of the slopes of {name}" for name, share in flat.items())
        sound(
            alarms,
            SATURATED,
            epoch,
            f"{which} are below 0.01 ({where}): units that are saturated hardly learn. Take smaller initial weights, "
            "scaled inputs, a smaller learning rate, or a penalty `l2`",
            layers=flat,
        )


def _windows(objective: Objective, data: Any) -> np.ndarray | None:
    """The inputs of a few windows (windows, steps, features); None for an objective that keeps them another way."""
    if isinstance(objective, FullWindows):
        objective = objective.inner
    if isinstance(objective, Physics):
        objective, data = objective.forecast, data[0]
    if isinstance(objective, LastStep):
        return np.asarray(data[0][_spread(len(data[0])), :_STEPS])
    if not isinstance(objective, NextSteps | Truncated):
        return None
    values, drive, starts = (np.asarray(array) for array in data[:3])
    first = starts.reshape(-1)[_spread(starts.size)]
    rows = first[:, None] + np.arange(min(objective.steps, _STEPS))
    return np.concatenate([values[rows], drive[rows + 1]], axis=-1)


def _spread(count: int) -> np.ndarray:
    """A few of `count` windows, evenly spread."""
    return np.unique(np.linspace(0, count - 1, min(_WINDOWS, count)).round().astype(int))
