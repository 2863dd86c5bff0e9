"""The command about the machine: `imitbench doctor`."""

from __future__ import annotations

from dataclasses import dataclass

from imitbench.cli import doctor_checks
from imitbench.utils import machine


@dataclass(frozen=True)
class Doctor:
    """Show the machine, its versions against the tested ones, and whether its physics are those of
    the shipped results.

    Exit code 1 where they are not: results made here cannot be compared with the shipped ones.
    """

    quick: bool = False
    """Leave out drawing and physics, which take half a minute."""

    def __call__(self) -> int:
        for name, value in doctor_checks.describe_machine().items():
            print(f"{name}: {value}")
        odd = doctor_checks.untested()
        if odd is None:
            odd = ["unknown: there is no constraints.txt outside of the source tree"]
        print(f"versions other than the tested ones: {', '.join(odd) or 'none'}")
        print("warnings: " + ("\n  ".join(machine.version_conflicts()) or "none"))
        if self.quick:
            return 0
        draws = (f"{k} {'works' if v else 'fails'}" for k, v in doctor_checks.rendering().items())
        print(f"rendering: {', '.join(draws)}")
        drifted = False
        print("golden trajectories of the tasks with shipped results:")
        for found in doctor_checks.golden():
            print(f"  {found}", flush=True)
            drifted |= found.drifted
        return int(drifted)
