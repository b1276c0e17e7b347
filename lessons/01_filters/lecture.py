# %% [markdown]
# # 01 · What a filter is
#
# A filter is a small grid of numbers. Laid on a picture, it answers one question at every place: *does it look like me here?*
#
# **After this lesson you can**
# - read a picture as an array, and name its shape and layout;
# - compute one answer of a filter by hand, and say what a whole map of answers shows;
# - predict from the weights of a 3×3 filter what it will bring out;
# - read signed answers, and tell why an unsigned picture loses half of them;
# - say what the sum, the size, the depth and the number of filters do, and count their weights;
# - tell from a filter's spectrum which patterns it can see, and which it cannot.
#
# **Time** 40 minutes here, 50 for the exercises. **You need** Python and NumPy arrays; no calculus.
#
# Where it says **Predict**, say your answer aloud before you run the cell. A wrong guess is the best start.

# %%
import numpy as np

from filterlab import images, kernels, show
from filterlab.convolution import conv2d, convolve2d, correlate2d

# %% [markdown]
# ## A photograph is an array
#
# This is Grace Hopper, who wrote one of the first compilers, as 240 rows of 205 numbers. In this course pictures are floats: 0 is
# black, 1 is white. **Predict** the value of her white collar, of her jacket, and of the backdrop on the right.

# %%
image = images.photograph("hopper", size=240)          # grey: (height, width)
print("shape", image.shape)
for name, place in {"collar": (155, 86), "jacket": (188, 56), "backdrop": (94, 188)}.items():
    print(f"{name} {image[place]:.2f}")
show.picture(image, "Grace Hopper, with a window outlined", box=(133, 73, 8, 8))

# %% [markdown]
# Rows count downwards and columns to the right, both from 0: `image[row, column]`. Inside the outlined window, the jacket ends and
# the white collar begins. There is nothing else in there than these numbers:

# %%
show.picture(image[133:141, 73:81], "rows 133 to 140, columns 73 to 80", numbers=True)

# %% [markdown]
# A place where brightness changes abruptly, like this one, is called an **edge**. Two words to keep apart from it: the outermost
# pixels of a picture are its **border**, the outermost weights of a filter its **rim**.
#
# ## One window, one multiplication, one sum
#
# A filter, also called **kernel**, is laid on a window of its own size. Each weight is multiplied by the pixel under it; the
# products are added up. On paper first: pixels dark, dark, bright in every row, and the filter called *Sobel x*. **Predict** the
# sum.

# %%
window = np.array([[0, 0, 1], [0, 0, 1], [0, 0, 1]])
products = window * kernels.sobel_x
print("sum of the products:", products.sum())
show.row([
    show.picture(window, "window", numbers=True),
    show.kernel(kernels.sobel_x, "Sobel x"),
    show.kernel(products, "products"),
])

# %% [markdown]
# The sum is 1 + 2 + 1 = 4. No other window of pixels between 0 and 1 gives more: every positive weight has a white pixel, every
# negative one a black pixel. Now a real window, three columns of the collar's edge:

# %%
row, column = 137, 77
window = image[row:row + 3, column:column + 3]
answer = (window * kernels.sobel_x).sum()
show.row([
    show.picture(window, "window", numbers=True),
    show.kernel(kernels.sobel_x, "Sobel x"),
    show.kernel(window * kernels.sobel_x, f"products, sum {answer:.2f}"),
])

# %% [markdown]
# Nearly the largest possible answer: the window looks almost like the filter. Multiply, add, one number: that is all a filter ever
# does.
#
# ✎ *Now you can do exercise* `response`.
#
# ## The answers make a picture: the feature map
#
# Put the window at every place where it fits, and write each sum where the window stood. The result is the filter's **response**,
# or **feature map**. **Predict** its height and width, and which colour (orange for positive, blue for negative) the collar's two
# sides will have.

# %%
edges = correlate2d(image, kernels.sobel_x)
assert np.isclose(edges[row, column], answer)          # the window above is one of its pixels
print("picture", image.shape, "→ response", edges.shape)
show.response(edges, "Sobel x: orange rises, blue falls, grey is flat")

