"""Where the next setting of a search is tried, by Optuna's tree-structured Parzen estimator."""

from collections.abc import Sequence
from typing import Any

from recurra.errors import MissingExtraError
from recurra.estimators.search.space import Real, Space
from recurra.estimators.search.trial import Trial

TOLD = 10_000  # trials, the last ones, that the sampler is told of


def optuna_module() -> Any:
    """Optuna, loaded now.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        import optuna
    except ImportError as error:
        raise MissingExtraError("`sampler='optuna'` needs the package optuna: pip install 'recurra[optuna]'") from error
    return optuna


def suggest(space: Space, trials: Sequence[Trial], seed: int) -> dict[str, Any]:
    """Ask Optuna for a setting, told of all that were tried.

    The study lives for this one question and knows nothing but the trials: the record of the search stays the truth,
    and the same trials and seed give the same setting, whatever stopped the search in between.

    Args:
        space: what is asked for.
        trials: of one learner with one size; those that were not drawn from this space are left out.
        seed: of the sampler.

    Reference: J. Bergstra, R. Bardenet, Y. Bengio, B. Kegl, Algorithms for hyper-parameter optimization, NIPS 2011.
    """
    optuna = optuna_module()
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        kinds = {name: _distribution(optuna, kind) for name, kind in space.items()}
        study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed), direction="minimize")
        for trial in trials[-TOLD:]:
            if set(space) <= set(trial.settings):
                params = {name: trial.settings[name] for name in space}
                study.add_trial(optuna.trial.create_trial(params=params, distributions=kinds, value=float(trial.score)))
        return dict(study.ask(kinds).params)
    finally:
        optuna.logging.set_verbosity(before)


def _distribution(optuna: Any, kind: Any) -> Any:
    if isinstance(kind, Real):
        return optuna.distributions.FloatDistribution(kind.low, kind.high, log=kind.log)
    return optuna.distributions.CategoricalDistribution(list(dict.fromkeys(kind.values)))
