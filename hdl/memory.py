"""The memory behind every buffer: in Verilog one module apart, which an SRAM macro can replace.

Components use ``amaranth.lib.memory.Memory`` and parts that hold one, such as FIFOs. ``Memories`` is the platform on
which each of them becomes an instance of the module whose text ``module`` gives. Where no platform is given, as in
Amaranth's simulator, they stay what they are.
"""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, ClockSignal, Instance
from amaranth.lib.memory import Memory

__all__ = ["Memories", "module", "replaced"]


class Memories:
    """A platform, as Amaranth calls it, that puts an instance of one module in the place of every memory.

    Parameters
    ----------
    name : str
        The module's name.

    Attributes
    ----------
    used : bool
        Whether there was a memory.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.used = False

    def get_memory(self, memory: Memory) -> Instance:
        """Called by a memory that is elaborated.

        Raises
        ------
        RuntimeError
            If it is more than the module: other ports than a clocked one to write and one to read, parts of words
            written, new words read while they are written, or contents to begin with.
        """
        self.used = True
        domains = [port.domain for port in (*memory.write_ports, *memory.read_ports)]
        if len(memory.write_ports) != 1 or len(memory.read_ports) != 1 or domains != ["sync", "sync"]:
            raise RuntimeError("a memory in Verilog has one clocked port to write and one to read")
        write: Any = memory.write_ports[0]
        read: Any = memory.read_ports[0]
        if len(write.en) != 1 or read.transparent_for or any(memory.init):
            raise RuntimeError("a memory in Verilog has whole words, is read first, and begins with unknown contents")
        # The address of an only row has no bits, and Verilog no such port.
        bits = max(len(write.addr), 1)
        return Instance(
            self.name,
            p_WIDTH=len(write.data),
            p_DEPTH=memory.depth,
            p_ADDRESS_BITS=bits,
            i_clk=ClockSignal(),
            i_w_en=write.en,
            i_w_addr=Cat(write.addr, 0)[:bits],
            i_w_data=write.data,
            i_r_en=read.en,
            i_r_addr=Cat(read.addr, 0)[:bits],
            o_r_data=read.data,
        )


def replaced(name: str) -> str:
    """The Verilog macro that leaves the module of that name out, where it is defined."""
    return f"{name.upper()}_REPLACED"


# Ports as in the module's comment. Contents begin unknown: no design may use a word that was never written.
_MODULE = """\
// Memory of DEPTH words of WIDTH bits, one port to write and one to read. Where {macro} is defined
// this text is left out, and a module of this name, parameters and ports is to be given, as around an SRAM macro.
//
// Ports
//   clk     clock of both ports, rising edge
//   w_en    1: w_data goes to row w_addr
//   w_addr[ADDRESS_BITS-1:0], w_data[WIDTH-1:0]
//   r_en    1: r_data becomes the word of row r_addr; 0: r_data keeps its value
//   r_addr[ADDRESS_BITS-1:0], r_data[WIDTH-1:0]
//
// Read latency: 1 cycle. Of a row that is read and written at one edge the old word is read (read first), but the
// design around it never does that, nor does it use a word that was not written before: a macro that gives unknown
// words in either case will do. There is no reset.
`ifndef {macro}
module {name}(clk, w_en, w_addr, w_data, r_en, r_addr, r_data);
  parameter WIDTH = 1;
  parameter DEPTH = 1;
  parameter ADDRESS_BITS = 1;
  input clk;
  input w_en;
  input [ADDRESS_BITS-1:0] w_addr;
  input [WIDTH-1:0] w_data;
  input r_en;
  input [ADDRESS_BITS-1:0] r_addr;
  output [WIDTH-1:0] r_data;
  reg [WIDTH-1:0] r_data;
  reg [WIDTH-1:0] rows [0:DEPTH-1];
  always @(posedge clk)
    if (w_en) rows[w_addr] <= w_data;
  always @(posedge clk)
    if (r_en) r_data <= rows[r_addr];
endmodule
`endif
"""


def module(name: str) -> str:
    """The module's Verilog text.

    Parameters
    ----------
    name : str
        The module's name.
    """
    return _MODULE.format(name=name, macro=replaced(name))
