# %% [markdown]
# # Glossary
#
# The words of the course, from A to Z, each with the lesson that explains it. Words in *italics* stand here, too.
#
# Back to the [map of the course](start_here.ipynb).
#
# ## A
#
# - **ablation**: Silencing one filter, its map set to zero, to see what it is worth: how much worse do the answers become?
#   [Lesson 05](05_visualizing_filters.ipynb)
# - **activation maximisation**: Changing a picture, step by step, until a chosen filter answers as strongly as it can. Without a brake
#   the result is noise. [Lesson 05](05_visualizing_filters.ipynb)
# - **aliasing**: What skipping does to fast waves: they do not vanish but come back as slow ones. Blur before you skip.
#   [Lesson 02](02_sliding_window.ipynb)
# - **autograd**: A library's book-keeping of gradients: it notes every step of a computation and applies the chain rule backwards.
#   [Lesson 03](03_learning_filters.ipynb)
#
# ## B
#
# - **backpropagation**: The chain rule, layer by layer from the loss back to the first weight. Each layer hands the error on to the one
#   before. [Lesson 03](03_learning_filters.ipynb)
# - **batch**: Several pictures that go through a network together, `(n, c, h, w)`. One step of learning uses one batch.
#   [Lesson 04](04_filters_in_pytorch.ipynb)
# - **bias**: One number for each filter, added to its whole map. A negative one works as a threshold.
#   [Lesson 02](02_sliding_window.ipynb)
# - **border**: Where the picture ends. What lies beyond is invented by padding. Not the same as an *edge* or a *rim*.
#   [Lesson 02](02_sliding_window.ipynb)
#
# ## C
#
# - **channel**: One of the layers of numbers that make up a picture or the input of a layer: red, green and blue; later, the maps of
#   the layer before. [Lesson 01](01_filters.ipynb)
# - **convolution**: Strictly: cross-correlation with the kernel turned by 180°. In CNN libraries the word stands for cross-correlation.
#   [Lesson 02](02_sliding_window.ipynb)
# - **cosine**: How much two filters point the same way: dot product over the product of the norms. 1 same direction, −1 opposite, 0
#   nothing in common. [Lesson 06](06_capstone.ipynb)
# - **cross-correlation**: Lay the kernel on every window as it stands, multiply, add. What `Conv2d` computes.
#   [Lesson 01](01_filters.ipynb)
# - **cross-entropy**: The loss of a network that chooses among classes: minus the logarithm of the probability it gave to the right
#   one. A guess costs ln(classes). [Lesson 04](04_filters_in_pytorch.ipynb)
#
# ## D
#
# - **dead filter**: A filter whose map is zero on all pictures. No gradient passes through its ReLU, so it stays dead.
#   [Lesson 05](05_visualizing_filters.ipynb)
# - **depth**: How many slices a filter has: one for each input channel. Their answers are added. [Lesson 01](01_filters.ipynb)
# - **detector**: A stack of filters that answers to one pattern and to nothing else. [Lesson 06](06_capstone.ipynb)
# - **dilation**: Spreading a filter's taps apart: it reaches further with as many weights, and does not see what lies in the holes.
#   [Lesson 02](02_sliding_window.ipynb)
# - **duplicate filters**: Two whose weights point the same way: their *cosine* is near 1. One of them does no work of its own.
#   [Lesson 05](05_visualizing_filters.ipynb)
#
# ## E
#
# - **edge**: A place in the picture where brightness changes. Not the picture's *border*, and not a kernel's *rim*.
#   [Lesson 01](01_filters.ipynb)
# - **epoch**: One pass through all pictures of the training data. [Lesson 04](04_filters_in_pytorch.ipynb)
#
# ## F
#
# - **feature map**: All answers of one filter, laid out where they were found. A layer gives as many maps as it has filters.
#   [Lesson 01](01_filters.ipynb)
# - **filter**: A small grid of weights that looks for one pattern: window, multiply, add. The same as *kernel* in this course; in a
#   layer, one slice for each input channel. [Lesson 01](01_filters.ipynb)
#
# ## G
#
# - **gradient**: For every weight, how fast the loss rises with it. A filter's gradient is itself a cross-correlation, of input and
#   error. [Lesson 03](03_learning_filters.ipynb)
#
# ## H
#
# - **hook**: A function that PyTorch calls when a layer has run: the way to see maps inside a network. Take it off afterwards.
#   [Lesson 05](05_visualizing_filters.ipynb)
#
# ## I
#
# - **im2col**: Writing all windows down as rows, so that a convolution becomes one matrix product. [Lesson 02](02_sliding_window.ipynb)
#
# ## K
#
# - **kernel**: Another word for *filter*; often for one slice of it. [Lesson 01](01_filters.ipynb)
#
# ## L
#
# - **landscape**: The loss drawn over two weights, with lines of equal height. Learning walks downhill in it.
#   [Lesson 03](03_learning_filters.ipynb)
# - **learning rate**: How far one step of learning goes along the gradient. Too small crawls, too large runs away.
#   [Lesson 03](03_learning_filters.ipynb)
# - **logit**: A network's score for a class: a plain number of either sign, before any softmax.
#   [Lesson 04](04_filters_in_pytorch.ipynb)
# - **loss**: One number for how wrong an answer is; learning makes it smaller. [Lesson 03](03_learning_filters.ipynb)
#
# ## M
#
# - **momentum**: Keeping part of the last step's speed. It shortens the way through long, narrow valleys of the loss.
#   [Lesson 03](03_learning_filters.ipynb)
#
# ## N
#
# - **norm**: The length of a filter: the root of the sum of squares of its weights (L2). [Lesson 06](06_capstone.ipynb)
#
# ## O
#
# - **occlusion**: Painting over one place of the picture after the other, to see how far a score falls: where it falls, the network
#   looked. [Lesson 05](05_visualizing_filters.ipynb)
#
# ## P
#
# - **padding**: Pixels invented beyond the border, so that windows fit there. Zeros draw false edges.
#   [Lesson 02](02_sliding_window.ipynb)
# - **pooling**: Taking the largest or the mean answer of a neighbourhood: smaller maps that care less about the exact place.
#   [Lesson 04](04_filters_in_pytorch.ipynb)
# - **pruning**: Cutting filters out of a network for good, and the input channels that read them. [Lesson 06](06_capstone.ipynb)
#
# ## R
#
# - **receptive field**: The part of the picture that one answer, deep in a stack of layers, can see.
#   [Lesson 02](02_sliding_window.ipynb)
# - **ReLU**: Keeps what is above zero and makes the rest zero. With it, a layer can say "no". [Lesson 03](03_learning_filters.ipynb)
# - **response**: A filter's answer at one window: the sum of the products. [Lesson 01](01_filters.ipynb)
# - **rim**: The outermost weights of a kernel. [Lesson 01](01_filters.ipynb)
#
# ## S
#
# - **saliency**: How much each pixel could change a class's score: the size of the score's gradient with respect to the picture.
#   [Lesson 05](05_visualizing_filters.ipynb)
# - **separable**: A kernel that is a column times a row: two small filters, one after the other, do the same for less.
#   [Lesson 01](01_filters.ipynb)
# - **SGD**: Stochastic gradient descent: a step against the gradient of one batch, again and again.
#   [Lesson 03](03_learning_filters.ipynb)
# - **Sobel**: Name of a hand-made edge filter, weights 1, 2, 1 against −1, −2, −1. Steered, it answers to any direction.
#   [Lesson 01](01_filters.ipynb)
# - **stride**: How many pixels the window moves at a time. Two keeps every second answer of each row and column.
#   [Lesson 02](02_sliding_window.ipynb)
#
# ## T
#
# - **threshold**: What an answer must exceed to count. As a negative bias before a ReLU it turns "how much?" into "yes or no?".
#   [Lesson 06](06_capstone.ipynb)
# - **translation equivariance**: Move the picture, and the map moves along. Broken at the border, and by stride.
#   [Lesson 02](02_sliding_window.ipynb)
#
# ## W
#
# - **weight**: One of a filter's numbers. A layer's weight is all of them: `(out, in, kh, kw)`. [Lesson 01](01_filters.ipynb)
# - **whitening**: Filtering pictures so that neighbouring pixels no longer vary together. What learns from white pictures learns fast.
#   [Lesson 03](03_learning_filters.ipynb)
# - **window**: The part of the picture under the filter, as large as the filter. [Lesson 01](01_filters.ipynb)