# %% [markdown]
# A window of 3 fits at 240 − 2 = 238 places from top to bottom: the response is two pixels smaller each way. (Padding, in lesson
# 02, can keep the size.) Along the outside of the collar, its left side is orange and its right side blue; backdrop and jacket,
# being flat, are grey.
#
# Mathematicians turn the kernel by 180° before they lay it on; that is true **convolution**. What CNN libraries call convolution
# does not turn it and is properly named **cross-correlation**. For Sobel x the turn swaps left and right, so all signs change:

# %%
turned = convolve2d(image, kernels.sobel_x)
print("convolution equals minus cross-correlation here:", np.allclose(turned, -edges))

# %% [markdown]
# ## Five filters that give a picture back
#
# **Predict** for each: does it leave the face as it is, soften it, or make it harsher? Look at how the weights are spread.

# %%
filters = kernels.gallery()
face = image[53:135, 70:152]
names = ["identity", "box blur", "Gaussian blur", "sharpen", "emboss"]
drawn = [show.kernel(filters[name], name) for name in names]
drawn += [show.picture(correlate2d(face, filters[name]), "response") for name in names]
show.gallery(drawn, columns=5)

# %% [markdown]
# Positive weights that share the work **average**: detail goes. A large centre minus its neighbours **exaggerates** what differs
# from its surroundings. Emboss is identity plus a difference between lower right and upper left: relief, as if lit from one side.
# These five have one thing in common; you will meet it below.
#
# ✎ *Now you can do exercise* `gaussian_kernel`.
#
# ## Seven filters that look for change
#
# Every one of these has positive weights on one side and negative ones on the other, or around. **Predict** where Sobel y answers
# positively, and which of the seven finds edges of *every* direction.

# %%
names = ["Sobel x", "Sobel y", "Prewitt x", "Prewitt y", "Laplacian", "diagonal down", "diagonal up"]
show.gallery([show.kernel(filters[name], name) for name in names], columns=7)

# %%
maps = [show.response(correlate2d(image, filters[name]), name) for name in names]
show.gallery(maps, limit=1)

# %% [markdown]
# Sobel and Prewitt differ only in how much the middle counts. Upright edges such as the cord beside the flag appear for x and
# vanish for y; the top of the forehead does the reverse. The diagonals see brightness rising towards the lower right and towards
# the lower left. The Laplacian compares a pixel with its four neighbours: thin lines, on both sides of every edge, whatever its
# direction.
#
# ✎ *Now you can do exercises* `sobel_kernels`, `gradient_magnitude` *and* `steer`.
#
# ## Four filters that look for waves
#
# A **Gabor** filter is a wave under a bell, larger than the others and pickier. Cells in the visual cortex answer much like it, and
# so do many filters that networks find for themselves. The angle says in which direction the wave runs. Her shoulders slope like
# `/` and `\`. **Predict** which Gabor answers to which.

# %%
names = ["Gabor 0°", "Gabor 45°", "Gabor 90°", "Gabor 135°"]
gabor_maps = {name: correlate2d(image, filters[name]) for name in names}
show.row([show.response(answers, name) for name, answers in gabor_maps.items()], limit=3)

# %% [markdown]
# A wave that runs to the lower right (45°) meets the shoulder on the left across, one that runs to the lower left (135°) the other.
# Each shoulder is plain in one of these two maps and all but missing in the other.
#
# ## A filter finds what looks like itself
#
# Ask each Gabor filter for the window with its strongest answer. **Predict** what the four windows will look like.

# %%
drawn = [show.kernel(filters[name], name) for name in names]
for answers in gabor_maps.values():
    row, column = np.unravel_index(answers.argmax(), answers.shape)
    window = image[row:row + 9, column:column + 9]
    drawn.append(show.picture(window, f"at row {row}, column {column}"))
show.gallery(drawn)

