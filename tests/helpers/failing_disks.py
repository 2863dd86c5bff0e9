"""Disks that do not take what is written to them."""

from __future__ import annotations

import contextlib
import os
import resource
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest


@contextlib.contextmanager
def mounted(where: Path, *options: str) -> Iterator[Path]:
    """A mount at the folder; skips where this process may not mount."""
    where.mkdir(exist_ok=True)
    done = subprocess.run(["mount", *options, str(where)], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"mount: {done.stderr.strip()}")
    try:
        yield where
    finally:
        subprocess.run(["umount", "-l", str(where)], check=True)


@contextlib.contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Permissions do not hold root back; a mount that is read-only does."""
    if os.geteuid():
        modes = [(p, p.stat().st_mode) for p in (folder, *folder.rglob("*")) if p.is_dir()]
        for path, mode in modes:
            path.chmod(mode & 0o555)
        yield
        for path, mode in modes:
            path.chmod(mode)
        return
    with mounted(folder, "--bind", str(folder)):
        subprocess.run(["mount", "-o", "remount,ro,bind", str(folder)], check=True)
        yield


@contextlib.contextmanager
def largest(size: int) -> Iterator[None]:
    """No file is written beyond so many bytes."""
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, old[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
