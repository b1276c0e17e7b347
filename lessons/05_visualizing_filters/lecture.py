# %% [markdown]
# # 05 · What the filters see
#
# A trained network is a box of numbers. There are many ways to make pictures of them, and every such picture looks like *something*. This
# lesson opens a network that has learned from photographs, and asks of each picture: is that so? And how would I know if it were not?
#
# **After this lesson you can**
# - draw weights so that zero is grey, and say what one scale for all shows and a scale for each hides;
# - explain why a filter of a second layer is no colour picture, and read it slice by slice;
# - listen to any layer with a hook, and browse its maps;
# - find the patches that excite a filter, and paint the picture that excites it most;
# - ask which pixels an answer hangs on, and put the asking itself to the test;
# - measure direction and colour, dead and duplicate filters, and what a filter is worth;
# - hold each finding against random weights before you believe it.
#
# **Time** 60 minutes here, 100 for the exercises. **You need** lesson 04.
#
# Where it says **Predict**, say your answer aloud before you run the cell.

# %%
import copy

import numpy as np
import torch

from filterlab import attribution, datasets, excitation, features, images, models, pretrained, selectivity, show, training

# %% [markdown]
# ## Six claims
#
# An earlier version of this lesson said what many books say: *early filters show edges, textures and colours; deeper ones corners,
# shapes, and parts of objects.* It showed no evidence. We will look for some, and settle each claim at the end.
#
# The witness comes with the course: a small network, trained on the 50,000 photographs of CIFAR-10, 32×32 pixels each. Three layers of
# filters, each followed by a ReLU and a pooling of 2×2; then the mean of each map, and a score for each of ten words. **Predict** how
# many pixels of the picture one answer of the third layer can see (lesson 02 has the rule).

# %%
model = pretrained.shipped()
for layer in features.layers(model):
    count, *shape = model.get_submodule(layer).weight.shape
    field = features.receptive_field(model, layer, torch.zeros(1, 3, 32, 32))
    print(f"{layer}: {count:3} filters {tuple(shape)!s:11} each answer sees {field.size[0]:2}×{field.size[1]:2} pixels")
print(f"right on {pretrained.about()['accuracy']:.0%} of photographs that it had never seen")
print("its words:", ", ".join(model.classes))

# %% [markdown]
# The photographs that we show it are this course's own three, cut into squares. Hardly anything on them is among its ten words.
# **Predict** what it calls the sky, a tower, a flower, a face.

# %%
def squares(size, shrink, step=None):
    """Squares cut out of the three photographs, made smaller by these factors: a tensor (n, 3, size, size)."""
    photos = [images.photograph(name, color=True) for name in ("hopper", "china", "flower")]
    return torch.tensor(np.concatenate([images.crops(photo, size, step, shrink) for photo in photos]), dtype=torch.float32)


views = squares(32, shrink=(6, 12), step=16)
with torch.inference_mode():
    certainty, verdict = model(views).softmax(1).max(1)
shown = [26, 31, 23, 37, 43, 46, 54, 6, 19, 7]
named = [f"{model.classes[verdict[i]]}, {certainty[i]:.0%}" for i in shown]
show.gallery([show.picture(views[i].numpy(), name) for i, name in zip(shown, named, strict=True)], columns=5)

# %% [markdown]
# It must choose one of ten words, and does, sometimes with great certainty. Some of its choices one can guess at: a bright sky goes with
# aeroplanes, a horizon with ships. Others one cannot, and no score tells what it goes by. So let us look inside.
#
# ## Weights as pictures
#
# A filter of the first layer has one slice each for red, green and blue. So it can be drawn as a small colour picture, if negative
# weights get a place: zero is middle grey, the largest magnitude black or full. **Predict** what you see if that is the largest of *all*
# filters, and what if it is the largest of *each*.

# %%
weights = model.conv1.weight.detach()                  # (32, 3, 5, 5)
sizes = weights.abs().amax((1, 2, 3))                  # each filter's largest magnitude


def in_color(filters):
    """Filters (n, 3, k, k) as colour pictures: zero is grey, the largest magnitude of each filter black or full."""
    return 0.5 + 0.5 * filters / filters.abs().amax((1, 2, 3), keepdim=True)


def sheet(tiles, title, columns, names=None):
    """Colour pictures (n, 3, h, w) in rows, with names above them or without."""
    drawn = [show.picture(tile.numpy(), name) for tile, name in zip(tiles, names or [""] * len(tiles), strict=True)]
    said = f"{title}: {len(tiles)} colour pictures" + (f", {', '.join(names)}" if names else "")
    return show.gallery(drawn, title, columns=columns, alt=said)


colored = in_color(weights)
show.stack([sheet(0.5 + 0.5 * weights / sizes.max(), "one scale for all", 16), sheet(colored, "a scale for each", 16)])

# %% [markdown]
# Above you see **strength**: the pale ones hardly answer. Below you see **pattern**, and the weakest filter looks as decided as the
# strongest. Neither is wrong, but you must say which it is. (`imshow` and `make_grid(normalize=True)` do neither: lesson 04.)

