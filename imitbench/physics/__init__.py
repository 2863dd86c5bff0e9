"""One model, two engines: native MuJoCo on a CPU, MJX on an accelerator."""

from imitbench.physics.engine import Engine, PhysicsState, choose, load

__all__ = ["Engine", "PhysicsState", "choose", "load"]
