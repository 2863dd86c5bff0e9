"""The generated pages are complete, and what the repository keeps of them is current."""

from __future__ import annotations

import re

import pytest

import imitbench
from docs._generate import architecture, blocks, hook, methods, readme, settings, sources, suites
from imitbench import algos
from imitbench.results import claims
from imitbench.suites import overrides, published

ROOT = sources.ROOT
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


@pytest.mark.parametrize("name", algos.ALGOS)
def test_every_method_has_a_complete_page(name):
    page = methods.page(name)
    for heading in ("Source", "When to use it", "Sensitivity", "Cost of an update", "Settings"):
        assert f"## {heading}\n" in page, heading
    for group in settings.groups(algos.ALGOS[name].Config()):
        for setting in group.settings:
            assert setting.meaning, f"{name}: setting {setting.name} has no docstring"
            assert f"| `{setting.name}` | `{setting.default}` |" in page


@pytest.mark.parametrize("name", algos.ALGOS)
def test_notes_are_about_the_present_version(name):
    note = sources.note("methods", name)
    for version in re.findall(r"## Known weaknesses of version (\d+)", note):
        assert int(version) == algos.traits(name).version, "read the section again"
    words = re.findall(r"`--set ([\w.]+=[^`\s]+)", note)
    overrides.apply(algos.ALGOS[name].Config(), words)


def test_pages_with_generated_parts_say_so_until_they_are_built():
    for path in sources.DOCS.rglob("*.md"):
        text = path.read_text(encoding="utf-8")
        assert len(hook.UNBUILT.findall(text)) == int("<!-- generate " in text), path
    assert hook.UNBUILT.sub("", "# A\n\n<!-- not built -->\nb\n<!-- built -->\n\nc") == "# A\n\nc"


def test_docstrings_and_notes_do_not_say_the_same():
    for name, module in algos.ALGOS.items():
        _, sections = methods.split(module.__doc__ or "")
        both = set(sections) & set(methods.note_sections(name))
        assert both <= {"Sensitivity"}, f"{name}: remove {both} from the note"


def test_sections_of_a_docstring():
    about, sections = methods.split(
        "M: a method.\n\nSource: someone.\n\n    x = 1\n\nUse it when\nneeded.\nSensitive to: `a`."
    )
    assert about.strip() == "M: a method."
    assert sections == {
        "Source": "Someone.\n\n```text\nx = 1\n```",
        "When to use it": "Use it when needed.",
        "Sensitivity": "Sensitive to: `a`.",
    }


def test_notes_belong_to_methods_and_suites():
    for section, names in (("methods", list(algos.ALGOS)), ("suites", suites.names())):
        found = {p.stem for p in (sources.DOCS / section / "_notes").glob("*.md")}
        assert found <= set(names)


def test_settings_of_a_subclass_keep_their_meaning():
    (own, *_) = settings.groups(algos.ALGOS["offline_rwr"].Config())
    (baseline,) = (s for s in own.settings if s.name == "baseline")
    assert baseline.default == "False" and baseline.meaning


@pytest.mark.parametrize("name", suites.names())
def test_every_suite_has_a_page(name):
    page = suites.page(name)
    assert "## Question\n" in page
    if sources.shipped_results(name):
        for heading in ("Reading the results", "Figures", "Table", "Settings", "Cost"):
            assert f"## {heading}\n" in page, heading
        counts = suites.verdict_counts(name)
        assert ("## Verdicts\n" in page) == bool(counts)
        judged = claims.judge(published.claims_of(name), sources.shipped_results(name))
        verdicts = [j.verdict for j in judged]
        if counts:
            written = re.findall(r"\| reproduced (?:\||\()", page)
            assert len(written) == verdicts.count("reproduced")
            assert sum(counts.values()) == sum(not j.pooled for j in judged)


def test_the_readme():
    text = readme.README.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 200
    assert readme.drawn_fingerprint() == readme.fingerprint(), "run `make docs-tables`"
    for name in algos.ALGOS:
        assert f"`{name}`" in text, f"the table of methods lacks {name}"


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_links_of_the_pages_outside_of_the_site(page):
    for link in LINK.findall((ROOT / page).read_text(encoding="utf-8")):
        if not link.startswith(("http://", "https://", "#")):
            assert (ROOT / link.partition("#")[0]).exists(), link


def test_the_drawing_has_every_package():
    drawing = architecture.drawing()
    folders = {p.parent.name for p in (ROOT / "imitbench").glob("*/__init__.py")}
    assert {name for layer in architecture.layers() for name in layer} == folders
    for name in folders:
        assert f">{name}</text>" in drawing
    assert "http" not in drawing


def test_the_version_is_the_same_everywhere():
    newest = re.search(
        r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    cited = re.search(
        r"^version: (\S+)", (ROOT / "CITATION.cff").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert newest and cited
    versions = {newest[1], cited[1], imitbench.__version__, sources.project()["project"]["version"]}
    assert len(versions) == 1, versions


def test_pages_hold_no_machine_paths():
    for path in blocks.pages():
        assert not re.search(r"(?<!\w)/(home|root|work|tmp)/", path.read_text(encoding="utf-8")), (
            path
        )


def test_commands_and_blocks_are_found():
    text = (
        "Type `make test`.\n\n```bash\nimitbench run \\\n  gail  # now\n```\n\n"
        "<!-- test: slow -->\n```python\nx = 1\n```\n"
    )
    assert blocks.commands(text) == [["imitbench", "run", "gail"], ["make", "test"]]
    (block,) = blocks.blocks(text, "python")
    assert (block.mark, block.text, block.line) == ("slow", "x = 1\n", 9)


def test_arxiv_numbers_become_links():
    assert sources.linked("see arXiv:1606.03476.") == (
        "see [arXiv:1606.03476](https://arxiv.org/abs/1606.03476)."
    )


def test_a_bar_in_a_cell_is_escaped():
    assert sources.table(("a",), [["x | y"]]).splitlines()[-1] == "| x \\| y |"


def test_first_sentences():
    assert sources.first_sentence("BC: it clones. More.") == "BC: it clones."