# %%
strongest, weakest = sizes.argmax().item(), sizes.argmin().item()
print(f"largest weight of filter {strongest}: {sizes[strongest]:.2f}, of filter {weakest}: {sizes[weakest]:.2f}")
drawn = []
for c in (strongest, weakest):
    drawn += [show.response(weights[c, k].numpy(), f"filter {c}, {color}") for k, color in enumerate(("red", "green", "blue"))]
show.gallery(drawn, "both, slice by slice, on one scale", columns=6)

# %% [markdown]
# ✎ *Now you can do exercises* `to_display` *and* `filter_grid`.
#
# ## Which colour, and which way?
#
# Some of these look like edges, some like blobs of colour. But lesson 04 warned us: in enough noise one finds what one looks for. So
# measure, and measure random filters with the same rod. How much of a filter's squared weights is **colour**, that is, not shared by its
# three slices? 0 %: it sees brightness alone. Random weights have two thirds. **Predict** how the trained filters spread.

# %%
untrained = attribution.randomized(model, seed=1)      # the same network with PyTorch's random start
share = selectivity.color_share(weights)
order = share.argsort()
sheet(colored[order], "sorted by their share of colour", 8, [f"{share[c]:.0%}" for c in order])

# %%
shares = {"trained": share, "random": selectivity.color_share(untrained.conv1.weight.detach())}
for name, one in shares.items():
    grey, colourful = (one < 1 / 3).sum().item(), (one > 3 / 4).sum().item()
    print(f"{name:8} below 1/3: {grey:2} of 32   between: {32 - grey - colourful:2}   above 3/4: {colourful:2}")
assert (shares["trained"] < 1 / 3).sum() >= 10 and not (shares["random"] < 1 / 3).any()

# %% [markdown]
# They divide the work. Most are grey, or nearly: these have a bright and a dark side, or several bars. The most colourful ones are broad,
# without fine detail. Of the random filters not one is grey.
#
# Now direction. Show a filter waves of many directions, wavelengths and phases, and keep its best answer to each direction. It is
# **choosy** if a few directions have most of its answers: 0, all the same; 1, one only; a Sobel filter has 1/3. **Predict** whether
# deeper layers are choosier, or less so.

# %%
degrees, choosy = range(0, 180, 15), {}
tuned = {name: selectivity.tuning(network, degrees) for name, network in {"trained": model, "random": untrained}.items()}
for name, answers in tuned.items():
    for layer in answers:
        found = selectivity.choosiness(answers[layer], degrees)[0]
        choosy[name, layer] = (found > 1 / 3).float().mean().item()
        print(f"{name:8} {layer}: median {found.median():.2f}, choosier than Sobel {choosy[name, layer]:4.0%}")
assert all(choosy["trained", layer] > 0.25 + choosy["random", layer] for layer in features.layers(model))

# %%
drawn = []
for name, answers in tuned.items():
    answers = answers["conv1"] / answers["conv1"].amax(1, keepdim=True).clamp(min=1e-9)      # the largest of each filter is 1
    preferred = selectivity.choosiness(answers, degrees)[1]
    drawn.append(show.response(answers[preferred.argsort()].T.numpy(), name))
show.row(drawn, "a column per filter, waves from 0° (top) to 165° (bottom)")

# %% [markdown]
# Sorted by what they prefer, the trained filters make a dark band on paler ground: every direction has its specialists. Random filters
# answer to most directions alike. *Edges* and *colours*, in the first layer: two claims that hold so far.
#
# ✎ *Now you can do exercise* `orientation`.
#
# ## A second-layer filter is no colour picture
#
# `conv2` has weights `(64, 32, 3, 3)`: each filter has 32 slices, one for each map of the first layer. Slices 0, 1 and 2 are often drawn
# as red, green and blue. Here is what that shows. Put the 32 filters of the first layer in another order, and the slices of the second
# layer with them. **Predict**: what happens to the ten scores, and what to the colour pictures?

# %%
order = torch.randperm(32, generator=torch.Generator().manual_seed(0))
shuffled = copy.deepcopy(model)
with torch.no_grad():
    shuffled.conv1.weight.copy_(model.conv1.weight[order])
    shuffled.conv1.bias.copy_(model.conv1.bias[order])
    shuffled.conv2.weight.copy_(model.conv2.weight[:, order])
    difference = (shuffled(views) - model(views)).abs().max().item()
print(f"largest difference of any score: {difference:.0e}")
assert difference < 1e-4

# %%
as_if_rgb, other_order = (in_color(network.conv2.weight.detach()[:8, :3]) for network in (model, shuffled))
show.stack([
    sheet(as_if_rgb, "eight filters of conv2: slices 0, 1, 2 as red, green, blue", 8),
    sheet(other_order, "the same eight, the first layer in another order", 8),
])

# %% [markdown]
# The same network, and quite other pictures: they show nothing but the order in which the maps happen to be numbered. The honest picture
# is one **signed square per slice**, under the filter whose map it reads:

# %%
second = model.conv2.weight.detach()
adds, subtracts = second.clamp(min=0).sum((1, 2, 3)), -second.clamp(max=0).sum((1, 2, 3))
k = torch.minimum(adds, subtracts).argmax().item()     # a filter that does much of both
means = second[k].mean((1, 2))
read = [*means.topk(4).indices.tolist(), *means.topk(4, largest=False).indices.tolist()]
drawn = [show.picture(colored[c].numpy(), f"filter {c}") for c in read] + [show.kernel(second[k, c].numpy(), "slice") for c in read]
show.gallery(drawn, f"filter {k} of conv2: the four slices that add most, and the four that subtract most", columns=8)

