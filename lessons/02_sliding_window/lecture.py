# %% [markdown]
# # 02 · How a filter works
#
# A filter's whole work is: slide, multiply, add. This lesson follows the window from its first position to its last, and asks what
# each setting of a convolution layer does to what the network can see.
#
# **After this lesson you can**
# - follow a window step by step, and derive how many positions it has;
# - choose a padding, and recognise the false edges that padding with zeros draws;
# - say what stride throws away, and why to blur before you skip;
# - tell cross-correlation from convolution by looking at one dot;
# - state exactly when a shifted picture gives a shifted map, and when not;
# - turn the loops into one matrix product, and measure what that gains;
# - compute the receptive field of a stack, its weights and its multiplications.
#
# **Time** 45 minutes here, 90 for the exercises. **You need** lesson 01.
#
# Where it says **Predict**, say your answer aloud before you run the cell.

# %%
import numpy as np

from filterlab import desk, images, kernels, show, timing
from filterlab.convolution import conv2d, convolve2d, correlate2d, output_size, pad2d, windows

# %% [markdown]
# ## The window slides
#
# A bright block on a dark ground, and a filter for horizontal edges: three weights of −1 above, three of 1 below. **Predict**: at
# which of the block's sides will it answer, and how much?

# %%
block = np.full((8, 8), 0.2)
block[4:, 3:] = 0.7                                    # bright from row 4 down, from column 3 to the right
answers = correlate2d(block, kernels.prewitt_y)
show.row([
    show.picture(block, "picture", numbers=True),
    show.kernel(kernels.prewitt_y, "horizontal edges"),
    show.response(answers, "answers", numbers=True),
])

# %% [markdown]
# On the block's upper side the answer is 3 × (0.7 − 0.2) = 1.5, **large**. On its left side the row above the window's middle
# equals the row below: **0**. Where the two sides meet, only a part of the window sees the edge. So a filter for horizontal edges gives
# large values on horizontal edges and small ones elsewhere:

# %%
print("on the horizontal edge", answers[3, 4].round(2))
print("on the vertical edge  ", answers[5, 1:3].round(2))
print("on flat ground        ", answers[0, 0].round(2) + 0)
assert np.isclose(answers[3, 4], 1.5) and np.allclose(answers[[0, 4, 5]], 0)

# %% [markdown]
# Now step through it. Every number that the window sees is there. Four things to find out:
# 1. In which order are the answers written?
# 2. How many answers are there at stride 2, and which pixels does no window see?
# 3. Set padding to 1. Where do answers appear that no edge in the picture explains?
# 4. At dilation 2, how many pixels from top to bottom does the window span?

# %%
from filterlab.explore.window_sliders import WindowSliders

sliders = WindowSliders(block)
sliders

# %% [markdown]
# <details><summary>What you may have found</summary>
#
# 1. As we read: along the first row, then along the second.
# 2. 3 × 3 = 9. The windows start at 0, 2 and 4 and end at 6: the last row and the last column are never seen.
# 3. Along the top and the bottom: against the zeros, the picture itself looks like an edge.
# 4. Five: rows 0, 2 and 4 of its first position.
#
# </details>
#
# ## How many positions? Count them
#
# A row of 8 pixels, a window of 3, steps of 2. **Predict** how many times it fits. Then the same with 7 pixels, and with 9.

# %%
for size in (7, 8, 9):
    print(f"{size} pixels: {output_size(size, kernel=3, stride=2)} positions")
    for start in range(0, 2 * output_size(size, kernel=3, stride=2), 2):
        print("   " + "□" * start + "■■■" + "□" * (size - 3 - start))

# %% [markdown]
# Seven and eight give the same: at 8 the last pixel is left over. To count, follow the window's first pixel. It starts at 0 and can
# move `size − 3` pixels before the window's end meets the picture's. Steps of `stride` fit `(size − 3) / stride` times into that, *rounded
# down*; and the start itself is one more.
#
# Two refinements. Padding adds pixels at *both* ends. And a window with holes reaches over `dilation · (kernel − 1) + 1` pixels: `kernel −
# 1` gaps, and the last tap. Together:
#
# $$\text{positions} = \left\lfloor\frac{\text{size} + 2\cdot\text{padding} - \text{dilation}\cdot(\text{kernel}-1) - 1}
# {\text{stride}}\right\rfloor + 1$$

