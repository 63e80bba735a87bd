"""Nine men say two vowels: 640 utterances of 7 to 29 frames, the classic set of short series."""

import numpy as np

from recurra.data.datasets.dataset import Dataset
from recurra.data.datasets.package import read_files
from recurra.errors import ConfigError, unknown
from recurra.series import Series

_PARTS = ("train", "test")
_FIRST = "@data"

DATASET = Dataset(
    name="japanese-vowels",
    title="Japanese vowels: 640 utterances of nine speakers, 12 cepstral coefficients a frame",
    rows="270 utterances to train on and 370 to test, 7 to 29 frames each: 4,274 and 5,687 frames",
    channels=tuple(f"c{k}" for k in range(1, 13)),
    units=("",) * 12,
    source="UCI Machine Learning Repository (sktime, datasets/data/JapaneseVowels)",
    licence="package BSD-3-Clause; data CC BY 4.0",
    citation=(
        "Kudo, M., Toyama, J., Shimbo, M. (1999). Multidimensional curve classification using passing-through regions. "
        "Pattern Recognition Letters 20, 1103-1111"
    ),
    package="sktime",
    module="sktime",
    files=tuple(f"datasets/data/JapaneseVowels/JapaneseVowels_{part.upper()}.ts" for part in _PARTS),
    sha256="c755c99a2ac227123c34966a41b7940e802cdd6c360f7915e7c37cb8a781e821",
    time_unit="frame",
)


def load(part: str = "train") -> Series:
    """The utterances of one part as the segments of one series.

    Args:
        part: "train" or "test", as the authors divided them.

    Returns:
        A `Series` with dt = 1 frame and a break between utterances, which are one frame apart;
        `provenance["labels"]` holds the speaker of each segment, 1 to 9.
    """
    if part not in _PARTS:
        raise ConfigError(unknown("part of japanese-vowels", part, _PARTS))
    lines = read_files(DATASET)[_PARTS.index(part)].decode("utf-8").splitlines()
    utterances = [_parse(line) for line in lines[lines.index(_FIRST) + 1 :] if line]
    lengths = [len(frames) for frames, _ in utterances]
    breaks = np.cumsum(lengths)[:-1]
    values = np.concatenate([frames for frames, _ in utterances])
    times = np.arange(len(values), dtype=np.float64)
    for row in breaks:
        times[row:] += 1
    notes = {"labels": [speaker for _, speaker in utterances]}
    return DATASET.series(values, times=times, dt=1.0, breaks=breaks.tolist(), notes=notes)


def _parse(line: str) -> tuple[np.ndarray, int]:
    """Frames (time, coefficients) and speaker: coefficients are separated by colons, the speaker comes last."""
    *columns, speaker = line.split(":")
    return np.array([column.split(",") for column in columns], dtype=np.float64).T, int(speaker)
