"""How to train: the optimiser's direction from optax, the step length by our own schedule."""

from collections.abc import Callable
from dataclasses import dataclass

import optax

# The direction of each optimiser, with the constants that Keras documents; the learning rate multiplies it. Adam is
# Algorithm 1 of Kingma and Ba (arXiv:1412.6980); the velocity of "momentum" is a sum of gradients, before the rate.
OPTIMIZERS: dict[str, Callable[[float], optax.GradientTransformation]] = {
    "adam": lambda momentum: optax.scale_by_adam(b1=0.9, b2=0.999, eps=1e-7),
    "rmsprop": lambda momentum: optax.scale_by_rms(decay=0.9, eps=1e-7, eps_in_sqrt=True),
    "sgd": lambda momentum: optax.identity(),
    "momentum": lambda momentum: optax.trace(decay=momentum),
}


@dataclass(frozen=True)
class Settings:
    """Settings of a training. Those that shape the compiled program are `static`; the others are traced.

    Args:
        optimizer: "adam", "rmsprop", "sgd" or "momentum".
        learning_rate: step length at the start.
        final_learning_rate: step length at the end of a half cosine over all updates; the same as `learning_rate`
            keeps it constant.
        momentum: coefficient of the velocity, for "momentum".
        epochs: passes over the windows.
        batch_size: windows a gradient is averaged over; what does not fill a batch is left out of that epoch.
        clip_norm: longest gradient; None for no limit.
        stretch: epochs between validations, checkpoints and progress reports.
        patience: epochs without a better validation after which training stops; None trains to the end.
        seed: of the order of the windows.
    """

    optimizer: str = "adam"
    learning_rate: float = 1e-3
    final_learning_rate: float = 1e-3
    momentum: float = 0.9
    epochs: int = 100
    batch_size: int = 32
    clip_norm: float | None = None
    stretch: int = 10
    patience: int | None = None
    seed: int = 0

    @property
    def static(self) -> tuple[str, float, int, int]:
        """What the compiled program depends on."""
        return self.optimizer, self.momentum, self.batch_size, self.stretch
