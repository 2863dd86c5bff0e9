"""The HTML page about finished cells."""

from __future__ import annotations

import copy
import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import message
from helpers.reports import drawn, part, point, shipped, takes

from imitbench import envs
from imitbench.cli import main
from imitbench.experts import reference_scores
from imitbench.report import figure_data, markup, provenance, replayed_episodes, video, videos
from imitbench.report import page as report_page
from imitbench.results import claims, effort, tables
from imitbench.results.cells import store
from imitbench.results.cells.cell import Result
from imitbench.results.tables import sections
from imitbench.runs import plan, runner
from imitbench.suites import published
from imitbench.suites.registry import load_suite
from imitbench.utils.errors import UserError


class Reader(HTMLParser):
    """Tables by the title above them, data of scripts, addresses, and names of tags."""

    def __init__(self, text: str):
        super().__init__()
        self.tables: dict[str, list[list[str]]] = {}
        self.data: list[Any] = []
        self.urls: list[tuple[str, str]] = []
        self.tags: list[str] = []
        self._cell = self._script = False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        named = {k: v or "" for k, v in attrs}
        self.tags.append(tag)
        self.urls += [(tag, named[k]) for k in ("src", "href") if k in named]
        if named.get("role") == "region":
            self._rows = self.tables.setdefault(named["aria-label"].split(", ")[0], [])
        elif tag == "tr":
            self._rows.append([])
        elif tag in ("th", "td"):
            self._rows[-1].append("")
            self._cell = True
        self._script = tag == "script" and named.get("type") == "application/json"

    def handle_endtag(self, tag):
        self._cell = self._cell and tag not in ("th", "td")
        self._script = self._script and tag != "script"

    def handle_data(self, data):
        if self._cell:
            self._rows[-1][-1] += data
        if self._script:
            self.data.append(json.loads(data))


def changed(results: list[Result], index: int, **info: Any) -> list[Result]:
    """With other words in one cell; `label` is its method's name."""
    one = copy.deepcopy(results[index])
    one.identity["label"] = info.pop("label", one.identity["label"])
    one.info.update(info)
    return [*results[:index], one, *results[index + 1 :]]


@pytest.mark.parametrize(
    "name",
    [
        "gail",
        *(pytest.param(x, marks=pytest.mark.slow) for x in ("quickstart", "learners", "vins")),
    ],
)
def test_the_page_has_the_numbers_of_the_table(name):
    results = shipped(name)
    found = Reader(report_page.page([part(results)])).tables
    lines = [dict(zip(found["Scores"][0], row, strict=True)) for row in found["Scores"][1:]]
    ran = found["Provenance"]
    times = [dict(zip(ran[0], row, strict=True)) for row in ran[1:]]
    for line, time_, r, cell in zip(lines, times, results, tables.table_rows(results), strict=True):
        plain = {k: v.removesuffix(" ↑") for k, v in (line | time_).items()}
        assert cell.items() <= plain.items()
        assert time_["Environment digest"] == r.info["environment_digest"]
        assert float(time_["Evaluate s"]) == pytest.approx(r.info["seconds"]["evaluate"], abs=0.06)
        whole = sum(r.info["seconds"].values())
        assert float(time_["Wall s"]) == pytest.approx(whole, abs=0.06)
    judged = [
        j for j in claims.judge(published.claims_of(name), results) if j.verdict != "no results"
    ]
    rows = [dict(zip(sections.CLAIM_HEAD, sections.claim_row(j), strict=True)) for j in judged]
    head, *claimed = found.get("Claims of the literature", [[]])
    assert [dict(zip(head, row, strict=True)) for row in claimed] == rows


