# %% [markdown]
# # 04 · Filters in PyTorch
#
# Lesson 03 derived every gradient by hand. PyTorch takes over the deriving, and so whole networks come within reach. The question
# stays the same, and becomes harder to answer honestly: *what did the filters learn, and would we notice if they had learned nothing?*
#
# **After this lesson you can**
# - build a network around `nn.Conv2d`, and follow the shapes through it;
# - load pictures: generated, real, or your own;
# - train it, and watch loss and filters while it learns;
# - show filters before and after on one signed scale, and say what such a picture proves and what not;
# - compare learned filters with random ones, hand-made ones, and ones computed from the pictures;
# - save filters, load them, and choose a device.
#
# **Time** 45 minutes here, 90 for the exercises. **You need** lessons 01 to 03.
#
# Where it says **Predict**, say your answer aloud before you run the cell.

# %%
import numpy as np
import torch
from IPython.display import display
from torch import nn

from filterlab import datasets, images, kernels, models, show, training, whitening
from filterlab.convolution import conv2d

# %% [markdown]
# ## `Conv2d` is your `conv2d`
#
# `nn.Conv2d` holds a weight, a bias and the settings, and is called like a function. The numbers are the ones of lesson 02. **Predict**
# the shape of the weight of a layer from 3 channels to 6 maps.

# %%
conv1 = nn.Conv2d(in_channels=3, out_channels=6, kernel_size=3, padding=1)
weight, bias = conv1.weight.detach().numpy(), conv1.bias.detach().numpy()
print("weight", tuple(conv1.weight.shape), " bias", tuple(conv1.bias.shape))

# %%
photo = images.photograph("flower", color=True, size=240)
theirs = conv1(torch.tensor(photo[None], dtype=torch.float32)).detach().numpy()
ours = conv2d(photo[None], weight, bias, padding=1)
print("PyTorch", theirs.shape, " lesson 02", ours.shape, f" largest difference {np.abs(theirs - ours).max():.0e}")
assert np.allclose(theirs, ours, atol=1e-5)

# %% [markdown]
# Equal, up to the seven digits of `float32`. (`detach` says: only the numbers please, nothing to derive.) So a network's first layer
# gives six answers to a photograph. These are the layer's, as it was born a moment ago:

# %%
drawn = [show.response(answer, f"map {number}") for number, answer in enumerate(theirs[0])]
show.gallery([show.picture(photo, "flower"), *drawn[:3], show.picture(photo.mean(0), "its brightness"), *drawn[3:]], columns=4)

# %% [markdown]
# They show petals and outlines, and nobody has taught this layer anything. Keep that in mind.
#
# ✎ *Now you can do exercise* `conv_parameters`.
#
# ## A network, layer by layer
#
# The smallest network with filters: six of them, a ReLU, an average over 4×4 places, and one score per class. **Predict** each shape
# before you run the cell, and then the number of weights.

# %%
model = models.one_layer(classes=8, seed=0)
x = torch.rand(2, 3, 32, 32)                           # two pictures
print(f"{'a batch of pictures':22}{tuple(x.shape)}")
for name, layer in model.named_children():
    x = layer(x)
    count = sum(parameter.numel() for parameter in layer.parameters())
    print(f"{name:10} {type(layer).__name__:18} → {tuple(x.shape)!s:16}{count:5} weights" if count else
          f"{name:10} {type(layer).__name__:18} → {tuple(x.shape)}")

# %% [markdown]
# The scores are **logits**: any numbers, the largest is the answer. Softmax and the loss come later, in one function,
# `cross_entropy`. A picture of another size gives the same shape of scores: the average is over a grid of places, however large the
# map.
#
# ✎ *Now you can do exercise* `SimpleCNN`.
#
# ## Three kinds of pictures
#
# **Generated**: eight patterns, each time with other colours, period, phase, tilt and noise. They need no network, and we know
# exactly what is in them.

# %%
train, test = datasets.patterns(4000, seed=0), datasets.patterns(2000, seed=1000)
shown = [next(i for i in range(start, 4000) if train.labels[i] == label) for start in (0, 300) for label in range(8)]
drawn = [show.picture(train.images[i].numpy(), train.classes[train.labels[i]]) for i in shown]
show.gallery(drawn, columns=8)

