# %% [markdown]
# # Exercises 06 · Put it together
#
# A detector designed by hand, a doctor for networks, a pair of scissors, and a project of your own. Each exercise says what is asked,
# works one example on paper, and is followed by test cells. **Run a test cell: silence means right.** Otherwise it says what was
# expected, what came, and where to look.
#
# - PyTorch, NumPy and Python's standard library are all you need. Any library is allowed, except this course's own.
# - The models of `diagnose` and `prune_filters` all have one form:
#
# ```python
# nn.Sequential(
#     nn.Conv2d(3, 8, 3, padding=1),     # model[0], the first layer
#     nn.ReLU(),
#     nn.Conv2d(8, 16, 3, padding=1),    # model[2], the second
#     nn.ReLU(),
#     nn.AdaptiveMaxPool2d(4),
#     nn.Flatten(),
#     nn.Linear(256, classes),           # model[6], one score for each class
# )
# ```
#
# About 120 minutes, and as long as you like for the project. The lecture is [06_capstone](../../notebooks/06_capstone.ipynb).

# %%
import copy
import math

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from filterlab import show
from filterlab.check import drawings, expect, many, many_refused
from filterlab.check.probes import capstone as probes
from filterlab.check.references import capstone as reference

# %% [markdown]
# ## Exercise: find every large plus · `detector`
#
# In binary drawings (0 is off, 1 is on), a **large plus** is a 5×5 window whose middle row and middle column are on and whose other 16
# pixels are off. Design, by hand, a stack of **two or three** layers whose final map is above 0 exactly at the centre of every large plus,
# and 0 everywhere else.
#
# - Every layer is a pair `(weight, bias)` of arrays as `conv2d` takes them: `(filters, channels, 3, 3)` and `(filters,)`. The stack is a
#   list of such pairs.
# - All filters are 3×3. It is run with padding 1, and a ReLU after each layer, the last one too.
# - One channel comes in, one goes out; how many are between is yours.
# - What lies outside the window does not matter: pluses may touch and overlap. A plus that the border cuts off does not count; one
#   that only touches the border does.
#
# On paper: a filter of 1 where five pixels should be on and -1 where four should be off gives 5 on exactly this pattern, and at most 4
# on any other. With a bias of **-4** and a ReLU, it answers 1 to its pattern and 0 to all else.

# %%
cut_off = np.zeros((9, 14))
cut_off[1:6, 1:6] = cut_off[4:9, 9:14] = drawings.LARGE_PLUS
show.row([show.picture(drawings.LARGE_PLUS, "a large plus", numbers=True), show.picture(cut_off, "two; both count")])


# %% solution="detector"
def detector() -> list[tuple[Float[np.ndarray, "filters channels 3 3"], Float[np.ndarray, "filters"]]]:
    """Two or three layers (weight, bias) whose final map is above 0 exactly at the centres of large pluses."""
    ### BEGIN SOLUTION
    plus = np.zeros((5, 5))
    plus[2, :] = plus[:, 2] = 1
    corners = [(0, 0), (0, 2), (2, 0), (2, 2)]  # where the four 3×3 quarters of the window begin
    first = np.zeros((4, 1, 3, 3))
    second = np.zeros((1, 4, 3, 3))
    for k, (row, column) in enumerate(corners):
        quarter = plus[row : row + 3, column : column + 3]
        first[k, 0] = np.where(quarter == 1, 1, -1)  # 5 on its pattern, 4 or less on any other
        second[0, k, row, column] = 1  # the quarter's own centre stands there, seen from the plus's centre
    return [(first, np.full(4, -4.0)), (second, np.array([-3.0]))]  # all four quarters, or nothing
    ### END SOLUTION


# %% test="detector_stack" points=1
"""detector gives two or three layers of 3×3 filters that fit together, and answers to a lone large plus."""
expect(detector, "filling").through(probes.answers_to).like(reference.detector, only="the stack of layers")
expect(detector, "one_plus").through(probes.answers_to).like(reference.detector)

# %% test="detector_others" points=2
"""detector tells a large plus from empty and full pictures, from other shapes, and from one with a pixel missing or too many."""
for kind in ("filling", "even", "shapes", "one_pixel_wrong"):
    expect(detector, kind).through(probes.answers_to).like(reference.detector)

# %% test="detector_border" points=1
"""detector is silent where the border cuts a plus off, and answers where a whole one touches it."""
for kind in ("cut_off", "filling"):
    expect(detector, kind).through(probes.answers_to).like(reference.detector)

# %% test="detector_any" points=2
"""detector finds all large pluses, and nothing else, on any ground and in any crowd."""
for kind in ("on_any_ground", "lattice", "crowded"):
    expect(detector, kind).through(probes.answers_to).like(reference.detector)
