"""Synthesis: Yosys mapping to a Liberty library, static timing, vectorless power, and comparison tables.

``tools`` finds the programs, ``liberty`` reads a cell library, ``flow`` synthesises one design, ``equivalence`` proves
that the mapped netlist still computes it, ``compare`` sets multipliers beside their baselines.
"""
