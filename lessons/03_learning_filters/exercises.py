# %% [markdown]
# # Exercises 03 · How filters are learned
#
# From one number that says how wrong a filter is, to a filter that finds itself: eight rungs and one written answer. Each exercise says
# what is asked, works one example on paper, and is followed by test cells. **Run a test cell: silence means right.** Otherwise it says
# what was expected, what came, and where to look.
#
# - NumPy and Python's standard library are all you need, and all that is allowed.
# - Layouts are PyTorch's: pictures `(n, c, h, w)`, filters `(m, c, kh, kw)`. Sizes and pairs name rows first.
# - Pictures of whole numbers (`uint8`) give what `image.astype(float)` gives. Never change what you are given.
# - You may call your own functions from the exercises above, and `correlate2d` from the cell below: lesson 02's, without loops.
#
# About 95 minutes, a third of them for `conv2d_backward`. The lecture is
# [03_learning_filters](../../notebooks/03_learning_filters.ipynb).

# %%
from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from filterlab import images, kernels, show
from filterlab.check import expect, many, many_refused, random_filters, random_picture, random_seed, shapes_of_memory
from filterlab.check.probes import learning_filters as probes
from filterlab.check.references import learning_filters as reference


def correlate2d(image: Float[np.ndarray, "h w"], kernel: Float[np.ndarray, "kh kw"]) -> Float[np.ndarray, "h-kh+1 w-kw+1"]:
    """Cross-correlation of a grey picture with a kernel, at every place where the kernel fits wholly."""
    windows = np.lib.stride_tricks.sliding_window_view(image, kernel.shape)  # (h-kh+1, w-kw+1, kh, kw)
    return np.tensordot(windows, kernel.astype(float), axes=2)


# %% [markdown]
# ## Exercise: how wrong? · `mse`
#
# To learn, a filter must know how wrong it is. The *mean squared error* says it in one number: square every difference between what came
# and what was wanted, and take the mean over all of them, whatever the number of axes.
#
# On paper: prediction `1 2 4 0`, target `1 4 2 0`. The differences are `0 -2 2 0`, their squares `0 4 4 0`, the mean is **2**.
#
# Raise `ValueError` if the shapes differ, and name prediction or target with its shape. NumPy would often stretch one to fit the other
# and say nothing.

# %% solution="mse"
def mse(prediction: Float[np.ndarray, "*shape"], target: Float[np.ndarray, "*shape"]) -> float:
    """Mean of the squared differences, over all axes.

    Raises ValueError, naming prediction or target with its shape, if the shapes differ.
    """
    ### BEGIN SOLUTION
    if prediction.shape != target.shape:
        raise ValueError(f"prediction has shape {prediction.shape}, but target has {target.shape}")
    return float(((prediction.astype(float) - target) ** 2).mean())
    ### END SOLUTION


# %% test="mse_example" points=1
"""mse gives the number worked out on paper, and 0 where nothing is wrong."""
expect(mse, np.array([1.0, 2, 4, 0]), np.array([1.0, 4, 2, 0])).equals(2)
expect(mse, random_picture(4, 3), random_picture(4, 3)).equals(0)

# %% test="mse_any" points=1
"""mse takes the mean over any number of axes, and whole numbers do not wrap around."""
for shape in [(7,), (4, 6), (2, 3, 5), (2, 3, 4, 5)]:
    expect(mse, random_picture(*shape), random_filters(*shape)).like(reference.mse)
    expect(mse, random_picture(*shape, dtype=np.uint8), random_picture(*shape, dtype=np.uint8, another=1)).like(reference.mse)
for other in shapes_of_memory(random_picture(5, 4)):
    expect(mse, other, random_filters(5, 4)).like(reference.mse)
### BEGIN HIDDEN TESTS
for arguments in many(reference.mse, 60):
    expect(mse, *arguments).like(reference.mse)
### END HIDDEN TESTS

# %% test="mse_refuses" points=1
"""mse raises ValueError for shapes that differ, also where NumPy would stretch one of them."""
for one, other in [((3, 4), (4, 3)), ((3, 4), (3, 1)), ((3, 4), (4,)), ((1, 5), (5,)), ((2, 6), (12,)), ((2, 3), (1, 2, 3))]:
    expect(mse, random_picture(*one), random_picture(*other)).raises(ValueError, naming=reference.mse_naming(one, other))
