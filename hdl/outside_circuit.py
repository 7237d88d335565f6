"""Circuits from outside: instances of the module that ``golden.designs.Circuit`` holds as text.

``verilog`` writes that text beside the block, once, under a name of the block's own.
"""

from __future__ import annotations

from amaranth.hdl import Instance, Module, Signal

from golden.designs import CIRCUIT_MODULE, Circuit
from hdl.bits import Word

__all__ = ["instantiate"]


def instantiate(m: Module, circuit: Circuit, a: Word, b: Word, name: str) -> Word:
    """Place an instance of a circuit.

    Parameters
    ----------
    m : Module
        Receives it.
    circuit : Circuit
        What multiplies.
    a, b : Word
        Operands of ``circuit.width`` bits: activation and weight.
    name : str
        Of the instance; its product is the wire ``NAME_product``.

    Returns
    -------
    Word
        The product, twice as wide.
    """
    product = Signal(2 * circuit.width, name=f"{name}_product")
    m.submodules[name] = Instance(CIRCUIT_MODULE, i_a=a, i_b=b, o_p=product)
    return product
