"""One pulse or two in a noisy trace."""

import numpy as np

from recurra.errors import ConfigError
from recurra.tasks.problem import Problem, check_sizes


def pulses(count: int, *, length: int = 80, width: float = 2.0, noise: float = 0.02, seed: int) -> Problem:
    r"""Is there one pulse in a trace, or are there two?

    .. math:: x_t = \sum_{k=1}^{n} a_k \exp\left(-\frac{(t - t_k)^2}{2 w^2}\right) + s \xi_t, \quad
        \xi_t \sim \mathcal N(0, 1), \quad n \in \{1, 2\}

    The heights a are uniform from 1/2 to 3/2 each. So the area of one pulse, in units of w sqrt(2 pi), reaches up to
    3/2, and that of two comes below it with the probability 1/8: the best threshold on the area is right in 15 cases of
    16. The centres are uniform with all of a pulse (3 w on both sides) inside the trace, and two of them at least 5 w
    apart. Both classes are equally likely.

    Args:
        count: traces.
        length: rows of each, at least 13 w.
        width: w, the standard deviation of a pulse, in steps.
        noise: s.
        seed: of heights, centres, classes and noise.

    Raises:
        ConfigError: a trace too short for two pulses.
    """
    check_sizes(count=count, length=length)
    if not 0 < width <= length / 13:
        raise ConfigError(
            f"two pulses of width {width} do not fit {length} rows: these hold widths up to {length / 13:g}"
        )
    rng = np.random.default_rng(seed)
    numbers = rng.integers(1, 3, count)
    heights = rng.uniform(0.5, 1.5, (count, 2)) * (np.arange(2) < numbers[:, None])
    first, gap = 3 * width, 5 * width
    room = length - 1 - 2 * first
    single = first + room * rng.random(count)
    # Two uniform points of a line that is shorter by the gap, put apart by it: every allowed pair is equally likely.
    pairs = first + np.sort((room - gap) * rng.random((count, 2)), axis=1) + gap * np.arange(2)
    centres = np.where(numbers[:, None] == 1, single[:, None], pairs)
    t = np.arange(length)[:, None]
    shapes = np.exp(-((t - centres[:, None]) ** 2) / (2 * width**2))
    x = (heights[:, None] * shapes).sum(axis=2) + noise * rng.normal(size=(count, length))
    return Problem("many-to-one", "categorical", list(x[:, :, None]), numbers.tolist(), 0.5)
