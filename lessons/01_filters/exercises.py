# %% [markdown]
# # Exercises 01 · What a filter is
#
# Eight small functions and one written answer. Each exercise says what is asked, works one example on paper, and is
# followed by test cells. **Run a test cell: silence means right.** Otherwise it says what was expected, what came, and where to look.
#
# - Write your code in the place of `raise NotImplementedError`. Helper functions go above it, in the same cell.
# - NumPy and Python's standard library are all you need, and all that is allowed.
# - A picture may come as floats in [0, 1] or as whole numbers (`uint8`, 0 to 255). Take whole numbers as they are: the result is that of
#   `image.astype(float)`, without dividing by 255. Never change what you are given.
# - When your class is graded, the same tests run with other numbers, and a few more.
#
# About 50 minutes. The lecture is [01_filters](../../notebooks/01_filters.ipynb).

# %%
import math

import numpy as np
from jaxtyping import Float

from filterlab import images, show
from filterlab.check import expect, many, many_refused, random_filters, random_picture, shapes_of_memory
from filterlab.check.references import filters as reference

# %% [markdown]
# ## Exercise: one window, one number · `response`
#
# Put `kernel` on the picture so that its top-left weight lies on pixel `(row, col)`. Multiply every pixel under it by the weight on
# it, and add up. Nothing is flipped.
#
# On paper: the window at row 0, column 1 of
#
# $$\begin{bmatrix} 1 & 2 & 3 \\ 4 & 5 & 6 \end{bmatrix} \quad\text{under}\quad \begin{bmatrix} 10 & 0 \\ -1 & 2 \end{bmatrix}$$
#
# holds 2, 3, 5, 6, so the response is $10·2 + 0·3 - 1·5 + 2·6 = 27$.
#
# If any part of the window lies outside the picture, raise `ValueError` and name the culprit: `row=7` says more than `bad input`. A
# negative row or column lies outside, too.

# %% solution="response"
def response(image: Float[np.ndarray, "height width"], kernel: Float[np.ndarray, "kh kw"], row: int, col: int) -> float:
    """Multiply-and-sum over the window whose top-left pixel is (row, col).

    Raises ValueError, naming the argument and its value, if the window leaves the picture.
    """
    ### BEGIN SOLUTION
    height, width = kernel.shape
    if row < 0 or row + height > image.shape[0]:
        raise ValueError(f"row={row}: a window {height} high leaves a picture {image.shape[0]} high")
    if col < 0 or col + width > image.shape[1]:
        raise ValueError(f"col={col}: a window {width} wide leaves a picture {image.shape[1]} wide")
    window = image[row : row + height, col : col + width].astype(float)
    return float((window * kernel).sum())
    ### END SOLUTION


# %% test="response_example" points=1
"""response gives the number worked out on paper, and its neighbour's."""
image, kernel = np.array([[1.0, 2, 3], [4, 5, 6]]), np.array([[10.0, 0], [-1, 2]])
expect(response, image, kernel, 0, 1).equals(27)
expect(response, image, kernel, 0, 0).equals(16)
### BEGIN HIDDEN TESTS
expect(response, random_picture(2, 3), random_filters(2, 2), 0, 1).like(reference.response)
### END HIDDEN TESTS

