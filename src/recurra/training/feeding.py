"""What a network sees along a window while it is trained: the data, its own output, or something between the two."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from recurra.errors import ConfigError, unknown

FEEDINGS = ("own", "mixed", "sampled", "leading")
_STEEPNESS = 5.0  # an exponential goes down to exp(-5) of its height before it is stretched to reach its end
_REACH = 6.0  # an inverse sigmoid runs between arguments -6 and 6
_COINS, _NOISE = 2, 3  # streams of random numbers; dropout has stream 1

# How much of the way from the last share back to the first is left at a fraction s of the training, from 1 to 0.
SHARES: dict[str, Callable[[Any], Any]] = {
    "linear": lambda s: 1 - s,
    "exponential": lambda s: (jnp.exp(-_STEEPNESS * s) - np.exp(-_STEEPNESS)) / (1 - np.exp(-_STEEPNESS)),
    "inverse-sigmoid": lambda s: 0.5 + 0.5 * jnp.tanh(_REACH * (0.5 - s)) / np.tanh(_REACH / 2),
}


class Fed(NamedTuple):
    """The numbers of a feeding; traced, and part of the data of an objective.

    Args:
        first, last: share alpha of the data before the first update, and from update number `updates` on.
        updates: over which it changes, at least 1.
        noise: standard deviation of what is added to the data, in their unit.
        seed: two words of the key of coins and noise.
        update: which one it is, counted from 0.
    """

    first: Any
    last: Any
    updates: Any
    noise: Any
    seed: Any
    update: Any

    @staticmethod
    def of(
        first: float = 0.0,
        last: float | None = None,
        updates: int = 1,
        noise: float = 0.0,
        seed: int = 0,
        precision: Any = np.float32,
    ) -> "Fed":
        """The numbers before the first update.

        Args:
            first, last, updates, noise: as of the class; without a last share it stays the first.
            seed: of coins and noise.
            precision: of the model.
        """
        first_, last_, over, spread = (
            np.asarray(number, precision) for number in (first, first if last is None else last, updates, noise)
        )
        return Fed(first_, last_, over, spread, np.array([0, seed % 2**32], np.uint32), np.int32(0))


@dataclass(frozen=True)
class Feeding:
    r"""What the later steps of a window see, those after the first that see the data in any case.

    .. math:: x_t = a_t y_t + (1 - a_t) \hat y_t

    with the true row y and the network's own forecast of it, hat y, through which gradients flow. One number says how
    much of the data there is, the share alpha between 0 and 1, and it may change along the training:

    .. math::
        \text{own} &: a_t = 0 \quad \text{(the closed loop, a loss of many steps)} \\
        \text{mixed} &: a_t = \alpha \quad \text{(generalised teacher forcing)} \\
        \text{sampled} &: a_t = 1 \text{ with probability } \alpha, \text{ else } 0 \quad \text{(scheduled sampling)} \\
        \text{leading} &: a_t = 1 \text{ at the first } \alpha \text{ of these steps, then } 0
            \quad \text{(a closed loop that grows)}

    At update k of K, with s = min(k / K, 1),

    .. math::
        \alpha &= \alpha_1 + (\alpha_0 - \alpha_1) g(s) \\
        \text{linear} &: g = 1 - s \\
        \text{exponential} &: g = (e^{-5 s} - e^{-5}) / (1 - e^{-5}) \\
        \text{inverse-sigmoid} &: g = (\sigma(6 - 12 s) - \sigma(-6)) / (\sigma(6) - \sigma(-6))

    which are those of Bengio et al., stretched so that they begin at 1 and end at 0.

    What is forced is the input, and not the state as in a network whose state is observed: the state of these networks
    is not a function of the row (an LSTM has two vectors for every unit, a readout may have hidden layers), so that a
    readout has no inverse that would give it, and the pseudo-inverse of a linear one would overwrite the memory in
    some directions and leave it in others. The input is all that differs between training and free run. The derivative
    of the next state by the state before is then

    .. math:: \frac{\partial s_{t+1}}{\partial s_t} = \frac{\partial F}{\partial s}
        + (1 - a_t) \frac{\partial F}{\partial x} \frac{\partial \hat y_t}{\partial s_t}

    so alpha damps the loop through the output, by which the gradients of chaotic free runs explode, and leaves the
    memory as it is. Noise on the data that are seen (not on those that are compared) works in the same direction: the
    network learns to come back to the data from beside them.

    Args:
        kind: one of `FEEDINGS`.
        schedule: one of `SHARES`.
        noisy: add noise to the data that are seen.

    Raises:
        ConfigError: an unknown kind or schedule.

    References: S. Bengio, O. Vinyals, N. Jaitly, N. Shazeer, Scheduled sampling for sequence prediction with recurrent
    neural networks, NeurIPS 2015, arXiv:1506.03099; F. Hess, Z. Monfared, M. Brenner, D. Durstewitz, Generalized
    teacher forcing for learning chaotic dynamics, ICML 2023, arXiv:2306.04406; C. M. Bishop, Training with noise is
    equivalent to Tikhonov regularization, Neural Computation 7 (1995) 108-116.

    Example:
        >>> fed = Fed.of(first=1.0, last=0.0, updates=4)._replace(update=1)
        >>> float(Feeding("mixed").share(fed)), Feeding("leading").coefficients(fed, np.array([0]), 4)[0].tolist()
        (0.75, [1.0, 1.0, 1.0, 0.0])
    """

    kind: str = "own"
    schedule: str = "linear"
    noisy: bool = False

    def __post_init__(self) -> None:
        if self.kind not in FEEDINGS:
            raise ConfigError(unknown("feeding", self.kind, FEEDINGS))
        if self.schedule not in SHARES:
            raise ConfigError(unknown("schedule of a share", self.schedule, SHARES))

    @property
    def plain(self) -> bool:
        """Whether it takes no numbers: the later steps see the network's own output, and the data have no noise."""
        return self.kind == "own" and not self.noisy

    def share(self, fed: Fed) -> jax.Array:
        """alpha at an update."""
        left = SHARES[self.schedule](jnp.minimum(fed.update / fed.updates, 1.0))
        return jnp.asarray(fed.last + (fed.first - fed.last) * left).astype(jnp.asarray(fed.first).dtype)

    def coefficients(self, fed: Fed, index: Any, steps: int) -> jax.Array:
        """a_t at the later steps of windows (windows, steps); the coins depend on seed, update and window alone."""
        alpha = self.share(fed)
        if self.kind == "sampled":
            coins = _drawn(jax.random.uniform, fed, _COINS, index, (steps,), alpha.dtype)
            return (coins < alpha).astype(alpha.dtype)
        row = jnp.broadcast_to(alpha, steps)
        if self.kind == "leading":
            row = (jnp.arange(steps) < jnp.round(alpha * steps)).astype(alpha.dtype)
        return jnp.broadcast_to(row, (len(index), steps))

    def noised(self, fed: Fed, index: Any, rows: Any) -> jax.Array:
        """The rows (windows, rows, channels) that are seen; the noise depends on seed, update and window alone."""
        if not self.noisy:
            return jnp.asarray(rows)
        return rows + fed.noise * _drawn(jax.random.normal, fed, _NOISE, index, rows.shape[1:], rows.dtype)


OWN = Feeding()


def _drawn(law: Callable[..., Any], fed: Fed, stream: int, index: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    """Random numbers for every window: (windows, *shape)."""
    key = jax.random.fold_in(jax.random.fold_in(jax.random.wrap_key_data(fed.seed), fed.update), stream)
    return jax.vmap(lambda window: law(jax.random.fold_in(key, window), shape, dtype))(jnp.asarray(index))