# %% [markdown]
# Bright where the weights are positive, dark where they are negative; the fourth window, from her cap, is only the best there was.
# A filter is a small picture of what it looks for, and its map says where that is found. Remember this when lesson 04 opens a
# trained network: to look at its weights is to read its questions.
#
# ## Nine sliders
#
# Now you choose. Point at either picture, or go there with the arrow keys, and the window under the pointer is written out as a sum. Four
# things to find out; **predict** first, then move:
# 1. From *Sobel x*, push *centre* up to 1. What happens to the backdrop, and why?
# 2. From *identity*, build a filter that moves the picture one pixel to the left.
# 3. Build one that answers more to a thin bright upright line than to any edge.
# 4. Take *Gaussian blur* and raise *divided by* from 16. What becomes of the brightness, and of the sum of the weights?

# %%
from filterlab.explore.filter_explorer import FilterExplorer

explorer = FilterExplorer(image)
explorer

# %% [markdown]
# <details><summary>What you may have found</summary>
#
# 1. It turns orange: the weights no longer cancel, and flat places answer, too.
# 2. *Centre* 0 and *right* 1: each answer is the pixel to the right, so everything moves left.
# 3. A middle column of 1 between columns of −0.5. A white line on black gives 3, a step from black to white −1.5 on its one side
#    and 1.5 on the other.
# 4. Every weight shrinks, the sum falls below 1, and the picture darkens: only with a sum of 1 does brightness stay.
#
# </details>
#
# ## The sign says which way, the size says how much
#
# A bright disk has edges of every direction. **Predict** where along its outline Sobel x is orange, where it is blue, and where it
# sees nothing at all.

# %%
disk = images.disk(64)
names = ["Sobel x", "Sobel y", "diagonal down"]
drawn = [show.response(correlate2d(disk, filters[name]), name) for name in names]
show.row([show.picture(disk, "disk"), *drawn])

# %% [markdown]
# From dark to bright is positive, from bright to dark negative: the same edge seen from its other side. At the top and bottom of
# the disk, Sobel x is zero: there brightness does not change from left to right. Along one line of the photograph, through the
# collar:

# %%
line = 140
show.profile(image[line], edges[line - 1], f"row {line} of the photograph, and Sobel x centred on it")

# %% [markdown]
# Flat stretches give nearly nothing, high or low alike. Up steps stand above the zero line, down steps below it.
#
# ## What uint8 does to half of the answers
#
# Picture files hold whole numbers from 0 to 255, without a sign: `uint8`. Subtract two such arrays and the result is `uint8` too.
# **Predict** what 20 − 30 gives.

# %%
pixels = np.array([30, 20], dtype=np.uint8)
print("20 − 30 in uint8: ", pixels[1:] - pixels[:1])
print("20 − 30 in floats:", pixels[1:].astype(float) - pixels[:1])

# %% [markdown]
# Now the simplest filter for change, right neighbour minus left neighbour, three times: in floats, in `uint8`, and in floats
# clipped to what `uint8` can hold.

# %%
whole = np.round(image * 255).astype(np.uint8)
wrapped = whole[:, 2:] - whole[:, :-2]
floats = whole[:, 2:].astype(float) - whole[:, :-2]
clipped = floats.clip(0, 255).astype(np.uint8)
assert (wrapped == floats % 256).all()                 # negative answers went round the clock
print(f"{(floats < 0).mean():.0%} of the answers are negative")
drawn = [show.picture(wrapped, "uint8 wraps around"), show.picture(clipped, "clipped at 0")]
show.row([show.response(floats, "floats", limit=100), *drawn])

# %% [markdown]
# Wrapped, the faintest fall becomes nearly white: snow on every flat place. Clipped, the picture looks tidy, and every falling edge
# is gone. Convert to float *before* you filter.
#
# The other trap is to stretch: many plots draw the smallest value black and the largest white. **Predict** where zero goes, for an
# edge that rises and for one that falls.

# %%
for name, drawing in [("rising", images.step()), ("falling", images.step()[:, ::-1])]:
    answers = correlate2d(drawing, kernels.sobel_x)
    zero = abs(answers.min()) / (answers.max() - answers.min())
    print(f"{name} edge: zero is drawn with grey level {zero:.0f} (0 black, 1 white)")

# %% [markdown]
# The same "nothing here" is black in one picture and white in the other. So signed answers need a colour map with two colours and a
# fixed colour for zero in the middle, and pictures that are compared need one scale. All pictures here are drawn so.
#
# ## What the sum of the weights does
#
# A patch of one brightness, such as a clear sky, has no edges. **Predict** the answer of each filter on a sky of 0.7.

