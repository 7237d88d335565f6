"""Multipliers read from files: ``--multiplier my.py:spec``, ``mul.v``, ``table.csv``.

In: a name with a path. Out: a ``Multiplier`` that bears that name. In the order of the data:

1. ``names`` takes such a name apart.
2. ``reading`` reads the file, once in a process, by the reader of its suffix; what a file leaves open are the traits of
   ``ax-fpm``.
3. The readers: ``scripts`` (a variable of a Python file), ``tables`` (block tables in CSV, ``.npy`` and JSON),
   ``circuits`` (combinational Verilog, which Yosys takes apart). ``gates`` evaluates a circuit: all pairs of digits
   into a table, or whole significands.
"""
