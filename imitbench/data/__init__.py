"""Data sets: collecting demonstrations, drawing subsets, reading and writing files."""

from imitbench.data.demonstrations import collect, flatten, subset
from imitbench.data.formats import minari
from imitbench.data.formats.npz import load, save
from imitbench.data.header import Header, describe, make_header
from imitbench.data.memory_map import memory_mapped
from imitbench.data.rows import Demos, step_arrays
from imitbench.data.sources.collection import collect_from, load_pool
from imitbench.data.sources.grades import GRADES, demonstrators
from imitbench.data.sources.source import Behaviour, DemoSource
from imitbench.data.validate import warnings

__all__ = [
    "GRADES",
    "Behaviour",
    "DemoSource",
    "Demos",
    "Header",
    "collect",
    "collect_from",
    "demonstrators",
    "describe",
    "flatten",
    "load",
    "load_pool",
    "make_header",
    "memory_mapped",
    "minari",
    "save",
    "step_arrays",
    "subset",
    "warnings",
]
