"""What several lessons' mistakes share: hints for the same misunderstanding, and what whole numbers do to a result."""

import numpy as np

CONVOLUTION = (
    "your result equals the right one with the kernel flipped on both axes: that is true convolution. "
    "Here, and in Conv2d, nothing is flipped: lay the kernel on the window as it stands."
)
UINT8 = (
    "a picture of whole numbers (uint8) cannot hold numbers below 0 or above 255: they wrap around. "
    "Turn it into floats first, with `image.astype(float)`."
)
DIVIDED = "your result is 255 times too small for a picture of whole numbers: take its numbers as they are, without dividing by 255."
ERROR_KIND = "refuse it on purpose, with `raise ValueError(…)`: callers can tell that from an accident."


def in_uint8(result):
    """What is left of numbers that went through an array of uint8."""
    return np.asarray(np.trunc(result)).astype(np.int64).astype(np.uint8)


def like_picture(image, result):
    """What is left of numbers put into an array of the picture's own dtype."""
    return in_uint8(result) if image.dtype == np.uint8 else result


def unit(image):
    """A picture of whole numbers wrongly brought to [0, 1]."""
    return image / 255 if image.dtype == np.uint8 else image
