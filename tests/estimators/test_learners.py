"""The table of names."""

import pytest

import recurra as rc
from recurra.estimators import LEARNERS


@pytest.mark.parametrize("name", LEARNERS)
def test_every_name_builds_its_kind(name):
    learner = LEARNERS[name]
    assert learner.estimator().kind in LEARNERS
    assert learner.title
    model = learner.build()
    assert {key: model.get_params()[key] for key in learner.defaults} == learner.defaults


def test_arguments_go_before_defaults():
    assert LEARNERS["esn"].build(units=12).get_params() == rc.ESN(units=12).get_params()


@pytest.mark.parametrize(("name", "home"), [("esn", "ESN"), ("linear", "Linear"), ("persistence", "Persistence")])
def test_names_are_the_public_classes(name, home):
    assert LEARNERS[name].estimator() is getattr(rc, home)
