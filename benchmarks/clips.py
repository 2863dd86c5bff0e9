"""Extracts the reference clips in `imitbench/envs/motion/clips/` from the packages they come with.

    pip download pybullet==3.2.7 --no-deps --only-binary :all: --python-version 3.11
    pip download motion-imitation==0.0.6 --no-deps --no-binary motion-imitation
    python benchmarks/clips.py pybullet-3.2.7-*.whl motion_imitation-0.0.6.tar.gz

`sources.json` lists the files, their places in the archives and their checksums, which are checked.
"""

from __future__ import annotations

import hashlib
import sys
import tarfile
import zipfile
from pathlib import Path

from imitbench.envs.motion import clips


def members(archive: Path) -> dict[str, bytes]:
    """Reads the wanted files of an archive.

    Args:
        archive: a wheel or a source archive.

    Returns:
        Contents by path in the archive.
    """
    wanted = {source["path"] for source in clips.sources().values()}
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            return {name: wheel.read(name) for name in wheel.namelist() if name in wanted}
    found = {}
    with tarfile.open(archive) as tar:
        for member in tar.getmembers():
            content = tar.extractfile(member) if member.name in wanted else None
            if content is not None:
                found[member.name] = content.read()
    return found


def main(archives: list[str]) -> None:
    """Writes all files that the archives have.

    Args:
        archives: paths of archives.

    Raises:
        SystemExit: a file is missing, or is not the one that ships.
    """
    found: dict[str, bytes] = {}
    for archive in archives:
        found |= members(Path(archive))
    for file, source in clips.sources().items():
        content = found.get(source["path"])
        if content is None:
            raise SystemExit(f"{source['path']} is in none of the archives; see the docstring")
        if hashlib.sha256(content).hexdigest() != source["sha256"]:
            raise SystemExit(f"{file} differs from the one that ships; download that version")
        (clips.FOLDER / file).write_bytes(content)
        print(f"written: {clips.FOLDER / file}")


if __name__ == "__main__":
    main(sys.argv[1:])
