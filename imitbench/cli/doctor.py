"""The command about the machine: `imitbench doctor`."""

from __future__ import annotations

from dataclasses import dataclass

from imitbench.cli import doctor_checks
from imitbench.utils import machine


@dataclass(frozen=True)
class Doctor:
    """Describe the machine, and check that its physics are those of the shipped results.

    Also compares the installed versions with the tested ones. The exit code is 1 where the physics
    differ: results made here cannot be compared with the shipped ones.
    """

    quick: bool = False
    """Leave out rendering and physics, which take half a minute."""

    def __call__(self) -> int:
        for name, value in doctor_checks.describe_machine().items():
            print(f"{name}: {value}")
        untested = doctor_checks.untested_versions()
        if untested is None:
            untested = ["unknown: constraints.txt is in the source tree alone"]
        print(f"versions other than the tested ones: {', '.join(untested) or 'none'}")
        print("warnings: " + ("\n  ".join(machine.version_conflicts()) or "none"))
        if self.quick:
            return 0
        backends = doctor_checks.rendering_backends().items()
        print("rendering: " + ", ".join(f"{k} {'works' if v else 'fails'}" for k, v in backends))
        compared = drifted = False
        print("golden trajectories of the tasks with shipped results:")
        for comparison in doctor_checks.golden_trajectories():
            print(f"  {comparison}", flush=True)
            compared, drifted = True, drifted | comparison.drifted
        if not compared:
            print("  none: shipped results are in the source tree alone, so nothing was compared")
        return int(drifted)