# %% [markdown]
# **Real**: handwritten digits that come with scikit-learn; 8×8 pixels, one channel. Both kinds come as `Pictures`: tensors, labels and
# names, checked when they are made, split into a part to train on and a part to test with that training never sees.

# %%
digits, unseen_digits = datasets.digits()
print("patterns", tuple(train.images.shape), train.images.dtype, " digits", tuple(digits.images.shape), digits.images.dtype)
show.gallery([show.picture(digits.images[i, 0].numpy(), digits.classes[digits.labels[i]]) for i in range(16)], columns=8)

# %% [markdown]
# **Your own**: a folder in which each class has a sub-folder. Sizes may differ, and a file that cannot be read is named and skipped.
# Here two classes are cut from two photographs; put your own folder in its place.

# %%
from pathlib import Path
from tempfile import mkdtemp

from PIL import Image

folder = Path(mkdtemp())
for name in ("china", "flower"):
    (folder / name).mkdir()
    whole = (255 * np.moveaxis(images.photograph(name, color=True), 0, -1)).astype(np.uint8)
    for number in range(4):
        Image.fromarray(whole[100:300, 120 * number : 120 * number + 150]).save(folder / name / f"{number}.jpg")
_ = (folder / "china" / "half.jpg").write_bytes((folder / "china" / "0.jpg").read_bytes()[:900])

# %%
own = datasets.picture_folder(folder, size=64)
print(tuple(own.images.shape), own.classes)
show.gallery([show.picture(own.images[i].numpy(), own.classes[own.labels[i]]) for i in range(len(own))], columns=8)

# %% [markdown]
# The fourth kind needs a network once: `train, test = datasets.cifar10("data")` fetches the 60,000 photographs of CIFAR-10 (170 MB).
#
# ## Not learned yet
#
# A layer's weights can be looked at at any time. Here is the first filter of our network. **Predict**: is it an edge detector?

# %%
before = model.conv1.weight.detach().clone()
print(before[0].numpy().round(2))

# %% [markdown]
# It is noise: nothing has been trained. Yet an earlier version of this lesson printed these very numbers as "the filters the network
# has learned". An easy slip: weights are there from the first moment, and they never look like zero. It made another one, just
# as common: it gave the weights to `imshow`, which takes numbers from 0 to 1. **Predict** what happens to the negative half.

# %%
drawn = [show.picture(one.numpy(), f"filter {number}") for number, one in enumerate(before)]
show.row(drawn[:5], "what a picture from 0 to 1 makes of signed weights")

# %%
show.filters(before, "the same network, all six: a column per filter, its red, green and blue slice below each other")

# %% [markdown]
# Above, all that is negative is black, and half of the filter is gone. Below, signed colours: orange adds, blue subtracts, grey is
# zero. Every picture of filters from here on is of this kind.
#
# ✎ *Now you can do exercises* `get_filters` *and* `why_not_learned_yet`.
#
# ## One step
#
# A training step has four lines: scores, loss, gradients, step. **Predict** the loss before: eight classes, and a network that
# knows nothing.

# %%
optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
pictures, labels = train.images[:256], train.labels[:256]
loss = nn.functional.cross_entropy(model(pictures), labels)
loss.backward()
optimizer.step()
after_one = nn.functional.cross_entropy(model(pictures), labels)
print(f"before {loss:.4f}, after one step {after_one:.4f}; guessing among 8 costs ln 8 = {np.log(8):.4f}")
assert after_one < loss

# %% [markdown]
# `backward` wrote a gradient beside every weight, in its shape: lesson 03's `conv2d_backward`, for every layer. It *adds* to what is
# there. **Predict** what a second `backward` leaves, if nobody cleans up in between:

# %%
def gradient_after(times):
    model.zero_grad()
    for _ in range(times):
        nn.functional.cross_entropy(model(pictures), labels).backward()
    return model.conv1.weight.grad.clone()


