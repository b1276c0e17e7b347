# %% [markdown]
# # Exercises 02 · How a filter works
#
# From counting places to a whole convolutional layer: nine rungs and one written answer. Each exercise says what is asked, works one
# example on paper, and is followed by test cells. **Run a test cell: silence means right.** Otherwise it says what was expected, what
# came, and where to look.
#
# - NumPy and Python's standard library are all you need, and all that is allowed.
# - Layouts are PyTorch's: pictures `(n, c, h, w)`, filters `(m, c, kh, kw)`. Sizes and pairs name rows first.
# - Pictures of whole numbers (`uint8`) give what `image.astype(float)` gives. Never change what you are given.
# - You may call your own functions from the exercises above.
#
# About 90 minutes. The lecture is [02_sliding_window](../../notebooks/02_sliding_window.ipynb).

# %%
import numpy as np
from jaxtyping import Float

from filterlab import images, show, timing
from filterlab.check import expect, many, many_refused, random_filters, random_picture, shapes_of_memory
from filterlab.check.layers import layer_table
from filterlab.check.references import sliding_window as reference

# %% [markdown]
# ## Exercise: how many places? · `output_size`
#
# A window of `kernel` pixels slides along a row of `size` pixels, `stride` pixels at a time. Count the places where it fits wholly.
# `padding` pixels are added at *both* ends. With `dilation` d, neighbouring taps of the kernel stand d pixels apart.
#
# On paper: 7 pixels, a window of 3, steps of 2. It fits at 0, 2 and 4: **3** places. With 8 pixels it is 0, 2 and 4 again; the last
# pixel is never seen. PyTorch drops it too.
#
# Raise `ValueError` where the window does not fit even once (name `size` or `kernel`), and for a kernel, stride or dilation below 1 or a
# padding below 0, each named with its value.

