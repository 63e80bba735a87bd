"""Numbers as people read them; names that cannot break a line or a page."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recurra.report import formatting


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.0, "0"),
        (24000, "24,000"),
        (-7, "−7"),
        (np.int64(1234), "1,234"),
        (6.4321, "6.43"),
        (0.0012345, "0.00123"),
        (0.00099, "9.90×10⁻⁴"),
        (123456.7, "123,457"),
        (1.5e6, "1.50×10⁶"),
        (-2.5e-12, "−2.50×10⁻¹²"),
        (9.999, "10.0"),
        (None, "–"),
        (float("nan"), "NaN"),
        (float("inf"), "∞"),
        (float("-inf"), "−∞"),
        (0.99987, "0.9999"),
        (1.0042, "1.004"),
        (1.0, "1.00"),
    ],
)
def test_number(value, text):
    assert formatting.number(value) == text


_SCRIPT = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")


@given(st.floats(allow_nan=False, allow_infinity=False).filter(lambda x: 1e-300 < abs(x) < 1e300))
def test_a_formatted_number_reads_back_to_three_digits(x):
    text = formatting.number(x).replace("−", "-").replace(",", "")
    mantissa, _, power = text.partition("×10")
    back = float(f"{mantissa}e{power.translate(_SCRIPT) or 0}")
    assert back == pytest.approx(x, rel=5.1e-3)


def test_quantity_drops_closing_zeros_but_no_others():
    assert formatting.quantity(240.0, "d") == "240\u00a0d"
    assert formatting.quantity(0.0600) == "0.06"
    assert formatting.quantity(100000.0) == "100,000"
    assert formatting.quantity(1.2e-9, "s") == "1.20×10⁻⁹\u00a0s"


@pytest.mark.parametrize(
    ("ticks", "labels"),
    [
        ([0.0, 0.25, 0.5], ["0.00", "0.25", "0.50"]),
        ([-20, 0, 20], ["−20", "0", "20"]),
        ([61000.0, 61100.0], ["61000", "61100"]),
        ([0.0, 2e9, 4e9], ["0", "2×10⁹", "4×10⁹"]),
        ([1e9, 1e9 + 5], ["1.000000000×10⁹", "1.000000005×10⁹"]),
    ],
)
def test_tick_labels(ticks, labels):
    assert formatting.tick_labels(ticks) == labels


def test_names_are_cleaned():
    assert formatting.clean("a\n b\tc") == "a b c"
    assert formatting.clean("bell\x07 and \ud800") == "bell\ufffd and \ufffd"
    assert formatting.clean("x" * 100) == "x" * 47 + "…"
    assert formatting.with_unit("x", "mas") == "x (mas)"
    assert formatting.with_unit("x", "") == "x"


def test_shortened_fits():
    assert formatting.shortened("abc", 3) == "abc"
    assert formatting.shortened("abcdef", 4) == "abc…"
    assert formatting.text_width("温度") == 4
