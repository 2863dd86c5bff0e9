"""Where a cell's demonstrations come from."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from typing import Any

from imitbench import experts
from imitbench.core.config import ADDED_LATER, config_dict
from imitbench.data import grades
from imitbench.utils.errors import UserError

FIRST_NAMES = {"same_subset": "shared", "stride": "every"}
"""Fields of a source by the names that cells know them by, which shipped with others."""


@dataclass(frozen=True)
class Behaviour:
    """An online learner whose every step is data for others (`imitbench.data.behaviour`)."""

    method: str
    config: Any
    name: str = field(compare=False)  # what tables call it


@dataclass(frozen=True)
class DemoSource:
    """Where a cell's demonstrations come from; see `imitbench.data.collect`."""

    pool: int = 100
    """Episodes collected, out of which each training seed draws its own."""
    noise: float | None = None
    """Standard deviation of the noise on the expert's actions; labels stay un-noised. None: the
    grade's own."""
    seed: int = 0
    """Of the collection."""
    only_success: bool | None = None
    """Keep episodes that succeed at their last step. None: as the grade does."""
    same_subset: bool = False
    """All training seeds learn from one and the same subset."""
    grade: str = field(default="expert", metadata=ADDED_LATER)
    """How good the demonstrator is; see `imitbench.data.GRADES`."""
    expert: experts.Kind = field(default="auto", metadata=ADDED_LATER)
    """A scripted or a learned one; auto takes the scripted one where there is one."""
    stride: int = field(default=1, metadata=ADDED_LATER)
    """Keep one step in so many of each episode, as Ho and Ermon 2016 do; for methods that look at
    single steps alone."""
    behaviour: Behaviour | None = field(default=None, metadata=ADDED_LATER)
    """In place of all that: for each training seed the steps of an online learner with the same
    seed, as many as the cell's number of demonstrations times the time limit."""
    concurrent: bool = field(default=False, metadata=ADDED_LATER)
    """The cell's method learns while the behaviour does, from what is there at the time."""

    def identity(self) -> dict[str, Any]:
        """The source as JSON data, with the numbers that None stands for.

        Raises:
            UserError: an unknown grade, or settings that contradict it or each other.
        """
        own = self.behaviour
        if own is not None:
            if dataclasses.replace(self, behaviour=None, concurrent=False) != DemoSource():
                raise UserError("a source with a behaviour has no other settings: leave them out")
            config = json.loads(json.dumps(config_dict(own.config)))
            behaviour = {"method": own.method, "config": config, "name": own.name}
            return {"behaviour": behaviour, "growing": self.concurrent}
        if self.concurrent:
            raise UserError(
                "concurrent=True: expected a behaviour, the learner whose steps are learned from"
            )
        noise, only_success = grades.collection_settings(self.grade, self.noise, self.only_success)
        named = {FIRST_NAMES.get(k, k): v for k, v in config_dict(self).items()}
        return named | {"noise": noise, "only_success": only_success}
