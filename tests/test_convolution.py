"""The course's reference is torch's own convolution: equal on random settings, and as strict about what does not fit."""

import itertools

import numpy as np
import pytest
import torch

from filterlab import convolution, kernels


def settings(count, seed, dilations=True):
    """Random shapes, strides, paddings and dilations (else 1) that fit: oblong, unequal, with and without bias."""
    rng = np.random.default_rng(seed)
    while count:
        n, c, m = rng.integers(1, 4, 3)
        size, kernel = rng.integers(3, 12, 2), rng.integers(1, 5, 2)
        stride, padding, dilation = rng.integers(1, 4, 2), rng.integers(0, 3, 2), rng.integers(1, 3 if dilations else 2, 2)
        if (dilation * (kernel - 1) + 1 > size + 2 * padding).any():
            continue
        count -= 1
        bias = rng.normal(size=m) if rng.integers(2) else None
        yield rng.random((n, c, *size)), rng.normal(size=(m, c, *kernel)), bias, *(tuple(map(int, p)) for p in (stride, padding, dilation))


def of_torch(function, *arrays, **options):
    """float64, so that the two differ by rounding alone: at most 1e-12 for sums of a few hundred terms of order 1."""
    return function(*(None if array is None else torch.from_numpy(array) for array in arrays), **options).numpy()


@pytest.mark.parametrize("seed", range(4))
def test_conv2d_equals_torch(seed):
    for x, weight, bias, stride, padding, dilation in settings(75, seed):
        ours = convolution.conv2d(x, weight, bias, stride, padding, dilation)
        theirs = of_torch(torch.conv2d, x, weight, bias, stride=stride, padding=padding, dilation=dilation)
        assert ours.shape == theirs.shape
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12)


def of_autograd(x, weight, bias, grad_output, stride, padding):
    """The gradients of torch.conv2d's three inputs, in float64."""
    leaves = [torch.tensor(array, dtype=torch.float64, requires_grad=True) for array in (x, weight, bias)]
    torch.conv2d(*leaves, stride=stride, padding=padding).backward(torch.from_numpy(grad_output))
    return [leaf.grad.numpy() for leaf in leaves]


@pytest.mark.parametrize("seed", range(4))
def test_conv2d_backward_equals_autograd(seed):
    """Strides that do not divide, padding 0 and more, as pairs; every fourth picture holds whole numbers, up to 255."""
    rng = np.random.default_rng(seed)
    undivided = 0
    for count, (x, weight, _, stride, padding, _) in enumerate(settings(75, seed, dilations=False)):
        x = np.trunc(255 * x).astype(np.uint8) if count % 4 == 0 else x
        grad_output = rng.normal(size=convolution.conv2d(x, weight, None, stride, padding).shape)
        ours = convolution.conv2d_backward(x, weight, grad_output, stride, padding)
        theirs = of_autograd(x, weight, np.zeros(len(weight)), grad_output, stride, padding)
        room = [x.shape[axis + 2] + 2 * padding[axis] - weight.shape[axis + 2] for axis in (0, 1)]
        undivided += any(pixels % step for pixels, step in zip(room, stride, strict=True))
        for one, other in zip(ours, theirs, strict=True):
            assert one.shape == other.shape
            np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12 * x.max())
    assert undivided > 20


def test_conv2d_backward_takes_one_number_for_both_axes_and_keeps_float32():
    rng = np.random.default_rng(0)
    x, weight = rng.random((2, 3, 8, 7), dtype=np.float32), rng.random((4, 3, 3, 2), dtype=np.float32)
    grad_output = rng.random(convolution.conv2d(x, weight, stride=2, padding=1).shape, dtype=np.float32)
    plain = convolution.conv2d_backward(x, weight, grad_output, 2, 1)
    for one, other in zip(plain, convolution.conv2d_backward(x, weight, grad_output, (2, 2), (1, 1)), strict=True):
        assert one.dtype == np.float32
        np.testing.assert_array_equal(one, other)


def test_output_size_equals_torch_for_every_small_setting():
    for size, kernel, stride, padding, dilation in itertools.product(range(1, 8), range(1, 4), range(1, 4), range(3), range(1, 3)):
        picture, window = torch.zeros(1, 1, 1, size), torch.zeros(1, 1, 1, kernel)
        try:
            theirs = torch.conv2d(picture, window, stride=(1, stride), padding=(0, padding), dilation=(1, dilation)).shape[-1]
        except RuntimeError:
            with pytest.raises(ValueError, match=r"kernel=\d.*size=\d"):
                convolution.output_size(size, kernel, stride, padding, dilation)
        else:
            assert convolution.output_size(size, kernel, stride, padding, dilation) == theirs