# %% test="response_anywhere" points=1
"""response finds the right window anywhere, oblong ones and the last ones that fit included."""
image = random_picture(6, 9)
for kernel in random_filters(3, 2), random_filters(1, 4), random_filters(3, 3), random_filters(6, 9):
    rows, cols = 6 - kernel.shape[0], 9 - kernel.shape[1]
    for row, col in [(0, 0), (rows, cols), (0, cols), (rows, 0), (rows // 2, cols // 3)]:
        expect(response, image, kernel, row, col).like(reference.response)

# %% test="response_kinds" points=1
"""response takes whole numbers as they are, pictures however they lie in memory, and leaves what it is given alone."""
image, kernel = random_picture(5, 7, dtype=np.uint8), random_filters(2, 3)
expect(response, image, kernel, 1, 2).like(reference.response)
expect(response, image, np.array([[-1, 0, 1], [-2, 0, 2]]), 3, 4).like(reference.response)
for other in shapes_of_memory(random_picture(5, 7)):
    expect(response, other, kernel, 2, 1).like(reference.response)
expect(response, random_picture(5, 7, dtype=np.float32), kernel, np.int64(0), np.int64(4)).like(reference.response)
### BEGIN HIDDEN TESTS
for arguments in many(reference.response, 60):
    expect(response, *arguments).like(reference.response)
### END HIDDEN TESTS

# %% test="response_refuses" points=1
"""response raises ValueError when the window leaves the picture on any side, and says which argument is to blame."""
image, kernel = random_picture(6, 9), random_filters(3, 2)
sizes = {"image": (6, 9), "kernel": (3, 2)}
expect(response, image, kernel, 4, 0).raises(ValueError, naming={"row": 4, **sizes})
expect(response, image, kernel, 0, 8).raises(ValueError, naming={"col": 8, **sizes})
expect(response, image, kernel, -1, 3).raises(ValueError, naming={"row": -1, **sizes})
expect(response, image, kernel, 2, -2).raises(ValueError, naming={"col": -2, **sizes})
### BEGIN HIDDEN TESTS
for arguments, naming in many_refused(reference.response, 40):
    expect(response, *arguments).raises(ValueError, naming=naming)
### END HIDDEN TESTS

# %% [markdown]
# <details><summary>Hint</summary>A slice that runs past the end does not complain: <code>image[4:7]</code> of six rows has two. And
# <code>image[-1]</code> is the last row. So check <code>row</code> and <code>col</code> before you slice.</details>
#
# <details><summary>Where this bites in real life</summary>Slices that shrink in silence at the border are behind many a model that works
# on the test picture and fails on a real one of another size.</details>

# %% [markdown]
# ## Exercise: the classic edge pair · `sobel_kernels`
#
# Give the two Sobel kernels as `(gx, gy)`, 3×3 each. `gx` answers positively where brightness **rises from left to right**, `gy` where it
# **rises from top to bottom**. The weights along a rim are 1, 2, 1, with the signs that this takes.
#
# On paper: a window whose columns are 0, 0 and 1 rises from left to right. Under `gx` it gives $1 + 2 + 1 = 4$.

# %% solution="sobel_kernels"
def sobel_kernels() -> tuple[Float[np.ndarray, "3 3"], Float[np.ndarray, "3 3"]]:
    """The Sobel kernels (gx, gy): positive where brightness rises to the right, and where it rises downwards."""
    ### BEGIN SOLUTION
    gx = np.array([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]])
    return gx, gx.T
    ### END SOLUTION


# %% test="sobel_kernels_gx" points=1
"""gx is positive where brightness rises from left to right, with 1, 2, 1 along its rims."""
expect(sobel_kernels).like(reference.sobel_kernels, only="gx")

# %% test="sobel_kernels_gy" points=1
"""gy is positive where brightness rises from top to bottom, with 1, 2, 1 along its rims; both come every time."""
expect(sobel_kernels).like(reference.sobel_kernels, only="gy")
### BEGIN HIDDEN TESTS
for _ in range(2):
    expect(sobel_kernels).like(reference.sobel_kernels)
### END HIDDEN TESTS

# %% [markdown]
# <details><summary>Hint</summary>Where brightness rises to the right, the right column is the brighter one: it needs the positive
# weights. The middle column is neither left nor right.</details>

# %% [markdown]
# ## Exercise: a soft brush · `gaussian_kernel`
#
# Sample the bell $e^{-(x^2 + y^2) / (2\sigma^2)}$ at whole pixels, with $x = y = 0$ at the kernel's centre, then divide by the sum of all
# samples, so that the picture keeps its brightness.
#
# On paper: choose $\sigma = 1/\sqrt{2 \ln 2}$. Then one pixel from the centre the bell is down to a half, and at the corners of a 3×3
# kernel ($x^2 + y^2 = 2$) to a quarter. The samples sum to $1 + 4·\tfrac12 + 4·\tfrac14 = 4$: the centre weighs 1/4, its neighbours
# 1/8, the corners 1/16.
#
# An even size has no centre pixel. Raise `ValueError` for an even or non-positive size and for `sigma ≤ 0`, naming it with its value.

# %% solution="gaussian_kernel"
def gaussian_kernel(size: int, sigma: float) -> Float[np.ndarray, "size size"]:
    """Samples of the Gaussian at integer offsets from the centre, normalised to sum 1; sigma in pixels.

    Raises ValueError, naming the argument and its value, for an even or non-positive size, or sigma <= 0.
    """
    ### BEGIN SOLUTION
    if size <= 0 or size % 2 == 0:
        raise ValueError(f"size={size} must be positive and odd")
    if sigma <= 0:
        raise ValueError(f"sigma={sigma} must be positive")
    offsets = np.arange(size) - size // 2
    bell = np.exp(-(offsets[:, None] ** 2 + offsets**2) / (2 * sigma**2))
    return bell / bell.sum()
    ### END SOLUTION


# %% test="gaussian_kernel_example" points=1
"""gaussian_kernel gives the kernel worked out on paper."""
expect(gaussian_kernel, 3, 1 / math.sqrt(2 * math.log(2))).equals(np.array([[1, 2, 1], [2, 4, 2], [1, 2, 1]]) / 16)
### BEGIN HIDDEN TESTS
expect(gaussian_kernel, 3, 0.6 + float(random_picture(1)[0])).like(reference.gaussian_kernel)
### END HIDDEN TESTS

# %% test="gaussian_kernel_any" points=1
"""gaussian_kernel is right for any odd size, 1 included, and any width of the bell."""
for size, sigma in [(1, 1.0), (3, 1.0), (5, 0.8), (5, 2), (9, 1.7), (7, 10.0), (11, 0.3)]:
    expect(gaussian_kernel, size, sigma).like(reference.gaussian_kernel)
### BEGIN HIDDEN TESTS
for arguments in many(reference.gaussian_kernel, 40):
    expect(gaussian_kernel, *arguments).like(reference.gaussian_kernel)
expect(gaussian_kernel, np.int64(7), np.float32(1.5)).like(reference.gaussian_kernel)
expect(gaussian_kernel, 31, 4.2).like(reference.gaussian_kernel)
### END HIDDEN TESTS

# %% test="gaussian_kernel_refuses" points=1
"""gaussian_kernel raises ValueError for a size or a sigma that makes no sense, and names it."""
for size in (4, 0, -3):
    expect(gaussian_kernel, size, 1.0).raises(ValueError, naming={"size": size})
for sigma in (0, -1.5):
    expect(gaussian_kernel, 5, sigma).raises(ValueError, naming={"sigma": sigma})
### BEGIN HIDDEN TESTS
for arguments, naming in many_refused(reference.gaussian_kernel, 40):
    expect(gaussian_kernel, *arguments).raises(ValueError, naming=naming)
### END HIDDEN TESTS

# %% [markdown]
# <details><summary>Hint</summary><code>np.arange(size) - size // 2</code> gives the offsets of one axis; as a column
# (<code>[:, None]</code>) and as a row they make a whole grid by broadcasting.</details>
#
# <details><summary>Where this bites in real life</summary>A blur whose weights sum to 1.02 brightens a video a little more with every
# pass.</details>

# %% [markdown]
# ## Exercise: how strong is the edge? · `gradient_magnitude`
#
# The two Sobel responses of a window are the sides of an arrow. Its length, $\sqrt{g_x^2 + g_y^2}$, says how strong the edge is, whatever
# its direction. Compute it for every window that lies wholly inside the picture: a picture `(h, w)` gives `(h-2, w-2)`.
#
# On paper: the only window of
#
# $$\begin{bmatrix} 0 & 0 & 0 \\ 0 & 0 & 0.2 \\ 0 & 0.3 & 0.2 \end{bmatrix}$$
#
# gives $g_x = 2·0.2 + 0.2 = 0.6$ and $g_y = 2·0.3 + 0.2 = 0.8$, so its magnitude is $1$.

# %% solution="gradient_magnitude"
def gradient_magnitude(image: Float[np.ndarray, "h w"]) -> Float[np.ndarray, "h-2 w-2"]:
    """sqrt(gx² + gy²) of the Sobel responses, for every 3×3 window that lies inside the picture."""
    ### BEGIN SOLUTION
    gx, gy = sobel_kernels()
    h, w = image.shape
    x_response = np.zeros((h - 2, w - 2))
    y_response = np.zeros((h - 2, w - 2))
    for i in range(3):
        for j in range(3):
            pixels = image[i : h - 2 + i, j : w - 2 + j].astype(float)
            x_response += gx[i, j] * pixels
            y_response += gy[i, j] * pixels
    return np.sqrt(x_response**2 + y_response**2)
    ### END SOLUTION


# %% test="gradient_magnitude_example" points=1
"""gradient_magnitude gives the length worked out on paper, and nothing on a flat picture."""
expect(gradient_magnitude, np.array([[0, 0, 0], [0, 0, 0.2], [0, 0.3, 0.2]])).equals([[1.0]])
expect(gradient_magnitude, np.full((4, 5), 0.7)).equals(np.zeros((2, 3)))
### BEGIN HIDDEN TESTS
expect(gradient_magnitude, random_picture(3, 3)).like(reference.gradient_magnitude)
### END HIDDEN TESTS

# %% test="gradient_magnitude_pictures" points=1
"""gradient_magnitude is right on every window of a picture, tall or wide."""
for height, width in [(3, 3), (5, 8), (9, 4), (3, 7)]:
    expect(gradient_magnitude, random_picture(height, width)).like(reference.gradient_magnitude)

# %% test="gradient_magnitude_kinds" points=1
"""gradient_magnitude takes whole numbers without wrapping around, pictures however they lie in memory, and changes nothing."""
expect(gradient_magnitude, random_picture(6, 8, dtype=np.uint8)).like(reference.gradient_magnitude)
expect(gradient_magnitude, random_picture(7, 5, dtype=np.float32)).like(reference.gradient_magnitude)
for other in shapes_of_memory(random_picture(5, 6)):
    expect(gradient_magnitude, other).like(reference.gradient_magnitude)
### BEGIN HIDDEN TESTS
for arguments in many(reference.gradient_magnitude, 40):
    expect(gradient_magnitude, *arguments).like(reference.gradient_magnitude)
### END HIDDEN TESTS

# %% [markdown]
# <details><summary>Hint</summary>The whole map at once: shift the picture nine times by slicing
# (<code>image[i : h-2+i, j : w-2+j]</code>) and add up the shifted pictures, each times its weight.</details>
#
# Your function on a real photograph:

# %%
photo = images.photograph("hopper")
show.row([show.picture(photo, title="photograph"), show.response(gradient_magnitude(photo), title="gradient magnitude")])

# %% [markdown]
# ## Exercise: an edge filter for any direction · `steer`
#
# Two kernels are enough for all directions. The kernel that answers most strongly to brightness rising in direction `theta` is
# $\cos\theta · g_x + \sin\theta · g_y$ (Freeman and Adelson call such filters *steerable*).
#
# `theta` is in radians: 0 is left to right, $\pi/2$ is top to bottom, because rows point down.
#
# On paper: at $\pi/4$ both kernels weigh $1/\sqrt 2$. The corner at the lower right gets $(1 + 1)/\sqrt 2 = \sqrt 2$, the corner at the
# upper right $(1 - 1)/\sqrt 2 = 0$.

# %% solution="steer"
def steer(theta: float) -> Float[np.ndarray, "3 3"]:
    """The Sobel kernel that answers most strongly to brightness rising in direction theta (radians)."""
    ### BEGIN SOLUTION
    gx, gy = sobel_kernels()
    return math.cos(theta) * gx + math.sin(theta) * gy
    ### END SOLUTION


# %% test="steer_compass" points=1
"""steer gives the Sobel kernels and their negatives for the four directions along the axes."""
for theta in (0, math.pi / 2, math.pi, 3 * math.pi / 2):
    expect(steer, theta).like(reference.steer)
### BEGIN HIDDEN TESTS
for quarter in range(-3, 10):
    expect(steer, quarter * math.pi / 2).like(reference.steer)
### END HIDDEN TESTS

# %% test="steer_any_angle" points=1
"""steer is right for any angle, negative and beyond a full turn included."""
root = math.sqrt(2)
expect(steer, math.pi / 4).equals(np.array([[-2, -2, 0], [-2, 0, 2], [0, 2, 2]]) / root)
for theta in (0.3, 1.1, 2.5, -0.7, -2.9, 4.0, 8.0, np.float64(1.9)):
    expect(steer, theta).like(reference.steer)
### BEGIN HIDDEN TESTS
for arguments in many(reference.steer, 40):
    expect(steer, *arguments).like(reference.steer)
### END HIDDEN TESTS

# %% [markdown]
# <details><summary>Where this bites in real life</summary>Mathematics draws y upwards, pictures count rows downwards. An angle that
# crosses from one to the other without a change of sign comes out mirrored. It is the first thing to check where arrows on a picture
# point the wrong way.</details>

# %% [markdown]
# ## Exercise: one pass or two? · `separate`
#
# A 7×7 blur costs 49 multiplications a pixel. If the kernel is a column times a row, blurring along columns and then along rows costs 14.
# Give two 1-D arrays `(column, row)` with `np.outer(column, row)` equal to the kernel. How scale and sign are shared between them is up
# to you.
#
# On paper: $\begin{bmatrix} 1 & 2 & 1 \\ 2 & 4 & 2 \\ 1 & 2 & 1 \end{bmatrix}$ is the column $(1, 2, 1)$ times the row $(1, 2, 1)$; so is
# the column $(2, 4, 2)$ times the row $(½, 1, ½)$.
#
# Equal means: up to a millionth of the largest weight, also for a kernel of `float32`. Raise `ValueError` if the kernel is not separable
# (its rank is above 1). A kernel of zeros is separable.

# %% solution="separate"
def separate(kernel: Float[np.ndarray, "kh kw"]) -> tuple[Float[np.ndarray, "kh"], Float[np.ndarray, "kw"]]:
    """1-D arrays (column, row) whose outer product is the kernel.

    Raises ValueError if the kernel is not separable, that is if its rank is above 1.
    """
    ### BEGIN SOLUTION
    left, strengths, right = np.linalg.svd(kernel.astype(float))
    # What rounding leaves of the second singular value lies far below a millionth of the first, also for float32.
    if np.any(strengths[1:] > 1e-6 * strengths[0]):
        raise ValueError(f"the kernel {kernel} is not separable: its rank is above 1")
    return left[:, 0] * strengths[0], right[0]
    ### END SOLUTION


# %% test="separate_example" points=1
"""separate takes the blurs apart into a column and a row."""
expect(separate, np.array([[1.0, 2, 1], [2, 4, 2], [1, 2, 1]])).like(reference.separate)
expect(separate, np.full((5, 5), 1 / 25)).like(reference.separate)
expect(separate, np.array([[3.0]])).like(reference.separate)
### BEGIN HIDDEN TESTS
expect(separate, np.outer(1 + random_picture(3), 1 + random_picture(4))).like(reference.separate)
### END HIDDEN TESTS

# %% test="separate_edges" points=1
"""separate keeps signs, and copes with rows and columns of zeros and with oblong kernels."""
expect(separate, np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])).like(reference.separate)
expect(separate, np.outer([0.0, -1, 3], [0.0, 0, 2, -5])).like(reference.separate)
expect(separate, random_filters(1, 4)).like(reference.separate)
expect(separate, random_filters(5, 1)).like(reference.separate)

