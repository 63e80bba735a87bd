"""The constructor contract of scikit-learn, kept without depending on it."""

import inspect

import numpy as np
import pytest
from sklearn.base import clone

import recurra as rc
from recurra.errors import ConfigError


def test_the_constructor_only_stores(build):
    model = build()
    params = model.get_params()
    assert params == {name: getattr(model, name) for name in inspect.signature(type(model)).parameters}
    assert type(model)(**params).get_params() == params
    assert model.get_params(deep=False) == params
    assert not [name for name in vars(model) if name.endswith("_")]


def test_wrong_values_are_stored_and_refused_by_fit():
    model = rc.ESN(units="many")
    assert model.units == "many"
    with pytest.raises(ConfigError, match=r"`units`.*'many'"):
        model.fit(np.arange(50.0))


def test_parameters_go_by_name():
    with pytest.raises(TypeError):
        rc.ESN(500)


def test_set_params_sets_and_returns_the_model():
    model = rc.ESN()
    assert model.set_params(units=7, ridge=0.5) is model
    assert (model.units, model.ridge) == (7, 0.5)
    assert model.set_params() is model


def test_an_unknown_parameter_is_refused_with_the_nearest():
    with pytest.raises(ConfigError, match=r"'spectral_radios': did you mean 'spectral_radius'\?"):
        rc.ESN().set_params(spectral_radios=1.0)
    with pytest.raises(ConfigError, match=r"'zzz': known: horizon, max_order, order"):
        rc.Linear().set_params(zzz=1)


def test_a_clone_has_the_parameters_and_no_fit(build, fitted):
    copy = clone(fitted)
    assert type(copy) is type(fitted)
    assert copy.get_params() == fitted.get_params()
    assert not hasattr(copy, "network_")


def test_a_clone_fits_to_the_same_bits(fitted, chaos):
    copy = clone(fitted).fit(chaos[:700])
    assert copy.forecast(12).values.tobytes() == fitted.forecast(12).values.tobytes()


def test_another_seed_is_another_reservoir(chaos):
    one, other = (rc.ESN(units=30, washout=20, ridge=1e-5, seed=s).fit(chaos[:200]) for s in (0, 1))
    assert (one.network_.reservoir.W_in != other.network_.reservoir.W_in).all()
    assert (one.forecast(3).values != other.forecast(3).values).all()
