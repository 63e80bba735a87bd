"""scikit-learn's own checks of an estimator, on every learner."""

import pytest
from sklearn.utils import Tags, TargetTags, estimator_checks

from recurra.estimators import LEARNERS

# The others ask for what a forecaster is not: X and y apart, rows in any order, n_features_in_, messages to the letter.
OF_PARAMETERS = (
    "check_estimator_cloneable",
    "check_get_params_invariance",
    "check_set_params",
    "check_parameters_default_constructible",
    "check_no_attributes_set_in_init",
    "check_do_not_raise_errors_in_init_or_set_params",
    "check_estimator_repr",
    "check_mixin_order",
    "check_estimator_tags_renamed",
)
OF_FITS = (
    "check_estimators_fit_returns_self",
    "check_estimators_overwrite_params",
    "check_readonly_memmap_input",
)
OF_MORE_FITS = (
    "check_dict_unchanged",
    "check_dont_overwrite_parameters",
    "check_f_contiguous_array_estimator",
    "check_fit_check_is_fitted",
    "check_fit_idempotent",
    "check_estimators_dtypes",
    "check_fit2d_1feature",
    "check_estimators_nan_inf",
)
# Seconds for every new shape: `test_every_learner` asks them the same.
COMPILED = ("ffnn", "cnn", "rnn", "gru", "lstm", "network", "momentum", "hessian-free")
TOO_FEW = {  # ten rows do not determine an autoregression of three channels, nor sinusoids and one
    ("linear", "check_estimators_nan_inf"),
    ("harmonic", "check_estimators_nan_inf"),
    ("harmonic", "check_estimators_dtypes"),
    ("harmonic", "check_fit2d_1feature"),
}
NAMED = {  # an equation moves channels by their names, and scikit-learn's arrays have none, or not as many
    ("hybrid", "check_dict_unchanged"),
    ("hybrid", "check_dont_overwrite_parameters"),
    ("hybrid", "check_f_contiguous_array_estimator"),
    ("hybrid", "check_estimators_dtypes"),
    ("hybrid", "check_fit2d_1feature"),
    ("hybrid", "check_estimators_nan_inf"),
}
MORE = [
    (name, check)
    for name in LEARNERS
    if name not in COMPILED
    for check in OF_MORE_FITS
    if (name, check) not in TOO_FEW | NAMED
]


def _supervised(model):
    """The same learner with the `fit(X, y)` that scikit-learn calls."""
    learner = type(model)
    methods = {
        "fit": lambda self, X, y=None: learner.fit(self, X),
        "__sklearn_tags__": lambda self: Tags(estimator_type=None, target_tags=TargetTags(required=False)),
    }
    return type(learner.__name__, (learner,), methods)(**model.get_params())


@pytest.mark.parametrize("check", OF_PARAMETERS)
def test_a_check_of_parameters(check, small):
    model = small()
    getattr(estimator_checks, check)(type(model).__name__, model)


@pytest.mark.parametrize("check", OF_FITS)
def test_a_check_of_a_fit(check, small):
    model = _supervised(small())
    getattr(estimator_checks, check)(type(model).__name__, model)


@pytest.mark.parametrize(("small", "check"), MORE, indirect=["small"])
def test_another_check_of_a_fit(check, small):
    model = _supervised(small())
    getattr(estimator_checks, check)(type(model).__name__, model)
