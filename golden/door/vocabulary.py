"""Which operators of torch sum products: those that a multiplier would compute, were they covered."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

__all__ = ["sums_products"]

# Names of operators, without namespace. Parts of a name end where no letter follows: "mm" is in addmm_ and
# _mm_plus_mm, not in cummax or digamma.
_SUMS_PRODUCTS = re.compile(
    r"conv(?!ert)|matmul|mm(?![a-z])|mv(?![a-z])|linear(?!_comb)|attention|lstm|gru(?![a-z])|rnn|dot|einsum|inner"
    r"|trilinear|euclidean_dist|matrix_(power|exp)|transformer_encoder|multi_head|^cov$|^cdist$|corrcoef|pinv"
)
# Interpolation weighs neighbours, packing moves weights: neither is a convolution or a matrix product.
_OTHERS = re.compile(
    r"^_*upsample|pack$|pack_|packed_weight|flatten_weight|reorder|_search$|access_subclass_inner_tensor"
)


@cache
def sums_products(func: Any) -> bool:
    """Return whether an operator (an ``OpOverload``) is a convolution, matrix product, attention or recurrent one."""
    name = func._schema.name.rpartition("::")[2]
    return bool(_SUMS_PRODUCTS.search(name)) and not _OTHERS.search(name)