# %%
settings = [(8, 3, 1, 0, 1), (8, 3, 1, 1, 1), (8, 3, 2, 0, 1), (8, 3, 1, 0, 2), (224, 7, 2, 3, 1)]
print("size kernel stride padding dilation → positions")
for size, kernel, stride, padding, dilation in settings:
    positions = output_size(size, kernel, stride, padding, dilation)
    print(f"{size:4} {kernel:6} {stride:6} {padding:7} {dilation:8} → {positions:4}")

# %% [markdown]
# The last line is the first layer of ResNet: 224 pixels become 112. Its floor is at work, too: (224 + 6 − 7) / 2 is 111.5.
#
# ✎ *Now you can do exercise* `output_size`.
#
# ## Padding: what lies beyond the border?
#
# To keep the picture's size, a 3×3 window needs one pixel more on each side. Nobody knows what is there, so one invents it: black
# (**zero**), the picture mirrored (**reflect**), or its border repeated (**replicate**). **Predict** which looks most natural, and which
# draws edges.

# %%
face = images.photograph("hopper", size=240)[60:140, 70:150]
modes = {"zero": "constant", "reflect": "reflect", "replicate": "edge"}      # our name: NumPy's name
padded = {name: np.pad(face, 12, mode=mode) for name, mode in modes.items()}
show.row([show.picture(padded[name], name, box=(12, 12, 80, 80)) for name in modes])

# %%
maps = {name: correlate2d(np.pad(face, 1, mode=modes[name]), kernels.sobel_x) for name in modes}
show.row([show.response(maps[name], name) for name in modes], limit=2)

# %% [markdown]
# All three maps are equal except in the outermost pixels. There, zero padding sees an edge
# between the picture and the black that was invented around it. On a clear sky there is nothing else to see:

# %%
sky = np.full((5, 7), 0.7)
false_edges = correlate2d(pad2d(sky, 1), kernels.sobel_x)
assert all(np.allclose(maps[name][1:-1, 1:-1], maps["zero"][1:-1, 1:-1]) for name in modes)
show.response(false_edges, "Sobel x on a sky of 0.7, padded with zeros", numbers=True)

# %% [markdown]
# Down the left border, dark to bright: 4 × 0.7 = 2.8. In the corners one of the three rows is missing: 2.1. Reflecting has its own
# price: across the border both neighbours are the same pixel, so Sobel x *must* be 0 there, whatever the picture shows. Replicating
# sees half of a slope.

# %%
print("largest answer in the left border column")
for name in modes:
    print(f"   {name:9} {np.abs(maps[name][:, 0]).max():.2f}")
assert np.allclose(maps["reflect"][:, 0], 0)

# %% [markdown]
# Networks mostly use zeros. They learn around it, and even *use* it: the false edges are how a filter can know that it stands at the
# border (Islam and others, 2020).
#
# ✎ *Now you can do exercise* `pad2d`, *and begin* `why_padding_matters`.
#
# ## A dot shows the difference between correlation and convolution
#
# Lesson 01 named the two: cross-correlation lays the kernel down as it is, true convolution turns it by 180° first. Take a kernel that
# looks like nothing but itself, an F, and a picture with a single bright dot. **Predict** both responses.

# %%
letter = np.array([[1, 1, 1], [1, 0, 0], [1, 1, 0], [1, 0, 0], [1, 0, 0]])
dot = np.zeros((11, 7))
dot[5, 3] = 1
correlated, convolved = correlate2d(dot, letter), convolve2d(dot, letter)
drawn = [show.response(correlated, "cross-correlation"), show.response(convolved, "convolution")]
show.row([show.picture(dot, "a dot"), show.kernel(letter, "kernel"), *drawn])

# %% [markdown]
# Cross-correlation gives the F **upside down and mirrored**. The reason is in the sliding: when the window stands far to the left, the
# dot lies under the kernel's *right* column. Convolution turns the kernel beforehand, and so the dot is replaced by the kernel as it
# is.

