"""Digits row by row in small: the division, and the baselines that see the image at once."""

import numpy as np
import pytest

from recurra.data import datasets
from recurra.examples import rows as example


@pytest.fixture(scope="module")
def digits():
    series = datasets.load("mnist-rows")
    return series.values.reshape(-1, 28, 28), np.array(series.provenance["labels"])


def test_the_division_is_even_and_nothing_is_on_both_sides(digits):
    train, test = example.divided(*digits, 400)
    assert np.bincount(train[1]).tolist() == [400] * 10
    assert np.bincount(test[1]).tolist() == [100] * 10
    seen = {image.tobytes() for image in train[0]}
    assert not any(image.tobytes() in seen for image in test[0])


def test_pixel_baselines_by_loops(digits):
    train, test = example.divided(*digits, 30)
    found = example.pixel_baselines(train, test)
    means = [np.mean([x for x, y in zip(*train, strict=True) if y == k], axis=0) for k in range(10)]
    nearest = [np.argmin([np.linalg.norm(x - mean) for mean in means]) for x in test[0]]
    assert found["nearest mean image"] == np.mean(nearest == test[1])
    flat, new = (images.reshape(len(images), -1) / 255 for images in (train[0], test[0]))
    ridge = np.sqrt(example.RIDGE * len(flat) * np.mean((flat - flat.mean(axis=0)) ** 2))
    table = np.vstack([flat - flat.mean(axis=0), ridge * np.eye(784)])
    target = np.vstack([np.eye(10)[train[1]] - 0.1, np.zeros((784, 10))])
    weights = np.linalg.lstsq(table, target, rcond=None)[0]
    scores = (new - flat.mean(axis=0)) @ weights
    assert found["linear, all pixels at once"] == np.mean(scores.argmax(axis=1) == test[1])


def test_in_small_it_beats_what_has_no_memory():
    outcome = example.run(seeds=1, seed=0, trained=40, epochs=8, units=32)
    found = outcome.results
    assert (found["protocol"]["train"], found["protocol"]["test"]) == (400, 1000)
    assert found["baselines"]["most frequent class"] == 0.1  # as many of each digit
    assert found["median"]["accuracy"] > found["baselines"]["linear, last row only"] + 0.2
    confusion = np.array(found["seeds"][0]["confusion"])
    assert confusion.sum(axis=1).tolist() == [100] * 10
    assert np.trace(confusion) / 1000 == pytest.approx(found["median"]["accuracy"])
