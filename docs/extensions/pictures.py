"""The directive ``picture``: what ``axfpm draw`` makes, inside the page.

``picture:: tree --multiplier ax-fpm`` takes the command's arguments. Waves are drawn by WaveDrom, on white paper: in
the dark it would go by what the reader's system prefers, whatever the page shows.
"""

import base64
import html
import json
import re
import shlex
from typing import Any

import yowasp_wavedrom
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from axfpm.circuits import given
from axfpm.commands.draw import command
from axfpm.pictures.kinds import picture
from golden.catalogue import multiplier


def markup(arguments: str) -> str:
    """The picture as HTML."""
    settings = command.make_context("draw", shlex.split(arguments)).params
    kind, name, *_ = (settings.pop(key) for key in ("kind", "multiplier", "output", "as_json"))
    text = picture(kind, multiplier(name), alone=False, **given(settings))
    if kind != "waves":
        return f'<div class="picture" tabindex="0">{text}</div>'
    waves = json.loads(text)
    drawing = re.sub(r"<style>@media ?\(prefers-color-scheme.*?</style>", "", yowasp_wavedrom.render(waves))
    drawn = base64.b64encode(drawing.encode()).decode()
    label = html.escape(f"Waveforms: {waves['head']['text']}")
    image = f'<img alt="{label}" src="data:image/svg+xml;base64,{drawn}">'
    return f'<div class="picture on-paper" tabindex="0">{image}</div>'


class Picture(SphinxDirective):
    """One picture."""

    required_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        """Return it as it is."""
        return [nodes.raw("", markup(self.arguments[0]), format="html")]


def setup(app: Sphinx) -> dict[str, Any]:
    """Add the directive."""
    app.add_directive("picture", Picture)
    return {"parallel_read_safe": True}