### BEGIN HIDDEN TESTS
for arguments, naming in many_refused(reference.mse, 40):
    expect(mse, *arguments).raises(ValueError, naming=naming)
### END HIDDEN TESTS

# %% [markdown]
# <details><summary>Where this bites in real life</summary>A network's output has shape <code>(n, 1)</code>, the targets <code>(n,)</code>.
# Their difference has shape <code>(n, n)</code>: every prediction is compared with every target. The loss is a number all the same, it even
# falls a little, and learns the wrong thing.</details>

# %% [markdown]
# ## Exercise: which way is up? · `mse_gradient`
#
# How does the loss change when one number of the prediction grows a little? That slope, for every number, is the *gradient*: an array in
# the prediction's shape. Where it is positive, the prediction is too large.
#
# On paper: with the example above, n = 4 and differences d = `0 -2 2 0`. The mean of the squares has the slope 2·d/n: `0 -1 1 0`.

# %% solution="mse_gradient"
def mse_gradient(prediction: Float[np.ndarray, "*shape"], target: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    """The derivative of mse(prediction, target) with respect to every number of the prediction."""
    ### BEGIN SOLUTION
    return 2 * (prediction.astype(float) - target) / prediction.size
    ### END SOLUTION


# %% test="mse_gradient_example" points=1
"""mse_gradient gives the slopes worked out on paper."""
expect(mse_gradient, np.array([1.0, 2, 4, 0]), np.array([1.0, 4, 2, 0])).equals([0, -1, 1, 0])
### BEGIN HIDDEN TESTS
expect(mse_gradient, random_picture(4), random_picture(4, another=1)).like(reference.mse_gradient)
### END HIDDEN TESTS

# %% test="mse_gradient_any" points=1
"""mse_gradient has the prediction's shape, for any number of axes, and whole numbers do not wrap around."""
for shape in [(7,), (4, 6), (2, 3, 5), (2, 3, 4, 5)]:
    expect(mse_gradient, random_picture(*shape), random_filters(*shape)).like(reference.mse_gradient)
    whole = random_picture(*shape, dtype=np.uint8), random_picture(*shape, dtype=np.uint8, another=1)
    expect(mse_gradient, *whole).like(reference.mse_gradient)
for other in shapes_of_memory(random_picture(5, 4)):
    expect(mse_gradient, other, random_filters(5, 4)).like(reference.mse_gradient)
### BEGIN HIDDEN TESTS
for arguments in many(reference.mse_gradient, 60):
    expect(mse_gradient, *arguments).like(reference.mse_gradient)
### END HIDDEN TESTS

# %% [markdown]
# ## Exercise: the slope of anything · `numerical_gradient`
#
# A gradient can be measured without any mathematics. Move one weight up by `step`, then down by `step`, and ask the function each time:
#
# $$\frac{\partial f}{\partial w_k} \approx \frac{f(\ldots, w_k + \mathrm{step}, \ldots) - f(\ldots, w_k - \mathrm{step}, \ldots)}{2 \cdot
# \mathrm{step}}$$
#
# These are *central differences*. They are slow, two calls for every weight, and the best judge of a gradient that you derived yourself.
# `function` takes an array of the weight's shape and gives a number. You may move the weight in place, if you put back what you
# found, to the last bit.
#
# On paper: f(w) = w³ at w = 2 with step 1 gives (27 - 1) / 2 = **13**. (The true slope is 12: a smaller step comes closer. Looking to
# one side only would have given 19.)

# %% solution="numerical_gradient"
def numerical_gradient(
    function: Callable[[np.ndarray], float], weight: Float[np.ndarray, "*shape"], step: float = 1e-5
) -> Float[np.ndarray, "*shape"]:
    """The gradient of function at weight, measured with central differences."""
    ### BEGIN SOLUTION
    gradient = np.zeros_like(weight)
    for index in np.ndindex(weight.shape):
        moved = weight.copy()
        moved[index] = weight[index] + step
        above = function(moved)
        moved[index] = weight[index] - step
        below = function(moved)
        gradient[index] = (above - below) / (2 * step)
    return gradient
    ### END SOLUTION


# %% [markdown]
# Here the test cells name a function, and a helper of the course (`probes.gradient_of`) builds it and hands it to yours.

# %% test="numerical_gradient_example" points=1
"""numerical_gradient gives the slopes worked out on paper, and those of a sum of squares: twice the weights."""
expect(numerical_gradient, "sum of cubes", np.array([2.0]), step=1).through(probes.gradient_of).equals([13])
expect(numerical_gradient, "sum of squares", np.array([[1.0, -3], [0.5, 2]])).through(probes.gradient_of).equals([[2, -6], [1, 4]])
### BEGIN HIDDEN TESTS
expect(numerical_gradient, "sum of squares", random_filters(2)).through(probes.gradient_of).like(reference.numerical_gradient)
### END HIDDEN TESTS

# %% test="numerical_gradient_any" points=2
"""numerical_gradient looks to both sides with the step given, for weights of one to four axes, and leaves the weight as it was."""
for name in probes.FUNCTIONS:
    for shape, step in [((5,), 0.01), ((3, 2), 0.1), ((2, 1, 3), 0.02), ((2, 3, 1, 2), 0.5)]:
        expect(numerical_gradient, name, random_filters(*shape), step).through(probes.gradient_of).like(reference.numerical_gradient)
    expect(numerical_gradient, name, random_filters(2, 4)).through(probes.gradient_of).like(reference.numerical_gradient)
### BEGIN HIDDEN TESTS
for arguments in many(reference.numerical_gradient, 40):
    expect(numerical_gradient, *arguments).through(probes.gradient_of).like(reference.numerical_gradient)
### END HIDDEN TESTS

# %% [markdown]
# <details><summary>Hint</summary><code>for index in np.ndindex(weight.shape)</code> walks through all weights, however many axes there
# are; <code>weight[index]</code> is one of them.</details>
#
# <details><summary>Where this bites in real life</summary><code>w += h</code>, <code>w -= 2 * h</code>, <code>w += h</code> does not
# always lead back: each sum is rounded. Keep the old number and put <i>it</i> back. And a smaller step is not always a better one: below
# 1e-6 or so, rounding costs more than the shorter step gains.</details>

# %% [markdown]
# ## Exercise: the slope of a filter · `kernel_gradient`
#
# A picture `(h, w)` has gone through `output = correlate2d(image, kernel)`, and somebody tells you the slope of the loss with respect to
# every number of the output: `grad_output`, `(h', w')`. What is the slope with respect to every weight of the kernel? The kernel's shape
# follows from the two: kh = h - h' + 1, kw = w - w' + 1.
#
# On paper: the row `1 2 4` went through a kernel of two weights, a and b. The output is `1a + 2b` and `2a + 4b`. With `grad_output` = `1
# 10`, the slope for a is 1·1 + 10·2 = **21**, for b it is 1·2 + 10·4 = **42**.
#
# Look at those sums again: you have seen this operation before.

# %% solution="kernel_gradient"
def kernel_gradient(image: Float[np.ndarray, "h w"], grad_output: Float[np.ndarray, "h2 w2"]) -> Float[np.ndarray, "h-h2+1 w-w2+1"]:
    """The gradient of a loss with respect to kernel, where output = correlate2d(image, kernel) and grad_output is its gradient there."""
    ### BEGIN SOLUTION
    return correlate2d(image, grad_output)
    ### END SOLUTION


# %% test="kernel_gradient_example" points=1
"""kernel_gradient gives the slopes worked out on paper, along rows and along columns."""
expect(kernel_gradient, np.array([[1.0, 2, 4]]), np.array([[1.0, 10]])).equals([[21, 42]])
expect(kernel_gradient, np.array([[1.0], [2], [4]]), np.array([[1.0], [10]])).equals([[21], [42]])
### BEGIN HIDDEN TESTS
expect(kernel_gradient, random_picture(1, 3), random_filters(1, 2)).like(reference.kernel_gradient)
expect(kernel_gradient, random_picture(3, 1), random_filters(2, 1)).like(reference.kernel_gradient)
### END HIDDEN TESTS

# %% test="kernel_gradient_any" points=2
"""kernel_gradient is right for oblong pictures and kernels, whole numbers, and pictures however they lie in memory."""
for height, width, kh, kw in [(6, 9, 3, 3), (8, 5, 2, 4), (5, 7, 5, 1), (4, 6, 1, 3), (7, 4, 1, 1)]:
    expect(kernel_gradient, random_picture(height, width), random_filters(height - kh + 1, width - kw + 1)).like(reference.kernel_gradient)
expect(kernel_gradient, random_picture(6, 7, dtype=np.uint8), random_filters(5, 5)).like(reference.kernel_gradient)
for other in shapes_of_memory(random_picture(5, 7)):
    expect(kernel_gradient, other, random_filters(3, 6)).like(reference.kernel_gradient)
### BEGIN HIDDEN TESTS
for arguments in many(reference.kernel_gradient, 60):
    expect(kernel_gradient, *arguments).like(reference.kernel_gradient)
### END HIDDEN TESTS

# %% [markdown]
# <details><summary>Hint</summary>Weight (a, b) met pixel (i + a, j + b) on its way to output (i, j). So its slope is the sum of
# <code>image[i + a, j + b] * grad_output[i, j]</code> over all places (i, j). Which kernel slides over the picture here?</details>

# %% [markdown]
# ## Exercise: a whole layer, backwards · `conv2d_backward`
#
# Now the layer of lesson 02, `conv2d(x, weight, bias, stride, padding)`, with channels, filters, a batch, stride and zero padding. Given
# the slope of the loss at its output, `grad_output` `(n, m, h', w')`, find the slopes at all that went in: `grad_x` in the shape of x,
# `grad_weight` in the shape of weight, `grad_bias` `(m,)`. This is what PyTorch does in `backward()`.
#
# On paper: the row `1 2 4`, padded by one, is `0 1 2 4 0`. Under `(-1, 1)` with stride 2 the window stands at 0 and 2. With `grad_output` =
# `1 10`:
#
# - grad_weight: the first tap saw 0 and 2, so 1·0 + 10·2 = **20**; the second saw 1 and 4, so 1·1 + 10·4 = **41**.
# - grad_x: each window sends its slope back through the weights that it used: `-1 1` from the first, `-10 10` from the second. That
#   makes `-1 1 -10 10 0`, and without the padding **`1 -10 10`**.
# - grad_bias: a bias is added at every place, so 1 + 10 = **11**.
#
# Take the three one by one; each test cell below looks at its own. The sizes of stride, padding and kernel may differ between rows and
# columns, and the stride need not divide: the last pixels may never have been seen.

# %% solution="conv2d_backward"
def conv2d_backward(
    x: Float[np.ndarray, "n c h w"],
    weight: Float[np.ndarray, "m c kh kw"],
    grad_output: Float[np.ndarray, "n m h2 w2"],
    stride: int | tuple[int, int] = 1,
    padding: int | tuple[int, int] = 0,
) -> tuple[Float[np.ndarray, "n c h w"], Float[np.ndarray, "m c kh kw"], Float[np.ndarray, "m"]]:
    """The gradients of a loss with respect to x, weight and bias of conv2d, from its gradient with respect to the output."""
    ### BEGIN SOLUTION
    rows, columns = (stride, stride) if np.ndim(stride) == 0 else stride
    top, left = (padding, padding) if np.ndim(padding) == 0 else padding
    (h, w), (kh, kw) = x.shape[2:], weight.shape[2:]
    padded = np.pad(x.astype(float), ((0, 0), (0, 0), (top, top), (left, left)))
    grad_padded, grad_weight = np.zeros_like(padded), np.zeros(weight.shape)
    for i in range(grad_output.shape[2]):
        for j in range(grad_output.shape[3]):
            error = grad_output[:, :, i, j]  # (n, m): how much each filter's answer here matters
            window = np.s_[:, :, i * rows : i * rows + kh, j * columns : j * columns + kw]
            grad_weight += np.einsum("nm,ncij->mcij", error, padded[window])
            grad_padded[window] += np.einsum("nm,mcij->ncij", error, weight)
    return grad_padded[:, :, top : top + h, left : left + w], grad_weight, grad_output.sum(axis=(0, 2, 3))
    ### END SOLUTION


# %% test="conv2d_backward_example" points=1
"""conv2d_backward gives the numbers worked out on paper, and those of the exercise before."""
x, weight, grad_output = np.array([[[[1.0, 2, 4]]]]), np.array([[[[-1.0, 1]]]]), np.array([[[[1.0, 10]]]])
padded_by_one = np.array([[[[1.0, -10, 10]]]]), np.array([[[[20.0, 41]]]]), np.array([11.0])
expect(conv2d_backward, x, weight, grad_output, stride=(1, 2), padding=(0, 1)).equals(padded_by_one)
expect(conv2d_backward, x, weight, grad_output).equals((np.array([[[[-1.0, -9, 10]]]]), np.array([[[[21.0, 42]]]]), np.array([11.0])))
### BEGIN HIDDEN TESTS
x, weight, grad_output = random_picture(1, 1, 1, 3), random_filters(1, 1, 1, 2), random_filters(1, 1, 1, 2, another=1)
expect(conv2d_backward, x, weight, grad_output).like(reference.conv2d_backward)
### END HIDDEN TESTS

# %% test="conv2d_backward_weight" points=2
"""conv2d_backward: grad_weight and grad_bias add up over pictures and places, with every stride and padding."""
x, weight = random_picture(2, 3, 9, 7), random_filters(4, 3, 3, 2)
settings = [(1, 0, 7, 6), (1, 2, 11, 10), (2, 0, 4, 3), (3, 2, 4, 4), ((2, 1), (0, 3), 4, 12), ((1, 3), (2, 0), 11, 2)]
for stride, padding, *size in settings:
    grad_output = random_filters(2, 4, *size)
    expect(conv2d_backward, x, weight, grad_output, stride, padding).like(reference.conv2d_backward, only="grad_bias")
    expect(conv2d_backward, x, weight, grad_output, stride, padding).like(reference.conv2d_backward, only="grad_weight")
whole = random_picture(2, 3, 9, 7, dtype=np.uint8)
expect(conv2d_backward, whole, weight, random_filters(2, 4, 7, 6)).like(reference.conv2d_backward, only="grad_weight")

# %% test="conv2d_backward_x" points=2
"""conv2d_backward: grad_x has the shape of x with every stride and padding, and adds up over filters and overlapping windows."""
x, weight = random_picture(2, 3, 9, 7), random_filters(4, 3, 3, 2)
settings = [(1, 0, 7, 6), (1, 2, 11, 10), (2, 0, 4, 3), (3, 2, 4, 4), ((2, 1), (0, 3), 4, 12), ((1, 3), (2, 0), 11, 2)]
for stride, padding, *size in settings:
    expect(conv2d_backward, x, weight, random_filters(2, 4, *size), stride, padding).like(reference.conv2d_backward, only="grad_x")
whole = random_picture(2, 3, 9, 7, dtype=np.uint8)
expect(conv2d_backward, whole, weight, random_filters(2, 4, 7, 6)).like(reference.conv2d_backward, only="grad_x")

# %% test="conv2d_backward_any" points=2
"""conv2d_backward gives all three at once, for any layer, and for pictures however they lie in memory."""
for other in shapes_of_memory(random_picture(2, 1, 5, 6)):
    expect(conv2d_backward, other, random_filters(3, 1, 3, 3), random_filters(2, 3, 3, 2), 2, (1, 0)).like(reference.conv2d_backward)
square = random_picture(3, 2, 8, 8), random_filters(5, 2, 2, 2)
expect(conv2d_backward, *square, random_filters(3, 5, 4, 4), stride=2).like(reference.conv2d_backward)
### BEGIN HIDDEN TESTS
for arguments in many(reference.conv2d_backward, 60):
    expect(conv2d_backward, *arguments).like(reference.conv2d_backward)
### END HIDDEN TESTS

# %% [markdown]
# <details><summary>Hint</summary>Write the forward pass first, window by window, with a padded x. Each window that was <i>read</i> to make
# output (i, j) takes part twice: times the error it goes into <code>grad_weight</code>, and the weights times the error are
# <i>added</i> to the same window of <code>grad_padded</code>. Only then cut the frame off.</details>
#
# <details><summary>Where this bites in real life</summary>Frameworks let you write layers of your own, forwards and backwards. If a
# backward pass is wrong only where the stride does not divide, no error is raised and the loss still falls, only less than it could. A
# check against <code>numerical_gradient</code> finds it in a second.</details>

# %% [markdown]
# ## Exercise: one step downhill · `sgd_step`
#
# The gradient points uphill, so a weight must go the other way. *Momentum* lets it roll: the velocity v keeps a share of what it was.
# PyTorch's convention is v ← momentum·v + gradient, then w ← w - lr·v. Give the new weight and the new velocity; the arguments keep their
# values, and `velocity` is always an array (zeros before the first step).
#
# On paper: w = 1, gradient 2, v = 3, lr = 0.1, momentum = 0.5. The new v is 0.5·3 + 2 = **3.5**, the new w is 1 - 0.1·3.5 = **0.65**.

# %% solution="sgd_step"
def sgd_step(
    weight: Float[np.ndarray, "*shape"],
    gradient: Float[np.ndarray, "*shape"],
    velocity: Float[np.ndarray, "*shape"],
    lr: float,
    momentum: float = 0.0,
) -> tuple[Float[np.ndarray, "*shape"], Float[np.ndarray, "*shape"]]:
    """One step of stochastic gradient descent with momentum: the new weight and the new velocity."""
    ### BEGIN SOLUTION
    velocity = momentum * velocity + gradient
    return weight - lr * velocity, velocity
    ### END SOLUTION


# %% test="sgd_step_example" points=1
"""sgd_step gives the numbers worked out on paper, and a plain step without momentum."""
weight, gradient, velocity = np.array([1.0]), np.array([2.0]), np.array([3.0])
expect(sgd_step, weight, gradient, velocity, lr=0.1, momentum=0.5).equals((np.array([0.65]), np.array([3.5])))
expect(sgd_step, weight, gradient, velocity, 0.1).equals((np.array([0.8]), np.array([2.0])))
### BEGIN HIDDEN TESTS
weight, gradient, velocity = (random_filters(2, another=another) for another in range(3))
expect(sgd_step, weight, gradient, velocity, 0.1).like(reference.sgd_step)
### END HIDDEN TESTS

# %% test="sgd_step_any" points=1
"""sgd_step follows PyTorch's convention for weights of any shape, and changes none of its arguments."""
for shape in [(5,), (3, 4), (2, 3, 2, 4)]:
    weight, gradient, velocity = (random_filters(*shape, another=one) for one in range(3))
    for lr, momentum in [(0.1, 0.9), (1.0, 0.5), (0.5, 0.0)]:
        expect(sgd_step, weight, gradient, velocity, lr, momentum).like(reference.sgd_step)
    expect(sgd_step, weight, gradient, np.zeros(shape), 0.2, 0.9).like(reference.sgd_step)
### BEGIN HIDDEN TESTS
for arguments in many(reference.sgd_step, 40):
    expect(sgd_step, *arguments).like(reference.sgd_step)
### END HIDDEN TESTS

# %% [markdown]
# ## Exercise: a filter that finds itself · `learn_kernel`
#
# Somebody filtered a picture and lost the filter. Find it from the picture and the result: start with random weights, and `steps` times go
# a little downhill, w ← w - lr · d mse / d w. Momentum is allowed. `kernel_size` is one int or a pair.
#
# `seed` alone decides the start: the same seed gives the same result, another seed another start, and `steps=0` gives the start itself.
# The default of `lr` is yours to choose: too small and the filter is still on its way after 500 steps, too large and it runs away. The
# tests use noise pictures; there 500 steps must bring every weight to within 0.01. Solving for the filter in one go is not what is
# asked.
#
# On paper: a kernel of one weight, and a target three times as bright as the picture. Only w = **3** does that. The slope is 2·(w - 3)
# times the mean of the squared pixels: positive if w is too large, so that the step makes it smaller.

# %% solution="learn_kernel"
def learn_kernel(
    image: Float[np.ndarray, "h w"],
    target: Float[np.ndarray, "h-kh+1 w-kw+1"],
    kernel_size: int | tuple[int, int],
    steps: int = 500,
    lr: float = 0.1,
    seed: int = 0,
) -> Float[np.ndarray, "kh kw"]:
    """The kernel for which correlate2d(image, kernel) comes closest to target, learned by gradient descent from a random start."""
    ### BEGIN SOLUTION
    kh, kw = (kernel_size, kernel_size) if np.ndim(kernel_size) == 0 else kernel_size
    kernel = np.random.default_rng(seed).normal(size=(kh, kw))
    velocity = np.zeros_like(kernel)
    for _ in range(steps):
        error = mse_gradient(correlate2d(image, kernel), target)
        kernel, velocity = sgd_step(kernel, kernel_gradient(image, error), velocity, lr)
    return kernel
    ### END SOLUTION


# %% [markdown]
# Your start is your own, so the helpers in these cells do not compare weights but measure: how many starts differ, how many degrees lie
# between your first step and the gradient (180 is straight downhill), how the step grows with `lr`, what share of the way is left.

# %% test="learn_kernel_start" points=1
"""learn_kernel starts at random, as the seed alone decides."""
for kernel_size in [3, (2, 3)]:
    expect(learn_kernel, kernel_size, seeds=3).through(probes.different_starts).like(reference.learn_kernel)
    expect(learn_kernel, kernel_size, pictures=3).through(probes.starts_on_other_pictures).like(reference.learn_kernel)
    expect(learn_kernel, kernel_size, runs=3).through(probes.results_of_one_seed).like(reference.learn_kernel)

# %% test="learn_kernel_steps" points=2
"""learn_kernel goes straight downhill, `steps` times, as far as `lr` says."""
for kernel_size in [3, (2, 3)]:
    expect(learn_kernel, kernel_size).through(probes.angle_of_first_step).like(reference.learn_kernel)
    expect(learn_kernel, kernel_size).through(probes.first_step_grows).like(reference.learn_kernel)
    expect(learn_kernel, kernel_size, steps=4).through(probes.kernels_on_the_way).like(reference.learn_kernel)
    expect(learn_kernel, kernel_size, steps=25, lr=1e-6).through(probes.way_left).like(reference.learn_kernel)
### BEGIN HIDDEN TESTS
for kernel_size in [(1, 3), (3, 2)]:
    expect(learn_kernel, kernel_size, seed=5 + random_seed()).through(probes.angle_of_first_step).like(reference.learn_kernel)
    expect(learn_kernel, kernel_size, steps=60, lr=1e-6).through(probes.way_left).like(reference.learn_kernel)
### END HIDDEN TESTS

# %% test="learn_kernel_recovers" points=2
"""learn_kernel finds the filter within 500 steps: the one worked out on paper, a Sobel filter, and one that is not square."""
expect(learn_kernel, np.array([[3.0]])).through(probes.learned_from_noise).equals([[3.0]])
expect(learn_kernel, kernels.sobel_x / 2).through(probes.learned_from_noise).like(reference.learn_kernel)
weights = random_filters(2, 3)
expect(learn_kernel, weights / np.abs(weights).max()).through(probes.learned_from_noise).like(reference.learn_kernel)
### BEGIN HIDDEN TESTS
for shape in [(3, 3), (1, 3)]:
    weights = random_filters(*shape)
    found = expect(learn_kernel, weights / np.abs(weights).max(), picture=(28, 34), seed=1 + random_seed())
    found.through(probes.learned_from_noise).like(reference.learn_kernel)
### END HIDDEN TESTS

# %% [markdown]
# <details><summary>Hint</summary>You have all the parts: <code>correlate2d</code> gives the output, <code>mse_gradient</code> the slope
# at the output, <code>kernel_gradient</code> the slope at the weights, and <code>sgd_step</code> moves them.</details>
#
# Your function at work, on noise, and on a photograph with the same lr of 0.1:

# %%
photo = images.photograph("hopper", size=120)
noise = np.random.default_rng(0).uniform(-1, 1, photo.shape)
found = [learn_kernel(image, correlate2d(image, kernels.sobel_x), 3, lr=0.1, seed=1) for image in (noise, photo)]
pictures = [kernels.sobel_x, *found]
titles = ["the lost filter", "found from noise", "found from a photograph"]
show.row([show.kernel(one, title=title) for one, title in zip(pictures, titles, strict=True)])

# %% [markdown]
# On the photograph it is not there yet. Neighbouring pixels are alike there, so many filters give nearly the same result, and the slope
# between them is nearly flat: the lecture measures it.

# %% [markdown]
# ## Exercise: what can a picture teach? · `patch_rank`
#
# A filter only ever sees patches of the picture. Write every overlapping `size`×`size` patch as one row of a matrix: its rank
# (`np.linalg.matrix_rank` counts it) is the number of weights that this grey picture can teach. What no patch ever shows, nobody can learn
# from it.
#
# On paper: the picture below has two patches of 2×2, `1 0 1 0` and `0 1 0 1` written as rows. Neither is a multiple of the other, so the
# rank is **2**, of four weights.
#
#     1 0 1
#     1 0 1

# %% solution="patch_rank"
def patch_rank(image: Float[np.ndarray, "h w"], size: int) -> int:
    """The rank of the matrix whose rows are all overlapping size×size patches of a grey picture."""
    ### BEGIN SOLUTION
    patches = np.lib.stride_tricks.sliding_window_view(image, (size, size))  # (h-size+1, w-size+1, size, size)
    return int(np.linalg.matrix_rank(patches.reshape(-1, size * size)))
    ### END SOLUTION


# %% test="patch_rank_example" points=1
"""patch_rank gives the number worked out on paper, and 1 for a picture that is the same everywhere."""
expect(patch_rank, np.array([[1.0, 0, 1], [1, 0, 1]]), 2).equals(2)
expect(patch_rank, np.full((5, 6), 0.5), 3).equals(1)
### BEGIN HIDDEN TESTS
expect(patch_rank, random_picture(3, 4), 2).like(reference.patch_rank)
### END HIDDEN TESTS

# %% test="patch_rank_any" points=1
"""patch_rank counts what stripes, noise and small pictures can teach, in whole numbers as well."""
stripes = np.tile(random_picture(9), (7, 1))
whole = random_picture(8, 7, dtype=np.uint8)
for picture in [stripes, stripes.T, random_picture(8, 9), random_picture(4, 5), whole, whole[:4, :5]]:
    for size in (1, 2, 3):
        expect(patch_rank, picture, size).like(reference.patch_rank)
for other in shapes_of_memory(random_picture(7, 6)):
    expect(patch_rank, other, 2).like(reference.patch_rank)
### BEGIN HIDDEN TESTS
for arguments in many(reference.patch_rank, 60):
    expect(patch_rank, *arguments).like(reference.patch_rank)
### END HIDDEN TESTS

# %% [markdown]
# Your own numbers: how many of nine weights can these pictures teach?

# %%
columns = np.tile(np.random.default_rng(0).random(60), (60, 1))
teachers = {"an even wall": np.full((60, 60), 0.5), "stripes": columns, "a photograph": images.photograph("hopper", size=60)}
for name, picture in teachers.items():
    print(f"{name}: {patch_rank(picture, 3)} of 9")

# %% [markdown]
# ## In your own words · `why_random_start`
#
# Two filters of one layer start with exactly the same weights, and what comes after treats their two maps alike. Why do they stay equal,
# however long the network learns? And what does a random start change? Three to five sentences.

# %% [markdown] answer="why_random_start" points=3
# ### BEGIN SOLUTION
# Two filters with the same weights give the same feature map. If what comes after treats the two maps alike as well, the loss depends on
# both in the same way, so both receive the same gradient: the same picture, correlated with the same error. Gradient descent then moves
# both by the same step, and after it they are equal again; so it goes on for ever. Such a layer has, in effect, one filter, however many
# it has on paper (and if all weights are zero, the next layers' gradients may vanish altogether).
#
# Random starts break the tie: the filters answer differently from the first step on, so their gradients differ, and each can become
# something of its own. Small random numbers are enough, as long as they are different.
#
# *Mark scheme (3 points): 1 for "the same weights give the same map"; 1 for "therefore the same gradient and the same step, so they stay
# equal"; 1 for "random starts make the gradients differ, so that filters can become different".*
# ### END SOLUTION