def test_normalised_scores_are_those_of_the_reference(monkeypatch):
    r = shipped()[0]
    line = provenance.score_rows([r])[0]
    expected = reference_scores.normalise("FetchReach", r.final("return").mean())
    assert line["Normalised"].startswith(f"{expected:.2f} [")
    assert list(line).index("Normalised") == list(line).index("Return") + 1
    ropes = [x for x in shipped("dagger") if x.identity["task"].startswith("Tightrope")]
    assert ropes and "Normalised" in provenance.score_rows(ropes)[0]
    monkeypatch.setattr(reference_scores, "table", dict)
    assert "Normalised" not in provenance.score_rows(ropes)[0], "no task has scores"


def test_curves_end_where_the_table_says():
    results = shipped()
    figure = figure_data.figure(results)
    assert figure["kind"] == "lines" and figure["methods"][:2] == ["bc", "gcbc"]
    assert len(figure["panels"]) == 6, "two tasks, three costs"
    panel = figure["panels"][0]
    ends = [100 * line["mean"][-1] for line in panel["lines"]]
    shown = [float(c["Success final, %"].split()[0]) for c in tables.table_rows(results)[:5]]
    assert ends == pytest.approx(shown)
    steps = int(tables.table_rows(results)[0]["Gradient steps"].replace(",", ""))
    assert steps > 0 and all(line["x"][-1] == steps for line in panel["lines"])
    queries = next(p for p in figure["panels"] if p["x"].startswith("expert queries"))
    assert {line["name"]: line["x"] for line in queries["lines"]}["bc"] == []


def test_scores_of_cells_evaluated_once():
    results = shipped("vins_settings")
    figure = figure_data.figure(results)
    first = figure["panels"][0]["dots"][0]
    assert figure["kind"] == "dots" and first["name"] == results[0].identity["label"]
    assert first["mean"] == pytest.approx(results[0].final("success_final").mean())
    assert sum(len(p["dots"]) for p in figure["panels"]) == len(results)


def test_shipped_cells_can_be_trained_again_for_their_videos():
    suite = load_suite("quickstart")
    for r in shipped():
        job = videos._job(suite.name, suite.profiles["cpu"], r)
        assert not isinstance(job, str), job
        assert job.cell.name == r.identity["label"]


def test_a_single_seed_has_no_interval():
    r = shipped()[0]
    first = {"curve": r.curve, "episodes": r.episodes}
    one = r._replace(**{k: frame[frame["seed"] == 0] for k, frame in first.items()})
    line = figure_data.figure([one])["panels"][0]["lines"][0]
    rates = one.curve.sort_values(by=["evaluation"])["success_final"].tolist()
    assert line["low"] == [None] * len(rates) and line["mean"] == pytest.approx(rates)


def test_text_from_results_is_text():
    bad = '</script><img src=x onerror=alert(1)>&"'
    results = changed(shipped(), 0, label=bad, device=bad)
    page = report_page.page([part(results, name=bad, about=bad)])
    read = Reader(page)
    assert read.tags.count("img") == 0 and "<img" not in page
    assert read.tables["Scores"][1][2] == bad
    assert read.data[0]["methods"][0] == bad


def test_the_page_loads_nothing():
    page = report_page.page([part(shipped(n), name=n) for n in ("vins", "learners")])
    urls = Reader(page).urls
    assert any(u.startswith("https://") for _, u in urls), "sources are linked"
    assert all(tag == "a" for tag, _ in urls)
    assert "default-src 'none'" in page and "@import" not in page and "url(" not in page
    assert not re.search(r"(?i)\b(fetch|XMLHttpRequest|import)\s*\(", page)


def test_a_page_with_videos_holds_them():
    shown = videos.Video("here", "bc", "seed 0", b"\x1aE\xdf\xa3")
    page = report_page.page(
        [part(shipped(), videos=[shown], notes=["FetchSlide: no video of <it>."])]
    )
    assert ("video", "data:video/webm;base64,GkXfow==") in Reader(page).urls
    assert "no video of &lt;it&gt;." in page