### BEGIN HIDDEN TESTS
for kind in ("two_pixels_wrong", "fragments"):
    expect(detector, kind).through(probes.answers_to).like(reference.detector)
for arguments in many(reference.detector, 8):
    expect(detector, *arguments).through(probes.answers_to).like(reference.detector)
### END HIDDEN TESTS

# %% [markdown]
# <details><summary>Hint</summary>A 3×3 filter cannot see 25 pixels, but four of them can: cut the window into four overlapping quarters of
# 3×3. What does each look like? The second layer then asks whether all four stand in their places, each one step up or down and one step
# left or right of the centre.</details>
#
# <details><summary>Where this bites in real life</summary>Padding invents pixels in every layer: beyond the border a <i>map</i> is 0,
# whatever that means to you. A network whose maps say "nothing wrong here" with a 0 finds half a plus at the border, and half a pedestrian
# too.</details>
#
# Your detector on a crowded drawing; a box around every window that it answers to.

# %%
layers = detector()
drawing = drawings.draw("crowded", seed=4)[5]
answers = np.argwhere(probes.run_stack(layers, drawing[None])[0] > 0)
boxes = [(int(row) - 2, int(column) - 2, 5, 5) for row, column in answers]
print(f"{len(boxes)} large pluses; {sum(weight.size + bias.size for weight, bias in layers)} numbers")
show.picture(drawing, "what the detector answers to", box=[box for box in boxes if min(box) >= 0] or None)

# %% [markdown]
# ## Exercise: what is wrong with this network? · `diagnose`
#
# A model of the form above, some pictures and their labels, and not a word on how it was trained. Give one of five strings. Several
# faults may be there; the **first that applies, in this order**, is asked for:
#
# 1. `"unscaled input"`: the pictures are in 0–255 (`uint8` or float), but these models expect 0–1;
# 2. `"dead filters"`: at least a quarter of the first layer's maps, after the ReLU, are zero on *all* pictures;
# 3. `"duplicate filters"`: at least a quarter of the first layer's filters have another one with cosine above 0.99. The cosine of two
#    filters is their dot product over the product of their norms, biases left out; opposite filters are no duplicates;
# 4. `"untrained"`: PyTorch's random start. The cross-entropy on the given data is above 0.8 · ln(classes);
# 5. `"healthy"`: none of these, and a cross-entropy below half of ln(classes).
#
# Only look: leave the model as it is, with its weights, gradients, mode and hooks, and the pictures, too.
#
# On paper: with 4 classes a model that knows nothing gives each a quarter, and a loss of ln 4 ≈ 1.39. A loss of **1.3** is above 0.8 ·
# 1.39 ≈ 1.11: untrained. A loss of **0.4** is healthy.

# %% solution="diagnose"
def diagnose(model: nn.Module, images: Float[Tensor, "n 3 h w"] | Int[Tensor, "n 3 h w"], labels: Int[Tensor, "n"]) -> str:
    """One of "healthy", "untrained", "dead filters", "duplicate filters", "unscaled input"; the model stays as it was."""
    ### BEGIN SOLUTION
    if images.max() > 1:
        return "unscaled input"
    weight = model[0].weight.detach()
    quarter = len(weight) / 4
    with torch.no_grad():
        maps = model[1](model[0](images))  # (n, 8, h, w)
        loss = F.cross_entropy(model(images), labels).item()
    silent = maps.amax(dim=(0, 2, 3)) == 0
    if silent.sum() >= quarter:
        return "dead filters"
    directions = F.normalize(weight.flatten(1), dim=1)
    cosines = (directions @ directions.T).fill_diagonal_(0)  # nobody is their own duplicate
    if (cosines > 0.99).any(dim=1).sum() >= quarter:
        return "duplicate filters"
    classes = model[6].out_features
    return "untrained" if loss > 0.8 * math.log(classes) else "healthy"
    ### END SOLUTION


# %% test="diagnose_plain" points=1
"""diagnose tells a healthy model from an untrained one, whatever the number of classes, and leaves it as it is."""
for seed in range(4):
    for rest in ("", "random start", "unsure"):
        expect(diagnose, "nothing special", rest, seed).through(probes.judged).like(reference.diagnose)

# %% test="diagnose_input" points=1
"""diagnose recognises pictures in 0–255, as whole numbers and as floats."""
for seed in range(2):
    for filters, rest in [("nothing special", "0 to 255"), ("nothing special", "0 to 255, uint8"), ("two alike", "0 to 255")]:
        expect(diagnose, filters, rest, seed).through(probes.judged).like(reference.diagnose)