# %% test="separate_rounding" points=1
"""separate is not misled by rounding, by very small or large weights, or by a kernel of zeros."""
expect(separate, np.zeros((3, 4))).like(reference.separate)
for scale in (1e-8, 1.0, 1e4):
    kernel = scale * np.outer(random_filters(3), random_filters(4))
    expect(separate, kernel).like(reference.separate)
    expect(separate, kernel.astype(np.float32)).like(reference.separate)
### BEGIN HIDDEN TESTS
for arguments in many(reference.separate, 80):
    expect(separate, *arguments).like(reference.separate)
### END HIDDEN TESTS

# %% test="separate_refuses" points=1
"""separate raises ValueError for kernels that are no column times a row."""
laplacian = np.array([[0.0, 1, 0], [1, -4, 1], [0, 1, 0]])
expect(separate, laplacian).raises(ValueError)
expect(separate, 1e-8 * laplacian).raises(ValueError)
expect(separate, np.eye(3)).raises(ValueError)
expect(separate, random_filters(2, 5)).raises(ValueError)
### BEGIN HIDDEN TESTS
for arguments, _ in many_refused(reference.separate, 60):
    expect(separate, *arguments).raises(ValueError)
    expect(separate, arguments[0].astype(np.float32)).raises(ValueError)
### END HIDDEN TESTS

