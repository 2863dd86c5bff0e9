"""Figures as .png with a palette of their own: a third of the size of full colour."""

from __future__ import annotations

from pathlib import Path
from typing import IO

import numpy as np
from PIL import Image

COLOURS = 256
COMMON = 128  # of them the most common ones; a line or a marker keeps its exact colour


def write(source: IO[bytes], path: Path) -> None:
    """Writes an image with at most 256 colours, without transparency.

    Pillow's own `quantize` averages similar colours, so that two lines may get the same one.

    Args:
        source: an image that Pillow reads.
        path: of the .png.
    """
    with Image.open(source) as image:
        rgb = np.asarray(image.convert("RGB"))
    codes = rgb.astype(np.int32) @ np.array([1 << 16, 1 << 8, 1])
    unique, index, counts = np.unique(codes, return_inverse=True, return_counts=True)
    colours = np.stack([unique >> 16, unique >> 8 & 255, unique & 255], axis=-1)
    chosen, nearest = choose(colours, counts)
    indexed = Image.fromarray(nearest.astype(np.uint8)[index].reshape(rgb.shape[:2]))
    indexed.putpalette(colours[chosen].astype(np.uint8).tobytes())
    indexed.save(path, "PNG", optimize=True)


def choose(colours: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Chooses a palette: the most common colours, then again and again the one farthest from all.

    Args:
        colours: [N, 3] different colours, 0 to 255.
        counts: [N] how many pixels have each.

    Returns:
        [P] which of the colours are in the palette, P = min(N, 256); and [N] the place in it of the
        one nearest to each colour.
    """
    common = np.argsort(-counts, kind="stable")[:COMMON]
    chosen = np.zeros(min(COLOURS, len(colours)), int)
    nearest, distance = np.zeros(len(colours), int), np.full(len(colours), np.inf)
    for i in range(len(chosen)):
        chosen[i] = common[i] if i < len(common) else np.argmax(distance)
        to_this = np.sum((colours - colours[chosen[i]]) ** 2, axis=-1)
        nearest[to_this < distance] = i
        distance = np.minimum(distance, to_this)
    return chosen, nearest
