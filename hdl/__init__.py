"""The hardware, in Amaranth: adder cells, block arrays, compressor trees, the floating-point multiplier, Verilog.

Algorithm, reduction tree and pipelining are orthogonal: a design puts bits into columns (``hdl.significand``), a tree
adds the columns (``hdl.compressor``), and registers go where the datapath offers a cut (``hdl.pipeline``).
"""
