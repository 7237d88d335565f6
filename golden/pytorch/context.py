"""``approximate``: the context inside which covered calls run on a multiplier."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from golden.catalogue import Multiplier, multiplier as look_up
from golden.errors import InvalidInput
from golden.pytorch.modes import EnteredContext
from golden.pytorch.rules import Layers, Rule, Settings
from golden.pytorch.state import current_context, thread

__all__ = ["approximate"]


class approximate:  # noqa: N801 - called like a function, as the contexts of contextlib are
    """Run the convolutions and matrix products of this thread on a multiplier, while entered.

    Inside, calls of ``linear``, ``conv1d``, ``conv2d``, matrix products (``@``, ``matmul``, ``mm``, ``bmm``, ``addmm``,
    ``baddbmm``, ``mv``, ``addmv``, ``dot``, ``vdot``, ``linalg.vecdot``, ``inner``, ``tensordot``, ``einsum`` of two
    operands, ``grouped_mm``), ``scaled_dot_product_attention`` and ``multi_head_attention_forward`` run bit for bit on
    the multiplier, whether called by a module of ``torch.nn`` or directly. The left operand is the activation, also in
    attention. Elementwise products, norms, pooling and interpolation stay exact (``coverage`` lists them), and weights
    that ``torch.nn.utils.parametrize`` and its like compute are constants (``golden.pytorch.deployed``). Any other
    operator that reaches the dispatcher and sums products is *uncovered*, and so is any that
    ``golden.pytorch.vocabulary`` does not list.

    Parameters
    ----------
    multiplier : str or Multiplier
        Catalogue or dial name, or a Multiplier.
    layers : mapping or callable, optional
        Which modules run on which multiplier. The outermost module called inside the context is the *root*, or the
        model of the ``ApproximateModule`` through which anything is called, and names are those of
        ``root.named_modules()`` (the root's own is ``""``). An operator belongs to the innermost module
        being called that is registered under the root.
        A mapping gives a multiplier, ``True`` (the context's own) or ``None`` (exact torch) per module name; it holds
        for the modules below too, the longest name wins, and modules it does not reach use ``multiplier``. A name that
        the root does not have raises at the first product.
        A callable is asked ``layers(name, module)`` and returns a multiplier, ``True``, or ``False`` / ``None`` for
        exact torch, always the same for the same module: it is asked again for every operator. Products computed
        outside any module have the name ``""`` and the module ``None``.
    accumulate : str
        ``float32`` (the hardware) or ``float64`` (the authors' script); see ``golden.sums.matmul``.
    gradient : str
        How products are differentiated: ``straight-through``, ``scaled`` or ``masked``, see
        ``golden.pytorch.gradients``.
    uncovered : str
        ``error``: an uncovered operator raises; ``exact``: it runs in plain torch, all of it, and is listed in
        ``uncovered_operators``.

    Raises
    ------
    InvalidInput
        (a ValueError) If a name is unknown, and inside the context for uncovered operators, autocast, tracing and
        ``torch.func`` transforms.
    InvalidType
        (a TypeError) Inside the context, if an operand of a product is not a dense float32 tensor, or not on the CPU or
        an NVIDIA GPU like the others, or a module is compiled (``torch.jit``, ``torch.compile``). Of two tensors joined
        by ``@`` or ``Tensor.matmul`` it is an InvalidInput: Python takes a TypeError there for an operator that the
        tensors lack.

    Notes
    -----
    Contexts nest, and the innermost decides alone. One context object may be entered again, and from several threads
    at once; threads that code inside the context starts are outside it. Whatever else runs inside, an optimiser that
    multiplies matrices say, is on the multiplier too. Functions under ``torch.compile`` run eagerly
    inside the context. ``backward`` works inside and outside: gradients are exact torch on the chosen form. So is all
    that runs as part of a backward pass, hooks and a function's own ``backward`` included; contexts that such code
    enters itself are forward passes of their own.
    ``torch.utils.checkpoint`` computes again in whatever context ``backward`` is called in, which has to be the same
    one: another or none is an InvalidInput. Checkpoints within a context with ``layers=``, or within an
    ``ApproximateModule``, are refused when they are made; around an ``ApproximateModule`` they are welcome. What other
    libraries compute again in a backward pass is part of it, and exact.

    Examples
    --------
    >>> with approximate("ax-fpm", layers={"fc3": None}):
    ...     logits = model(images)
    """

    def __init__(
        self,
        multiplier: str | Multiplier,
        *,
        layers: Layers | None = None,
        accumulate: str = "float32",
        gradient: str = "scaled",
        uncovered: str = "error",
    ) -> None:
        self.settings = Settings(Rule(look_up(multiplier), accumulate, gradient), layers, uncovered)
        self._found: dict[str, None] = {}

    @property
    def uncovered_operators(self) -> tuple[str, ...]:
        """Operators that ran exactly although the multiplier should have computed them, in order of appearance."""
        return tuple(self._found)

    def __enter__(self) -> approximate:
        self._enter()
        return self

    def _enter(self, through: Any = None) -> None:
        outer = current_context()
        (outer.inside if outer else EnteredContext)(self.settings, self._found).enter(owner=self, through=through)

    @contextmanager
    def around(self, through: Any) -> Iterator[None]:
        """Enter for one call through an ``ApproximateModule``: names are those of its model."""
        self._enter(through)
        try:
            yield
        except BaseException as problem:
            self.__exit__(type(problem), problem, problem.__traceback__)
            raise
        self.__exit__()

    def __exit__(self, *exception: Any) -> None:
        if not thread.contexts or thread.contexts[-1].owner is not self:
            raise InvalidInput("this context is not the innermost one of its thread; leave contexts in reverse order")
        thread.contexts[-1].leave(*exception)
