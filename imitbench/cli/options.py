"""Option types that several commands share, and the layout of help texts."""

from __future__ import annotations

import ast
import dataclasses
import functools
import inspect
import itertools
import textwrap
import typing
from pathlib import Path
from typing import Annotated, Any

import tyro

from imitbench import data, experts, physics
from imitbench.envs.registry import task_name
from imitbench.suites import schema


def _expand(words: list[str]) -> Path:
    """A path whose `~` is the user's home; shells leave it in `--results=~/runs`."""
    try:
        return Path(words[0]).expanduser()
    except RuntimeError as error:  # ~somebody
        raise ValueError(f"{words[0]}: {error}") from None


UserPath = Annotated[
    Path,
    tyro.constructors.PrimitiveConstructorSpec(
        nargs=1,
        metavar="PATH",
        instance_from_str=_expand,
        is_instance=lambda value: isinstance(value, Path),
        str_from_instance=lambda path: [str(path)],
    ),
]
MethodFile = Annotated[
    UserPath | None,
    tyro.conf.arg(
        help="Python file that registers METHOD, where the package does not have it. It is a "
        "program, and the command runs it.",
    ),
]
MethodName = Annotated[
    str, tyro.conf.arg(metavar="METHOD", help="Method; `imitbench list methods` lists them.")
]
TaskName = Annotated[
    str,
    tyro.constructors.PrimitiveConstructorSpec(
        nargs=1,
        metavar="TASK",
        instance_from_str=lambda words: task_name(words[0]),
        is_instance=lambda value: isinstance(value, str),
        str_from_instance=lambda name: [name],
    ),
    tyro.conf.arg(
        help="Task (`imitbench list tasks` lists them), or its Gymnasium id. Also gymnasium/ID, "
        "gymnasium/MODULE:ID, brax/NAME and playground/NAME."
    ),
]
SuiteName = Annotated[
    str,
    tyro.conf.arg(
        metavar="SUITE",
        help="Suite (`imitbench list suites` lists them), or a Python file that defines SUITE.",
    ),
]
ResultsFolder = Annotated[
    UserPath, tyro.conf.arg(help="Folder that holds the folders of all suites.")
]
CellName = Annotated[
    str,
    tyro.conf.arg(
        metavar="CELL",
        help="Which cell, where the folder has several: its folder's name, or its label.",
    ),
]
TensorBoard = Annotated[
    UserPath | None,
    tyro.conf.arg(help="Folder for live scores and metrics in TensorBoard's format."),
]
Wandb = Annotated[
    str | None,
    tyro.conf.arg(
        metavar="PROJECT", help="Project of Weights & Biases for live scores and metrics."
    ),
]
Profile = Annotated[
    schema.Profile,
    tyro.conf.arg(
        help="Size of the suite. smoke: seconds; cpu: a reasonable time on two CPU cores; full: "
        "the literature's protocol."
    ),
]
Engine = Annotated[
    physics.EngineChoice,
    tyro.conf.arg(
        help="Physics engine. auto: native on a CPU, mjx on a GPU or TPU. Results of different "
        "engines are not comparable."
    ),
]
ExpertKind = Annotated[
    experts.Kind,
    tyro.conf.arg(
        help="Scripted or learned expert. auto: the scripted one where the task has one, else the "
        "learned one. FetchPickAndPlace has three more scripted ones: scripted-two-sides draws the "
        "side from which it comes to the block once an episode, scripted-one-side takes always the "
        "same, scripted-paused waits above the block."
    ),
]
ExpertName = Annotated[
    str,
    tyro.conf.arg(
        metavar="EXPERT",
        help="Who demonstrates, and whom DAgger and DART ask. scripted, learned, or auto (the "
        "scripted one where the task has one, else the learned one); or your own: module:function, "
        "file.py:function, a zip file of Stable-Baselines3, the npz file of a learned expert, or "
        "CELL@SEED. A Python file that is named is executed.",
    ),
]
_MEANINGS = {
    "expert": "the best policy of the task",
    "medium": "a half-trained policy",
    "noisy": "the expert with action noise 0.2",
    "imperfect": "the expert with noise 0.3 and three uniform actions in ten, recorded as executed",
    "mixed": "half expert, half medium episodes",
    "stochastic": "the expert with noise 0.1, recorded as executed",
    "stochastic-medium": "the half-trained policy with such noise",
    "stochastic-mixed": "half of both",
    "random": "uniformly random actions",
    "play": "a demonstrator that goes anywhere, whatever the goal is (PointMass-rooms)",
    "still": "all-zero actions",
    "clip": "the reference motion itself, without actions (tasks of motion imitation)",
    "replay": "the steps of a learner from the start of its training on",
}
Grade = Annotated[
    str,
    tyro.conf.arg(
        help="How good the demonstrator is. "
        + "; ".join(f"{g}: {_MEANINGS[g]}" if g in _MEANINGS else g for g in data.GRADES)
        + "."
    ),
]
Words = tyro.conf.UseAppendAction


def join_help_lines(kind: type) -> None:
    """Makes one line of each field's docstring where tyro shows it as help.

    tyro breaks a help text where its docstring breaks. Groups of settings inside are joined, too.

    Args:
        kind: a dataclass whose fields have docstrings below them. Its annotations change.
    """
    hints = typing.get_type_hints(kind, include_extras=True)
    texts = field_docstrings(kind)
    own = inspect.get_annotations(kind)
    for name in own:
        if name in texts:
            own[name] = Annotated[hints[name], tyro.conf.arg(help=texts[name])]
        if dataclasses.is_dataclass(hints[name]):
            join_help_lines(typing.cast(type, hints[name]))
    kind.__annotations__ = own


@functools.cache
def field_docstrings(kind: type) -> dict[str, str]:
    """Finds the docstrings below the fields of a class.

    Args:
        kind: the class. Its base classes are not looked at.

    Returns:
        For each such field its docstring in one line; nothing for a class without source code.
    """
    try:
        (tree,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    except OSError:
        return {}
    body: list[Any] = getattr(tree, "body", [])
    return {
        field.target.id: " ".join(text.value.value.split())
        for field, text in itertools.pairwise(body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
        and isinstance(text.value.value, str)
    }