# %% [markdown]
# Orange: what this map has found speaks *for* the filter; blue: it speaks against it. So the filter is no picture but a sentence about
# maps, with *and* and *not*, with *here* and *there*.
#
# ## Listen to a layer
#
# What does a filter make of a real picture? Ask the layer while the network runs: a **hook** is a function that PyTorch calls whenever
# the layer has answered.

# %%
photo = torch.tensor(images.photograph("hopper", color=True, size=240), dtype=torch.float32)[None]
heard = {}
handle = model.relu2.register_forward_hook(lambda layer, given, answer: heard.update(relu2=answer.detach().clone()))
with torch.inference_mode():
    model(photo)
handle.remove()                                        # or it goes on listening, and keeps every map
print("heard", tuple(heard["relu2"].shape))
assert torch.equal(heard["relu2"], features.feature_maps(model, "relu2", photo))

# %% [markdown]
# The last line asks the course's own function, which cleans up even if the network stops half-way. (Convolutions take a picture of any
# size.) Here are, from each layer, the four maps that vary most. **Predict**: in which layer are most answers zero?

# %%
sheets, silent = [], {}
for layer in ("relu1", "relu2", "relu3"):
    maps, chance = (features.feature_maps(network, layer, photo)[0] for network in (model, untrained))
    silent[layer] = (maps == 0).float().mean().item()
    print(f"{layer}: {len(maps):3} maps of {maps.shape[1]}×{maps.shape[2]}, zero {silent[layer]:.0%}"
          f"   (random weights {(chance == 0).float().mean():.0%})")
    liveliest = maps.flatten(1).var(1).topk(4).indices.tolist()
    limit = maps[liveliest].quantile(0.99).item()
    sheets.append(show.row([show.response(maps[c].numpy(), f"{layer}, map {c}") for c in liveliest], limit=limit))
    assert silent[layer] > max(0.5, (chance == 0).float().mean())
show.stack(sheets)

# %% [markdown]
# The deeper, the coarser the map, because of pooling. In all three layers most answers are zero, more than with random weights: a filter
# waits for its occasion. In the first layer the photograph is all there, as a drawing; in the third you see where something is, and
# hardly what.
#
# ✎ *Now you can do exercise* `feature_maps`.
#
# ## Browse
#
# All 224 filters, on 24 squares of 64×64 pixels: slices, map, and the nine patches that excite the filter most. Choose a layer, then move
# the sliders. Three things to find:
# 1. A filter of `conv1` that finds a colour. What does its map show inside a large patch of that colour, and what at its edge?
# 2. A filter of `conv2` or `conv3` whose best patches have a black bar along one side. What are these bars?
# 3. A filter of `conv3` for which you have a name. Does *every* patch deserve it?

# %%
from filterlab.explore.feature_browser import FeatureBrowser

pictures = squares(64, shrink=(2, 3, 4))
FeatureBrowser(model, pictures[::3])

# %% [markdown]
# <details><summary>What you may have found</summary>
#
# 1. Inside, an even answer: it asks for the colour, not for a change. The answer ends where the colour does.
# 2. The zeros of the padding. To such a filter the picture's border is as good as an edge (lesson 02). From here on only windows that lie
#    wholly inside a picture count.
# 3. Probably not. Keep such a filter in mind for `what_does_it_detect`.
#
# </details>
#
# ## The patches that excite a filter
#
# An old question, first put to nerve cells: of all that you have been shown, what made you answer most? We have 72 squares. For each
# filter, take its best answer to every square, then the eight best of these, and cut out the pixels that those answers saw. The first
# layer, every sixth filter, its weights in front:

# %%
best = {layer: selectivity.best_patches(model, layer, pictures, k=8) for layer in features.layers(model)}


