"""The list of operators: complete, without doubles, and everything outside it is uncovered."""

from collections import Counter
from typing import Any

import pytest
import torch
from packaging.version import Version
from torch import nn
from torch.nn import functional

from golden.errors import InvalidInput
from golden.pytorch import approximate, coverage
from golden.pytorch.vocabulary import COMPUTES, MOVES, MULTIPLIES, SUMS, Kind, kind_of
from golden.sums import matmul

aten: Any = torch.ops.aten
X = torch.rand(4, 4, generator=torch.Generator().manual_seed(1))


def overloads(name):
    """Return what the dispatcher knows under a name of ``aten``."""
    packet = getattr(torch.ops.aten, name)
    found = [getattr(packet, overload) for overload in packet.overloads()]
    return [func for func in found if torch._C._dispatch_has_kernel(func.name())]


def names():
    found = set()
    for schema in torch._C._jit_get_all_schemas():
        space, _, name = schema.name.rpartition("::")
        if space == "aten" and hasattr(torch.ops.aten, name) and overloads(name):
            found.add(name)
    return found


REGISTERED = names()


def test_every_name_is_listed_once_and_exists():
    listed = [*MOVES, *COMPUTES, *MULTIPLIES, *SUMS]
    assert [name for name, count in Counter(listed).items() if count > 1] == []
    absent = [n for n in listed if not {n, n + "_", "_foreach_" + n, f"_foreach_{n}_"} & REGISTERED]
    # Newer releases of torch drop operators that those before still have.
    assert absent == [] or Version(torch.__version__) >= Version("2.14")


def test_operators_made_of_others_are_listed_only_where_they_move():
    for name in (COMPUTES | MULTIPLIES | SUMS) & REGISTERED:
        assert {kind_of(func) for func in overloads(name)} - {Kind.COMPOSED}, name


@pytest.mark.parametrize(
    ("kind", "some"),
    [
        (Kind.MOVES, "copy_ view expand_copy empty_like index_put_ _foreach_zero_ reshape embedding normal_ t_ detach"),
        (Kind.COMPUTES, "exp _foreach_sqrt_ sum _softmax relu_ cumsum max_pool2d_with_indices topk eq gelu mean"),
        (Kind.MULTIPLIES, "mul_ _foreach_mul _foreach_addcmul_ addr lerp upsample_bilinear2d grid_sampler_2d add norm"),
        (Kind.SUMS, "mm addmm_ _fft_r2c linalg_inv_ex convolution _embedding_bag _cdist_forward mkldnn_rnn_layer bmm "
         "_native_multi_head_attention _linalg_solve_ex linalg_cross _int_mm _grouped_mm"),
        (Kind.COMPOSED, "matmul gru einsum batch_norm cdist bilinear square dropout cosine_similarity"),
        (Kind.UNKNOWN, "_sparse_addmm sspaddmm quantized_lstm _nested_tensor_size glu_jvp convolution_backward"),
    ],
)  # fmt: skip
def test_kinds(kind, some):
    for name in some.split():
        assert {kind_of(func) for func in overloads(name)} & {kind}, name
    assert kind_of(torch.ops.higher_order.cond) is Kind.UNKNOWN
    assert kind_of(torch.ops.quantized.linear.default) is Kind.UNKNOWN


@torch.library.custom_op("axfpm_test::product", mutates_args=())
def product(x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
    return torch.mm(x, w)


@product.register_fake
def _(x, w):
    return x.new_empty(x.shape[0], w.shape[1])


product.register_autograd(
    lambda ctx, grad: (product(grad, ctx.saved_tensors[1].t()), product(ctx.saved_tensors[0].t(), grad)),
    setup_context=lambda ctx, inputs, output: ctx.save_for_backward(*inputs),
)

library = torch.library.Library("axfpm_test", "FRAGMENT")
library.define("composed(Tensor x, Tensor w) -> Tensor")
library.impl("composed", lambda x, w: torch.mm(x, w) + 1, "CompositeImplicitAutograd")


class Custom(nn.Module):
    def __init__(self, function: Any = product):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x, X) @ X


