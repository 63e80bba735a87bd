"""`Dataset`: what is known about a data set before it is loaded, and what it becomes once it is."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from recurra.data.datasets.package import version_of
from recurra.series import Series


@dataclass(frozen=True)
class Dataset:
    """A data set that an installed package brings along.

    Args:
        name: what `load` calls it.
        title: one line.
        rows: how many rows and how they are sampled, in words.
        channels: names of the columns.
        units: one a channel.
        source: who measured it, and where the file comes from.
        licence: of the package and of the data.
        citation: what to cite.
        package: the distribution that holds the files, as pip names it.
        module: the package that holds them, as Python names it.
        files: their paths inside the module.
        sha256: of the files, one after the other, as they were when this entry was written; None for data that grow
            with every version of the package.
        time_unit: unit of `times` and `dt`; "s" for dates.
    """

    name: str
    title: str
    rows: str
    channels: tuple[str, ...]
    units: tuple[str, ...]
    source: str
    licence: str
    citation: str
    package: str
    module: str
    files: tuple[str, ...]
    sha256: str | None
    time_unit: str

    def series(self, values: np.ndarray, **frame: Any) -> Series:
        """The rows as a `Series` that says where they come from; `frame` as for `Series`."""
        notes = frame.pop("notes", {})
        made = Series(values, channels=self.channels, units=self.units, **frame)
        provenance = {
            "name": self.name,
            "package": self.package,
            "package_version": version_of(self.package),
            "source": self.source,
            "licence": self.licence,
            "citation": self.citation,
            "sha256": made.sha256,
            "time_unit": self.time_unit,
            **notes,
        }
        return Series(made.values, channels=self.channels, units=self.units, provenance=provenance, **frame)
