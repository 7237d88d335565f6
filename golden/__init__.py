"""The arithmetic, bit for bit, in Python.

Formats, full adder cells, the multiplier catalogue, a literal reference, vectorised products, sums of products, error
metrics, and PyTorch models on a multiplier. The rest of the project is held against this folder, which imports none of
it.
"""
