"""``approximate``: the context inside which covered calls run on a multiplier."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch.overrides import TorchFunctionMode

from golden.catalogue import Multiplier, multiplier as look_up
from golden.door.gradients import GRADIENTS, Rule
from golden.door.operators import COVERED
from golden.door.state import current_door, issued_by_us, thread
from golden.errors import InvalidInput

__all__ = ["approximate"]

Layers = Mapping[str, Any] | Callable[[str, Any], Any]


class approximate:  # noqa: N801
    """Run convolutions and matrix products on a multiplier, on this thread, while entered."""

    def __init__(
        self,
        multiplier: str | Multiplier,
        *,
        layers: Layers | None = None,
        accumulate: str = "float32",
        gradient: str = "scaled",
        uncovered: str = "error",
    ) -> None:
        if gradient not in GRADIENTS:
            raise InvalidInput(f"unknown gradient {gradient!r}; choose from {', '.join(GRADIENTS)}")
        self.rule = Rule(look_up(multiplier), accumulate, gradient)

    def __enter__(self) -> approximate:
        door = Door(self.rule)
        door.__enter__()
        thread.doors.append(door)
        return self

    def __exit__(self, *exception: Any) -> None:
        thread.doors.pop().__exit__(*exception)


class Door(TorchFunctionMode):
    """The mode that replaces covered calls; one per entered context."""

    def __init__(self, rule: Rule) -> None:
        super().__init__()
        self.rule = rule

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Replace covered calls where this is the innermost context."""
        kwargs = kwargs or {}
        replacement = COVERED.get(func)
        if replacement is None or issued_by_us() or current_door() is not self:
            return func(*args, **kwargs)
        return replacement(self.rule, *args, **kwargs)
