"""Numbers and names as people read them: significant digits, true minus signs, powers of ten, units."""

import unicodedata
from collections.abc import Sequence
from typing import Any

import numpy as np

_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_NARROW, _BROAD = "fijlrtI|.,:;!'()[] ", "mwMW@%"
_LONGEST = 48  # characters of a name that a figure or a table shows


def number(value: Any, digits: int = 3) -> str:
    """A number with at least `digits` significant digits; whole numbers in full.

    Digits before the point are never dropped, and a value that is not 1 is not rounded to 1 (R² = 0.99987).

    >>> number(0.123456), number(24000), number(-1234.56), number(1.2e-7), number(None), number(0.99987)
    ('0.123', '24,000', '−1,235', '1.20×10⁻⁷', '–', '0.9999')
    """
    if value is None:
        return "–"
    if isinstance(value, int | np.integer) and not isinstance(value, bool):
        return _minus(f"{value:,}")
    x = float(value)
    if not np.isfinite(x):
        return "NaN" if np.isnan(x) else _minus("∞" if x > 0 else "-∞")
    if x == 0:
        return "0"
    if abs(x) != 1 and 1e-6 < abs(abs(x) - 1) < 0.01:
        digits = max(digits, int(-np.floor(np.log10(abs(abs(x) - 1)))) + int(abs(x) > 1))
    mantissa, exponent = f"{x:.{digits - 1}e}".split("e")
    if -3 <= int(exponent) < 6:
        return _minus(f"{x:,.{max(0, digits - 1 - int(exponent))}f}")
    return f"{_minus(mantissa)}×{power_of_ten(int(exponent))}"


def quantity(value: Any, unit: str = "", digits: int = 3) -> str:
    """A number without closing zeros and its unit, held together by a no-break space.

    >>> quantity(365.0, "d"), quantity(0.06, "s")
    ('365\\xa0d', '0.06\\xa0s')
    """
    text = number(value, digits)
    if "." in text and "×" not in text:
        text = text.rstrip("0").rstrip(".")
    return f"{text}\u00a0{clean(unit)}" if unit else text


def power_of_ten(exponent: int) -> str:
    """Ten to a power, in plain text: 10⁻³."""
    return "10" + str(exponent).translate(_SUPERSCRIPT)


def tick_labels(ticks: Sequence[float] | np.ndarray) -> list[str]:
    """Labels of equidistant ticks: as many decimals as the step needs, one power of ten for all.

    >>> tick_labels([-0.5, 0.0, 0.5]), tick_labels([0.0, 2e-5])
    (['−0.5', '0.0', '0.5'], ['0', '2×10⁻⁵'])
    """
    values = np.asarray(ticks, dtype=np.float64)
    largest = float(np.abs(values).max(initial=0.0))
    exponent = 0
    if largest and not 1e-3 <= largest < 1e6:
        exponent = int(np.floor(np.log10(largest)))
    scaled = values / 10.0**exponent
    step = float(np.diff(scaled).min()) if len(scaled) > 1 else float(scaled[0]) if len(scaled) else 1.0
    decimals = next((d for d in range(16) if abs(round(step, d) - step) <= 1e-6 * abs(step)), 15)
    labels = [_minus(f"{x:.{decimals}f}") for x in scaled + 0.0]
    if not exponent:
        return labels
    return ["0" if x == 0 else f"{label}×{power_of_ten(exponent)}" for x, label in zip(scaled, labels, strict=True)]


def clean(text: Any) -> str:
    """A name for one line: no control characters or lone surrogates, spaces joined, at most 48 characters."""
    kept = "".join("\ufffd" if unicodedata.category(c) in ("Cc", "Cs") and not c.isspace() else c for c in str(text))
    line = " ".join(kept.split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"


def shortened(text: str, width: float) -> str:
    """The text, cut with an ellipsis where it is wider than `width` average characters."""
    if text_width(text) <= width:
        return text
    while text and text_width(text) + 1 > width:
        text = text[:-1]
    return text + "…"


def with_unit(name: str, unit: str) -> str:
    """An axis label: the name, then its unit in parentheses where it has one."""
    return f"{clean(name)} ({clean(unit)})" if unit else clean(name)


def text_width(text: str) -> float:
    """Width of a line in average characters, near enough for any sans serif."""
    return sum(map(_character_width, text))


def _character_width(c: str) -> float:
    if unicodedata.east_asian_width(c) in "WF":
        return 2.0
    return 0.6 if c in _NARROW else 1.4 if c in _BROAD else 1.0


def _minus(text: str) -> str:
    return text.replace("-", "−")
