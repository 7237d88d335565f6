"""A FuseSoC core file beside the Verilog: its description in CAPI2, by which other cores depend on it."""

from __future__ import annotations

import json
from typing import Any

from hdl.verilog import build, check_name

__all__ = ["FIRST_LINE", "generate"]

FIRST_LINE = "CAPI=2:\n"
"""By which FuseSoC knows a core file of its second format."""

# Cores that depend on this one get the target `default`: its Verilog, not its constraints, which name the ports of the
# top module and hold where it is the top.
_TEXT = """\
name: {core}
description: {description}

filesets:
  rtl:
    files: [{verilog}]
    file_type: verilogSource
  constraints:
    files: [{constraints}]
    file_type: SDC

targets:
  default:
    filesets: [rtl]
    toplevel: {top}
  lint:
    description: "Lint with Verilator"
    flow: lint
    flow_options: {{tool: verilator}}
    filesets: [rtl]
    toplevel: {top}
  synth:
    description: "With timing constraints; give a tool with --tool"
    filesets: [rtl, constraints]
    toplevel: {top}
"""


def generate(block: str, *, verilog: str, constraints: str, name: str | None = None, **parameters: Any) -> str:
    """Write the core file of a block.

    Parameters
    ----------
    block : str
        A name in ``hdl.verilog.CIRCUITS``.
    verilog, constraints : str
        Names of the Verilog file and of the SDC file, in the core file's own folder.
    name : str, optional
        Name of the top module, and of the core; by default the block's name.
    **parameters
        As for ``hdl.verilog.generate``.

    Returns
    -------
    str
        The file's text after ``FIRST_LINE``, which has to stand before it.

    Raises
    ------
    InvalidInput
        As ``hdl.verilog.generate`` does.
    """
    if name is not None:
        check_name(name)
    description = build(block, **parameters).header[0].rstrip(".")
    top = name or block
    texts = {"core": f"axfpm::{top}", "top": top, "description": description}
    # Every string of JSON is one of YAML, where a top module called `no` would be none without quotes.
    quoted = {key: json.dumps(text) for key, text in (texts | {"verilog": verilog, "constraints": constraints}).items()}
    return _TEXT.format(**quoted)
