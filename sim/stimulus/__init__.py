"""Test vectors: operand pairs at every corner of a block, and the corners counted.

In: a multiplier or format, how many, a seed. Out: pairs, each with the kind it was made for, and counts of corners met.

- ``stimulus``: pairs for a multiplier or processing element, and what every maker of pairs shares (special words,
  random streams, arrangement). ``anchors.hex`` has products that the arithmetic's specification states in full.
- ``corners``: counts which corners of a multiplication pairs meet.
- ``adder``: pairs for an adder, and counts of the corners of an addition.
- ``streams``: the streams of an array as text, for ``sim.export``; their tiles are made by ``sim.array``.
"""
