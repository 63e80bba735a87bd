"""Real measurements that ship inside ordinary packages: nothing is downloaded."""

from recurra.data.datasets.catalogue import catalogue, load
from recurra.data.datasets.dataset import Dataset

__all__ = ["Dataset", "catalogue", "load"]
