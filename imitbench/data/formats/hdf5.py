"""Reading arrays of HDF5 files that come from elsewhere."""

from __future__ import annotations

from typing import Any

import numpy as np

from imitbench.utils.errors import UserError
from imitbench.utils.npz import MAX_COMPRESSION


def read_array(array: Any, where: str) -> np.ndarray:
    """Reads an array whose contents are in the file.

    HDF5 makes up what was never written: a file of a few kilobytes can declare gigabytes of one
    fill value, or compress them well.

    Args:
        array: of type `h5py.Dataset`; its shape has been checked.
        where: the data set, the episode and the array, for messages.

    Returns:
        The array.

    Raises:
        UserError: it holds no numbers, or more bytes than what is stored can stand for.
    """
    if array.dtype.kind not in "fiub":
        raise UserError(f"{where} is of type {array.dtype}, expected numbers")
    stored = array.id.get_storage_size()
    if array.nbytes > MAX_COMPRESSION * stored:
        raise UserError(
            f"{where} declares {array.nbytes:,} bytes, of which {stored:,} are stored: expected at "
            f"most {MAX_COMPRESSION} times as many; write it again"
        )
    return np.asarray(array[()])