@pytest.mark.parametrize("mode", [torch.enable_grad, torch.no_grad, torch.inference_mode])
def test_an_operator_of_others_may_hide_products(mode):
    message = (
        r"^axfpm_test::product of Custom may sum products, and has no emulation on a multiplier; exclude its module "
        r'with layers=, or pass uncovered="exact" to run such operators exactly$'
    )
    with mode():
        with approximate("ax-fpm"), pytest.raises(InvalidInput, match=message):
            Custom()(X)
        with approximate("ax-fpm", uncovered="exact") as context:
            y = Custom()(X)
        assert context.uncovered_operators == ("axfpm_test::product of Custom",)
        assert torch.equal(y, matmul(torch.mm(X, X), X, "ax-fpm"))
        with approximate("ax-fpm", layers={"": None}):
            assert torch.equal(Custom()(X), X @ X @ X)
        report = coverage(Custom(), X, "ax-fpm")
        assert [(o.operator, o.macs, o.counted, o.uncovered) for o in report] == [
            ("axfpm_test::product", 0, False, True),
            ("matmul", 64, True, False),
        ]
        assert "?" in report.table().splitlines()[1]


def test_its_gradient_is_exact():
    x = X.clone().requires_grad_()
    with approximate("ax-fpm", uncovered="exact"):
        product(x, X).backward(X)
    assert torch.equal(torch.as_tensor(x.grad), X @ X.t())


@pytest.mark.parametrize("mode", [torch.enable_grad, torch.no_grad, torch.inference_mode])
def test_an_operator_made_of_others_is_judged_by_them(mode):
    model = Custom(torch.ops.axfpm_test.composed)
    with mode():
        with approximate("ax-fpm"), pytest.raises(InvalidInput, match=r"^aten::mm of Custom has no emulation"):
            model(X)
        assert [(o.operator, o.macs, o.uncovered) for o in coverage(model, X, "ax-fpm")] == [
            ("mm", 64, True), ("add", 0, False), ("matmul", 64, False),
        ]  # fmt: skip


def test_an_operator_of_higher_order_is_unknown():
    def call():
        return torch.ops.higher_order.cond(torch.tensor(True), lambda x: x @ x, lambda x: x, (X,))

    with approximate("ax-fpm"), pytest.raises(InvalidInput, match=r"^cond may sum products, and has no emulation"):
        call()
    with approximate("ax-fpm", uncovered="exact") as context:
        y = call()
    assert torch.equal(y, X @ X)
    assert context.uncovered_operators == ("cond",)


def test_profiling_marks_pass():
    with approximate("ax-fpm"), torch.profiler.record_function("here"):
        assert torch.equal(X @ X, matmul(X, X, "ax-fpm"))


def foreach(name, *arguments):
    return lambda: getattr(torch, f"_foreach_{name}")([X, X[0]], *arguments)


