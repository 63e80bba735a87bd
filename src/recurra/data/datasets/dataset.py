"""`Dataset`: what is known about a data set before it is loaded."""

from dataclasses import dataclass


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
        package: the distribution that holds the file, as pip names it.
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
