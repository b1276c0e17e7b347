# %% [markdown]
# # 03 · How filters are learned
#
# So far you chose the numbers in a filter, or took them from a book. A network's filters come from nobody: they start at random, and
# examples pull them into shape. This lesson lets you watch that, one step at a time, and shows why it is sometimes fast and
# sometimes painfully slow.
#
# **After this lesson you can**
# - turn "this filter is wrong" into one number, the loss, and say which way is down;
# - derive the gradient of a filter on paper, and check it in three ways;
# - write the loop that learns a filter, in six lines;
# - compute the largest learning rate that works, and recognise one that is too small or too large;
# - explain why a photograph teaches more slowly than noise, and mend it with momentum or whitening;
# - follow an error backwards through a layer with stride and padding;
# - tell when a picture cannot teach a filter, and why the start must be random.
#
# **Time** 55 minutes here, 95 for the exercises. **You need** lessons 01 and 02, and to know what a derivative is.
#
# Where it says **Predict**, say your answer aloud before you run the cell.

# %%
import numpy as np

from filterlab import images, kernels, learning, show
from filterlab.convolution import conv2d, conv2d_backward, convolve2d, correlate2d, pad2d, windows
from filterlab.explore.flipbook import Flipbook
from filterlab.explore.training_player import TrainingPlayer

# %% [markdown]
# ## A filter that nobody tells us
#
# Here is a picture, and what some 3×3 filter made of it. We make this task ourselves, so the filter stands in the code; pretend that
# you have not seen it. A first guess is Prewitt x. Its error, answer minus target, is the third picture. **Predict**: would a
# perfect guess leave anything to see there?

# %%
secret = kernels.sobel_x                               # look away
face = images.photograph("hopper", size=240)[53:117, 70:134]
face_target = correlate2d(face, secret)
show.row([
    show.picture(face, "picture"),
    show.response(face_target, "target"),
    show.response(correlate2d(face, kernels.prewitt_x) - face_target, "error of the guess Prewitt x"),
])

# %% [markdown]
# A perfect guess leaves plain grey. To compare guesses we need one number for a whole error picture: square each pixel's error, so
# that too high and too low both count, and take the mean. This **mean squared error** is our **loss**; 0 is perfect. **Predict** the
# order of these four:

# %%
for name in ("identity", "Laplacian", "Sobel y", "Prewitt x"):
    error = correlate2d(face, kernels.gallery()[name]) - face_target
    print(f"{name:10} loss {np.mean(error**2):.3f}")

# %% [markdown]
# Trying out named filters ends here: nine weights with only ten values each make a thousand million filters. We need to know, from
# where we stand, which way is better.
#
# ✎ *Now you can do exercise* `mse`.
#
# ## Which way is down?
#
# Begin with an easy picture, pure noise, and nine random weights. Nudge one weight up and down a little, and see how the loss changes:
# that is its **slope**. **Predict**: if a weight is larger than the secret one, is its slope positive or negative?

# %%
noise = np.random.default_rng(0).normal(size=(64, 64))
noise_target = correlate2d(noise, secret)
start = np.random.default_rng(5).normal(size=(3, 3))


def loss(weight):
    return np.mean((correlate2d(noise, weight) - noise_target) ** 2)


# %%
slopes, nudge = np.zeros((3, 3)), 1e-5
for place in np.ndindex(3, 3):
    moved = np.zeros((3, 3))
    moved[place] = nudge
    slopes[place] = (loss(start + moved) - loss(start - moved)) / (2 * nudge)
drawn = [show.kernel(start, "start"), show.kernel(start - secret, "start − secret"), show.kernel(slopes, "slope of the loss")]
show.row(drawn)

# %% [markdown]
# Too large: positive slope, so go down. Too small: negative slope, so go up. For noise each slope is about twice the distance to go.
# The nine slopes together are the **gradient**, a kernel-shaped thing: one number for each weight.

# %%
ratio = slopes / (start - secret)
print(f"slope / distance: from {ratio.min():.2f} to {ratio.max():.2f}")
assert (np.sign(slopes) == np.sign(start - secret)).all()

