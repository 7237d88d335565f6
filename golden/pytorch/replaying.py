"""A model's passes on a GPU, recorded once and then replayed, as an attack repeats them: CUDA graphs.

A step of an attack goes forward and backward through the same network with other images. On a GPU a small network
computes for less time than the host takes to start its kernels, one by one, through the modes of torch that emulation
needs. A graph starts all of them at once: the same kernels on the same shapes, so the same bits.

A recording reads the memory that it was made with, and knows nothing of Python. So only passes are recorded that are
functions of their input alone (``_Recorder._key``), a pass is run as it is until it was asked for several times, and a
recording is used if it repeats the pass that comes next, bit for bit.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from golden.pytorch.devices import device_of, ways_of_torch
from golden.pytorch.masking import later, watched
from golden.pytorch.module import ApproximateModule
from golden.pytorch.recordings import ALONE, Passes, Record, memory_on, passed, replay
from golden.pytorch.state import current_context

__all__ = ["BEFORE", "Replays", "is_replayed", "recordings", "replayed"]

BEFORE = 2
"""Passes of a kind that are run as they are: kernels are compiled and loaded then, which no recording may do."""
MOST = 8
"""Kinds of pass that are recorded of a module, each with memory of its own for inputs and results.

Others take their places, when they were asked for twice as often for every so many that were recorded before: batches
of ever new sizes are not worth a recording each.
"""
ALIGNED = 16
"""Bytes. Torch's kernels for a recording's input, which begins there, may be others than for one that does not."""


class Replays:
    """What is recorded of a module, replayed within ``with``, again and again.

    In place, so that hooks of the module itself are called as ever; outside nothing of it is left on the module. While
    a pass is recorded, torch refuses every thread's waits for the GPU, and another thread's work there can spoil the
    recording, which is then not used: attack in several processes, not threads.

    Parameters
    ----------
    module : torch.nn.Module
        Images to logits, in evaluation mode. One that is not on a GPU, and passes that cannot be recorded, run as they
        are. Its structure has to stay, parameters and settings need not.
    record : callable, optional
        How work is recorded: as a CUDA graph.
    """

    def __init__(self, module: nn.Module, record: Record | None = None) -> None:
        self.module, self.within = module, ExitStack()
        on_a_gpu = device_of(module).type == "cuda"
        self.recorder = _Recorder(module, record) if record is not None or on_a_gpu else None

    def __enter__(self) -> Replays:
        if self.recorder is not None and "forward" not in self.module.__dict__:
            # Past an ApproximateModule's own way of setting attributes, which wraps what is set.
            self.module.__dict__["forward"] = self.recorder
            self.within.enter_context(later(self.recorder.notices))
            self.within.callback(self.module.__dict__.pop, "forward")
        return self

    def __exit__(self, *_: object) -> None:
        self.within.close()


@contextmanager
def replayed(module: nn.Module, record: Record | None = None) -> Iterator[None]:
    """``Replays`` for once; where they are there already, those."""
    if is_replayed(module):
        yield
        return
    with Replays(module, record):
        yield


def is_replayed(module: nn.Module) -> bool:
    """Whether this is within ``Replays`` of a module, on a GPU."""
    return isinstance(module.__dict__.get("forward"), _Recorder)


def recordings(module: nn.Module) -> int:
    """How many kinds of pass of a module are replayed now."""
    recorder = module.__dict__.get("forward")
    return len(recorder.passes) if isinstance(recorder, _Recorder) else 0


class _Recorder:
    """What stands in the place of a module's ``forward``."""

    def __init__(self, module: nn.Module, record: Record | None) -> None:
        self.module, self.forward = module, module.forward
        self.inside = _modules(module)
        self.others = [m for m in self.inside if m is not module]
        self.emulated = [m for m in self.inside if isinstance(m, ApproximateModule)]
        self.device = device_of(module)
        self.memory = memory_on(self.device)
        self.record = record or self.memory.record
        self.passes: dict[Any, Passes] = {}
        self.asked: Counter[Any] = Counter()
        self.known = all(_is_known(m) for m in self.inside)
        self.tried, self.refused = 0, set[Any]()
        self.notices = [m._axfpm_masking for m in self.emulated]
        self.held = [held for m in self.inside for held in (m._parameters, m._buffers) if held]

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        key = self._key(arguments, named) if self.known else None
        if key is None:
            return self._run(*arguments, **named)
        (x,) = arguments
        if key not in self.passes and not self._recorded(key, x):
            return self._run(x)
        passes = self.passes[key] = self.passes.pop(key)  # the last used stay
        if not passes.backward:
            return passes.result(x)
        for notice in self.notices:  # as each module does for itself where it runs
            x = watched(notice, x)
        return replay(x, passes)

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        """Of a copied module: its passes as they are."""
        module = copy.deepcopy(self.module, memo)
        return partial(type(module).forward, module)

    def _run(self, *arguments: Any, **named: Any) -> Any:
        """The pass as it is; what it makes lies on the device, whatever an attack says of its own."""
        with self.device:
            return self.forward(*arguments, **named)

    def _key(self, arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
        """All that a pass depends on besides its input; None where that is not known, or it is not to be recorded.

        Parameters keep their memory while they are trained or loaded, and a replay reads what is there; other memory is
        another key, and so are other ways of torch that the caller has chosen. Contexts, autocast and hooks of what is
        inside do what they do by Python.
        """
        x = arguments[0] if len(arguments) == 1 and not named else None
        if type(x) is not Tensor or x.device != self.device or x.dtype != torch.float32 or not x.is_contiguous():
            return None
        if x.data_ptr() % ALIGNED:
            return None
        if not x.numel() or x.is_neg() or current_context() is not None or torch.is_inference_mode_enabled():
            return None
        if (
            torch.is_autocast_enabled(x.device.type)
            or any(m.training for m in self.inside)
            or any(map(_hooked, self.others))
        ):
            return None
        settings = [(m.context.settings, m.temperature) for m in self.emulated]
        if any(each.layers is not None and callable(each.layers) for each, _ in settings):
            return None
        tensors = self._tensors()
        differentiable = torch.is_grad_enabled()
        if differentiable and any(t.requires_grad for t in tensors):
            return None
        return (
            (tuple(x.shape), x.stride()),
            differentiable and x.requires_grad,
            tuple((each.rule, id(each.layers), temperature) for each, temperature in settings),
            tuple((t.data_ptr(), t.shape, t.stride()) for t in tensors),
            ways_of_torch(),
        )

    def _tensors(self) -> list[Tensor]:
        return [t for held in self.held for t in held.values() if t is not None]

    def _recorded(self, key: Any, x: Tensor) -> bool:
        """Whether a pass is recorded now: it has been asked for often enough, and it can be."""
        self.asked[key] += 1
        if self.asked[key] <= BEFORE << self.tried // MOST or key in self.refused or not self.memory.usable:
            return False
        with ALONE:
            if not self.memory.usable:  # somebody else's recording failed meanwhile
                return False
            self.tried += 1
            found = self._attempt(key, x)
        if found is None:
            # What can be recorded at all may be too large, or draw on the host, for some shapes.
            self.known = bool(self.passes)
            self.refused.add(key)
            return False
        if len(self.passes) == MOST:
            oldest = next(iter(self.passes))
            del self.passes[oldest], self.asked[oldest]
        self.passes[key] = found
        return True

    def _attempt(self, key: Any, x: Tensor) -> Passes | None:
        said = [notice.said for notice in self.notices]
        for notice in self.notices:
            notice.said = True  # what looks at gradients is no part of a recording
        cuda = [self.device] if self.device.type == "cuda" else []
        try:
            with torch.random.fork_rng(devices=cuda):  # whether it is tried changes no random number of an attack
                with self.memory.nobody_waits():
                    expected = passed(self._run, x, key[1])
                if expected is None:
                    return None
                passes = Passes(self._run, x, key[1], self.record, self.memory, self._tensors())
                return passes if passes.give(x, expected) else None
        except RuntimeError:  # of an operator that waits for the GPU, or of memory
            return None
        finally:
            for notice, before in zip(self.notices, said, strict=True):
                notice.said = before


def _modules(module: nn.Module) -> list[nn.Module]:
    found = []
    for each in module.modules():
        # The model in an ApproximateModule is none of its modules.
        found += [each, each.model] if isinstance(each, ApproximateModule) else [each]
    return found


def _is_known(module: nn.Module) -> bool:
    """Whether a module computes by what this package or torch wrote: anything else may look at the clock."""
    places = {kind.__module__ for kind in type(module).__mro__}
    ours = all(place.startswith(("torch.nn.", "golden.")) or place in ("builtins", "typing", "abc") for place in places)
    return ours and "forward" not in module.__dict__


def _hooked(module: nn.Module) -> bool:
    return bool(
        module._forward_hooks or module._forward_pre_hooks or module._backward_hooks or module._backward_pre_hooks
    )
