"""Physics of MuJoCo models: native MuJoCo on a CPU, MJX on an accelerator."""

from imitbench.physics.engine import Engine, EngineChoice, PhysicsState
from imitbench.physics.loading import choose, load

__all__ = ["Engine", "EngineChoice", "PhysicsState", "choose", "load"]