# %% solution="output_size"
def output_size(size: int, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> int:
    """Number of positions of a sliding window along one axis.

    Raises ValueError, naming the argument and its value, where one is out of range or the window does not fit even once.
    """
    ### BEGIN SOLUTION
    for name, value, least in [("kernel", kernel, 1), ("stride", stride, 1), ("padding", padding, 0), ("dilation", dilation, 1)]:
        if value < least:
            raise ValueError(f"{name}={value} must be at least {least}")
    reach = dilation * (kernel - 1) + 1
    room = size + 2 * padding - reach
    if room < 0:
        raise ValueError(f"kernel={kernel} reaches over {reach} pixels, but size={size} with padding={padding} has {size + 2 * padding}")
    return room // stride + 1
    ### END SOLUTION


# %% test="output_size_example" points=1
"""output_size counts the places worked out on paper, and drops the one that does not fit."""
expect(output_size, 7, 3, 2).equals(3)
expect(output_size, 8, 3, stride=2).equals(3)
expect(output_size, 5, 5).equals(1)
### BEGIN HIDDEN TESTS
for size in range(5, 12):
    expect(output_size, size, 3, 2).like(reference.output_size)
### END HIDDEN TESTS

# %% test="output_size_settings" points=1
"""output_size is right for every mix of stride, padding and dilation."""
for size in range(1, 12):
    for kernel, stride, padding, dilation in [(1, 1, 0, 1), (3, 1, 1, 1), (2, 3, 2, 1), (3, 2, 3, 2), (2, 2, 1, 3), (1, 4, 0, 2)]:
        if dilation * (kernel - 1) < size + 2 * padding:
            expect(output_size, size, kernel, stride, padding, dilation).like(reference.output_size)
### BEGIN HIDDEN TESTS
for arguments in many(reference.output_size, 100):
    expect(output_size, *arguments).like(reference.output_size)
### END HIDDEN TESTS

# %% test="output_size_refuses" points=1
"""output_size raises ValueError for settings that make no sense, and says which."""
expect(output_size, 4, 5).raises(ValueError, naming={"size": 4, "kernel": 5})
expect(output_size, 4, 3, dilation=2).raises(ValueError, naming={"size": 4, "kernel": 3})
expect(output_size, 9, 0).raises(ValueError, naming={"kernel": 0})
expect(output_size, 9, 3, stride=0).raises(ValueError, naming={"stride": 0})
expect(output_size, 9, 3, padding=-2).raises(ValueError, naming={"padding": -2})
expect(output_size, 9, 3, dilation=0).raises(ValueError, naming={"dilation": 0})
### BEGIN HIDDEN TESTS
for arguments, naming in many_refused(reference.output_size, 60):
    expect(output_size, *arguments).raises(ValueError, naming=naming)
### END HIDDEN TESTS

# %% [markdown]
# <details><summary>Hint</summary>Where does the window's <i>last</i> tap stand when the window starts at 0? How far can it still
# move?</details>

# %% [markdown]
# ## Exercise: a frame around the picture · `pad2d`
#
# Add `padding` pixels of `value` on each side of the last two axes. Axes before them (channels, pictures of a batch, none at all) stay
# as they are. `padding` is one int, or a pair `(rows, columns)`: so many rows above *and* below, so many columns left *and* right. The
# dtype stays.
#
# On paper: the row `[[5, 6]]` with padding `(1, 2)` becomes 3 rows of 6: zeros, `0 0 5 6 0 0`, zeros.
#
# Raise `ValueError` for a padding below 0, and name its value.

# %% solution="pad2d"
def pad2d(
    image: Float[np.ndarray, "*leading h w"], padding: int | tuple[int, int], value: float = 0.0
) -> Float[np.ndarray, "*leading h2 w2"]:
    """The picture with `padding` pixels of `value` on each side of its last two axes; the dtype stays.

    Raises ValueError, naming padding and its value, for a negative one.
    """
    ### BEGIN SOLUTION
    rows, columns = (padding, padding) if np.ndim(padding) == 0 else padding
    if rows < 0 or columns < 0:
        raise ValueError(f"padding={padding} must not be negative")
    height, width = image.shape[-2:]
    padded = np.full((*image.shape[:-2], height + 2 * rows, width + 2 * columns), value, dtype=image.dtype)
    padded[..., rows : rows + height, columns : columns + width] = image
    return padded
    ### END SOLUTION


# %% test="pad2d_example" points=1
"""pad2d gives the frame worked out on paper, and nothing for padding 0."""
expect(pad2d, np.array([[5.0, 6.0]]), (1, 2)).equals([[0, 0, 0, 0, 0, 0], [0, 0, 5, 6, 0, 0], [0, 0, 0, 0, 0, 0]])
expect(pad2d, random_picture(3, 4), 0).like(reference.pad2d)
expect(pad2d, random_picture(3, 4), (0, 2)).like(reference.pad2d)

# %% test="pad2d_axes" points=1
"""pad2d leaves the axes before the last two alone, however many, keeps the dtype, and fills with any value."""
for shape in [(4, 3), (2, 3, 4), (2, 1, 4, 5), (2, 3, 1, 4, 5)]:
    expect(pad2d, random_picture(*shape), (2, 1), value=0.5).like(reference.pad2d)
    expect(pad2d, random_picture(*shape, dtype=np.float32), 1).like(reference.pad2d)
    expect(pad2d, random_picture(*shape, dtype=np.uint8), (0, 3), value=7).like(reference.pad2d)
for other in shapes_of_memory(random_picture(2, 4, 3)):
    expect(pad2d, other, 1).like(reference.pad2d)
### BEGIN HIDDEN TESTS
for arguments in many(reference.pad2d, 40):
    expect(pad2d, *arguments).like(reference.pad2d)
### END HIDDEN TESTS

# %% test="pad2d_refuses" points=1
"""pad2d raises ValueError for a negative padding."""
for padding in (-1, (-1, 2), (2, -1)):
    expect(pad2d, random_picture(5, 6), padding).raises(ValueError, naming={"padding": -1})
### BEGIN HIDDEN TESTS
for arguments, naming in many_refused(reference.pad2d, 20):
    expect(pad2d, *arguments).raises(ValueError, naming=naming)
### END HIDDEN TESTS

# %% [markdown]
# <details><summary>Where this bites in real life</summary>The slice <code>[p:-p]</code> cuts a frame off again, until p is 0:
# <code>[0:0]</code> is empty. It is the most frequent bug in hand-written padding.</details>

# %% [markdown]
# ## Exercise: the window slides · `correlate2d`
#
# Lay the kernel on every place of the picture where it fits wholly, multiply and sum: a picture `(h, w)` and a kernel `(kh, kw)` give a
# map `(h-kh+1, w-kw+1)`. Nothing is flipped. Four loops are a fine answer here; only the numbers are tested.
#
# On paper: the row `1 2 4` under `(-1, 1)` gives the differences `1 2`.
#
# Raise `ValueError` if the kernel is larger than the picture, in height or in width, and name one of the two with its shape.

# %% solution="correlate2d"
def correlate2d(image: Float[np.ndarray, "h w"], kernel: Float[np.ndarray, "kh kw"]) -> Float[np.ndarray, "h-kh+1 w-kw+1"]:
    """Cross-correlation of a grey picture with a kernel, at every place where the kernel fits wholly.

    Raises ValueError, naming image or kernel with its shape, if the kernel is larger than the picture.
    """
    ### BEGIN SOLUTION
    (h, w), (kh, kw) = image.shape, kernel.shape
    if kh > h or kw > w:
        raise ValueError(f"kernel of shape {kernel.shape} is larger than image of shape {image.shape}")
    result = np.zeros((h - kh + 1, w - kw + 1))
    for row in range(h - kh + 1):
        for col in range(w - kw + 1):
            result[row, col] = (image[row : row + kh, col : col + kw].astype(float) * kernel).sum()
    return result
    ### END SOLUTION


# %% test="correlate2d_example" points=1
"""correlate2d gives the differences worked out on paper, along rows and along columns."""
expect(correlate2d, np.array([[1.0, 2, 4]]), np.array([[-1.0, 1]])).equals([[1, 2]])
expect(correlate2d, np.array([[1.0], [2], [4]]), np.array([[-1.0], [1]])).equals([[1], [2]])
### BEGIN HIDDEN TESTS
expect(correlate2d, random_picture(1, 5), random_filters(1, 2)).like(reference.correlate2d)
expect(correlate2d, random_picture(5, 1), random_filters(2, 1)).like(reference.correlate2d)
### END HIDDEN TESTS

# %% test="correlate2d_any" points=1
"""correlate2d is right for oblong pictures and kernels, whole numbers, and pictures however they lie in memory."""
for height, width, kh, kw in [(6, 9, 3, 3), (8, 5, 2, 4), (5, 7, 5, 1), (4, 6, 4, 6), (7, 4, 1, 1)]:
    expect(correlate2d, random_picture(height, width), random_filters(kh, kw)).like(reference.correlate2d)
expect(correlate2d, random_picture(6, 7, dtype=np.uint8), random_filters(2, 3)).like(reference.correlate2d)
for other in shapes_of_memory(random_picture(5, 7)):
    expect(correlate2d, other, random_filters(3, 2)).like(reference.correlate2d)
### BEGIN HIDDEN TESTS
for arguments in many(reference.correlate2d, 40):
    expect(correlate2d, *arguments).like(reference.correlate2d)
### END HIDDEN TESTS

# %% test="correlate2d_refuses" points=1
"""correlate2d raises ValueError if the kernel is taller or wider than the picture."""
for kh, kw in [(6, 2), (2, 8), (6, 8)]:
    naming = {"image": [(5, 7), 5, 7], "kernel": [(kh, kw), kh, kw], "size": [5, 7]}
    expect(correlate2d, random_picture(5, 7), random_filters(kh, kw)).raises(ValueError, naming=naming)
### BEGIN HIDDEN TESTS
for arguments, naming in many_refused(reference.correlate2d, 20):
    expect(correlate2d, *arguments).raises(ValueError, naming=naming)
### END HIDDEN TESTS

# %% [markdown]
# ## Exercise: and now flipped · `convolve2d`
#
# True convolution, the mathematicians', turns the kernel by 180 degrees before it lays it on. Everything else is as above.
#
# On paper: the row `1 2 4` convolved with `(-1, 1)` is the row under `(1, -1)`: `-1 -2`.

# %% solution="convolve2d"
def convolve2d(image: Float[np.ndarray, "h w"], kernel: Float[np.ndarray, "kh kw"]) -> Float[np.ndarray, "h-kh+1 w-kw+1"]:
    """True convolution of a grey picture with a kernel, at every place where the kernel fits wholly."""
    ### BEGIN SOLUTION
    return correlate2d(image, kernel[::-1, ::-1])
    ### END SOLUTION


# %% test="convolve2d_example" points=1
"""convolve2d gives the numbers worked out on paper, along rows and along columns."""
expect(convolve2d, np.array([[1.0, 2, 4]]), np.array([[-1.0, 1]])).equals([[-1, -2]])
expect(convolve2d, np.array([[1.0], [2], [4]]), np.array([[-1.0], [1]])).equals([[-1], [-2]])
### BEGIN HIDDEN TESTS
expect(convolve2d, random_picture(1, 5), random_filters(1, 2)).like(reference.convolve2d)
expect(convolve2d, random_picture(5, 1), random_filters(2, 1)).like(reference.convolve2d)
### END HIDDEN TESTS

# %% test="convolve2d_any" points=1
"""convolve2d flips the kernel on both axes, for oblong pictures and kernels and whole numbers."""
for height, width, kh, kw in [(6, 9, 3, 3), (8, 5, 2, 4), (5, 7, 5, 1), (4, 6, 4, 6)]:
    expect(convolve2d, random_picture(height, width), random_filters(kh, kw)).like(reference.convolve2d)
expect(convolve2d, random_picture(6, 7, dtype=np.uint8), random_filters(2, 3)).like(reference.convolve2d)
for other in shapes_of_memory(random_picture(5, 7)):
    expect(convolve2d, other, random_filters(3, 2)).like(reference.convolve2d)
### BEGIN HIDDEN TESTS
for arguments in many(reference.convolve2d, 40):
    expect(convolve2d, *arguments).like(reference.convolve2d)
### END HIDDEN TESTS

# %% [markdown]
# ## Exercise: a whole layer · `conv2d`
#
# Now everything at once: pictures `(n, c, h, w)`, filters `(m, c, kh, kw)`, a bias `(m,)` or None, and a stride and a zero padding that
# are one int each or a pair `(rows, columns)`. Every filter looks at all channels, their answers are summed, and its bias is added
# once: the result is `(n, m, h', w')`. This is PyTorch's `Conv2d`.
#
# On paper: the row `1 2 4`, padded by one, is `0 1 2 4 0`. Under `(-1, 1)` with stride 2 the window stands at 0 and 2: `1 - 0` and `4 -
# 2`. With bias 10 the answers are `11 12`.
#
# Raise `ValueError` if the channels differ or the window does not fit (name x or weight with its shape or count), for a stride below 1
# and for a padding below 0 (with its value).

# %% solution="conv2d"
def conv2d(
    x: Float[np.ndarray, "n c h w"],
    weight: Float[np.ndarray, "m c kh kw"],
    bias: Float[np.ndarray, "m"] | None = None,
    stride: int | tuple[int, int] = 1,
    padding: int | tuple[int, int] = 0,
) -> Float[np.ndarray, "n m h2 w2"]:
    """A convolutional layer: cross-correlation of every picture with every filter, zero padding, stride, bias.

    Raises ValueError, naming the argument, if channels differ, the window does not fit, stride < 1 or padding < 0.
    """
    ### BEGIN SOLUTION
    if x.shape[1] != weight.shape[1]:
        raise ValueError(f"x has {x.shape[1]} channels, weight has {weight.shape[1]}")
    rows, columns = (stride, stride) if np.ndim(stride) == 0 else stride
    padded = pad2d(x.astype(float), padding)
    (n, _, h, w), (m, _, kh, kw) = padded.shape, weight.shape
    result = np.zeros((n, m, output_size(h, kh, rows), output_size(w, kw, columns)))
    for i in range(result.shape[2]):
        for j in range(result.shape[3]):
            window = padded[:, None, :, i * rows : i * rows + kh, j * columns : j * columns + kw]  # (n, 1, c, kh, kw)
            result[:, :, i, j] = (window * weight).sum(axis=(2, 3, 4))
    return result if bias is None else result + bias[:, None, None]
    ### END SOLUTION


# %% test="conv2d_example" points=1
"""conv2d gives the numbers worked out on paper."""
x, weight = np.array([[[[1.0, 2, 4]]]]), np.array([[[[-1.0, 1]]]])
expect(conv2d, x, weight, np.array([10.0]), stride=(1, 2), padding=(0, 1)).equals([[[[11, 12]]]])
expect(conv2d, x, weight).equals([[[[1, 2]]]])
### BEGIN HIDDEN TESTS
x, weight = random_picture(1, 1, 1, 3), random_filters(1, 1, 1, 2)
expect(conv2d, x, weight, random_filters(1), stride=(1, 2), padding=(0, 1)).like(reference.conv2d)
### END HIDDEN TESTS

# %% test="conv2d_layers" points=2
"""conv2d sums over channels and keeps pictures and filters apart, with a bias for each filter."""
x, weight, bias = random_picture(2, 3, 6, 8), random_filters(4, 3, 3, 2), random_filters(4)
expect(conv2d, x, weight).like(reference.conv2d)
expect(conv2d, x, weight, bias).like(reference.conv2d)
expect(conv2d, random_picture(3, 2, 7, 5, dtype=np.uint8), random_filters(1, 2, 2, 3)).like(reference.conv2d)
for other in shapes_of_memory(random_picture(2, 1, 5, 6)):
    expect(conv2d, other, random_filters(3, 1, 3, 3)).like(reference.conv2d)

# %% test="conv2d_steps" points=2
"""conv2d takes strides that do not divide, paddings of 0 and more, and pairs of both."""
x, weight, bias = random_picture(2, 3, 9, 7), random_filters(4, 3, 3, 2), random_filters(4)
for stride, padding in [(2, 0), (1, 1), (3, 2), ((2, 1), (0, 3)), ((1, 3), (2, 0)), ((3, 2), 1)]:
    expect(conv2d, x, weight, bias, stride, padding).like(reference.conv2d)
### BEGIN HIDDEN TESTS
for arguments in many(reference.conv2d, 60):
    expect(conv2d, *arguments).like(reference.conv2d)
### END HIDDEN TESTS

# %% test="conv2d_refuses" points=1
"""conv2d raises ValueError for channels that differ, windows that do not fit, and settings out of range."""
x, weight = random_picture(2, 3, 6, 8), random_filters(4, 3, 3, 2)
expect(conv2d, x, random_filters(4, 2, 3, 2)).raises(ValueError, naming={"x": 3, "weight": 2})
expect(conv2d, x, random_filters(4, 1, 3, 2)).raises(ValueError, naming={"x": 3, "weight": 1})
expect(conv2d, x, random_filters(4, 3, 7, 2)).raises(ValueError, naming={"x": [6], "weight": [7], "kernel": [7], "size": [6]})
expect(conv2d, x, weight, stride=0).raises(ValueError, naming={"stride": 0})
expect(conv2d, x, weight, padding=(1, -1)).raises(ValueError, naming={"padding": -1})
### BEGIN HIDDEN TESTS
for arguments, naming in many_refused(reference.conv2d, 60):
    expect(conv2d, *arguments).raises(ValueError, naming=naming)
### END HIDDEN TESTS

# %% [markdown]
# <details><summary>Hint</summary>Pad first. Then output pixel (i, j) looks at the padded rows from <code>i * stride</code> on, and
# columns from <code>j * stride</code> on. How many there are, <code>output_size</code> knows.</details>
#
# Your layer on a photograph: horizontal edges, and the same with a stride of 4.

# %%
photo = images.photograph("hopper", size=240)[None, None]
horizontal = np.array([[-1.0, -2, -1], [0, 0, 0], [1, 2, 1]])[None, None]
maps = [conv2d(photo, horizontal, stride=stride)[0, 0] for stride in (1, 4)]
show.row([show.response(one, title=f"{one.shape[0]}×{one.shape[1]}") for one in maps])

# %% [markdown]
# ## Exercise: all windows at once · `windows`
#
# Give every window of x in one array, `(n, c, h', w', kh, kw)`: the first four axes say which window, the last two what is in it.
# `kernel_size` and `stride` are one int or a pair.
#
# On paper: the row `1 2 4` has two windows of width 2: `1 2` and `2 4`. With stride 2 only the first is left.
#
# Raise `ValueError` if the window does not fit, or for a stride below 1.

# %% solution="windows"
def windows(
    x: Float[np.ndarray, "n c h w"], kernel_size: int | tuple[int, int], stride: int | tuple[int, int] = 1
) -> Float[np.ndarray, "n c h2 w2 kh kw"]:
    """Every window of x, by position and then by place inside it.

    Raises ValueError, naming the argument, if the window does not fit or stride < 1.
    """
    ### BEGIN SOLUTION
    kh, kw = (kernel_size, kernel_size) if np.ndim(kernel_size) == 0 else kernel_size
    rows, columns = (stride, stride) if np.ndim(stride) == 0 else stride
    if rows < 1 or columns < 1:
        raise ValueError(f"stride={stride} must be at least 1")
    if kh > x.shape[2] or kw > x.shape[3]:
        raise ValueError(f"kernel_size={kernel_size} does not fit into pictures of {x.shape[2:]}")
    return np.lib.stride_tricks.sliding_window_view(x, (kh, kw), axis=(2, 3))[:, :, ::rows, ::columns]
    ### END SOLUTION


# %% test="windows_example" points=1
"""windows gives the windows worked out on paper."""
x = np.array([[[[1.0, 2, 4]]]])
expect(windows, x, (1, 2)).equals([[[[[[1, 2]], [[2, 4]]]]]])
expect(windows, x, (1, 2), (1, 2)).equals([[[[[[1, 2]]]]]])
### BEGIN HIDDEN TESTS
expect(windows, random_picture(1, 1, 1, 3), (1, 2)).like(reference.windows)
### END HIDDEN TESTS

# %% test="windows_any" points=1
"""windows puts its axes in order, for oblong windows and strides that do not divide, one int or a pair."""
x = random_picture(2, 3, 7, 9)
for kernel_size, stride in [(3, 1), ((2, 4), 1), (2, 3), ((3, 1), (2, 3)), ((1, 2), (4, 1)), ((7, 9), 2)]:
    expect(windows, x, kernel_size, stride).like(reference.windows)
for other in shapes_of_memory(random_picture(2, 1, 5, 6)):
    expect(windows, other, (2, 3), 2).like(reference.windows)
### BEGIN HIDDEN TESTS
for arguments in many(reference.windows, 60):
    expect(windows, *arguments).like(reference.windows)
### END HIDDEN TESTS

# %% test="windows_refuses" points=1
"""windows raises ValueError if the window does not fit, or for a stride below 1."""
x = random_picture(2, 3, 5, 6)
for kh, kw in [(6, 2), (2, 7)]:
    naming = {"kernel_size": [kh, kw], "kernel": [kh, kw], "x": [5, 6], "size": [5, 6]}
    expect(windows, x, (kh, kw)).raises(ValueError, naming=naming)
expect(windows, x, 2, stride=0).raises(ValueError, naming={"stride": 0})
### BEGIN HIDDEN TESTS
for arguments, naming in many_refused(reference.windows, 40):
    expect(windows, *arguments).raises(ValueError, naming=naming)
### END HIDDEN TESTS

# %% [markdown]
# <details><summary>Hint</summary>NumPy can show every window without copying a single pixel: look up
# <code>np.lib.stride_tricks.sliding_window_view</code>.</details>

# %% [markdown]
# ## Exercise: without loops · `conv2d_fast`
#
# The same as `conv2d`, but NumPy does the walking: no Python loop, comprehension or `np.vectorize` over pixels, channels, filters or
# pictures. A loop over the few taps of the kernel is fine.
#
# On paper: every output number is a sum of products over three axes (channel, kernel row, kernel column) of `windows(x, …)` and
# `weight`. All of them at once are one matrix product.

# %% solution="conv2d_fast"
def conv2d_fast(
    x: Float[np.ndarray, "n c h w"],
    weight: Float[np.ndarray, "m c kh kw"],
    bias: Float[np.ndarray, "m"] | None = None,
    stride: int | tuple[int, int] = 1,
    padding: int | tuple[int, int] = 0,
) -> Float[np.ndarray, "n m h2 w2"]:
    """What conv2d gives, without a Python loop over pixels, channels, filters or pictures.

    Raises ValueError, naming the argument, if channels differ, the window does not fit, stride < 1 or padding < 0.
    """
    ### BEGIN SOLUTION
    if x.shape[1] != weight.shape[1]:
        raise ValueError(f"x has {x.shape[1]} channels, weight has {weight.shape[1]}")
    every = windows(pad2d(x.astype(float), padding), weight.shape[2:], stride)
    result = np.einsum("nchwij,mcij->nmhw", every, weight, optimize=True)
    return result if bias is None else result + bias[:, None, None]
    ### END SOLUTION


# %% test="conv2d_fast_layers" points=1
"""conv2d_fast gives what conv2d gives, for channels, filters, pictures, bias and whole numbers."""
x, weight, bias = random_picture(2, 3, 6, 8), random_filters(4, 3, 3, 2), random_filters(4)
expect(conv2d_fast, x, weight).like(reference.conv2d_fast)
expect(conv2d_fast, x, weight, bias).like(reference.conv2d_fast)
expect(conv2d_fast, random_picture(3, 2, 7, 5, dtype=np.uint8), random_filters(1, 2, 2, 3)).like(reference.conv2d_fast)
for other in shapes_of_memory(random_picture(2, 1, 5, 6)):
    expect(conv2d_fast, other, random_filters(3, 1, 3, 3)).like(reference.conv2d_fast)

# %% test="conv2d_fast_steps" points=1
"""conv2d_fast takes strides that do not divide, paddings of 0 and more, and pairs of both."""
x, weight, bias = random_picture(2, 3, 9, 7), random_filters(4, 3, 3, 2), random_filters(4)
for stride, padding in [(2, 0), (1, 1), (3, 2), ((2, 1), (0, 3)), ((1, 3), (2, 0)), ((3, 2), 1)]:
    expect(conv2d_fast, x, weight, bias, stride, padding).like(reference.conv2d_fast)
### BEGIN HIDDEN TESTS
for arguments in many(reference.conv2d_fast, 60):
    expect(conv2d_fast, *arguments).like(reference.conv2d_fast)
### END HIDDEN TESTS

# %% test="conv2d_fast_no_loops" points=1
"""conv2d_fast does not take more Python steps for more pictures, channels, filters or pixels."""
small, large = (random_picture(2, 2, 4, 5), random_filters(2, 2, 3, 2)), (random_picture(6, 7, 14, 15), random_filters(8, 7, 3, 2))
expect(conv2d_fast, *small).like(reference.conv2d_fast)
expect(conv2d_fast, *small).without_loops(*large)
### BEGIN HIDDEN TESTS
settings = random_filters(2), (1, 2), (1, 0)
expect(conv2d_fast, *small, *settings).without_loops(*large, random_filters(8), *settings[1:])
### END HIDDEN TESTS

# %% test="conv2d_fast_refuses" points=1
"""conv2d_fast raises ValueError for channels that differ, windows that do not fit, and settings out of range."""
x, weight = random_picture(2, 3, 6, 8), random_filters(4, 3, 3, 2)
expect(conv2d_fast, x, random_filters(4, 1, 3, 2)).raises(ValueError, naming={"x": 3, "weight": 1})
expect(conv2d_fast, x, random_filters(4, 3, 3, 9)).raises(ValueError, naming={"x": [8], "weight": [9], "kernel": [9], "size": [8]})
expect(conv2d_fast, x, weight, stride=(2, 0)).raises(ValueError, naming={"stride": 0})
expect(conv2d_fast, x, weight, padding=-1).raises(ValueError, naming={"padding": -1})
### BEGIN HIDDEN TESTS
for arguments, naming in many_refused(reference.conv2d_fast, 60):
    expect(conv2d_fast, *arguments).raises(ValueError, naming=naming)
### END HIDDEN TESTS

# %% [markdown]
# <details><summary>Hint</summary><code>np.einsum</code> takes a sentence of letters: name the six axes of the windows, the four of
# weight, and those four that stay. What is named twice and does not stay is multiplied and summed.</details>

# %% [markdown]
# How fast are yours? A layer from the middle of ResNet-18: 128 channels of 28×28 pixels, and the first 8 of its 128 filters, so that loops
# need seconds and not minutes. (The lecture's last chart has PyTorch beside them; add your numbers there.)

# %%
layer = timing.RESNET_28
x, weight = layer.arrays()
ways = {"your conv2d": conv2d, "your conv2d_fast": conv2d_fast}
times = {name: timing.measure(lambda way=way: way(x, weight[:8], padding=layer.padding), 1) for name, way in ways.items()}
multiplications = layer.multiplications * 8 // layer.out_channels
speeds = {name: multiplications / seconds for name, seconds in times.items()}
show.magnitudes(speeds, f"{multiplications:,} multiplications", unit="multiplications per second, measured just now")

# %% [markdown]
# ## Exercise: how far does it see? · `receptive_field`
#
# Layers stacked on each other see more and more of the picture. `layers` is a list of `(kernel, stride, dilation)` from input to
# output. How many pixels of the picture, along one axis, can change one number of the output?
#
# On paper: two layers of 3 without stride see 3, then 3 + 2 = **5** pixels. If the first has stride 2, its neighbouring outputs stand 2
# pixels apart, so the second adds 2 · 2: **7**. The empty list sees **1** pixel.

# %% solution="receptive_field"
def receptive_field(layers: list[tuple[int, int, int]]) -> int:
    """Pixels of the picture, along one axis, that one number of the last layer depends on; layers are (kernel, stride, dilation)."""
    ### BEGIN SOLUTION
    field, jump = 1, 1  # jump: how many pixels of the picture one step of this layer's input is
    for kernel, stride, dilation in layers:
        field += dilation * (kernel - 1) * jump
        jump *= stride
    return field
    ### END SOLUTION


# %% test="receptive_field_example" points=1
"""receptive_field gives the numbers worked out on paper."""
expect(receptive_field, [(3, 1, 1), (3, 1, 1)]).equals(5)
expect(receptive_field, [(3, 2, 1), (3, 1, 1)]).equals(7)
expect(receptive_field, []).equals(1)
### BEGIN HIDDEN TESTS
for size in (1, 5, 7):
    expect(receptive_field, [(size, 2, 1), (3, 1, 1)]).like(reference.receptive_field)
### END HIDDEN TESTS

# %% test="receptive_field_any" points=1
"""receptive_field is right for any stack of kernels, strides and dilations."""
pools, dilated = [(2, 2, 1)] * 4, [(3, 1, 1), (3, 1, 2), (3, 1, 4)]
for layers in [[(7, 2, 1), (3, 2, 1)], [(5, 3, 2)], pools, dilated, [(1, 3, 1), (4, 2, 3), (3, 2, 1), (2, 1, 2)]]:
    expect(receptive_field, layers).like(reference.receptive_field)
### BEGIN HIDDEN TESTS
for arguments in many(reference.receptive_field, 60):
    expect(receptive_field, *arguments).like(reference.receptive_field)
### END HIDDEN TESTS

# %% [markdown]
# ## Exercise: say it in advance · `predicted_shapes`
#
# Most errors in a network are shapes. Predict the shape of what each of these layers gives, on paper, then write them down: a dict from
# the layer's name to a tuple `(n, channels, rows, columns)`.

# %%
layer_table()


# %% solution="predicted_shapes"
def predicted_shapes() -> dict[str, tuple[int, int, int, int]]:
    """The shape that each layer of the table gives, by the layer's name."""
    ### BEGIN SOLUTION
    return {
        "plain": (1, 8, 24, 24),
        "same": (16, 6, 32, 48),
        "halved": (4, 64, 112, 80),
        "dropped": (2, 7, 4, 5),
        "one_by_one": (8, 16, 14, 10),
        "dilated": (2, 9, 16, 22),
        "mixed": (3, 10, 5, 12),
    }
    ### END SOLUTION


# %% test="predicted_shapes_all" points=1
"""predicted_shapes names every layer of the table, with the shape that it gives."""
expect(predicted_shapes).like(reference.predicted_shapes)

# %% test="predicted_shapes_numbers" points=1
"""predicted_shapes holds four whole numbers for each layer, the batch axis first; asked twice, it says the same."""
expect(predicted_shapes).like(reference.predicted_shapes)
### BEGIN HIDDEN TESTS
for _ in range(2):
    expect(predicted_shapes).like(reference.predicted_shapes)
### END HIDDEN TESTS

# %% [markdown]
# ## In your own words · `why_padding_matters`
#
# What does zero padding do to a filter's responses at the border of the picture? Say it for an edge filter on a bright, even wall, and
# name one thing that can be done about it. Three to five sentences.

# %% [markdown] answer="why_padding_matters" points=3
# ### BEGIN SOLUTION
# Zero padding puts black pixels around the picture. On a bright, even wall there is no edge, and inside the picture an edge filter
# answers 0; but where its window reaches over the border it sees bright pixels beside black ones, so it answers as strongly as at a
# true edge. The feature map gets a frame of false edges as wide as the filter reaches over the border, with opposite signs on opposite
# sides, and stronger the brighter the wall is. Blurs, likewise, get darker towards the border.
#
# What helps: pad by reflection or by copies of the border, or do not pad and let the map shrink, or leave the frame out of
# what is computed from the map.
#
# *Mark scheme (3 points): 1 for "the padding is black and makes a step at the border"; 1 for the false edges and where they lie; 1 for a
# remedy that works.*
# ### END SOLUTION
