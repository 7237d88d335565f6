"""Test vectors: operand pairs at every corner of a block, and the corners counted.

``stimulus`` makes pairs for a multiplier, ``sums`` for an adder, ``streams`` the tiles of an array; ``corners`` counts
what they meet. ``sim.export`` writes them as files.
"""
