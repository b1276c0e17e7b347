"""Whitening: filters that make the pixels of a small window independent and equally strong, from the pictures themselves.

Neighbouring pixels are alike, so that most of what a window holds is its mean brightness. Whitening turns the windows so that this and
every other part counts the same. Source: Krizhevsky 2009, appendix A, with the principal axes as the filters, as in Jordan 2024.
"""

import torch
from torch import Tensor, nn


def windows(images: Tensor, size: int = 3, n: int = 20_000, seed: int = 0) -> Tensor:
    """n windows (n, c, size, size), each from a random place in a random one of the pictures (m, c, h, w); `seed` alone decides which.

    Raises ValueError where the window does not fit.
    """
    height, width = images.shape[2:]
    if not 1 <= size <= min(height, width):
        raise ValueError(f"size={size} does not fit into pictures of {height}×{width} pixels")
    chance = torch.Generator().manual_seed(seed)
    picture, top, left = (torch.randint(most, (n,), generator=chance) for most in (len(images), height - size + 1, width - size + 1))
    offsets = torch.arange(size)
    rows, columns = top[:, None, None] + offsets[:, None], left[:, None, None] + offsets
    return images[picture[:, None, None], :, rows, columns].movedim(-1, 1)


def covariance(values: Tensor) -> Tensor:
    """How the columns of (n, d) vary together, (d, d): on the diagonal the variances."""
    centred = values - values.mean(0)
    return centred.T @ centred / len(values)


def whitening_layer(images: Tensor, size: int = 3, eps: float = 1e-3, seed: int = 0) -> nn.Conv2d:
    """A frozen Conv2d(c, c·size·size, size), padded by size // 2, whose answers on these pictures are uncorrelated with variance 1.

    Filters stand in falling order of the variance they find. eps: is added to every variance, so that directions that never vary do
    not become infinitely strong. The bias takes the mean window's answer away. Raises ValueError for eps ≤ 0, or a size that does not fit.
    """
    if not eps > 0:
        raise ValueError(f"eps={eps} must be positive")
    flat = windows(images, size, seed=seed).flatten(1)
    variances, axes = torch.linalg.eigh(covariance(flat.double()))
    filters = (axes / (variances.clamp(min=0) + eps).sqrt()).T.flip(0).float()
    channels = images.shape[1]
    layer = nn.Conv2d(channels, len(filters), size, padding=size // 2).requires_grad_(False)
    layer.weight.copy_(filters.reshape(-1, channels, size, size))
    layer.bias.copy_(-filters @ flat.mean(0))
    return layer
