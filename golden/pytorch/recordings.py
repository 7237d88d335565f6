"""What is recorded of a pass of a model, and how autograd goes through a replay.

Activations that a backward pass needs lie in memory that recordings share. Whoever comes back to them after another
pass has been there gets them computed again.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from golden.errors import InvalidInput

__all__ = ["Memory", "Passes", "Record", "memory_on", "replay"]

Record = Callable[[Callable[[], Tensor]], tuple[Callable[[], None], Tensor]]
"""``record(work) -> (replay, result)``: do some work now, and a way to do it again, into the same memory."""


class Memory:
    """Of a device, what lies between inputs and results of all recordings that a thread made for it.

    Parameters
    ----------
    device : torch.device
        Where it is.

    Attributes
    ----------
    pass_number : int
        Of the pass whose activations lie there.
    """

    def __init__(self, device: torch.device) -> None:
        self.device, self.pass_number = device, 0
        self.graphs: weakref.WeakSet[Any] = weakref.WeakSet()

    def record(self, work: Callable[[], Tensor]) -> tuple[Callable[[], None], Tensor]:
        """As a CUDA graph.

        Not by ``torch.cuda.graph``, which gives cached memory back first, and leaves its stream current after errors.
        """
        random = torch.cuda.default_generators[self.device.index or 0]
        before = random.clone_state()
        graph = torch.cuda.CUDAGraph()
        torch.cuda.synchronize(self.device)
        with torch.cuda.device(self.device):
            if not self.graphs:  # a pool ends with its last graph
                self.stream, self.pool = torch.cuda.Stream(), torch.cuda.graph_pool_handle()
            try:
                # The backward pass runs on the stream of its forward pass.
                with torch.cuda.stream(self.stream):
                    graph.capture_begin(self.pool)
                    try:
                        result = work()
                    finally:
                        graph.capture_end()
            except BaseException:
                # Torch leaves its random numbers and its memory as if it were still recording.
                random.graphsafe_set_state(before)
                self.graphs.clear()
                raise
        self.graphs.add(graph)
        return graph.replay, result


_thread = threading.local()


def memory_on(device: torch.device) -> Memory:
    """The memory of this thread's recordings on a device."""
    memories: dict[torch.device, Memory] = _thread.__dict__.setdefault("memories", {})
    if device not in memories:
        memories[device] = Memory(device)
    return memories[device]


class Passes:
    """A forward pass of one shape, and the backward pass to its input if that is wanted."""

    def __init__(
        self, forward: Callable[[Tensor], Any], x: Tensor, differentiable: bool, record: Record, memory: Memory
    ) -> None:
        self.memory = memory
        self.backward: Callable[[], None] | None = None
        self.x = x.detach().clone()
        given = self.x.detach().requires_grad_(differentiable)
        live: list[Tensor] = []

        def go_forward() -> Tensor:
            live[:] = [forward(given)]
            return live[0]

        with torch.set_grad_enabled(differentiable):
            self.forward, y = record(go_forward)
        if type(y) is not Tensor or y.requires_grad != differentiable:
            raise RuntimeError("what a pass gives is no tensor, or does not depend on the input")
        self.y = y.detach()
        if differentiable:
            self.incoming = torch.zeros_like(self.y)
            self.backward, found = record(lambda: torch.autograd.grad(live, given, self.incoming)[0])
            self.outgoing = found.detach()

    def are_those_of(self, forward: Callable[[Tensor], Any], x: Tensor) -> bool:
        """Whether replays have the bits of the passes themselves, for one input."""
        given = x.detach().clone().requires_grad_(self.backward is not None)
        with torch.set_grad_enabled(self.backward is not None):
            y = forward(given)
        pairs = [(y.detach(), self.result(given.detach()))]
        if self.backward is not None:
            ones = torch.ones_like(pairs[0][0])
            replay = self.gradient(given.detach(), ones, self.memory.pass_number)
            pairs.append((torch.autograd.grad(y, given, ones)[0], replay))
        return all(torch.equal(*(t.contiguous().view(torch.uint8) for t in pair)) for pair in pairs)

    def result(self, x: Tensor) -> Tensor:
        """Of a forward pass."""
        self.memory.pass_number += 1
        self.x.copy_(x)
        self.forward()
        return self.y.clone()

    def gradient(self, x: Tensor, incoming: Tensor, number: int) -> Tensor:
        """Of a backward pass, to the input of the forward pass of some number."""
        if self.memory.pass_number != number:
            self.x.copy_(x)
            self.forward()
        self.memory.pass_number += 1  # it reuses the memory of what it has gone through
        self.incoming.copy_(incoming)
        assert self.backward is not None
        self.backward()
        return self.outgoing.clone()


def replay(x: Tensor, passes: Passes) -> Tensor:
    """The result of replayed passes, with their gradient."""
    return _Replay.apply(x, passes)


class _Replay(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, passes: Passes) -> Tensor:
        ctx.save_for_backward(x)
        ctx.passes = passes
        y = passes.result(x)
        ctx.number = passes.memory.pass_number
        return y

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        if torch.is_grad_enabled():
            raise InvalidInput("a recorded pass has no second derivatives; ask for them of the model itself")
        (x,) = ctx.saved_tensors
        return ctx.passes.gradient(x, grads[0], ctx.number), None
