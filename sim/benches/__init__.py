"""The benches that run inside a simulator: cocotb modules, which read a job's arrays and record what the design gave.

``operands`` gives a pair a cycle, ``cycles`` drives every input of a processing element in every cycle, ``streams``
drives and stalls streams, ``axi`` does so by another project's AXI4-Stream model. They judge nothing: expectations are
computed before, and held against the recording after the simulation.
"""
