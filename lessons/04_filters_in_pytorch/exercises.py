# %% [markdown]
# # Exercises 04 · Filters in PyTorch
#
# A small network, its filters, and the loop that trains them: eight functions and classes you will write again in every project, and one
# written answer. Each exercise says what is asked, works one example on paper, and is followed by test cells. **Run a test cell: silence
# means right.** Otherwise it says what was expected, what came, and where to look.
#
# - PyTorch, NumPy and Python's standard library are all you need. Any library is allowed, except this course's own.
# - Pictures are float tensors `(n, c, h, w)`, labels whole numbers `(n,)`. A batch is a pair of both.
# - Where a function gives a `float`, that is a Python number: `.item()` takes it out of a tensor.
# - You may call your own functions from the exercises above.
#
# About 90 minutes. The lecture is [04_filters_in_pytorch](../../notebooks/04_filters_in_pytorch.ipynb).

# %%
from collections.abc import Iterable

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from filterlab import images, kernels, show
from filterlab.check import expect, many, many_refused, random_filters, random_seed
from filterlab.check.probes import pytorch_filters as probes
from filterlab.check.references import pytorch_filters as reference

# %% [markdown]
# ## Exercise: the network · `SimpleCNN`
#
# One convolution and what it takes to decide with it:
#
# - `conv1` is `Conv2d(3, 6, kernel_size=3, padding=1)`: six filters for colour pictures;
# - `features(x)` gives its maps after a ReLU, `(n, 6, h, w)`;
# - `forward(x)` gives one **score** for each class, `(n, classes)`, for pictures of any size from 4×4 on. Scores are plain numbers of
#   either sign. They need not add up to 1: cross-entropy takes care of that.
#
# What stands between the maps and the scores is yours: pool them to a fixed size, flatten, and one linear layer is enough.
#
# On paper: a picture of 5×7 gives six maps of 5×7. Pooled to 4×4 and flattened, these are 6 · 4 · 4 = **96** numbers.

