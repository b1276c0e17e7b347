# %% [markdown]
# # 06 · Put it together
#
# Five lessons have given you filters made by hand, filters that slide, filters that learn, and eyes to look at them. This one uses all of
# it: you design a small network without any training, find out what is wrong with others, make one smaller, and then ask a question of
# your own.
#
# **After this lesson you can**
# - design a detector by hand, layer by layer, and *prove* that it is right;
# - find out what is wrong with a network, from its loss, maps, weights and data;
# - take filters out of a network, and say what they were worth;
# - turn "I wonder whether…" into a question that pictures and filters can answer.
#
# **Time** 30 minutes here, 120 for the exercises. **You need** lessons 01 to 05.
#
# Where it says **Predict**, say your answer aloud before you run the cell.

# %%
import copy
import math

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from filterlab import images, kernels, show
from filterlab.convolution import conv2d

# %% [markdown]
# ## Design: a detector without training
#
# Find every **bar of five**: five pixels in a row, with nothing above and nothing below them. Window: 3 rows, 5 columns. What lies left and
# right of it does not matter. **Predict**: how many are in this drawing? One of the bars is seven long.

# %%
drawing = np.zeros((15, 18))
drawing[2, 1:6] = 1                                    # five
drawing[2, 8:12] = 1                                   # four
drawing[5, 2:9] = 1                                    # seven
drawing[5, 12:17] = drawing[6, 13] = 1                 # five, and a pixel below
drawing[9:14, 3] = 1                                   # five, upright
drawing[9, 6:11] = drawing[11, 8:13] = 1               # five and five, with one row between
drawing[13, 14:18] = 1                                 # four, at the border
window = np.array([[0, 0, 0, 0, 0], [1, 1, 1, 1, 1], [0, 0, 0, 0, 0]])
show.row([show.picture(window, "what we look for"), show.picture(drawing, "drawing")])

# %% [markdown]
# A 3×3 filter cannot see five columns. But the window has two halves that a 3×3 filter *can* see, and here both look the same: three
# pixels on, with nothing above or below. So the first layer has one filter: 1 where a pixel should be on, −1 where it should be off. Its
# sum is 3 on the exact half and at most 2 on everything else. A bias of −2 and a ReLU leave **1 or 0**.

# %%
half = np.array([[-1, -1, -1], [1, 1, 1], [-1, -1, -1]])
sums = conv2d(drawing[None, None], half[None, None], padding=1)
halves = (sums - 2).clip(min=0)                        # bias −2, ReLU: (1, 1, 15, 18)
show.row([show.kernel(half, "layer 1"), show.response(sums[0, 0], "sums"), show.response(halves[0, 0], "bias −2, ReLU")])

# %% [markdown]
# That is the trick of the whole design: **a bias turns "how much?" into "yes or no?"**, and a yes is exactly 1, ready to be counted.
#
# The second layer asks whether both halves are in their places. Seen from the bar's centre, one half stands one step to the left, the
# other one step to the right. **Predict** its nine weights and its bias.

# %%
both = np.array([[0, 0, 0], [1, 0, 1], [0, 0, 0]])
found = (conv2d(halves, both[None, None], padding=1) - 1).clip(min=0)[0, 0]      # two yes, minus 1
boxes = [(int(row) - 1, int(column) - 2, 3, 5) for row, column in np.argwhere(found > 0)]
show.row([show.kernel(both, "layer 2"), show.response(found, "bias −1, ReLU"), show.picture(drawing, "found", box=boxes)])

# %% [markdown]
# Six: the bar of seven holds three windows of five, for nobody asked what lies beyond the window. The bar with a pixel below is
# rejected, and so are the upright one and both of four.
#
# Is the detector right? On this drawing. But there are only 2¹⁵ windows of 15 pixels, so let us not believe but **try all of them**:

# %%
every_window = ((np.arange(2**15)[:, None] >> np.arange(15)) & 1).reshape(-1, 1, 3, 5).astype(float)