def patches_of(found, channels, title, weights=None):
    """A row of patches for each channel, the answers above them; weights: coloured pictures to put in front."""
    drawn = []
    for c in channels:
        drawn += [] if weights is None else [show.picture(weights[c].numpy(), f"filter {c}")]
        drawn += [show.picture(patch.numpy(), f"{answer:.2f}") for patch, answer in zip(found[0][c], found[1][c], strict=True)]
    alt = f"{title}: the eight patches that excite each of filters {', '.join(map(str, channels))} most, and the answers"
    return show.gallery(drawn, title, columns=len(drawn) // len(channels), alt=alt)


patches_of(best["conv1"], range(1, 32, 6), "conv1: windows of 5×5 pixels", colored)

# %% [markdown]
# As in lesson 01, a filter finds what looks like itself. Now second and third layer: every twelfth and every 22nd filter, not the
# prettiest. **Predict** before you read on: what do the patches of one row have in common?

# %%
show.stack([
    patches_of(best["conv2"], range(2, 64, 12), "conv2: windows of 10×10 pixels"),
    patches_of(best["conv3"], range(3, 128, 22), "conv3: windows of 20×20 pixels"),
])

# %%
def alike(patches):
    """How the patches (channels, k, …) of a row correlate, pixel by pixel: 1 all the same, 0 nothing in common. The median row."""
    flat = patches.flatten(2) - patches.flatten(2).mean(2, keepdim=True)
    flat = flat / flat.norm(dim=2, keepdim=True).clamp(min=1e-6)
    together, k = flat @ flat.transpose(1, 2), flat.shape[1]
    return ((together.sum((1, 2)) - k) / (k * k - k)).median().item()


for layer, (patches, _) in best.items():
    print(f"{layer}: patches of a row are alike by {alike(patches):.2f}")

# %% [markdown]
# From layer to layer they have less in common, pixel by pixel. In the second layer one can often point at it: an edge, a bend, a bar, in
# one direction and of one polarity. In the third, one and the same row may hold roofs, curtains, petals and a button. Some rows ask for a
# name; others resist.
#
# ✎ *Now you can do exercise* `top_patches`.
#
# ## Change the patches, and ask again
#
# A row of patches invites a story, and a story can be tested: change the patches, show them again, and see how much of the answer is
# left. Take their colour away; make negatives; mirror them; stand them on their heads; or swap their four quarters crosswise, which keeps
# most of the *texture* and destroys the *arrangement*. **Predict** which change the third layer minds least, and which most.

# %%
changes = {
    "as it was": lambda patch: patch,
    "no colour": lambda patch: patch.mean(-3, keepdim=True).expand_as(patch),
    "negative": lambda patch: 1 - patch,
    "mirrored": lambda patch: patch.flip(-1),
    "on its head": lambda patch: patch.flip(-2),
    "quarters swapped": lambda patch: patch.roll((patch.shape[-2] // 2, patch.shape[-1] // 2), (-2, -1)),
}
k = best["conv3"][1][:, 0].argmax().item()             # the third-layer filter with the strongest answer
two = best["conv3"][0][:, [0, 4]]                      # each filter's best patch, and its fifth
changed = {name: change(two) for name, change in changes.items()}
answers = {name: selectivity.own_answers(model, "conv3", patches)[k] for name, patches in changed.items()}
drawn = []
for i in (0, 1):
    drawn += [show.picture(changed[name][k, i].numpy(), f"{name}: {show.number(answers[name][i].item())}") for name in changes]
show.gallery(drawn, f"filter {k} of conv3, two of its best patches, and its answers", columns=6)

# %%
def left(network, layer, found, change):
    """How much of the answers to four of its own best patches a filter keeps when they are changed: the median of the filters."""
    patches, before = (values[:, ::2] for values in found)
    after = selectivity.own_answers(network, layer, change(patches)).clamp(min=0)
    return (after.sum(1) / before.sum(1))[before.amin(1) > 0].median().item()


best_at_random = {layer: selectivity.best_patches(untrained, layer, pictures, k=8) for layer in features.layers(model)}
kept = {}
names = "".join(f"{layer:>8}" for layer in best)
print(f"{'kept of the answer':20}{names}     at random{names}")
for name in list(changes)[1:]:
    for layer in best:
        kept["trained", name, layer] = left(model, layer, best[layer], changes[name])
        kept["random", name, layer] = left(untrained, layer, best_at_random[layer], changes[name])
    rows = ["".join(f"{kept[which, name, layer]:8.0%}" for layer in best) for which in ("trained", "random")]
    print(f"{name:20}{rows[0]}{'':14}{rows[1]}")

# %%
assert all(kept["trained", "no colour", layer] > 0.8 for layer in best)
assert kept["trained", "quarters swapped", "conv3"] < 0.15 < kept["random", "quarters swapped", "conv3"]
assert kept["trained", "mirrored", "conv3"] > 0.4 > 0.2 > kept["trained", "on its head", "conv3"]
assert kept["trained", "negative", "conv3"] > 0.3 > kept["trained", "negative", "conv2"] + 0.2
assert abs(kept["random", "mirrored", "conv3"] - kept["random", "on its head", "conv3"]) < 0.15

# %% [markdown]
# - **No colour**: the median filter keeps about nine tenths: to most of them these patches are a matter of light and dark. So does a
#   random one, and so this is no sign of learning.
# - **Negative**: the first two layers lose all, for bright and dark are opposite signs to them. The third keeps almost half: it has begun
#   to look for the contour, whichever side is bright.
# - **Mirrored** against **on its head**: with random weights the two hurt alike. To the trained third layer a mirror image is still worth
#   half, a patch on its head next to nothing. It has learned that the world has an up and a down. (In training it saw photographs
#   mirrored, but none upside down.)
# - **Quarters swapped**: next to nothing is left, less than with random weights. Not the scraps are wanted, but how they lie together.
#
# ## Edges, corners, waves
#
# Photographs mix everything; drawings can ask one thing at a time. Straight edges; corners of 90°; waves, the plainest texture; each in
# many directions and places. How many filters answer half as much again to the best corner as to the best edge? **Predict** in which
# layer most do.

# %%
drawings = {
    "edge": selectivity.wedges(24, 180, reach=4, directions=12),
    "corner": selectivity.wedges(24, 90, reach=4, directions=12),
    "waves": torch.cat([selectivity.waves(24, angle) for angle in degrees]),
}
print("drawings:", {kind: len(sheet) for kind, sheet in drawings.items()})
places = {"edge": (12, 262), "corner": (12, 262), "waves": (16, 112)}
drawn = [show.picture(drawings[kind][place].numpy(), kind) for kind, two in places.items() for place in two]
show.gallery(drawn, "two of each", columns=6)

# %%
prefers = {}
for name, network in {"trained": model, "random": untrained}.items():
    answers = {kind: selectivity.strongest_answers(network, one) for kind, one in drawings.items()}
    for layer in best:
        for kind in ("corner", "waves"):
            more = answers[kind][layer].clamp(min=0) > 1.5 * answers["edge"][layer].clamp(min=0)
            prefers[name, kind, layer] = more.float().mean().item()
        corner, waves = prefers[name, "corner", layer], prefers[name, "waves", layer]
        print(f"{name:8} {layer}: corner before edge {corner:4.0%}, waves before edge {waves:4.0%}")

# %% [markdown]
# Corners: their share grows from layer to layer, and with random weights it does not get far. Waves: many filters of *every* layer would
# rather see a texture than a single edge, and most of all in the third.

# %%
corners, waves = ([prefers["trained", kind, layer] for layer in best] for kind in ("corner", "waves"))
assert corners[0] < corners[1] < corners[2] and corners[2] > 2 * max(prefers["random", "corner", layer] for layer in best)
assert max(waves) == waves[2] and min(waves) > 1.5 * max(prefers["random", "waves", layer] for layer in best)

# %% [markdown]
# ## Paint what it likes
#
# Patches can only show what was there. What would a filter like best of all? Start from noise and change the **pixels**, uphill on the
# mean of the filter's map. **Predict** what comes out for a first-layer filter that finds slanting edges.

# %%
some = {"relu1": range(1, 32, 6), "relu2": range(2, 64, 12), "relu3": range(3, 128, 22)}      # the same filters as above
restraint = {"jitter": 2, "blur": 0.5}
painted = {}
for layer, channels in some.items():
    painted[layer] = [excitation.maximize(model, layer, channels, **how) for how in ({}, restraint)]
show.stack([
    sheet(torch.cat(two), f"{layer}: without restraint, and below with", 6, [f"filter {c}" for c in some[layer]] * 2)
    for layer, two in painted.items()
])

# %%
def roughness(images):
    """Mean squared difference between neighbouring pixels."""
    return (images.diff(dim=-1).square().mean() + images.diff(dim=-2).square().mean()).item() / 2


def answers_of_six(images):
    """What six filters of relu3 answer: each to its own picture where there are six, else to its best of all; their mean."""
    answers = excitation.answers(model, "relu3", images)[:, some["relu3"]]
    return (answers.diagonal() if len(images) == 6 else answers.amax(0)).mean().item()


compared = {"noise": excitation.noise(64), "photographs": squares(32, (2, 4, 8))}
compared |= {"without restraint": painted["relu3"][0], "with restraint": painted["relu3"][1]}
rough, excited = ({name: measure(one) for name, one in compared.items()} for measure in (roughness, answers_of_six))
for name in compared:
    print(f"{name:18} roughness {rough[name]:.3f}, six filters of relu3 answer {excited[name]:5.2f}")

# %%
assert rough["without restraint"] > rough["noise"] > 2 * rough["with restraint"] > 2 * rough["photographs"]
assert excited["without restraint"] > 1.5 * excited["with restraint"] > 3 * excited["photographs"]

# %% [markdown]
# Without restraint the answers are strongest, and the pictures rougher than noise itself: they show what a filter *can* be driven by, not
# what it ever met. The **restraint** is two rules: blur a little after each step, and move the picture by a pixel or two before it, so
# that only what works anywhere is worth painting. The answers fall, but stay far above those to any of our squares; and one begins to
# see: in the first layer stripes and plain colours; in the second stripes with finer ones in them or across; in the third patterns of
# several parts for which we have no name.
#
# And why behind the ReLU? Before it, the first layer is linear: where a stripe raises the answer here, it lowers it there, and all that
# the *mean* of the map knows is the picture's mean colour. The greyest filter, painted before and behind its ReLU:

# %%
k = share.argmin().item()
before, behind = (excitation.maximize(model, layer, k, **restraint) for layer in ("conv1", "relu1"))
sheet([colored[k], before, behind], f"filter {k}", 3, ["its weights", "painted for conv1", "painted for relu1"])

# %% [markdown]
# ✎ *Now you can do exercise* `maximize_activation`.
#
# ## Paint the words
#
# The means of the third layer's 128 maps are all that the ten scores are made of. So paint for the scores, with a little more restraint.
# **Predict** what three layers of filters have to say on "deer" and "ship".

# %%
def paint_words(network):
    return excitation.maximize(network, "classifier", range(10), steps=128, jitter=4, blur=0.5)


sheet(paint_words(model), "what each word would like to see", 5, list(model.classes))

# %% [markdown]
# Look at them from across the room. In *deer* there are antlers, bodies and legs; in *horse* legs under bodies; in *cat* and *dog* faces
# with eyes and a muzzle; in *ship* hulls with something on them; in *automobile* and *truck* rows of wheels. *frog* is hardly more than
# texture. Nobody drew this: 128 filters, none of which sees more than 20×20 pixels, add up to it. But it is no picture of a deer, either:
# the mean of a map does not ask *where*, so there are parts, several times over, and no whole.
#
# ## Would random weights have shown the same?
#
# The question that must follow every such picture. The same network with random weights: its best patches, and what it paints.
# **Predict** which of the two you could have told from the trained network's.

# %%
show.stack([
    patches_of(best_at_random["conv3"], range(3, 128, 44), "random weights, conv3: best patches"),
    sheet(paint_words(untrained), "random weights: painted for the ten scores", 10),
])

# %%
tidy = {name: alike(found["conv3"][0]) for name, found in {"trained": best, "random": best_at_random}.items()}
print(f"patches of a row are alike by {tidy['trained']:.2f} (trained) and {tidy['random']:.2f} (random weights)")
assert tidy["random"] > tidy["trained"]

# %% [markdown]
# The paintings, at once. The patches, hardly: the random filters' rows are even *tidier*. Any filter whatever has windows that it likes
# best, and those resemble one another. So a tidy row proves no learning. What proves it is a number beside its control: how choosy, how
# often corners, what is left when quarters are swapped.
#
# ## Which pixels does an answer hang on?
#
# Two ways to ask. **Saliency**: the gradient of a score for each pixel; how fast would it change if the pixel did? **Occlusion**: paint
# over a square, and see how far the score falls. Which can be trusted? For that we need pictures of which we *know* the right pixels. So
# take lesson 04's patterns, train a network on them, and put two patterns into one picture, half and half. **Predict**: which way finds
# the half that speaks for "dots"?

# %%
train, test = datasets.patterns(3000, seed=0), datasets.patterns(1000, seed=1000)
judge = models.small_cnn(8, channels=(16, 32, 32))
print(f"right on {training.fit(judge, train, epochs=4, test=test, progress=False).accuracies[-1]:.0%} of new patterns")

# %%
halves = torch.cat([test.images[0::2, :, :, :16], test.images[1::2, :, :, 16:]], dim=3)
left_label, right_label = test.labels[0::2], test.labels[1::2]
places = (left_label != right_label).nonzero()[:80, 0]
halves, left_label, right_label = halves[places], left_label[places], right_label[places]
drawn = []
for labels in (left_label[:2], right_label[:2]):
    maps = {way.__name__: way(judge, halves[:2], labels) for way in (attribution.saliency, attribution.occlusion)}
    for i in range(2):
        drawn += [show.picture(halves[i].numpy(), test.classes[labels[i]])]
        drawn += [show.response((one[i] / one[i].abs().max()).numpy(), name) for name, one in maps.items()]
show.gallery(drawn, "for the label above each picture; each map on its own scale, its largest value 1", columns=6)

# %%
def finds(way, network):
    """How often the map of a label is stronger on the half where that label's pattern is."""
    found = []
    for labels, sign in ((left_label, 1), (right_label, -1)):
        maps = way(network, halves, labels)
        side = maps.shape[2] // 2
        found.append(sign * (maps[:, :, :side].sum((1, 2)) - maps[:, :, -side:].sum((1, 2))) > 0)
    return torch.cat(found).float().mean().item()


trust = {}
for name, network in {"trained": judge, "random weights": attribution.randomized(judge, seed=1)}.items():
    for way in (attribution.saliency, attribution.occlusion):
        trust[name, way.__name__] = finds(way, network)
        print(f"{name:15} {way.__name__:10} finds the half in {trust[name, way.__name__]:.0%} of {2 * len(halves)} cases")
assert trust["trained", "occlusion"] > 0.8 > 0.7 > max(trust["trained", "saliency"], trust["random weights", "occlusion"])

# %% [markdown]
# **Occlusion** nearly always knows the half, and with random weights it is no better than a coin: it speaks of the network. The plain
# **gradient** is not much better than a coin. It says what *would* change the score, and spoiling the other half is as good for "dots" as
# improving this one. There are better gradients (averaged, summed along a path); ask of each what we asked here.
#
# Now a photograph of which nobody knows the right pixels. A or B, one is the trained network, the other random weights. **Predict**
# which.

# %%
face = torch.tensor(images.photograph("hopper", color=True, size=60), dtype=torch.float32)[None]
word = model(face).argmax().item()
drawn = [show.picture(face[0].numpy(), model.classes[word])]
for way in (attribution.saliency, attribution.occlusion):
    for letter, network in {"A": untrained, "B": model}.items():
        one = way(network, face, word)[0]
        drawn += [show.response((one / one.abs().max()).numpy(), f"{way.__name__} {letter}")]
show.row(drawn)

# %% [markdown]
# A has the random weights. The gradients differ: B gathers on the face and leaves the sky out. But *both* occlusion maps are blue on the
# face, and both invite the same story: "the face speaks against the word". With random weights it is the story of nothing. Without a
# control you would have told it.
#
# ✎ *Now you can do exercise* `saliency`.
#
# ## Dead filters, and twins
#
# A filter that never answers is **dead**. Two whose weights point the same way, with a cosine near 1, are **duplicates**. (Near −1 they
# are opposites, and behind a ReLU do quite different work.) **Predict** how many of each a sound network has.

# %%
for layer in features.layers(model):
    answers = features.feature_maps(model, layer, pictures).amax((0, 2, 3))
    weight, chance = (network.get_submodule(layer).weight.detach() for network in (model, untrained))
    cosine, chance = selectivity.cosines(weight).fill_diagonal_(0), selectivity.cosines(chance).fill_diagonal_(0)
    print(f"{layer}: dead {(answers <= 0).sum()} of {len(answers)}, cosines {cosine.min():.2f} to {cosine.max():.2f}"
          f"   (random weights {chance.min():.2f} to {chance.max():.2f})")

# %%
cosine = selectivity.cosines(weights).fill_diagonal_(0)
pairs = {"most alike": divmod(cosine.argmax().item(), 32), "most opposite": divmod(cosine.argmin().item(), 32)}
answers = features.feature_maps(model, "relu1", pictures) > 0
for name, (one, other) in pairs.items():
    both, either = (answers[:, one] & answers[:, other]).sum(), (answers[:, one] | answers[:, other]).sum()
    print(f"{name}: cosine {cosine[one, other]:.2f}; where at least one of them answers, both do in {both / either:.0%}")
names = [f"{name}: {c}" for name, pair in pairs.items() for c in pair]
sheet(colored[[c for pair in pairs.values() for c in pair]], "pairs of the first layer", 4, names)

# %% [markdown]
# None is dead on these pictures, and no two are twins, though trained filters are both more alike and more opposite than random ones.
# Even the most alike pair mostly answers at different places, and the opposite pair nearly always does. Lesson 06 shows networks that are
# not so sound.
#
# ## What is a filter worth?
#
# Silence it and see: **ablation**. For the patterns there are true answers, so let that network's accuracy be the measure. **Predict**
# what one of its 16 first-layer filters is worth, and what half of them.

# %%
def accuracy_without(channels):
    return training.accuracy(attribution.ablate(judge, "relu1", channels), test[:500])


whole = accuracy_without([])
worth = torch.tensor([whole - accuracy_without(c) for c in range(16)])
order = worth.argsort(descending=True).tolist()
names = [f"{100 * worth[c]:+.1f}".replace("-", "−") for c in order]
sheet(in_color(judge.conv1.weight.detach()[order]), "points of accuracy that are lost without this filter", 8, names)

# %%
rest = {count: (accuracy_without(order[:count]), accuracy_without(order[-count:])) for count in (1, 4, 8)}
print(f"with all 16 filters {whole:.0%}")
for count, (without_best, without_least) in rest.items():
    print(f"without the {count} most valuable {without_best:.0%}, without the {count} least valuable {without_least:.0%}")
assert rest[1][1] > whole - 0.03 and rest[8][1] < whole - 0.04 and rest[8][0] < 0.6

# %% [markdown]
# A few filters are worth several points each; the others, taken one at a time, next to nothing, or less than nothing. But silence the
# eight least valuable *together*, and much is lost: each could be spared only because the others were there. Worth is no property of a
# filter, but of a filter among the rest.
#
# Our photographs have no true answers for the shipped network. But we can ask how often its *verdict* changes:

# %%
with torch.inference_mode():
    verdict = model(views).argmax(1)
    for layer, count in {"relu1": 32, "relu2": 64}.items():
        without = [attribution.ablate(model, layer, c)(views).argmax(1) for c in range(count)]
        changed = [(one != verdict).float().mean().item() for one in without]
        print(f"{layer}: without one filter {np.median(changed):.0%} of the verdicts change (median), at most {max(changed):.0%}")

# %% [markdown]
# ✎ *Now you can do exercise* `ablate`.
#
# ## A deeper network
#
# Is a small network a fair witness? SqueezeNet has 26 convolutions and has seen 1.2 million photographs. Its weights (5 MB) are fetched
# once, where there is an internet connection. Where there is none, the next cell says so, and the small network answers once more.

# %%
try:
    deep, layer, large = pretrained.pretrained("squeezenet1_1"), "features.7.expand3x3", squares(128, shrink=(1, 2))
except OSError as error:
    print(error)
    deep, layer, large = model, "conv3", pictures
first, untrained_deep = features.layers(deep)[0], attribution.randomized(deep, seed=1)
print(f"{len(features.layers(deep))} convolutions; from here on: {first} and {layer}")

# %%
filters = deep.get_submodule(first).weight.detach()[:32]
deep_best = selectivity.best_patches(deep, layer, large, k=8)
show.stack([
    sheet(in_color(filters), f"{first}, 32 filters, a scale for each", 16),
    patches_of(deep_best, range(0, 128, 32), f"{layer}: best patches"),
])

# %%
for name, network in {"trained": deep, "random": untrained_deep}.items():
    colour = selectivity.color_share(network.get_submodule(first).weight.detach())
    found = deep_best if network is deep else selectivity.best_patches(network, layer, large, k=8)
    kept_here = left(network, layer, found, changes["quarters swapped"])
    grey = (colour < 1 / 3).float().mean()
    print(f"{name:8} {first}: {grey:4.0%} nearly grey;  {layer}: keeps {kept_here:.0%} with quarters swapped")

# %% [markdown]
# Whichever network answered: the same questions, the same control. Does it bear the small one out?
#
# ## The six claims, settled

# %%
two = ("trained", "random")
rows = [("edges", "conv1: choosier than Sobel about direction", [choosy[name, "conv1"] for name in two])]
grey = [(shares[name] < 1 / 3).float().mean().item() for name in two]
rows += [("colours", "conv1: nearly grey, which leaves colour to others", grey)]
rows += [("textures", f"{layer}: waves before edge", [prefers[name, "waves", layer] for name in two]) for layer in best]
rows += [("corners", f"{layer}: corner before edge", [prefers[name, "corner", layer] for name in two]) for layer in best]
swapped = [kept[name, "quarters swapped", "conv3"] for name in two]
rows += [("shapes", "conv3: kept with quarters swapped; little: arrangement counts", swapped)]
print(f"{'claim':10}{'measure':64}{'trained':>8}{'random':>8}")
for claim, measure, (trained, random) in rows:
    print(f"{claim:10}{measure:64}{trained:8.0%}{random:8.0%}")

# %% [markdown]
# - **Edges and colours, early**: borne out, and the two are shared out among different filters.
# - **Textures, early**: borne out, but no mark of *early*: the third layer likes them most.
# - **Corners, deeper**: borne out; their share grows with depth.
# - **Shapes, deeper**: borne out for small ones, in the sense that the arrangement counts and not the scraps alone.
# - **Parts of objects**: in single filters, not that we could show: their rows of patches mix roofs with petals. But all of them
#   together, painted for the words, bring forth antlers, legs, wheels and eyes. That one is for your eyes only: there is no number beside
#   it.
#
# Three photographs and one small network are few witnesses. The measures are there: ask yours.
#
# ✎ *Now you can write* `what_does_it_detect`.
#
# ## Summary
#
# | word | what it is | what to remember |
# |---|---|---|
# | one scale · a scale for each | strength · pattern | say which |
# | slice of a deep filter | reads one map of the layer before | no colour, no picture |
# | hook | called when a layer has answered | copy, then remove |
# | best patches | the windows of the strongest answers | tidy rows prove nothing |
# | changed patches | what is left of the answer? | a story is there to be tested |
# | activation maximisation | uphill on the pixels | without restraint, noise; behind the ReLU |
# | saliency | gradient of a score | what would change it, not what made it |
# | occlusion | painted over, how far does it fall? | found the half |
# | dead · duplicate filters | never answer · cosine near 1 | opposites are no duplicates |
# | ablation | silence it and see | worth depends on who is left |
# | random weights | the control | for every picture and every number |
#
# ## Where next
#
# **The exercises.** [Start here](start_here.ipynb) lays out your own copy and links to it. In this order: `to_display`, `filter_grid`,
# `feature_maps`, `top_patches`, `maximize_activation`, `saliency`, `orientation`, `ablate`, and the written `what_does_it_detect`.
#
# **[Lesson 06](06_capstone.ipynb)** turns the glass round: you design filters, find out what ails a network, and make one smaller.
#
# **Try your own pictures**: `images.crops(images.load("path/to/picture.jpg", color=True), 64)` cuts them into squares.
#
# ## References
#
# - M. D. Zeiler, R. Fergus: [*Visualizing and understanding convolutional networks*](https://arxiv.org/abs/1311.2901), ECCV 2014. Best
#   patches, occlusion.
# - K. Simonyan, A. Vedaldi, A. Zisserman: [*Deep inside convolutional networks*](https://arxiv.org/abs/1312.6034), 2013. Saliency.
# - D. Erhan, Y. Bengio, A. Courville, P. Vincent: *Visualizing higher-layer features of a deep network*, University of Montreal, 2009.
#   Activation maximisation.
# - J. Yosinski and others: [*Understanding neural networks through deep visualization*](https://arxiv.org/abs/1506.06579), 2015. Blur; A.
#   Mordvintsev, C. Olah, M. Tyka: *Inceptionism*, Google Research blog, 2015. Jitter.
# - C. Olah, A. Mordvintsev, L. Schubert: [*Feature visualization*](https://distill.pub/2017/feature-visualization), Distill, 2017.
# - J. Adebayo and others: [*Sanity checks for saliency maps*](https://arxiv.org/abs/1810.03292), NeurIPS 2018. Random weights as a
#   control.
# - R. Geirhos and others: [*ImageNet-trained CNNs are biased towards texture*](https://arxiv.org/abs/1811.12231), ICLR 2019. Texture
#   against shape.
# - D. Hubel, T. Wiesel: *Receptive fields, binocular interaction and functional architecture in the cat's visual cortex*, Journal of
#   Physiology 160, 1962.
# - F. N. Iandola and others: [*SqueezeNet*](https://arxiv.org/abs/1602.07360), 2016.
# - A. Krizhevsky: *Learning multiple layers of features from tiny images*, 2009. For CIFAR-10.
# - PyTorch:
#   [register_forward_hook](https://docs.pytorch.org/docs/stable/generated/torch.nn.Module.html#torch.nn.Module.register_forward_hook).
