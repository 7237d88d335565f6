"""A model that offers every kind of thing to call, and what runs it on a multiplier."""

import collections
import functools
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from golden.pytorch import ApproximateModule

X = torch.randn(3, 5, generator=torch.Generator().manual_seed(1))
SCALE = torch.randn(5, 5, generator=torch.Generator().manual_seed(2))


class Callee:
    """An object that can be called and is no module."""

    def __init__(self):
        self.calls = 0

    def __call__(self, x):
        self.calls += 1
        return x @ SCALE

    def other(self, x):
        return x @ SCALE.t()


class Computed:
    """A descriptor of someone else's."""

    def __init__(self, function):
        self.function = function

    def __get__(self, holder, cls=None):
        return self if holder is None else self.function(holder)


Named = collections.namedtuple("Named", "layer other")


def rotate(x):
    return x @ SCALE


class Model(nn.Module):
    """Every way in which a model offers something to call."""

    registered = ()

    def __init_subclass__(cls, **kwargs):
        Model.registered += (cls,)

    def __init__(self):
        super().__init__()
        torch.manual_seed(3)
        self.first = nn.Linear(5, 5)
        self.blocks = nn.ModuleList([nn.Sequential(nn.Linear(5, 5), nn.ReLU()), nn.Linear(5, 5)])
        self.heads = nn.ModuleDict({"a": nn.Linear(5, 2), "b": nn.Linear(5, 5)})
        self.hidden = [nn.Linear(5, 5)]
        self.by_name = {"rotate": rotate}
        self.ordered = collections.OrderedDict(first=self.first)
        self.gathered = collections.defaultdict(list, first=[self.first])
        self.named, self.queue, self.group = Named(self.first, 1), collections.deque([self.first]), {self.first}
        self.function, self.partial, self.callee = rotate, functools.partial(functional.linear, weight=SCALE), Callee()
        self.weight = nn.Parameter(torch.randn(5, 5))
        self.register_buffer("seen", torch.zeros(()))
        self.classes = 3

    def encode(self, x, times=1):
        for _ in range(times):
            x = self.first(x)
        return x @ self.weight

    def layer(self, index):
        return self.blocks[index]

    def steps(self, x):
        for block in self.blocks:
            x = block(x)
            received = yield x
            x = x if received is None else received
        return x

    def lazily(self, xs):
        return map(self.encode, xs)

    async def later(self, x):
        return self.encode(x)

    async def streamed(self, x):
        yield self.encode(x)

    @property
    def product(self):
        return X @ self.weight

    @Computed
    def described(self):
        return X @ self.weight

    def __getattr__(self, name):
        if name == "answered":
            return X @ self.weight
        return super().__getattr__(name)

    @property
    def itself(self):
        return self

    @staticmethod
    def static(x):
        return x @ SCALE

    @classmethod
    def of_class(cls, x):
        return x @ SCALE

    def forward(self, x):
        return self.heads["a"](self.encode(x))


def pair(**settings) -> tuple[Any, Any]:
    model = Model()
    return model, ApproximateModule(model, "ax-fpm", **settings)
