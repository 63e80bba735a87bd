"""Colours that stand out from the page and, with their dashes, from each other, for the colour-blind too."""

import itertools

import numpy as np
import pytest

from recurra.report import palette

# Machado, Oliveira and Fernandes (2009), severity 1.0, on linear RGB.
VISION = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
}
PAGES = {"light": "#ffffff", "dark": "#12171d"}
NAMES = ["esn", "lstm", "gru", "rnn", "momentum", "hessian-free", "linear", "persistence", "climatology"]


def linear_rgb(colour):
    srgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def lab(rgb):
    """CIE L*a*b* under D65."""
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ rgb
    f = np.cbrt(np.clip(xyz, 1e-6, None) / [0.9505, 1.0, 1.089])
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def luminance(colour):
    return linear_rgb(colour) @ [0.2126, 0.7152, 0.0722]


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("name", [*NAMES, "a cell of my own"])
def test_lines_stand_out_from_the_page(name, page):
    bright = sorted((luminance(getattr(palette.ink(name), page)), luminance(PAGES[page])))
    assert (bright[1] + 0.05) / (bright[0] + 0.05) >= 3.0  # WCAG 2.2, 1.4.11, for graphics


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize("page", PAGES)
def test_lines_of_one_kind_of_dash_differ(page, vision):
    for a, b in itertools.combinations([palette.ink(name) for name in NAMES], 2):
        if a.dash == b.dash:
            pair = [lab(np.clip(VISION[vision] @ linear_rgb(getattr(each, page)), 0, 1)) for each in (a, b)]
            assert np.linalg.norm(pair[0] - pair[1]) > 10, (a.title, b.title)


def test_an_unknown_learner_keeps_its_colour_and_is_dashed():
    assert palette.ink("mine") == palette.ink("mine")
    assert palette.ink("mine").dash
    assert palette.ink("mine").light in palette.variables()