# %% [markdown]
# <details><summary>Hint</summary>Rank 1 means: all rows are multiples of one row. Which row and which column of the kernel can never be
# zero, unless all weights are? Or ask <code>np.linalg.svd</code>, whose singular values tell the rank.</details>
#
# <details><summary>Where this bites in real life</summary>"Depthwise separable" layers (MobileNet) owe their speed to the same idea: two
# cheap steps in the place of a dear one.</details>

# %% [markdown]
# ## Exercise: a filter with depth · `color_response`
#
# On a colour picture `(c, h, w)` a filter has one slice per channel, `(c, kh, kw)`. Every slice answers to its own channel, and the
# answers are **summed** into one feature map, `(h-kh+1, w-kw+1)`.
#
# On paper: a picture with two channels of one row each, $(1, 2, 3)$ and $(10, 20, 30)$, and a kernel with the slices $(1, -1)$ and $(0,
# 2)$. The first channel gives $-1, -1$, the second $40, 60$: the map is $39, 59$.
#
# Raise `ValueError` if picture and kernel do not have the same number of channels, and name one of them with its number or shape.

# %% solution="color_response"
def color_response(
    image: Float[np.ndarray, "c h w"], kernel: Float[np.ndarray, "c kh kw"]
) -> Float[np.ndarray, "h-kh+1 w-kw+1"]:
    """One feature map: every slice answers to its own channel, and the answers are summed.

    Raises ValueError, naming image or kernel with its shape or number of channels, if these differ.
    """
    ### BEGIN SOLUTION
    if image.shape[0] != kernel.shape[0]:
        raise ValueError(f"image has {image.shape[0]} channels, but kernel has {kernel.shape[0]} slices")
    _, kh, kw = kernel.shape
    rows, cols = image.shape[1] - kh + 1, image.shape[2] - kw + 1
    result = np.zeros((rows, cols))
    for channel, part in zip(image.astype(float), kernel, strict=True):
        for i in range(kh):
            for j in range(kw):
                result += part[i, j] * channel[i : i + rows, j : j + cols]
    return result
    ### END SOLUTION


