"""Images and labels from outside: of the right kind, or one sentence."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from golden.errors import InvalidInput, InvalidType

__all__ = ["check_images", "check_labels"]


def check_images(x: Any) -> np.ndarray:
    """Return images as an array.

    Raises
    ------
    InvalidType, InvalidInput
        If they are no float32 array or tensor (N, C, H, W) with pixels in [0, 1], or there are none.
    """
    images = x.detach().cpu().numpy() if isinstance(x, torch.Tensor) else x
    if not isinstance(images, np.ndarray) or images.dtype != np.float32:
        kind = f"an array of {images.dtype}" if isinstance(images, np.ndarray) else type(x).__name__
        raise InvalidType(f"images are an array or tensor of float32, not {kind}; convert them first")
    if images.ndim != 4:
        raise InvalidInput(f"images of shape {images.shape} are not (N, C, H, W); reshape them")
    if not images.size:
        raise InvalidInput("there are zero samples; give at least one image")
    if not np.isfinite(images).all():
        where = int(np.argwhere(~np.isfinite(images))[0, 0])
        raise InvalidInput(f"image {where} has a pixel that is NaN or infinite; remove or repair it")
    if images.min() < 0 or images.max() > 1:
        raise InvalidInput(f"pixels run from {images.min():g} to {images.max():g}; scale them to [0, 1]")
    return np.ascontiguousarray(images)


def check_labels(y: Any, samples: int) -> np.ndarray:
    """Return labels as an array of int64.

    Raises
    ------
    InvalidType, InvalidInput
        If they are no integers (N,), one for each of the images.
    """
    labels = y.detach().cpu().numpy() if isinstance(y, torch.Tensor) else y
    if not isinstance(labels, np.ndarray) or labels.dtype.kind not in "iu":
        kind = f"an array of {labels.dtype}" if isinstance(labels, np.ndarray) else type(y).__name__
        raise InvalidType(f"labels are an array or tensor of integers, not {kind}; convert them first")
    if labels.shape != (samples,):
        raise InvalidInput(f"{samples} images need labels of shape ({samples},), not {labels.shape}")
    return labels.astype(np.int64)
