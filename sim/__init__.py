"""cocotb benches that hold the generated Verilog against the golden model, and the runner over simulators.

In: a block's name, a multiplier, a simulator, a seed. Out: a ``SimReport``. In the order of the data:

1. ``runner`` takes the block's ``Bench`` (``job``): ``operands`` for multiplier and adder, ``pe``, ``array``,
   ``engine``, ``axi``.
2. The bench prepares stimulus (``stimulus``; ``streams`` and ``schedule`` for blocks with streams) and the golden
   expectations, before anything is simulated.
3. ``build`` compiles the Verilog by one of the ``tools``; a cocotb module of ``benches`` drives it and records.
4. ``checker`` compares, ``report`` says what was checked.

Beside them: ``harness`` and ``compiled`` drive streams from C++, hundreds of times faster; ``network`` runs a CNN on
the simulated engine; ``exhaustive`` runs toy formats through every pair; ``export`` writes vectors for users without
Python; ``limits`` bounds all of it.
"""