# %% solution="SimpleCNN"
class SimpleCNN(nn.Module):
    """One layer of six 3×3 filters, ReLU, and a score for each class; for pictures of any size from 4×4 on."""

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        ### BEGIN SOLUTION
        self.conv1 = nn.Conv2d(3, 6, kernel_size=3, padding=1)
        self.pool = nn.AdaptiveMaxPool2d(4)
        self.head = nn.Linear(6 * 4 * 4, classes)
        ### END SOLUTION

    def features(self, x: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n 6 h w"]:
        """The maps of conv1, after ReLU."""
        ### BEGIN SOLUTION
        return F.relu(self.conv1(x))
        ### END SOLUTION

    def forward(self, x: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n classes"]:
        """One score for each picture and class, not normalised."""
        ### BEGIN SOLUTION
        return self.head(self.pool(self.features(x)).flatten(1))
        ### END SOLUTION


# %% test="SimpleCNN_conv1" points=1
"""SimpleCNN has a conv1 with six 3×3 filters for three channels, padding 1 and a bias."""
for part in ("its conv1", "what conv1 gives"):
    expect(SimpleCNN, probes.pictures(2, 3, 5, 7)).through(probes.look_at).like(reference.SimpleCNN, only=part)

# %% test="SimpleCNN_features" points=1
"""SimpleCNN.features gives conv1's maps after ReLU, as large as the picture."""
for shape in [(2, 3, 5, 7), (1, 3, 9, 4)]:
    expect(SimpleCNN, probes.pictures(*shape)).through(probes.look_at).like(reference.SimpleCNN, only="what features gives")
### BEGIN HIDDEN TESTS
for arguments in many(reference.SimpleCNN, 4):
    expect(SimpleCNN, *arguments).through(probes.look_at).like(reference.SimpleCNN, only="what features gives")
### END HIDDEN TESTS

# %% test="SimpleCNN_scores" points=2
"""SimpleCNN gives plain scores, one for each class, for pictures of any size from 4×4 on, and conv1 can learn from them."""
for shape, classes in [((2, 3, 5, 7), None), ((1, 3, 4, 4), 3), ((3, 3, 33, 20), 12)]:
    expect(SimpleCNN, probes.pictures(*shape), classes).through(probes.look_at).like(reference.SimpleCNN)
### BEGIN HIDDEN TESTS
for arguments in many(reference.SimpleCNN, 6):
    expect(SimpleCNN, *arguments).through(probes.look_at).like(reference.SimpleCNN)
### END HIDDEN TESTS

# %% [markdown]
# <details><summary>Hint</summary><code>nn.AdaptiveMaxPool2d(4)</code> makes 4×4 maps of maps of any size. <code>flatten(1)</code> keeps the
# first axis, the pictures.</details>
#
# <details><summary>Where this bites in real life</summary>A softmax at the end of <code>forward</code> is the quietest bug of all:
# <code>cross_entropy</code> applies its own on top, the network still learns, only slowly and to a worse accuracy, and nothing ever
# complains.</details>

# %% [markdown]
# ## Exercise: how many numbers? · `conv_parameters`
#
# Count what a `Conv2d` has to learn: the weights of all its filters, and one bias for each filter if it has any. `kernel_size` is one int
# or a pair `(rows, columns)`.
#
# On paper: `conv1` has 6 filters, each with 3 slices of 3×3, which is 6 · 27 = 162 weights; with 6 biases **168** numbers.

# %% solution="conv_parameters"
def conv_parameters(in_channels: int, out_channels: int, kernel_size: int | tuple[int, int], bias: bool = True) -> int:
    """How many numbers a Conv2d with these settings learns."""
    ### BEGIN SOLUTION
    rows, columns = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    per_filter = in_channels * rows * columns + (1 if bias else 0)
    return out_channels * per_filter
    ### END SOLUTION


# %% test="conv_parameters_example" points=1
"""conv_parameters gives the numbers worked out on paper, with and without bias."""
expect(conv_parameters, 3, 6, 3).equals(168)
expect(conv_parameters, 3, 6, 3, bias=False).equals(162)
### BEGIN HIDDEN TESTS
for filters in (2, 5, 9):
    expect(conv_parameters, 3, filters, 3).like(reference.conv_parameters)
### END HIDDEN TESTS

# %% test="conv_parameters_any" points=1
"""conv_parameters is right for any number of channels and filters, and for pairs."""
for settings in [(1, 1, 1), (64, 128, 3, False), (3, 64, 7), (5, 4, (3, 2)), (2, 7, (1, 5), False), (4, 9, [2, 3])]:
    expect(conv_parameters, *settings).like(reference.conv_parameters)
### BEGIN HIDDEN TESTS
for arguments in many(reference.conv_parameters, 40):
    expect(conv_parameters, *arguments).like(reference.conv_parameters)
### END HIDDEN TESTS

# %% [markdown]
# ## Exercise: take the filters out · `get_filters`
#
# Give the weights of `model.conv1` as a tensor `(6, 3, 3, 3)` that is yours alone: a copy, on the CPU, without gradients, and no matter how
# long the model goes on learning, it stays what it was. The model itself stays as it is, too.
#
# On paper: if you take them out, and a step of training then adds 1 to every weight, yours must still be the old ones.

# %% solution="get_filters"
def get_filters(model: nn.Module) -> Float[Tensor, "6 3 3 3"]:
    """A copy of conv1's filters on the CPU, without gradients, that later training does not change."""
    ### BEGIN SOLUTION
    return model.conv1.weight.detach().cpu().clone()
    ### END SOLUTION


# %% test="get_filters_values" points=1
"""get_filters gives the six filters of conv1 as they are: a tensor, all channels, signs and all."""
for seed in range(3):
    expect(get_filters, seed).through(probes.filters_of).like(reference.get_filters, only="the result")

# %% test="get_filters_copy" points=1
"""get_filters gives a copy that needs no gradients and that later training does not change; the model can go on learning."""
expect(get_filters).through(probes.filters_of).like(reference.get_filters)
### BEGIN HIDDEN TESTS
for arguments in many(reference.get_filters, 8):
    expect(get_filters, *arguments).through(probes.filters_of).like(reference.get_filters)
### END HIDDEN TESTS

# %% [markdown]
# <details><summary>Where this bites in real life</summary>"My filters do not change in training": the picture taken before and the picture
# taken after look alike, because both show the <i>same</i> memory. <code>.detach()</code>, <code>.data</code> and <code>.numpy()</code> are
# windows, not copies.</details>

# %% [markdown]
# Six random filters, as a new network has them. Each has three slices, one for each colour; here is the first filter, slice by slice.

# %%
torch.manual_seed(0)
first = get_filters(SimpleCNN())[0].numpy()
show.row([show.kernel(weights, title=colour) for weights, colour in zip(first, ["red", "green", "blue"], strict=True)])

# %% [markdown]
# ## Exercise: learn for one epoch · `train_epoch`
#
# One pass over the pictures: put the model in training mode; for each batch compute the cross-entropy of its scores, the gradients, and let
# the optimizer make one step. `batches` is any iterable of `(pictures, labels)`, and can be read only once.
#
# Give the mean loss per **picture**, each measured before its batch's step. The last batch may be smaller, and its pictures count as
# much as all others.
#
# On paper: a batch of 4 with mean loss 2.0, then a batch of 1 with loss 1.0. That is (4 · 2 + 1 · 1) / 5 = **1.8**, not 1.5.

# %% solution="train_epoch"
def train_epoch(
    model: nn.Module, batches: Iterable[tuple[Float[Tensor, "n c h w"], Int[Tensor, "n"]]], optimizer: torch.optim.Optimizer
) -> float:
    """Trains the model for one pass over the batches, with cross-entropy; gives the mean loss per picture."""
    ### BEGIN SOLUTION
    model.train()
    total, count = 0.0, 0
    for pictures, labels in batches:
        loss = F.cross_entropy(model(pictures), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(labels)
        count += len(labels)
    return total / count
    ### END SOLUTION


# %% test="train_epoch_learns" points=1
"""train_epoch makes one step for each batch, and the model has the right weights afterwards."""
for sizes, optimizer in [((5,), "sgd"), ((4, 4), "sgd"), ((3, 3, 3), "momentum")]:
    expect(train_epoch, sizes, optimizer).through(probes.one_epoch).like(reference.train_epoch)

# %% test="train_epoch_loss" points=1
"""train_epoch gives the mean loss per picture as a Python number, also where the last batch is smaller."""
for sizes in [(4, 1), (6, 6, 2), (5, 4, 3)]:
    expect(train_epoch, sizes, "momentum").through(probes.one_epoch).like(reference.train_epoch)

# %% test="train_epoch_mode" points=1
"""train_epoch trains in training mode, whatever mode the model was in."""
for training in (True, False):
    expect(train_epoch, (5, 5, 3), "sgd", norm=True, training=training).through(probes.one_epoch).like(reference.train_epoch)
### BEGIN HIDDEN TESTS
for arguments in many(reference.train_epoch, 16):
    expect(train_epoch, *arguments).through(probes.one_epoch).like(reference.train_epoch)
### END HIDDEN TESTS

# %% [markdown]
# <details><summary>Hint</summary><code>F.cross_entropy(scores, labels)</code> is the mean over the batch. Multiply it by the number
# of labels to have the sum, add up, and divide once, at the end.</details>
#
# <details><summary>Where this bites in real life</summary>Without <code>zero_grad</code> each step goes along the sum of all gradients so
# far. The loss still falls for a while, as with a wild momentum, so the printed numbers look fine.</details>

# %% [markdown]
# ## Exercise: how good is it? · `evaluate`
#
# Give the share of pictures, from 0 to 1, whose largest score is that of their label. Evaluate in eval mode, without recording gradients,
# and leave the model in the mode you found it in. Again, `batches` can be read only once.
#
# On paper: 3 of 4 right in the first batch, 0 of 1 in the second: 3 / 5 = **0.6**. The mean of 0.75 and 0 would be 0.375.

# %% solution="evaluate"
def evaluate(model: nn.Module, batches: Iterable[tuple[Float[Tensor, "n c h w"], Int[Tensor, "n"]]]) -> float:
    """The share of pictures that the model recognises, in eval mode; leaves the model in the mode it found it in."""
    ### BEGIN SOLUTION
    training = model.training
    model.eval()
    right, count = 0, 0
    with torch.no_grad():
        for pictures, labels in batches:
            right += (model(pictures).argmax(dim=1) == labels).sum().item()
            count += len(labels)
    model.train(training)
    return right / count
    ### END SOLUTION


# %% test="evaluate_accuracy" points=1
"""evaluate gives the share of right pictures as a Python number, also where the last batch is smaller."""
for seed, sizes in enumerate([(9,), (6, 1), (7, 7, 3), (5, 5, 5, 2)]):
    expect(evaluate, sizes, training=False, seed=seed).through(probes.accuracy_of).like(reference.evaluate, only="the result")

# %% test="evaluate_mode" points=1
"""evaluate works in eval mode, without gradients, and leaves the model as it was, in whatever mode."""
for seed in range(2):
    for training in (True, False):
        expect(evaluate, (8, 8, 3), training, seed=seed).through(probes.accuracy_of).like(reference.evaluate)
### BEGIN HIDDEN TESTS
for arguments in many(reference.evaluate, 16):
    expect(evaluate, *arguments).through(probes.accuracy_of).like(reference.evaluate)
### END HIDDEN TESTS

# %% [markdown]
# <details><summary>Where this bites in real life</summary>An <code>evaluate</code> that leaves the model in eval mode switches
# dropout off and freezes batch norm's statistics for all epochs that follow. The symptom comes much later: "my network
# overfits".</details>

# %% [markdown]
# ## Exercise: your own filters · `install_filters`
#
# Write hand-made filters into a network. `kernels` is an array or tensor `(k, 3, 3)` with k up to 6:
#
# - the first k filters of `conv1` get them: the same slice for all three input channels, divided by the number of channels;
# - the other filters keep their weights;
# - the whole bias of `conv1` becomes zero, and all of `conv1` is frozen: training does not change it. The other layers still learn.
#
# Raise `ValueError`, naming kernels with its shape, if it does not fit, and leave the model as it is then.
#
# On paper: a kernel with a 6 in its centre becomes three slices with a **2** there. On a grey picture, where all channels are equal, their
# sum answers as the kernel itself would.

# %% solution="install_filters"
def install_filters(model: nn.Module, kernels: Float[np.ndarray, "k 3 3"] | Float[Tensor, "k 3 3"]) -> None:
    """Writes kernels into the first filters of model.conv1, sets its bias to zero and freezes it.

    Raises ValueError, naming kernels and its shape, before anything is changed.
    """
    ### BEGIN SOLUTION
    conv1 = model.conv1
    kernels = torch.as_tensor(kernels, dtype=conv1.weight.dtype)
    if kernels.ndim != 3 or len(kernels) > conv1.out_channels or kernels.shape[1:] != conv1.weight.shape[2:]:
        raise ValueError(f"kernels of shape {tuple(kernels.shape)} do not fit, expected (k, 3, 3) with k up to {conv1.out_channels}")
    with torch.no_grad():
        conv1.weight[: len(kernels)] = kernels[:, None] / conv1.in_channels  # (k, 1, 3, 3): the same for every channel
        conv1.bias.zero_()
    conv1.requires_grad_(False)
    ### END SOLUTION


# %% test="install_filters_weights" points=1
"""install_filters writes arrays or tensors into the first filters, for all channels, and leaves the other filters alone."""
for k in (1, 3, 6):
    given = random_filters(k, 3, 3)
    expect(install_filters, given).through(probes.installed).like(reference.install_filters, only="conv1.weight")
    expect(install_filters, torch.from_numpy(given).float()).through(probes.installed).like(reference.install_filters, only="conv1.weight")

# %% test="install_filters_frozen" points=1
"""install_filters sets the whole bias to zero and freezes conv1, but no other layer."""
expect(install_filters, random_filters(2, 3, 3)).through(probes.installed).like(reference.install_filters)
### BEGIN HIDDEN TESTS
for arguments in many(reference.install_filters, 12):
    expect(install_filters, *arguments).through(probes.installed).like(reference.install_filters)
### END HIDDEN TESTS

# %% test="install_filters_refuses" points=1
"""install_filters raises ValueError for kernels that do not fit, and leaves the model as it is."""
for shape in [(7, 3, 3), (2, 5, 5), (2, 1, 1), (3, 3), (4, 1, 3, 3)]:
    given = random_filters(*shape)
    naming = {"kernels": reference.shape_of(given)}
    expect(install_filters, given).through(probes.installed).raises(ValueError, naming=naming)
    expect(install_filters, given).through(probes.after_refusal).like(reference.install_filters)
### BEGIN HIDDEN TESTS
for arguments, naming in many_refused(reference.install_filters, 20):
    expect(install_filters, *arguments).through(probes.installed).raises(ValueError, naming=naming)
    expect(install_filters, *arguments).through(probes.after_refusal).like(reference.install_filters)
### END HIDDEN TESTS

# %% [markdown]
# <details><summary>Hint</summary>Weights that need gradients may not be written to, unless under <code>torch.no_grad()</code>. Watch
# the shapes before: <code>(1, 3)</code> or even <code>(1, 1)</code> is stretched to <code>(3, 3)</code> without a word.</details>
#
# A network that has learned nothing can see edges all the same, with Sobel's filters in its first layer:

# %%
model = SimpleCNN()
install_filters(model, np.stack([kernels.sobel_x, kernels.sobel_y]))
grey = torch.from_numpy(images.photograph("hopper", size=240)).float()
maps = model.features(grey.expand(1, 3, -1, -1))[0].numpy()
show.row([show.response(one, title=title) for one, title in zip(maps, ["brighter to the right", "brighter below"], strict=False)])

# %% [markdown]
# ## Exercise: the whole recipe · `train_simple_cnn`
#
# Put it together: a `SimpleCNN` for ten classes, an optimizer, mini-batches, epochs. Images `(n, 3, h, w)` and labels from 0 to 9
# come as two tensors. The optimizer, its learning rate and the size of the batches are yours. Give a dict with
#
# - `before` and `after`: the filters before and after training;
# - `losses`: a list with the mean loss per picture of each epoch;
# - `accuracy`: on the given pictures, after training.
#
# `seed` decides everything that is random: the same seed gives the same result whatever happened before, another seed gives other
# filters. On easy pictures the last loss must be below the first.
#
# On paper: 61 pictures in batches of 16 are three batches of 16 and one of **13**.

# %% solution="train_simple_cnn"
def train_simple_cnn(images: Float[Tensor, "n 3 h w"], labels: Int[Tensor, "n"], epochs: int, seed: int) -> dict:
    """Trains a new SimpleCNN; gives its filters `before` and `after`, the `losses` of the epochs and the `accuracy` on the given data."""
    ### BEGIN SOLUTION
    torch.manual_seed(seed)
    model = SimpleCNN(10)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    before, losses = get_filters(model), []
    for _ in range(epochs):
        order = torch.randperm(len(images)).split(16)
        losses.append(train_epoch(model, ((images[places], labels[places]) for places in order), optimizer))
    accuracy = evaluate(model, zip(images.split(256), labels.split(256), strict=True))
    return {"before": before, "after": get_filters(model), "losses": losses, "accuracy": accuracy}
    ### END SOLUTION


# %% test="train_simple_cnn_learns" points=1
"""train_simple_cnn gives what is asked for: filters before and after, a falling loss for every epoch, and the accuracy."""
expect(train_simple_cnn, *probes.easy_pictures(59), 12).through(probes.recipe).like(reference.train_simple_cnn)

# %% test="train_simple_cnn_seed" points=1
"""train_simple_cnn gives the same for the same seed, and other filters for another."""
expect(train_simple_cnn, *probes.easy_pictures(43), 10, seed=7).through(probes.recipe).like(reference.train_simple_cnn)
### BEGIN HIDDEN TESTS
for arguments in many(reference.train_simple_cnn, 1):
    expect(train_simple_cnn, *arguments).through(probes.recipe).like(reference.train_simple_cnn)
### END HIDDEN TESTS

# %% [markdown]
# <details><summary>Hint</summary><code>torch.randperm(n)</code> shuffles, and <code>.split(16)</code> cuts it into batches. Set the
# seed before the model is built: its random start is the first thing that is random.</details>
#
# What did the filters learn from patches of four colours? The first filter before and after, on one scale:

# %%
trained = train_simple_cnn(*probes.easy_pictures(), epochs=40, seed=0)
print(f"loss {trained['losses'][0]:.2f} → {trained['losses'][-1]:.2f}, accuracy {trained['accuracy']:.0%}")
slices = [trained[when][0, channel].numpy() for when in ("before", "after") for channel in range(3)]
titles = [f"{colour}, {when}" for when in ("before", "after") for colour in ("red", "green", "blue")]
show.gallery([show.kernel(weights, title=title) for weights, title in zip(slices, titles, strict=True)], columns=3)

# %% [markdown]
# ## Exercise: a first layer without training · `whitening_filters`
#
# Neighbouring pixels are alike, which makes learning slow (lesson 03). Filters can undo it. Take many patches `(n, c, k, k)`,
# subtract the mean patch, and find c·k·k filters whose responses to the centred patches have variance 1 each and do not vary
# together: their covariance is the identity.
#
# Recipe: flatten the patches, compute their covariance (mean of products), and its eigenvectors. Each eigenvector, divided by
# √(eigenvalue + eps), is a filter. Any other way that whitens is as good. `eps` keeps the filters finite where patches do not vary at all.
#
# Patches are arrays or tensors; whole numbers (`uint8`) are taken as they are, 0 to 255. Give the filters as `(c·k·k, c, k, k)`, array or
# tensor.
#
# On paper: patches of a single pixel, half of them 1 and half 5. Centred they are -2 and 2, their variance is 4, and the only filter
# is 1 / √4 = **0.5** (or -0.5): it answers -1 and 1.

# %% solution="whitening_filters"
def whitening_filters(
    patches: Float[np.ndarray, "n c k k"] | Float[Tensor, "n c k k"], eps: float = 1e-3
) -> Float[Tensor, "c*k*k c k k"]:
    """Filters whose responses to the centred patches have covariance ≈ identity where every variance is far above eps."""
    ### BEGIN SOLUTION
    _, c, k, _ = patches.shape
    flat = torch.as_tensor(patches).double().flatten(1)  # (n, c·k·k)
    flat = flat - flat.mean(dim=0)
    variances, directions = torch.linalg.eigh(flat.T @ flat / len(flat))  # directions are columns
    filters = (directions / (variances.clamp(min=0) + eps).sqrt()).T
    return filters.reshape(-1, c, k, k)
    ### END SOLUTION


# %% test="whitening_filters_white" points=2
"""whitening_filters gives filters whose responses have variance 1 and do not vary together, for arrays and tensors."""
for shape in [(1, 2, 2), (3, 2, 2), (2, 3, 3)]:
    patches = reference.mixed_patches(np.random.default_rng(random_seed()), 300, shape)
    expect(whitening_filters, patches, 1e-7).through(probes.whitened).like(reference.whitening_filters)
    expect(whitening_filters, torch.from_numpy(patches).float(), 1e-7).through(probes.whitened).like(reference.whitening_filters)
pairs = np.array([[1.0, 1], [1, 5], [5, 1], [5, 5]] * 50).reshape(-1, 2, 1, 1)  # two channels, each as on paper
expect(whitening_filters, pairs, 1e-7).through(probes.whitened).like(reference.whitening_filters)

# %% test="whitening_filters_edge_cases" points=1
"""whitening_filters takes whole numbers, and gives finite filters where patches do not vary or are few."""
patches = reference.mixed_patches(np.random.default_rng(random_seed()), 300, (2, 2, 2))
whole = np.clip(patches * 120 + 60, 0, 255).astype(np.uint8)
expect(whitening_filters, whole).through(probes.whitened).like(reference.whitening_filters)
expect(whitening_filters, torch.from_numpy(whole)).through(probes.whitened).like(reference.whitening_filters)
expect(whitening_filters, np.full((9, 2, 2, 2), 0.5), 1e-3).through(probes.stays_finite).like(reference.whitening_filters)
expect(whitening_filters, patches[:3], 1e-3).through(probes.stays_finite).like(reference.whitening_filters)
### BEGIN HIDDEN TESTS
for arguments in many(reference.whitening_filters, 24):
    expect(whitening_filters, *arguments).through(probes.whitened).like(reference.whitening_filters)
### END HIDDEN TESTS

# %% [markdown]
# <details><summary>Where this bites in real life</summary>Without <code>eps</code>, a direction in which pictures hardly vary, such as
# the checkerboard of single pixels, is amplified a thousandfold. What comes out of such a filter is the camera's noise.</details>
#
# Your whitening filters for a photograph, from a patch at every fifth place, each drawn on its own scale. How far the largest weights
# differ shows how unevenly a photograph varies: what hardly varies must be amplified most.

# %%
photograph = torch.from_numpy(images.photograph("hopper", size=240))[None, None]
patches = F.unfold(photograph, 3, stride=5)[0].T.reshape(-1, 1, 3, 3)
filters = whitening_filters(patches)
weights = np.asarray(filters.detach() if isinstance(filters, Tensor) else filters)[:, 0]
show.gallery([show.kernel(one / abs(one).max(), title=f"largest weight {abs(one).max():.3g}") for one in weights], columns=3)

# %% [markdown]
# ## In your own words · `why_not_learned_yet`
#
# Somebody builds `model = SimpleCNN()`, draws `model.conv1.weight` with `imshow`, sees spots of bright and dark, and writes: "these are the
# edge detectors that the network has learned". What is wrong with that, and what would you have to show instead? Name two things at least.
# Three to five sentences.

# %% [markdown] answer="why_not_learned_yet" points=3
# ### BEGIN SOLUTION
# The network has not seen a single picture: what is drawn are the random numbers that PyTorch starts with, and another seed would
# give other spots. People see patterns in random 3×3 squares easily; some random filters even resemble edge detectors.
#
# To claim that something was learned, show the same filters before and after training, on one signed scale with zero in grey
# (`imshow` clips negative numbers of a colour picture, or stretches each picture on its own, so that signs and sizes are lost). Take
# the "before" as a copy, for a view of the weights would change with training. And compare what the filters are worth: the accuracy
# of the trained network against one whose first layer stayed random.
#
# *Mark scheme (3 points): 1 for "untrained: these are the random starting numbers"; 1 for a comparison before/after, or with other
# seeds, or with random filters (from copies); 1 for how to draw them (signed, zero in the middle, one scale) or how to measure what
# was learned.*
# ### END SOLUTION
