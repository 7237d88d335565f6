"""Synthesis: Yosys mapping to a Liberty library, static timing, and comparison tables.

In: Verilog of ``hdl`` and a cell library. Out: area and delay, beside baselines. In the order of the data, for
``axfpm synth``:

1. ``tools`` finds the programs. ``libraries`` names cell libraries; ``liberty`` reads one, of ``liberty_part`` files,
   whose groups ``liberty_text`` finds and takes out.
2. ``flow`` maps one design and times it (by ``templates``), and keeps the result.
3. ``equivalence`` proves that the mapped netlist still computes the design: with ``axfpm synth --check``, and in
   ``tests/synth/test_equivalence.py`` and ``tests/synth/test_compare.py``; not otherwise.
4. ``compare`` does that for several multipliers, and sets them beside their baselines; an adder stands alone.

``fpga`` maps multipliers to FPGAs instead (``axfpm synth --target``).
"""