# %%
sky = np.full((9, 9), 0.7)
for name, weights in filters.items():
    answer = correlate2d(sky, weights)[0, 0]
    print(f"{name:15} sum of weights {weights.sum():z.1f}    answer on the sky {answer:z.1f}")

# %% [markdown]
# On a flat patch every pixel is the same number, so the answer is *sum of weights × brightness*. Sum 1 keeps brightness: those were
# the five filters that gave a picture back. Sum 0 ignores it, also when a whole picture gets brighter:

# %%
pictures = {"dim": 0.5 * image, "0.5 brighter": 0.5 * image + 0.5}
answers = [correlate2d(picture, kernels.sobel_x) for picture in pictures.values()]
assert np.allclose(answers[0], answers[1])
drawn = [show.picture(picture, name) for name, picture in pictures.items()]
show.row(drawn + [show.response(answer, "Sobel x") for answer in answers], limit=1)

# %% [markdown]
# Two pictures, one and the same response.
#
# ✎ *Now you can write* `why_zero_sum`.
#
# ## Size: 3×3, 5×5, 7×7
#
# A larger window sees more and costs more. Take averages over 3×3, 5×5 and 7×7 pixels. **Predict**: how much of a random flicker
# (noise) survives an average over 9 pixels? Over 49?

# %%
boxes = {size: np.full((size, size), 1 / size**2) for size in (3, 5, 7)}
drawn = [show.picture(correlate2d(face, box), f"{size}×{size}") for size, box in boxes.items()]
show.row([show.picture(face, "picture"), *drawn])

# %%
noise = np.random.default_rng(0).normal(size=(400, 400))
for size, box in boxes.items():
    kept = correlate2d(noise, box).std() / noise.std()
    steps = np.diff(correlate2d(images.step(), box)[0]).round(9)
    print(f"{size}×{size}: {box.size:2} weights, noise left {kept:.2f} (1/{size} = {1 / size:.2f}),"
          f" a sharp edge is now {np.count_nonzero(steps)} pixels wide")

# %% [markdown]
# Noise shrinks to 1/size, and edges widen to the size: one buys calm with sharpness. And the cost grows with the square: 49
# multiplications per pixel for 7×7. Some kernels are a column times a row, and can be applied as two passes for 7 + 7:

# %%
bell = kernels.gaussian(7, 1.5)
part = bell.sum(axis=0)                                # here column and row are the same 7 numbers
two_passes = correlate2d(correlate2d(image, part[:, None]), part[None, :])
print("one pass equals two:", np.allclose(two_passes, correlate2d(image, bell)))

# %% [markdown]
# ✎ *Now you can do exercise* `separate`, *for any kernel that allows it.*
#
# ## Depth: one slice per channel, one sum
#
# A colour picture has three channels, red, green and blue: shape `(channels, height, width)`. A filter on it has three **slices**,
# one for each channel. It still gives *one* map: the slices' responses are **added**.
#
# This filter averages red and green and takes away blue. **Predict** its answer on the white collar, the gold cord, and the blue
# backdrop.

# %%
color = images.photograph("hopper", color=True, size=240)
blur = kernels.gaussian_blur
opponent = np.stack([0.5 * blur, 0.5 * blur, -blur])   # red and green against blue
print("picture", color.shape, "  filter", opponent.shape)
slices = [correlate2d(color[channel], opponent[channel]) for channel in range(3)]
summed = conv2d(color[None], opponent[None])[0, 0]
assert np.allclose(sum(slices), summed)

# %%
maps = {"red slice": slices[0], "green slice": slices[1], "blue slice": slices[2], "their sum": summed}
drawn = [show.response(answers, name) for name, answers in maps.items()]
show.row([show.picture(color, "picture"), *drawn])

