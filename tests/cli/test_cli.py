"""The command line as a user types it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import jax
import pytest

from imitbench import algos, data, envs
from imitbench.cli import main
from imitbench.runs import plan, runner
from imitbench.suites.registry import load_suite, suite_names
from imitbench.utils.errors import UserError

METHOD = '''
import dataclasses

import jax.numpy as jnp

import imitbench as ib
from imitbench.core.types import Algorithm, Cost


@dataclasses.dataclass(frozen=True)
class Config:
    """Settings."""

    push: float = 0.0
    """Every action."""


def make(config, spec):
    return Algorithm(
        lambda key, demos: jnp.zeros(()),
        lambda key, state, demos: (state, {}),
        lambda key, state, obs: jnp.full((*obs.shape[:-1], spec.action_size), config.push),
        Cost(grad_steps=1),
    )


ib.register("always", Config, make, "The same action always.")
'''


def call(capsys, *words: str) -> tuple[int, str, str]:
    code = main.main(list(words))
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_lists(capsys):
    tasks = call(capsys, "list", "tasks")[1]
    assert all(name in tasks for name in envs.TASKS)
    methods = call(capsys, "list", "methods")[1]
    assert all(name in methods for name in algos.ALGOS)
    assert "Needs: demonstrations, environment, expert." in methods
    suites = call(capsys, "list", "suites")[1]
    assert all(name in suites for name in suite_names())


def test_settings_are_listed_from_the_typed_config(capsys):
    out = call(capsys, "config", "bc")[1]
    assert "--early-stopping" in out and "--lr" in out and "0.001" in out


def test_a_method_in_a_file(capsys, tmp_path, monkeypatch, request):
    monkeypatch.chdir(tmp_path)
    request.addfinalizer(lambda: algos.ALGOS.pop("always", None))
    Path("my_method.py").write_text(METHOD, encoding="utf-8")
    own = ("always", "--code", "my_method.py")
    assert "Every action." in call(capsys, "config", *own)[1]
    words = (
        *own, "--task", "PointMass", "--demos", "1", "--pool", "2", "--seeds", "1",
        "--grad-steps", "1", "--evals", "1", "--eval-episodes", "2",
    )  # fmt: skip
    code, out, _ = call(capsys, "train", *words, "--set", "push=0.5")
    assert code == 0 and "always-push=0.5" in out
    code, out, _ = call(capsys, "tune", *words, "--range", "push=0.5/1.0", "--trials", "0")
    assert code == 0 and "push=1.0" in out and "3 trials" in out


def test_help_of_every_command(capsys):
    for command in ("run", "train", "demos", "table", "plot", "report", "ship", "doctor", "list"):
        with pytest.raises(SystemExit) as stop:
            main.main([command, "--help"])
        assert stop.value.code == 0
        assert "usage" in capsys.readouterr().out.lower()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("run", "quikstart"), "unknown suite 'quikstart': did you mean quickstart?"),
        (("run", "quickstart", "--only", "bcc"), "did you mean bc"),
        (("train", "bbc", "--task", "FetchReach"), "unknown method 'bbc': did you mean bc"),
        (("train", "bc", "--task", "FetchReech"), "'FetchReech': did you mean FetchReach"),
        (("train", "bc", "--task", "PointMass", "--set", "lrr=1"), "did you mean lr"),
        (("train", "bc", "--task", "PointMass", "--set", "lr=fast"), "expected a number"),
        (("train", "bc", "--task", "PointMass", "--evals", "0"), "--evals=0: expected 1 or more"),
        (("train", "bc", "--task", "PointMass", "--demos", "0"), "demos=0: bc needs 1 or more"),
        (("train", "bc", "--task", "ProbeConstant"), "'ProbeConstant' has no expert"),
        (("demos", "PointMas"), "did you mean PointMass"),
        (("demos", "PointMass", "--kind", "learned"), "'PointMass' has no learned expert"),
        (
            ("demos", "PointMass", "--kind", "scripted", "--expert", "x.npz"),
            "kind 'scripted' beside --expert x.npz: give one of them",
        ),
        (("demos", "PointMass", "--episodes", "0"), "episodes=0: expected 1 or more"),
        (("demos", "PointMass", "--out", "/no/such/folder/x.npz"), "there is no folder"),
        (("table", "quickstart", "--profile", "full"), "no finished cells"),
        (("report", "quikstart"), "unknown suite 'quikstart': did you mean quickstart?"),
        (("report", "quickstart", "--profile", "full"), "no finished cells"),
        (("report", "--profile", "full"), "no finished cells"),
        (("report", "--out", "no/such/x.html"), "there is no folder no/such; make it first"),
        (("report", "--out", "."), "is a folder: expected a file"),
        (("report", "--videos", "-1"), "videos=-1: expected 0 or more"),
        (("config", "bcc"), "unknown method 'bcc'"),
        (("config", "bcc", "--code", "none.py"), "no such file of a method: none.py"),
        (
            ("train", "ppo", "--task", "ProbePolicy", "--grad-steps", "7"),
            "or a budget of environment steps, 2048 an update",
        ),
    ],
)  # fmt: skip
def test_mistakes_are_one_line_and_exit_code_2(capsys, tmp_path, monkeypatch, words, expected):
    monkeypatch.chdir(tmp_path)
    code, out, err = call(capsys, *words)
    assert code == 2 and out == ""
    assert err.count("\n") == 1 and err.startswith("imitbench: ") and expected in err
    assert list(tmp_path.iterdir()) == [], "nothing is written after a mistake"


def test_the_learned_expert_can_demonstrate(capsys, tmp_path, no_cache, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, _ = call(capsys, "demos", "FetchReach", "--kind", "learned", "--episodes", "1")
    assert code == 0 and "written to FetchReach-learned-1-0.npz" in out
    found = data.load(tmp_path / "FetchReach-learned-1-0.npz", envs.make("FetchReach").spec)
    assert found.header.expert == "learned"


def test_demos_are_written_and_the_same_again(capsys, tmp_path, no_cache):
    files = [tmp_path / "a.npz", tmp_path / "b.npz"]
    for file in files:
        code, out, _ = call(
            capsys, "demos", "PointMass", "--episodes", "3", "--noise", "0.1", "--out", str(file)
        )
        assert code == 0 and "3 episodes of" in out and "action noise 0.1" in out
    assert files[0].read_bytes() == files[1].read_bytes()
    header = data.load(files[0], envs.make("PointMass").spec).header
    assert header.noise == 0.1 and header.episodes == 3


def test_train_and_dry_run(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = call(
        capsys, "train", "bc", "--task", "PointMass", "--demos", "3", "--seeds", "2",
        "--grad-steps", "8", "--evals", "2", "--eval-episodes", "2", "--pool", "4",
        "--set", "hidden=8", "--set", "steps=2",
    )  # fmt: skip
    assert code == 0 and "PointMass" in out and "2 x 2" in out and "updates" in err
    assert (tmp_path / "results" / "train" / "table.md").exists()
    # Other settings under the same name, then the first ones again: their own table is shown.
    for steps in ("16", "8"):
        code, out, _ = call(
            capsys, "train", "bc", "--task", "PointMass", "--demos", "3", "--seeds", "2",
            "--grad-steps", steps, "--evals", "2", "--eval-episodes", "2", "--pool", "4",
            "--set", "hidden=8", "--set", "steps=2",
        )  # fmt: skip
        assert code == 0 and f" {steps} " in out
    assert "finished before, skipped" in out
    code, out, _ = call(capsys, "run", "quickstart", "--dry-run", "--seeds", "3")
    assert code == 0 and out.count("to run") == 10 and "10 cells" in out
    assert not (tmp_path / "results" / "quickstart").exists()
    code, out, _ = call(capsys, "run", "gail", "--dry-run", "--only", "airl", "--only", "Hopper")
    assert code == 0 and "rewards of either sign where episodes end with failure" in out


def test_odd_settings_are_named_before_training(capsys, tmp_path, monkeypatch):
    """Nobody should find out after hours."""
    monkeypatch.chdir(tmp_path)

    def begins(*_: object, **options: object) -> None:
        err = capsys.readouterr().err
        assert "negative rewards where episodes end with failure" in err
        raise UserError("training began")

    monkeypatch.setattr(runner, "compute", begins)
    code, _, err = call(
        capsys, "train", "gail", "--task", "Hopper", "--demos", "1", "--pool", "1", "--env-steps",
        "2048", "--evals", "1", "--set", "discriminator.reward=negative",
    )  # fmt: skip
    assert code == 2 and "training began" in err


@pytest.mark.parametrize(
    "words",
    [
        "--only FetchReach bc dagger",
        pytest.param("--only FetchReach --only bc --only dagger", marks=pytest.mark.slow),
    ],
)
def test_words_of_only_add_up(capsys, tmp_path, words):
    options = ("--dry-run", "--results", str(tmp_path))
    out = call(capsys, "run", "quickstart", *options, *words.split())[1]
    assert out.count("to run") == 2 and "FetchReach-10-bc" in out and "-dagger-" in out


METHODS = ("bc", "gcbc", "dagger", "dart", "vins")


@pytest.mark.parametrize(
    ("task", "methods"),
    [
        ("FetchReach", ("bc", "dagger")),
        pytest.param("FetchReach", METHODS, marks=pytest.mark.slow),
        pytest.param("FetchPickAndPlace", METHODS, marks=pytest.mark.slow),
    ],
)
def test_the_quickstart_in_its_smoke_profile(capsys, tmp_path, task, methods):
    words = ("run", "quickstart", "--profile", "smoke", "--results", str(tmp_path))
    only = [word for name in (task, *methods) for word in ("--only", name)]
    code, out, err = call(capsys, *words, *only)
    assert code == 0
    assert all(word in out for word in (task, *methods))
    assert "beside the shipped run" in out and "time left" in err
    again = call(capsys, *words, *only)[1]
    assert again.count("finished before, skipped") == len(methods)


@pytest.fixture
def quick_compiler():
    """Leaves the compiler's costly passes out of the slow tests, too: a suite has dozens of
    programs, which run for an instant."""
    before = jax.config.values["jax_disable_most_optimizations"]
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", before)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(suite_names()) - {"quickstart"}))
def test_suites_in_their_smoke_profiles(capsys, tmp_path, name, quick_compiler):
    words = ("run", name, "--profile", "smoke", "--results", str(tmp_path))
    cells = load_suite(name).profiles["smoke"]
    jobs = plan.prepare(name, "smoke", cells)
    code, out, _ = call(capsys, *words)
    assert code == 0
    assert ("values.png" in out) == any(j.algo.value_estimator is not None for j in jobs)
    assert call(capsys, *words)[1].count("finished before, skipped") == len(cells)


def test_an_interrupt_is_said(monkeypatch, capsys):
    def interrupt(self):
        raise KeyboardInterrupt

    monkeypatch.setattr(main.doctor.Doctor, "__call__", interrupt)
    code, _, err = call(capsys, "doctor")
    assert code == 130 and "run the same command again" in err


@pytest.mark.slow
def test_importing_has_no_side_effects():
    """No backend is started, no environment variable set, no cache folder made."""
    program = (
        "import os; before = dict(os.environ); import imitbench.cli.main, jax; "
        "from jax._src import xla_bridge; "
        "print(xla_bridge.backends_are_initialized(), dict(os.environ) == before, "
        "jax.config.jax_compilation_cache_dir)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        # Without the compile cache of the tests.
        env={k: v for k, v in os.environ.items() if not k.startswith("JAX_")},
    )
    assert done.stdout.split() == ["False", "True", "None"]


def test_no_machine_paths_in_what_the_project_ships():
    root = Path(__file__).parent.parent
    pattern = re.compile(r"/(home|root|work|Users)/|https?://(pypi|files\.python)")
    for path in [*root.glob("results/shipped/**/*.json"), *root.glob("*.txt"), *root.glob("*.md")]:
        assert not pattern.search(path.read_text()), path