# %% [markdown]
# It cost eighteen losses for nine weights. A network has millions of weights, and cannot try them one by one.
#
# ✎ *Now you can do exercise* `numerical_gradient`.
#
# ## The gradient of a filter is a cross-correlation
#
# On paper, then. One answer of the filter $w$ on the picture $x$, and the loss over all $n$ answers:
#
# $$o_{rc} = \sum_{ij} x_{r+i,\,c+j}\; w_{ij} \qquad\qquad L = \frac1n \sum_{rc} (o_{rc} - t_{rc})^2$$
#
# How does $L$ change with one answer? And how does that answer change with one weight? Differentiate each:
#
# $$g_{rc} := \frac{\partial L}{\partial o_{rc}} = \frac2n\,(o_{rc} - t_{rc})
# \qquad\qquad \frac{\partial o_{rc}}{\partial w_{ij}} = x_{r+i,\,c+j}$$
#
# Every answer uses the weight $w_{ij}$, so the chain rule adds them all up:
#
# $$\frac{\partial L}{\partial w_{ij}} = \sum_{rc} g_{rc}\; x_{r+i,\,c+j}$$
#
# Compare it with the first formula. It is the same sum, with the error $g$ in the kernel's place: **slide the error over the picture,
# multiply, add**. Nothing is flipped. A small one, with a single answer that is too high; **predict** the four numbers of the
# gradient:

# %%
x = np.array([[0, 0, 1, 1], [0, 0, 1, 1], [0, 0.5, 1, 1]])
g = np.array([[0, 0, 0], [0, 0.4, 0]])                 # dL/do: only answer (1, 1) is wrong, and it is too high
gradient = correlate2d(x, g)
assert np.allclose(gradient, 0.4 * x[1:3, 1:3])        # the window behind that answer, times its error
show.row([show.picture(x, "picture", numbers=True), show.response(g, "error g", numbers=True), show.kernel(gradient, "gradient")])

# %% [markdown]
# A weight is blamed for what was under it: bright pixels under a too high answer push their weight down, a black pixel
# does not care. Does that agree with the slopes that we measured?

# %%
g = 2 / noise_target.size * (correlate2d(noise, start) - noise_target)
gradient = correlate2d(noise, g)                       # nine slopes at the cost of one more sliding
print(f"largest slope {np.abs(slopes).max():.2f}, largest difference {np.abs(gradient - slopes).max():.0e}")
assert np.allclose(gradient, slopes, atol=1e-6)

# %% [markdown]
# That was the first of three judges. The second is PyTorch's autograd, at the end of this page; the third are the tests of your own
# `kernel_gradient`.
#
# ✎ *Now you can do exercises* `mse_gradient` *and* `kernel_gradient`.
#
# ## Six lines that learn
#
# Step against the slope, a little; look again; repeat. The factor 0.3 is called **learning rate**. **Predict** how many
# steps it takes until the nine weights look right: 10, 100, 1000?

# %%
weight, seen = start, {}
for step in range(31):
    seen[step] = weight
    error = correlate2d(noise, weight) - noise_target
    gradient = 2 / error.size * correlate2d(noise, error)
    weight = weight - 0.3 * gradient

# %%
assert np.allclose(seen[30], secret, atol=1e-6)
show.row([show.kernel(seen[step], f"after {step} steps") for step in (0, 1, 3, 10, 30)])

# %% [markdown]
# There it is: −1 0 1, −2 0 2, −1 0 1. Nobody typed it in: nine random numbers have become Sobel x, from a picture of noise and its
# answer. This is **gradient descent**, and training a network is this loop with more weights.
#
# `learning.descend` is the same loop, and keeps a record of each step:

# %%
history = learning.descend(noise, noise_target, start, lr=0.3, steps=30)
assert np.allclose(history.filters[:, 0, 0], [seen[step] for step in range(31)])
show.curves({"loss": history.losses}, "learning from noise: nearly the same factor in every step")

# %% [markdown]
# ## A piece of the picture is enough
#
# The gradient is a mean over all answers, and a mean can be estimated from a sample. **Stochastic** gradient descent (**SGD**) looks
# at a few examples per step. Here: one random 16×16 piece of the noise in each step. **Predict**: does it still arrive?

