"""The hardware, in Amaranth, and its Verilog.

In: a multiplier of ``golden.catalogue`` (declarations only, never its arithmetic) and sizes. Out: components, and by
``verilog``, ``sdc`` and ``core_file`` text files. From the outside in:

1. ``verilog`` writes a circuit of the table in ``circuits``, with what ``headers`` say of it and an instance of its
   ``ports`` to paste; ``keywords`` and ``limits`` are what names and sizes must keep to, ``checks`` refuses parameters
   before a component exists.
2. ``engine`` (with ``axi`` names) feeds an ``array`` of ``pe``; a pe is a ``multiplier``, an ``adder`` and registers;
   ``mac`` is the two alone.
   ``engine_command``, ``engine_buffers`` and ``engine_loops`` are the engine's parts; the memories of its buffers are
   in Verilog instances of one module, in ``memory``.
3. The multiplier: ``fields`` unpacks and packs words, ``significand`` (a circuit of its own, too) puts bits of partial
   products, of ``digits`` (arrays of ``cells``), of an ``outside_circuit`` or of ``booth`` rows into columns,
   ``compressor`` adds the columns, ``leading`` knows where the leading one can be, ``normalise`` shifts and rounds.
4. ``pipeline`` puts registers where a datapath offers a cut, by what ``delays`` estimates of the stages; ``segments``
   lets them into long additions, ``side_by_side`` into two datapaths at once; ``shifters`` are those of the adder,
   ``adder_of_luts`` is what differs in it on FPGAs, ``bits`` holds small helpers.

Algorithm, reduction tree and pipelining are orthogonal.
"""
