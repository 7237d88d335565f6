"""The documentation's site: ``make docs``."""

import sys
from pathlib import Path
from typing import Any

from pygments.lexers.special import TextLexer

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE / "extensions")]

project = "axfpm"
author = "the axfpm developers"
copyright = "the axfpm developers"  # noqa: A001 - Sphinx reads this name
extensions = [
    *("myst_parser", "sphinx.ext.autodoc", "numpydoc", "sphinx_click"),
    *("verilog_ports", "repository_links", "pictures", "catalogue"),
]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = "axfpm"
html_static_path = ["static"]
html_css_files = ["pictures.css"]
html_js_files = ["keyboard.js"]

myst_heading_anchors = 4
autodoc_typehints = "none"  # signatures have them, and numpydoc has the words
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
toc_object_entries = False


def setup(app: Any) -> None:
    """Blocks of a language that Pygments does not know, shown as they are."""
    app.add_lexer("csv", TextLexer)
