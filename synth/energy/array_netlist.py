"""The netlists of an array's parts as one netlist of cells: what stays as it is where each element is mapped by itself.

That is how a large array is built: one element is mapped, and placed as often as the array has elements.
"""

from __future__ import annotations

import re

from golden.cache import work_folder, workshop
from golden.errors import InvalidInput
from synth import tools
from synth.energy.array import ELEMENT

__all__ = ["join"]


def join(element: str, edges: str, *, rows: int, columns: int, timeout_s: float = 300) -> str:
    """Return the netlist of an array whose elements are all of one netlist.

    Parameters
    ----------
    element, edges : str
        Mapped Verilog of a processing element, a module ``pe``, and of ``synth.energy.array.ArrayEdges``, a module
        ``edges``.
    rows, columns : int
        The array's shape.
    timeout_s : float
        Limit for Yosys, seconds.

    Returns
    -------
    str
        One module ``array`` with the ports of ``hdl.array.SystolicArray``.

    Raises
    ------
    InvalidInput
        If a netlist cannot be read, they do not fit, or the limit is passed.
    MissingTool
        If Yosys is not installed.
    """
    own = _ports(edges, "edges")
    outer = [port for port in own if not port[2].startswith("pe_")]
    lines = [f"module array({', '.join(name for *_, name in outer)});"]
    lines += [f"  {way} {width} {name};" for way, width, name in outer]
    lines += [f"  wire {width} {name};" for _, width, name in own if name.startswith("pe_")]
    lines.append(f"  edges edges({', '.join(f'.{name}({name})' for *_, name in own)});")
    for place in (ELEMENT.format(r, c) for r in range(rows) for c in range(columns)):
        nets = ((name, name if name in ("clk", "rst") else f"{place}__{name}") for *_, name in _ports(element, "pe"))
        lines.append(f"  pe {place}({', '.join(f'.{name}({net})' for name, net in nets)});")
    with workshop(work_folder("energy"), "array") as folder:
        (folder / "in.v").write_text("\n".join(["`default_nettype none", *lines, "endmodule", element, edges]))
        # Cells of the library are modules without a text; what an element has and the edges lack would be a net of
        # no declaration, an error.
        script = "read_verilog in.v; hierarchy -top array; flatten; opt_clean; write_verilog -noattr out.v"
        try:
            status, said = tools.run([*tools.yosys(), "-q", "-p", script], folder=folder, timeout_s=timeout_s)
        except TimeoutError:
            raise InvalidInput(f"Yosys ran past {timeout_s:g} s; give a smaller array or a larger limit") from None
        if status != 0:
            raise InvalidInput(f"Yosys could not join these netlists: {tools.last_line(said)}")
        return (folder / "out.v").read_text()


def _ports(netlist: str, top: str) -> list[tuple[str, str, str]]:
    """Way, width and name of each port of a module that Yosys wrote, in order."""
    _, found, body = netlist.partition(f"module {top}(")
    if not found:
        raise InvalidInput(f"the netlist has no module {top!r}; map the array's {top} under that name")
    port = r"^\s*(input|output)\s+(\[\d+:0\])?\s*(\w+)\s*;"
    return re.findall(port, body.partition("endmodule")[0], re.MULTILINE)
