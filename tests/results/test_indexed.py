"""Figures of 256 colours: lines keep theirs, and no pixel is far from what was drawn."""

from __future__ import annotations

from io import BytesIO

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import to_rgb
from PIL import Image

from imitbench.results.figures import drawing, indexed, palette


def test_a_figure_keeps_the_colours_of_its_lines(tmp_path):
    figure, axis = plt.subplots()
    x = np.linspace(0, 1, 50)
    for i, colour in enumerate(palette.COLOURS):
        axis.plot(x, x + i, **palette.style(i))
        axis.fill_between(x, x + i - 0.8, x + i + 0.8, color=colour, alpha=0.2)
    full = BytesIO()
    figure.savefig(full, dpi=drawing.DPI, format="png")
    (path,) = drawing.save(figure, tmp_path / "a", ["png"])
    with Image.open(path) as image:
        assert image.mode == "P" and len(image.getcolors() or ()) in range(1, indexed.COLOURS + 1)
        written = np.asarray(image.convert("RGB")).astype(int)
    drawn = np.asarray(Image.open(full).convert("RGB")).astype(int)
    assert len(np.unique(drawn.reshape(-1, 3), axis=0)) > 2 * indexed.COLOURS
    for colour in palette.COLOURS:
        exact = np.round(255 * np.array(to_rgb(colour))).astype(int)
        there = np.all(drawn == exact, axis=-1)
        assert there.sum() > 20 and np.all(written[there] == exact)
    apart = np.linalg.norm(written - drawn, axis=-1)
    assert apart.max() < 40 and apart.mean() < 0.5
    assert path.stat().st_size < 0.6 * len(full.getvalue())


def test_an_image_of_few_colours_stays_as_it_is(tmp_path):
    drawn = np.random.default_rng(0).integers(0, 6, (20, 30, 3)).astype(np.uint8) * 51
    source = BytesIO()
    Image.fromarray(drawn).save(source, "PNG")
    indexed.write(source, tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as image:
        np.testing.assert_array_equal(np.asarray(image.convert("RGB")), drawn)


def test_the_palette_begins_with_common_colours_and_goes_on_with_far_ones():
    colours = np.stack([np.arange(300)] * 3, axis=-1)
    counts = np.where(np.arange(300) < indexed.COMMON, 5, 1)
    chosen, nearest = indexed.choose(colours, counts)
    assert sorted(chosen[: indexed.COMMON]) == list(range(indexed.COMMON))
    # the farthest from 0 ... 127, then the one in the middle of what is left, (127 + 299) / 2
    assert chosen[indexed.COMMON] == 299 and chosen[indexed.COMMON + 1] == 213
    assert len(set(chosen)) == indexed.COLOURS
    distance = np.abs(np.arange(300)[:, None] - chosen)
    np.testing.assert_array_equal(nearest, np.argmin(distance, axis=1))
