"""The README's example runs as it stands."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from imitbench.results import publish
from imitbench.suites.registry import suite_names

README = Path(__file__).parent.parent / "README.md"


@pytest.mark.slow
def test_the_python_example():
    (block,) = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    names: dict = {}
    exec(block, names)
    assert names["ev"].success_final.shape == (8, 3)
    assert np.isfinite(names["ev"].returns).all()


def test_the_commands_exist():
    text = README.read_text()
    makefile = README.with_name("Makefile").read_text()
    for target in re.findall(r"`?make ([a-z-]+)", text):
        if target.startswith("bench-"):  # of any suite
            assert target.removeprefix("bench-") in suite_names(), target
        else:
            assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_the_table_of_claims_is_that_of_the_shipped_cells():
    assert publish.claims_table() in README.read_text()