# %% test="color_response_example" points=1
"""color_response gives the map worked out on paper."""
image, kernel = np.array([[[1.0, 2, 3]], [[10, 20, 30]]]), np.array([[[1.0, -1]], [[0, 2]]])
expect(color_response, image, kernel).equals([[39, 59]])
### BEGIN HIDDEN TESTS
expect(color_response, random_picture(2, 1, 3), random_filters(2, 1, 2)).like(reference.color_response)
### END HIDDEN TESTS

# %% test="color_response_depth" points=1
"""color_response sums over any number of channels, for tall and wide pictures and kernels."""
for channels, height, width, kh, kw in [(3, 6, 8, 3, 3), (1, 5, 7, 2, 3), (2, 9, 4, 4, 1), (5, 4, 6, 1, 2), (4, 3, 5, 3, 5)]:
    expect(color_response, random_picture(channels, height, width), random_filters(channels, kh, kw)).like(reference.color_response)

# %% test="color_response_kinds" points=1
"""color_response takes whole numbers as they are, pictures however they lie in memory, and changes nothing."""
kernel = random_filters(3, 2, 3)
expect(color_response, random_picture(3, 6, 5, dtype=np.uint8), kernel).like(reference.color_response)
expect(color_response, random_picture(3, 5, 6, dtype=np.float32), kernel.astype(np.float32)).like(reference.color_response)
for other in shapes_of_memory(random_picture(3, 5, 7)):
    expect(color_response, other, kernel).like(reference.color_response)
