"""What is recorded of a pass of a model, and how autograd goes through a replay.

Activations that a backward pass needs lie in memory that recordings share. Whoever comes back to them after another
pass has been there gets them computed again.
"""

from __future__ import annotations

import threading
import warnings
import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import torch
from torch import Tensor

from golden.errors import InvalidInput

__all__ = ["ALONE", "Memory", "Passes", "Record", "memory_on", "passed", "release", "replay"]

Record = Callable[[Callable[[], Tensor]], tuple[Callable[[], None], Tensor]]
"""``record(work) -> (replay, result)``: do some work now, and a way to do it again, into the same memory."""


ALONE = threading.RLock()
"""Held while a pass is recorded: torch's way with the host's waits, and with memory, is the whole process's then."""
_failed: list[Any] = []
"""Graphs that torch failed to record, which its memory asks about from then on, on every device: so they stay."""


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
        self.stream: Any = None

    @property
    def usable(self) -> bool:
        """Whether more may be recorded: a recording that failed leaves torch's memory as if it still went on."""
        return not _failed

    def record(self, work: Callable[[], Tensor]) -> tuple[Callable[[], None], Tensor]:
        """As a CUDA graph.

        Not by ``torch.cuda.graph``, which gives cached memory back first, and leaves its stream current after errors.
        """
        random = torch.cuda.default_generators[self.device.index or 0]
        before = random.clone_state()
        graph = torch.cuda.CUDAGraph()
        torch.cuda.synchronize(self.device)
        with torch.cuda.device(self.device):
            self.stream = self.stream or torch.cuda.Stream()
            if not self.graphs:  # a pool ends with its last graph
                torch.cuda.empty_cache()
                self.pool = torch.cuda.graph_pool_handle()
            try:
                # The backward pass runs on the stream of its forward pass.
                with torch.cuda.stream(self.stream):
                    graph.capture_begin(self.pool)
                    try:
                        result = work()
                    finally:
                        graph.capture_end()
            except BaseException:
                _failed.append(graph)
                random.graphsafe_set_state(before)  # it counts as being recorded otherwise
                raise
        self.graphs.add(graph)
        return graph.replay, result

    @contextmanager
    def nobody_waits(self) -> Iterator[None]:
        """Raise a RuntimeError where the host waits for the GPU, which a recording must not find out.

        Raises
        ------
        RuntimeError
            By whatever operator waits inside.
        """
        if self.device.type != "cuda":
            yield
            return
        before = torch.cuda.get_sync_debug_mode()
        try:
            _wait_mode("error")
            yield
        finally:
            _wait_mode(before)

    def release(self) -> None:
        """Give memory of recordings that have ended back to the device, where torch can."""
        if self.device.type == "cuda" and self.usable:
            # It gives nothing back while anybody in this process records.
            with ALONE, torch.cuda.device(self.device), suppress(RuntimeError):
                torch.cuda.empty_cache()


def _wait_mode(mode: str | int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its being a prototype
        torch.cuda.set_sync_debug_mode(mode)


_thread = threading.local()


def memory_on(device: torch.device) -> Memory:
    """The memory of this thread's recordings on a device."""
    memories: dict[torch.device, Memory] = _thread.__dict__.setdefault("memories", {})
    if device not in memories:
        memories[device] = Memory(device)
    return memories[device]


def release() -> None:
    """Give memory of this thread's recordings that have ended back to their devices."""
    for memory in _thread.__dict__.get("memories", {}).values():
        memory.release()


def passed(forward: Callable[[Tensor], Any], x: Tensor, differentiable: bool) -> list[Tensor] | None:
    """What a pass gives for an input, and for an incoming gradient of ones, once and unrecorded.

    Returns
    -------
    list of Tensor, or None
        The result, and the gradient where it is differentiable; None where the pass is of another kind.
    """
    given = x.detach().clone().requires_grad_(differentiable)
    with torch.set_grad_enabled(differentiable):
        y = forward(given)
    if type(y) is not Tensor or y.requires_grad != differentiable:
        return None
    return [y.detach(), *(torch.autograd.grad(y, given, torch.ones_like(y)) if differentiable else ())]


class Passes:
    """A forward pass of one shape, and the backward pass to its input if that is wanted.

    Parameters
    ----------
    forward : callable
        ``forward(x) -> y``, the pass.
    x : Tensor
        An input of that shape.
    differentiable : bool
        Whether the backward pass is wanted.
    record : callable
        How work is recorded.
    memory : Memory
        What activations lie in.
    read : iterable of Tensor
        What the pass reads besides its input, kept as long as this is: whoever keeps a result may ask for its gradient.
    """

    def __init__(
        self,
        forward: Callable[[Tensor], Any],
        x: Tensor,
        differentiable: bool,
        record: Record,
        memory: Memory,
        read: Iterable[Tensor] = (),
    ) -> None:
        self.memory, self.read = memory, [t.detach() for t in read]
        self.backward: Callable[[], None] | None = None
        self.x = x.detach().clone()
        given = self.x.detach().requires_grad_(differentiable)
        live: list[Tensor] = []

        def go_forward() -> Tensor:
            live[:] = [forward(given)]
            return live[0]

        with torch.set_grad_enabled(differentiable):
            self.forward, y = record(go_forward)
        self.y = y.detach()
        if differentiable:
            self.incoming = torch.zeros_like(self.y)
            self.backward, found = record(lambda: torch.autograd.grad(live, given, self.incoming)[0])
            self.outgoing = found.detach()

    def give(self, x: Tensor, expected: list[Tensor]) -> bool:
        """Whether replays have the bits that ``passed`` gave for an input."""
        found = [self.result(x.detach())]
        if self.backward is not None:
            found.append(self.gradient(x.detach(), torch.ones_like(self.y), self.memory.pass_number))
        return all(
            torch.equal(*(t.contiguous().view(torch.uint8) for t in pair)) for pair in zip(found, expected, strict=True)
        )

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
