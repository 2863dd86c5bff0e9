"""The fit of how regret grows."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.studies import compounding_error as compounding
from imitbench.utils.errors import UserError


@pytest.mark.parametrize("power", [1.0, 2.0])
def test_a_power_law_is_found(power):
    rng = np.random.default_rng(0)
    found = {t: 0.01 * t**power * rng.uniform(0.8, 1.2, 20) for t in (10, 20, 40, 80, 160)}
    k = compounding.exponent(found)
    assert k.value == pytest.approx(power, abs=0.05)
    assert k.low < power < k.high and k.high - k.low < 0.2


def test_no_regret_has_no_exponent():
    with pytest.raises(UserError, match="nothing to fit"):
        compounding.exponent({10: np.zeros(3), 20: np.ones(3)})


def test_a_missing_length_is_said():
    with pytest.raises(UserError, match="bc ran on 0 of 5 tightropes"):
        compounding.regrets([], "bc")