### BEGIN HIDDEN TESTS
for arguments in many(reference.color_response, 40):
    expect(color_response, *arguments).like(reference.color_response)
### END HIDDEN TESTS

# %% test="color_response_refuses" points=1
"""color_response raises ValueError if the channels of picture and kernel differ, also where one of them has a single channel."""
for channels, slices in [(3, 2), (2, 3), (3, 1), (1, 3)]:
    image, kernel = random_picture(channels, 6, 8), random_filters(slices, 3, 2)
    expect(color_response, image, kernel).raises(ValueError, naming={"image": channels, "kernel": slices})
### BEGIN HIDDEN TESTS
for arguments, naming in many_refused(reference.color_response, 40):
    expect(color_response, *arguments).raises(ValueError, naming=naming)
### END HIDDEN TESTS

# %% [markdown]
# <details><summary>Where this bites in real life</summary>A picture with a single channel fits any kernel by broadcasting, in silence. A
# grey X-ray fed to a colour model gives numbers, too; they only mean something else.</details>

# %% [markdown]
# ## Exercise: many filters, many maps · `filter_bank`
#
# A layer holds several filters. Each gives one feature map: `n` kernels `(n, c, kh, kw)` on a picture `(c, h, w)` give
# `(n, h-kh+1, w-kw+1)`. This is the layout of PyTorch's `Conv2d.weight`: `(out_channels, in_channels, kh, kw)`.
#
# On paper: on the picture with channels $(1, 2, 3)$ and $(10, 20, 30)$, the filters $\{(1, -1), (0, 2)\}$ and $\{(0, 1), (1, 0)\}$ give
# the maps $39, 59$ and $2 + 10, 3 + 20 = 12, 23$.
#
# Raise `ValueError` if the filters' slices are not as many as the picture's channels.

