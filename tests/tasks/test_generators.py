"""The generators against their definitions, one step after the other, and their trivial answers by counting."""

import itertools

import numpy as np
import pytest
from scipy.stats import binomtest, kstest

from recurra import tasks
from recurra.errors import ConfigError


def test_xor_is_the_exclusive_or_of_one_and_two_steps_back():
    problem = tasks.xor(20, 9, seed=0)
    for x, y in zip(problem.inputs, problem.targets, strict=True):
        assert np.isnan(y[:2]).all()
        assert all(y[t, 0] == (x[t - 1, 0] != x[t - 2, 0]) for t in range(2, 9))


def test_xor_is_uncorrelated_with_every_input():
    """Over all 2^4 inputs: the least squares of y on (x, 1) has the residual 1/4, the constant's."""
    x = np.array(list(itertools.product([0, 1], repeat=4)), float)
    y = (x[:, 2] != x[:, 1]).astype(float)
    table = np.column_stack([x, np.ones(16)])
    residual = y - table @ np.linalg.lstsq(table, y, rcond=None)[0]
    assert np.mean(residual**2) == pytest.approx(tasks.xor(1, 4, seed=0).trivial, rel=1e-12)


def test_parity_counts_the_ones_so_far():
    problem = tasks.parity(10, 12, seed=1)
    for x, y in zip(problem.inputs, problem.targets, strict=True):
        assert all(y[t, 0] == int(x[: t + 1].sum()) % 2 for t in range(12))


def test_addition_is_the_addition_of_integers():
    problem = tasks.addition(50, 8, seed=2)
    powers = 2 ** np.arange(9)
    for x, y in zip(problem.inputs, problem.targets, strict=True):
        assert (x[:, 0] @ powers) + (x[:, 1] @ powers) == y[:, 0] @ powers
        assert (x[8] == 0).all()


def test_the_most_frequent_bit_of_a_sum_by_counting_all_sums():
    bits = 3
    sums = [a + b for a in range(2**bits) for b in range(2**bits)]
    zeros = np.mean([1 - (s >> t & 1) for s in sums for t in range(bits + 1)])
    assert zeros == pytest.approx(tasks.addition(1, bits, seed=0).trivial, rel=1e-12)


def test_flip_flops_keep_the_last_pulse():
    problem = tasks.flip_flop(10, 40, bits=3, rate=0.2, seed=3)
    for x, y in zip(problem.inputs, problem.targets, strict=True):
        state = np.zeros(3)
        for t in range(40):
            state = np.where(x[t] != 0, x[t], state)
            np.testing.assert_array_equal(y[t], state)
    pulses = int(sum((x[1:] != 0).sum() for x in problem.inputs))
    assert binomtest(pulses, 10 * 39 * 3, 0.2).pvalue > 1e-3


def test_recall_is_the_noise_of_some_steps_ago():
    problem = tasks.recall(5, 30, steps=4, seed=4)
    for x, y in zip(problem.inputs, problem.targets, strict=True):
        assert np.isnan(y[:4]).all()
        np.testing.assert_array_equal(y[4:], x[:26])
    assert kstest(np.concatenate(problem.inputs)[:, 0], "norm").pvalue > 1e-3


def test_copy_and_reverse_say_the_text_again():
    copied, turned = tasks.copy(6, 9, symbols="xyz", seed=5), tasks.reverse(6, 9, symbols="xyz", seed=5)
    assert copied.targets == copied.inputs == turned.inputs
    assert [text[::-1] for text in turned.targets] == turned.inputs
    assert {*"".join(copied.inputs)} == {*"xyz"}
    assert copied.trivial == turned.trivial == 1 / 3


def test_pulses_are_as_many_as_the_class_says():
    """Without noise: local maxima above a quarter, counted by hand."""
    problem = tasks.pulses(200, noise=0.0, seed=6)
    for x, number in zip(problem.inputs, problem.targets, strict=True):
        trace = x[:, 0]
        tops = [t for t in range(1, 79) if trace[t] > 0.25 and trace[t - 1] < trace[t] >= trace[t + 1]]
        assert len(tops) == number
        assert all(5 <= t <= 74 for t in tops)
        assert all(b - a >= 9 for a, b in itertools.pairwise(tops))
        assert trace.max() <= 1.5 * 1.05
    assert binomtest(problem.targets.count(1), 200, 0.5).pvalue > 1e-3


def test_a_single_pulse_has_the_area_of_a_gaussian():
    """Its sum over whole steps is a w sqrt(2 pi) with a from 1/2 to 3/2 uniform, wherever the centre is."""
    problem = tasks.pulses(600, noise=0.0, seed=7)
    areas = [x.sum() for x, number in zip(problem.inputs, problem.targets, strict=True) if number == 1]
    heights = np.array(areas) / (2 * np.sqrt(2 * np.pi))
    assert kstest(heights, "uniform", args=(0.5, 1.0)).pvalue > 1e-3


def test_noise_of_pulses_has_the_stated_size():
    clean, noisy = (np.stack(tasks.pulses(100, noise=s, seed=8).inputs) for s in (0.0, 0.02))
    assert np.std(noisy - clean) == pytest.approx(0.02, rel=0.03)


def test_a_motif_is_there_once_or_not_at_all():
    problem = tasks.dna_motif(100, length=60, motif="GATTAC", seed=9)
    assert problem.targets.count("with") == 50
    for text, found in zip(problem.inputs, problem.targets, strict=True):
        assert len(text) == 60
        assert [text[k : k + 6] for k in range(55)].count("GATTAC") == (found == "with")
    places = [text.index("GATTAC") for text in problem.inputs if "GATTAC" in text]
    assert kstest(places, "uniform", args=(0, 54)).pvalue > 1e-3


def test_letters_do_not_tell_whether_the_motif_is_there():
    """Mean counts of each letter in both classes differ by less than four standard errors."""
    problem = tasks.dna_motif(2000, length=30, seed=10)
    there = np.array([found == "with" for found in problem.targets])
    counts = np.array([[text.count(letter) for letter in "ACGT"] for text in problem.inputs])
    gap = counts[there].mean(axis=0) - counts[~there].mean(axis=0)
    assert (np.abs(gap) < 4 * counts.std(axis=0) * np.sqrt(4 / 2000)).all()


@pytest.mark.parametrize(
    "make",
    [
        lambda: tasks.xor(1, 2, seed=0),
        lambda: tasks.parity(0, 5, seed=0),
        lambda: tasks.addition(1, 0, seed=0),
        lambda: tasks.recall(1, 5, steps=5, seed=0),
        lambda: tasks.flip_flop(1, 5, rate=1.5, seed=0),
        lambda: tasks.pulses(1, length=20, seed=0),
        lambda: tasks.copy(2, 3, symbols="aab", seed=0),
        lambda: tasks.copy(2, 3, symbols="", seed=0),
        lambda: tasks.dna_motif(1, motif="AAAA", seed=0),
        lambda: tasks.dna_motif(1, motif="GATUCA", seed=0),
    ],
)
def test_what_cannot_be_is_refused(make):
    with pytest.raises(ConfigError):
        make()


def test_a_seed_gives_the_same_problem_and_another_one_another():
    same = [tasks.flip_flop(3, 20, seed=s) for s in (0, 0, 1)]
    np.testing.assert_array_equal(same[0].inputs, same[1].inputs)
    assert not np.array_equal(same[0].inputs, same[2].inputs)
