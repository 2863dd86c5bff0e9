"""Executors: run cells on a Ray cluster or as Slurm jobs.

An executor takes a function and its arguments, which must be picklable by name, and yields the
results in the order in which they finish. A worker that dies is replaced.
"""

from imitbench.runs.executors.base import Executor, FailedCell
from imitbench.runs.executors.on_ray import ray
from imitbench.runs.executors.on_slurm import slurm

__all__ = ["Executor", "FailedCell", "ray", "slurm"]