# %% test="diagnose_filters" points=2
"""diagnose recognises dead and duplicate filters, and does not take others for them."""
for filters in ("two silent filters", "one silent filter", "silent on a dark picture", "six silent filters"):
    expect(diagnose, filters).through(probes.judged).like(reference.diagnose)
for filters in ("two alike", "two opposite", "two alike, one stronger", "two similar", "three alike", "two alike but for a constant"):
    expect(diagnose, filters).through(probes.judged).like(reference.diagnose)

# %% test="diagnose_any" points=2
"""diagnose names the first fault that applies, for models of every kind."""
expect(diagnose, "two silent and two alike").through(probes.judged).like(reference.diagnose)
### BEGIN HIDDEN TESTS
for seed, kind in enumerate(probes.KINDS):
    expect(diagnose, *kind, seed).through(probes.judged).like(reference.diagnose)
for arguments in many(reference.diagnose, 5):
    expect(diagnose, *arguments).through(probes.judged).like(reference.diagnose)
### END HIDDEN TESTS

# %% [markdown]
# <details><summary>Hint</summary><code>model[:2](images)</code> gives the first layer's maps after the ReLU.
# <code>maps.amax(dim=(0, 2, 3))</code> is each filter's strongest answer, over all pictures and places.
# <code>F.normalize(weight.flatten(1), dim=1)</code> makes all norms 1: then dot products are cosines.</details>
#
# <details><summary>Where this bites in real life</summary>A model that gets 0–255 where it learned 0–1 raises no error: it gives confident
# nonsense. It is the first thing to look at when a good model turns bad in production.</details>
#
# Two first layers on one scale: that of a model with duplicates, and that of one with dead filters. Which filters are which?

# %%
for filters in ("three alike", "two silent filters"):
    model, pictures, labels = probes.case(filters)
    strongest = [f"{answer:.2f}" for answer in model[:2](pictures).amax(dim=(0, 2, 3)).tolist()]
    print(f"{filters}: {diagnose(model, pictures, labels)}; strongest answers", *strongest)
weights = [probes.case(filters)[0][0].weight.detach()[:, 0].numpy() for filters in ("three alike", "two silent filters")]
titles = [f"{kind} {k}" for kind in ("alike?", "dead?") for k in range(8)]
show.gallery([show.kernel(one, title) for one, title in zip(np.concatenate(weights), titles, strict=True)], columns=8)

# %% [markdown]
# ## Exercise: make it smaller · `prune_filters`
#
# Give a new model that keeps the first layer's `keep` filters of largest L2 norm: the root of the sum of squares of a filter's 27 weights,
# without the bias.
#
# - The filters stay in their old order, each with its bias.
# - The second layer keeps all its filters, but loses the input channels of the maps that are gone. The rest stays as it is.
# - So the new model's scores are those of the old one with the other filters' maps set to zero.
# - `out_channels` and `in_channels` tell the new numbers. No weight is shared with the model given, which stays as it was.
#
# Raise `ValueError`, naming keep with its value, if it is below 1 or above the number of filters there are.
#
# On paper: norms 3, 1, 2, 5 and keep=2. The largest are number 3 and number 0; in their old order: **0, 3**. The second layer's weight
# `(16, 4, 3, 3)` becomes `(16, 2, 3, 3)`: its channels 0 and 3.

# %% solution="prune_filters"
def prune_filters(model: nn.Sequential, keep: int) -> nn.Sequential:
    """A new model with the first layer's `keep` filters of largest L2 norm, in their old order.

    Raises ValueError, naming keep, unless 1 ≤ keep ≤ number of filters.
    """
    ### BEGIN SOLUTION
    first, second = model[0], model[2]
    if not 1 <= keep <= first.out_channels:
        raise ValueError(f"keep={keep} must be at least 1 and at most {first.out_channels}")
    norms = first.weight.detach().flatten(1).norm(dim=1)
    kept = norms.topk(keep).indices.sort().values
    smaller = copy.deepcopy(model)
    smaller[0] = nn.Conv2d(first.in_channels, keep, 3, padding=1)
    smaller[2] = nn.Conv2d(keep, second.out_channels, 3, padding=1)
    smaller[0].load_state_dict({"weight": first.weight[kept], "bias": first.bias[kept]})
    smaller[2].load_state_dict({"weight": second.weight[:, kept], "bias": second.bias})
    return smaller
    ### END SOLUTION


# %% test="prune_filters_first" points=1
"""prune_filters keeps the filters of largest norm, in their old order, each with its bias."""
for seed, keep in enumerate((3, 5, 1, 6)):
    arguments = (keep, 5, seed)
    expect(prune_filters, *arguments).through(probes.pruned).like(reference.prune_filters, only="the weight of its first layer")
    expect(prune_filters, *arguments).through(probes.pruned).like(reference.prune_filters, only="the bias of its first layer")

