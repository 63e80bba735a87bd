"""Truncated backpropagation through time: short windows in their order, the state handed over between them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from recurra.cells import Array
from recurra.errors import ConfigError
from recurra.training.losses import SQUARED, Loss
from recurra.training.objectives import Objective, check_washout, over_windows, unit
from recurra.training.wrappers import running


@dataclass(frozen=True)
class Truncated(Objective):
    r"""Forecast the next row at every step, in windows that go on where the one before ended; all teacher-forced.

    .. math:: \frac{\partial L_t}{\partial W} \approx \sum_{k = k_0}^{t}
        \frac{\partial L_t}{\partial h_t} \frac{\partial h_t}{\partial h_k} \frac{\partial^+ h_k}{\partial W}

    with k_0 the first step of the window of t: the state that a window begins with is a constant of it. So the network
    remembers more than a window, and a training costs the memory of one; what it does not learn is what to remember
    for longer. A window as long as the series is full backpropagation.

    `data` is (values, drive, starts (updates, streams), fresh (updates, streams)) and perhaps observed, as of
    `NextSteps`: row u of `starts` holds the windows of update u, side by side in parallel streams, and where `fresh`
    the stream begins anew from the initial state. `streams` makes both; the number of streams is the batch size.

    Args:
        steps: of a window, through which gradients flow.
        washout: steps after a fresh start that are not compared, less than `steps`.
        error: the loss of one value.

    Raises:
        ConfigError: a washout that leaves nothing of a window.

    Reference: R. J. Williams, J. Peng, Neural Computation 2 (1990) 490-501.
    """

    carries: ClassVar[bool] = True

    steps: int
    washout: int = 0
    error: Loss = SQUARED

    def __post_init__(self) -> None:
        check_washout(self.washout, self.steps)

    def count(self, data: Any) -> int:
        return data[2].size

    def length(self, data: Any) -> int:
        return self.steps

    def size(self, data: Any, batch_size: int) -> int:
        return data[2].shape[1]

    def carried(self, model: Any, data: Any) -> Any:
        state = jax.tree.map(np.asarray, model.initial_state())
        return jax.tree.map(lambda leaf: np.repeat(leaf[None], data[2].shape[1], axis=0), state)

    def loss(self, model: Any, data: Any, index: jax.Array, keys: Any = None) -> jax.Array:
        state = jax.tree.map(lambda leaf: jnp.stack([leaf] * len(index)), model.initial_state())
        return self.run(model, data, index, keys, state)[0]

    def run(self, model: Any, data: Any, index: jax.Array, keys: Any, carried: Any) -> tuple[jax.Array, Any]:
        values, drive, starts, fresh, *observed = data
        rows = starts.reshape(-1)[index][:, None] + jnp.arange(self.steps + 1)
        begins = fresh.reshape(-1)[index]

        def windows(network: Any, y: Array, u: Array, begins: Array, state: Any) -> tuple[Any, jax.Array]:
            def begun(new: Array, old: Array) -> jax.Array:
                return jnp.where(begins.reshape(-1, *(1 for _ in old.shape[1:])), new, old)

            state = jax.tree.map(begun, network.initial_states(len(y)), state)
            xs = jnp.concatenate([y[:, :-1], u[:, 1:]], axis=2)
            return running(network, self.error.spread)(state, xs)[:2]

        state, outputs = over_windows(windows, model, keys, values[rows], drive[rows], begins, carried)
        targets = values[rows][:, 1:]
        seen = observed[0][rows][:, 1:] if observed else None
        if self.washout:
            late = ~begins[:, None] | (jnp.arange(self.steps) >= self.washout)
            seen = jnp.broadcast_to(late[:, :, None], targets.shape) & (True if seen is None else seen)
        loss = self.error.mean(outputs, targets, unit(model, self.error), seen)
        return loss, jax.lax.stop_gradient(state)


def streams(lengths: Sequence[int], steps: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Windows one after the other, in parallel streams: each stream has its own part of the series.

    Windows are cut from each series one after the other, and do not overlap; what does not fill a window, or would
    make one stream longer than the others, is left out at the end.

    Args:
        lengths: rows of the series, which stand one after the other.
        steps: of a window; it spans one row more, the first of the next one.
        count: streams, fewer where there are fewer windows.

    Returns:
        The first rows of the windows (updates, streams), and where a stream begins anew: at its first window, and
        at the first of every series.

    Raises:
        ConfigError: no series is long enough for a window.

    >>> starts, fresh = streams([9, 6], 2, 2)
    >>> starts.tolist(), fresh.tolist()
    ([[0, 6], [2, 9], [4, 11]], [[True, True], [False, True], [False, False]])
    """
    firsts = np.cumsum([0, *lengths[:-1]])
    each = [first + steps * np.arange(max(0, (rows - 1) // steps)) for first, rows in zip(firsts, lengths, strict=True)]
    starts = np.concatenate(each)
    if len(starts) == 0:
        raise ConfigError(
            f"no window of {steps} steps fits the {max(lengths, default=0)} rows of the longest series: "
            f"it spans {steps + 1}, so take at most {max(1, max(lengths, default=0) - 1)} steps or more rows"
        )
    fresh = np.concatenate([np.arange(len(part)) == 0 for part in each])
    count = min(count, len(starts))
    updates = len(starts) // count
    starts, fresh = (flat[: updates * count].reshape(count, updates).T for flat in (starts, fresh))
    fresh = fresh.copy()
    fresh[0] = True
    return np.ascontiguousarray(starts, np.int32), fresh