once, twice = gradient_after(1), gradient_after(2)
print("gradient", tuple(once.shape), " after two calls it is", (twice / once).mean().round().item(), "times as large")
assert torch.allclose(twice, 2 * once, rtol=1e-3, atol=1e-6)

# %% [markdown]
# That is why every loop says `optimizer.zero_grad()`. A loop that forgets it still prints a falling loss for a while, and learns
# worse: a bug that no error message shows.
#
# ✎ *Now you can do exercises* `train_epoch` *and* `evaluate`.
#
# ## Watch it learn
#
# `training.fit` repeats this step: 4,000 pictures in random order, in batches of 64, 15 times over. After each epoch it notes loss,
# filters, and the accuracy on the test pictures, and calls `watch`, which redraws two pictures. Run it, and look.

# %%
model = models.one_layer(8, seed=0)
curve = display(show.curves({"loss": [np.log(8)]}, "loss, epoch by epoch", unit="epoch"), display_id=True)
sheet = display(show.filters(before, "epoch 0", limit=1), display_id=True)


def watch(history):
    curve.update(show.curves({"loss": history.losses}, "loss, epoch by epoch", unit="epoch"))
    sheet.update(show.filters(history.filters[-1], f"epoch {history.steps[-1]}", limit=1))


history = training.fit(model, train, epochs=15, lr=0.01, test=test, watch=watch)

# %%
print(f"right answers on the test pictures: {history.accuracies[0]:.0%} before, {history.accuracies[-1]:.0%} after; by chance {1 / 8:.0%}")
assert history.accuracies[-1] > 0.4

# %% [markdown]
# Now go through the training at your own pace. In which epochs does most happen? Compare with the curve above.

# %%
from filterlab.explore.training_player import TrainingPlayer

TrainingPlayer(history)

# %% [markdown]
# ## Before against after
#
# Side by side, and on **one** scale: otherwise each picture would be stretched to full colour, and noise would look as decided as
# knowledge. **Predict** which differ more: the sizes of the weights, or their patterns?

# %%
after = model.conv1.weight.detach().clone()
show.row([show.filters(before, "before: random"), show.filters(after, "after 15 epochs")])

# %% [markdown]
# Both. The weights have grown three- to fourfold. And lines have appeared: filters with a bright side and a dark one, upright or level.
# Some do so in all three slices, others only in one or two: they see where one *colour* meets another. At least one of the six stays a
# blur. Nobody told the network what an edge is.
#
# ## But did a random filter not look like an edge, too?
#
# An honest question: at the beginning of this lesson, random filters drew outlines, too. Lesson 01's Sobel pair lets us measure.
# How much of a filter lies in it: 0, nothing; 1, each slice is an edge detector in some direction. A random filter has 2 of 9 by
# chance. **Predict** the best of 600 random filters.

# %%
pair = np.stack([kernels.sobel_x, kernels.sobel_y]) / np.sqrt(12)              # each of length 1
edges = torch.tensor(pair, dtype=torch.float32)


def edge_share(filters):
    """How much of the squared weights of filters (n, c, 3, 3) the two Sobel kernels can say, slice by slice: (n,), from 0 to 1."""
    return (torch.einsum("ncij,kij->nck", filters, edges) ** 2).sum((1, 2)) / (filters**2).sum((1, 2, 3))


random = models.one_layer(8, filters=600, seed=5).conv1.weight.detach()
chosen = random[edge_share(random).argsort(descending=True)[:6]]

# %%
print("600 random filters: mean", edge_share(random).mean().numpy().round(2), " 2/9 =", round(2 / 9, 2))
print("the six most edge-like of them", edge_share(chosen).numpy().round(2))
print("our six before training       ", edge_share(before).numpy().round(2))
print("our six after training        ", edge_share(after).numpy().round(2))

# %%
def same_size(filters):
    """Each filter as long as the others, so that none is ahead only because its numbers are larger."""
    return 2 * filters / filters.flatten(1).norm(dim=1)[:, None, None, None]


show.row([show.filters(same_size(chosen), "the best six of 600 random ones"), show.filters(same_size(after), "learned")])

