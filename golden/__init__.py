"""The arithmetic, bit for bit, in Python.

Formats, full adder cells, the multiplier catalogue, a literal reference, vectorised products, sums of products,
and the PyTorch door. Everything else in the project is held against this folder; it imports none of the others.
"""
