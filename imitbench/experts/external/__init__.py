"""A user's experts: functions, objects, policies of Stable-Baselines3 and saved policies."""

from imitbench.experts.external.check import bind
from imitbench.experts.external.expert import ExternalExpert, Source
from imitbench.experts.external.names import load_name, load_object
from imitbench.experts.external.tasks import expert_of_task, register

__all__ = [
    "ExternalExpert",
    "Source",
    "bind",
    "expert_of_task",
    "load_name",
    "load_object",
    "register",
]