def final_map(pictures, bias1=-2.0, bias2=-1.0):
    maps = (conv2d(pictures, half[None, None], padding=1) + bias1).clip(min=0)
    return (conv2d(maps, both[None, None], padding=1) + bias2).clip(min=0)[:, 0]


answered = final_map(every_window)[:, 1, 2] > 0        # at the window's centre
print(f"{answered.sum()} of {len(every_window):,} windows gets an answer")
assert answered.sum() == 1 and np.array_equal(every_window[answered][0, 0], window)
assert len(boxes) == 6

# %% [markdown]
# That is a proof, and few networks have one. Each number in it matters. **Predict** what happens with a bias of −1 instead of −2
# in the first layer, and of 0 instead of −1 in the second:

# %%
changed = {"as designed": (-2, -1), "layer 1: bias −1": (-1, -1), "layer 2: bias 0": (-2, 0)}
for name, biases in changed.items():
    print(f"{name:17} answers to {(final_map(every_window, *biases)[:, 1, 2] > 0).sum():5} windows")
show.row([show.response(final_map(drawing[None, None], *biases)[0], name) for name, biases in changed.items()])

# %% [markdown]
# A half that is almost right already says yes, or a single half is enough. The threshold has to lie in the gap between
# the right pattern and the *nearest* wrong one.
#
# ## What a zero means at the border
#
# The same logic can be turned round: let the first layer count what is **wrong** in each half, and let the second answer where
# nothing is. Inside the picture that gives the same. **Predict** what it does to the bar of four at the right border.

# %%
wrong = (conv2d(drawing[None, None], -half[None, None], padding=1) + 3).clip(min=0)   # 0: this half is perfect
none_wrong = (0.5 - conv2d(wrong, both[None, None], padding=1)).clip(min=0)[0, 0]
extra = np.argwhere((none_wrong > 0) & (found == 0))
print("answers that the first design does not give, at (row, column):", [tuple(map(int, place)) for place in extra])
show.row([show.response(wrong[0, 0], "faults in each half"), show.picture((none_wrong > 0) * 1.0, "white: no fault in both")])

# %% [markdown]
# A bar that the border cuts off passes for whole. The second layer's padding puts a 0 beyond the border, and here a 0 says "no fault".
# In the first design a 0 says "nothing found", and that is true out there. Padding speaks your maps' language, whether you
# mean it or not.

# %%
assert extra.tolist() == [[13, 17]] and drawing[13, 14:].all()

# %% [markdown]
# ✎ *Now you can do exercise* `detector`.
#
# ## Doctor, what is wrong with my network?
#
# Now networks that nobody designed. Stripes in four directions, in so much noise that you will hardly see them, a network of two
# convolutions, and a short training. There are many ways to go wrong without an error message.

