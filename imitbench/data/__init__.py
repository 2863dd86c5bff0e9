"""Demonstrations: collect, subset, save and load."""

from imitbench.data import minari
from imitbench.data.checks import suspicions
from imitbench.data.demos import Demos, Header, arrays, collect, describe, flatten, subset
from imitbench.data.files import load, save
from imitbench.data.grades import GRADES, cached, collect_grade, demonstrators, settled

__all__ = [
    "GRADES",
    "Demos",
    "Header",
    "arrays",
    "cached",
    "collect",
    "collect_grade",
    "demonstrators",
    "describe",
    "flatten",
    "load",
    "minari",
    "save",
    "settled",
    "subset",
    "suspicions",
]
