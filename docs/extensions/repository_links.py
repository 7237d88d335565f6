"""Links of the pages that leave ``docs/``: shown on the site as the path in the repository.

The same Markdown is read in the repository, where such links lead on, and here, where what they lead to is not a page.
"""

from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx

ROOT = Path(__file__).parents[2]


def path_of(source: str, target: str) -> Path | None:
    """The file outside the pages that a link of a page leads to; None where there is none."""
    place = (ROOT / "docs" / source).parent.joinpath(target.partition("#")[0]).resolve()
    inside = place.is_relative_to(ROOT) and not place.is_relative_to(ROOT / "docs")
    return place.relative_to(ROOT) if inside and place.exists() else None


def unlink(_app: Sphinx, doctree: nodes.document) -> None:
    """Replace each such link by its text and the path."""
    source = doctree.get("source", "")
    for link in list(doctree.findall(addnodes.pending_xref)):
        place = path_of(Path(source).relative_to(ROOT / "docs").as_posix(), link.get("reftarget", ""))
        if place is not None:
            text = link.astext()
            shown: list[nodes.Node] = [nodes.literal(text=place.as_posix())]
            if text != place.as_posix():
                shown = [nodes.Text(f"{text} ("), *shown, nodes.Text(")")]
            link.replace_self(shown)


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.connect("doctree-read", unlink)
    return {"parallel_read_safe": True}