# %%
inside = slice(1, -1), slice(1, -1)
assert np.array_equal(correlated[inside], letter[::-1, ::-1])
assert np.array_equal(convolved[inside], letter)
page = np.pad(letter, 4)                               # the F on an empty page
print(f"{letter.sum()} ones in the F; best answer on a page with an F:")
print(f"cross-correlation {correlate2d(page, letter).max():.0f}, convolution {convolve2d(page, letter).max():.0f}")

# %% [markdown]
# For *finding* a pattern, cross-correlation is the natural one: it answers most where the picture looks like the kernel. A network
# that learns its weights does not care: it would simply learn them turned. That is why CNN libraries save themselves the turn and
# keep the name.
#
# ✎ *Now you can do exercises* `correlate2d` *and* `convolve2d`.
#
# ## Stride skips
#
# With stride 2 the window moves two pixels at a time. **Predict**: is that a new computation, or are they answers that you have
# seen before?

# %%
photo = images.photograph("hopper", size=240)
all_answers = correlate2d(photo, kernels.sobel_x)
every_second = conv2d(photo[None, None], kernels.sobel_x[None, None], stride=2)[0, 0]
assert np.array_equal(every_second, all_answers[::2, ::2])
share = every_second.size / all_answers.size
print("stride 1", all_answers.shape, "  stride 2", every_second.shape, f"  {share:.0%} of the answers")

# %% [markdown]
# The same answers, three of four left out: a quarter of the work. But skipping is not harmless. These stripes are 4.4 pixels apart.
# Keep every fourth pixel: **predict** what you see.

# %%
stripes = images.stripes(170, 170, wavelength=4.4, theta=0.1)
blurred = correlate2d(stripes, kernels.gaussian(11, 2.2))
stripes = stripes[5:-5, 5:-5]                          # the blur needs 5 pixels on each side
show.row([
    show.picture(stripes, "stripes"),
    show.picture(stripes[::4, ::4], "every 4th pixel"),
    show.picture(blurred[::4, ::4], "blurred, then every 4th pixel"),
])

# %% [markdown]
# Broad stripes on a slant, in a picture that has none! This is **aliasing**. A grid of steps of 4 cannot hold a wave
# shorter than 8 pixels; such a wave does not vanish but comes back as a slower one. Blurred first, it becomes almost even
# grey: detail lost, and next to nothing invented.

# %%
kept = images.stripes(1, 176, wavelength=4.4)[0, ::4]   # one row, every 4th pixel
waves = np.abs(np.fft.rfft(kept))[1:].argmax() + 1     # the strongest wave: how often it fits into the row
print(f"before: {176 / 4.4:.0f} waves of 4.4 pixels; after: {waves} waves of {len(kept) / waves:.0f} kept pixels")

# %% [markdown]
# A convolution with stride 2 is a filter followed by skipping, and so is pooling. If the filter lets fast waves through, they are
# folded into slow ones, and what the next layer sees changes when the picture moves by a single pixel. Zhang (2019) puts a small
# blur before the skips of known networks, and finds them steadier *and* more accurate.
#
# ## Dilation: a wide window with holes
#
# Spread the taps apart, and nine weights look over a larger window. **Predict** what Sobel x with dilation 4 does to the lines of
# the face.

# %%
spread = {d: conv2d(photo[None, None], kernels.sobel_x[None, None], dilation=d)[0, 0] for d in (1, 2, 4)}
for d, answer in spread.items():
    print(f"dilation {d}: reaches over {2 * d + 1} pixels with 9 weights, answers {answer.shape}")
show.row([show.response(answer, f"dilation {d}") for d, answer in spread.items()], limit=3)

# %% [markdown]
# The lines become broad bands, and fine ones double: the filter compares pixels 2, 4 and 8 columns apart. It reaches far at no
# cost, but what lies in the holes it does not see. **Predict** its answers at dilation 2 to stripes 4 pixels apart:

# %%
narrow = images.stripes(20, 40, wavelength=4)
for d in (1, 2):
    answer = conv2d(narrow[None, None], kernels.sobel_x[None, None], dilation=d)[0, 0]
    print(f"dilation {d}: largest answer {np.abs(answer).max():.2f}")

