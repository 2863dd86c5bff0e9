"""Demonstrations: collect, subset, save and load."""

from imitbench.data.demos import Demos, Header, cached, collect, describe, flatten, subset
from imitbench.data.files import load, save

__all__ = [
    "Demos",
    "Header",
    "cached",
    "collect",
    "describe",
    "flatten",
    "load",
    "save",
    "subset",
]
