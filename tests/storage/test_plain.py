import json
from pathlib import Path
from types import MappingProxyType

import numpy as np

from recurra.storage import canonical, plain


def test_numpy_and_nesting_become_json_data():
    given = {
        "array": np.array([[1.5, np.nan], [np.inf, -0.5]]),
        "numbers": (np.float32(0.5), np.int64(3), np.bool_(True), np.array(2.0)),
        "inner": MappingProxyType({"path": Path("runs") / "a", 3: float("-inf")}),
        "date": np.datetime64("2026-01-02T03:04:05", "ns"),
        "dates": np.array(["2026-01-02", "2026-01-03"], dtype="datetime64[D]"),
        "kept": [None, "text", 1, True, 0.1],
    }
    found = plain(given)
    assert found == {
        "array": [[1.5, None], [None, -0.5]],
        "numbers": [0.5, 3, True, 2.0],
        "inner": {"path": "runs/a", "3": None},
        "date": "2026-01-02T03:04:05.000000000",
        "dates": ["2026-01-02", "2026-01-03"],
        "kept": [None, "text", 1, True, 0.1],
    }
    assert [type(value) for value in found["numbers"]] == [float, int, bool, float]
    assert json.loads(canonical(found)) == found
    assert np.isnan(given["array"][0, 1])  # the argument is left as it was
