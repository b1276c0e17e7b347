# %% [markdown]
# # Exercises 05 · What the filters see
#
# Eight tools that look into a network, each a few lines long, and one written answer. Each exercise says what is asked, works one example
# on paper, and is followed by test cells. **Run a test cell: silence means right.** Otherwise it says what was expected, what came, and
# where to look.
#
# - Any library is allowed, except this course's own. PyTorch and Python's standard library are all you need.
# - Pictures are tensors `(n, c, h, w)`, filters `(n, c, k, k)`; models are in eval mode unless an exercise says otherwise.
# - A tool that looks must not touch: the model you are given stays as it is, with its weights, gradients, mode and hooks.
# - You may call your own functions from the exercises above.
#
# About 100 minutes. The lecture is [05_visualizing_filters](../../notebooks/05_visualizing_filters.ipynb).

# %%
import copy
import math

import numpy as np
import torch
from jaxtyping import Float, Int, Real
from torch import Tensor, nn
from torch.nn import functional as F

from filterlab import images, kernels, show
from filterlab.check import expect, many, many_refused, random_seed
from filterlab.check.probes import visualizing as probes
from filterlab.check.probes.common import pictures
from filterlab.check.references import visualizing as reference

# %% [markdown]
# ## Exercise: weights as brightness · `to_display`
#
# Bring filters into the range of a picture without lying about their signs: `filters` is a tensor `(n, …)` with any number of axes and of
# any real dtype, and each weight w becomes
#
# $$ 0.5 + 0.5 \, \frac{w}{m} $$
#
# where m is the largest **magnitude** of all filters or, with `per_filter=True`, of each filter on its own. So 0 is grey, positive
# weights are brighter, negative ones darker. Where all weights are 0, everything is 0.5.
#
# On paper: the filters (3, -4) and (0, 1). The largest magnitude is 4, so they become (**0.875, 0**) and (**0.5, 0.625**). Per filter, the
# second one becomes (0.5, 1).

# %% solution="to_display"
def to_display(filters: Real[Tensor, "n *rest"], per_filter: bool = False) -> Float[Tensor, "n *rest"]:
    """Filters in [0, 1]: zero is 0.5, the largest magnitude (of all, or of each filter) is 0 or 1; zeros give 0.5."""
    ### BEGIN SOLUTION
    filters = filters if filters.is_floating_point() else filters.float()
    magnitude = filters.abs().flatten(1) if filters.ndim > 1 else filters.abs()[:, None]
    largest = magnitude.amax(dim=1) if per_filter else magnitude.amax().expand(len(filters))
    largest = largest.reshape(-1, *[1] * (filters.ndim - 1))  # (n, 1, …)
    return 0.5 + 0.5 * filters / torch.where(largest == 0, 1, largest)
    ### END SOLUTION


# %% test="to_display_shared" points=1
"""to_display brings all filters to one scale with 0 at 0.5, and gives the numbers worked out on paper."""
expect(to_display, torch.tensor([[3.0, -4], [0, 1]])).equals([[0.875, 0], [0.5, 0.625]])
for filters in [3 * pictures(4, 3, 2, 5) - 2, pictures(3, 2, 2, 2) / 10, -pictures(5, 3, 3)]:
    expect(to_display, filters).like(reference.to_display)

# %% test="to_display_per_filter" points=1
"""to_display with per_filter=True gives each filter its own scale, whatever its number of axes."""
expect(to_display, torch.tensor([[3.0, -4], [0, 1]]), per_filter=True).equals([[0.875, 0], [0.5, 1]])
for shape in [(4, 3, 2, 5), (3, 4, 4), (6, 2), (5,)]:
    expect(to_display, 3 * pictures(*shape) - 2, per_filter=True).like(reference.to_display)

# %% test="to_display_edge_cases" points=1
"""to_display gives 0.5 for zeros, and takes whole numbers."""
for per_filter in (False, True):
    expect(to_display, torch.zeros(2, 3, 2, 2), per_filter).like(reference.to_display)
    expect(to_display, torch.tensor([[0.0, 0], [3, -1]]), per_filter).like(reference.to_display)
    expect(to_display, torch.tensor([[250, 0], [90, 200]], dtype=torch.uint8), per_filter).like(reference.to_display)
