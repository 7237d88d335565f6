"""The catalogue's pages, one for each multiplier and the joint view: written below ``docs/catalogue`` by every build.

A page that would be as it stands is left alone, so that Sphinx does not read it again.
"""

from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

from axfpm.catalogue_pages import catalogue_page, multiplier_page
from axfpm.commands.show import page
from golden.catalogue import MULTIPLIERS

FOLDER = "catalogue"


def write_pages(app: Sphinx) -> None:
    """Write what has changed, and remove what is no page any more."""
    folder = Path(app.srcdir) / FOLDER
    folder.mkdir(exist_ok=True)
    found = [(m, page(m)) for m in MULTIPLIERS.values()]
    texts = {f"{one['name']}.rst": multiplier_page(m, one) for m, one in found}
    texts["index.rst"] = catalogue_page(found)
    for path in folder.iterdir():
        if path.name not in texts:
            path.unlink()
    for name, text in texts.items():
        path = folder / name
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.connect("builder-inited", write_pages)
    return {"parallel_read_safe": True}
