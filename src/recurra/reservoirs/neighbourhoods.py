"""Which sites of a grid forecast which: groups of sites, each with the halo that it sees around it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import prod

import numpy as np

BOUNDARIES = ("periodic", "walls")


@dataclass(frozen=True)
class Grid:
    """A grid of one or two dimensions, cut into groups of sites.

    Args:
        shape: sites along each axis.
        group: sites of a group along each axis, which divide the shape.
        halo: sites that a group sees beyond itself, to both sides along each axis.
        boundary: "periodic" or "walls" along each axis; nothing is seen behind a wall.
        absent: numbers of the sites that take no part, in C order: they have no channels.
        fields: channels of each site, side by side.
    """

    shape: tuple[int, ...]
    group: tuple[int, ...]
    halo: tuple[int, ...]
    boundary: tuple[str, ...]
    absent: tuple[int, ...] = ()
    fields: int = 1

    @property
    def channels(self) -> int:
        """Channels of all sites that take part, in C order of the sites."""
        return self.fields * (prod(self.shape) - len(self.absent))

    @property
    def seen(self) -> int:
        """Channels that a group sees, its own among them."""
        return self.fields * prod(len(self._window(axis)) for axis in range(len(self.shape)))

    @property
    def given(self) -> int:
        """Channels that a group gives."""
        return self.fields * prod(self.group)

    def groups(self) -> np.ndarray:
        """The channels that each group sees, (groups, seen): first its own, then the halo, each in C order.

        Where there is no site, the number is that of all channels. A group of which no site takes part is left out.
        """
        numbers = np.full(prod(self.shape) + 1, self.channels // self.fields)
        present = np.setdiff1d(np.arange(prod(self.shape)), self.absent)
        numbers[present] = np.arange(len(present))
        windows = [self._window(axis) for axis in range(len(self.shape))]
        own = [all(0 <= k < g for k, g in zip(offset, self.group, strict=True)) for offset in product(*windows)]
        order = np.argsort(np.logical_not(own), kind="stable")
        corners = product(*(range(0, n, g) for n, g in zip(self.shape, self.group, strict=True)))
        sites = np.array([self._sites(corner, windows) for corner in corners])
        sites = numbers[sites[:, order]]
        sites = sites[(sites[:, : prod(self.group)] < len(present)).any(axis=1)]
        found = self.fields * sites[:, :, None] + np.arange(self.fields)
        return np.minimum(found, self.channels).reshape(len(sites), -1)

    def _window(self, axis: int) -> range:
        """Offsets from the first site of a group of all that it sees; of a short ring, every site once."""
        size, group, halo = self.shape[axis], self.group[axis], self.halo[axis]
        if self.boundary[axis] == "periodic" and group + 2 * halo > size:
            before = (size - group) // 2
            return range(-before, size - before)
        return range(-halo, group + halo)

    def _sites(self, corner: tuple[int, ...], windows: Sequence[range]) -> list[int]:
        """Numbers of the sites around a corner, in C order; the number of all sites for those behind a wall."""
        found = []
        for offset in product(*windows):
            number = 0
            for axis, (at, k) in enumerate(zip(corner, offset, strict=True)):
                size, place = self.shape[axis], at + k
                if self.boundary[axis] == "periodic":
                    place %= size
                number = number * size + place if 0 <= place < size and number >= 0 else -1
            found.append(number if number >= 0 else prod(self.shape))
        return found


@dataclass(frozen=True, eq=False)
class Neighbourhoods:
    r"""Between rows of all channels and what each group sees and gives.

    .. math:: z_i = a_i y_i + b_i

    Groups see z, not y: with a and b that bring all sites to one scale, what is learnt at one of them holds at all.

    Args:
        sees: (groups, seen) as of `Grid.groups`.
        given: how many of them, the first ones, a group gives.
        gain, shift: a > 0 and b, (channels,).
    """

    sees: np.ndarray
    given: int
    gain: np.ndarray
    shift: np.ndarray

    @staticmethod
    def of(grid: Grid, gain: np.ndarray | None = None, shift: np.ndarray | None = None) -> "Neighbourhoods":
        """Those of a grid; without a scale z is y."""
        gain = np.ones(grid.channels) if gain is None else gain
        return Neighbourhoods(grid.groups(), grid.given, gain, np.zeros(grid.channels) if shift is None else shift)

    @property
    def channels(self) -> int:
        """The number of all channels."""
        return len(self.gain)

    @property
    def complete(self) -> np.ndarray:
        """For every group, whether all its own sites take part."""
        return np.asarray((self.sees[:, : self.given] < self.channels).all(axis=1))

    def alone(self, group: int) -> "Neighbourhoods":
        """Those of one group."""
        return replace(self, sees=self.sees[group : group + 1])

    def see(self, inputs: np.ndarray) -> np.ndarray:
        """What groups see of inputs [y, u]: (..., channels + drive) -> (..., groups, seen + drive).

        A site that is not there is seen as 0; the drive is seen by all.
        """
        lead, count, drive = inputs.shape[:-1], self.channels, inputs[..., self.channels :]
        padded = np.zeros((*lead, count + 1))
        padded[..., :count] = self.gain * inputs[..., :count] + self.shift
        local = padded[..., self.sees]
        if drive.shape[-1] == 0:
            return local
        shape = (*lead, len(self.sees), drive.shape[-1])
        return np.concatenate([local, np.broadcast_to(drive[..., None, :], shape)], axis=-1)

    def own(self, values: np.ndarray) -> np.ndarray:
        """What groups are to give of rows y: (..., channels) -> (..., groups, given); 0 where there is no site."""
        padded = np.zeros((*values.shape[:-1], self.channels + 1))
        padded[..., :-1] = self.gain * values + self.shift
        return padded[..., self.sees[:, : self.given]]

    def whole(self, given: np.ndarray) -> np.ndarray:
        """Rows y of all channels from what groups give: (..., groups, given) -> (..., channels)."""
        padded = np.empty((*given.shape[:-2], self.channels + 1))
        padded[..., self.sees[:, : self.given]] = given
        return (padded[..., :-1] - self.shift) / self.gain


def common_scale(mean: np.ndarray, std: np.ndarray, fields: int) -> tuple[np.ndarray, np.ndarray]:
    r"""Gain and shift that give all sites one mean and one standard deviation of each field.

    .. math:: z = \frac{x - m}{s}, \qquad m = \langle m_i \rangle, \qquad
        s^2 = \langle s_i^2 + (m_i - m)^2 \rangle, \qquad y = \frac{x - m_i}{s_i}

    Args:
        mean, std: m_i and s_i of every channel, (channels,); the fields of a site side by side.
        fields: channels of each site.

    Returns:
        a = s_i / s and b = (m_i - m) / s, so that z = a y + b.

    >>> gain, shift = common_scale(np.array([1.0, 3.0]), np.array([2.0, 2.0]), 1)
    >>> gain.round(3).tolist(), shift.round(3).tolist()
    ([0.894, 0.894], [-0.447, 0.447])
    """
    means, variances = mean.reshape(-1, fields), std.reshape(-1, fields) ** 2
    middle = means.mean(axis=0)
    scale = np.sqrt((variances + (means - middle) ** 2).mean(axis=0))
    return (std.reshape(-1, fields) / scale).ravel(), ((means - middle) / scale).ravel()


def read_groups(coefficients: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """What linear readouts make of the features of each group: (batch, groups, features) -> (batch, groups, given).

    Args:
        coefficients: [c, V], (groups, given, 1 + features), of length 1 where all groups share them; or a stack
            (candidates, ...), where the batch is a whole number of blocks, one a candidate.
        seen: the features.
    """
    stack = coefficients if coefficients.ndim == 4 else coefficients[None]
    batch, groups, features = seen.shape
    c, V = stack[..., 0], stack[..., 1:].swapaxes(2, 3)
    if stack.shape[1] == 1:
        y = seen.reshape(len(stack), -1, features) @ V[:, 0] + c
    else:
        blocks = seen.reshape(len(stack), -1, groups, features).swapaxes(1, 2)
        y = (blocks @ V + c[:, :, None]).swapaxes(1, 2)
    return y.reshape(batch, groups, -1)