# %%
def textures(count, seed):
    """Striped pictures (count, 3, 16, 16) with noise, and which way each runs: 0 to 3."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 4
    pictures = np.empty((count, 3, 16, 16))
    for picture, label in zip(pictures, labels, strict=True):
        wave = images.stripes(32, 32, wavelength=rng.uniform(4, 7), theta=label * math.pi / 4)
        row, column = rng.integers(0, 16, 2)
        picture[:] = wave[row : row + 16, column : column + 16] * rng.uniform(0.4, 1, (3, 1, 1))
    noisy = np.clip(pictures + rng.normal(0, 0.5, pictures.shape), 0, 1)
    return torch.tensor(noisy, dtype=torch.float32), torch.tensor(labels)


x, labels = textures(96, seed=0)
test_x, test_labels = textures(200, seed=1)
show.row([show.picture(picture.numpy(), f"class {k}") for k, picture in enumerate(x[:4])])

# %%
def network(classes=4):
    layers = [nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 16, 3, padding=1), nn.ReLU()]
    return nn.Sequential(*layers, nn.AdaptiveMaxPool2d(4), nn.Flatten(), nn.Linear(256, classes))


def train(model, lr, steps=40):
    """The loss of every step; the model learns on x and labels."""
    optimizer, losses = torch.optim.Adam(model.parameters(), lr=lr), []
    for _ in range(steps):
        loss = F.cross_entropy(model(x), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def accuracy(model, pictures=test_x):
    with torch.no_grad():
        return (model(pictures).argmax(dim=1) == test_labels).float().mean().item()


def twins():
    """A network in which five filters start equal."""
    model = network()
    with torch.no_grad():
        model[0].weight[4:], model[0].bias[4:] = model[0].weight[0].clone(), model[0].bias[0].clone()
        model[2].weight[:, 4:] = model[2].weight[:, :1].clone()
    return model


# %% [markdown]
# Four patients. One learns at a sound rate, one hardly, one much too fast, and one starts with five equal filters. **Predict** which of
# them you will recognise by its loss.

# %%
models, losses = {}, {}
for name, make, lr in [("sound", network, 0.01), ("hardly learns", network, 1e-5), ("too fast", network, 0.1), ("twins", twins, 0.01)]:
    torch.manual_seed(0)
    models[name] = make()
    losses[name] = train(models[name], lr)
for name, model in models.items():
    print(f"{name:14} first loss {losses[name][0]:.2f}, last {losses[name][-1]:.4f}, accuracy on new pictures {accuracy(model):.0%}")
print(f"a guess among four classes has loss ln 4 = {math.log(4):.2f}")
show.curves(losses, "training", limits=(1e-4, 3))

# %% [markdown]
# **First look: the loss at the start.** It is close to ln 4 for all: a network that knows nothing gives each class a quarter. One
# that is still there at the end has learned nothing. The curve does not say why, though. And a falling loss
# is no proof of health: nothing betrays the twins.

# %%
assert all(abs(values[0] - math.log(4)) < 0.1 for values in losses.values())
assert losses["hardly learns"][-1] > 0.8 * math.log(4) > 0.5 * math.log(4) > max(losses["sound"][-1], losses["twins"][-1])

# %% [markdown]
# **Second look: the maps.** One picture, the first layer's eight maps after the ReLU. **Predict** how a filter looks that has died.

# %%
def first_maps(model, pictures):
    with torch.no_grad():
        return model[:2](pictures)


drawn = []
for name in ("sound", "too fast"):
    drawn += [show.response(one.numpy(), f"{name} {k}") for k, one in enumerate(first_maps(models[name], x[:1])[0])]
show.gallery(drawn, columns=8)

# %% [markdown]
# Plain grey: zero everywhere. On one picture that may be chance, so ask all of them: a filter is **dead** if its strongest answer over all
# pictures is zero. Behind the ReLU no gradient comes through to it, so it stays dead.

# %%
for name, model in models.items():
    strongest = first_maps(model, x).amax(dim=(0, 2, 3))
    print(f"{name:14} dead: {(strongest == 0).sum()} of 8")
assert (first_maps(models["too fast"], x).amax(dim=(0, 2, 3)) == 0).sum() >= 2

# %% [markdown]
# **Third look: the weights.** Compare every filter with every other by their **cosine**: 1 is the same direction, −1 the opposite one, 0
# nothing in common.

# %%
def cosines(model):
    directions = F.normalize(model[0].weight.detach().flatten(1), dim=1)
    return (directions @ directions.T).numpy().clip(-1, 1)   # rounding may lead beyond


show.row([show.response(cosines(models[name]), f"{name}: cosines", limit=1) for name in ("sound", "twins")])

# %% [markdown]
# The diagonal is each filter with itself. The dark orange beside it is the five twins: equal at the start, equal gradients, equal for
# ever, as lesson 03 foretold. Five filters do the work of one. An *opposite* pair would be none of this: behind a ReLU the one
# sees rising edges, and the other falling ones.

# %%
alike = (cosines(models["twins"]) - np.eye(8) > 0.99).any(axis=1)
print("filters with a twin:", np.flatnonzero(alike).tolist())
reds = models["twins"][0].weight.detach()[:, 0].numpy()
show.gallery([show.kernel(one, f"filter {k}") for k, one in enumerate(reds)], "twins, slices for red", columns=8)

# %% [markdown]
# **Fourth look: the data.** The sound network again, with the same pictures in 0–255 instead of 0–1. **Predict**: is there an error
# message?

# %%
with torch.no_grad():
    scores = {"0 to 1": models["sound"](test_x), "0 to 255": models["sound"](255 * test_x)}
for name, values in scores.items():
    print(f"{name:9} accuracy {(values.argmax(dim=1) == test_labels).float().mean():.0%}, loss {F.cross_entropy(values, test_labels):.2f}")
assert F.cross_entropy(scores["0 to 255"], test_labels) > F.cross_entropy(scores["0 to 1"], test_labels)
largest = {f"pictures in {name}": float(values.abs().max()) for name, values in scores.items()}
show.magnitudes(largest, "largest score", unit="score")

# %% [markdown]
# None. The scores are hundreds of times larger, so every answer claims to be certain, and each wrong one costs a fortune. No
# weight and no map is to blame. Look at `images.max()` before you look at anything else.
#
# | look at | sign | it is |
# |---|---|---|
# | the data | values up to 255 where 1 is expected | unscaled input |
# | the first maps, all pictures | zero everywhere | dead filters |
# | cosines of the weights | above 0.99 beside the diagonal | duplicate filters |
# | the loss | near ln(classes) | untrained |
#
# ✎ *Now you can do exercise* `diagnose`.
#
# ## Smaller, please
#
# Which filters of the sound network are worth their place? One cheap guess is their **norm**: the root of the sum of squares of a
# filter's weights. Small weights, small answers.

# %%
sound = models["sound"]
norms = sound[0].weight.detach().flatten(1).norm(dim=1)
show.magnitudes({f"filter {k}": float(norm) for k, norm in enumerate(norms)}, "norms of the first layer's filters", unit="L2 norm")

# %% [markdown]
# Is the guess any good? Silence filters one after the other, once from the smallest norm up and once from the largest down.
# **Predict** which curve climbs first.

# %%
def silenced(model, filters):
    """A copy whose first layer gives zero for these filters: weights and bias are 0."""
    quiet = copy.deepcopy(model)
    with torch.no_grad():
        quiet[0].weight[filters], quiet[0].bias[filters] = 0, 0
    return quiet


def loss_of(model):
    with torch.no_grad():
        return F.cross_entropy(model(test_x), test_labels).item()


order = norms.argsort()
prices = {
    "smallest norm first": [loss_of(silenced(sound, order[:gone])) for gone in range(9)],
    "largest norm first": [loss_of(silenced(sound, order.flip(0)[:gone])) for gone in range(9)],
}
show.curves(prices, "loss on new pictures", unit="filters silenced")

# %%
for gone in (0, 2, 4):
    print(f"{gone} smallest silenced: accuracy {accuracy(silenced(sound, order[:gone])):.0%}")
print(f"4 largest silenced:  accuracy {accuracy(silenced(sound, order.flip(0)[:4])):.0%}")

# %% [markdown]
# Read the curves for yourself: a norm is a guess, and the loss is the judge. A silent filter still costs its multiplications, though. To
# *save* them it has to be cut out, and then the second layer must lose the input channel that read it:

# %%
def numbers(*layers):
    return sum(values.numel() for layer in layers for values in layer.parameters())


for kept in (8, 6, 4):
    layers = nn.Conv2d(3, kept, 3, padding=1), nn.Conv2d(kept, 16, 3, padding=1)
    print(f"{kept} filters: first layer {numbers(layers[0]):4} numbers, second {numbers(layers[1]):5}")

# %% [markdown]
# Most of the saving is in the layer *after* the one that was cut.
#
# ✎ *Now you can do exercise* `prune_filters`.
#
# ## Your own question
#
# The last exercise has no test cell: your own picture, your own question, one page. Here is a short one, to show the form.
#
# **Question.** Do the trained network's filters look like edge filters? **Guess.** More than random ones do.
#
# **Method.** Sum each filter over its colours, and take the largest cosine with a Sobel filter steered in any direction. **Control.** The
# same for 200 filters from PyTorch's random start.

# %%
def likeness(weights):
    """For each filter (n, 3, 3, 3), its largest cosine with a steered Sobel filter."""
    steered = np.stack([kernels.steer(theta) for theta in np.linspace(0, 2 * math.pi, 72, endpoint=False)]).reshape(72, 9)
    summed = weights.detach().sum(dim=1).flatten(1).numpy()
    return (summed @ steered.T / np.outer(np.linalg.norm(summed, axis=1), np.linalg.norm(steered, axis=1))).max(axis=1)


torch.manual_seed(1)
learned, random = likeness(sound[0].weight), likeness(nn.Conv2d(3, 200, 3).weight)
print(f"median likeness: learned {np.median(learned):.2f}, random {np.median(random):.2f}")
print(f"a random filter reaches the learned median in {(random >= np.median(learned)).mean():.0%} of cases")
best = int(learned.argmax())
photo = images.photograph("hopper", size=240)
answer = conv2d(photo[None, None], sound[0].weight[best].detach().sum(dim=0).numpy()[None, None])[0, 0]
show.row([
    show.picture(photo, "photograph"),
    show.kernel(sound[0].weight[best].detach().sum(dim=0).numpy(), f"filter {best}, likeness {learned[best]:.2f}"),
    show.response(answer, "its answer"),
])

# %% [markdown]
# **Answer.** The control decides, not the eye. The best of eight filters always looks convincing: so does the best of eight *random* ones.
# Compare the medians, say how often chance does as well, and say what you do not know: eight filters are few, and another seed
# gives others.

# %%
best_of_eight = random.reshape(25, 8).max(axis=1)
print(f"the best of eight random filters has a likeness of {np.median(best_of_eight):.2f} on average (median of 25 draws)")

# %% [markdown]
# Whatever you ask: write the guess down *before* you compute; draw signed things signed, and on one scale what is to be compared; have a
# control that could prove you wrong; and report it if it does.
#
# ✎ *Now you can do* `project`.
#
# ## Summary of the course
#
# | | what to know | shown in lesson |
# |---|---|---|
# | purpose | a filter finds one pattern wherever it stands: small weights, one window, multiply and add | [01](01_filters.ipynb) |
# | size | 3×3 mostly; larger windows by stacking layers, by stride or by dilation | [02](02_sliding_window.ipynb) |
# | depth | one slice for every input channel, and the slices' answers are added | [01](01_filters.ipynb) |
# | number | as many feature maps as filters; a layer's weight is `(out, in, kh, kw)` | [02](02_sliding_window.ipynb) |
# | learning | random start, loss, gradient, step; the gradient of a filter is a cross-correlation too | [03](03_learning_filters.ipynb) |
# | in practice | `Conv2d`, before and after training, on one signed scale | [04](04_filters_in_pytorch.ipynb) |
# | visualisation | weights, maps, patches, and a control for each | [05](05_visualizing_filters.ipynb) |
# | design and repair | thresholds turn sums into yes or no; loss, maps, weights and data tell what is wrong | this lesson |
#
# The words of the course, each with the lesson that explains it, are in the [glossary](glossary.ipynb).
#
# ## Where next
#
# **The exercises.** [Start here](start_here.ipynb) lays out your own copy and links to it: `detector`, `diagnose`, `prune_filters`, and
# your `project`.
#
# Then close this course, and open a network of your own.
#
# ## References
#
# - H. Li and others: [*Pruning filters for efficient ConvNets*](https://arxiv.org/abs/1608.08710), ICLR 2017: filters of small norm
#   go first.
# - L. Lu and others: [*Dying ReLU and initialization*](https://arxiv.org/abs/1903.06733), 2019.
# - J. Adebayo and others: [*Sanity checks for saliency maps*](https://arxiv.org/abs/1810.03292), NeurIPS 2018: why a control is needed.
# - A. Karpathy: [*A recipe for training neural networks*](https://karpathy.github.io/2019/04/25/recipe/), 2019: loss at the
#   start, and more looks.
# - PyTorch: [Conv2d](https://docs.pytorch.org/docs/stable/generated/torch.nn.Conv2d.html).
