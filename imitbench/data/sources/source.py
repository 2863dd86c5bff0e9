"""Sources of demonstrations: the episodes that a cell's method learns from."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from imitbench.core.config import ADDED_LATER, config_dict
from imitbench.data.demonstrations import check_disturbance
from imitbench.data.rows import Demos, stored_arrays
from imitbench.data.sources import grades
from imitbench.experts.external import ExternalExpert
from imitbench.utils import npz
from imitbench.utils.errors import UserError, seed_number, whole_number

STORED_AS = {"same_subset": "shared", "stride": "every"}
"""Fields of a source whose name in the identity of a cell differs; those names are older."""


@dataclass(frozen=True)
class Behaviour:
    """An online learner whose steps are the data of other methods (`behaviour.py`)."""

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
    """The data set."""
    sha256: str
    """The checksum of its arrays, those of `held_out` included."""
    held_out: Demos | None = field(default=None, compare=False, repr=False)
    """Episodes that no method learns from: policies are evaluated on them, where the task is not
    known."""
    name: str = field(default="", compare=False)
    """Its name in tables; empty: tables show the demonstrator."""
    format: str = field(default="", compare=False)
    """The format of its file; empty where it comes from no file."""

    @classmethod
    def of(
        cls, demos: Demos, held_out: Demos | None = None, *, name: str = "", format: str = ""
    ) -> DatasetInMemory:
        """Wraps a data set.

        Args:
            demos: the data set.
            held_out: episodes for evaluation, where the task is not known.
            name: its name in tables.
            format: the format of its file.

        Returns:
            The data set with the checksum of its arrays.
        """
        digest = npz.checksum(stored_arrays(demos))
        if held_out is not None:
            digest = npz.checksum(stored_arrays(held_out), {"training": digest})
        return cls(demos, digest, held_out, name, format)


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
    task: str = field(default="", metadata=ADDED_LATER)
    """The task whose experts demonstrate, where it is not the cell's: one with the same
    observation, such as the same robot with another body. Where its actions have another size, they
    are left out."""
    grade: str = field(default="expert", metadata=ADDED_LATER)
    """How good the demonstrator is; see `imitbench.data.GRADES`."""
    expert: Any = field(default="auto", metadata=ADDED_LATER)
    """Who demonstrates, and whom DAgger and DART ask: scripted, learned, or auto (the scripted one
    where there is one); or an expert of the user: its name (`module:function`, a file, CELL@SEED),
    a function or an object. `imitbench.runs.own_expert` loads it when a run is planned."""
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
    `same_subset`, `stride`, `stream`, `expert` (whom methods ask) and those about a path or extra
    data then keep their defaults."""
    path: str | Path | None = field(default=None, metadata=ADDED_LATER)
    """A data set of the user that is read when the run is planned: a file, a folder or a Minari
    identifier. In the file of a suite a relative path starts from the folder of that file. All
    other fields but `same_subset`, `stride`, `stream`, `expert`, `format`, `filter_key`, `name` and
    those of extra data then keep their defaults."""
    format: str = field(default="auto", metadata=ADDED_LATER)
    """The format of `path`; auto finds it by looking."""
    filter_key: str | None = field(default=None, metadata=ADDED_LATER)
    """The list of episodes to read from `path`, a robomimic file."""
    name: str = field(default="", compare=False, metadata=ADDED_LATER)
    """The name of `path` in tables; by default that of the file or folder. It is no part of a
    cell's identity, and neither is the path: the contents are."""
    extra: DemoSource | None = field(default=None, metadata=ADDED_LATER)
    """Extra data beside the demonstrations, for methods that learn from both: a collected source or
    a data set in memory, whose episodes nobody vouches for."""
    extra_episodes: int = field(default=0, metadata=ADDED_LATER)
    """Episodes of `extra` for each training seed, which draws its own."""
    stream: bool = field(default=False, compare=False, metadata=ADDED_LATER)
    """Leave the data in files, from which methods read minibatches. The numbers are the same, so it
    is no part of the identity."""

    @property
    def is_own(self) -> bool:
        """Whether the episodes are a data set of the user."""
        return self.path is not None or self.dataset is not None

    @property
    def has_own_expert(self) -> bool:
        """Whether an expert of the user demonstrates."""
        return isinstance(self.expert, ExternalExpert)

    def __post_init__(self) -> None:
        whole_number("pool", self.pool, 0)
        whole_number("stride", self.stride)
        seed_number("seed", self.seed)
        if self.noise is not None:
            check_disturbance("noise", self.noise)

    def identity(self) -> dict[str, Any]:
        """Returns the source as JSON data, with the defaults of the grade in place of None.

        A data set of the user is its checksum; `own_data.open_source` reads the one at a path.

        Raises:
            UserError: the grade is unknown, or settings contradict it or each other.
        """
        self.check_own()
        self._check_extra()
        extra: dict[str, Any] = {}
        if self.extra is not None:
            extra = {"extra": self.extra.identity(), "extra_episodes": self.extra_episodes}
        if self.dataset is not None:
            return self._dataset_identity(self.dataset) | extra
        if self.behaviour is not None:
            return self._behaviour_identity(self.behaviour)
        if self.concurrent:
            raise UserError(
                "concurrent=True: expected a behaviour, the learner whose steps are the data; set "
                "behaviour, or concurrent=False"
            )
        noise, only_success = grades.collection_settings(self.grade, self.noise, self.only_success)
        settings = config_dict(dataclasses.replace(self, stream=False, extra=None))
        stored = {STORED_AS.get(k, k): v for k, v in settings.items()}
        if isinstance(self.expert, ExternalExpert):
            stored["expert"] = self.expert.identity()
        return stored | {"noise": noise, "only_success": only_success} | extra

    def _behaviour_identity(self, learner: Behaviour) -> dict[str, Any]:
        if dataclasses.replace(self, behaviour=None, concurrent=False) != DemoSource():
            raise UserError(
                "a source with a behaviour has no other settings but concurrent: leave them out"
            )
        config = json.loads(json.dumps(config_dict(learner.config)))
        behaviour = {"method": learner.method, "config": config, "name": learner.name}
        return {"behaviour": behaviour, "growing": self.concurrent and "from the warm-up on"}

    def _check_extra(self) -> None:
        """Checks the settings of extra data.

        Raises:
            UserError: they contradict each other, or the extra data are of a kind that cannot be
                added.
        """
        extra, episodes = self.extra, self.extra_episodes
        whole_number("extra_episodes", episodes, 0)
        if (extra is None) != (episodes == 0):
            raise UserError(
                f"extra_episodes={episodes} with extra={extra}: expected a source and 1 or more "
                "episodes of it for each seed, or neither"
            )
        if extra is None:
            return
        if self.stream or self.behaviour is not None:
            raise UserError(
                "extra: it is added to demonstrations in memory; leave stream and behaviour out"
            )
        kept = {"expert", "grade", "noise", "only_success", "pool", "seed", "dataset"}
        defaults: dict[str, Any] = {f.name: f.default for f in dataclasses.fields(extra)}
        others = [k for k, v in defaults.items() if k not in kept and getattr(extra, k) != v]
        if others:
            name = others[0]
            raise UserError(
                f"extra.{name}={getattr(extra, name)!r:.60}: extra data are collected, or a data "
                f"set in memory; leave {name} out"
            )
        if extra.grade == "clip":
            raise UserError(
                "extra.grade='clip': a clip has no actions, and the demonstrations have; take "
                "another grade"
            )
        if extra.grade != "replay" and episodes > extra.pool:
            raise UserError(
                f"extra_episodes={episodes}: the pool of the extra data has {extra.pool} episodes; "
                "ask for fewer or raise the pool"
            )

    def check_own(self) -> None:
        """Checks that settings of a user's data set and of collected ones do not mix.

        Raises:
            UserError: they do.
        """
        if self.task and self.expert not in ("auto", "scripted", "learned"):
            raise UserError(
                f"task={self.task} with an expert of your own: expected auto, scripted or learned, "
                "for the expert would act in both tasks; leave one of the two out"
            )
        about_files = {"path": None, "format": "auto", "filter_key": None, "name": ""}
        if not self.is_own:
            given = [k for k, default in about_files.items() if getattr(self, k) != default]
            if given:
                raise UserError(
                    f"{given[0]}={getattr(self, given[0])!r}: expected a path, the data set that "
                    f"it is about; set path, or leave {given[0]} out"
                )
            return
        kind = "dataset" if self.path is None else "path"
        # The expert is the one that methods ask: not a part of the data.
        others = ["same_subset", "stride", "extra", "extra_episodes", "stream", "expert"] + (
            ["pool"] if self.dataset is not None else ["format", "filter_key", "name"]
        )
        defaults: dict[str, Any] = {f.name: f.default for f in dataclasses.fields(self)}
        free = {k: defaults[k] for k in ("dataset", *about_files, *others)}
        if dataclasses.replace(self, **free) != DemoSource():
            raise UserError(
                f"a source with a {kind} has no other settings but {', '.join(others[:-1])} and "
                f"{others[-1]}: leave them out"
            )

    def _dataset_identity(self, dataset: DatasetInMemory) -> dict[str, Any]:
        return {"dataset": dataset.sha256, "shared": self.same_subset, "every": self.stride}


class DataRequest(NamedTuple):
    """The data of one cell."""

    task: str
    engine: str  # as the user asked for it: auto, native or mjx
    demos: int  # episodes for each training seed; 0 for methods without demonstrations
    source: DemoSource

    @property
    def demonstrated(self) -> str:
        """The task that is demonstrated: the source's, where it names one."""
        return self.source.task or self.task
