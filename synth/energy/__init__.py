"""Energy per operation from simulated gate-level activity: a mapped netlist, its Liberty library, operands in order.

A Liberty library is all it takes: delays, simulation models and energies come from it. ``comparison`` is
``axfpm.energy``: several multipliers, each as several netlists. In the order of its data:

- ``stimulus`` draws the operands, or records them from LeNet-5, and ``blocks`` says what they are on a circuit's ports,
  with ``element`` for those of a processing element;
  ``variants`` writes a design out with other names, maps it, and has the netlist proved; ``grid`` does that for all,
  and has each netlist measured. Operands, and designs as they are written, are ``kept``.
- ``rows`` sums up what came out, with ``intervals`` over variants and operands; ``result`` holds it with its
  conditions; ``technologies`` sets results on several libraries side by side, and keeps them in files.

``array`` composes the energy of an array from that of its elements; ``array_netlist`` joins their netlists to one.

One netlist goes through ``measure``, in the order of the data:

1. ``netlist`` reads the mapped Verilog and numbers its nets; ``reader`` reads the ``cells`` that it uses.
2. ``models`` writes those cells for the simulator, their functions by ``boolean``.
3. ``delays`` has OpenSTA time the netlist; ``sdf`` rewrites the delays so that the simulator takes them.
4. ``bench`` simulates all operands with those delays and without any, and compares every output.
5. ``toggles`` reads every change of every net.
6. ``charges`` adds up what they cost: ``kinds`` charges all instances of one cell, looking up its ``tables``;
   ``measured`` is what comes out.

``inference`` goes from operations to images: what the layers of a network take, and which claims of the paper hold.
"""
