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
from imitbench.report import figure_data, markup, provenance, videos
from imitbench.results import captions, sections
from imitbench.results.sections import Section
from imitbench.results.store import Result
from imitbench.utils.errors import UserError
from imitbench.utils.files import atomic_write

PAGE = Path(__file__).with_name("static")
VERDICTS = ("reproduced", "not reproduced", "undecided")


class Part(NamedTuple):
    """What the page has of one suite."""

    name: str
    about: str
    where: Path  # the folder of its results
    cells: int | None  # in all, finished or not; None where that is not known
    results: Sequence[Result]
    films: Sequence[videos.Video] = ()
    notes: Sequence[str] = ()  # about the films


def write(parts: Sequence[Part], path: Path) -> None:
    """Writes the page, atomically.

    Raises:
        UserError: there is no such folder, or it cannot be written to.
    """
    check(path)
    text = page(parts)
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def check(path: Path) -> None:
    """Before any work.

    Raises:
        UserError: no file can be there.
    """
    if not path.parent.is_dir():
        raise UserError(f"--out {path}: there is no folder {path.parent}; make it first")
    if path.is_dir():
        raise UserError(f"--out {path} is a folder: expected a file, such as {path}/report.html")


def page(parts: Sequence[Part]) -> str:
    """The whole page as text. The same results and films give the same text."""
    links = "".join(f'<a href="#{_id(p)}">{html.escape(p.name)}</a>' for p in parts)
    return Template(_file("report.html")).substitute(
        version=html.escape(imitbench.__version__),
        style=_file("report.css"),
        script=_file("report.js"),
        links=links if len(parts) > 1 else "",
        suites="\n".join(map(_suite, parts)),
    )


def _file(name: str) -> str:
    return (PAGE / name).read_text(encoding="utf-8")


def _id(part: Part) -> str:
    return "suite-" + "".join(c if c.isalnum() else "-" for c in part.name)


def _suite(part: Part) -> str:
    results = part.results
    title = html.escape(part.name)
    claims, warnings = _claims(results), provenance.warnings(results)
    if isinstance(claims, str):
        warnings.append(f"the claims cannot be judged: {claims}")
        claims = Section("", (), [])
    blocks = [
        f'<section class="suite" id="{_id(part)}"><h2>{title}</h2>',
        f'<p class="about">{markup.rich(part.about)}</p>' if part.about else "",
        f'<p class="facts">{html.escape(_facts(part))}</p>',
        *map(markup.warning, warnings),
        _scores(results),
        _curves(results),
        _section("Published returns", sections.published_returns(results)),
        _section("Published rates", sections.published_rates(results)),
        _section("Claims of the literature", claims, _counts(claims)),
        _films(part),
        _section("What ran on what", provenance.provenance_table(results)),
        _versions(results),
        "</section>",
    ]
    return "\n".join(b for b in blocks if b)


def _facts(part: Part) -> str:
    last = max(r.info["finished_at"] for r in part.results)
    of = f" of {part.cells}" if part.cells is not None else ""
    profile = part.results[0].identity["profile"]
    where = "as shipped" if "shipped" in part.where.parts else "your own run"
    return (
        f"Profile {profile}; {len(part.results)}{of} cells finished, the last {last[:10]}; {where}."
    )


def _scores(results: Sequence[Result]) -> str:
    lines = provenance.scores(results)
    caption = captions.caption(results, lines)
    if "Normalised" in lines[0]:
        caption += " *Normalised*: (return - random) / (expert - random), by the reference scores."
    body = markup.table("Scores", list(lines[0]), [list(x.values()) for x in lines])
    return f'<h3>Scores</h3>\n{body}\n<p class="caption">{markup.rich(caption)}</p>'


def _curves(results: Sequence[Result]) -> str:
    """The data of the panels, which the page's script draws."""
    figure = figure_data.figure(results)
    data = json.dumps(figure, separators=(",", ":"), allow_nan=False)
    safe = data.replace("<", "\\u003c")  # nothing in it can end the script element
    name = "Learning curves" if figure["kind"] == "lines" else "Scores at the only evaluation"
    return (
        f"<h3>{name}</h3>\n"
        '<div class="figure"><div class="legend" role="group" aria-label="methods"></div>'
        f'<script type="application/json">{safe}</script></div>\n'
        '<p class="caption">Mean over training seeds with its 95% bootstrap interval. Point at a '
        "panel, or go through it with the arrow keys, to read its values; methods can be switched "
        "off above.</p>"
    )


def _section(title: str, section: Section, after: str = "") -> str:
    if not section.rows:
        return ""
    about = f'<p class="caption">{markup.rich(section.about)}</p>' if section.about else ""
    body = markup.table(title, section.head, section.rows)
    return f"<h3>{title}</h3>\n{about}{after}\n{body}"


def _claims(results: Sequence[Result]) -> Section | str:
    """The claims, verdicts first, or why they cannot be judged."""
    try:
        found = sections.claims_section(results)
    except UserError as error:
        return str(error)
    at = list(found.head).index("Verdict")
    first, *rows = ([x[at], *x[:at], *x[at + 1 :]] for x in (list(found.head), *found.rows))
    return Section(found.about, first, rows)


def _counts(claims: Section) -> str:
    if not claims.rows:
        return ""
    verdicts = [row[0].split(" (")[0] for row in claims.rows]
    words = ", ".join(f"{verdicts.count(v)} {v}" for v in VERDICTS if v in verdicts)
    return f"<p>{words}.</p>"


def _versions(results: Sequence[Result]) -> str:
    """Which versions ran; where cells differ, all that there are."""
    text = "; ".join(
        f"{name} {', '.join(sorted(str(v) for v in values if v))}"
        for name, values in provenance.versions(results).items()
        if any(values)
    )
    return f'<p class="caption">Versions: {html.escape(text)}.</p>'


def _films(part: Part) -> str:
    if not part.films and not part.notes:
        return ""
    said = ([videos.ABOUT] if part.films else []) + list(part.notes)
    blocks = ["<h3>Videos</h3>", *(f'<p class="caption">{markup.rich(x)}</p>' for x in said)]
    for place in dict.fromkeys(f.place for f in part.films):
        blocks.append(
            f'<div class="films"><h4>{html.escape(place)} '
            '<button type="button" class="play">Play all</button></h4><div class="row">'
        )
        blocks += [_film(f) for f in part.films if f.place == place]
        blocks.append("</div></div>")
    return "\n".join(blocks)


def _film(one: videos.Video) -> str:
    data = base64.b64encode(one.data).decode()
    name = html.escape(f"{one.place}: {one.who}")
    return (
        f'<figure><video controls muted loop playsinline preload="auto" aria-label="{name}" '
        f'src="data:video/webm;base64,{data}"></video>'
        f"<figcaption><strong>{html.escape(one.who)}</strong> {markup.rich(one.about)}"
        "</figcaption></figure>"
    )
