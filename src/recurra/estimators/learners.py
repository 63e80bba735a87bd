"""The one table from names to learners: the command line, configurations and model files all use it."""

from dataclasses import dataclass, field
from importlib import import_module
from typing import Any


@dataclass(frozen=True)
class Learner:
    """A named way to learn: a class and the parameters that make it this way.

    Args:
        title: one line for people.
        home: module and class.
        defaults: constructor arguments that differ from the class's own.
    """

    title: str
    home: str
    defaults: dict[str, Any] = field(default_factory=dict)

    def estimator(self) -> Any:
        """The class, imported now."""
        module, name = self.home.split(":")
        return getattr(import_module(module), name)

    def build(self, **params: Any) -> Any:
        """An unfitted estimator."""
        return self.estimator()(**{**self.defaults, **params})


LEARNERS: dict[str, Learner] = {
    "persistence": Learner("tomorrow is as today", "recurra.estimators.baselines:Persistence"),
    "climatology": Learner("every day is the mean of the training rows", "recurra.estimators.baselines:Climatology"),
    "seasonal": Learner("today is as a period ago, the period by validation", "recurra.estimators.baselines:Seasonal"),
    "harmonic": Learner(
        "sinusoids of the last rows and a vector autoregression of the rest", "recurra.estimators.baselines:Harmonic"
    ),
    "nearest": Learner("what followed the most similar past rows", "recurra.estimators.baselines:Nearest"),
    "linear": Learner("vector autoregression, order by validation", "recurra.estimators.baselines:Linear"),
    "auto": Learner("the best of several learners and settings, by search", "recurra.estimators.auto:Auto"),
    "esn": Learner("echo state network: a fixed reservoir, a ridge readout", "recurra.estimators.esn:ESN"),
    "local-esn": Learner("echo state networks side by side on a grid", "recurra.estimators.local_esn:LocalESN"),
    "ng-rc": Learner("polynomials of delayed rows, a ridge readout", "recurra.estimators.ngrc:NGRC"),
    "local-ng-rc": Learner(
        "polynomials of neighbouring sites on a grid, a ridge readout", "recurra.estimators.local_ngrc:LocalNGRC"
    ),
    "kernel-ridge": Learner("kernel ridge regression on delayed rows", "recurra.estimators.kernel_ridge:KernelRidge"),
    "hybrid": Learner(
        "an equation that is wrong or known in part, and a learner for the rest", "recurra.estimators.hybrid:Hybrid"
    ),
    "denoised": Learner(
        "a learner for noisy rows, which its own forecasts filter", "recurra.estimators.denoised:Denoised"
    ),
    "ffnn": Learner("feed-forward network on a window of rows; with one row no memory", "recurra.estimators.ffnn:FFNN"),
    "cnn": Learner("causal convolutions in time, a finite memory", "recurra.estimators.cnn:CNN"),
    "rnn": Learner("vanilla (Elman) network, backpropagation through time", "recurra.estimators.rnn:RNN"),
    "momentum": Learner(
        "vanilla network, initialised like an echo state network, then all weights by Nesterov's momentum",
        "recurra.estimators.rnn:RNN",
        {
            "init": "echo-state",
            "optimizer": "nesterov",
            "momentum": 0.99,
            "momentum_schedule": "increasing",
            "learning_rate": 0.01,
        },
    ),
    "hessian-free": Learner(
        "vanilla network, initialised like an echo state network, Hessian-free optimisation",
        "recurra.estimators.rnn:RNN",
        {"init": "echo-state", "optimizer": "hessian-free", "stride": 10},
    ),
    "gru": Learner("gated recurrent unit, backpropagation through time", "recurra.estimators.gru:GRU"),
    "lstm": Learner("long short-term memory, backpropagation through time", "recurra.estimators.lstm:LSTM"),
    "network": Learner(
        "a `graph` of layers, or in Python a `cell` of one's own, backpropagation through time",
        "recurra.estimators.network:Network",
    ),
    "ensemble": Learner(
        "many networks from many seeds, their median and a band", "recurra.estimators.ensemble:Ensemble"
    ),
}
