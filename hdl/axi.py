"""The matrix engine with AXI4-Stream names, for bus fabrics and DMA engines that look for them."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from golden.catalogue import Multiplier
from hdl.bits import word_of
from hdl.checks import CheckedComponent, check_multiplier
from hdl.engine import COUNTER_BITS, MatrixEngine

__all__ = ["COMMAND_BITS", "AxiStreamEngine"]

COMMAND_BITS = 64


def _channel(name: str, flow: wiring.Flow, bits: int) -> dict[str, Any]:
    against = Out if flow is In else In
    return {f"{name}_tdata": flow(bits), f"{name}_tvalid": flow(1), f"{name}_tready": against(1)}


class AxiStreamEngine(CheckedComponent):
    """A ``MatrixEngine`` whose streams carry AXI4-Stream names; the data and their order are the same.

    Parameters
    ----------
    multiplier, **parameters
        As for ``hdl.engine.MatrixEngine``.

    Members
    -------
    s_axis_command_* : In
        ``tdata``, 64 bits: M in 15:0, K in 31:16, N in 47:32; 63:48 are reserved and ignored. What a command takes of
        the other streams, and that it takes nothing where M = 0 or N = 0, is as in ``hdl.engine.MatrixEngine``.
    s_axis_activations_*, s_axis_weights_*, s_axis_biases_* : In
        ``tdata``: the words of a beat, lowest first. Beats are counted, so ``tlast`` is not needed.
    m_axis_results_* : Out
        ``tdata``: C words; ``tkeep``: one bit for each byte, 0 for columns past N; ``tlast``: a command's last beat.
    busy, done, error, cycles, stalled : Out
        As in ``hdl.engine.MatrixEngine``.

    Raises
    ------
    InvalidInput, InvalidType
        As ``hdl.engine.MatrixEngine`` does.
    """

    busy: Any
    done: Any
    error: Any
    cycles: Any
    stalled: Any

    def __init__(self, multiplier: Multiplier | str, **parameters: Any) -> None:
        self.multiplier = check_multiplier(multiplier)
        self.parameters = parameters
        word = self.multiplier.format.word_bits
        rows, columns = parameters["rows"], parameters["columns"]
        super().__init__(
            wiring.Signature(
                {
                    **_channel("s_axis_command", In, COMMAND_BITS),
                    **_channel("s_axis_activations", In, rows * word),
                    **_channel("s_axis_weights", In, columns * word),
                    **_channel("s_axis_biases", In, columns * word),
                    **_channel("m_axis_results", Out, columns * word),
                    "m_axis_results_tkeep": Out(columns * word // 8),
                    "m_axis_results_tlast": Out(1),
                    "busy": Out(1),
                    "done": Out(1),
                    "error": Out(1),
                    "cycles": Out(COUNTER_BITS),
                    "stalled": Out(COUNTER_BITS),
                }
            )
        )

    @classmethod
    def check(cls, multiplier: Multiplier | str, **parameters: Any) -> None:
        """Raise unless the engine can be built."""
        MatrixEngine.check(multiplier, **parameters)

    def elaborate(self, platform: object) -> Module:
        """Build the module."""
        m = Module()
        m.submodules.engine = engine = MatrixEngine(self.multiplier, **self.parameters)
        ports: Any = self
        for name in ("command", "activations", "weights", "biases"):
            inner = getattr(engine, name)
            payload = inner.payload.as_value()
            m.d.comb += [
                payload.eq(getattr(ports, f"s_axis_{name}_tdata")[: len(payload)]),
                inner.valid.eq(getattr(ports, f"s_axis_{name}_tvalid")),
                getattr(ports, f"s_axis_{name}_tready").eq(inner.ready),
            ]
        results = engine.results
        size = engine.multiplier.format.word_bits // 8
        m.d.comb += [
            ports.m_axis_results_tdata.eq(results.payload.data.as_value()),
            ports.m_axis_results_tkeep.eq(word_of([bit for bit in results.payload.keep for _ in range(size)])),
            ports.m_axis_results_tlast.eq(results.payload.last),
            ports.m_axis_results_tvalid.eq(results.valid),
            results.ready.eq(ports.m_axis_results_tready),
        ]
        for name in ("busy", "done", "error", "cycles", "stalled"):
            m.d.comb += getattr(ports, name).eq(getattr(engine, name))
        return m
