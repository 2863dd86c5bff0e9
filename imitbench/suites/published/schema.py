"""The types of published claims and numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Place = tuple[str, int, str]
"""Task, number of demonstrations, demonstrator; 0 and "" for cells without demonstrations."""


OURS = "not in the paper"
"""The source of a claim that no paper makes."""


@dataclass(frozen=True)
class Claim:
    """A claim that one cell scores higher than another.

    It says: measure(better) - measure(worse) > margin, at each of its places. A margin below 0 says
    that `better` is not worse by more than that. An `equivalent` claim says that the difference
    lies between -margin and margin.
    """

    text: str
    """The rule in words."""
    better: str
    """The label of the cell that scores higher."""
    worse: str
    """The label of the cell that scores lower."""
    source: str
    """The paper, and where in it; `OURS` for rows that are ours."""
    margin: float = 0.0
    """In units of the measure: shares (0.1 is 10 points) for success rates."""
    share: float = 0.0
    """In place of `margin`: the margin as a share of the score of the cell that `share_of` names,
    counted from the random policy's score where the measure is the return."""
    share_of: Literal["better", "worse"] = "worse"
    """The cell of which `share` is a share."""
    equivalent: bool = False
    """The claim is that both score the same, up to the margin in either direction."""
    at_floor: bool = False
    """The claim is that nothing is learned, so that neither cell need be above the floor."""
    effort: Literal["equal", "as run"] = "equal"
    """equal: two methods that step the environment are compared after the same number of
    environment steps, and a winner with more gradient steps proves nothing over a cell that was
    still rising; as run: the claim itself is about unequal effort."""
    after: tuple[int, int] | None = None
    """Environment steps of `better` and of `worse`, after which they are compared on their curves,
    in place of the ends; 0 is before the first update."""
    source_steps: int = 0
    """The steps that `better` has in its source, where they may decide: environment steps of a
    method that takes some, else gradient steps. A verdict against the claim is withheld where a
    cell has less than a quarter of them; one against a claim of equal scores, where either cell
    has. 0: it is not."""
    measure: str = "success_any"
    """A measure of the results, as `Result.final` takes it: `success_any`, `success_final`,
    `return`, `metric/NAME`, `mode_entropy`, ..."""
    places: tuple[Place, ...] = ()
    """Where the claim is judged; by default wherever both cells exist."""
    against: str = ""
    """The measure of `worse`, where it differs from `measure`."""
    better_at: tuple[Place, ...] = ()
    """The places of `better`, one for each of `places`, where they differ from these; a learner
    without demonstrations is at another place than one with them."""
    worse_at: tuple[Place, ...] = ()
    """The places of `worse`, in the same way."""
    shrinks: tuple[tuple[Place, Place], ...] = ()
    """Pairs of places. The claim then says that the lead of `better` is larger at the first place
    than at the second, by more than the margin."""

    @property
    def non_inferior(self) -> bool:
        """Whether the claim is that `better` is not worse by more than the margin."""
        return not self.equivalent and (self.margin < 0 or self.share < 0)


@dataclass(frozen=True)
class Published:
    """A published mean return after a number of environment steps."""

    task: str
    """The task's name here."""
    method: str
    """The label of the cell."""
    env_steps: int
    """Environment steps of the learner."""
    value: float
    """Mean undiscounted return."""
    std: float
    """Its standard deviation over runs."""
    seeds: int
    """Number of runs."""
    source: str
    """Who published it, and the version of the environment."""
    url: str
    """Its address."""
    remark: str = ""
    """What is different there, where our return is another one."""

    @property
    def spread(self) -> str:
        """The standard deviation as text."""
        return f"± {self.std:.0f} (std over {self.seeds} seeds)"


@dataclass(frozen=True)
class Rate:
    """A published success rate, in percent."""

    task: str
    """The task's name here."""
    demos: int
    """Number of demonstrations."""
    method: str
    """The label of the cell."""
    value: float
    """Percent of the episodes."""
    error: float
    """Standard error, in percent."""