### BEGIN HIDDEN TESTS
for arguments in many(reference.to_display, 40):
    expect(to_display, *arguments).like(reference.to_display)
### END HIDDEN TESTS

# %% [markdown]
# <details><summary>Hint</summary><code>flatten(1)</code> makes one row of each filter, whatever its shape; its largest magnitude needs as
# many axes as the filters again before it can divide them. <code>torch.where(m == 0, 1, m)</code> is a divisor that is never 0.</details>
#
# <details><summary>Where this bites in real life</summary><code>make_grid(normalize=True)</code> and <code>imshow</code> stretch from the
# smallest to the largest weight. Zero is then some grey or other, and a filter that only has negative weights looks as bright as
# one that only has positive ones.</details>

# %% [markdown]
# ## Exercise: all filters in one picture · `filter_grid`
#
# Lay filters `(n, 3, k, k)` out in rows of `columns`, the first in the upper left corner, the second to its right. Their weights go
# through `to_display` on one shared scale. Between the filters, and all around, runs a white gap (1.0) of `gap` pixels; places in the last
# row that have no filter are white, too.
#
# Give a float tensor with the colours last, as `imshow` wants it: `(rows·(k + gap) + gap, columns·(k + gap) + gap, 3)`. There are as
# many rows as it takes.
#
# On paper: five filters of 3×3 in two columns with a gap of 1 take three rows: 3 · 4 + 1 = **13** pixels high, 2 · 4 + 1 = **9** wide.

# %% solution="filter_grid"
def filter_grid(filters: Float[Tensor, "n 3 k k"], columns: int, gap: int = 1) -> Float[Tensor, "height width 3"]:
    """The filters, row by row, on one scale with zero in grey; gaps and unused places are white."""
    ### BEGIN SOLUTION
    n, _, k, _ = filters.shape
    rows, step = math.ceil(n / columns), k + gap
    grid = torch.ones(rows * step + gap, columns * step + gap, 3)
    for place, tile in enumerate(to_display(filters)):
        row, column = divmod(place, columns)
        top, left = row * step + gap, column * step + gap
        grid[top : top + k, left : left + k] = tile.permute(1, 2, 0)  # (k, k, 3)
    return grid
    ### END SOLUTION


# %% test="filter_grid_one" points=1
"""filter_grid puts a white gap around a filter, and the colours last."""
one = 2 * pictures(1, 3, 3, 3) - 1
expect(filter_grid, one, 1).like(reference.filter_grid)
expect(filter_grid, one, 1, 0).like(reference.filter_grid)
expect(filter_grid, one, 1, gap=3).like(reference.filter_grid)

# %% test="filter_grid_rows" points=1
"""filter_grid lays filters out row by row, on one scale, and leaves unused places white."""
filters = (2 * pictures(5, 3, 3, 3) - 1) * torch.tensor([1.0, 0.2, 3, 0.5, 2])[:, None, None, None]
for columns, gap in [(5, 1), (2, 1), (3, 2), (1, 0), (7, 1), (4, 3)]:
    expect(filter_grid, filters, columns, gap).like(reference.filter_grid)
### BEGIN HIDDEN TESTS
for arguments in many(reference.filter_grid, 30):
    expect(filter_grid, *arguments).like(reference.filter_grid)
### END HIDDEN TESTS

# %% [markdown]
# <details><summary>Hint</summary>Start from a tensor full of ones and write the filters into it. <code>divmod(place, columns)</code> is row
# and column of a filter; every row of the layout takes k + gap pixels.</details>
#
# <details><summary>Where this bites in real life</summary>A picture with one scale per filter makes a dead filter, whose weights are all
# near zero, look as lively as its neighbours. The shared scale shows it as what it is: flat grey.</details>
#
# Sobel's filter for red minus green, at eight angles and three strengths:

# %%
steered = torch.tensor(np.array([kernels.steer(math.radians(degrees)) for degrees in range(0, 360, 45)])).float()
colours = steered[:, None] * torch.tensor([1.0, -1, 0])[:, None, None]
grid = filter_grid(torch.cat([colours, colours / 2, colours / 8]), columns=8)
show.picture(grid.permute(2, 0, 1).numpy(), "red minus green: strength 1, 1/2, 1/8")

