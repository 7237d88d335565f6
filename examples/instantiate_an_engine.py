"""A matrix engine in a design of your own: C = A W + bias by plain Verilog, and the golden model's answer beside it.

The test bench below is what your design has to do: one beat on the command stream, then activations, weights and biases
in the order of the file's header, whenever their `ready` is 1.

Run: python examples/instantiate_an_engine.py [FOLDER]     (needs axfpm[hardware] and Icarus Verilog)
"""

import subprocess
import sys
from pathlib import Path

import numpy as np

import axfpm
from hdl.verilog import generate

MULTIPLIER = "e8m2"
SIDE = 2  # processing elements each way; so two words in a beat

BENCH = """
module bench;
  reg clk = 0, rst = 1;
  reg [47:0] commands [0:0];
  reg [63:0] activations [0:{a_beats}-1], weights [0:{w_beats}-1], biases [0:{b_beats}-1];
  integer c = 0, a = 0, w = 0, b = 0;
  wire command_ready, activations_ready, weights_ready, biases_ready, results_valid, done;
  wire [66:0] results;
  always #5 clk = !clk;

  mine_engine u_engine (
    .clk(clk), .rst(rst),
    .command__payload(commands[0]), .command__valid(!rst && c < 1), .command__ready(command_ready),
    .activations__payload(activations[a]), .activations__valid(!rst && a < {a_beats}),
    .activations__ready(activations_ready),
    .weights__payload(weights[w]), .weights__valid(!rst && w < {w_beats}), .weights__ready(weights_ready),
    .biases__payload(biases[b]), .biases__valid(!rst && b < {b_beats}), .biases__ready(biases_ready),
    .results__payload(results), .results__valid(results_valid), .results__ready(1'b1),
    .busy(), .done(done), .error(), .cycles(), .stalled());

  always @(posedge clk) if (!rst) begin
    if (c < 1 && command_ready) c <= c + 1;
    if (a < {a_beats} && activations_ready) a <= a + 1;
    if (w < {w_beats} && weights_ready) w <= w + 1;
    if (b < {b_beats} && biases_ready) b <= b + 1;
    if (results_valid) $display("%h", results[63:0]);
    if (done) $finish;
  end

  initial begin
    $readmemh("command.hex", commands);
    $readmemh("activations.hex", activations);
    $readmemh("weights.hex", weights);
    $readmemh("biases.hex", biases);
    repeat (3) @(posedge clk);
    #1 rst = 0;
  end
endmodule
"""


def beats(words: np.ndarray) -> list[str]:
    """Rows of float32 words as lines of $readmemh, the first word lowest."""
    return ["".join(f"{word:08x}" for word in reversed(row)) for row in words.view(np.uint32).tolist()]


def main() -> None:
    """Write the engine, a bench and its data; run Icarus; compare."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "build/examples")
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    rows, inner, columns = 5, 2 * SIDE, 3 * SIDE  # M, K, N
    a, w, bias = (rng.standard_normal(shape, np.float32) for shape in ((rows, inner), (inner, columns), columns))

    # In the order of the header: for each K tile the rows of A; for each K tile and N tile the rows of W; each N tile.
    tiles, strips = range(0, inner, SIDE), range(0, columns, SIDE)
    data = {
        "command": [f"{columns << 32 | inner << 16 | rows:012x}"],
        "activations": beats(np.concatenate([a[:, k : k + SIDE] for k in tiles])),
        "weights": beats(np.concatenate([w[k : k + SIDE, n : n + SIDE] for k in tiles for n in strips])),
        "biases": beats(bias.reshape(-1, SIDE)),
    }
    for name, lines in data.items():
        (folder / f"{name}.hex").write_text("\n".join(lines) + "\n", encoding="utf-8")
    text = generate("engine", name="mine_engine", rows=SIDE, columns=SIDE, multiplier=MULTIPLIER)
    (folder / "engine.v").write_text(text, encoding="utf-8")
    sizes = {f"{name[0]}_beats": len(data[name]) for name in ("activations", "weights", "biases")}
    (folder / "bench.v").write_text(BENCH.format(**sizes), encoding="utf-8")

    subprocess.run(["iverilog", "-g2005", "-o", "bench.vvp", "bench.v", "engine.v"], cwd=folder, check=True)
    shown = subprocess.run(["vvp", "-n", "bench.vvp"], cwd=folder, check=True, capture_output=True, text=True).stdout
    lines = [line for line in shown.split() if len(line) == 16 and "x" not in line]
    found = np.array([[int(line[8:], 16), int(line[:8], 16)] for line in lines], np.uint32).view(np.float32)
    product = np.concatenate(np.split(found, columns // SIDE), axis=1)  # results come N tile by N tile

    expected = axfpm.matmul(a, w, MULTIPLIER, bias=bias)
    equal = int((product.view(np.uint32) == expected.view(np.uint32)).sum())
    print(product)
    print(f"{equal} of {expected.size} words of C equal the golden model's, bit for bit")
    if equal < expected.size:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
