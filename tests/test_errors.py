"""Errors: exit codes, and names that do not exist."""

import pytest

from recurra import errors


def test_exit_codes_are_those_of_the_command_line():
    codes = {
        errors.RecurraError: 1,
        errors.ConfigError: 2,
        errors.NotFittedError: 2,
        errors.MissingExtraError: 2,
        errors.DataError: 3,
        errors.DivergenceError: 4,
        errors.ModelFileError: 5,
        errors.RunDirectoryError: 6,
    }
    assert {kind: kind("why").exit_code for kind in codes} == codes
    assert errors.Interrupted("stopped", signal_number=15).exit_code == 143


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        ("lorenz", "did you mean 'lorenz63'?"),
        ("DUFFING", "did you mean 'duffing'?"),
        ("zzz", "known: duffing, lorenz63"),
    ],
)
def test_unknown_names_suggest_the_nearest(given, hint):
    assert errors.unknown("system", given, ["lorenz63", "duffing"]) == f"unknown system {given!r}: {hint}"


def test_nothing_known_is_said():
    assert errors.unknown("method", "rk4", []) == "unknown method 'rk4': known: none"