# %%
rng, weight, losses = np.random.default_rng(0), start, []
for _ in range(31):
    losses.append(loss(weight))                        # on the whole picture, only to compare
    row, column = rng.integers(0, 64 - 16, size=2)
    piece = noise[row:row + 16, column:column + 16]
    error = correlate2d(piece, weight) - noise_target[row:row + 14, column:column + 14]
    weight = weight - 0.3 * 2 / error.size * correlate2d(piece, error)
print(f"each step looks at {error.size / noise_target.size:.0%} of the answers")
assert losses[-1] < 1e-12
show.curves({"whole picture": history.losses, "one piece per step": losses}, "the whole picture, or a twentieth of it, in each step")

# %% [markdown]
# It arrives, on a slightly crooked line, for a twentieth of the work per step. That is how networks are trained on millions
# of pictures: a handful at a time.
#
# ## How large a step?
#
# Move the slider from left to right. Find three things:
# 1. the smallest rate at which the loss is below 10⁻⁶ after 40 steps;
# 2. the rate from which on larger steps are *slower*;
# 3. the rate at which it explodes.

# %%
rates = (0.003, 0.01, 0.03, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0, 1.1, 1.3, 1.6)
runs = {lr: learning.descend(noise, noise_target, start, lr, steps=40).losses for lr in rates}
pages = {}
for lr, losses in runs.items():
    title = f"learning rate {lr}: loss after 40 steps {losses[-1]:.1e}"
    pages[str(lr)] = show.curves({f"lr {lr}": losses}, title, limits=(1e-12, 1e12))
Flipbook(pages, "learning rate", start="0.01")

# %%
below = [lr for lr, losses in runs.items() if losses[-1] < 1e-6]
best = min(runs, key=lambda lr: runs[lr][-1])
grows = [lr for lr, losses in runs.items() if losses[-1] > losses[0]]
print(f"1. below 10⁻⁶ from {below[0]} to {below[-1]}\n2. fastest at {best}\n3. larger than at the start from {grows[0]} on")

# %% [markdown]
# Why is there a sharp limit? Along one direction the loss is a parabola, and its gradient is $\lambda$ times the distance to its lowest
# point, where $\lambda$ is the **curvature**. A step multiplies that distance by $1 - \text{lr}\cdot\lambda$. Between $-1$ and $1$, it
# shrinks. Beyond, every step jumps over the valley and lands higher up on the other side. So
#
# $$\text{lr} < \frac{2}{\lambda_\text{max}}, \qquad\text{with }\lambda\text{ the eigenvalues of}\quad H = \frac2n P^\top P,$$
#
# where the rows of $P$ are the picture's patches (lesson 02's im2col) and $H$ holds the second derivatives of the loss.

# %%
patches = windows(noise, 3).reshape(-1, 9)             # 62 · 62 windows of 9 pixels
curvature = 2 / len(patches) * patches.T @ patches
assert np.allclose(curvature, learning.curvature(noise, 3))
steepest = np.linalg.eigvalsh(curvature).max()
bound = 2 / steepest
print(f"steepest curvature {steepest:.3f}, so the learning rate must stay below {bound:.3f}")

# %%
ends = {}
for name, lr in {"99% of the bound": 0.99 * bound, "101% of the bound": 1.01 * bound}.items():
    ends[name] = learning.descend(noise, noise_target, start, lr, steps=600).losses
assert ends["99% of the bound"][-1] < 1e-6 * ends["99% of the bound"][0]
assert ends["101% of the bound"][-1] > 1e6 * ends["101% of the bound"][0]
show.curves(ends, "just below the bound, and just above it")

# %% [markdown]
# The bound is exact. Both runs begin alike, while the other directions are learned; then the steepest direction decides.
#
# ## The photograph crawls
#
# Now the face, with the same secret, the same start and the same loop. Its own bound is smaller, because a face is bright all over; 0.3
# is still below it. **Predict**: how many steps will it need now?

