"""The modes of torch behind a context: one replaces calls, one audits what reaches the dispatcher.

A ``TorchFunctionMode`` sees calls as the user wrote them and turns covered ones into contractions. A
``TorchDispatchMode`` sees every operator that torch is about to run; it changes nothing, but an operator that sums
products, or is not known not to, and was not issued by the emulation is an error (or is listed), so that nothing is
silently exact.
"""

from __future__ import annotations

import sys
import threading
from types import FrameType
from typing import Any

import torch
from torch import nn
from torch.nn.modules import module as hooks
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from golden.errors import InvalidInput, InvalidType
from golden.pytorch.backward import NO_PASS, backward_pass, part_of
from golden.pytorch.calls import Calls
from golden.pytorch.checkpoints import hold_to, refuse_layers, refuse_module, running_checkpoints
from golden.pytorch.checks import require_dense, require_eager
from golden.pytorch.contractions import Contraction
from golden.pytorch.deployed import deploy, undeploy
from golden.pytorch.macs import sums_products
from golden.pytorch.operators import COVERED, OPENED, SIGNS
from golden.pytorch.rules import Rule, Settings
from golden.pytorch.state import current_context, issued_by_us, thread
from golden.pytorch.vocabulary import COMPOSITE, SUSPECTS, Kind, kind_of

__all__ = ["EnteredContext"]


class EnteredContext(TorchFunctionMode):
    """One entered context of one thread.

    Parameters
    ----------
    settings : Settings
        What the context was asked for.
    found : dict
        Collects, as keys, descriptions of uncovered operators that ran exactly.
    """

    def __init__(self, settings: Settings, found: dict[str, None]) -> None:
        super().__init__()
        self.settings = settings
        self.found = found
        self.owner: Any = None
        self.through: Any = None
        self.calls = Calls()
        self.ends_with_forward = False
        self.function = ""
        self._checkpoints = 0
        self._begun = NO_PASS
        self._auditor = _Auditor(self)

    def inside(self, settings: Settings, found: dict[str, None]) -> EnteredContext:
        """Return the emulation of a context that is entered inside this one; counting contexts count there too."""
        return EnteredContext(settings, found)

    def enter(self, owner: Any, through: Any = None) -> None:
        """Become this thread's innermost context, for one call through an ``ApproximateModule`` if that is given."""
        self.owner, self.through, self.ends_with_forward = owner, through, through is not None
        self.calls.root = through.model if through is not None else None
        self._checkpoints = len(running_checkpoints())
        self._begun = backward_pass()
        _module_hooks.acquire()
        self.__enter__()
        self._auditor.__enter__()
        thread.contexts.append(self)

    def leave(self, *exception: Any) -> None:
        """Restore what was before ``enter``."""
        thread.contexts.remove(self)
        self.calls.clear()
        _module_hooks.release()
        arguments = exception if exception else (None, None, None)
        self._auditor.__exit__(*arguments)
        self.__exit__(*arguments)

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Replace covered calls where this is the innermost context."""
        kwargs = kwargs or {}
        if issued_by_us() or current_context() is not self:
            return func(*args, **kwargs)
        if func in OPENED:
            with self:
                return OPENED[func](*args, **kwargs)
        replacement = COVERED.get(func)
        if replacement is None or self.in_backward():
            return func(*args, **kwargs)
        self.function = func.__name__.strip("_")
        rule = self.rule_here()
        self._require_one_rule(rule)
        if rule is None:
            return func(*args, **kwargs)
        if kwargs.get("out") is not None:
            raise InvalidInput(f"{func.__name__} with out= cannot run on a multiplier; assign the result instead")
        kwargs = {key: value for key, value in kwargs.items() if key != "out"}
        require_eager(self.what)
        try:
            require_dense(self.what, (*args, *kwargs.values()))
            return replacement(rule, *args, **kwargs)
        except InvalidType as problem:
            if func in SIGNS and all(isinstance(operand, torch.Tensor) for operand in args):
                raise InvalidInput(str(problem)) from None  # a TypeError here would only tell Python to try elsewhere
            raise

    def in_backward(self) -> bool:
        """Return whether the code at hand computes gradients, which are exact, and not a model's products."""
        running = backward_pass()
        return running != NO_PASS and part_of(running, self._begun)

    def rule_here(self) -> Rule | None:
        """Return the rule for the module being called; None for exact torch."""
        if self.settings.layers is None:
            return self.settings.rule
        names, module = self.calls.here()
        return self.settings.rule_for(names, module, (self.calls.names or {}) if module is not None else {})

    def computed_again(self) -> Settings | None:
        """Return what ``backward`` has to find open, if it will compute a product of now again, else None."""
        inside = self._checkpoints_inside()
        for node in inside:
            if node is not None:
                hold_to(node, self.settings)
        return self.settings if inside else None

    def _checkpoints_inside(self) -> list[Any]:
        """Return the checkpoints begun in this context that will compute again; see ``running_checkpoints``."""
        running = running_checkpoints()
        inside = running[: len(running) - self._checkpoints]
        again = torch.is_grad_enabled() or any(node is not None for node in inside)
        return inside if again else []

    def _require_one_rule(self, rule: Rule | None) -> None:
        """Raise InvalidInput where a backward pass would compute a call again by another rule than this one."""
        ends = self.ends_with_forward and (rule is not None or len(thread.contexts) > 1)
        if (ends or (self.settings.layers is not None and not self.ends_with_forward)) and self._checkpoints_inside():
            raise (refuse_module if ends else refuse_layers)(self.what())

    def place(self) -> str:
        """Describe the module being called, for messages."""
        names, module = self.calls.here()
        if module is None:
            return ""
        return f" of {type(module).__name__} {names[0]!r}" if names[0] else f" of {type(module).__name__}"

    def what(self) -> str:
        """Describe the call being replaced, for messages."""
        return self.function + self.place()

    def before_module(self, module: nn.Module, hook: FrameType) -> None:
        """Note that a module is about to be called."""
        if isinstance(module, torch.jit.ScriptModule):
            raise InvalidType(
                "a ScriptModule hides its operators from the emulation; call the module it was scripted or traced from"
            )
        if type(module).__module__.startswith("torch._dynamo"):
            raise InvalidType(
                "a module under torch.compile hides its operators from the emulation; call the original module"
            )
        self.calls.begin(module, hook)

    def after_module(self, hook: FrameType) -> None:
        """Note that a module's call ended, by a result or an exception."""
        self.calls.end(hook)

    def record(self, operation: Contraction, x: torch.Tensor, w: torch.Tensor) -> None:
        """See a contraction before the emulation issues it; counting contexts override this."""

    def observe(self, func: Any, args: Any, kwargs: Any, result: Any) -> None:
        """See an operator that the emulation did not issue, after it ran; counting contexts override this."""

    def audit(self, func: Any, args: Any, kwargs: Any) -> None:
        """Raise on, or list, an operator that may sum products and was not issued by the emulation."""
        if not sums_products(func, args, kwargs) or self.rule_here() is None:
            return
        known = kind_of(func) is not Kind.UNKNOWN
        what = f"{func._schema.name if hasattr(func, '_schema') else func.name()}{self.place()}"
        if self.settings.uncovered == "error":
            raise InvalidInput(
                f"{what} {'' if known else 'may sum products, and '}has no emulation on a multiplier; exclude its "
                'module with layers=, or pass uncovered="exact" to run such operators exactly'
            )
        self.found[what] = None