N = X.numel()
# a call, the rows of its multiplications; None: nobody knows
COUNTS = {
    "mul": (lambda: X * X, {"mul": N}),
    "mul, broadcast": (lambda: X[:, :1] * X[:1], {"mul": N}),
    "mul, in place": (lambda: X.clone().mul_(2), {"mul_": N}),
    "addcmul": (lambda: torch.addcmul(X, X, X), {"addcmul": N}),
    "addcmul, scaled": (lambda: torch.addcmul(X, X, X, value=3), {"addcmul": 2 * N}),
    "addcdiv": (lambda: torch.addcdiv(X, X, X), {"addcdiv": N}),
    "addr": (lambda: torch.addr(X, X[0], X[1]), {"addr": N}),
    "addr, scaled": (lambda: torch.addr(X, X[0], X[1], alpha=2), {"addr": 2 * N}),
    "outer": (lambda: torch.outer(X[0], X[1]), {"mul": N}),
    "add, scaled": (lambda: torch.add(X, X, alpha=2), {"add": N}),
    "add": (lambda: X + X, {"add": 0}),
    "lerp": (lambda: torch.lerp(X, X, 0.3), {"lerp": N}),
    "foreach mul": (foreach("mul", 2.0), {"_foreach_mul": N + 4}),
    "foreach mul, in place": (lambda: aten._foreach_mul_([X.clone(), X[0].clone()], 2.0), {"_foreach_mul_": N + 4}),
    "foreach addcmul": (foreach("addcmul", [X, X[0]], [X, X[0]], 1.0), {"_foreach_addcmul": N + 4}),
    "foreach lerp": (foreach("lerp", [X, X[0]], 0.5), {"_foreach_lerp": N + 4}),
    "foreach sqrt": (foreach("sqrt"), {"_foreach_sqrt": 0}),
    "prod": (X.prod, {"prod": N}),
    "norm": (lambda: torch.linalg.vector_norm(X), {"linalg_vector_norm": N}),
    "var": (lambda: X.var(0), {"var": N}),
    "mean": (X.mean, {"mean": 0}),
    "gelu": (lambda: functional.gelu(X), {"gelu": 0}),
    "scatter_reduce": (
        lambda: X.scatter_reduce(0, torch.zeros(4, 4, dtype=torch.long), X, "prod"), {"scatter_reduce": N}
    ),
    "mse_loss": (lambda: functional.mse_loss(X, X + 1), {"mse_loss": N, "add": 0}),
    "weighted loss": (
        lambda: functional.nll_loss(X, torch.tensor([0, 1, 2, 3]), X[0]), {"nll_loss_forward": 4}
    ),
    "bilinear": (
        lambda: functional.interpolate(X[None, None], size=8, mode="bilinear"), {"upsample_bilinear2d": 4 * 64}
    ),
    "nearest": (lambda: functional.interpolate(X[None, None], size=8), {"upsample_nearest2d": 0}),
    "antialias": (
        lambda: functional.interpolate(X[None, None], size=2, mode="bicubic", antialias=True),
        {"_upsample_bicubic2d_aa": None},
    ),
    "grid_sample": (
        lambda: functional.grid_sample(X[None, None], X.reshape(1, 4, 2, 2), align_corners=False),
        {"grid_sampler_2d": 4 * 8},
    ),
    "grid_sample, nearest": (
        lambda: functional.grid_sample(X[None, None], X.reshape(1, 4, 2, 2), "nearest", align_corners=False),
        {"grid_sampler_2d": 0},
    ),
    "cross": (lambda: torch.linalg.cross(X[:, :3], X[:, 1:]), {"linalg_cross": 2 * 12}),
    "cdist": (lambda: torch.cdist(X[:3], X), {"_cdist_forward": 3 * 4 * 4}),
    "pdist": (lambda: functional.pdist(X), {"_pdist_forward": 6 * 4}),
    "embedding_bag": (
        lambda: functional.embedding_bag(torch.tensor([[0, 1, 2]]), X, mode="sum"),
        {"_embedding_bag_forward_only": 0},
    ),
    "embedding_bag, weighted": (
        lambda: functional.embedding_bag(torch.tensor([[0, 1, 2]]), X, mode="sum", per_sample_weights=X[:1, :3]),
        {"_embedding_bag_forward_only": 12},
    ),
    "affine_grid": (
        lambda: functional.affine_grid(X[None, :2, :3], [1, 1, 5, 6], align_corners=False),
        {"affine_grid_generator": 30 * 6},
    ),
    "solve": (lambda: torch.linalg.solve(X + torch.eye(4), X), {"add": 0, "_linalg_solve_ex": None}),
    "inv": (lambda: torch.linalg.inv(X + torch.eye(4)), {"add": 0, "linalg_inv_ex": None}),
    "fft": (lambda: torch.fft.rfft(X), {"_fft_r2c": None}),
    "optimiser": (
        lambda: aten._fused_sgd_([X.clone()], [X.clone()], [], weight_decay=0.0, momentum=0.0, lr=0.1, dampening=0.0,
                                 nesterov=False, maximize=False, is_first_step=True),
        {"_fused_sgd_": None},
    ),
}  # fmt: skip


class Call(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function()


@pytest.mark.parametrize("name", COUNTS)
def test_counts(name):
    function, expected = COUNTS[name]
    report = coverage(Call(function), X, "ax-fpm")
    assert {o.operator: o.macs if o.counted else None for o in report} == expected