# %% solution="filter_bank"
def filter_bank(
    image: Float[np.ndarray, "c h w"], kernels: Float[np.ndarray, "n c kh kw"]
) -> Float[np.ndarray, "n h-kh+1 w-kw+1"]:
    """One feature map for each of the n filters.

    Raises ValueError, naming image or kernels with its shape or number of channels, if these differ.
    """
    ### BEGIN SOLUTION
    if image.shape[0] != kernels.shape[1]:
        raise ValueError(f"image has {image.shape[0]} channels, but each of the kernels has {kernels.shape[1]} slices")
    return np.stack([color_response(image, kernel) for kernel in kernels])
    ### END SOLUTION


# %% test="filter_bank_example" points=1
"""filter_bank gives the two maps worked out on paper."""
image, kernels = np.array([[[1.0, 2, 3]], [[10, 20, 30]]]), np.array([[[[1.0, -1]], [[0, 2]]], [[[0, 1]], [[1, 0]]]])
expect(filter_bank, image, kernels).equals([[[39, 59]], [[12, 23]]])
### BEGIN HIDDEN TESTS
expect(filter_bank, random_picture(2, 1, 3), random_filters(2, 2, 1, 2)).like(reference.filter_bank)
### END HIDDEN TESTS

# %% test="filter_bank_many" points=1
"""filter_bank gives one map per filter, in order, whatever the numbers of filters and channels."""
for n, channels, height, width, kh, kw in [(4, 3, 6, 8, 3, 2), (2, 5, 7, 5, 2, 3), (1, 2, 5, 6, 3, 3), (6, 1, 4, 7, 1, 4)]:
    expect(filter_bank, random_picture(channels, height, width), random_filters(n, channels, kh, kw)).like(reference.filter_bank)