# %% [markdown]
# With goodwill, some on the left look like edges: choose from enough noise, and you find what you look for. On the right
# most are edges without goodwill. But looking is not testing. The test: put filters into `conv1`, **freeze** them, and train only the
# classifier on top of them. **Predict** the order: six random ones, the chosen six, Sobel's, the learned six.

# %%
directions = [kernels.sobel_x, -kernels.sobel_x, kernels.sobel_y, -kernels.sobel_y, kernels.diagonal_down, kernels.diagonal_up]
sobel = torch.tensor(np.stack(directions), dtype=torch.float32)[:, None].expand(6, 3, 3, 3)
frozen = {"random": random[:6], "random, most edge-like": chosen, "Sobel": sobel, "learned before": after}
shares = {}
for name, filters in frozen.items():
    candidate = models.with_filters(same_size(filters), 8)
    shares[name] = training.fit(candidate, train, epochs=15, lr=0.01, test=test, progress=False).accuracies[-1]

# %%
for name, share in shares.items():
    print(f"{name:24} frozen {share:6.1%}")
print(f"{'learned with the rest':24}        {history.accuracies[-1]:6.1%}")
assert max(shares["random"], shares["random, most edge-like"]) + 0.1 < min(shares["Sobel"], shares["learned before"])

# %% [markdown]
# Random filters hardly help, and the pretty ones no more than the others: *looking* a bit like an edge was worth nothing. Sobel's,
# made by hand in 1968, come close to what the network found by itself. But the network did not need to be told.
#
# ✎ *Now you can do exercises* `install_filters` *and* `train_simple_cnn`.
#
# ## Why filters, and why depth: three numbers
#
# A **linear** classifier has a weight for each pixel and class, and no filters. Ours has **one layer**. The third has **three**,
# each with batch norm, ReLU and pooling. **Predict** the three accuracies.

# %%
linear, deep = models.linear(8), models.small_cnn(8, channels=(16, 32, 64))
linear_history = training.fit(linear, train, epochs=6, lr=0.001, test=test, progress=False)
deep_history = training.fit(deep, train, epochs=6, test=test)

# %%
networks = {"linear": linear, "one layer": model, "three layers": deep}
for name, network in networks.items():
    print(f"{name:14}{sum(weight.numel() for weight in network.parameters()):8,} weights {training.accuracy(network, test):8.1%}")
assert training.accuracy(linear, test) < 0.4 < training.accuracy(model, test) < 0.75 < 0.95 < training.accuracy(deep, test)

# %%
templates = linear.classifier.weight.detach().reshape(8, 3, 32, 32).mean(1).numpy()
drawn = [show.response(one, name) for one, name in zip(templates, train.classes, strict=True)]
show.gallery(drawn, "what the linear classifier learned", columns=4)

# %% [markdown]
# One template per class, and they look like noise: a stripe may stand anywhere, so no single pixel knows anything. Filters
# do not care *where*; that is the first step. The second:

# %%
def right(network, label):
    chosen = test.labels == label
    return training.accuracy(network, test[chosen.nonzero()[:, 0]])


print(f"{'':22}" + "".join(f"{name:>14}" for name in networks))
for label, name in enumerate(test.classes):
    print(f"{name:22}" + "".join(f"{right(network, label):14.0%}" for network in networks.values()))

# %% [markdown]
# Level and upright stripes: one layer is enough, because a 3×3 window sees them. Checks, dots and diagonals are made of the same
# edges; only their *arrangement* differs, and that needs a filter on top of filters. Some that only the three layers got
# right:

# %%
with torch.inference_mode():
    shallow, layered = model(test.images).argmax(1), deep(test.images).argmax(1)
rescued = ((shallow != test.labels) & (layered == test.labels)).nonzero()[:8, 0].tolist()
names = [f"{test.classes[test.labels[i]]}, taken for {test.classes[shallow[i]]}" for i in rescued]
show.gallery([show.picture(test.images[i].numpy(), name) for i, name in zip(rescued, names, strict=True)], columns=4)

# %% [markdown]
# Now look at the first filters of the network that is nearly always right. **Predict**: cleaner than those of the small one?

# %%
start = models.small_cnn(8, channels=(16, 32, 64)).conv1.weight.detach()      # the same seed, the same start
learned = deep.conv1.weight.detach()
show.row([show.filters(start[:8], "before, 8 of 16"), show.filters(learned[:8], "after, 8 of 16")])

