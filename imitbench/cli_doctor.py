"""The command about the machine: `imitbench doctor`."""

from __future__ import annotations

from dataclasses import dataclass

from imitbench.harness import doctor, runtime


@dataclass(frozen=True)
class Doctor:
    """Show the machine, its versions against the tested ones, and whether its physics are those of
    the shipped results.

    Exit code 1 where they are not: results made here cannot be compared with the shipped ones.
    """

    quick: bool = False
    """Leave out drawing and physics, which take half a minute."""

    def __call__(self) -> int:
        for name, value in doctor.machine().items():
            print(f"{name}: {value}")
        odd = doctor.untested()
        if odd is None:
            odd = ["unknown: there is no constraints.txt outside of the source tree"]
        print(f"versions other than the tested ones: {', '.join(odd) or 'none'}")
        print("warnings: " + ("\n  ".join(runtime.broken_pairs()) or "none"))
        if self.quick:
            return 0
        draws = (f"{k} {'works' if v else 'fails'}" for k, v in doctor.rendering().items())
        print(f"rendering: {', '.join(draws)}")
        drifted = False
        print("golden trajectories of the tasks with shipped results:")
        for found in doctor.golden():
            print(f"  {found}", flush=True)
            drifted |= found.drifted
        return int(drifted)
