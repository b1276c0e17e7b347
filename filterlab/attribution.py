"""What an answer of a network hangs on: which pixels, which filters, and what of it stays the same with random weights.

None of these touches the model it is given: what changes a network gives a copy.
"""

import copy
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from filterlab.features import submodule
from filterlab.models import seeded


def saliency(model: nn.Module, x: Tensor, label: int | Tensor) -> Tensor:
    """How much each pixel could change the label's logit: the largest magnitude of its gradient among the channels, (n, h, w).

    x: (n, c, h, w). label: one class for all pictures, or (n,). Source: Simonyan, Vedaldi and Zisserman, 2013.
    """
    x = x.detach().clone().requires_grad_()
    # No picture has a part in another's logit, so the gradient of the sum holds them all.
    (gradient,) = torch.autograd.grad(_logits(model, x, label).sum(), x)
    return gradient.abs().amax(dim=1)


@torch.no_grad()
def occlusion(model: nn.Module, x: Tensor, label: int | Tensor, size: int = 8, stride: int = 4) -> Tensor:
    """How far the label's logit falls when a square is painted over with the picture's mean colour: (n, rows, columns).

    The square, `size` pixels wide, begins at every multiple of `stride` where it fits into the pictures x (n, c, h, w). Above zero what
    it hides speaks for the label, below zero against it. Source: Zeiler and Fergus, 2014. Raises ValueError where it fits nowhere.
    """
    height, width = x.shape[2:]
    if not 1 <= size <= min(height, width) or stride < 1:
        raise ValueError(f"size={size} and stride={stride}: a square of 1 to {min(height, width)} pixels must move by 1 or more")
    whole, mean = _logits(model, x, label), x.mean(dim=(2, 3), keepdim=True)
    rows, columns = (range(0, side - size + 1, stride) for side in (height, width))
    falls = torch.empty(len(x), len(rows), len(columns))
    for i, top in enumerate(rows):
        for j, left in enumerate(columns):
            covered = x.clone()
            covered[:, :, top : top + size, left : left + size] = mean
            falls[:, i, j] = whole - _logits(model, covered, label)
    return falls


def ablate(model: nn.Module, layer: str, channels: int | Iterable[int]) -> nn.Module:
    """A copy of the model in which the submodule `layer` (a dotted name) gives zero in one channel, or in several.

    Names of submodules and weights stay. Raises ValueError for an unknown name; a channel that the layer does not have, when the copy runs.
    """
    silent = [channels] if isinstance(channels, int) else list(channels)

    def silence(module, inputs, output):
        if not all(0 <= channel < output.shape[1] for channel in silent):
            raise ValueError(f"channels={silent} leave the {output.shape[1]} channels of {layer}, 0 to {output.shape[1] - 1}")
        output = output.clone()  # a layer may give what it was given: others may need that
        output[:, silent] = 0
        return output

    copied = copy.deepcopy(model)
    submodule(copied, layer).register_forward_hook(silence)
    return copied


def randomized(model: nn.Module, seed: int = 0, layers: Iterable[str] | None = None) -> nn.Module:
    """A copy of the model with PyTorch's random start in the submodules `layers`, or in all that have one; `seed` decides it.

    Raises ValueError for an unknown name. Source: Adebayo and others, "Sanity checks for saliency maps", 2018.
    """
    copied = copy.deepcopy(model)
    parts = copied.modules() if layers is None else [submodule(copied, name) for name in layers]
    with seeded(seed):
        for part in parts:
            if hasattr(part, "reset_parameters"):
                part.reset_parameters()
    return copied


def _logits(model: nn.Module, x: Tensor, label: int | Tensor) -> Tensor:
    """Each picture's score for its label, (n,)."""
    return model(x).gather(1, torch.as_tensor(label).expand(len(x))[:, None])[:, 0]
