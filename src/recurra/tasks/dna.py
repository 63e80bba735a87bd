"""A short word somewhere in a long sequence of letters: order without time."""

import numpy as np

from recurra.data.symbols import DNA
from recurra.errors import ConfigError
from recurra.tasks.problem import Problem, check_sizes


def dna_motif(count: int, *, length: int = 200, motif: str = "TATAAT", seed: int) -> Problem:
    """Does a sequence of the letters A, C, G and T hold the motif anywhere?

    The letters are independent and equally likely, and a sequence in which the motif arises by itself is drawn again;
    half of the sequences get it once, at a place of equal chance, and are drawn again where it is there twice. So that
    the letters that are there do not tell, the others get the same letters of the motif in another order.

    Args:
        count: sequences, of which every other one holds the motif.
        length: letters of each.
        motif: of at least two different letters.
        seed: of the letters, the places and the orders.

    Returns:
        Targets "with" and "without".

    Raises:
        ConfigError: a motif that cannot be.
    """
    check_sizes(count=count, length=length - len(motif))
    if set(motif) - set(DNA) or len(set(motif)) < 2:
        raise ConfigError(f"`motif` is {motif!r}: it is made of at least two different ones of the letters {DNA}")
    rng = np.random.default_rng(seed)
    texts = [_text(length, motif, k % 2 == 0, rng) for k in range(count)]
    classes = ["with" if k % 2 == 0 else "without" for k in range(count)]
    order = rng.permutation(count)
    return Problem(
        "many-to-one", "categorical", [texts[k] for k in order], [classes[k] for k in order], (count + 1) // 2 / count
    )


def _text(length: int, motif: str, holds: bool, rng: np.random.Generator) -> str:
    while True:
        letters = "".join(DNA[k] for k in rng.integers(0, len(DNA), length))
        word = motif if holds else "".join(rng.permutation(list(motif)))
        at = int(rng.integers(0, length - len(motif) + 1))
        text = letters[:at] + word + letters[at + len(motif) :]
        if occurrences(text, motif) == holds:
            return text


def occurrences(text: str, motif: str) -> int:
    """How often a motif is in a text, overlaps counted.

    >>> occurrences("TATATA", "TATA")
    2
    """
    return sum(text.startswith(motif, at) for at in range(len(text) - len(motif) + 1))