class _Auditor(TorchDispatchMode):
    supports_higher_order_operators = True

    def __init__(self, entered: EnteredContext) -> None:
        super().__init__()
        self.entered = entered

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        kind = kind_of(func)
        if kind is Kind.MOVES or issued_by_us() or current_context() is not self.entered or self.entered.in_backward():
            return func(*args, **kwargs)
        if kind is Kind.COMPOSED:  # reaches the dispatcher whole in inference mode only
            with self:
                return func._op_dk(COMPOSITE, *args, **kwargs)
        if kind in SUSPECTS:
            self.entered.audit(func, args, kwargs)
        result = func(*args, **kwargs)  # within it torch has left both modes: exact is exact all through
        self.entered.observe(func, args, kwargs, result)
        return result


class _ModuleHooks:
    """What is process-wide while any context is entered, and acts in threads that are inside one.

    Hooks tell the thread's innermost context which module runs; computed weights are those of a deployed model.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._handles: list[Any] = []

    def acquire(self) -> None:
        with self._lock:
            self._users += 1
            if self._users == 1:
                self._handles = [
                    hooks.register_module_forward_pre_hook(_before),
                    hooks.register_module_forward_hook(_after, always_call=True),
                ]
                deploy()

    def release(self) -> None:
        with self._lock:
            self._users -= 1
            if self._users == 0:
                for handle in self._handles:
                    handle.remove()
                undeploy()


def _before(module: nn.Module, inputs: Any) -> None:
    entered = current_context()
    if entered is not None:
        entered.before_module(module, sys._getframe())


def _after(module: nn.Module, inputs: Any, output: Any) -> None:
    entered = current_context()
    if entered is not None:
        entered.after_module(sys._getframe())


_module_hooks = _ModuleHooks()
