"""Lesson 04, filters in PyTorch: the reference answers and the inputs that tell mistakes apart."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from filterlab.check.bank import reference
from filterlab.check.probes import pytorch_filters as probes


def _draw_simple_cnn(rng):
    height, width = rng.permutation(12)[:2] + 4
    x = torch.from_numpy(rng.random((rng.integers(1, 4), 3, height, width)).astype(np.float32))
    return x, int(rng.integers(2, 15)), int(rng.integers(1000))


@reference(draw=_draw_simple_cnn, probe=probes.look_at, libraries=("*",))
class SimpleCNN(nn.Module):
    def __init__(self, classes=10):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 6, kernel_size=3, padding=1)
        self.head = nn.Linear(6 * 4 * 4, classes)

    def features(self, x):
        return F.relu(self.conv1(x))

    def forward(self, x):
        return self.head(F.adaptive_avg_pool2d(self.features(x), 4).flatten(1))


def _draw_conv_parameters(rng):
    c, m, kh, kw = (int(number) for number in rng.permutation(7)[:4] + 1)
    return c, m, [kh, (kh, kw), [kh, kw]][rng.integers(3)], bool(rng.integers(2))


@reference(draw=_draw_conv_parameters, libraries=("*",))
def conv_parameters(in_channels, out_channels, kernel_size, bias=True):
    rows, columns = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    return out_channels * (in_channels * rows * columns + bias)


def _draw_get_filters(rng):
    return int(rng.integers(1000)), bool(rng.integers(2))


@reference(draw=_draw_get_filters, probe=probes.filters_of, libraries=("*",))
def get_filters(model):
    return model.conv1.weight.detach().cpu().clone()


def _draw_sizes(rng):
    """Batch sizes, the last one smaller."""
    full = int(rng.integers(4, 8))
    return (full,) * int(rng.integers(2, 4)) + (int(rng.integers(1, full - 1)),)


def _draw_train_epoch(rng):
    # A batch of one in training mode is nothing for batch norm over a single pixel; here there are 20.
    optimizer = ["sgd", "momentum", "decay"][rng.integers(3)]
    return _draw_sizes(rng), optimizer, bool(rng.integers(2)), bool(rng.integers(2)), int(rng.integers(1000))


@reference(draw=_draw_train_epoch, probe=probes.one_epoch, libraries=("*",))
def train_epoch(model, batches, optimizer):
    model.train()
    total, count = 0.0, 0
    for x, labels in batches:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), labels)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(labels)
        count += len(labels)
    return total / count


def _draw_evaluate(rng):
    return _draw_sizes(rng), bool(rng.integers(2)), True, int(rng.integers(1000))


@reference(draw=_draw_evaluate, probe=probes.accuracy_of, libraries=("*",))
def evaluate(model, batches):
    training = model.training
    model.eval()
    right, count = 0, 0
    with torch.no_grad():
        for x, labels in batches:
            right += int((model(x).argmax(dim=1) == labels).sum())
            count += len(labels)
    model.train(training)
    return right / count


def _draw_install_filters(rng):
    kernels = rng.normal(size=(int(rng.integers(1, 7)), 3, 3))
    return kernels if rng.integers(2) else torch.from_numpy(kernels).float(), int(rng.integers(1000))


def _refused_install_filters(rng):
    k = int(rng.integers(1, 7))
    shapes = [(7, 3, 3), (8, 3, 3), (k, 5, 5), (k, 2, 2), (k, 3, 5), (k, 1, 1), (k, 1, 3), (3, 3), (6, 3, 3, 3), (k, 1, 3, 3)]
    kernels = rng.normal(size=shapes[rng.integers(len(shapes))])
    return (kernels if rng.integers(2) else torch.from_numpy(kernels).float(), int(rng.integers(1000))), {"kernels": shape_of(kernels)}


def shape_of(kernels):
    """What the message of a refusal may show of kernels: their shape, one of its numbers, or how many axes they have."""
    return [tuple(kernels.shape), *kernels.shape, kernels.ndim]


@reference(draw=_draw_install_filters, refused=_refused_install_filters, probe=probes.installed, libraries=("*",))
def install_filters(model, kernels):
    conv1 = model.conv1
    kernels = torch.as_tensor(kernels, dtype=conv1.weight.dtype)
    if kernels.ndim != 3 or len(kernels) > conv1.out_channels or kernels.shape[1:] != conv1.weight.shape[2:]:
        raise ValueError(f"kernels of shape {tuple(kernels.shape)} do not fit into conv1's weight of shape {tuple(conv1.weight.shape)}")
    with torch.no_grad():
        conv1.weight[: len(kernels)] = kernels[:, None] / conv1.in_channels
        conv1.bias.zero_()
    conv1.requires_grad_(False)


def _draw_train_simple_cnn(rng):
    count, epochs = int(rng.integers(53, 66)), int(rng.integers(3, 5))
    return *probes.easy_pictures(count, (8, 6), int(rng.integers(1000))), epochs, int(rng.integers(1000))


@reference(draw=_draw_train_simple_cnn, probe=probes.recipe, libraries=("*",))
def train_simple_cnn(images, labels, epochs, seed):
    torch.manual_seed(seed)
    model = SimpleCNN.function(10)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    before, losses = get_filters.function(model), []
    for _ in range(epochs):
        order = torch.randperm(len(images)).split(16)
        losses.append(train_epoch.function(model, [(images[places], labels[places]) for places in order], optimizer))
    accuracy = evaluate.function(model, [(images, labels)])
    return {"before": before, "after": get_filters.function(model), "losses": losses, "accuracy": accuracy}


def mixed_patches(rng, n=300, shape=(3, 2, 2)):
    """Patches `(n, c, k, k)` whose pixels vary together, around a bright mean; float64, values of about 0 to 1."""
    size = int(np.prod(shape))
    directions = np.linalg.qr(rng.normal(size=(size, size)))[0]
    patches = rng.normal(size=(n, size)) * np.geomspace(0.03, 0.2, size) @ directions.T
    return (patches + rng.random(size)).reshape(n, *shape)


def _draw_whitening_filters(rng):
    patches = mixed_patches(rng, int(rng.integers(200, 400)), (int(rng.integers(1, 4)), *[int(rng.integers(2, 4))] * 2))
    kind = rng.integers(4)
    if kind == 0:
        return (np.clip(patches * 120 + 60, 0, 255).astype(np.uint8),)
    if kind == 1:
        patches[:, 0, 0, 0] = 0.5  # a pixel that never changes: one variance is 0
        return patches * 5, 1e-5
    patches = torch.from_numpy(patches)
    return patches if kind == 2 else patches.float(), 1e-7


@reference(draw=_draw_whitening_filters, probe=probes.whitened, libraries=("*",), tolerance=0.03)
def whitening_filters(patches, eps=1e-3):
    n, c, k, _ = patches.shape
    x = torch.as_tensor(patches).double().reshape(n, -1)
    x = x - x.mean(dim=0)
    variances, directions = torch.linalg.eigh(x.T @ x / n)
    return ((directions / (variances.clamp(min=0) + eps).sqrt()).T).reshape(-1, c, k, k)