# %% [markdown]
# None at all: the taps stand 4 pixels apart, always on equal stripes. Yu and Koltun (2016) let the dilation grow from layer to
# layer, so that one layer's holes are filled by another.
#
# ## Many channels in, many maps out
#
# Lesson 01's last rule, now with all settings: every filter has one slice per input channel, the slices' answers are added, and a **bias**,
# one number per filter, is added to its whole map. **Predict** the shape of the output: a batch of 2 colour pictures, 5 filters,
# stride 2, padding 1.

# %%
rng = np.random.default_rng(0)
x, weight, bias = rng.random((2, 3, 32, 48)), rng.normal(size=(5, 3, 3, 3)), rng.normal(size=5)
maps = conv2d(x, weight, bias, stride=2, padding=1)
print("x", x.shape, " weight", weight.shape, " → maps", maps.shape)
window = x[1, :, 9:12, 19:22]                          # the second picture's window for answer (5, 10)
assert np.isclose(maps[1, 4, 5, 10], (window * weight[4]).sum() + bias[4])

# %% [markdown]
# The channels went in and are gone: 27 products in one sum. Answer (5, 10) comes from the window that starts at row 5 · 2 − 1 = 9 and
# column 10 · 2 − 1 = 19: times the stride, minus the padding.
#
# ✎ *Now you can do exercise* `conv2d`.
#
# ## Move the picture, and the map moves along
#
# The same filter everywhere: so a pattern gives the same answer wherever it stands. Shift the picture, and the map is shifted
# alike. That is **translation equivariance**, and the main reason for convolution. **Predict** where it fails.

# %%
wide = images.photograph("hopper", size=240)[40:120]
here, there = wide[:, 20:100], wide[:, 21:101]         # the same scene, the camera one pixel to the right
a, b = correlate2d(here, kernels.sobel_x), correlate2d(there, kernels.sobel_x)
assert np.array_equal(a[:, 1:], b[:, :-1])
print("no padding, stride 1: the shifted picture's map is the shifted map, exactly")

# %%
a, b = correlate2d(pad2d(here, 1), kernels.sobel_x), correlate2d(pad2d(there, 1), kernels.sobel_x)
padding_breaks = a[:, 1:] - b[:, :-1]
differs = ~np.isclose(padding_breaks, 0)
print("zero padding: columns that differ:", np.flatnonzero(differs.any(axis=0)), "of", differs.shape[1])
assert not differs[:, 1:-1].any() and differs[:, [0, -1]].any(axis=0).all()

# %% [markdown]
# At the **border** it breaks: what was inside the picture in one is padding in the other. And with **stride**? A scene that moves by
# one pixel falls between the steps.

# %%
def strided(picture):
    return conv2d(picture[None, None], kernels.sobel_x[None, None], stride=2)[0, 0]


a, by_one, by_two = strided(here), strided(there), strided(wide[:, 22:102])
assert np.array_equal(a[:, 1:], by_two[:, :-1])        # a shift by the stride: one step of the map
off = min(np.abs(a - by_one).max(), np.abs(a[:, 1:] - by_one[:, :-1]).max())
print("stride 2, moved by 2: equal")
print(f"stride 2, moved by 1: off by up to {off:.2f}, where the largest answer is {np.abs(a).max():.2f}")
drawn = [show.response(padding_breaks, "differs: zero padding"), show.response(a - by_one, "differs: stride 2")]
show.row(drawn, limit=2)

# %% [markdown]
# Grey is where nothing differs: with padding, all but the two outermost columns; with stride, only what is flat. So: exact for
# shifts by whole multiples of the stride, away from the padding. After five strides of 2, as in ResNet, only shifts by multiples of
# 32 are left.
#
# ## From loops to one matrix product
#
# Windows overlap, but nothing stops us from writing each one down as a row of a matrix. Then one product with the kernel, written as
# a column, gives all answers at once. This is **im2col**. For a 3×4 picture and a 2×2 kernel, **predict** the matrix's shape.

