"""Products of a backward pass are exact, wherever autograd calls Python; those of a forward pass within it are not."""

import contextlib

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from golden.errors import InvalidInput
from golden.pytorch import ApproximateModule, approximate, coverage
from golden.sums import matmul

W = torch.randn(4, 3, generator=torch.Generator().manual_seed(1))
X = torch.randn(2, 4, generator=torch.Generator().manual_seed(2))
G = torch.randn(2, 3, generator=torch.Generator().manual_seed(3))


class Product(torch.autograd.Function):
    """x @ w with a backward pass in Python."""

    @staticmethod
    def forward(ctx, x, w):
        ctx.save_for_backward(x, w)
        return x @ w

    @staticmethod
    def backward(ctx, *grads):
        (grad,), (x, w) = grads, ctx.saved_tensors
        return grad @ w.t(), x.t() @ grad


def test_a_custom_function_is_approximate_forward_and_exact_backward():
    x, w = X.clone().requires_grad_(), W.clone().requires_grad_()
    with approximate("ax-fpm"):
        y = Product.apply(x, w)
        y.backward(G)
    assert torch.equal(y, matmul(X, W, "ax-fpm"))
    assert torch.equal(torch.as_tensor(x.grad), G @ W.t())
    assert torch.equal(torch.as_tensor(w.grad), X.t() @ G)


def test_hooks_are_exact():
    x, layer, seen = X.clone().requires_grad_(), nn.Linear(4, 3), {}

    def keep(name):
        def hook(*arguments):
            seen[name] = (X @ W, functional.linear(X, W.t()), torch.einsum("ij,jk->ik", X, W))

        return hook

    handles = [layer.register_full_backward_hook(keep("module")), layer.register_full_backward_pre_hook(keep("before"))]
    with approximate("ax-fpm"):
        y = layer(x)
        y.register_hook(keep("tensor"))
        assert y.grad_fn is not None
        y.grad_fn.register_hook(keep("node"))
        layer.weight.register_post_accumulate_grad_hook(keep("parameter"))
        y.backward(G)
        again = X @ W
    for handle in handles:
        handle.remove()
    assert set(seen) == {"module", "before", "tensor", "node", "parameter"}
    assert all(torch.allclose(y, X @ W) for products in seen.values() for y in products)
    assert torch.equal(again, matmul(X, W, "ax-fpm"))


@pytest.mark.parametrize("call", [lambda y: y.backward(G), lambda y: torch.autograd.grad(y, y, G), None])
def test_uncovered_operators_may_compute_gradients(call):
    x = X.clone().requires_grad_()
    with approximate("ax-fpm"):
        y = x * 2
        y.register_hook(lambda g: torch.ops.aten.mm(g, torch.eye(3)) if g.shape[1] == 3 else g)
        y = functional.pad(y, (0, -1))
        y.register_hook(lambda g: torch.ops.aten.mm(g, torch.eye(3)))
        if call:
            call(y)
        else:
            engine = torch.autograd.Variable._execution_engine  # as other libraries call it
            engine.run_backward((y,), (G,), False, False, (), allow_unreachable=True, accumulate_grad=True)


def test_second_derivatives_of_a_custom_function_are_exact():
    x, w = X.clone().requires_grad_(), W.clone().requires_grad_()
    with approximate("ax-fpm"):
        (gx,) = torch.autograd.grad(Product.apply(x, w), x, G, create_graph=True)
        (gw,) = torch.autograd.grad(gx.square().sum(), w)
    assert torch.equal(gx, G @ W.t())
    torch.testing.assert_close(gw, (2 * gx.detach()).t() @ G)


def test_a_gradient_inside_a_forward_pass_is_exact_and_the_rest_of_it_is_not():
    class Penalty(nn.Module):
        def forward(self, x):
            with torch.enable_grad():
                (g,) = torch.autograd.grad(Product.apply(x, W), x, G)
            return g + x @ W @ W.t()

    with approximate("ax-fpm"):
        y = Penalty()(X.clone().requires_grad_())
    assert torch.equal(y, G @ W.t() + matmul(matmul(X, W, "ax-fpm"), W.t(), "ax-fpm"))


class Block(nn.Module):
    """A layer with a custom function and, if asked, an operator without emulation."""

    def __init__(self, uncovered=False):
        super().__init__()
        torch.manual_seed(3)
        self.fc, self.uncovered = nn.Linear(4, 4), uncovered

    def forward(self, x):
        y = Product.apply(self.fc(x), W)
        self.seen = y.detach()
        if self.uncovered and torch._C._current_graph_task_id() != -1:
            torch.ops.aten.mm(X, W)
        return y.square()


@pytest.mark.parametrize("reentrant", [False, True])
def test_checkpoints_compute_custom_functions_again_on_the_multiplier(reentrant):
    found = []
    for through in (lambda block, x: checkpoint(block, x, use_reentrant=reentrant), lambda block, x: block(x)):
        block, x = Block(), X.clone().requires_grad_()
        with approximate("ax-fpm"):
            y = through(block, x)
            first, block.seen = block.seen, None
            y.backward(G)
            expected = matmul(matmul(X, block.fc.weight.t(), "ax-fpm", block.fc.bias), W, "ax-fpm")
        assert torch.equal(first, expected)
        assert block.seen is None or torch.equal(block.seen, expected)
        found.append((block.seen is not None, x.grad, block.fc.weight.grad))
    assert (found[0][0], found[1][0]) == (True, False)
    assert torch.equal(found[0][1], found[1][1]) and torch.equal(found[0][2], found[1][2])


@pytest.mark.parametrize("reentrant", [False, True])
def test_what_a_checkpoint_computes_again_is_audited(reentrant):
    x = X.clone().requires_grad_()
    with approximate("ax-fpm"):
        y = checkpoint(Block(uncovered=True), x, use_reentrant=reentrant)
        with pytest.raises(InvalidInput, match="has no emulation"):
            y.backward(G)


@pytest.mark.parametrize("outer", [None, "bf16"])
def test_a_context_entered_in_a_backward_pass_is_a_forward_pass(outer):
    x, model, seen = X.clone().requires_grad_(), ApproximateModule(nn.Linear(4, 3), "ax-fpm"), {}

    def hook(grad):
        seen["before"] = X @ W
        seen["module"] = model(X)
        with approximate("ax-fpm"):
            seen["context"] = X @ W
            with torch.enable_grad():
                z = X.clone().requires_grad_()
                (seen["gradient"],) = torch.autograd.grad(Product.apply(z, W), z, G)
            seen["after"] = X @ W
            with pytest.raises(InvalidInput, match="has no emulation"):
                torch.ops.aten.mm(X, W)
        seen["outside"] = X @ W

    with approximate(outer) if outer else contextlib.nullcontext():
        y = x * 1
        y.register_hook(hook)
        y.sum().backward()
    product = matmul(X, W, "ax-fpm")
    assert torch.equal(seen["context"], product) and torch.equal(seen["after"], product)
    assert torch.equal(seen["module"], model(X))
    assert torch.equal(seen["before"], X @ W) and torch.equal(seen["outside"], X @ W)
    assert torch.equal(seen["gradient"], G @ W.t())


def test_coverage_does_not_count_gradients():
    class Gradient(nn.Module):
        def forward(self, x):
            with torch.enable_grad():
                x = x.detach().requires_grad_()
                (g,) = torch.autograd.grad(Product.apply(x, W), x, G)
            return g

    report = coverage(Gradient(), X, "ax-fpm")
    assert report.macs == 2 * 4 * 3