# %%
half_random = models.small_cnn(8, channels=(16, 32, 64))
models.freeze(half_random.conv1)
frozen_history = training.fit(half_random, train, epochs=6, test=test, progress=False)
print("edge share before", edge_share(start).mean().numpy().round(2), "after", edge_share(learned).mean().numpy().round(2))
print(f"all learned {deep_history.accuracies[-1]:.1%}, first layer frozen at random {frozen_history.accuracies[-1]:.1%}")

# %% [markdown]
# They have moved towards edges, by our measure, but to the eye many are as muddled as before. And if they stay random altogether, the
# network loses little: the layers above make do with any sixteen different views. So never argue from a picture of filters that
# a network has learned, nor that it has not. Measure, against a random one.
#
# ## Real pictures: digits
#
# The same network with one input channel, on real handwriting. **Predict** how long it takes.

# %%
reader = models.small_cnn(10, in_channels=1)
digit_history = training.fit(reader, digits, epochs=10, test=unseen_digits)
print(f"{digit_history.accuracies[-1]:.1%} of {len(unseen_digits)} digits that it has never seen")

# %%
with torch.inference_mode():
    read = reader(unseen_digits.images).argmax(1)
order = (read == unseen_digits.labels).int().argsort(stable=True)[:8].tolist()      # wrong ones first
names = [f"{unseen_digits.labels[i]}, read as {read[i]}" for i in order]
show.gallery([show.picture(unseen_digits.images[i, 0].numpy(), name) for i, name in zip(order, names, strict=True)], columns=8)

# %% [markdown]
# The wrong ones come first. Would you have read them all?
#
# ## Keep what was learned
#
# A file of weights is made with `torch.save`, and read with `weights_only=True`: such files are pickles, which may run code when
# opened, and this reads nothing but numbers. Load them into a network of the same build.

# %%
file = folder / "filters.pt"
torch.save(model.conv1.state_dict(), file)
fresh = models.one_layer(8, seed=99)
fresh.conv1.load_state_dict(torch.load(file, weights_only=True))
print(f"{file.stat().st_size:,} bytes for {fresh.conv1.weight.numel() + 6} numbers")
assert torch.equal(fresh.conv1.weight, model.conv1.weight)

# %% [markdown]
# Filters can move into another network, too: that is how knowledge from millions of pictures reaches a small task. Here
# `fresh` has learned filters and a classifier that knows nothing:

# %%
print(f"{training.accuracy(fresh, test):.0%} right, before its classifier is trained")

# %% [markdown]
# ## Whitening as a first layer
#
# Lesson 03 found pixels too much alike to learn from quickly, and whitened them. Windows of 3×3×3 pixels can be whitened by
# a convolution: 27 filters, *computed* from the pictures, without a label and without training. First, how alike are the 27 numbers of a
# window?

# %%
white = whitening.whitening_layer(train.images)
patches = whitening.windows(train.images, size=3, n=20_000, seed=1)            # others than those it was computed from
flat = patches.flatten(1)
answers = white(patches)[:, :, 1, 1]                   # the middle place: the window without padding
show.row([
    show.response(torch.corrcoef(flat.T).numpy(), "correlation of the pixels"),
    show.response(torch.corrcoef(answers.T).numpy(), "correlation of the layer's answers"),
])

# %% [markdown]
# Left, three blocks: the nine pixels of one colour nearly repeat each other. (Between the colours there is nothing, because these
# pictures draw them at random; in photographs there is.) Right, only the diagonal is left: each answer is news. These are the
# filters. **Predict** what the first ones see, which find most variance, and the last ones.

# %%
show.filters(white.weight, "27 whitening filters, falling variance")

# %% [markdown]
# The first three are even: how bright, in which colour. That is so common that their weights are tiny. Then come slopes in two
# directions, then finer and finer alternation, rarest and therefore strongest. Now they compete, frozen, with 27 random filters and
# with 27 learned ones. **Predict** the order.

