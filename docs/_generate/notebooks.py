"""The table of the notebooks."""

from __future__ import annotations

import json

from docs._generate import sources


def table() -> str:
    """Each notebook with the title and the first sentence of its first cell."""
    rows = []
    for path in sorted((sources.ROOT / "notebooks").glob("*.ipynb")):
        text = "".join(json.loads(path.read_text(encoding="utf-8"))["cells"][0]["source"])
        title, _, about = text.partition("\n")
        rows.append(
            (
                f"`{path.name}`",
                title.lstrip("# "),
                sources.first_sentence(about.replace("../docs/how-to/", "")),
            )
        )
    return sources.table(("Notebook", "Title", "Contents"), rows)
