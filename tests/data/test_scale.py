"""`Scaler` against numpy's own moments, and back again."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from recurra.data import Scaler
from recurra.errors import DataError

TABLES = arrays.arrays(np.float64, st.tuples(st.integers(2, 30), st.integers(1, 4)), elements=st.floats(-1e6, 1e6))


def test_moments_over_several_tables_are_those_of_all_rows():
    rng = np.random.default_rng(0)
    tables = [rng.normal(size=(rows, 3)) * [1, 100, 1e-6] + [0, 1e4, 1] for rows in (7, 1, 50)]
    scaler = Scaler.fit(tables)
    rows = np.concatenate(tables)
    np.testing.assert_allclose(scaler.mean, rows.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(scaler.std, rows.std(axis=0), rtol=1e-10)


def test_population_standard_deviation():
    assert Scaler.fit([np.array([[1.0], [3.0]])]).std.tolist() == [1.0]


def test_scaled_values_have_mean_zero_and_standard_deviation_one():
    table = np.random.default_rng(1).gamma(2.0, 3.0, size=(500, 2))
    scaled = Scaler.fit([table]).scale(table)
    np.testing.assert_allclose(scaled.mean(axis=0), 0.0, atol=1e-14)
    np.testing.assert_allclose(scaled.std(axis=0), 1.0, rtol=1e-13)


def test_a_large_offset_keeps_its_digits():
    wave = np.sin(np.arange(1000.0))[:, None]
    scaler = Scaler.fit([1e9 + 1e-3 * wave])
    assert scaler.std[0] == pytest.approx(1e-3 * wave.std(), rel=1e-3)  # 1e9 in float64 resolves 1.2e-7


@given(TABLES)
def test_unscale_inverts_scale_to_rounding(table):
    assume((table.std(axis=0) > 1e-6).all())
    scaler = Scaler.fit([table])
    back = scaler.unscale(scaler.scale(table))
    size = np.abs(table) + np.abs(scaler.mean) + scaler.std
    assert (np.abs(back - table) <= 4 * np.finfo(float).eps * size).all()


def test_batches_scale_along_the_last_axis():
    scaler = Scaler(np.array([1.0, 2.0]), np.array([2.0, 4.0]))
    batch = np.random.default_rng(2).normal(size=(3, 5, 2))
    np.testing.assert_array_equal(scaler.scale(batch)[1], scaler.scale(batch[1]))


def test_no_columns_are_no_trouble():
    scaler = Scaler.fit([np.empty((4, 0))])
    assert scaler.scale(np.empty((4, 0))).shape == (4, 0)


def test_inputs_are_neither_modified_nor_kept():
    table, mean, std = np.array([[1.0], [3.0]]), np.array([2.0]), np.array([1.0])
    before = table.copy()
    scaler = Scaler(mean, std)
    scaler.unscale(scaler.scale(table))
    Scaler.fit([table])
    mean[0] = 99.0
    np.testing.assert_array_equal(table, before)
    assert scaler.mean.tolist() == [2.0]
    with pytest.raises(ValueError, match="read-only"):
        scaler.std[0] = 5.0


@pytest.mark.parametrize("std", [0.0, -1.0, math.nan, math.inf])
def test_a_channel_that_cannot_be_scaled_is_refused(std):
    with pytest.raises(DataError, match="channel 1"):
        Scaler(np.zeros(2), np.array([1.0, std]))


def test_overflow_and_nothing_are_refused():
    with pytest.raises(DataError, match="channel 0"):
        Scaler.fit([np.array([[1e200], [-1e200]])])
    with pytest.raises(DataError, match="no rows"):
        Scaler.fit([])
    with pytest.raises(DataError, match=r"\(2,\) and `std` \(3,\)"):
        Scaler(np.zeros(2), np.ones(3))
