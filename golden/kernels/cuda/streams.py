"""Operands on the device, packed: memory of their streams, and the launch of ``pack``.

Nothing is kept between calls, as on the CPU: packing weights reads them once, as finding out whether they are still the
same would (torch's counter of changes does not see those made through ``.data``).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from golden.catalogue import Multiplier
from golden.kernels.cuda.families import Packing
from golden.kernels.cuda.launch import launch
from golden.kernels.cuda.pack import pack

__all__ = ["Streams", "pack_operand", "words"]

BLOCK_K, BLOCK_N = 32, 64


@dataclass(frozen=True)
class Streams:
    """A packed operand.

    Parameters
    ----------
    memory : Tensor of int32
        (batch, K, pitch) in each plane; behind the last plane a row more, which loops that load ahead may read.
    pitch, plane, batch : int
        Elements from term to term, from stream to stream, from product to product; 0 where products share them.
    extents : Tensor of int32, shape (2,)
        As ``golden.kernels.cuda.extents`` reads them.
    """

    memory: Tensor
    pitch: int
    plane: int
    batch: int
    extents: Tensor


def words(x: Tensor) -> Tensor:
    """The words of float32 values, of the same strides."""
    return x.view(torch.int32)


def pack_operand(x: Tensor, packing: Packing, m: Multiplier, block: int) -> Streams:
    """Pack an operand.

    Parameters
    ----------
    x : Tensor of float32, shape (batch, K, N)
        Terms, then elements; any strides, 0 over the batch where products share it.
    packing : Packing
        Its streams.
    m : Multiplier
        The multiplier.
    block : int
        Elements of a tile, which the pitch is a multiple of.
    """
    batch, terms, size = x.shape
    shared = x.stride(0) == 0 or batch == 1
    count, pitch = 1 if shared else batch, -(-size // block) * block
    plane = count * terms * pitch
    memory = torch.empty(plane * packing.streams + pitch, dtype=torch.int32, device=x.device)
    extents = torch.zeros(2, dtype=torch.int32, device=x.device)
    tiles = -(-pitch // BLOCK_N) * -(-terms // BLOCK_K)
    launch(
        pack,
        count * tiles,
        words(x),
        memory,
        extents,
        terms,
        size,
        x.stride(0),
        x.stride(1),
        x.stride(2),
        pitch,
        plane,
        terms * pitch,
        KIND=packing.kind,
        FIRST=packing.first,
        SECOND=packing.second,
        DROPPED=m.format.dropped_bits,
        NEAREST=m.operands == "nearest",
        BLOCK_K=BLOCK_K,
        BLOCK_N=BLOCK_N,
    )
    return Streams(memory, pitch, plane, 0 if shared else terms * pitch, extents)
