"""Symbols as one-hot rows and back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recurra.data.symbols import DNA, from_one_hot, to_one_hot
from recurra.errors import ConfigError, DataError


@given(st.data())
def test_the_round_trip_is_exact(data):
    alphabet = data.draw(st.lists(st.one_of(st.characters(), st.integers()), min_size=1, max_size=8, unique=True))
    symbols = data.draw(st.lists(st.sampled_from(alphabet), max_size=30))
    rows = to_one_hot(symbols, alphabet)
    assert rows.shape == (len(symbols), len(alphabet))
    assert (rows.sum(axis=1) == 1).all()
    assert set(np.unique(rows)) <= {0.0, 1.0}
    assert from_one_hot(rows, alphabet) == symbols
    np.testing.assert_array_equal(to_one_hot(from_one_hot(rows, alphabet), alphabet), rows)


def test_the_column_is_the_place_in_the_alphabet():
    np.testing.assert_array_equal(to_one_hot(DNA, DNA), np.eye(4))
    np.testing.assert_array_equal(to_one_hot("TG", DNA), [[0, 0, 0, 1], [0, 0, 1, 0]])
    np.testing.assert_array_equal(to_one_hot([-1, 1], [1, -1]), [[0, 1], [1, 0]])


def test_an_unknown_symbol_is_named_with_its_place_and_the_alphabet():
    with pytest.raises(DataError, match=r"2 of 5 symbols .*'A', 'C', 'G', 'T'; the first is 'N' at position 3"):
        to_one_hot("GATNN", DNA)


def test_an_alphabet_has_each_symbol_once():
    for wrong in ("", "ACA"):
        with pytest.raises(ConfigError, match="each of them once"):
            to_one_hot("A", wrong)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([[1.0, 0.0]], r"4 columns, got shape \(1, 2\)"),
        ([1.0, 0.0, 0.0, 0.0], r"4 columns, got shape \(4,\)"),
        ([[0, 0, 1, 0], [0, np.nan, 1, 0]], "row 1 holds NaN"),
        ([[0, 0, 1, 0], [0.5, 0.5, 0, 0]], "1 of 2 rows do not decide .* row 1"),
    ],
)
def test_rows_that_say_no_symbol_are_refused(rows, message):
    with pytest.raises(DataError, match=message):
        from_one_hot(rows, DNA)
