"""Sources of demonstrations: the episodes that a cell's method learns from."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from typing import Any

from imitbench import experts
from imitbench.core.config import ADDED_LATER, config_dict
from imitbench.data import grades
from imitbench.data.demonstrations import Demos, step_arrays
from imitbench.utils import npz
from imitbench.utils.errors import UserError

STORED_AS = {"same_subset": "shared", "stride": "every"}
"""Fields of a source whose name in the identity of a cell differs; those names are older."""


@dataclass(frozen=True)
class Behaviour:
    """An online learner whose steps are the data of other methods (`imitbench.data.behaviour`)."""

    method: str
    """Its method, an off-policy one."""
    config: Any
    """The settings of the method, its `Config`."""
    name: str = field(compare=False)
    """Its name in tables."""


@dataclass(frozen=True)
class DatasetInMemory:
    """A data set of the user, identified by its contents."""

    demos: Demos = field(compare=False, repr=False)
    """The data set, episodes [K, T, ...]."""
    sha256: str
    """The checksum of its arrays, those of `held_out` included."""
    held_out: Demos | None = field(default=None, compare=False, repr=False)
    """Episodes that no method learns from: policies are evaluated on them, where the task is not
    known."""

    @classmethod
    def of(cls, demos: Demos, held_out: Demos | None = None) -> DatasetInMemory:
        """Wraps a data set.

        Args:
            demos: the data set, episodes [K, T, ...].
            held_out: episodes for evaluation, where the task is not known.

        Returns:
            The data set with the checksum of its arrays.
        """
        digest = npz.checksum(step_arrays(demos.steps))
        if held_out is not None:
            digest = npz.checksum(step_arrays(held_out.steps), {"training": digest})
        return cls(demos, digest, held_out)


@dataclass(frozen=True)
class DemoSource:
    """A source of demonstrations; `imitbench.data.load_pool` collects them."""

    pool: int = 100
    """Episodes that are collected; each training seed draws its own subset of them."""
    noise: float | None = None
    """Standard deviation of the Gaussian noise on the executed actions; intended actions stay
    without noise. None: the default of the grade."""
    seed: int = 0
    """The seed of the collection."""
    only_success: bool | None = None
    """Keep only episodes that succeed at their last step. None: the default of the grade."""
    same_subset: bool = False
    """All training seeds learn from the same subset."""
    grade: str = field(default="expert", metadata=ADDED_LATER)
    """How good the demonstrator is; see `imitbench.data.GRADES`."""
    expert: experts.Kind = field(default="auto", metadata=ADDED_LATER)
    """The kind of expert, scripted or learned; auto takes the scripted one where there is one."""
    stride: int = field(default=1, metadata=ADDED_LATER)
    """Keep one step in `stride` of each episode, as Ho and Ermon 2016 do; only for methods that
    learn from single steps."""
    behaviour: Behaviour | None = field(default=None, metadata=ADDED_LATER)
    """An online learner whose steps replace demonstrations: each training seed learns from the
    learner with the same seed, from as many steps as the cell's number of demonstrations times the
    time limit. All other fields but `concurrent` then keep their defaults."""
    concurrent: bool = field(default=False, metadata=ADDED_LATER)
    """The cell's method learns at the same time as the behaviour, from the steps that exist by
    then."""
    dataset: DatasetInMemory | None = field(default=None, metadata=ADDED_LATER)
    """A data set of the user, in place of one that is collected. All other fields but `pool`,
    `same_subset` and `stride` then keep their defaults."""

    def identity(self) -> dict[str, Any]:
        """Returns the source as JSON data, with the defaults of the grade in place of None.

        Raises:
            UserError: the grade is unknown, or settings contradict it or each other.
        """
        if self.dataset is not None:
            return self._dataset_identity(self.dataset)
        if self.behaviour is not None:
            return self._behaviour_identity(self.behaviour)
        if self.concurrent:
            raise UserError(
                "concurrent=True: expected a behaviour, the learner whose steps are the data; set "
                "behaviour, or concurrent=False"
            )
        noise, only_success = grades.collection_settings(self.grade, self.noise, self.only_success)
        stored = {STORED_AS.get(k, k): v for k, v in config_dict(self).items()}
        return stored | {"noise": noise, "only_success": only_success}

    def _behaviour_identity(self, learner: Behaviour) -> dict[str, Any]:
        if dataclasses.replace(self, behaviour=None, concurrent=False) != DemoSource():
            raise UserError(
                "a source with a behaviour has no other settings but concurrent: leave them out"
            )
        config = json.loads(json.dumps(config_dict(learner.config)))
        behaviour = {"method": learner.method, "config": config, "name": learner.name}
        return {"behaviour": behaviour, "growing": self.concurrent}

    def _dataset_identity(self, dataset: DatasetInMemory) -> dict[str, Any]:
        free = {"pool": 100, "same_subset": False, "stride": 1}
        if dataclasses.replace(self, dataset=None, **free) != DemoSource():
            raise UserError(
                "a source with a dataset has no other settings but pool, same_subset and stride: "
                "leave them out"
            )
        return {"dataset": dataset.sha256, "shared": self.same_subset, "every": self.stride}