# %%
small = np.arange(12.0).reshape(3, 4)
rows = windows(small, 2).reshape(-1, 4)                # 6 windows of 4 pixels
column = np.array([[-1.0], [0], [0], [1]])             # the kernel (−1 0 / 0 1), unrolled
print(np.hstack([rows, rows @ column]).astype(int))
assert np.array_equal((rows @ column).reshape(2, 3), correlate2d(small, column.reshape(2, 2)))

# %% [markdown]
# In each line four pixels of a window, and behind them its answer. `windows` costs no copying: `sliding_window_view` gives a *view*
# of the picture in which the same pixel stands at many places. Only the reshape writes them down, and then each pixel takes up to
# kh · kw times its memory.

# %%
view = windows(photo, 3)
print("view", view.shape, "shares the picture's memory:", np.shares_memory(view, photo))
print(f"written down: {view.size / photo.size:.1f} times as many numbers")

# %% [markdown]
# ✎ *Now you can do exercise* `windows`.
#
# What is it good for? The number of multiplications stays the same. **Guess** how many times faster the matrix product is than seven loops
# over single numbers; and than one NumPy multiplication per window.

# %%
tiny = timing.Layer("a tiny layer", in_channels=8, out_channels=8, size=32, kernel_size=3)
x, weight = tiny.arrays()
ways = {"seven loops": timing.number_loops, "one window at a time": timing.window_loops, "one matrix product": conv2d}
for way in ways.values():
    assert np.allclose(way(x, weight), conv2d(x, weight), atol=1e-4)
times = {name: timing.measure(lambda way=way: way(x, weight)) for name, way in ways.items()}

# %%
for name, seconds in times.items():
    print(f"{name:22}{1000 * seconds:9.2f} ms {times['seven loops'] / seconds:8.0f}×")
milliseconds = {name: 1000 * seconds for name, seconds in times.items()}
title = f"{tiny.multiplications:,} multiplications, three ways"
show.magnitudes(milliseconds, title, unit="milliseconds, measured just now")

# %% [markdown]
# On this scale, equal distances are equal factors. Your numbers differ from your neighbour's; the order hardly does.
# Python takes far longer to find two numbers than to multiply them. A matrix product is one call that keeps the processor's
# arithmetic units busy, and the most polished routine there is. Chellapilla and others (2006) trained CNNs this way; libraries still
# do.
#
# ✎ *Now you can do exercise* `conv2d_fast`.
#
# ## How far does a stack see?
#
# One 3×3 window sees 3 pixels. A second layer's window sees 3 *answers*, each of which saw 3 pixels. The **receptive field** is what one
# number at the end can depend on. Call `jump` how many pixels of the picture one step in the current layer makes. Each layer adds
#
# $$r \leftarrow r + (k-1)\cdot d\cdot \text{jump}, \qquad \text{then}\quad \text{jump} \leftarrow \text{jump}\cdot s$$
#
# starting from r = 1 and jump = 1. **Predict** it for the four stacks below, each with three layers of 3×3.

# %%
stacks = {                                             # (kernel, stride, dilation) of each layer, and r by hand
    "stride 1": ([(3, 1, 1)] * 3, 1 + 2 + 2 + 2),
    "stride 2 first": ([(3, 2, 1), (3, 1, 1), (3, 1, 1)], 1 + 2 + 2 * 2 + 2 * 2),
    "stride 2 each": ([(3, 2, 1)] * 3, 1 + 2 + 2 * 2 + 2 * 4),
    "dilation 1, 2, 4": ([(3, 1, 1), (3, 1, 2), (3, 1, 4)], 1 + 2 + 2 * 2 + 2 * 4),
}

# %% [markdown]
# Believe no formula that can be measured. Change one pixel of the picture, and see whether one number in the middle of the last map
# changes; do so for every pixel. All weights are equal here.

