"""Matrix products of tensors on the device: both kernels are enqueued, and one of them works (``extents``)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor

from golden.catalogue import Multiplier
from golden.kernels.cuda.families import Design, Family, design, family
from golden.kernels.cuda.integer import integer
from golden.kernels.cuda.lanes import lanes
from golden.kernels.cuda.launch import launch, working_on
from golden.kernels.cuda.streams import Streams, pack_operand, words

__all__ = ["Plan", "Weights", "matmul", "sums", "tile"]

INTEGER_TILE = 32, 32
"""Sums of a program of ``integer``: 8 for each thread, whose 64-bit temporaries fill its registers."""


@dataclass(frozen=True)
class Plan:
    """How to compute products.

    Parameters
    ----------
    m : Multiplier
        The multiplier.
    accumulate : str
        ``float32`` or ``float64``.
    family : Family or None
        In lanes where it covers the operands; None: by the integer kernel alone.
    design : Design
        For the integer kernel.
    """

    m: Multiplier
    accumulate: str
    family: Family | None
    design: Design

    @classmethod
    def of(cls, m: Multiplier, accumulate: str, in_lanes: bool) -> Plan:
        """The plan of a multiplier.

        Raises
        ------
        InvalidInput
            If no kernel of the device computes it.
        """
        return cls(m, accumulate, family(m) if in_lanes else None, design(m))


@dataclass(frozen=True)
class Weights:
    """The weights of one or more products.

    Parameters
    ----------
    values : Tensor of float32, shape (batch, K, N)
        As given; steps of 0 over the batch where products share them.
    bias : Tensor of float32, shape (batch, N), optional
        Where float32 sums start, or what float64 sums end with.
    streams : Streams or None
        Packed for the plan's family.
    signed : Tensor of int32, optional
        Whether the bias holds -0, where that decides between the kernels.
    table : Tensor of int32, optional
        Of the plan's design.
    tile : tuple of int
        As ``tile`` says; streams are as wide as whole ones.
    """

    values: Tensor
    bias: Tensor | None
    streams: Streams | None
    signed: Tensor | None
    table: Tensor | None
    tile: tuple[int, int]

    @classmethod
    def prepared(cls, plan: Plan, values: Tensor, bias: Tensor | None, rows: int) -> Weights:
        """Weights as the kernels read them, for products of so many rows."""
        streams = signed = table = None
        block = tile(len(values), rows, values.shape[2], _processors(values.device))
        if plan.family is not None:
            streams = pack_operand(values, plan.family.weights, plan.m, block[1])
            if bias is not None and plan.accumulate == "float32" and not plan.family.signs_zeros:
                signed = (words(bias) == -(1 << 31)).any().to(torch.int32)
        if plan.design.table is not None:
            table = _table(plan.m, values.device)
        return cls(values, bias, streams, signed, table, block)


@cache
def _table(m: Multiplier, device: torch.device) -> Tensor:
    """A multiplier's table on a device, kept there for good: the host waits for its copy once, and recordings read it.

    256 KiB at most.
    """
    return torch.from_numpy(design(m).table).to(device)


def tile(batch: int, rows: int, columns: int, processors: int) -> tuple[int, int]:
    """Rows and columns of the sums of a program of ``lanes``.

    Large ones load less for each product. But a program works on one multiprocessor, and a product of small matrices
    has so few that most have none: smaller ones then.
    """

    def programs(block_m: int, block_n: int) -> int:
        return batch * -(-rows // block_m) * -(-columns // block_n)

    block_m, block_n = 128 if rows > 32 else 32, 64 if columns > 16 else 16
    if programs(block_m, block_n) < processors:
        block_m = 32
    if programs(block_m, block_n) < processors:
        block_n = 16
    return block_m, block_n


@cache
def _processors(device: torch.device) -> int:
    """Multiprocessors of a GPU; one for the interpreter."""
    return torch.cuda.get_device_properties(device).multi_processor_count if device.type == "cuda" else 1


def matmul(x: Tensor, w: Tensor, bias: Tensor | None, m: Multiplier, accumulate: str, in_lanes: bool = True) -> Tensor:
    """(..., M, K) x (..., K, N) -> (..., M, N), float32, any strides, on one device.

    Parameters
    ----------
    x, w : Tensor of float32
        Activations and weights; leading dimensions are the same on both sides, and may have steps of 0.
    bias : Tensor of float32, shape (N,), optional
        Where float32 sums start, or what float64 sums end with.
    m, accumulate
        As for ``golden.sums.matmul``.
    in_lanes : bool
        Whether float32 lanes compute what they cover.

    Returns
    -------
    Tensor of float32
        Contiguous, on the device of ``x``.

    Raises
    ------
    InvalidInput
        If no kernel of the device computes the multiplier.
    """
    plan = Plan.of(m, accumulate, in_lanes)
    lead, count = x.shape[:-2], math.prod(x.shape[:-2])
    out = torch.empty((count, x.shape[-2], w.shape[-1]), dtype=torch.float32, device=x.device)
    with working_on(x.device):
        if out.numel():
            start = None if bias is None else bias.expand(count, -1)
            sums(plan, _batch(x), Weights.prepared(plan, _batch(w), start, x.shape[-2]), out)
    return out.reshape(*lead, *out.shape[1:])


def _batch(x: Tensor) -> Tensor:
    """Leading dimensions as one; the step stays 0 where all of them share a matrix."""
    count = math.prod(x.shape[:-2])
    if all(step == 0 or size == 1 for size, step in zip(x.shape[:-2], x.stride()[:-2], strict=True)):
        return x[(0,) * (x.dim() - 2)].expand(count, *x.shape[-2:])
    return x.reshape(count, *x.shape[-2:])


def sums(plan: Plan, x: Tensor, weights: Weights, out: Tensor) -> None:
    """Compute (batch, M, K) x (batch, K, N) -> (batch, M, N) into a contiguous tensor that is not empty."""
    batch, rows, columns = out.shape
    bias = weights.bias
    common: dict[str, Any] = {
        "signed": out if weights.signed is None else weights.signed,
        "M": rows,
        "N": columns,
        "K": x.shape[2],
        "bias": out if bias is None else bias,
        "batch_bias": 0 if bias is None else bias.stride(0),
        "out": out,
        "batch_out": out.stride(0),
        "step_m": out.stride(1),
        "BIAS": bias is not None,
        "DOUBLE": plan.accumulate == "float64",
        "SIGNED": weights.signed is not None,
    }
    reach = (0, 0, 0, 0)
    extents = (out, out)
    if plan.family is not None and weights.streams is not None:
        reach, extents = _in_lanes(plan.family, plan.m, x, weights.streams, weights.tile, common)
    block_m, block_n = INTEGER_TILE
    m = plan.m
    launch(
        integer,
        batch * -(-rows // block_m) * -(-columns // block_n),
        activations=words(x),
        weights=words(weights.values),
        table=out if weights.table is None else weights.table,
        extents_a=extents[0],
        extents_b=extents[1],
        batch_a=x.stride(0),
        step_am=x.stride(1),
        step_ak=x.stride(2),
        batch_b=weights.values.stride(0),
        step_bk=weights.values.stride(1),
        step_bn=weights.values.stride(2),
        RANGED=plan.family is not None,
        **_bounds(reach),
        DESIGN=plan.design.kind,
        LOW=plan.design.low,
        HIGH=plan.design.high,
        TOP=plan.design.top,
        DIGIT=plan.design.digit,
        P=m.precision,
        CARRY=m.carry,
        OPERANDS=m.operands,
        PRODUCT=m.product,
        BLOCK_M=block_m,
        BLOCK_N=block_n,
        **common,
    )


def _in_lanes(
    f: Family, m: Multiplier, x: Tensor, streams: Streams, block: tuple[int, int], common: dict[str, Any]
) -> tuple[tuple[int, int, int, int], tuple[Tensor, Tensor]]:
    """Enqueue what float32 lanes compute; what decides whether they do."""
    rows, columns = common["M"], common["N"]
    block_m, block_n = block
    packed = pack_operand(x.mT, f.activations, m, block_m)
    reach = (f.reach.least, f.reach.greatest, f.reach.most_a, f.reach.most_b)
    launch(
        lanes,
        len(x) * -(-rows // block_m) * -(-columns // block_n),
        activations=packed.memory.view(torch.float32),
        weights=streams.memory.view(torch.float32),
        extents_a=packed.extents,
        extents_b=streams.extents,
        pitch_a=packed.pitch,
        pitch_b=streams.pitch,
        plane_a=packed.plane,
        plane_b=streams.plane,
        batch_a=packed.batch,
        batch_b=streams.batch,
        FAMILY=f.name,
        KEPT=f.kept,
        **_bounds(reach),
        TWO=f.activations.streams == 2,
        BLOCK_M=block_m,
        BLOCK_N=block_n,
        **common,
    )
    return reach, (packed.extents, streams.extents)


def _bounds(reach: tuple[int, int, int, int]) -> dict[str, int]:
    return dict(zip(("LEAST", "GREATEST", "MOST_A", "MOST_B"), reach, strict=True))
