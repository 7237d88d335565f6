"""What a context is: audited, per thread, nested, and clear about what it cannot do."""

import operator
import threading
import warnings
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

from golden.errors import InvalidInput, InvalidType
from golden.pytorch import approximate
from golden.sums import matmul

UNCOVERED = {
    "conv3d": lambda: nn.Conv3d(1, 1, 2)(torch.rand(1, 1, 3, 3, 3)),
    "conv transpose": lambda: nn.ConvTranspose2d(1, 1, 2)(torch.rand(1, 1, 3, 3)),
    "lstm": lambda: nn.LSTM(3, 3)(torch.rand(2, 1, 3)),
    "gru": lambda: nn.GRU(3, 3)(torch.rand(2, 1, 3)),
    "rnn cell": lambda: nn.RNNCell(3, 3)(torch.rand(2, 3)),
    "bilinear": lambda: nn.Bilinear(3, 3, 2)(torch.rand(2, 3), torch.rand(2, 3)),
    "in place": lambda: torch.zeros(2, 2).addmm_(torch.rand(2, 2), torch.rand(2, 2)),
    "addbmm": lambda: torch.addbmm(torch.zeros(2, 2), torch.rand(3, 2, 2), torch.rand(3, 2, 2)),
    "multi_dot": lambda: torch.linalg.multi_dot([torch.rand(2, 2)] * 3),
    "aten": lambda: torch.ops.aten.mm(torch.rand(2, 2), torch.rand(2, 2)),
    "cdist": lambda: torch.cdist(torch.rand(30, 2), torch.rand(30, 2)),
    "convolution": lambda: torch.convolution(
        torch.rand(1, 1, 3, 3), torch.rand(1, 1, 2, 2), None, [1, 1], [0, 0], [1, 1], False, [0, 0], 1
    ),
}


@pytest.mark.parametrize("inference", [False, True])
@pytest.mark.parametrize("name", UNCOVERED)
def test_uncovered_operators_raise(name, inference):
    message = "has no emulation on a multiplier; exclude its module with layers="
    with approximate("ax-fpm"), torch.inference_mode(inference), pytest.raises(InvalidInput, match=message):
        UNCOVERED[name]()


@pytest.mark.parametrize("name", UNCOVERED)
def test_uncovered_operators_may_run_exactly_and_are_listed(name):
    with approximate("ax-fpm", uncovered="exact") as context:
        UNCOVERED[name]()
    assert len(context.uncovered_operators) == 1
    assert context.uncovered_operators[0].startswith("aten::")


def test_an_uncovered_operator_names_its_module():
    net = nn.Sequential(nn.Conv2d(1, 1, 3), nn.ConvTranspose2d(1, 1, 3))
    with approximate("ax-fpm"), pytest.raises(InvalidInput, match="aten::convolution of ConvTranspose2d '1' has no"):
        net(torch.rand(1, 1, 5, 5))
    with approximate("ax-fpm", layers={"1": None}):
        net(torch.rand(1, 1, 5, 5))


