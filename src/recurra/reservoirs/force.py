"""FORCE learning: the readout is trained by recursive least squares while the network runs on its own output."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from recurra._types import LOST
from recurra.reservoirs.harvest import Saturation
from recurra.reservoirs.network import EchoState
from recurra.reservoirs.rls import RecursiveLeastSquares

_PAUSE = 100  # steps between two chances to be stopped


@dataclass(frozen=True, eq=False)
class Forced:
    """What FORCE learning leaves behind.

    Args:
        readout: the recursive least squares after the last row.
        before, after: errors of the output (rows, channels) before and after the update at each row that was learnt
            from: z - y.
    """

    readout: RecursiveLeastSquares
    before: np.ndarray
    after: np.ndarray


def force_train(
    network: EchoState,
    readout: RecursiveLeastSquares,
    inputs: np.ndarray,
    targets: np.ndarray,
    *,
    washout: int,
    pause: Callable[[], None] = lambda: None,
    saturation: Saturation | None = None,
) -> Forced:
    r"""First-order reduced and controlled error (FORCE) learning, the readout updated at every step.

    .. math::
        h_t = \mathrm{reservoir}(h_{t-1}, [z_t, u_{t+1}]), \qquad e^-_t = V_{t-1} \phi_t - y_{t+1}, \\
        z_{t+1} = V_t \phi_t, \qquad e^+_t = V_t \phi_t - y_{t+1} = e^-_t / (1 + \phi_t^T P_{t-1} \phi_t)

    The output z that is fed back is the network's own, never the target: the network learns while it makes the errors
    that it will make when it runs alone, and learns to take them back.

    Args:
        network: its reservoir, lags, increment and features of the readout; its coefficients are not used.
        readout: where the learning starts from.
        inputs: [y_t, u_{t+1}], (rows, features). Of the y the first `washout` rows are used, which teach the state.
        targets: y_{t+1} (rows, channels); a row with a NaN updates nothing, and the network runs on.
        washout: rows before the network runs on its own output.
        pause: called now and then; may raise, to stop.
        saturation: counts the states that the network goes through.

    Reference: D. Sussillo, L. F. Abbott, Neuron 63 (2009) 544-557.
    """
    channels = targets.shape[1]
    told = ~np.isnan(targets.sum(axis=1))
    network = replace(network, coefficients=readout.coefficients)
    state = network.warm(network.initial_state(1), inputs[None, :washout])
    z = inputs[washout : washout + 1, :channels]
    before, after = [], []
    for t in range(washout, len(inputs)):
        if t % _PAUSE == 0:
            pause()
        x = np.concatenate([z, inputs[t : t + 1, channels:]], axis=1)
        state, seen = network.step(state, x)
        if saturation is not None:
            saturation.count(state[:, : network.reservoir.units])
        z, y = network.read(seen, x), targets[t : t + 1]
        if told[t]:
            before.append(z - y)
            readout = readout.update(seen, y - x[:, :channels] if network.increment else y)
            network = replace(network, coefficients=readout.coefficients)
            z = network.read(seen, x)
            after.append(z - y)
        z = np.clip(z, -LOST, LOST)
    return Forced(readout, np.reshape(before, (-1, channels)), np.reshape(after, (-1, channels)))
