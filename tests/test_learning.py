"""filterlab.learning: the descent, the bound that it obeys, and the landscape it walks on."""

import numpy as np
import pytest

from filterlab import kernels, learning
from filterlab.convolution import correlate2d

SECRET = kernels.sobel_x


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def image(rng):
    return rng.normal(size=(24, 31))


def loss(image, target, kernel):
    return np.mean((correlate2d(image, kernel) - target) ** 2)


def test_descent_finds_the_filter_and_records_what_it_saw(image, rng):
    target, start = correlate2d(image, SECRET), rng.normal(size=(3, 3))
    history = learning.descend(image, target, start, lr=0.3, steps=50, every=20)
    assert history.steps == [0, 20, 40, 50]
    np.testing.assert_array_equal(history.filters[0, 0, 0], start)
    np.testing.assert_allclose(history.filters[-1, 0, 0], SECRET, atol=1e-6)
    for kernel, recorded, error in zip(history.filters[:, 0, 0], history.losses, history.errors, strict=True):
        assert recorded == pytest.approx(loss(image, target, kernel))
        np.testing.assert_allclose(error, correlate2d(image, kernel) - target)


def test_descent_is_that_of_torch(image, rng):
    torch = pytest.importorskip("torch")
    start, target = rng.normal(size=(3, 2)), rng.normal(size=(22, 30))
    weight = torch.tensor(start, requires_grad=True)
    optimizer = torch.optim.SGD([weight], lr=0.1, momentum=0.8)
    for _ in range(7):
        optimizer.zero_grad()
        answer = torch.conv2d(torch.tensor(image)[None, None], weight[None, None])[0, 0]
        torch.nn.functional.mse_loss(answer, torch.tensor(target)).backward()
        optimizer.step()
    history = learning.descend(image, target, start, lr=0.1, steps=7, momentum=0.8)
    np.testing.assert_allclose(history.filters[-1, 0, 0], weight.detach().numpy())


def test_the_largest_eigenvalue_bounds_the_learning_rate(image, rng):
    bound = 2 / np.linalg.eigvalsh(learning.curvature(image, 3))[-1]
    target, start = correlate2d(image, SECRET), rng.normal(size=(3, 3))
    losses = [learning.descend(image, target, start, lr, 400).losses for lr in (0.98 * bound, 1.02 * bound)]
    assert losses[0][-1] < 1e-4 * losses[0][0] and losses[1][-1] > 1e4 * losses[1][0]


def test_a_run_that_diverges_is_recorded_without_a_warning(image, recwarn):
    history = learning.descend(image, correlate2d(image, SECRET), np.ones((3, 3)), lr=1e3, steps=100)
    assert not np.isfinite(history.losses[-1]) and len(recwarn) == 0


def test_curvature_is_the_second_derivative(image, rng):
    target, kernel, step = rng.normal(size=(23, 29)), rng.normal(size=(2, 3)), rng.normal(size=(2, 3))
    second = loss(image, target, kernel + step) + loss(image, target, kernel - step) - 2 * loss(image, target, kernel)
    assert step.ravel() @ learning.curvature(image, (2, 3)) @ step.ravel() == pytest.approx(second)


def test_the_landscape_holds_the_losses(image, rng):
    target, kernel = rng.normal(size=(22, 30)), rng.normal(size=(3, 2))
    across, up = np.array([-1.0, 0, 2]), np.array([0.5, 3])
    losses = learning.landscape(image, target, kernel, ((0, 1), (2, 0)), across, up)
    for (row, column), value in np.ndenumerate(losses):
        other = kernel.copy()
        other[0, 1], other[2, 0] = across[column], up[row]
        assert value == pytest.approx(loss(image, target, other))


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda x: learning.descend(x, x, np.eye(3), 0.1, 5), r"target has shape \(24, 31\), .* gives \(22, 29\)"),
        (lambda x: learning.descend(x, x[2:, 2:], np.eye(3), 0.1, -1), "steps=-1"),
        (lambda x: learning.descend(x, x[2:, 2:], np.eye(3), 0.1, 5, every=0), "every=0"),
        (lambda x: learning.landscape(x, x, np.eye(3), ((0, 0), (0, 1)), np.ones(2), np.ones(2)), "target has shape"),
        (lambda x: learning.landscape(x, x[2:, 2:], np.eye(3), ((0, 0), (0, 3)), np.ones(2), np.ones(2)), r"places=.* leave the kernel"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(image, call, says):
    with pytest.raises(ValueError, match=says):
        call(image)
