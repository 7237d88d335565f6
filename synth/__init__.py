"""Synthesis: Yosys mapping to a Liberty library, static timing, vectorless power, and comparison tables.

In: Verilog of ``hdl`` and a Liberty file. Out: area, delay and power, beside baselines. In the order of the data, for
``axfpm synth``:

1. ``tools`` finds the programs, ``liberty`` reads a cell library.
2. ``flow`` maps one design, times it and estimates its power (by ``templates``), and keeps the result.
3. ``equivalence`` proves that the mapped netlist still computes the design: with ``axfpm synth --check``, and in
   ``tests/synth/test_equivalence.py`` and ``tests/synth/test_compare.py``; not otherwise.
4. ``compare`` does that for several multipliers, and sets them beside their baselines; an adder stands alone.

``energy`` simulates a mapped netlist under real operands, and charges what it sees from the library's tables.

``fpga`` maps multipliers to FPGAs instead (``axfpm synth --target``).
"""
