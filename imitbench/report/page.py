"""One HTML page about finished cells: it needs no network and no other file."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Sequence
from pathlib import Path
from string import Template
from typing import NamedTuple

import imitbench
from imitbench.report import comparison_data, figure_data, markup, provenance
from imitbench.report.videos import ABOUT, Video
from imitbench.results.cells.cell import Result
from imitbench.results.figures import palette
from imitbench.results.shipped import is_shipped
from imitbench.results.tables import beside, captions, sections
from imitbench.results.tables.formatting import Section
from imitbench.utils.errors import UserError
from imitbench.utils.files import atomic_write

SCRIPTS = ("statistics", "tables", "videos", "figures", "compare", "filter")
"""The page's scripts in the order in which they run."""
STATIC = Path(__file__).with_name("static")


class Part(NamedTuple):
    """The part of the page about one suite."""

    name: str
    about: str
    root: Path  # the folder of the results
    cells: int | None  # in all, finished or not; None where that is not known
    results: Sequence[Result]
    videos: Sequence[Video] = ()
    notes: Sequence[str] = ()  # about videos that are missing


def write(parts: Sequence[Part], path: Path) -> None:
    """Writes the page, whole or not at all.

    Args:
        parts: the suites.
        path: of the file.

    Raises:
        UserError: the folder is missing, or the file cannot be written.
    """
    check(path)
    text = page(parts)
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def check(path: Path) -> None:
    """Checks that the page can be written, before any work.

    Args:
        path: of the file.

    Raises:
        UserError: its folder is missing, or it is a folder itself.
    """
    if not path.parent.is_dir():
        raise UserError(f"--out {path}: there is no folder {path.parent}; make it first")
    if path.is_dir():
        raise UserError(f"--out {path} is a folder: expected a file, such as {path}/report.html")


def page(parts: Sequence[Part]) -> str:
    """Makes the whole page. The same parts give the same text.

    Args:
        parts: the suites.

    Returns:
        HTML.
    """
    links = "".join(f'<a href="#{_id(p)}">{html.escape(p.name)}</a>' for p in parts)
    return Template(_static_file("report.html")).substitute(
        version=html.escape(imitbench.__version__),
        style=palette.css() + _static_file("report.css"),
        script="\n".join(_static_file(f"{name}.js") for name in SCRIPTS),
        links=links if len(parts) > 1 else "",
        suites="\n".join(map(_suite, parts)),
    )


def _static_file(name: str) -> str:
    return (STATIC / name).read_text(encoding="utf-8")


def _id(part: Part) -> str:
    return "suite-" + "".join(c if c.isalnum() else "-" for c in part.name)


def _suite(part: Part) -> str:
    results = part.results
    # The page's scripts have no way to show a cell whose return is not known.
    known = [r for r in results if r.info["has_success"] or not r.withholds_return]
    warnings = provenance.warnings(results)
    try:
        claims = _verdicts_first(sections.claims_section(results))
    except UserError as error:
        warnings.append(f"the claims cannot be judged: {error}")
        claims = Section("", (), [])
    blocks = [
        f'<section class="suite" id="{_id(part)}"><h2>{html.escape(part.name)}</h2>',
        f'<p class="about">{markup.rich(part.about)}</p>' if part.about else "",
        f'<p class="status">{html.escape(_status(part))}</p>',
        *map(markup.warning, warnings),
        _scores(part),
        _curves(known) if known else "",
        _comparison(known),
        _section(part, "Published returns", beside.published_returns(results)),
        _section(part, "Published rates", beside.published_rates(results)),
        _section(part, "Other packages", beside.peer_rows(results)),
        _section(part, "Claims of the literature", claims, _verdict_counts(claims)),
        _videos(part),
        _section(part, "Provenance", provenance.provenance_table(results)),
        _versions(results),
        "</section>",
    ]
    return "\n".join(block for block in blocks if block)


def _status(part: Part) -> str:
    """How many cells are finished, and whose they are."""
    last = max(r.info["finished_at"] for r in part.results)
    total = f" of {part.cells}" if part.cells is not None else ""
    profile = part.results[0].identity["profile"]
    owner = "as shipped" if is_shipped(part.root) else "your own run"
    return (
        f"Profile {profile}; {len(part.results)}{total} cells finished, the last {last[:10]}; "
        f"{owner}."
    )