@pytest.mark.slow
def test_differing_engines_digests_and_versions_are_said():
    results = [r._replace(info=r.info | {"device": "one"}) for r in shipped()]
    assert provenance.warnings(results) == []
    assert "Warning." not in report_page.page([part(results)])
    jax = results[1].info["versions"] | {"jax": "0.0.1"}
    other = changed(results, 1, engine="mjx", environment_digest="abc", versions=jax)
    page = report_page.page([part(other)])
    for text in ("FetchReach: engines differ (native, mjx)", "FetchReach: environment digests"):
        assert text in page
    assert "different versions of jax (0.0.1, 0.10.2)" in page
    assert "FetchPickAndPlace: " not in page
    assert "different devices (one, two)" in report_page.page(
        [part(changed(other, 2, device="two"))]
    )


def test_claims_that_cannot_be_judged_leave_the_rest():
    results = shipped("vins")
    page = report_page.page([part(changed(results, 1, engine="mjx"))])
    assert "the claims cannot be judged: " in page
    assert "Claims of the literature" not in Reader(page).tables
    assert "Scores" in Reader(page).tables


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("96.0 [93.0, 99.0]", 96.0), ("-16.6 [-22.3, -12.4]", -16.6), ("2,250", 2250.0),
        ("5 x 20", 5.0), ("+1.5 [-1, 2]; margin -3", 1.5), ("884 ± 298 (std)", 884.0),
        ("0.97", 0.97), ("-", None), ("2 x AMD EPYC", None), ("7d53", None), ("0 to 4", None),
    ],
)  # fmt: skip
def test_what_a_cell_is_sorted_by(text, value):
    assert markup.number(text) == value


def test_links_in_text():
    text = markup.rich("a < b, *any*: [x & y](https://a.b/?c=1&d), arXiv:1907.05634")
    assert text == (
        'a &lt; b, <em>any</em>: <a href="https://a.b/?c=1&amp;d">x &amp; y</a>, '
        '<a href="https://arxiv.org/abs/1907.05634">arXiv:1907.05634</a>'
    )
    assert "href" not in markup.rich("[x](javascript:alert(1))")