# %% [markdown]
# White is equal parts of all three, so the collar cancels to grey: zero. Gold and skin have little blue: positive. The backdrop has
# much: negative. No single channel shows that; the sum does. This filter sees *colour*, and no grey picture can make it answer.
#
# ✎ *Now you can do exercise* `color_response`.
#
# ## As many feature maps as filters
#
# One filter asks one question. A layer asks many, of the same picture, and stacks the answers. All its weights sit in one array
# with four axes: `(out, in, kh, kw)`, filters × channels × rows × columns. **Predict** the two shapes that the next cell prints.

# %%
luma = np.array([0.299, 0.587, 0.114])[:, None, None]  # red's, green's and blue's part in brightness
edge_filters = [luma * kernels.sobel_x, luma * kernels.sobel_y, luma * kernels.laplacian]
weight = np.stack([*edge_filters, opponent])
maps = conv2d(color[None], weight)[0]
assert np.allclose(maps[0], edges)                     # turning grey is part of the filter now
print("weight", weight.shape, "→ maps", maps.shape)

# %%
names = ["Sobel x", "Sobel y", "Laplacian", "yellow against blue"]
show.row([show.response(maps[i], names[i]) for i in range(4)], limit=1)

# %% [markdown]
# Four filters, four maps. The next layer would see these as a picture with four channels, so *its* filters would have depth 4. How
# many numbers is that in real networks? **Guess** the largest of these before you run:

# %%
layers = {
    "this bank": (4, 3, 3, 3),
    "VGG-16, first layer": (64, 3, 3, 3),
    "ResNet-18, first layer": (64, 3, 7, 7),
    "VGG-16, second layer": (64, 64, 3, 3),
}
for name, shape in layers.items():
    print(f"{name:24}{shape!s:16} {' · '.join(map(str, shape)):>15} = {np.prod(shape):6,} weights")

# %% [markdown]
# Depth counts: VGG's second layer has filters of 3×3 like its first, but 64 slices in each. (PyTorch can add one more number per
# filter, the *bias*; lesson 04 meets it.)
#
# ✎ *Now you can do exercise* `filter_bank`.
#
# ## The same filters, seen by frequency
#
# Any picture is a sum of waves: slow ones for large shapes, fast ones for fine detail. A filter makes each wave weaker or stronger,
# by a factor called its **gain**; the Fourier transform of the weights gives all gains at once. In the middle of each square stands
# frequency 0, the flat part. To its left and right stand waves that run across, above and below it waves that run down; at the
# sides the fastest that pixels can hold: ½ cycle per pixel, black-white-black-white. **Predict** what stands in the middle for
# Sobel x.

# %%
names = ["box blur", "Gaussian blur", "sharpen", "Laplacian"]
names += ["Sobel x", "Sobel y", "Gabor 0°", "Gabor 45°"]
gains = {name: np.abs(np.fft.fft2(filters[name], (64, 64))) for name in names}
for name, gain in gains.items():
    assert np.isclose(gain[0, 0], filters[name].sum(), atol=1e-9)   # at frequency 0
show.gallery([show.spectrum(gain, name) for name, gain in gains.items()])

# %% [markdown]
# The gain in the middle is the sum of the weights. Blurs are bright there: slow waves pass, fast ones fade (**low-pass**). The
# Laplacian is black there and brightest in the corners (**high-pass**); sharpen lets slow waves pass unchanged and strengthens fast
# ones. Sobel x is black all along its middle column: it ignores what does not change from left to right. Each Gabor keeps two small
# spots, one wave and its mirror image (**band-pass**).
#
# Look once more at Sobel x: it is black at the far left and right, too. **Predict** its response to the finest stripes of all, two
# pixels from bright to bright.

# %%
wavelengths = [2, 4, 8, 16]                            # pixels from one bright stripe to the next
stripes = [images.stripes(32, 48, length) for length in wavelengths]
answers = [correlate2d(drawing, kernels.sobel_x) for drawing in stripes]
drawn = [show.picture(stripes[i], f"wavelength {wavelengths[i]}") for i in range(4)]
show.gallery(drawn + [show.response(answer, "Sobel x") for answer in answers])

# %% [markdown]
# Nothing! Sobel x subtracts pixels two apart, and in these stripes they are equal. It answers best to a wave of 4 pixels, and to
# slower ones less and less. The spectrum foretells every number: a wave that swings by 0.5 around grey comes out swinging by 0.5 ×
# gain.

