"""cocotb benches that hold the generated Verilog against the golden model, and the runner over simulators.

In: a block's name, a multiplier, a simulator, a seed. Out: a ``SimReport``. ``axfpm sim``, in the order of the data:

1. ``runner`` takes the block's ``Bench`` (``job`` says what that is): ``operands`` for multiplier and adder, ``pe``,
   ``array``, ``engine``.
2. The bench prepares a job before anything is simulated: what to drive, and what the golden model expects.
   ``operands`` and ``pe`` take pairs from ``stimulus``, and ``operands`` asks ``schedule`` when a pipelined
   multiplier or adder gets each pair; ``array`` makes tiles and ``engine`` commands, as ``streams``.
3. ``build`` compiles the Verilog by one of the ``tools``; a cocotb module of ``benches`` drives it and records.
4. ``checker`` compares, or of streams ``streams``; ``report`` says what was checked, and how fast streams went.

Beside them: ``axi`` is the engine's bench on AXI4-Stream names, which tests run; ``harness`` and ``compiled`` drive
streams from C++, hundreds of times faster; ``network`` runs a CNN on the simulated engine that way; ``observed`` runs
short jobs in Amaranth's simulator, for pictures; ``exhaustive`` runs toy formats through every pair or triple;
``export`` writes vectors for users without Python (``axfpm vectors``); ``limits`` bounds all of it, and ``templates``
has the texts that are filled in.
"""