def test_correlate2d_does_not_flip_and_convolve2d_does():
    scipy_signal = pytest.importorskip("scipy.signal", reason="scipy comes with scikit-learn")
    rng = np.random.default_rng(0)
    image, kernel = rng.random((9, 7)), rng.normal(size=(2, 4))
    np.testing.assert_allclose(convolution.correlate2d(image, kernel), scipy_signal.correlate2d(image, kernel, "valid"), atol=1e-12)
    np.testing.assert_allclose(convolution.convolve2d(image, kernel), scipy_signal.convolve2d(image, kernel, "valid"), atol=1e-12)


def test_whole_numbers_are_computed_as_floats():
    image = np.full((3, 3), 200, dtype=np.uint8)
    assert convolution.correlate2d(image, np.full((3, 3), 2, dtype=np.uint8)) == [[3600.0]]


def test_windows_are_views_of_the_picture():
    image = np.arange(35.0).reshape(5, 7)
    every = convolution.windows(image, (2, 3), stride=(2, 3), dilation=(1, 2))
    assert every.shape == (2, 1, 2, 3)
    assert np.shares_memory(every, image)
    assert every[1, 0].tolist() == [[14, 16, 18], [21, 23, 25]]


def test_pad2d_keeps_dtype_and_leading_axes():
    image = np.ones((2, 3, 4, 5), dtype=np.uint8)
    padded = convolution.pad2d(image, (1, 2), value=7)
    assert padded.shape == (2, 3, 6, 9)
    assert padded.dtype == np.uint8
    assert padded[0, 0, 0, 0] == 7 and padded.sum() == 7 * (2 * 3 * 6 * 9 - 120) + 120
    np.testing.assert_array_equal(convolution.pad2d(image, 0), image)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: convolution.output_size(3, 4), "kernel=4.*size=3"),
        (lambda: convolution.output_size(3, 2, stride=0), "stride=0"),
        (lambda: convolution.output_size(3, 2, padding=-1), "padding=-1"),
        (lambda: convolution.pad2d(np.ones((2, 2)), -1), "padding=-1"),
        (lambda: convolution.pair((1, 2, 3), "stride"), r"stride=\(1, 2, 3\)"),
        (lambda: convolution.conv2d(np.ones((1, 3, 4, 4)), np.ones((1, 2, 3, 3))), "3 channels, weight has 2"),
        (
            lambda: convolution.conv2d_backward(np.ones((1, 3, 4, 4)), np.ones((1, 2, 3, 3)), np.ones((1, 1, 2, 2))),
            "3 channels, weight has 2",
        ),
        (lambda: convolution.conv2d_backward(np.ones((1, 1, 4, 4)), np.ones((1, 1, 3, 3)), np.ones((1, 1, 2, 1))), r"\(1, 1, 2, 1\)"),
        (lambda: convolution.correlate2d(np.ones((2, 5)), np.ones((3, 3))), "kernel=3.*size=2"),
        (lambda: kernels.gaussian(4, 1.0), "size=4"),
        (lambda: kernels.gaussian(3, 0), "sigma=0"),
        (lambda: kernels.gabor(7, 0, 0), "wavelength=0"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(call, says):
    with pytest.raises(ValueError, match=says):
        call()


# --- kernels ----------------------------------------------------------------------------------------------------------


def test_gallery_sums_say_what_each_filter_does_to_brightness():
    keeps = {"identity", "box blur", "Gaussian blur", "sharpen", "emboss"}
    for name, kernel in kernels.gallery().items():
        assert kernel.sum() == pytest.approx(1.0 if name in keeps else 0.0, abs=1e-12), name


def test_gaussian_is_scipys():
    ndimage = pytest.importorskip("scipy.ndimage", reason="scipy comes with scikit-learn")
    point = np.zeros((9, 9))
    point[4, 4] = 1
    np.testing.assert_allclose(kernels.gaussian(9, 1.3), ndimage.gaussian_filter(point, 1.3, radius=4), atol=1e-12)


def test_steer_answers_most_strongly_in_its_own_direction():
    rows, columns = np.mgrid[:3, :3]
    angles = np.radians(np.arange(0, 360, 15))
    ramps = [np.cos(angle) * columns + np.sin(angle) * rows for angle in angles]
    for index, angle in enumerate(angles):
        answers = [(kernels.steer(angle) * ramp).sum() for ramp in ramps]
        assert int(np.argmax(answers)) == index


def test_gabor_answers_to_its_own_angle_and_not_to_brightness():
    waves = {degrees: kernels.gabor(11, np.radians(degrees), 6) for degrees in (0, 45, 90, 135)}
    for degrees, wave in waves.items():
        assert abs(wave.sum()) < 1e-12
        assert max(waves, key=lambda other: (waves[other] * wave).sum()) == degrees
        assert np.abs(wave).max() == 1.0


def test_constants_cannot_be_changed_by_accident():
    with pytest.raises(ValueError, match="read-only"):
        kernels.sobel_x[0, 0] = 5
