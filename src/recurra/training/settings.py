"""How to train: optimiser, schedule, penalties, and what to do with a training that diverges."""

from dataclasses import dataclass, field
from typing import NamedTuple

from recurra.errors import ConfigError, unknown
from recurra.training import hessian_free
from recurra.training.hessian_free import HessianFree
from recurra.training.optimizers import OPTIMIZERS
from recurra.training.penalties import NO_PENALTY, Penalty, penalised
from recurra.training.schedules import MOMENTA, SCHEDULES

HESSIAN_FREE = "hessian-free"
METHODS = (*OPTIMIZERS, HESSIAN_FREE)


class Program(NamedTuple):
    """What the compiled program depends on; all else is traced."""

    optimizer: str
    batch_size: int
    stretch: int
    schedule: str
    warms_up: bool
    momentum_schedule: str
    averages: bool
    hessian_free: hessian_free.Program | None  # None for an update rule
    penalised: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Settings:
    """Settings of a training. Those that shape the compiled program are `static`; the others are traced.

    Args:
        optimizer: one of `METHODS`: the update rules of `OPTIMIZERS`, or "hessian-free".
        learning_rate: step length at the start.
        final_learning_rate: step length at the end of the schedules "cosine" and "exponential"; the same as
            `learning_rate` keeps it constant.
        momentum: coefficient of the velocity, for "momentum" and "nesterov".
        momentum_schedule: one of `MOMENTA`: "constant", "delayed" (0.9 in the first 1000 updates) or "increasing".
        momentum_tail: updates at the end of all epochs in which the momentum is 0.9 at most; 0 for none.
        averaged_updates: updates at the end of all epochs whose weights are averaged (Polyak and Juditsky 1992); the
            average is then what is validated and kept. 0 for none.
        weight_decay: for "adamw": w loses rate * weight_decay * w at every update, where w is in a matrix; biases and
            other vectors do not decay.
        schedule: one of `SCHEDULES`: "cosine" goes along half a cosine over all updates, "exponential" by the same
            factor at each; "step" multiplies the rate by `decay` after each of the `milestones`.
        milestones: epochs done, increasing, for "step".
        decay: what the rate is multiplied by there.
        warmup_updates: updates in which the rate rises in a straight line, before the schedule begins.
        epochs: passes over the windows.
        batch_size: windows a gradient is averaged over; what does not fill a batch is left out of that epoch.
        clip_norm: longest gradient (of loss and penalties); None for no limit.
        l1, l2: strengths of penalties that are added to the loss, on the sum of absolute values and of squares.
        stretch: epochs between validations, checkpoints and progress reports.
        patience: epochs without a better validation after which training stops; None trains to the end.
        budget: seconds of wall time after which training stops at the end of a stretch, with the best weights so far;
            how far it came then depends on the machine. None trains to the end.
        on_diverge: "stop", or "backoff:n": halve the rates and go on from the end of the last good stretch, at most n
            times.
        hessian_free: settings of that method, which takes no rates, no `clip_norm` and no `momentum`.
        seed: of the order of the windows and of dropout.

    Raises:
        ConfigError: a value that cannot be.
    """

    optimizer: str = "adam"
    learning_rate: float = 1e-3
    final_learning_rate: float = 1e-3
    momentum: float = 0.9
    momentum_schedule: str = "constant"
    momentum_tail: int = 0
    averaged_updates: int = 0
    weight_decay: float = 0.0
    schedule: str = "cosine"
    milestones: tuple[int, ...] = ()
    decay: float = 0.1
    warmup_updates: int = 0
    epochs: int = 100
    batch_size: int = 32
    clip_norm: float | None = None
    l1: Penalty = NO_PENALTY
    l2: Penalty = NO_PENALTY
    stretch: int = 10
    patience: int | None = None
    budget: float | None = None
    on_diverge: str = "stop"
    hessian_free: HessianFree = field(default_factory=HessianFree)
    seed: int = 0

    def __post_init__(self) -> None:
        choices = (
            ("optimizer", self.optimizer, METHODS),
            ("schedule", self.schedule, SCHEDULES),
            ("momentum schedule", self.momentum_schedule, MOMENTA),
        )
        for what, name, known in choices:
            if name not in known:
                raise ConfigError(unknown(what, name, known))
        if not 0 <= self.weight_decay < float("inf"):
            raise ConfigError(f"`weight_decay` is {self.weight_decay}: it is a number from 0 on")
        if self.weight_decay and self.optimizer != "adamw":
            raise ConfigError(
                f"`weight_decay` is for the optimizer 'adamw', not {self.optimizer!r}: take that, or `l2`"
            )
        if self.schedule == "exponential" and not self.final_learning_rate > 0:
            raise ConfigError("the schedule 'exponential' never reaches 0: set `final_learning_rate` above 0")
        ascending = all(a < b for a, b in zip((0, *self.milestones), self.milestones, strict=False))
        if not ascending or bool(self.milestones) != (self.schedule == "step"):
            raise ConfigError(
                f"`milestones` are {self.milestones} and the schedule is {self.schedule!r}: 'step' alone has them, "
                "increasing numbers of epochs from 1 on"
            )
        if not 0 < self.decay < float("inf"):
            raise ConfigError(f"`decay` is {self.decay}: it is a positive number")
        for name in ("warmup_updates", "momentum_tail", "averaged_updates"):
            if getattr(self, name) < 0:
                raise ConfigError(f"`{name}` is {getattr(self, name)}: it is a number from 0 on")
        if self.backoffs and self.optimizer == HESSIAN_FREE:
            raise ConfigError(
                f"`on_diverge` is {self.on_diverge!r}, and Hessian-free optimisation has no rate to halve: it is 'stop'"
            )

    @property
    def backoffs(self) -> int:
        """How often a diverging training may go on with half the rate."""
        word, _, times = self.on_diverge.partition(":")
        if self.on_diverge == "stop":
            return 0
        if word == "backoff" and times.isascii() and times.isdigit() and int(times) > 0:
            return int(times)
        raise ConfigError(f"`on_diverge` is {self.on_diverge!r}: it is 'stop' or 'backoff:n', such as 'backoff:5'")

    @property
    def static(self) -> Program:
        """What the compiled program depends on."""
        return Program(
            self.optimizer,
            self.batch_size,
            self.stretch,
            self.schedule,
            self.warmup_updates > 0,
            self.momentum_schedule,
            self.averaged_updates > 0,
            self.hessian_free.static if self.optimizer == HESSIAN_FREE else None,
            penalised(l1=self.l1, l2=self.l2),
        )