def _scores(part: Part) -> str:
    results = part.results
    rows = provenance.score_rows(results)
    caption = captions.caption(results, rows)
    if "Normalised" in rows[0]:
        caption += " *Normalised*: (return - random) / (expert - random), by the reference scores."
    body = markup.table(f"Scores, {part.name}", list(rows[0]), [list(row.values()) for row in rows])
    return f'<h3>Scores</h3>\n{body}\n<p class="caption">{markup.rich(caption)}</p>'


def _curves(results: Sequence[Result]) -> str:
    """The data of the panels, which the page's script draws."""
    figure = figure_data.figure(results)
    name = "Learning curves" if figure["kind"] == "lines" else "Scores at the only evaluation"
    return (
        f"<h3>{name}</h3>\n"
        '<div class="figure"><div class="legend" role="group" aria-label="methods"></div>'
        f"{_data(figure)}</div>\n"
        '<p class="caption">Mean over training seeds with its 95% interval. Point at a '
        "panel, or use the arrow keys in it, to read its values. The buttons above the panels hide "
        "methods.</p>"
    )


def _comparison(results: Sequence[Result]) -> str:
    """The data of the comparison of two methods, which the page's script computes and writes."""
    if len({r.identity["label"] for r in results}) < 2:
        return ""
    return (
        "<h3>Compare two methods</h3>\n"
        '<p class="caption">Computed in this page from the scores of each training seed, as '
        "<code>imitbench compare</code> does: differences of the first method from the second with "
        "their 95% interval, two-sided p values adjusted over all places (Holm), and the "
        "probability that a seed of the first beats a seed of the second.</p>\n"
        f'<div class="compare">{_data(comparison_data.comparison(results))}</div>'
    )


def _data(values: object) -> str:
    """An element that holds data for the page's script."""
    text = json.dumps(values, separators=(",", ":"), allow_nan=False)
    text = text.replace("<", "\\u003c")  # nothing in it can end the element
    return f'<script type="application/json">{text}</script>'


def _section(part: Part, title: str, section: Section, summary: str = "") -> str:
    if not section.rows:
        return ""
    about = f'<p class="caption">{markup.rich(section.about)}</p>' if section.about else ""
    body = markup.table(f"{title}, {part.name}", section.head, section.rows)
    return f"<h3>{title}</h3>\n{about}{summary}\n{body}"


def _verdicts_first(claims: Section) -> Section:
    """Moves the column of verdicts to the front."""
    i = list(claims.head).index("Verdict")
    head, *rows = ([row[i], *row[:i], *row[i + 1 :]] for row in (list(claims.head), *claims.rows))
    return Section(claims.about, head, rows)


def _verdict_counts(claims: Section) -> str:
    if not claims.rows:
        return ""
    verdicts = [row[0].split(" (")[0] for row in claims.rows]
    counts = ", ".join(f"{verdicts.count(v)} {v}" for v in sections.VERDICTS if v in verdicts)
    return f"<p>{counts}.</p>"


def _versions(results: Sequence[Result]) -> str:
    """The versions of the packages; where cells differ, all that occur."""
    text = "; ".join(
        f"{name} {', '.join(sorted(str(v) for v in values if v))}"
        for name, values in provenance.versions(results).items()
        if any(values)
    )
    return f'<p class="caption">Versions: {html.escape(text)}.</p>'


def _videos(part: Part) -> str:
    if not part.videos and not part.notes:
        return ""
    notes = ([ABOUT] if part.videos else []) + list(part.notes)
    blocks = ["<h3>Videos</h3>", *(f'<p class="caption">{markup.rich(x)}</p>' for x in notes)]
    for place in dict.fromkeys(video.place for video in part.videos):
        blocks.append(
            f'<div class="videos"><h4>{html.escape(place)} '
            '<button type="button" class="play">Play all</button></h4><div class="row">'
        )
        blocks += [_video(video) for video in part.videos if video.place == place]
        blocks.append("</div></div>")
    return "\n".join(blocks)


def _video(video: Video) -> str:
    data = base64.b64encode(video.data).decode()
    name = html.escape(f"{video.place}: {video.policy}")
    return (
        f'<figure><video controls muted loop playsinline preload="auto" aria-label="{name}" '
        f'src="data:video/webm;base64,{data}"></video>'
        f"<figcaption><strong>{html.escape(video.policy)}</strong> {markup.rich(video.about)}"
        "</figcaption></figure>"
    )
