"""Who sees whom on a grid: by hand, by rolled fields and by a loop; one scale for all sites."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recurra.reservoirs.neighbourhoods import Grid, Neighbourhoods, common_scale, read_groups


def line(n, group=1, halo=1, boundary="periodic", **options):
    return Grid((n,), (group,), (halo,), (boundary,), **options)


def test_a_ring_by_hand():
    assert line(6, group=2).groups().tolist() == [[0, 1, 5, 2], [2, 3, 1, 4], [4, 5, 3, 0]]


def test_a_line_between_walls_by_hand():
    assert line(4, group=2, halo=1, boundary="walls").groups().tolist() == [[0, 1, 4, 2], [2, 3, 1, 4]]


def test_a_plane_by_hand():
    """Two rows of three, a ring along each row and walls above and below; 6 is nobody."""
    grid = Grid((2, 3), (1, 1), (1, 1), ("walls", "periodic"))
    assert grid.groups()[0].tolist() == [0, 6, 6, 6, 2, 1, 5, 3, 4]
    assert grid.groups()[4].tolist() == [4, 0, 1, 2, 3, 5, 6, 6, 6]


def test_fields_of_a_site_stay_side_by_side():
    assert line(3, fields=2).groups()[0].tolist() == [0, 1, 4, 5, 2, 3]


def test_sites_that_take_no_part_have_no_channel_and_a_group_of_them_is_left_out():
    grid = line(6, group=2, absent=(1, 4, 5))
    assert grid.channels == 3
    assert grid.groups().tolist() == [[0, 3, 3, 1], [1, 2, 3, 3]]
    assert Neighbourhoods.of(grid).complete.tolist() == [False, True]


@pytest.mark.parametrize("halo", [2, 3, 7])
def test_a_short_ring_is_seen_whole_and_once(halo):
    grid = line(5, halo=halo)
    assert all(sorted(row) == [0, 1, 2, 3, 4] for row in grid.groups().tolist())
    assert grid.seen == 5
    assert grid.groups()[:, 0].tolist() == [0, 1, 2, 3, 4]


def test_a_torus_is_seen_as_rolled_fields():
    field = np.random.default_rng(0).standard_normal((4, 6))
    near = Neighbourhoods.of(Grid((4, 6), (1, 1), (1, 2), ("periodic", "periodic")))
    offsets = [(i, j) for i in (-1, 0, 1) for j in (-2, -1, 0, 1, 2)]
    offsets.sort(key=lambda each: each != (0, 0))
    rolled = np.stack([np.roll(field, (-i, -j), (0, 1)).ravel() for i, j in offsets], axis=1)
    np.testing.assert_array_equal(near.see(field.ravel()), rolled)


grids = st.tuples(
    *(st.integers(1, 3) for _ in range(4)),
    *(st.integers(0, 3) for _ in range(2)),
    st.integers(1, 2),
    st.integers(0, 99),
)


@given(grids)
@settings(max_examples=60)
def test_what_groups_give_is_put_together_to_what_they_were_given(drawn):
    many_y, many_x, group_y, group_x, halo_y, halo_x, fields, seed = drawn
    rng = np.random.default_rng(seed)
    shape = many_y * group_y, many_x * group_x
    absent = tuple(np.flatnonzero(rng.random(shape[0] * shape[1]) < 0.3).tolist()[: shape[0] * shape[1] - 1])
    walls = tuple(rng.choice(["periodic", "walls"], 2).tolist())
    grid = Grid(shape, (group_y, group_x), (halo_y, halo_x), walls, absent, fields)
    gain, shift = rng.uniform(0.5, 2, grid.channels), rng.standard_normal(grid.channels)
    near = Neighbourhoods.of(grid, gain, shift)
    values = rng.standard_normal((3, grid.channels))
    assert near.sees.shape[1] == grid.seen
    np.testing.assert_allclose(near.whole(near.own(values)), values, rtol=0, atol=1e-13)
    seen = near.see(np.concatenate([values, np.ones((3, 1))], axis=1))
    np.testing.assert_array_equal(seen[..., : grid.given], near.own(values))
    np.testing.assert_array_equal(seen[..., -1], 1.0)
    there = near.sees < grid.channels
    np.testing.assert_array_equal(seen[..., :-1][:, ~there], 0.0)
    np.testing.assert_array_equal(seen[..., :-1][:, there], (gain * values + shift)[:, near.sees[there]])


@given(st.integers(1, 3), st.integers(0, 99))
def test_the_common_scale_is_that_of_all_sites_together(fields, seed):
    rng = np.random.default_rng(seed)
    x = 3 * rng.standard_normal((50, 4, fields)) * rng.uniform(1, 2, (4, fields)) + rng.uniform(-2, 2, (4, fields))
    flat = x.reshape(50, -1)
    mean, std = flat.mean(axis=0), flat.std(axis=0)
    gain, shift = common_scale(mean, std, fields)
    z = (gain * (flat - mean) / std + shift).reshape(x.shape)
    expected = (x - x.mean(axis=(0, 1))) / x.std(axis=(0, 1))
    np.testing.assert_allclose(z, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("groups", [1, 5])
@pytest.mark.parametrize("candidates", [None, 3])
def test_readouts_are_sums_over_features(groups, candidates):
    rng = np.random.default_rng(1)
    stack = rng.standard_normal((candidates or 1, groups, 2, 1 + 4))
    seen = rng.standard_normal((6, 5, 4))
    found = read_groups(stack[0] if candidates is None else stack, seen)
    for copy, group in np.ndindex(6, 5):
        V = stack[copy * len(stack) // 6, group % groups]
        np.testing.assert_allclose(found[copy, group], V[:, 0] + V[:, 1:] @ seen[copy, group], rtol=0, atol=1e-13)