# %% test="prune_filters_whole" points=2
"""prune_filters gives a whole new model, cut to match, and leaves the old one as it was; keep may be all there are."""
for seed, keep in enumerate((4, 2, 8, 7)):
    expect(prune_filters, keep, 3 + seed, seed).through(probes.pruned).like(reference.prune_filters)
### BEGIN HIDDEN TESTS
for arguments in many(reference.prune_filters, 16):
    expect(prune_filters, *arguments).through(probes.pruned).like(reference.prune_filters)
### END HIDDEN TESTS

# %% test="prune_filters_refuses" points=1
"""prune_filters raises ValueError, naming keep, for less than one filter and for more than there are, and leaves the model as it was."""
for keep in (0, -2, 9, 100):
    expect(prune_filters, keep).through(probes.pruned).raises(ValueError, naming={"keep": keep})
    expect(prune_filters, keep).through(probes.after_refusal).like(reference.prune_filters)
### BEGIN HIDDEN TESTS
for arguments, naming in many_refused(reference.prune_filters, 8):
    expect(prune_filters, *arguments).through(probes.pruned).raises(ValueError, naming=naming)
### END HIDDEN TESTS

# %% [markdown]
# <details><summary>Hint</summary><code>norms.topk(keep).indices.sort().values</code> are the places to keep. The weight of a Conv2d is
# <code>(out, in, 3, 3)</code>: filters are cut on the first axis, channels on the second.</details>
#
# <details><summary>Where this bites in real life</summary>Setting filters to zero makes no network faster: the zeros are multiplied as
# patiently as any other number. Only a smaller layer saves time, and the layer after it must shrink with it.</details>
#
# How many numbers the model has, for every `keep`:

# %%
model = probes.network(classes=10)
for keep in (8, 4, 2, 1):
    smaller = prune_filters(model, keep)
    sizes = [sum(values.numel() for values in part.parameters()) for part in (smaller[0], smaller[2], smaller)]
    print(f"keep {keep}: first layer {sizes[0]:4}, second {sizes[1]:5}, whole model {sizes[2]:5}")

# %% [markdown]
# ## Your own picture, your own question · `project`

# %% [markdown] task="project" points=10
# Take **a picture of your own** (or several) and **a question about filters** that it can answer. `images.load("name.jpg")` reads it, once
# you have put the file beside this notebook. Work in the cells below this one; add as many as you need.
#
# Questions to start from, if none comes to mind:
#
# - Which of the hand-made filters finds the texture of my pullover, and at which size does it stop?
# - Do the filters of a trained network answer to the same places as Sobel's? What if I turn the picture?
# - How many of a network's filters can go before I see a difference on my picture?
# - How small can a pattern be, or how noisy, until my detector misses it?
#
# Report on one page:
#
# 1. **Question and guess**: one sentence each. The guess is written *before* you compute.
# 2. **Method**: the picture, the filters, the settings, so that others could do it again.
# 3. **Evidence**: at least two pictures and one number. Signed things on a signed scale, with zero in grey; what is compared, on one scale.
# 4. **A control**: what would you see if your guess were wrong? Random filters, another picture, or the same one turned.
# 5. **Answer**: what you found, what speaks against it, and what you still do not know. "I was wrong" is a good answer.
#
# ### BEGIN MARK SCHEME
# **Mark scheme (10 points).** Half points are fine; a surprising or negative answer earns as much as the expected one.
#
# - *Question and guess* (2): 1 for a question that a picture and filters can decide, 1 for a guess that could turn out wrong and was not
#   written afterwards.
# - *Method* (2): 1 for filters and settings (size, stride, padding, scale of the picture) stated, 1 if the cells run from top to bottom
#   and give what the text says.
# - *Evidence* (3): 1 for two pictures that bear on the question, 1 for a number computed rather than guessed by eye, 1 for honest scales
#   (signed, zero in the middle, shared where compared, or a note that they are not).
# - *Control* (2): 1 for having one, 1 for one that could have refuted the guess.
# - *Answer* (1): follows from the evidence, and names a limit.
#
# Take off nothing for English, for length below a page, or for a small question. Take off 1 if the picture is not the student's own and
# they do not say whose it is.
# ### END MARK SCHEME

# %% [markdown]
# *Question and guess:*
#
# *Method:*

# %%
# Your pictures and numbers: `images.load` of filterlab reads a file, `show.picture`, `show.response` and `show.row` draw.

# %% [markdown]
# *Answer:*
