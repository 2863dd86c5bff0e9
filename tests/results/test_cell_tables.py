"""Tables of cells on disk."""

from __future__ import annotations

import numpy as np
import pandas as pd

from imitbench.results.cells import cell_tables


def test_a_saved_table_is_read_back_with_its_types(tmp_path):
    table = pd.DataFrame(
        {
            "seed": np.array([0, 1], np.int64),
            "length": np.array([3, 1000], np.int32),
            "return": np.array([-np.inf, 0.1], np.float32),
            "metric/loss": np.array([np.nan, 1e-300]),
            "success_any": np.array([True, False]),
        }
    )
    cell_tables.save(table, tmp_path / "a.parquet")
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "a.parquet"), table, check_exact=True)


def test_a_small_table_takes_few_bytes(tmp_path):
    table = pd.DataFrame({f"metric/{k}": np.arange(10.0) for k in range(10)})
    table.to_parquet(tmp_path / "whole.parquet", index=False)
    cell_tables.save(table, tmp_path / "a.parquet")
    assert (tmp_path / "a.parquet").stat().st_size < (tmp_path / "whole.parquet").stat().st_size / 2