# %%
def influence(layers, size=31):
    """How much the middle answer of a stack changes for each pixel of a size×size picture."""
    x = np.eye(size * size).reshape(-1, 1, size, size)  # picture i has only its pixel i changed
    for kernel, stride, dilation in layers:
        x = conv2d(x, np.full((1, 1, kernel, kernel), 1 / kernel**2), stride=stride, dilation=dilation)
    return x[:, 0, x.shape[2] // 2, x.shape[3] // 2].reshape(size, size)


# %%
drawn = []
for name, (layers, by_hand) in stacks.items():
    touched = influence(layers)
    rows = np.flatnonzero(touched.any(axis=1))
    measured = rows[-1] - rows[0] + 1
    assert measured == by_hand
    drawn.append(show.response(touched / touched.max(), f"{name}: {measured}×{measured}"))
show.row(drawn, limit=1)

# %% [markdown]
# Formula and measurement agree. Three plain layers see 7×7, with 27 weights in place of 49. Stride early in the stack widens all
# later layers; growing dilation does so without skipping any. And with plain layers the middle of the field counts much more
# than its corners: many paths lead there, but only one to each corner.
#
# ✎ *Now you can do exercises* `receptive_field` *and* `predicted_shapes`.
#
# ## What does it cost?
#
# Each weight is used once at each position. A **dense** layer between the same two arrays has a weight of its own for every pair of
# input and output. **Guess** how many times more that is for VGG's first layer: thousands, millions, or more?

# %%
print(f"{'':26}{'weights':>10}{'multiplications':>18}{'dense, both':>22}")
for layer in timing.LAYERS:
    print(f"{layer.name:26}{layer.weights:10,}{layer.multiplications:18,}{layer.dense:22,}")

# %%
first = timing.VGG_FIRST
costs = {"convolution: weights": first.weights, "convolution: multiplications": first.multiplications}
costs["dense: weights"] = costs["dense: multiplications"] = first.dense
title = f"{first.name}: {first.size}×{first.size} pixels, 3 → 64 channels"
show.magnitudes(costs, title, unit="how many, on a scale of powers of ten")

# %% [markdown]
# Two savings, and they are different. **Local**: an output looks at 27 inputs, not at all 150,528; that saves multiplications.
# **Shared**: all positions use the same weights; that saves weights once more, and is what makes the map move with the picture.

# %%
inputs, positions = first.in_channels * first.size**2, first.positions**2
window = first.in_channels * first.kernel_size**2
print(f"local:  {inputs:,} inputs / {window} in the window = {inputs / window:,.0f} times fewer multiplications")
print(f"shared: {positions:,} positions = so many times fewer weights again")
print(f"both:   {first.dense / first.weights:,.0f} times fewer weights")
assert first.dense * window == first.multiplications * inputs == first.weights * positions * inputs

# %% [markdown]
# ## One real layer: loops, NumPy, PyTorch
#
# A layer from the middle of ResNet-18 in its true size: 128 channels to 128 maps, 28×28 pixels. This closing cell uses PyTorch if it is
# installed, and says so if not; nothing else in the lesson needs it. **Guess** the three times.

# %%
layer = timing.RESNET_28
x, weight = layer.arrays()
padded = pad2d(x, layer.padding)
times = {"one window at a time": timing.measure(lambda: timing.window_loops(padded, weight), repeats=1)}
times["NumPy, one matrix product"] = timing.measure(lambda: conv2d(x, weight, padding=layer.padding))

# %%
try:
    import torch

    arrays = torch.from_numpy(x), torch.from_numpy(weight)
    with torch.inference_mode():
        times["PyTorch"] = timing.measure(lambda: torch.conv2d(*arrays, padding=layer.padding))
        answers = torch.conv2d(*arrays, padding=layer.padding).numpy()
    same = np.allclose(answers, conv2d(x, weight, padding=layer.padding), atol=1e-3)
    print(f"PyTorch {torch.__version__.split('+')[0]} on {torch.get_num_threads()} threads; same answers: {same}")
except ImportError:
    print("PyTorch is not installed here: the comparison is between loops and NumPy alone")

# %% [markdown]
# And yours? As soon as your `conv2d` or `conv2d_fast` stands in your copy of the exercises, it joins the chart below. Slow loops are timed
# on a few of the 128 filters, and the time is multiplied up. **Guess** first: how many times faster is your fast one than your loops?

# %%
mine = desk.answers("02_sliding_window", "conv2d", "conv2d_fast")
for name, way in mine.items():
    try:
        times[f"your {name}"], filters = timing.layer_time(way, layer)
        print(f"your {name}: measured on {filters} of {layer.out_channels} filters")
    except Exception as error:
        print(f"your {name} stopped: {type(error).__name__}: {error}")
if not mine:
    print("Nothing of yours yet: write conv2d and conv2d_fast in the exercises, then run this cell and those below again.")

# %%
milliseconds = {name: 1000 * seconds for name, seconds in times.items()}
title = f"{layer.name}: {layer.multiplications:,} multiplications"
show.magnitudes(milliseconds, title, unit="milliseconds, measured just now")

# %%
speed = {name: layer.multiplications / seconds for name, seconds in times.items()}
show.magnitudes(speed, "the same, as speed", unit="multiplications per second")

# %% [markdown]
# One thing is left to save: NumPy spends much of its time on writing all windows down. A library can do that in small blocks that
# stay in the processor's cache.

# %%
writing = timing.measure(lambda: windows(padded, layer.kernel_size).copy(), repeats=15)
whole = timing.measure(lambda: conv2d(x, weight, padding=layer.padding), repeats=15)
print(f"writing the windows down takes {1000 * writing:.1f} ms; all of NumPy's work {1000 * whole:.1f} ms")

# %% [markdown]
# ## Summary
#
# | word | what it does | what to remember |
# |---|---|---|
# | window | slides, multiplies, adds | one answer per position |
# | positions | ⌊(size + 2·padding − dilation·(kernel − 1) − 1) / stride⌋ + 1 | rounded down: left-over pixels are not seen |
# | padding | invents pixels beyond the border | zeros draw false edges; at stride 1, `(kernel − 1) / 2` keeps the size (odd kernels) |
# | stride | keeps every s-th answer | fast waves come back as slow ones: blur before you skip |
# | dilation | spreads the taps | reach without weights; the holes are not seen |
# | bias | one number per filter | added after the sum |
# | cross-correlation · convolution | kernel as it is · turned by 180° | a dot shows the kernel turned · as it is |
# | translation equivariance | the map moves with the picture | not at the border, and only by multiples of the stride |
# | im2col | windows as rows, one matrix product | the same multiplications, many times faster, more memory |
# | receptive field | r + (k − 1) · d · jump, layer by layer | stride and dilation widen what comes after |
# | cost | weights · positions | dense: every input to every output |
#
# ## Where next
#
# **The exercises.** [Start here](start_here.ipynb) lays out your own copy and links to it. In this order: `output_size`, `pad2d`,
# `correlate2d`, `convolve2d`, `conv2d`, `windows`, `conv2d_fast`, `receptive_field`, `predicted_shapes`, and the written
# `why_padding_matters`.
#
# **[Lesson 03](03_learning_filters.ipynb)** stops choosing the weights by hand: it finds them.
#
# ## References
#
# - V. Dumoulin, F. Visin: [*A guide to convolution arithmetic for deep learning*](https://arxiv.org/abs/1603.07285), 2016.
# - M. A. Islam, S. Jia, N. D. B. Bruce: [*How much position information do convolutional neural networks
#   encode?*](https://arxiv.org/abs/2001.08248), ICLR 2020.
# - R. Zhang: [*Making convolutional networks shift-invariant again*](https://arxiv.org/abs/1904.11486), ICML 2019.
# - F. Yu, V. Koltun: [*Multi-scale context aggregation by dilated convolutions*](https://arxiv.org/abs/1511.07122), ICLR 2016.
# - K. Chellapilla, S. Puri, P. Simard: *High performance convolutional neural networks for document processing*. Tenth International
#   Workshop on Frontiers in Handwriting Recognition, 2006.
# - A. Araujo, W. Norris, J. Sim: [*Computing receptive fields of convolutional neural
#   networks*](https://distill.pub/2019/computing-receptive-fields), Distill, 2019.
# - K. Simonyan, A. Zisserman: [*Very deep convolutional networks for large-scale image
#   recognition*](https://arxiv.org/abs/1409.1556), 2014 (VGG); K. He and others: [*Deep residual learning for image
#   recognition*](https://arxiv.org/abs/1512.03385), 2015 (ResNet).
# - PyTorch: [Conv2d](https://docs.pytorch.org/docs/stable/generated/torch.nn.Conv2d.html), for the formula of the size.
