"""The book: its references exist, every claim is on a page, and its numbers are the cells'."""

from __future__ import annotations

import re
import shlex

import pytest

from docs._generate import quoted, sources
from docs._generate.book import claim_list, committed, pages, verdict_list
from docs._generate.book.schema import ClaimOf
from imitbench.results import claims, scores
from imitbench.results.tables import sections
from imitbench.runs import plan
from imitbench.suites import published
from imitbench.suites.registry import load_suite, suite_names

STATEMENTS = [
    pytest.param(s, id=f"{d.name}-{n}")
    for d in pages.DOCUMENTS
    for n, s in enumerate(d.statements, 1)
]


@pytest.mark.parametrize("statement", STATEMENTS)
def test_what_a_statement_names_exists(statement):
    for ref in statement.claims:
        assert ref.find().text == ref.text
    for path in statement.code:
        assert (sources.ROOT / path).is_file(), path
    for test in statement.tests:
        path, _, name = test.partition("::")
        code = (sources.ROOT / path).read_text(encoding="utf-8")
        assert re.search(rf"^def {name}\(", code, re.MULTILINE), test
    for suite, _ in statement.figures:
        assert suite in suite_names()


@pytest.mark.parametrize("statement", STATEMENTS)
def test_a_statement_says_where_it_is_tested_or_why_it_is_not(statement):
    evidence = (
        statement.claims, statement.figures, statement.code, statement.tests, statement.remark
    )  # fmt: skip
    assert any(evidence)


@pytest.mark.parametrize(
    "claim", [pytest.param(r, id=r.text) for r in sorted(pages.stated(), key=str)]
)
def test_the_command_of_a_claim_runs_its_cells(claim):
    found = claim.find()
    _, run, suite, *options = shlex.split(pages.commands(claim.suite, [found])[0])
    assert (run, suite) == ("run", claim.suite)
    profile = "full" if options[:2] == ["--profile", "full"] else "cpu"
    cells = load_suite(claim.suite).profiles[profile]
    needed = {c for c in cells if c.name in (found.better, found.worse)}
    places = (*found.places, *found.better_at, *found.worse_at, *sum(found.shrinks, ()))
    if places:
        needed = {c for c in needed if c.task in {p[0] for p in places}}
    selected = plan.select(cells, options[options.index("--only") + 1 :], None)
    assert needed <= set(selected)
    assert {c.name for c in selected} == {found.better, found.worse}
    assert len(selected) < len(cells)


def test_a_suite_without_claims_has_a_table_to_look_at(monkeypatch):
    assert pages.commands("vins", [])[1] == "imitbench verify vins"
    monkeypatch.setattr(published, "claims_of", lambda name: ())
    assert pages.commands("learners", [])[1] == "imitbench table learners"


def test_every_claim_is_on_exactly_one_kind_of_page():
    every = {ClaimOf(name, c.text) for name in suite_names() for c in published.claims_of(name)}
    rest = {ClaimOf(name, c.text) for name, kept in pages.others().items() for c in kept}
    assert pages.stated() | rest == every
    assert not pages.stated() & rest
    written = "".join(pages.pages().values())
    assert all(ref.text in written for ref in every)


def test_its_numbers_are_those_of_the_cells():
    """Each verdict on each page of its claim, and on the page of the others alone where none is."""
    written = pages.pages()
    on_pages: dict[ClaimOf, list[str]] = {}
    for d in pages.DOCUMENTS:
        for ref in {ref for s in d.statements for ref in s.claims}:
            on_pages.setdefault(ref, []).append(written[f"book/{d.name}.md"])
    checked = 0
    for suite in suite_names():
        for j in claims.judge(published.claims_of(suite), sources.shipped_results(suite)):
            if j.verdict == "no results":
                continue
            p = "<0.001" if j.p_adjusted < 0.0005 else f"{j.p_adjusted:.3f}"
            numbers = f"{j.place} | {sections.format_lead(j)} | {j.seeds} x {j.episodes} | {p}"
            row = f"| {j.claim.text} | {numbers} | {sections.explained_verdict(j)} |"
            for page in on_pages.get(
                ClaimOf(suite, j.claim.text), [written["book/other_claims.md"]]
            ):
                assert row in page
            checked += 1
    assert checked > 200


def test_the_list_of_claims_links_to_their_statements():
    """Each document has a page; statements that became no claim have an anchor, too."""
    written, listed = pages.pages(), claim_list.table().split("\n")[2:]
    assert len(listed) == sum(len(published.claims_of(name)) for name in suite_names())
    for line in listed:
        page, _, name = re.findall(r"\]\(([\w.#-]+)\)", line)[-1].partition("#")
        place = f'<a id="{name}">' if name.startswith("statement-") else f"## [`{name}`]"
        assert place in written[f"book/{page}"], line
    counted = [
        (ref.suite, ref.text) for d in pages.DOCUMENTS for s in d.statements for ref in s.claims
    ]
    first = next(line for line in listed if counted[0][1] in line)
    assert f"({pages.DOCUMENTS[0].name}.md#statement-" in first


def test_quotes_are_the_numbers_of_shipped_cells():
    (cell,) = (
        r
        for r in sources.shipped_results("policies")
        if r.identity["label"] == "latent" and r.identity["task"] == "Forks"
    )
    place = "policies | latent | Forks 96, scripted"
    rate = scores.estimate(cell, "success_final")
    text = quoted.filled(f"succeeds in {{{place} | success_final}} of {{{place} | grad_steps}}")
    assert text == f"succeeds in {100 * rate.value:.1f}% of {cell.curve['grad_steps'].max():,}"
    text = quoted.filled(f"{{{place} | mode_entropy | interval}}")
    assert text == "{:.2f} [{:.2f}, {:.2f}]".format(*scores.estimate(cell, "mode_entropy"))
    for wrong in ("policies | latent | Forks 97, scripted | return", f"{place} | return | x"):
        with pytest.raises(LookupError, match="expected"):
            quoted.filled(f"{{{wrong}}}")
    written = "".join(pages.pages().values())
    assert not quoted.QUOTE.search(written)


def test_the_list_is_current():
    kept = verdict_list.NUMBERS.read_text(encoding="utf-8")
    assert kept == verdict_list.numbers(), "run `make docs-tables`"
    assert verdict_list.FIGURE.exists()


def test_the_pages_of_the_repository_are_current_and_their_links_lead_somewhere():
    for path, text in committed.texts().items():
        assert path.read_text(encoding="utf-8") == text, "run `make docs-tables`"
        for link in re.findall(r"\]\(([^)#]+)[^)]*\)", text):
            if not link.startswith("https://"):
                assert (path.parent / link).resolve().exists(), f"{path.name}: {link}"
    assert committed.INDEX.read_text(encoding="utf-8").count("<!-- begin ") == len(committed.PARTS)


def test_an_unknown_claim_is_refused():
    with pytest.raises(LookupError, match="suite vins has no claim 'x'"):
        ClaimOf("vins", "x").find()
