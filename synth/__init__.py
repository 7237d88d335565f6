"""Synthesis: Yosys mapping to a Liberty library, static timing, vectorless power, and comparison tables.

In: Verilog of ``hdl`` and a Liberty file. Out: area, delay and power, beside baselines. In the order of the data:
``tools`` finds the programs, ``liberty`` reads a cell library, ``flow`` synthesises one design (by ``templates``),
``equivalence`` proves that the mapped netlist still computes it, ``compare`` sets multipliers beside their baselines.
``fpga`` maps to FPGAs.
"""