def test_elementwise_operators_pass():
    x = torch.rand(2, 4, 6, 6)
    with approximate("ax-fpm"):
        y = nn.BatchNorm2d(4)(functional.avg_pool2d(x * x + 1, 2)).softmax(1)
        z = functional.interpolate(y, scale_factor=2, mode="bilinear")
    assert z.shape == x.shape


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: torch.rand(2, 3).double(),
            "linear has an input of dtype float64, and products are defined on float32",
        ),
        (lambda: torch.rand(2, 3).half(), "dtype float16"),
        (lambda: torch.rand(2, 3).bfloat16(), "dtype bfloat16"),
        (lambda: torch.rand(2, 3).to(torch.complex64), "dtype complex64"),
        (lambda: torch.rand(2, 3, device="meta"), "an input on meta, and the emulation runs on CPUs and NVIDIA GPUs"),
        (lambda: torch.quantize_per_tensor(torch.rand(2, 3), 0.1, 0, torch.qint8), "that is quantised"),
        (lambda: torch.rand(2, 3).to_sparse(), "layout torch.sparse_coo"),
    ],
)
@pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor:UserWarning")
def test_operands_of_other_kinds_raise_one_sentence(make, message):
    x, w = make(), torch.rand(4, 3)
    with approximate("ax-fpm"), pytest.raises(InvalidType, match=message) as caught:
        functional.linear(x, w)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: torch.rand(3, 3).double(),
            "matmul has an input of dtype float64, and products are defined on float32",
        ),
        (lambda: torch.rand(3, 3).half(), "dtype float16"),
        (lambda: torch.ones(3, 3, dtype=torch.int32), "dtype int32"),
        (lambda: torch.rand(3, 3).to(torch.complex64), "dtype complex64"),
        (lambda: torch.rand(3, 3).to_sparse(), "layout torch.sparse_coo"),
        (lambda: torch.rand(3, 3, device="meta"), "an input on meta"),
        (lambda: torch.tensor(1.0), "two tensors of at least one dimension"),
    ],
)
def test_the_sign_of_a_product_says_what_is_wrong(make, message):
    x = make()
    with approximate("ax-fpm"):
        with pytest.raises(InvalidInput, match=message) as caught:
            _ = x @ x
        with pytest.raises(InvalidInput, match=message.replace("matmul", "rmatmul")):
            x.__rmatmul__(x)
        with pytest.raises(TypeError, match="unsupported operand"):
            operator.matmul(torch.rand(3, 3), 2)
    assert "\n" not in str(caught.value)


def test_autocast_transforms_and_tracing_raise():
    net, x = nn.Linear(3, 2), torch.rand(2, 3)
    with approximate("ax-fpm"):
        with torch.autocast("cpu"), pytest.raises(InvalidInput, match="linear of Linear runs under autocast"):
            net(x)
        with pytest.raises(InvalidInput, match=r"under a torch\.func transform"):
            torch.func.vmap(net)(x)
        with pytest.raises(InvalidInput, match=r"under a torch\.func transform"):
            torch.func.grad(lambda v: net(v).sum())(x)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch.jit is deprecated
            with pytest.raises(InvalidInput, match="traced or compiled"):
                torch.jit.trace(net, x)
            with pytest.raises(InvalidInput, match="traced or compiled"):
                torch.jit.trace(lambda v: functional.linear(v, net.weight), x)


