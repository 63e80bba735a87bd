"""Hessian-free optimisation: steps of a damped Gauss-Newton model, minimised by conjugate gradients."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from recurra.errors import ConfigError, unknown
from recurra.training.conjugate_gradient import Solution, conjugate_gradient, dot, saved
from recurra.training.curvature import METRICS, Curved

_DROP, _RAISE = 2 / 3, 3 / 2
_LOW, _HIGH = 0.25, 0.75
_LEAST_DAMPING, _MOST_DAMPING = 1e-10, 1e10
_ARMIJO, _CUT, _CUTS = 1e-2, 0.8, 60
_EXPONENT = 0.75  # of the preconditioner


class Program(NamedTuple):
    """What the compiled program depends on."""

    curvature_batch: int | None
    chunk: int | None
    segment: int | None
    cg_steps: int
    cg_least: int
    metric: str | None
    preconditioned: bool


@dataclass(frozen=True)
class HessianFree:
    """Settings of Hessian-free optimisation; those of `static` shape the compiled program.

    Args:
        damping: lambda at the start, added to the diagonal of the Gauss-Newton matrix of the mean loss.
        structural_damping: mu; the strength of structural damping is lambda mu. 0 for none.
        metric: of structural damping: "matched" to the nonlinearity, "pre" for what it is given, "post" for what it
            gives.
        cg_steps, cg_least: most and fewest iterations of conjugate gradients in a step.
        warm_start: what the last iterate of the step before is multiplied by, for the start of the next.
        curvature_batch: windows of a batch, the first ones, that products and reduction ratio are computed on; None for
            all of it.
        chunk: windows at a time, None for all at once. Several chunks take less memory, and half as much time again.
        segment: steps of a window at a time, None for all at once. A window whose derivatives do not fit the memory is
            cut so; what lies between the cuts is computed again in every product, up to half as much time again.
        preconditioned: by the diagonal of the empirical Fisher matrix to the power 0.75.

    Raises:
        ConfigError: a value that cannot be.
    """

    damping: float = 1.0
    structural_damping: float = 0.0
    metric: str = "matched"
    cg_steps: int = 250
    cg_least: int = 1
    warm_start: float = 0.95
    curvature_batch: int | None = None
    chunk: int | None = None
    segment: int | None = None
    preconditioned: bool = False

    def __post_init__(self) -> None:
        if self.metric not in METRICS:
            raise ConfigError(unknown("metric of structural damping", str(self.metric), METRICS))
        ranges = {
            "damping": (_LEAST_DAMPING <= self.damping <= _MOST_DAMPING, f"{_LEAST_DAMPING:g} to {_MOST_DAMPING:g}"),
            "structural_damping": (0 <= self.structural_damping < np.inf, "0 on"),
            "cg_steps": (self.cg_steps >= 1, "1 on"),
            "cg_least": (1 <= self.cg_least <= self.cg_steps, f"1 to `cg_steps`, {self.cg_steps}"),
            "warm_start": (0 <= self.warm_start <= 1, "0 to 1"),
            "curvature_batch": (self.curvature_batch is None or self.curvature_batch >= 1, "1 on"),
            "chunk": (self.chunk is None or self.chunk >= 1, "1 on"),
            "segment": (self.segment is None or self.segment >= 1, "1 on"),
        }
        for name, (good, rule) in ranges.items():
            if not good:
                raise ConfigError(f"`{name}` is {getattr(self, name)}: it is a number from {rule}")

    @property
    def static(self) -> Program:
        """What the compiled program depends on."""
        metric = self.metric if self.structural_damping else None
        sizes = self.curvature_batch, self.chunk, self.segment, self.cg_steps, self.cg_least
        return Program(*sizes, metric, self.preconditioned)


class State(NamedTuple):
    """What a step hands to the next.

    Args:
        iterate: the last of conjugate gradients (size,).
        damping: lambda.
    """

    iterate: Any
    damping: Any


class Traced(NamedTuple):
    """Numbers of the settings that compile nothing: mu and the factor of the warm start."""

    structural_damping: Any
    warm_start: Any


class Facts(NamedTuple):
    """What is recorded of a step.

    Over several updates of an epoch these are means.

    Args:
        rho: reduction ratio, of the loss to what the undamped model said; minus infinity where the loss rose.
        damping: lambda of the step.
        cg_steps: iterations of conjugate gradients.
        cg_reason: why they ended, an index into `recurra.training.conjugate_gradient.REASONS`.
        cg_taken: the iteration whose iterate was taken.
        step_length: alpha of the line search; 0 for a step that is rejected.
        passes: gradients over the whole batch that the step was worth, a gradient being three forward passes.
    """

    rho: Any
    damping: Any
    cg_steps: Any
    cg_reason: Any
    cg_taken: Any
    step_length: Any
    passes: Any


class _Search(NamedTuple):
    """Where the choice of a step stands: first of an iterate, then of its length.

    Args:
        at: the saved iterate; one more than the last before any is looked at.
        value: the loss of the whole step.
        chosen: whether the iterate is.
        length: alpha.
        now: the loss of the step of that length.
        cuts: of the length.
        evaluations: of the loss.
    """

    at: Any
    value: Any
    chosen: Any
    length: Any
    now: Any
    cuts: Any
    evaluations: Any


def no_facts() -> Facts:
    """Of a step that is not made."""
    return Facts(*(np.zeros((), jax.dtypes.canonicalize_dtype(np.float64)) for _ in Facts._fields))


def first_state(settings: HessianFree, weights: Any) -> State:
    """The state before the first step."""
    return State(np.zeros(weights.shape, weights.dtype), np.asarray(settings.damping, np.float64))


def take_step(
    program: Program, traced: Traced, whole: Curved, curved: Curved, share: float, weights: Any, state: State
) -> tuple[Any, State, Any, Any, Facts]:
    r"""One step of Hessian-free optimisation.

    .. math:: \min_x \; g^T x + \tfrac12 x^T \left(G + \lambda (1 + \mu S)\right) x, \quad w \leftarrow w + \alpha x

    Conjugate gradients begin at 0.95 of their last iterate before; of the iterates they save, the last is taken, or the
    one before as long as the loss falls by that; alpha is 0.8 to the first power that decreases the loss by one
    hundredth of the slope. The damping follows the reduction ratio of the undamped model on the curvature batch: 3/2 of
    it for a ratio below 1/4, 2/3 above 3/4. A step that no alpha makes good is not taken: the weights stay as they are
    to the bit, the damping rises, and the next one starts from zero.

    Args:
        program, traced: the settings.
        whole: the objective over the batch: gradient, choice of the iterate, line search.
        curved: the objective over the curvature batch; the same where that is all of it.
        share: of the curvature batch in the batch.
        weights: w (size,).
        state: of the step before.

    Returns:
        The new weights and state, the loss and gradient before the step, and what is recorded.

    References: J. Martens, Deep learning via Hessian-free optimization, ICML 2010; J. Martens, I. Sutskever, Learning
    recurrent neural networks with Hessian-free optimization, ICML 2011, and Training deep and recurrent networks with
    Hessian-free optimization, in Neural Networks: Tricks of the Trade, 2012.
    """
    loss, gradient = whole.value_and_gradient(weights)
    product = curved.product(weights)
    inverse = 1.0
    if program.preconditioned:
        inverse = ((curved.case_squares(weights) + state.damping) ** -_EXPONENT).astype(weights.dtype)

    def damped(v: Any) -> Any:
        return product(v, state.damping * traced.structural_damping) + state.damping.astype(v.dtype) * v

    start = traced.warm_start.astype(weights.dtype) * state.iterate
    solution = conjugate_gradient(
        damped, -gradient, start, most=program.cg_steps, least=program.cg_least, inverse=inverse
    )
    slopes = jax.vmap(lambda x: dot(gradient, x))(solution.iterates)
    found, taken = _searched(lambda x: whole.value(weights + x), solution, loss, slopes)
    x = solution.iterates[found.at]
    rho = _reduction_ratio(curved, whole, weights, x, loss, gradient, product, found.value)
    new = jnp.where(taken, weights + found.length.astype(weights.dtype) * x, weights)
    factor = jnp.where(taken & (rho > _HIGH), _DROP, jnp.where(taken & (rho >= _LOW), 1.0, _RAISE))
    damping = jnp.clip(state.damping * factor, _LEAST_DAMPING, _MOST_DAMPING)
    iterate = jnp.where(taken, solution.x, jnp.zeros_like(x))
    each = 4 / 3 if curved.linearised_once else 2.0
    beside = 0 if curved is whole else share * 4 / 3  # gradient and loss for the reduction ratio
    once = share * ((curved.linearised_once / 3) + program.preconditioned)
    passes = 1 + beside + once + share * each * (solution.products + 1) + found.evaluations / 3
    at = jnp.where(found.at == solution.count - 1, solution.steps, jnp.asarray((*saved(program.cg_steps), 0))[found.at])
    length = jnp.where(taken, found.length, 0.0)
    facts = Facts(rho, state.damping, solution.steps, solution.reason, at, length, passes)
    return new, State(iterate, damping), loss, gradient, facts


def _finite(value: Any) -> Any:
    return jnp.where(jnp.isnan(value), jnp.inf, value)


def _searched(value: Callable[[Any], Any], solution: Solution, loss: Any, slopes: Any) -> tuple[_Search, Any]:
    """The iterate and its length, and whether the step is to be taken; one loop, that the loss is compiled once.

    From the last saved iterate back as long as the loss falls or is not finite; then shorter by 0.8, 60 times at most,
    until the loss has decreased enough.
    """

    def enough(at: _Search) -> Any:
        return at.chosen & (at.now <= loss + _ARMIJO * at.length * slopes[at.at]) & (slopes[at.at] < 0)

    def body(at: _Search) -> _Search:
        before = jnp.maximum(at.at - 1, 0)
        length = at.length * _CUT
        x = solution.iterates[jnp.where(at.chosen, at.at, before)]
        now = _finite(value(jnp.where(at.chosen, length, 1.0).astype(x.dtype) * x))
        shorter = at._replace(length=length, now=now, cuts=at.cuts + 1)
        better = (now < at.value) | jnp.isinf(at.value)
        back = at._replace(
            at=jnp.where(better, before, at.at).astype(at.at.dtype),
            value=jnp.where(better, now, at.value),
            now=jnp.where(better, now, at.value),
            chosen=~better | (before == 0),
        )
        new = jax.tree.map(lambda cut, earlier: jnp.where(at.chosen, cut, earlier), shorter, back)
        return new._replace(evaluations=at.evaluations + 1)

    zero, none, one = jnp.zeros((), jnp.int32), jnp.full((), jnp.inf, loss.dtype), jnp.ones((), loss.dtype)
    begin = _Search(solution.count.astype(jnp.int32), none, jnp.asarray(False), one, none, zero, zero)
    end = jax.lax.while_loop(lambda at: ~at.chosen | (~enough(at) & (at.cuts < _CUTS)), body, begin)
    return end, enough(end)


def _reduction_ratio(
    curved: Curved, whole: Curved, weights: Any, x: Any, loss: Any, gradient: Any, product: Any, value: Any
) -> Any:
    """The fall of the loss over that of the undamped model, on the curvature batch."""
    if curved is whole:
        before, after = loss, value
    else:
        before, gradient = curved.value_and_gradient(weights)
        after = _finite(curved.value(weights + x))
    predicted = dot(gradient, x) + 0.5 * dot(x, product(x, jnp.zeros(())))
    fallen = (after < before) & (predicted < 0)
    return jnp.where(fallen, (after - before) / jnp.where(fallen, predicted, 1.0), -jnp.inf)