# %% test="filter_bank_kinds" points=1
"""filter_bank takes whole numbers as they are, pictures however they lie in memory, and changes nothing."""
kernels = random_filters(4, 2, 3, 2)
expect(filter_bank, random_picture(2, 6, 5, dtype=np.uint8), kernels).like(reference.filter_bank)
expect(filter_bank, random_picture(2, 5, 6, dtype=np.float32), kernels.astype(np.float32)).like(reference.filter_bank)
for other in shapes_of_memory(random_picture(2, 5, 7)):
    expect(filter_bank, other, kernels).like(reference.filter_bank)
### BEGIN HIDDEN TESTS
for arguments in many(reference.filter_bank, 40):
    expect(filter_bank, *arguments).like(reference.filter_bank)
### END HIDDEN TESTS

# %% test="filter_bank_refuses" points=1
"""filter_bank raises ValueError if the slices of the filters are not as many as the channels of the picture."""
for n, channels, slices in [(4, 3, 2), (3, 3, 1), (2, 1, 3), (2, 2, 3)]:
    image, kernels = random_picture(channels, 6, 8), random_filters(n, slices, 3, 2)
    expect(filter_bank, image, kernels).raises(ValueError, naming={"image": channels, "kernels": slices})
### BEGIN HIDDEN TESTS
for arguments, naming in many_refused(reference.filter_bank, 40):
    expect(filter_bank, *arguments).raises(ValueError, naming=naming)
### END HIDDEN TESTS

# %% [markdown]
# Your filter bank on a colour photograph, with one edge filter steered in four directions:

# %%
flower = images.photograph("flower", color=True)
compass = [0, math.pi / 4, math.pi / 2, 3 * math.pi / 4]
maps = filter_bank(flower, np.stack([np.stack([steer(theta)] * 3) for theta in compass]))
show.row([show.response(one, title=f"steered to {math.degrees(theta):.0f}°") for theta, one in zip(compass, maps, strict=True)])

# %% [markdown]
# ## In your own words · `why_zero_sum`
#
# Why do the weights of an edge filter sum to zero? And what happens on a sky of constant brightness if they do not? Three to five
# sentences, with an example in numbers if it helps.

# %% [markdown] answer="why_zero_sum" points=3
# ### BEGIN SOLUTION
# On a part of the picture where all pixels have the same brightness $b$ the response is $b$ times the sum of the weights. An edge filter
# should answer to *differences* between pixels and stay silent where there are none, so this must be 0 for every $b$: the weights must
# sum to 0.
#
# If they sum to $s ≠ 0$, a sky of constant brightness $b$ answers $b·s$ everywhere: as if it were one large edge, the stronger the
# brighter the sky is. With Sobel x and 3 in the place of one 2, $s = 1$: a sky of 0.8 answers 0.8 without any edge in it. The answers to
# true edges are shifted by the local brightness, too, so no threshold separates edges from bright areas.
#
# *Mark scheme (3 points): 1 for "flat area: brightness times the sum of the weights"; 1 for "so zero means silence where nothing
# changes"; 1 for what the sky does otherwise: a constant answer that grows with brightness and is taken for an edge.*
# ### END SOLUTION
