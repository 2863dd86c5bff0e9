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
    palette = choose(colours, counts)
    nearest = np.argmin(_squared_distance(colours, palette), axis=-1).astype(np.uint8)
    indexed = Image.fromarray(nearest[index].reshape(rgb.shape[:2]))
    indexed.putpalette(palette.astype(np.uint8).tobytes())
    indexed.save(path, "PNG", optimize=True)


def choose(colours: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Chooses a palette: the most common colours, then again and again the one farthest from all.

    Args:
        colours: [N, 3] different colours, 0 to 255.
        counts: [N] how many pixels have each.

    Returns:
        [min(N, 256), 3] of the colours.
    """
    chosen = list(np.argsort(-counts, kind="stable")[:COMMON])
    distance = np.min(_squared_distance(colours, colours[chosen]), axis=-1)
    while len(chosen) < min(COLOURS, len(colours)):
        chosen.append(int(np.argmax(distance)))
        farthest = np.sum((colours - colours[chosen[-1]]) ** 2, axis=-1)
        distance = np.minimum(distance, farthest)
    return colours[chosen]


def _squared_distance(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """[N, M] of colours [N, 3] and [M, 3]."""
    return np.sum((a[:, None] - b[None]) ** 2, axis=-1)
