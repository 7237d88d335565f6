"""cocotb benches that hold the generated Verilog against the golden model, and the runner over simulators."""