# %% [markdown]
# ## Exercise: listen to a layer · `feature_maps`
#
# Give what the part of `model` called `layer` answers when the model sees `x`. The name may have dots: `"block.conv"` is the `conv`
# inside `block`.
#
# - The maps are yours: a copy, without gradients, **as the layer gave it**. Often the next layer is a ReLU that works in place, and changes
#   the very tensor that your hook got hold of.
# - The model runs as it is, in the mode it is in. A layer that runs more than once counts with its last run.
# - No hook stays behind, even if the model stops with an error (which goes on to the caller).
# - For a name that the model does not have, raise `ValueError`.
#
# On paper: a filter of the single weight 2, bias -1, then an in-place ReLU. For the pixels 0 and 3 the filter gives **-1** and **5**; the
# ReLU makes 0 and 5 of it.

# %% solution="feature_maps"
def feature_maps(model: nn.Module, layer: str, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n channels height width"]:
    """A detached copy of what the submodule called layer gives for x, as it gives it. Raises ValueError for an unknown name."""
    ### BEGIN SOLUTION
    modules = dict(model.named_modules())
    if layer not in modules:
        raise ValueError(f"layer={layer!r} is not one of {', '.join(modules)}")
    kept = []
    handle = modules[layer].register_forward_hook(lambda module, inputs, output: kept.append(output.detach().clone()))
    try:
        with torch.no_grad():
            model(x)
    finally:
        handle.remove()
    return kept[-1]
    ### END SOLUTION


# %% test="feature_maps_values" points=1
"""feature_maps gives what a layer gave, before anything that comes later changes it."""
for layer in ("conv1", "block.conv", "block.norm", "mix", "relu", "block"):
    expect(feature_maps, layer, pictures(2, 3, 5, 7)).through(probes.maps_of).like(reference.feature_maps, only="the result")
expect(feature_maps).through(probes.maps_on_paper).equals([[[[-1.0, 5.0]]]])

# %% test="feature_maps_leaves_no_trace" points=1
"""feature_maps gives maps without gradients and leaves no trace in the model, even if it stops with an error."""
for training in (False, True):
    expect(feature_maps, "conv1", pictures(1, 3, 6, 4), training).through(probes.maps_of).like(reference.feature_maps)
expect(feature_maps, "block.conv", pictures(2, 2, 5, 7)).through(probes.after_an_error).like(reference.feature_maps)

# %% test="feature_maps_refuses" points=1
"""feature_maps raises ValueError for a name that the model does not have."""
for layer in ("conv9", "block.conv9", "conv", "conv1.weight"):
    expect(feature_maps, layer, pictures(1, 3, 5, 4)).through(probes.maps_of).raises(ValueError)
### BEGIN HIDDEN TESTS
for arguments in many(reference.feature_maps, 16):
    expect(feature_maps, *arguments).through(probes.maps_of).like(reference.feature_maps)
for arguments, naming in many_refused(reference.feature_maps, 12):
    expect(feature_maps, *arguments).through(probes.maps_of).raises(ValueError, naming=naming)
### END HIDDEN TESTS

# %% [markdown]
# <details><summary>Hint</summary><code>dict(model.named_modules())</code> finds a part by its full name. <code>handle =
# part.register_forward_hook(…)</code> gives a handle; <code>try: … finally: handle.remove()</code> removes the hook come what may.
# <code>.detach()</code> alone is a window onto the same memory.</details>
#
# <details><summary>Where this bites in real life</summary>A notebook cell that registers a hook is run ten times. Now every forward pass
# runs ten hooks, each holding on to its maps, and the memory is full by the afternoon.</details>

# %% [markdown]
# ## Exercise: what excites a filter · `top_patches`
#
# Where did a filter answer most, and what stood there? `maps` are a layer's maps `(n, channels, h', w')` of `images` `(n, c, h, w)`. Its
# filters look through windows of `size`×`size` pixels, with this `stride` and this zero `padding`.
#
# Find the k largest values of `maps[:, channel]` among all pictures, and give the windows they came from, the largest value first:
# `(k, c, size, size)`. Windows that reach into the padding show its zeros. For equal values, any order will do. Images may be whole
# numbers (`uint8`); these stay as they are, 0 to 255.
#
# On paper: size 3, stride 2, padding 1. The value in row 1, column 0 of a map comes from the padded rows 2 to 4 and columns 0 to 2. Without
# the padding, that is rows **1 to 3** and columns **-1 to 1** of the picture, and column -1 is zero.

# %% solution="top_patches"
def top_patches(
    maps: Float[Tensor, "n channels h' w'"],
    images: Real[Tensor, "n c h w"],
    channel: int,
    k: int,
    size: int,
    stride: int = 1,
    padding: int = 0,
) -> Real[Tensor, "k c size size"]:
    """The windows of the zero-padded images behind the k largest values of maps[:, channel], largest first."""
    ### BEGIN SOLUTION
    _, _, height, width = maps.shape
    padded = F.pad(images, (padding, padding, padding, padding))
    patches = []
    for place in maps[:, channel].flatten().topk(k).indices.tolist():
        n, place = divmod(place, height * width)
        top, left = (position * stride for position in divmod(place, width))
        patches.append(padded[n, :, top : top + size, left : left + size])
    return torch.stack(patches)
    ### END SOLUTION


# %% test="top_patches_plain" points=1
"""top_patches finds the windows of the largest values among all pictures, largest first."""
picture = torch.arange(12.0).reshape(1, 1, 3, 4)
expect(top_patches, torch.tensor([[[[0.0, 5, 1], [2, 3, 4]]]]), picture, 0, 2, 2).equals([[[[1, 2], [5, 6]]], [[[6, 7], [10, 11]]]])
for another in range(3):
    maps, given = pictures(3, 4, 5, 4, another=another) - 0.7, pictures(3, 2, 7, 6, another=another)
    expect(top_patches, maps, given, 2, 6, 3).like(reference.top_patches)

# %% test="top_patches_stride" points=1
"""top_patches takes stride and padding into account, and shows zeros where a window reaches into the padding."""
for size, stride, padding, shape in [(3, 2, 0, (4, 3)), (3, 1, 1, (9, 7)), (4, 3, 2, (4, 3)), (2, 2, 1, (5, 4))]:
    maps, given = pictures(2, 3, *shape) - 0.5, pictures(2, 3, 9, 7) + 0.1
    expect(top_patches, maps, given, 1, 12, size, stride, padding).like(reference.top_patches)

# %% test="top_patches_any" points=1
"""top_patches takes any k from 1 up to the number of values, and pictures of whole numbers."""
for k in (1, 20):
    expect(top_patches, pictures(1, 2, 5, 4) - 0.5, pictures(1, 3, 6, 5), 1, k, 2).like(reference.top_patches)
whole = (pictures(2, 3, 6, 5) * 255).to(torch.uint8)
expect(top_patches, pictures(2, 2, 6, 5) - 0.5, whole, 0, 9, 3, padding=1).like(reference.top_patches)
### BEGIN HIDDEN TESTS
for arguments in many(reference.top_patches, 40):
    expect(top_patches, *arguments).like(reference.top_patches)
### END HIDDEN TESTS

# %% [markdown]
# <details><summary>Hint</summary>Flatten the channel's maps of all pictures, take <code>topk(k).indices</code>, and turn each index back
# into picture, row and column with <code>divmod</code> (or <code>torch.unravel_index</code>). In the padded picture, the window begins at
# row · stride, column · stride.</details>
#
# <details><summary>Where this bites in real life</summary>If the padding is forgotten, every patch is a pixel or two off. They still look
# like plausible patches, only never quite like what the filter was said to detect.</details>
#
# The patches of a photograph to which a filter for edges of 45 degrees answers most:

# %%
photograph = torch.from_numpy(images.photograph("hopper", size=240)).float()[None, None]
maps = F.conv2d(photograph, torch.from_numpy(kernels.steer(math.pi / 4)).float()[None, None], stride=9)
show.gallery([show.picture(patch[0].numpy()) for patch in top_patches(maps, photograph, 0, 8, 3, stride=9)], columns=8)

# %% [markdown]
# ## Exercise: paint what it likes · `maximize_activation`
#
# Start from noise and change the **pixels**, not the weights, until a channel answers strongly: make a picture of this `shape`, `(c, h,
# w)` or `(n, c, h, w)`, with values in [0, 1], whose mean activation of `channel` in `layer` is clearly above that of uniform noise. Take
# `steps` steps uphill with learning rate `lr`; the optimizer, and what keeps the picture smooth (if anything), are yours. Of several
# pictures `(n, c, h, w)`, each counts.
#
# What counts is the activation in eval mode. The same `seed` gives the same picture, whatever happened before. Afterwards the model is as
# it was: weights, `.grad`, `requires_grad`, hooks and mode.
#
# On paper: a filter of size 1×1 with weights +2 for red and -1 for blue. Its favourite picture is **red 1, blue 0** everywhere; green
# does not matter, and stays the noise it was.

# %% solution="maximize_activation"
def maximize_activation(
    model: nn.Module, layer: str, channel: int, shape: tuple[int, ...], steps: int = 64, lr: float = 0.1, seed: int = 0
) -> Float[Tensor, "*shape"]:
    """A picture in [0, 1] that excites a channel of a layer much more than noise does; leaves the model as it was."""
    ### BEGIN SOLUTION
    modes = {module: module.training for module in model.modules()}
    image = torch.rand(shape, generator=torch.Generator().manual_seed(seed)).requires_grad_()
    optimizer, activations = torch.optim.Adam([image], lr=lr), []
    handle = model.get_submodule(layer).register_forward_hook(lambda module, inputs, output: activations.append(output[:, channel].mean()))
    try:
        model.eval()
        for _ in range(steps):
            model(image if image.ndim == 4 else image[None])
            # Only the picture gets a gradient: loss.backward() would leave one in every weight.
            (image.grad,) = torch.autograd.grad(-activations.pop(), [image])
            optimizer.step()
            with torch.no_grad():
                image.clamp_(0, 1)
    finally:
        handle.remove()
        for module, mode in modes.items():
            module.training = mode
    return image.detach()
    ### END SOLUTION


# %% test="maximize_activation_excites" points=2
"""maximize_activation gives a picture in [0, 1] that excites this channel of this layer clearly more than noise does."""
for layer, channel, shape in [("conv1", 0, (3, 8, 9)), ("conv1", 3, (3, 9, 8)), ("block.conv", 2, (3, 9, 10)), ("conv1", 2, (2, 3, 9, 8))]:
    expect(maximize_activation, layer, channel, shape, picture_only=True).through(probes.excited).like(reference.maximize_activation)

# %% test="maximize_activation_seed" points=1
"""maximize_activation gives the same picture for the same seed, whatever happened before."""
for layer, channel, seed in [("conv1", 1, 5), ("relu", 3, 6)]:
    made = expect(maximize_activation, layer, channel, (3, 8, 8), seed=seed).through(probes.excited)
    made.like(reference.maximize_activation, only=probes.SAME_SEED)

# %% test="maximize_activation_leaves_no_trace" points=1
"""maximize_activation leaves the model as it was, in whatever mode."""
for training in (False, True):
    expect(maximize_activation, "relu", 2, (3, 8, 9), training).through(probes.excited).like(reference.maximize_activation)
### BEGIN HIDDEN TESTS
for arguments in many(reference.maximize_activation, 2):
    expect(maximize_activation, *arguments).through(probes.excited).like(reference.maximize_activation)
### END HIDDEN TESTS

# %% [markdown]
# <details><summary>Hint</summary>A forward hook catches the layer's output; here it must <b>not</b> be detached.
# <code>torch.autograd.grad(activation, image)</code> gives the gradient for the picture alone. Go uphill, and
# <code>clamp_(0, 1)</code> after each step, under <code>torch.no_grad()</code>.</details>
#
# <details><summary>Where this bites in real life</summary>Optimised pictures without regularisation are full of high-frequency noise that
# no photograph contains. They show what the filter <i>can</i> be driven by, not what it met in training. Look at the patches that excite
# it most beside them.</details>

# %% [markdown]
# ## Exercise: which pixels matter? · `saliency`
#
# How much would the score for `label` change, if a pixel changed a little? For each picture of `x`, take the gradient of the logit of its
# label by the picture, and of the three channels the largest **magnitude**: a map `(n, h, w)`. `label` is one int for all pictures, or a
# tensor with one for each. The model is in eval mode; the weights' `.grad` stay as they are.
#
# On paper: one pixel, and the logit is -2 · red - 5 · green - 3 · blue. The gradient is (-2, -5, -3), the saliency **5**.

# %% solution="saliency"
def saliency(model: nn.Module, x: Float[Tensor, "n c h w"], label: int | Int[Tensor, "n"]) -> Float[Tensor, "n h w"]:
    """For each pixel, the largest magnitude over the channels of the gradient of the label's logit."""
    ### BEGIN SOLUTION
    x = x.detach().clone().requires_grad_()
    labels = torch.as_tensor(label).expand(len(x))
    logits = model(x).gather(1, labels[:, None])  # (n, 1)
    # No picture has a part in another's logit, so the gradient of the sum holds them all.
    (gradient,) = torch.autograd.grad(logits.sum(), x)
    return gradient.abs().amax(dim=1)
    ### END SOLUTION


# %% test="saliency_one_label" points=1
"""saliency gives the largest magnitude over the channels of the logit's gradient."""
expect(saliency).through(probes.saliency_on_paper).equals([[[5.0]]])
for seed, label in enumerate([0, 3, 4]):
    expect(saliency, pictures(2, 3, 5, 7), label, seed).through(probes.saliency_of).like(reference.saliency, only="the result")

# %% test="saliency_labels" points=1
"""saliency takes one label for each picture."""
for labels in ([3, 0, 1], [2, 2, 4]):
    labels = torch.tensor(labels)
    expect(saliency, pictures(3, 3, 6, 4), labels).through(probes.saliency_of).like(reference.saliency, only="the result")

# %% test="saliency_leaves_no_trace" points=1
"""saliency leaves the model as it was: weights, gradients, hooks and mode."""
expect(saliency, pictures(1, 3, 5, 4), 2).through(probes.saliency_of).like(reference.saliency)
### BEGIN HIDDEN TESTS
for arguments in many(reference.saliency, 16):
    expect(saliency, *arguments).through(probes.saliency_of).like(reference.saliency)
### END HIDDEN TESTS

# %% [markdown]
# <details><summary>Hint</summary>Work on <code>x.detach().clone().requires_grad_()</code>. <code>logits[torch.arange(n), label]</code>
# picks one logit for each picture, for an int and for a tensor. <code>torch.autograd.grad</code> gives a gradient without leaving others
# behind.</details>
#
# <details><summary>Where this bites in real life</summary>With a softmax in front, the gradient of a class that the network is sure of is
# almost zero everywhere, and the map shows rounding noise. Take the logit.</details>

# %% [markdown]
# ## Exercise: which way does it look? · `orientation`
#
# A filter for edges or lines answers to one direction. Find it from the weights: for an oriented `kernel` `(k, k)`, array or tensor, k at
# least 3, give the angle in **degrees**, from 0 up to 180, of the direction in which brightness changes most. 0 is left–right, 90 is
# top–bottom, 45 is towards the lower right (rows point down). So `sobel_x` has 0 degrees, although its edge runs up and down.
#
# The mean gradient is not enough: in a filter for a bright **line**, one side rises and the other falls, and the mean is nothing. Squares
# do not cancel. With the gradients $g_x$ (to the right) and $g_y$ (down) at each place of the kernel, the direction θ is in
#
# $$ \tan 2\theta = \frac{2 \sum g_x g_y}{\sum g_x^2 - \sum g_y^2} $$
#
# Within 10 degrees is right.
#
# On paper: if $g_x$ is 3 and $g_y$ is 3 everywhere, the right side is 18 divided by 0: 2θ is 90 degrees, and θ is **45**.

# %% solution="orientation"
def orientation(kernel: Float[np.ndarray, "k k"] | Float[Tensor, "k k"]) -> float:
    """The angle, in degrees in [0, 180), of the direction in which the kernel's brightness changes most; 45 is the lower right."""
    ### BEGIN SOLUTION
    # Scharr's filters: Sobel's with weights 3, 10, 3, which turn with the edge more faithfully.
    scharr = torch.tensor([[-3.0, 0, 3], [-10, 0, 10], [-3, 0, 3]])
    kernel = torch.as_tensor(np.array(kernel)).float()
    gx, gy = F.conv2d(kernel[None, None], torch.stack([scharr, scharr.T])[:, None])[0]
    double = math.atan2(2 * (gx * gy).sum(), (gx**2 - gy**2).sum())
    return math.degrees(double / 2) % 180
    ### END SOLUTION


# %% test="orientation_edges" points=1
"""orientation finds the direction of steered Sobel kernels and of edges."""
for degrees in (0, 90, 45, 135, 20, 70, 110, 160):
    expect(orientation, kernels.steer(math.radians(degrees))).equals(float(degrees))
for degrees in (0, 45, 90, 135):
    expect(orientation, torch.from_numpy(reference.edge(7, degrees)).float()).equals(float(degrees))
### BEGIN HIDDEN TESTS
for degrees in (8, 33, 62, 118, 171):
    expect(orientation, kernels.steer(math.radians(degrees))).equals(float(degrees))
### END HIDDEN TESTS

# %% test="orientation_lines" points=1
"""orientation finds the direction of Gabor filters, the even ones (lines) as well as the odd ones (edges)."""
for degrees in (0, 30, 45, 75, 90, 120, 150):
    for phase in (0, math.pi / 2):
        expect(orientation, kernels.gabor(9, math.radians(degrees), wavelength=6, phase=phase)).equals(float(degrees))
### BEGIN HIDDEN TESTS
for degrees in (15, 60, 105, 165):
    expect(orientation, kernels.gabor(9, math.radians(degrees), wavelength=6)).equals(float(degrees))
### END HIDDEN TESTS

# %% test="orientation_range" points=1
"""orientation gives an angle between 0 and 180, whichever side is bright, and whatever the contrast."""
steered = np.array([kernels.steer(math.radians(degrees)) for degrees in range(-175, 180, 10)])
expect(orientation, steered).through(probes.in_range).like(reference.orientation)
for contrast in (0.01, 100, -1):
    expect(orientation, contrast * kernels.steer(math.radians(25))).equals(25.0)
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(random_seed())
for _ in range(60):
    kernel, degrees = reference.oriented(rng)
    expect(orientation, kernel).equals(degrees)
### END HIDDEN TESTS

# %% [markdown]
# <details><summary>Hint</summary><code>np.gradient(kernel)</code> gives the changes along the rows' axis (down) first, then along the
# columns' axis (right). <code>math.atan2(y, x)</code> finds 2θ in every quadrant, and takes 0 for x; halve it, turn it into degrees, and
# bring it into the range with <code>% 180</code>.</details>
#
# <details><summary>Where this bites in real life</summary>Angles of lines live on a half circle: 179 degrees and 1 degree are neighbours.
# Their plain mean is 90, the one direction that is wrong for both. Doubling the angle first is the cure, here as everywhere.</details>
#
# Gabor filters, even ones in the first row, with the angle that `orientation` finds:

# %%
gabors = [kernels.gabor(9, math.radians(degrees), 6, phase=phase) for phase in (0, math.pi / 2) for degrees in range(0, 180, 30)]
show.gallery([show.kernel(one, title=f"{round(orientation(one)) % 180}°") for one in gabors], columns=6)

# %% [markdown]
# ## Exercise: what is it worth? · `ablate`
#
# Take one filter out of action and see what the network still can: give a **copy** of the model in which the part called `layer` gives
# zero in `channel`, for every picture and place. The other channels stay. The part may be a convolution, or anything else with channels
# on axis 1: a ReLU, a batch norm, a whole block.
#
# The copy's parts and weights have the names they had, so a checkpoint still fits. The model given stays as it is and shares no
# weights with the copy.
#
# On paper: two filters answer a pixel with 2 and 3, and the next layer adds them up to 5. Without the first, it is **3**.

# %% solution="ablate"
def ablate(model: nn.Module, layer: str, channel: int) -> nn.Module:
    """A copy of the model in which the submodule called layer gives zero in channel; all names stay, and so does the model given."""
    ### BEGIN SOLUTION
    def silence(module, inputs, output):
        output = output.clone()  # a layer may give what it was given: others may need that
        output[:, channel] = 0
        return output  # what a hook returns takes the output's place

    copied = copy.deepcopy(model)
    copied.get_submodule(layer).register_forward_hook(silence)
    return copied
    ### END SOLUTION


# %% test="ablate_conv" points=1
"""ablate gives a copy in which a convolution gives zero in one channel, and nothing else is different."""
for layer, channel in [("conv1", 0), ("conv1", 3), ("block.conv", 1), ("mix", 2)]:
    expect(ablate, layer, (channel,), pictures(2, 3, 5, 7)).through(probes.ablated).like(reference.ablate)
expect(ablate).through(probes.ablated_on_paper).equals([[[[3.0]]]])

# %% test="ablate_any_layer" points=1
"""ablate silences a channel of any layer: a ReLU, a batch norm, a block."""
for layer, channel in [("block.relu", 1), ("relu", 0), ("block.norm", 2), ("block", 3), ("skip", 1)]:
    expect(ablate, layer, (channel,), pictures(2, 3, 6, 4)).through(probes.ablated).like(reference.ablate)

# %% test="ablate_again" points=1
"""ablate can be applied to its own copy, to silence a second channel."""
for layer in ("conv1", "block.relu"):
    expect(ablate, layer, (2, 0), pictures(1, 3, 5, 4)).through(probes.ablated).like(reference.ablate)
### BEGIN HIDDEN TESTS
for arguments in many(reference.ablate, 20):
    expect(ablate, *arguments).through(probes.ablated).like(reference.ablate)
### END HIDDEN TESTS

# %% [markdown]
# <details><summary>Hint</summary><code>copy.deepcopy(model)</code> copies all. A forward hook that <b>returns</b> something replaces the
# layer's output by it; hooks are copied with the model and change no name.</details>
#
# <details><summary>Where this bites in real life</summary>Setting a filter's weights to zero is no ablation where a batch norm follows,
# or a bias is left: the channel then gives a constant, not nothing, and the layers behind it have learned to rely on its mean.</details>

# %% [markdown]
# ## In your own words · `what_does_it_detect`
#
# Choose one filter of the network that comes with this course, from the second or third layer, with the browser in the lecture. What does
# it detect? Say it in one sentence, and support it with evidence of at least **two** kinds: its weights slice by slice, its maps, the
# patches that excite it most, the picture that maximises it, what its ablation costs. Say which pictures would prove you wrong, and
# whether you looked for some. Five to eight sentences.

# %% [markdown] answer="what_does_it_detect" points=4
# ### BEGIN SOLUTION
# An example: "Filter 17 of `conv3` answers to a slanting edge whose bright side is above: best to the upper left, half as much to the upper
# right." Its best patches are collars, a star, petals and a roof, nearly all with such an edge; so it is the edge, not the object. On their
# heads they give answers below zero, mirrored about two thirds, and without colour the same as with it. Drawings of a straight edge agree:
# bright at the upper left gives 11.2 (the best patch 11.4), at the upper right 6.4, level edges nothing.
#
# Against it: my first guess was "a white V", because the collars make one; but a drawn white corner that points down gives 8.4, less than
# the straight edge, so that guess is wrong. Negatives of the patches keep about a third of the answer, which my claim does not explain.
# Its ablation changes 7 % of the verdicts on the lecture's 56 squares: others must see much the same. I looked at three photographs only.
#
# *Mark scheme (4 points): 1 for a claim that is precise enough to be wrong (what, which direction, colour or polarity, not "features" or
# "shapes"); 1 for each of two kinds of evidence that were looked at and really bear on the claim (at most 2; the optimised picture alone,
# or one favourite patch, is not enough); 1 for evidence against it: counterexamples looked for, other activations than the largest,
# random weights, or a limit honestly stated.*
# ### END SOLUTION
