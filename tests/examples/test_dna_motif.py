"""The example of a motif in a sequence of letters, in small: its protocol, and its baselines by independent means."""

import itertools

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from recurra.examples import dna_motif


def test_the_area_under_the_curve_is_the_share_of_pairs_in_order():
    rng = np.random.default_rng(0)
    score, positive = rng.integers(0, 5, 40).astype(float), rng.random(40) < 0.4
    pairs = [(a > b) + (a == b) / 2 for a, b in itertools.product(score[positive], score[~positive])]
    found = dna_motif.area_under_curve(score, positive)
    assert found == pytest.approx(np.mean(pairs), rel=1e-12)
    assert found == pytest.approx(roc_auc_score(positive, score), rel=1e-12)


def test_frequencies_count_words():
    text = "GATTACA"
    letters, pairs = (dna_motif._frequencies(text, size) for size in (1, 2))
    np.testing.assert_allclose(letters, [3 / 7, 1 / 7, 1 / 7, 2 / 7])
    words = ["".join(word) for word in itertools.product("ACGT", repeat=2)]
    np.testing.assert_allclose(pairs, [sum(text[k : k + 2] == word for k in range(6)) / 6 for word in words])


def test_a_column_of_times_stands_beside_the_letters():
    table = dna_motif._table_of("GAT", dna_motif.WAYS[1])
    np.testing.assert_array_equal(table, [[0, 0, 1, 0, 0], [1, 0, 0, 0, 1], [0, 0, 0, 1, 2]])
    assert dna_motif._table_of("GAT", dna_motif.WAYS[0]) == "GAT"


def test_sequences_to_score_on_are_longer_and_others():
    train, test = dna_motif.sequences(0, 10, 12)
    assert [len(text) for text in train[0]] == [16] * 10 + [32] * 10 + [96] * 10
    assert {len(text) for text in test[0]} == {200}
    assert len(test[0]) == 12
    assert not set(train[0]) & set(test[0])


def test_dna_motif_in_small(monkeypatch):
    """Of sequences of sixteen letters, where a network learns in seconds; both ways find the motif."""
    monkeypatch.setattr(dna_motif, "LENGTHS", (16,))
    monkeypatch.setattr(dna_motif, "SCORED", 16)
    outcome = dna_motif.run(seeds=1, seed=0, each=2000, scored=400, epochs=12)
    found = outcome.results["seeds"][0]
    for way in dna_motif.WAYS:
        assert found[way]["auc"] >= 0.99
    baselines = found["baselines"]
    assert baselines["search for the motif"] == {"auc": 1, "accuracy": 1}
    assert baselines["frequencies of letters"]["auc"] < 0.6
    assert [row[0] for row in outcome.table.rows] == [*(f"GRU, {way}" for way in dna_motif.WAYS), *baselines]
