"""Synthesis: Yosys mapping to a Liberty library, static timing, and comparison tables.

In: Verilog of ``hdl`` and a cell library. Out: area and delay, beside baselines. In the order of the data, for
``axfpm synth``:

1. ``tools`` finds the programs. ``libraries`` names cell libraries, and says which of their cells are not for logic.
2. ``liberty`` reads one, of files that ``liberty_part`` reads: ``liberty_text`` finds their groups, ``liberty_cells``
   says what each cell is. What comes out is a ``cell_library``, which writes what the tools get; ``wires`` reads its
   wire load, where that is asked for.
3. ``flow`` maps one design and times it (by ``templates``), and keeps the result.
4. ``equivalence`` proves that the mapped netlist still computes the design: with ``axfpm synth --check``, and in
   ``tests/synth/test_equivalence.py`` and ``tests/synth/test_compare.py``; not otherwise.
5. ``compare`` does that for several multipliers, and sets them beside their baselines; an adder stands alone.

``energy`` simulates mapped netlists of several multipliers under real operands, and charges what it sees from the
library's tables (``axfpm energy``).

``stream_proofs`` holds a processing element or an array against what its streams promise, before any mapping: nothing
lost, doubled or changed while it waits, in ``tests/synth/test_stream_proofs.py``.

``segments`` measures what the segments of a datapath take one by one, for the delays in ``hdl``.

``fpga`` maps blocks to FPGAs instead (``axfpm synth --target``), and ``fpga_route`` places and routes them in a shell
of registers, several times, for the clock that they reach (``--route``).
"""
