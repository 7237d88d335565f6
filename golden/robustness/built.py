"""What a process built for its jobs, kept while it is used: targets as devices, and what attacks are run on."""

from __future__ import annotations

import copy
import json
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, TypeVar

from golden.pytorch.devices import at_home, device_of
from golden.pytorch.recordings import release
from golden.pytorch.replaying import Replays
from golden.robustness.networks import Network, Subject
from golden.robustness.targets import Device, Fitted, Target

__all__ = ["MOST", "built", "forget", "name_of", "source_of"]

MOST = 4
"""How many of each are kept: the exact network, a multiplier, a control, and one more."""

T = TypeVar("T")
_lock = threading.Lock()
_devices: OrderedDict[str, Device] = OrderedDict()
_sources: OrderedDict[str, Replays] = OrderedDict()


def name_of(subject: Subject, key: dict[str, Any]) -> str:
    """A text that only what has this key has, made of this subject; empty where something in it has no name.

    A key alone knows a network by its weights and by what it makes of its images: enough for kept results, which can be
    left unused, and not for objects, which may differ in gradients, hooks, or the GPU that they are on.
    """
    return "" if None in key.values() else f"{subject.token} {json.dumps(key, sort_keys=True)}"


def built(network: Network, fitted: Fitted, target: Target, name: str) -> Device:
    """Build a target, or take the one of this name: fitting one may take as long as a judgement."""

    def build() -> Device:
        with at_home(device_of(network.module)):
            return target.build(network.module, fitted)

    return _kept(_devices, name, build)


def source_of(name: str, make: Callable[[], Any]) -> Replays:
    """What an attack is run on, ``make()`` as a copy that is frozen, or the one of this name, with its recordings."""
    return _kept(_sources, name, lambda: Replays(copy.deepcopy(make()).eval().requires_grad_(False)))


def forget() -> None:
    """Keep nothing any longer: recordings hold memory of a GPU."""
    with _lock:
        _devices.clear()
        _sources.clear()
    release()


def _kept(those: OrderedDict[str, T], name: str, build: Callable[[], T]) -> T:
    if not name:
        return build()
    with _lock:
        if name in those:
            those.move_to_end(name)
            return those[name]
        while len(those) >= MOST:
            those.popitem(last=False)
    found = those[name] = build()
    return found
