"""Energy per operation from simulated gate-level activity: a mapped netlist, its Liberty library, operands in order.

A Liberty library is all it takes: delays, simulation models and energies come from it. In the order of the data, for
``measure``, which runs all of it:

1. ``netlist`` reads the mapped Verilog and numbers its nets; ``reader`` reads the ``cells`` that it uses, cut out of
   the library's ``text``.
2. ``models`` writes those cells for the simulator, their functions by ``boolean``.
3. ``delays`` has OpenSTA time the netlist; ``sdf`` rewrites the delays so that the simulator takes them.
4. ``bench`` simulates all operands with those delays and without any, and compares every output.
5. ``toggles`` reads every change of every net.
6. ``charges`` adds up what they cost: ``kinds`` charges all instances of one cell, looking up its ``tables``;
   ``measured`` is what comes out.
"""
