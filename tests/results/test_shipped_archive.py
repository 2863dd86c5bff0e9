"""The shipped results of an installed package: unpacked once, and whole or not at all."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

import imitbench
from imitbench.results import shipped
from imitbench.utils.errors import UserError


@pytest.fixture
def archive(tmp_path, monkeypatch) -> Path:
    """An archive with one suite, and an empty cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    shipped.unpacked.cache_clear()
    source = tmp_path / "table.md"
    source.write_text("| a table |\n", encoding="utf-8")
    path = tmp_path / shipped.ARCHIVE
    with tarfile.open(path, "w:xz") as tar:
        tar.add(source, "quickstart/table.md")
    return path


def test_an_archive_is_unpacked_once(archive, monkeypatch):
    folder = shipped.unpacked(archive)
    table = folder / "quickstart" / "table.md"
    assert table.read_text(encoding="utf-8") == "| a table |\n"
    assert shipped.is_shipped(folder / "quickstart")
    assert list(folder.parent.iterdir()) == [folder]
    table.write_text("changed", encoding="utf-8")
    shipped.unpacked.cache_clear()  # as in another process
    assert shipped.unpacked(archive) == folder
    assert table.read_text(encoding="utf-8") == "changed", "it was not unpacked again"


def test_another_process_may_be_faster(archive, monkeypatch):
    """The folder appears while this process unpacks: it is taken."""
    rename = Path.rename

    def late(self: Path, target: Path) -> Path:
        rename(self, target)  # the other process
        self.mkdir()
        (self / "mine").write_text("x")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", late)
    folder = shipped.unpacked(archive)
    assert (folder / "quickstart" / "table.md").is_file()
    assert list(folder.parent.iterdir()) == [folder]


def test_a_failure_leaves_nothing_behind(archive, monkeypatch):
    def fail(*args: object, **kwargs: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tarfile.TarFile, "extractall", fail)
    with pytest.raises(UserError, match="cannot write to .*No space left"):
        shipped.unpacked(archive)
    assert list((archive.parent / "cache" / "imitbench" / shipped.INSTALLED).iterdir()) == []


def test_a_python_without_xz_is_told(archive, monkeypatch):
    def fail(*args: object, **kwargs: object) -> None:
        raise tarfile.CompressionError("lzma module is not available")

    monkeypatch.setattr(tarfile, "open", fail)
    with pytest.raises(UserError, match="this Python has no module lzma"):
        shipped.unpacked(archive)


def test_the_archive_comes_after_the_folders(archive, monkeypatch, tmp_path):
    """An installed package without a source tree beside it, and a folder of the user's."""
    package = tmp_path / "site" / "imitbench"
    (package / "results").mkdir(parents=True)
    archive.rename(package / "results" / shipped.ARCHIVE)
    monkeypatch.setattr(imitbench, "__file__", str(package / "__init__.py"))
    monkeypatch.chdir(tmp_path)
    found = shipped.shipped_folder("quickstart")
    assert (found / "table.md").is_file() and shipped.INSTALLED in found.parts
    own = Path("results") / "shipped" / "quickstart"
    own.mkdir(parents=True)
    assert shipped.shipped_folder("quickstart") == own
