"""The directive ``verilog-header``: what a block's Verilog file says of its ports, from the generator itself.

``verilog-header:: engine --rows 2 --columns 2`` takes the options of ``axfpm verilog`` and shows the comment at the
head of what that writes, and the instance to paste.
"""

import shlex
from typing import Any

from click.testing import CliRunner
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from axfpm.commands.verilog import command


def text_of(arguments: str) -> str:
    """What the command prints before the module itself."""
    done = CliRunner().invoke(command, shlex.split(arguments))
    if done.exit_code:
        raise ValueError(f"axfpm verilog {arguments}: {done.output}")
    return done.stdout.partition("\nmodule ")[0].partition("\n// Lint:")[0].strip()


class VerilogHeader(SphinxDirective):
    """The head of one block's file."""

    required_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        """Return a block of Verilog."""
        block = nodes.literal_block(text=text_of(self.arguments[0]))
        block["language"] = "verilog"
        return [block]


def setup(app: Sphinx) -> dict[str, Any]:
    """Add the directive."""
    app.add_directive("verilog-header", VerilogHeader)
    return {"parallel_read_safe": True}
