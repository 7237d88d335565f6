"""Kernels: sums of products in sequence, bit for bit, at the speeds that machines allow.

``select`` chooses one by multiplier, accumulation, operands and CPU; every kernel gives the same bits.
"""