@pytest.mark.filterwarnings("ignore:Using `torch.compile:UserWarning")
def test_compiled_modules_raise():
    net, x = nn.Linear(3, 2), torch.rand(2, 3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scripted = torch.jit.script(net)
        function: Any = torch.jit.trace(lambda v: v @ v.t(), x)
    compiled = torch.compile(net, backend="eager")
    with approximate("ax-fpm"):
        with pytest.raises(InvalidType, match="a ScriptModule hides its operators"):
            scripted(x)
        with pytest.raises(InvalidType, match=r"a module under torch\.compile hides"):
            compiled(x)
        with pytest.raises(RuntimeError, match="TorchScript interpreter"):  # which hides the auditor's sentence
            function(x)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_compiled_function_runs_eagerly_even_when_compiled_before():
    torch._dynamo.reset()
    w, x = torch.rand(2, 3), torch.rand(4, 3)
    function = torch.compile(lambda v: functional.linear(v, w), backend="eager")
    assert torch.equal(function(x), functional.linear(x, w))
    with approximate("ax-fpm"):
        y = function(x)
    assert torch.equal(y, matmul(x, w.t(), "ax-fpm"))
    assert torch.equal(function(x), functional.linear(x, w))


def test_threads_do_not_see_each_other():
    x, w = torch.randn(4, 9), torch.randn(9, 5)
    barrier = threading.Barrier(3)
    results = {}

    def run(name):
        context = approximate(name) if name else warnings.catch_warnings()
        with context:
            barrier.wait(timeout=60)
            results[name] = [x @ w for _ in range(5)]
            barrier.wait(timeout=60)

    threads = [threading.Thread(target=run, args=(name,)) for name in ("ax-fpm", "ax-fpm:block=2", None)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for name, products in results.items():
        expected = matmul(x, w, name) if name else x @ w
        assert all(torch.equal(product, expected) for product in products)
    assert not torch.equal(results["ax-fpm"][0], results["ax-fpm:block=2"][0])


def test_one_context_in_two_threads():
    context = approximate("ax-fpm")
    x, w = torch.randn(2, 3), torch.randn(3, 2)
    inside, left = threading.Event(), threading.Event()
    seen = []

    def run():
        with context:
            inside.set()
            left.wait(60)
            seen.append(x @ w)

    thread = threading.Thread(target=run)
    with context:
        thread.start()
        assert inside.wait(60)
    left.set()
    thread.join()
    assert torch.equal(seen[0], matmul(x, w, "ax-fpm"))
    assert torch.equal(x @ w, torch.mm(x, w))


def test_contexts_nest_and_the_innermost_decides():
    x, w = torch.randn(2, 9), torch.randn(9, 3)
    outer = approximate("ax-fpm")
    with outer:
        with approximate("bf16"):
            assert torch.equal(x @ w, matmul(x, w, "bf16"))
        with approximate("bf16", layers=lambda name, module: False):
            y = x @ w
        with outer:
            assert torch.equal(x @ w, matmul(x, w, "ax-fpm"))
        assert torch.equal(x @ w, matmul(x, w, "ax-fpm"))
    assert torch.equal(x @ w, y)


def test_an_exception_leaves_everything_as_it_was():
    from torch.nn.modules import module as hooks

    before = len(hooks._global_forward_pre_hooks), len(hooks._global_forward_hooks)
    x, w = torch.randn(2, 9), torch.randn(9, 3)

    class Failing(nn.Module):
        def forward(self, x):
            raise ValueError("inside")

    net = nn.Sequential(nn.Linear(9, 9), Failing())
    with pytest.raises(ValueError, match="inside"), approximate("ax-fpm"):
        net(x)
    assert torch.equal(x @ w, torch.ops.aten.mm(x, w))
    assert before == (len(hooks._global_forward_pre_hooks), len(hooks._global_forward_hooks))
    with approximate("ax-fpm", layers={"0": None, "1": None}):
        with pytest.raises(ValueError, match="inside"):
            net(x)
        # the failed call left no module behind: this product belongs to none
        assert torch.equal(x @ w, matmul(x, w, "ax-fpm"))


def test_contexts_are_left_in_reverse_order():
    first, second = approximate("ax-fpm"), approximate("bf16")
    first.__enter__()
    second.__enter__()
    with pytest.raises(InvalidInput, match="leave contexts in reverse order"):
        first.__exit__(None, None, None)
    second.__exit__(None, None, None)
    first.__exit__(None, None, None)
    with pytest.raises(InvalidInput, match="not the innermost"):
        first.__exit__(None, None, None)


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"gradient": "exact"}, InvalidInput, "unknown gradient 'exact'; choose from straight-through, scaled, masked"),
        ({"accumulate": "float16"}, InvalidInput, "unknown accumulate"),
        ({"uncovered": "ignore"}, InvalidInput, "unknown uncovered 'ignore'; choose from error, exact"),
        ({"layers": ["fc1"]}, InvalidType, "layers is a mapping"),
        ({"layers": {"fc1": "ax-fmp"}}, InvalidInput, "unknown multiplier 'ax-fmp'"),
    ],
)
def test_settings_are_checked_before_anything_runs(settings, error, message):
    with pytest.raises(error, match=message):
        approximate("ax-fpm", **settings)