# %%
face_bound = 2 / np.linalg.eigvalsh(learning.curvature(face, 3)).max()
plain = learning.descend(face, face_target, start, lr=0.3, steps=3000, every=10)
print(f"bound for the face {face_bound:.3f}, for noise {bound:.3f}")
assert 0.3 < face_bound < bound
for step in (0, 30, 300, 3000):
    off = np.abs(plain.filters[step // 10, 0, 0] - secret).max()
    print(f"after {step:4} steps: loss {plain.losses[step // 10]:8.5f}, worst weight off by {off:.3f}")

# %%
shown = {f"after {step} steps": step // 10 for step in (0, 30, 300, 3000)}
drawn = [show.kernel(plain.filters[place, 0, 0], name) for name, place in shown.items()]
drawn += [show.response(plain.errors[place], "error") for place in shown.values()]
show.gallery(drawn, columns=4, limit=2)

# %% [markdown]
# After 300 steps there is hardly an error left to see. And yet the filter is wrong, and it hardly moves: ten times as many steps do
# not finish the work that noise did in ten. A small loss is no proof of the right filter. What makes the face so much harder?
#
# ## A round valley and a long one
#
# Take seven weights as known, and draw the loss over the other two: the centre weight and its right neighbour. The lines join points
# of equal loss, white is low, and the ring is the start. **Predict** their form for noise, and for the face, where neighbouring pixels
# are nearly equal.

# %%
places, across, up = ((1, 1), (1, 2)), np.linspace(-1, 3, 81), np.linspace(-1, 3, 81)


def descent_of_two(image, target, steps=30):
    """The same loop, when only the two weights at `places` may move; returns their path."""
    weight, path = secret.copy(), []
    weight[1, 1:] = 0.6, -0.8
    for _ in range(steps + 1):
        path.append(weight[1, 1:].copy())
        error = correlate2d(image, weight) - target
        weight[1, 1:] -= 0.3 * 2 / error.size * correlate2d(image, error)[1, 1:]
    return np.array(path)


# %%
valleys, note = [], "across: the centre weight · up: its right neighbour"
for name, image, target in (("noise", noise, noise_target), ("face", face, face_target)):
    losses, path = learning.landscape(image, target, secret, places, across, up), descent_of_two(image, target)
    print(f"{name}: after {len(path) - 1} steps still {np.hypot(*(path[-1] - secret[1, 1:])):.3f} from the lowest point")
    valleys.append(show.landscape(losses, across, up, path, name, note=note))
show.row(valleys)

# %% [markdown]
# For noise a round bowl: from everywhere the slope points to the lowest point (the cross). For the face a long valley: down its side
# in a few steps, and then along its floor, where there is almost no slope. Raise one weight and lower its neighbour by as much: if the
# two pixels are alike, hardly an answer changes. So almost nothing in the loss tells the two weights apart.
#
# With all nine weights there are nine such directions. They are the eigenvectors of $H$, each with its curvature, and each looks like
# a small filter:

# %%
curvatures, directions = np.linalg.eigh(learning.curvature(face, 3))
drawn = [show.kernel(directions[:, i].reshape(3, 3), f"curvature {curvatures[i]:.4f}") for i in range(8, -1, -1)]
show.gallery(drawn, "what the face teaches, from fast to slow", columns=5)

# %% [markdown]
# The steepest is the sum of all nine pixels: brightness. Then come slopes of brightness, one way and the other. The flattest is
# chequered: a pattern so fine that a photograph hardly contains it. The learning rate must suit the first; the last has to wait.
#
# How long? The ratio of the largest to the smallest curvature is the **condition number**. **Guess** it for the face.

# %%
pictures = {"noise": noise, "face, 64×64": face, "whole photograph": images.photograph("hopper")}
conditions = {name: np.linalg.cond(learning.curvature(image, 3)) for name, image in pictures.items()}
assert conditions["noise"] < 1.2 and min(list(conditions.values())[1:]) > 1000
halving = np.log(0.5) / np.log(1 - 0.3 * curvatures[0])
print(f"flattest direction of the face: {halving:.0f} steps to halve what is left, with learning rate 0.3")
show.magnitudes(conditions, "steepest over flattest curvature", unit="condition number")

# %% [markdown]
# Thousands. That is what "badly **conditioned**" means, and it is the rule, not the exception: in photographs, and in the layers of
# a network, neighbours are alike. There are two ways out: better steps, or better inputs.
#
# ## Better steps: momentum
#
# Let the step remember where it was going. The **velocity** $v$ collects gradients, and forgets a little each time:
#
# $$v \leftarrow \mu\, v + g \qquad\qquad w \leftarrow w - \text{lr}\cdot v$$
#
# Across the valley, gradients change sign and cancel. Along its floor, they all point the same way and add up, to $1/(1-\mu)$ times one
# gradient: with $\mu = 0.95$, twenty times. **Predict** what 300 steps now achieve.

# %%
weight, velocity = start, np.zeros((3, 3))
for _ in range(300):
    error = correlate2d(face, weight) - face_target
    gradient = 2 / error.size * correlate2d(face, error)
    velocity = 0.95 * velocity + gradient
    weight = weight - 0.3 * velocity
after = {"plain": plain.filters[30, 0, 0], "momentum": weight}
for name, found in after.items():
    print(f"{name:8} 300 steps: worst weight off by {np.abs(found - secret).max():.4f}")
assert np.abs(after["momentum"] - secret).max() < 0.05 * np.abs(after["plain"] - secret).max()
show.row([show.kernel(found, f"{name}, 300 steps") for name, found in after.items()])

# %% [markdown]
# ✎ *Now you can do exercise* `sgd_step`.
#
# Watch its first 59 steps. Scrub, or press play. The error picture has a new scale at each step; how small it is, the loss tells.
# 1. The whole error picture swings between orange and blue. How many steps does it take, there and back?
# 2. Which of the nine directions is that?
# 3. Does the loss fall in every step?

# %%
watched = learning.descend(face, face_target, start, lr=0.3, steps=59, momentum=0.95)
tint = watched.errors.mean(axis=(1, 2))                # of the whole error picture: above 0 orange, below 0 blue
swing = 2 * 59 / (np.diff(np.sign(tint)) != 0).sum()   # two changes of colour there and back
assert round(swing) == 4 and (np.diff(watched.losses) > 0).any()
TrainingPlayer(watched)

# %% [markdown]
# <details><summary>What you may have found</summary>
#
# 1. Four.
# 2. Brightness, the steepest one. The velocity carries it through the lowest point and up the other side, again and again. That is
#    momentum's price: what plain descent learns first now takes a while to settle.
# 3. No. It rises each time brightness swings out; only in the long run it falls.
#
# </details>
#
# ## Better inputs: whitening
#
# The valley is long because the nine inputs, the pixels of a patch, are alike. So mix them first: nine new inputs, one for each
# direction above, each divided by the root of its curvature. Then all curvatures are equal. The new inputs are called **white**,
# like noise. (The mean stays in: there is no bias that could take its place.) **Predict** how many steps it takes now.

# %%
mix = directions * np.sqrt(2 / curvatures)             # each column makes one new input from nine pixels
white = windows(face, 3).reshape(-1, 9) @ mix
assert np.allclose(2 / len(white) * white.T @ white, 2 * np.eye(9), atol=1e-6)

# %%
parts, whitened = np.linalg.solve(mix, start.ravel()), []   # the same start, told in the new inputs
for _ in range(301):
    whitened.append(np.abs(mix @ parts - secret.ravel()).max())
    error = white @ parts - face_target.ravel()
    parts = parts - 0.3 * 2 / error.size * white.T @ error
print(f"whitened, 30 steps: worst weight off by {whitened[30]:.0e}")
assert whitened[30] < 1e-6

# %%
def worst(history):
    return np.abs(history.filters[:, 0, 0] - secret).max(axis=(1, 2))


lines = {"plain": worst(learning.descend(face, face_target, start, 0.3, 300))}
lines["momentum 0.95"] = worst(learning.descend(face, face_target, start, 0.3, 300, momentum=0.95))
lines["whitened"] = whitened
show.curves(lines, "one face, one secret, one start: how far off is the worst weight?", label="off by", limits=(1e-6, 10))

# %% [markdown]
# As fast as noise. Whitening is exact here because nine directions are quickly found. In a network the inputs of deep layers change
# while it learns; batch normalisation does a cheap half of it there, bringing each channel to the same spread but leaving the mixing out.
# And momentum costs next to nothing, so nearly everybody uses it.
#
# ✎ *Now you can do exercise* `learn_kernel`: *the whole loop, on noise.*
#
# ## Back through a layer: input, weight and bias
#
# In a network the layer before also wants to know what it did wrong. Its output is our $x$, so it needs $\partial L/\partial x$. Send
# the error back the way the numbers came: answer $(r, c)$ took $w_{ij}$ times a pixel, so that pixel gets $w_{ij}\, g_{rc}$ back.
#
# One answer is wrong by 1, at stride 2 without padding. **Predict** which pixels of the 5×6 picture hear of it.

# %%
def back(g, weight, shape, stride=1, padding=0):
    """The gradient of one grey picture (h, w), for one filter."""
    return conv2d_backward(np.zeros((1, 1, *shape)), weight[None, None], g[None, None], stride, padding)[0][0, 0]


stamp = np.array([[1.0, 2, 3], [4, 5, 6], [7, 8, 9]])  # weights that can be told apart
one, all_four = np.array([[0.0, 1], [0, 0]]), np.ones((2, 2))
drawn = [show.response(g, name, numbers=True) for g, name in ((one, "g: one wrong answer"), (all_four, "g: all four wrong"))]
drawn[1:1] = [show.response(back(one, stamp, (5, 6), stride=2), "its gradient for x", numbers=True)]
drawn += [show.response(back(all_four, stamp, (5, 6), stride=2), "its gradient for x", numbers=True)]
show.gallery(drawn, columns=2)

# %% [markdown]
# Each wrong answer lays down the whole kernel, as it is, on its own window; where windows overlap, the stamps add up. The last column
# is 0: at stride 2 no window reaches it (lesson 02's floor), so it is to blame for nothing. With padding, what falls on the invented
# pixels is cut off:

# %%
padded = back(np.ones((2, 3)), stamp, (3, 5), stride=2, padding=1)
whole = back(np.ones((2, 3)), stamp, (5, 7), stride=2)
assert np.array_equal(padded, whole[1:-1, 1:-1])
show.row([
    show.response(whole, "on the padded picture", numbers=True),
    show.response(padded, "padding 1: the rim is cut off", numbers=True),
])

# %% [markdown]
# At stride 1 the stamps make something you know. Stamping a kernel at every dot is what true convolution did in lesson 02. So here the
# flip comes back: **forward cross-correlation, backward convolution**.

# %%
g = np.random.default_rng(2).normal(size=(6, 4))
assert np.allclose(back(g, stamp, (8, 6)), convolve2d(pad2d(g, 2), stamp))
print("at stride 1 the gradient for x is the true convolution of the error, padded by 2, with the kernel")

# %% [markdown]
# The bias is added to every answer, so its gradient is the sum of $g$. With many pictures, channels and filters nothing new happens:
# what was summed forwards is shared out backwards, and what was shared forwards is summed. All three gradients, tried on one random
# nudge of *everything at once*:

# %%
rng = np.random.default_rng(3)
x, weight, bias = rng.random((2, 3, 9, 8)), rng.normal(size=(4, 3, 3, 2)), rng.normal(size=4)
goal = rng.normal(size=conv2d(x, weight, bias, stride=2, padding=1).shape)


def layer_loss(x, weight, bias):
    return np.mean((conv2d(x, weight, bias, stride=2, padding=1) - goal) ** 2)


g = 2 / goal.size * (conv2d(x, weight, bias, stride=2, padding=1) - goal)
layer, gradients = (x, weight, bias), conv2d_backward(x, weight, g, stride=2, padding=1)

# %%
nudges = [1e-5 * rng.normal(size=part.shape) for part in layer]
forward = layer_loss(*(part + nudge for part, nudge in zip(layer, nudges, strict=True)))
backward = layer_loss(*(part - nudge for part, nudge in zip(layer, nudges, strict=True)))
predicted = sum((gradient * nudge).sum() for gradient, nudge in zip(gradients, nudges, strict=True))
print("shapes", *(gradient.shape for gradient in gradients))
print(f"loss changes by {(forward - backward) / 2:.9e}, the gradients say {predicted:.9e}")
assert np.isclose((forward - backward) / 2, predicted, rtol=1e-6)

# %% [markdown]
# Passing `grad_x` on as the $g$ of the layer before, and so on down to the first, is **backpropagation**. What stands between two
# layers passes the error on in the same way: a ReLU, for instance, only where it was open. You will see that further down.
#
# ✎ *Now you can do exercise* `conv2d_backward`.
#
# ## When the answer is not unique
#
# A picture of stripes, and what the secret makes of it. Learn from it twice, from two starts. **Predict**: will both runs find
# Sobel x?

# %%
stripes = images.stripes(64, 64, wavelength=5)
stripes_target = correlate2d(stripes, secret)
starts = [np.random.default_rng(seed).normal(size=(3, 3)) for seed in (5, 6)]
runs = [learning.descend(stripes, stripes_target, first, lr=0.2, steps=2000, every=500) for first in starts]
found = [run.filters[-1, 0, 0] for run in runs]
for run in runs:
    print(f"loss {run.losses[-1]:.0e}")
assert all(run.losses[-1] < 1e-12 for run in runs) and np.abs(found[0] - found[1]).max() > 0.5

# %%
drawn = [show.picture(stripes, "stripes"), *(show.kernel(weight, f"found from start {i}") for i, weight in enumerate(found, 1))]
drawn += [show.picture(face, "face"), *(show.response(correlate2d(face, weight), f"answers of {i}") for i, weight in enumerate(found, 1))]
show.gallery(drawn, columns=3)

# %% [markdown]
# Two different filters, neither of them Sobel x, and both *perfect* on the stripes. Show them a face, and they disagree. The stripes
# never told them apart: all rows of a striped patch are equal, so only the three column sums of a filter count. How many of the nine
# weights a picture can teach is the **rank** of its patch matrix.

# %%
sky = np.full((64, 64), 0.7)
for name, image in {"sky": sky, "stripes": stripes, "face": face, "noise": noise}.items():
    print(f"{name:8} rank {np.linalg.matrix_rank(windows(image, 3).reshape(-1, 9))} of 9")
for weight, first in zip(found, starts, strict=True):
    assert np.allclose(weight.sum(axis=0), secret.sum(axis=0), atol=1e-5)   # what the stripes teach
    assert np.allclose(weight - weight.mean(axis=0), first - first.mean(axis=0))   # what stays as it started
print("column sums:", *(weight.sum(axis=0).round(3) + 0 for weight in found))

# %% [markdown]
# The column sums are the secret's: −4, 0, 4. Everything else stays as it was at the start. Rank 9 with a large condition number, as
# for the face, lies between: it can be learned, but slowly. So a network learns what its pictures show: show it more than stripes.
#
# ✎ *Now you can do exercise* `patch_rank`.
#
# ## Why the start must be random
#
# Now two filters together. The target shows every upright edge, whichever side is brighter: the size of Sobel x's answer, without its
# sign. The model keeps the positive answers of each filter (a **ReLU**) and adds the two maps. **Predict**: what two filters would solve
# it? And what happens if both start equal?

# %%
edges = np.abs(correlate2d(noise, secret))             # dark to bright, and bright to dark


def train_two(weights, steps=200, lr=0.2):
    """Gradient descent on two filters whose positive answers are added; returns the filters and the losses."""
    weights, losses = np.array(weights), []
    for _ in range(steps + 1):
        answers = np.stack([correlate2d(noise, one) for one in weights])
        error = np.maximum(answers, 0).sum(axis=0) - edges
        losses.append(np.mean(error**2))
        blame = error * (answers > 0)                  # where the ReLU gave 0, a small nudge changes nothing
        weights = weights - lr * 2 / error.size * np.stack([correlate2d(noise, one) for one in blame])
    return weights, losses


# %%
first, second = starts
trained = {"equal": train_two([first, first]), "different": train_two([first, second]), "zero": train_two(np.zeros((2, 3, 3)))}
drawn = [show.kernel(weights[i], f"{name}: filter {i + 1}") for name, (weights, _) in trained.items() for i in (0, 1)]
show.gallery(drawn, "after training, from three starts", columns=2)

# %%
assert np.array_equal(*trained["equal"][0]) and not trained["zero"][0].any()
assert np.allclose(trained["different"][0].sum(axis=0), 0, atol=1e-6) and trained["different"][1][-1] < 1e-12
show.curves({f"start {name}": losses for name, (_, losses) in trained.items()}, "two filters, three starts", limits=(1e-12, 100))

# %% [markdown]
# **Different** starts part: one filter becomes Sobel x and the other its opposite, and the loss vanishes. **Equal** starts get
# equal gradients in every step, so the two stay equal to the last digit: two filters for the price of two, with the skill of one. And from
# **zero**, this model never moves at all. That is why every network starts at random: not to be near the answer, but to be
# *different*.

# %%
answers = conv2d(face[None, None], trained["different"][0][:, None])[0]
drawn = [show.response(np.maximum(answer, 0), f"filter {i}, positive answers") for i, answer in enumerate(answers, 1)]
show.row([*drawn, show.response(np.maximum(answers, 0).sum(axis=0), "added")])

# %% [markdown]
# Learned from noise, used on a face: each takes the edges of one polarity, as lesson 01 named it.
#
# ✎ *Now you can write* `why_random_start`.
#
# ## The second judge: autograd
#
# PyTorch writes down every operation, and follows the list backwards by itself. This closing cell uses it if it is installed, and says
# so if not; nothing else in the lesson needs it. Same layer, same numbers as above: do the three gradients agree?

# %%
try:
    import torch

    parts = [torch.tensor(part, requires_grad=True) for part in layer]
    tensor_loss = torch.nn.functional.mse_loss(torch.conv2d(*parts, stride=2, padding=1), torch.tensor(goal))
    tensor_loss.backward()
    for name, part, gradient in zip(("x", "weight", "bias"), parts, gradients, strict=True):
        difference = np.abs(part.grad.numpy() - gradient).max()
        print(f"{name:6} largest gradient {np.abs(gradient).max():.3f}, largest difference {difference:.0e}")
        assert difference < 1e-12
except ImportError:
    print("PyTorch is not installed here: finite differences and the tests of the exercises are the judges")

# %% [markdown]
# ## Summary
#
# | word | what it is | what to remember |
# |---|---|---|
# | loss | one number for how wrong; here the mean squared error | small does not prove the right filter |
# | gradient | the loss's slope for each weight | shaped like the kernel |
# | gradient of a filter | cross-correlation of picture and error | nothing is flipped |
# | gradient of the picture | each error stamps the kernel on its window | at stride 1 a true convolution; padding is cut off |
# | gradient of the bias | the sum of the errors | over pictures and places |
# | learning rate | length of a step | below 2 / λ_max, exactly |
# | SGD | a few examples per step | less work, a little less even |
# | condition number | steepest over flattest curvature | neighbours alike: thousands |
# | momentum | v ← μ·v + g, w ← w − lr·v | adds up along the valley, cancels across it |
# | whitening | inputs mixed until none is like another | the valley becomes round |
# | rank | how many weights a picture can teach | stripes 3 of 9 |
# | random start | makes filters different | equal ones stay equal |
#
# ## Where next
#
# **The exercises.** [Start here](start_here.ipynb) lays out your own copy and links to it. In this order: `mse`, `mse_gradient`,
# `numerical_gradient`, `kernel_gradient`, `conv2d_backward`, `sgd_step`, `learn_kernel`, `patch_rank`, and the written
# `why_random_start`.
#
# **[Lesson 04](04_filters_in_pytorch.ipynb)** lets PyTorch do the differentiating, and trains a first network on real data.
#
# ## References
#
# - D. E. Rumelhart, G. E. Hinton, R. J. Williams: [*Learning representations by back-propagating
#   errors*](https://doi.org/10.1038/323533a0). Nature 323, 1986. Also for the momentum, and for why starts must differ.
# - Y. LeCun, L. Bottou, G. B. Orr, K.-R. Müller: *Efficient BackProp*. In: Neural Networks: Tricks of the Trade, Springer, 1998. For
#   learning rates, curvature and whitening.
# - G. Goh: [*Why momentum really works*](https://distill.pub/2017/momentum), Distill, 2017.
# - B. T. Polyak: *Some methods of speeding up the convergence of iteration methods*. USSR Computational Mathematics and Mathematical
#   Physics 4 (5), 1964.
# - S. Ioffe, C. Szegedy: [*Batch normalization: accelerating deep network training by reducing internal covariate
#   shift*](https://arxiv.org/abs/1502.03167), ICML 2015.
# - V. Dumoulin, F. Visin: [*A guide to convolution arithmetic for deep learning*](https://arxiv.org/abs/1603.07285), 2016, for the way
#   back through stride and padding.
# - PyTorch: [SGD](https://docs.pytorch.org/docs/stable/generated/torch.optim.SGD.html), for its convention of momentum.