# %%
for length, answer in zip(wavelengths, answers, strict=True):
    gain = gains["Sobel x"][0, 64 // length]           # entry k of 64 is the frequency k/64
    print(f"wavelength {length:2}: 0.5 × gain = {gain / 2:.2f}, largest answer {answer.max():.2f}")
    assert np.isclose(gain / 2, answer.max(), atol=1e-9)

# %% [markdown]
#
# ## Summary
#
# | word | what it is | in code |
# |---|---|---|
# | picture | floats from 0 to 1 | grey `(h, w)`, colour `(c, h, w)`, batch `(n, c, h, w)` |
# | filter = kernel | the weights laid on a window | `(kh, kw)`, on colour `(c, kh, kw)` |
# | answer | multiply weight by pixel, add up | `(window * kernel).sum()` |
# | response = feature map | the answers at all places | `(h − kh + 1, w − kw + 1)` |
# | sign | rises or falls; needs a diverging colour map, never `uint8` | orange, grey zero, blue |
# | sum of weights | 1 keeps brightness, 0 ignores it; the gain at frequency 0 | `kernel.sum()` |
# | size | larger: calmer, wider edges, cost grows with the square | `kh`, `kw` |
# | depth | one slice per channel, responses added | `in` |
# | number of filters | number of feature maps | `out` |
# | weight of a layer | all its filters; `out · in · kh · kw` numbers | `(out, in, kh, kw)` |
# | cross-correlation | what CNNs do: nothing is turned | true convolution turns by 180° |
# | edge · border · rim | where brightness changes · outermost pixels of the picture · outermost weights of the kernel | |
#
# ## Where next
#
# **The exercises.** [Start here](start_here.ipynb) lays out your own copy and links to it. In this order: `response`,
# `sobel_kernels`, `gaussian_kernel`, `gradient_magnitude`, `steer`, `separate`, `color_response`, `filter_bank`, and the written
# `why_zero_sum`.
#
# **[Lesson 02](02_sliding_window.ipynb)** lets the window slide: steps, padding, holes, and how all of it becomes fast.
#
# **Try your own picture**: the button below the sliders takes one; in code it is `images.load("path/to/picture.jpg", size=256)`.
#
# ## References
#
# - I. Sobel, G. Feldman: *A 3×3 isotropic gradient operator for image processing*. Talk at the Stanford Artificial Intelligence
#   Project, 1968.
# - J. M. S. Prewitt: *Object enhancement and extraction*. In B. S. Lipkin, A. Rosenfeld (eds.): *Picture Processing and
#   Psychopictorics*, Academic Press, 1970, pages 75–149.
# - D. H. Hubel, T. N. Wiesel: *Receptive fields, binocular interaction and functional architecture in the cat's visual cortex*.
#   Journal of Physiology 160, 1962, pages 106–154.
# - J. G. Daugman: *Uncertainty relation for resolution in space, spatial frequency, and orientation optimized by two-dimensional
#   visual cortical filters*. Journal of the Optical Society of America A 2, 1985, pages 1160–1169.
# - W. T. Freeman, E. H. Adelson: *The design and use of steerable filters*. IEEE Transactions on Pattern Analysis and Machine
#   Intelligence 13, 1991, pages 891–906.
# - I. Goodfellow, Y. Bengio, A. Courville: [*Deep Learning*](https://www.deeplearningbook.org), MIT Press, 2016, chapter 9.
# - V. Dumoulin, F. Visin: [*A guide to convolution arithmetic for deep learning*](https://arxiv.org/abs/1603.07285), 2016.
# - K. Simonyan, A. Zisserman: [*Very deep convolutional networks for large-scale image
#   recognition*](https://arxiv.org/abs/1409.1556), 2014 (VGG); K. He and others: [*Deep residual learning for image
#   recognition*](https://arxiv.org/abs/1512.03385), 2015 (ResNet).
# - PyTorch: [Conv2d](https://docs.pytorch.org/docs/stable/generated/torch.nn.Conv2d.html), for the layout of the weight.
# - The photograph: Commodore Grace M. Hopper, by James S. Davis, U.S. Navy, 1984. Public domain.
