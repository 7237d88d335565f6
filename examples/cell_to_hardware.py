"""A full adder cell of your own: its multiplier's error, dots, Verilog, benches, energy.

Run: python examples/cell_to_hardware.py [FOLDER]     (build/examples by default; needs axfpm[hardware], Icarus Verilog,
OpenSTA, Berkeley ABC and the OSU018 cells: `axfpm doctor` says what is missing)
"""

import sys
from pathlib import Path

import axfpm
from hdl.verilog import generate
from sim.runner import run

# Sum and Cout for A B Cin = 000, 001, .. 111. This one forgets Cin: Sum = A xor B, Cout = A and B.
CELL = axfpm.Cell("mine", sum="00111100", carry="00000011")


def main() -> None:
    """Register the cell, and take it all the way."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "build/examples")
    axfpm.register_cell(CELL)
    m = axfpm.multiplier("ax-bf16:cell=mine")  # 8-bit significands in 4 x 4 blocks; any entry with cells does

    report = axfpm.error(m)
    print(f"{m}: mean relative error {report.mred:.4f}, worst {report.worst:.3f}; 0.75 x 1.25 = "
          f"{axfpm.multiply(0.75, 1.25, m)}")  # fmt: skip

    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "multiplier.v"
    path.write_text(generate("multiplier", multiplier=m, stages=2), encoding="utf-8")
    print(f"wrote {path}")

    held = run("multiplier", multiplier=m, simulator="icarus", vectors=2000)
    print(f"Verilog against the golden model: {held.checks} checks, {held.failures} differences")

    # A look: one netlist each, few products. For figures to publish leave pairs and variants at their defaults.
    energy = axfpm.energy(multiplier=m, pairs=50, variants=1, baselines=("bf16-trunc",))
    row = energy.row(m)
    print(f"energy of a product {row.energy_pj:.3g} pJ, {row.ratios['bf16-trunc'].energy:.2f} of bf16-trunc's")
    print(energy.conditions)


if __name__ == "__main__":
    main()