@pytest.mark.slow
def test_the_command_writes_all_suites_that_have_results(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main.main(["report"]) == 0
    out = capsys.readouterr().out
    page = (tmp_path / "report.html").read_text()
    for name in ("quickstart", "vins", "gail"):
        assert name in out and f'id="suite-{name}"' in page


def test_the_command_writes_one_suite(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main.main(["report", "quickstart", "--out", "one.html"]) == 0
    one = (tmp_path / "one.html").read_text()
    assert 'id="suite-vins"' not in one and "10 of 10 cells finished" in one
    assert main.main(["report", "quickstart", "--out", "two.html"]) == 0
    assert one == (tmp_path / "two.html").read_text(), "the same results give the same page"


def test_a_page_that_cannot_be_written_leaves_the_old_one(tmp_path, monkeypatch):
    path = tmp_path / "report.html"
    path.write_text("old")

    def full(self, *args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(UserError) as error:
        report_page.write([part(shipped())], path)
    assert "No space left on device; make room there" in message(error)
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_without_a_renderer_the_page_is_made_and_says_so(capsys, tmp_path, monkeypatch):
    def fail(*args):
        raise UserError("videos need imageio-ffmpeg")

    monkeypatch.setattr(videos, "make_videos", fail)
    out = tmp_path / "x.html"
    assert main.main(["report", "quickstart", "--videos", "1", "--out", str(out)]) == 0
    assert "no videos: videos need imageio-ffmpeg" in capsys.readouterr().out
    assert "No videos: videos need imageio-ffmpeg" in out.read_text()


def test_a_machine_that_cannot_render_is_told_what_to_do(monkeypatch):
    pytest.importorskip("imageio_ffmpeg")
    monkeypatch.setenv("MUJOCO_GL", "nonsense")
    with pytest.raises(UserError, match="cannot render with MUJOCO_GL=nonsense .*egl, osmesa"):
        video.encode_videos(point(), [takes()])


def test_rendering_is_tried_before_any_training(monkeypatch):
    monkeypatch.setenv("MUJOCO_GL", "nonsense")
    monkeypatch.setattr(videos, "_play_policies", lambda *args: pytest.fail("trained for nothing"))
    with pytest.raises(UserError, match="MUJOCO_GL|imageio-ffmpeg"):
        videos.make_videos("quickstart", (), shipped(), 1, print)


def test_without_the_package_the_extra_is_named(monkeypatch):
    monkeypatch.setattr(video.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match="pip install 'imitbench\\[report\\]'"):
        video.encode_videos(point(), [takes()])


def test_poses_are_drawn_at_the_speed_of_the_simulation():
    hopper = video.drawable(envs.make("Hopper"))  # steps of 8 ms
    assert hopper is not None
    long = [video.Episode(np.arange(2000.0)[:, None], np.zeros((2000, 0)))]
    frames = video._frames(hopper, long).qpos[:, 0]
    assert frames[:3].tolist() == [0, 5, 10] and video._frame_rate(hopper) == (5, pytest.approx(25))
    assert len(frames) == 200 + video.PAUSE and set(frames[-video.PAUSE :]) == {995.0}
    assert video.episodes_per_video(hopper) == 1 and video.episodes_per_video(point()) == 4


@pytest.mark.slow
def test_learners_are_trained_again_as_their_cells_were(tmp_path, no_cache):
    drawn()
    cells = load_suite(str(Path(__file__).parents[1] / "helpers" / "toy_suite.py")).profiles["cpu"]
    root = tmp_path / "toy"
    runner.run(plan.prepare("toy", "cpu", cells), root)
    for folder in store.cells_folder(root).glob("*/policy"):
        shutil.rmtree(folder)  # as in shipped cells
    results = store.read_all(root)
    films, notes = videos.make_videos("toy", cells, results, 2, lambda line: None)
    assert [f.policy for f in films] == ["expert", "bc", "dagger"] and notes == []
    assert all(f.data.startswith(b"\x1aE\xdf\xa3") and len(f.data) > 1000 for f in films)
    assert len({f.data for f in films}) == 3
    for r, f in zip(results, films[1:], strict=True):
        score = 100 * r.final("success_final")[0]
        assert f"All 3: success final {score:.1f} %; in the cell {score:.1f} %." in f.about
        assert f"Seed 0: {effort.grad_steps(r):,} gradient steps" in f.about
    films, notes = videos.make_videos("toy", cells[1:], results, 2, lambda line: None)
    assert [f.policy for f in films] == ["expert", "dagger"]
    assert "no video of bc: the suite has no cell with its settings" in notes[0]


@pytest.mark.slow
def test_a_stored_policy_plays_without_training(finished):
    """Its episodes are the first of the cell's last evaluation."""
    for r in store.read_all(finished):
        played = replayed_episodes.play_stored_policy(r, point())
        assert played.about.startswith("Seed 0, as the cell stores it.")
        own = r.episodes.query("seed == 0").sort_values(by=["episode"])
        words = ["reached" if x else "missed" for x in own["success_final"]]
        assert (
            f"Goals of these episodes: {', '.join(words[: len(played.episodes)])}." in played.about
        )


def test_what_is_too_long_to_train_again_is_said():
    r = shipped("learners")[0]
    seconds = r.info["seconds"]["train"] / len(r.identity["seeds"])
    line = f"to train one seed again takes about {seconds:.0f} s"
    assert seconds > 60 and videos._job("learners", (), r) == line


def test_what_is_seen_is_what_the_evaluation_ran(tmp_path):
    r = shipped()[0]
    r = r._replace(info=r.info | {"identity": r.identity | {"task": "PointMass"}})
    act = replayed_episodes.play_expert(r, point())
    assert act is not None and act.about.startswith("Scripted, of grade expert")
    assert len(act.episodes) == 4 and act.episodes[0].qpos.shape == (21, 2)
    words = re.findall("reached|missed", act.about)
    ends = [np.linalg.norm(t.qpos[-1] - t.goal[-1]) < 0.1 for t in act.episodes]
    assert [w == "reached" for w in words] == ends
