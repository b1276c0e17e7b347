"""Tensors, looked at without importing torch: where nobody has imported it, nothing is a tensor."""

import copy
import sys
from typing import Any


def is_tensor(value: Any) -> bool:
    """Whether this is a torch.Tensor."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def as_array(value: Any) -> Any:
    """A tensor's numbers as a NumPy array, whatever its device and whether or not it needs gradients; anything else as it is."""
    if not is_tensor(value):
        return value
    plain = value.detach().cpu().to_dense()
    try:
        return plain.numpy()
    except TypeError:  # NumPy has no bfloat16
        return plain.float().numpy()


def copied(value: Any) -> Any:
    """A copy that shares nothing. Unlike copy.deepcopy, it also takes a tensor in the middle of a computation."""
    return value.detach().clone().requires_grad_(value.requires_grad) if is_tensor(value) else copy.deepcopy(value)