# %%
computed = models.one_layer(8, filters=27)
computed.conv1 = white
unlearned = models.with_filters(same_size(random[:27]), 8)
trained = models.one_layer(8, filters=27)
for name, network in {"random, frozen": unlearned, "learned": trained, "whitening, frozen": computed}.items():
    share = training.fit(network, train, epochs=6, lr=0.01, test=test, progress=False).accuracies[-1]
    print(f"27 filters, {name:20}{share:6.1%}")

# %% [markdown]
# Computed filters beat learned ones, clearly. Gradient descent sees mostly brightness, which is useless here, and reaches the fine, rare
# differences late, if at all: lesson 03's long valley. With a good first layer one is enough for most of these patterns. Batch norm,
# which the three layers have, is a cheap relative of this.
#
# ✎ *Now you can do exercise* `whitening_filters`.
#
# ## CPU, GPU, Apple
#
# One rule, one line: what is there is used. Model and pictures must be on the same device; `fit` moves both, and brings the model home.

# %%
here = training.device()
print("this machine computes on:", here, "" if here.type != "cpu" else f"with {torch.get_num_threads()} threads")
scores = model.to(here)(test.images[:4].to(here))
print("scores live on:", scores.device, " back on the CPU for NumPy:", scores.detach().cpu().numpy().shape)
model = model.to("cpu")

# %% [markdown]
# ## Summary
#
# | word | what it is | what to remember |
# |---|---|---|
# | `nn.Conv2d` | lesson 02's `conv2d` with its own weight and bias | random from the first moment |
# | logits | one score per class | softmax is part of `cross_entropy` |
# | `backward` | all gradients at once | adds: `zero_grad` first |
# | epoch | once through all pictures, in random order | mean loss per picture |
# | train · test | what it learns from · what it has never seen | only the second counts |
# | before and after | signed, on one scale | shows change, proves no use |
# | frozen filters | `requires_grad_(False)` | random against learned: measure |
# | linear · one layer · three | position · edges · arrangements | why filters, why depth |
# | `weights_only=True` | loads numbers, runs no code | for every file that is not yours |
# | whitening layer | filters computed from the pictures | every answer is news |
#
# ## Where next
#
# **The exercises.** [Start here](start_here.ipynb) lays out your own copy and links to it. In this order: `SimpleCNN`,
# `conv_parameters`, `get_filters`, `train_epoch`, `evaluate`, `install_filters`, `train_simple_cnn`, `whitening_filters`, and the
# written `why_not_learned_yet`.
#
# **[Lesson 05](05_visualizing_filters.ipynb)** asks what the filters of deeper layers see.
#
# ## References
#
# - A. Krizhevsky: *Learning multiple layers of features from tiny images*, 2009. For CIFAR-10, and for whitening.
# - E. Alpaydin, C. Kaynak: *Optical recognition of handwritten digits*, UCI Machine Learning Repository, 1998.
# - K. Jarrett, K. Kavukcuoglu, M. Ranzato, Y. LeCun: *What is the best multi-stage architecture for object recognition?* ICCV 2009. How
#   far random filters go.
# - S. Ioffe, C. Szegedy: [*Batch normalization: accelerating deep network training by reducing internal covariate
#   shift*](https://arxiv.org/abs/1502.03167), ICML 2015.
# - I. Loshchilov, F. Hutter: [*Decoupled weight decay regularization*](https://arxiv.org/abs/1711.05101), ICLR 2019 (AdamW); L. N.
#   Smith, N. Topin: [*Super-convergence*](https://arxiv.org/abs/1708.07120), 2017 (the one-cycle learning rate).
# - K. Jordan: [*94% on CIFAR-10 in 3.29 seconds on a single GPU*](https://arxiv.org/abs/2404.00498), 2024. Whitening as a first layer.
# - I. Sobel: *An isotropic 3×3 image gradient operator*, talk at the Stanford Artificial Intelligence Project, 1968.
# - PyTorch: [Conv2d](https://docs.pytorch.org/docs/stable/generated/torch.nn.Conv2d.html),
#   [cross_entropy](https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.cross_entropy.html),
#   [torch.load](https://docs.pytorch.org/docs/stable/generated/torch.load.html).
