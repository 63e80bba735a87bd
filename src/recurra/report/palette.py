"""The colours of the report: one for each learner, the same in every figure, told apart by the colour-blind.

The hues are those of Okabe and Ito (2008), darkened until they stand out on white; the baselines differ from the
networks, and networks of a like hue from each other, by their dashes as well. Each colour is a CSS variable with its
light value as the fallback, so that a page may set another one for a dark screen.
"""

import hashlib
from dataclasses import dataclass

INK, MUTED, FAINT, HISTORY = "#1f2933", "#5f6c7b", "#d5dbe2", "#9aa5b1"


@dataclass(frozen=True)
class Ink:
    """How a line is drawn.

    Args:
        title: the name for people.
        variable: the CSS variable that holds the colour.
        light: colour on paper, and on a light screen.
        dark: colour on a dark screen.
        dash: on and off lengths in line widths; empty for a solid line.
        width: line width in points.
    """

    title: str
    variable: str
    light: str
    dark: str
    dash: tuple[float, ...] = ()
    width: float = 1.3


TRUTH = Ink("truth", "ink", INK, "#eef2f6", width=2.2)
PAST = Ink("history", "history", HISTORY, "#6b7785", width=1.0)
_NEUTRAL = (TRUTH, PAST, Ink("", "muted", MUTED, "#a3afbd"), Ink("", "faint", FAINT, "#37424e"))

_LEARNERS = {
    "auto": Ink("auto", "auto", "#a3002c", "#ff7d90"),
    "esn": Ink("ESN", "esn", "#0068a8", "#5cb8f0"),
    "kernel-ridge": Ink("kernel ridge", "kernel-ridge", "#2f6b00", "#9bd65c", (6.0, 1.2, 1.2, 1.2)),
    "ng-rc": Ink("NG-RC", "ng-rc", "#7a1fa2", "#d58cf5", (3.0, 1.2)),
    "denoised": Ink("denoised", "denoised", "#00529b", "#7cc0ff", (2.0, 1.0)),
    "hybrid": Ink("hybrid", "hybrid", "#0b3d91", "#8fb4ff", (9.0, 1.2)),
    "lstm": Ink("LSTM", "lstm", "#d1520a", "#ff8f4d"),
    "gru": Ink("GRU", "gru", "#00835f", "#2fd0a2"),
    "rnn": Ink("RNN", "rnn", "#b84a8c", "#f09acb"),
    "ffnn": Ink("FFNN", "ffnn", "#8a5a00", "#d9b36a", (4.0, 1.2)),
    "cnn": Ink("CNN", "cnn", "#006b6b", "#5ed0c8", (4.0, 1.2)),
    "momentum": Ink("RNN, momentum", "momentum", "#5f4b00", "#e8d060", (7.0, 1.5)),
    "hessian-free": Ink("RNN, Hessian-free", "hessian-free", "#5a3fc0", "#a996ff"),
    "linear": Ink("linear", "linear", "#7b5ea7", "#bfa5e8", (5.0, 2.0), 1.1),
    "persistence": Ink("persistence", "persistence", "#b07800", "#e9b44c", (1.5, 1.5), 1.1),
    "climatology": Ink("climatology", "climatology", "#3f7d8a", "#7cc4d2", (5.0, 1.5, 1.2, 1.5), 1.1),
}
_SPARE = (
    ("spare-0", "#00707a", "#4fd0dc"),
    ("spare-1", "#9b1b3b", "#ff8fa8"),
    ("spare-2", "#5d6d00", "#c3d94a"),
    ("spare-3", "#7a4a20", "#d9a877"),
)


def ink(learner: str) -> Ink:
    """The line of a learner: a fixed one for those that recurra knows, else one chosen by the name alone.

    >>> ink("esn").title, ink("my model") == ink("my model")
    ('ESN', True)
    """
    if learner in _LEARNERS:
        return _LEARNERS[learner]
    digest = hashlib.sha256(learner.encode("utf-8", "replace")).digest()[0]
    variable, light, dark = _SPARE[digest % len(_SPARE)]
    return Ink(learner, variable, light, dark, (9.0, 2.0))


def variables() -> dict[str, str]:
    """Colour on paper -> the CSS reference that stands for it."""
    return {each.light: f"var(--{each.variable}, {each.light})" for each in _inks()}


def dark_rules() -> str:
    """The CSS declarations that give every line its colour on a dark screen."""
    return " ".join(f"--{each.variable}: {each.dark};" for each in _inks())


def _inks() -> list[Ink]:
    return [*(Ink(name, name, light, dark) for name, light, dark in _SPARE), *_NEUTRAL, *_LEARNERS.values()]
