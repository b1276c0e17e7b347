"""`expect` explains itself: kinds of wrong results, changed inputs, borrowed answers, errors, and messages that name what is wrong."""

import functools
import math
import sys
import types

import numpy as np
import pytest

from filterlab import check, convolution, show
from filterlab.check import expect, many, many_refused, random_filters, random_picture
from filterlab.check.bank import Reference
from filterlab.check.compare import describe, first_difference
from filterlab.check.expectation import WrongAnswer, names_one
from filterlab.check.probes import learning_filters as probes
from filterlab.check.references import filters as reference
from filterlab.check.references import learning_filters, sliding_window
from tests import classroom

IMAGE, KERNEL = random_picture(5, 7), random_filters(3, 2)


def wrong(answer, *args, of=reference.gradient_magnitude):
    """What `expect` says of an answer to gradient_magnitude (or another reference)."""
    with pytest.raises(WrongAnswer) as caught:
        expect(answer, *(args or (IMAGE,))).like(of)
    return str(caught.value)


def right(image):
    image = image.astype(float)
    down = image[:-2] + 2 * image[1:-1] + image[2:]
    across = image[:, :-2] + 2 * image[:, 1:-1] + image[:, 2:]
    return np.hypot(down[:, 2:] - down[:, :-2], across[2:] - across[:-2])


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (lambda image: None, "the result is None, expected an array of shape (3, 5): is a `return` missing?"),
        (lambda image: right(image).tolist(), "the result is a list of 3, expected an array of shape (3, 5)"),
        (lambda image: right(image).astype(str), "the result has dtype <U32, expected an array of ordinary numbers"),
        (lambda image: right(image) > 0, "the result has dtype bool"),
        (lambda image: right(image).astype(object), "the result has dtype object"),
        (lambda image: right(image) + 0j, "the result has dtype complex128"),
        (lambda image: right(image)[:, :-1], "the result has the wrong shape.\n"),
        (lambda image: right(image)[:, :-1], "  expected  (3, 5)\n  got       (3, 4)"),
        (lambda image: right(image) * np.nan, "the result holds nan at [0, 0], which is not a number"),
        (lambda image: right(image) / 0.0, "the result holds inf at [0, 0]"),
        (lambda image: 3.0, "the result is 3, expected an array of shape (3, 5)"),
        (lambda image: right(image) * np.eye(3, 5), "12 of 15 numbers differ; the first at [0, 1]"),
        (lambda image: [][1], "stopped with an error"),
        (lambda image: [][1], "IndexError: list index out of range   in your line `(lambda image: [][1], "),
        (lambda: 1, "TypeError"),
        (lambda image: sys.exit(0), "SystemExit: 0"),
    ],
)
def test_one_sentence_for_each_wrong_kind_of_result(answer, sentence):
    assert sentence in wrong(answer)


def test_numbers_of_any_kind_are_compared_by_value():
    for number in (27, 27.0, np.int16(27), np.float32(27), np.array(27.0)):
        expect(lambda number=number: number).equals(27)
    for other in (np.array([27.0]), "27", True, [27], None, 27.001, np.int64(28), 27j):
        with pytest.raises(WrongAnswer):
            expect(lambda other=other: other).equals(27)


def test_tolerance_follows_the_coarsest_dtype():
    picture = random_picture(5, 7, dtype=np.float32)
    expect(lambda image: right(image) * (1 + 3e-5), picture).like(reference.gradient_magnitude)
    expect(lambda image: (right(image) * (1 + 3e-5)).astype(np.float32), IMAGE).like(reference.gradient_magnitude)
    assert "numbers differ" in wrong(lambda image: right(image) * (1 + 3e-5))
    assert "every number differs" in wrong(lambda image: right(image) * 1.01, picture)


def test_a_tiny_difference_is_shown_with_enough_digits():
    assert "expected  0.1\n  got       0.100002" in _message(lambda: expect(lambda: 0.100002).equals(0.1))


def test_sums_in_float32_are_right_whatever_type_comes_out():
    def in_float32(image, kernel, row, col):
        window = image[row : row + kernel.shape[0], col : col + kernel.shape[1]]
        return float((window.astype(np.float32) * kernel.astype(np.float32)).sum())

    expect(in_float32, IMAGE, KERNEL, 1, 2).like(reference.response)


def test_positions_do_not_loosen_the_tolerance():
    arguments = np.ones((2000, 2)), np.ones((1, 1)), 1999, 0
    off = expect(lambda image, kernel, row, col: float(image[row, col]) + 1e-3, *arguments)
    assert "wrong number" in _message(lambda: off.like(reference.response))


def test_changed_input_is_told_and_put_back():
    def spoil(image):
        result = right(image)
        image *= 2
        return result

    before = IMAGE.copy()
    assert "changed its input `image`" in wrong(spoil)
    assert (before == IMAGE).all()


def test_untouched_stub_is_told_apart_from_an_error():
    def stub(image):
        raise NotImplementedError

    assert "is not written yet" in wrong(stub)
    assert "is not written yet" in _message(lambda: expect(stub, IMAGE).raises(ValueError))


def test_a_name_that_is_no_function_any_more():
    assert "should be a function or a class, but it is 3" in wrong(3)


def test_warnings_and_stderr_of_an_answer_cost_nothing(capsys):
    def noisy(image):
        np.array([1.0]) / 0
        print("looking into it", file=sys.stderr)
        return right(image)

    expect(noisy, IMAGE).like(reference.gradient_magnitude)
    assert capsys.readouterr() == ("looking into it\n", "")


def test_parts_may_come_in_any_sequence():
    gx, gy = reference.sobel_kernels()
    for value in [(gx, gy), [gx, gy], np.stack([gx, gy]), iter([gx, gy])]:
        expect(lambda value=value: value).like(reference.sobel_kernels)
    for value, sentence in [
        (gx, "unpacks into 3 parts, expected 2: (gx, gy)"),
        (None, "expected 2 arrays (gx, gy): is a `return` missing?"),
        ((gx, gy.tolist()), "gy is a list of 3"),
        (1.0, "the result is 1, expected 2 arrays"),
    ]:
        assert sentence in _message(lambda value=value: expect(lambda: value).like(reference.sobel_kernels))


def test_other_columns_and_rows_are_as_good():
    kernel = np.outer([1.0, 2], [3.0, -4, 5])
    expect(lambda kernel: (np.array([-2.0, -4]), np.array([-1.5, 2, -2.5])), kernel).like(reference.separate)
    message = _message(lambda: expect(lambda kernel: (np.ones(2), np.ones(3)), kernel).like(reference.separate))
    assert "outer(column, row) has the right shape (2, 3), but every number differs" in message


def test_errors_must_name_what_is_wrong():
    def says(text):
        def answer(image, kernel, row, col):
            raise ValueError(text)

        return lambda: expect(answer, IMAGE, KERNEL, -1, 0).raises(ValueError, naming={"row": -1})

    says("row=-1 is outside")()
    says("the Row must not be -1")()
    assert "its message does not say why" in _message(says("bad input"))
    assert "its message does not say why" in _message(says("row is outside"))
    assert "its message does not say why" in _message(says("row=1 is outside"))
    assert "it returned 0" in _message(lambda: expect(lambda: 0.0).raises(ValueError))
    assert "KeyError" in _message(lambda: expect(lambda: {}["x"]).raises(ValueError))


def test_a_test_of_refusals_is_not_passed_by_refusing_everything():
    worked = classroom.namespace("02_sliding_window")["output_size"]

    def refused(answer):
        answer.__name__ = "output_size"
        for arguments, naming in many_refused(sliding_window.output_size, 40):
            expect(answer, *arguments).raises(ValueError, naming=naming)

    def everything(*arguments, **named):
        raise ValueError(f"size, kernel, stride, padding or dilation: {(*arguments, *named.values(), *range(-60, 200))}")

    def too_much(size, kernel, stride=1, padding=0, dilation=1):
        result = worked(size, kernel, stride, padding, dilation)
        if padding == 1:
            raise ValueError(f"padding={padding} is not what I like")
        return result

    def clumsy(*arguments, **named):
        worked(*arguments, **named)
        raise ValueError("operands could not be broadcast together")

    assert "output_size refuses a call that it should answer" in _message(lambda: refused(everything))
    refused(too_much)  # what else is wrong with these costs points elsewhere
    refused(clumsy)


def test_names_one():
    assert names_one("image has 3 channels, kernel 2", {"image": 3, "kernel": 2})
    assert names_one("kernels.shape = (4, 2, 3, 3)", {"kernels": (4, 2, 3, 3)})
    assert names_one("sigma must be above 0, not -1.50", {"sigma": -1.5})
    assert not names_one("imagery of 3", {"image": 3})
    assert not names_one("3 against 2", {"image": 3, "kernel": 2})


def test_symptoms_help_where_the_bank_has_nothing():
    assert "Every number is the right one times 0.9." in wrong(lambda image: 0.9 * right(image))
    assert "off by the same amount: 0.25." in wrong(lambda image: right(image) + 0.25)
    assert "upside down" in wrong(lambda image: right(image)[::-1])
    assert "Hint" not in wrong(lambda image: right(image) ** 3)


def test_jupyter_shows_the_message_and_no_traceback():
    assert WrongAnswer("so and so")._render_traceback_() == ["WrongAnswer: so and so"]
    long = WrongAnswer("so.\n  call      f(x)\nHint: " + "word " * 40)._render_traceback_()
    assert long[:2] == ["WrongAnswer: so.", "  call      f(x)"]
    assert all(len(line) <= 110 for line in "\n".join(long).splitlines())


# --- from scratch -----------------------------------------------------------------------------------------------------


def by_scipy(image):
    from scipy.ndimage import sobel

    return np.hypot(sobel(image, 0), sobel(image, 1))[1:-1, 1:-1]


def by_scipy_through_the_back_door(image):
    import importlib

    sobel = vars(importlib.import_module("sci" + "py.ndimage"))["sobel"]
    return np.hypot(sobel(image, 0), sobel(image, 1))[1:-1, 1:-1]


def by_torch(image):
    import torch

    kernel = torch.tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]], dtype=torch.float64)
    maps = torch.conv2d(torch.from_numpy(image)[None, None], torch.stack([kernel, kernel.T])[:, None])
    return np.hypot(*maps[0].numpy())


def by_torch_through_the_back_door(image):
    torch = __import__("to" + "rch")
    return np.hypot(*torch.conv2d(torch.from_numpy(image)[None, None], torch.ones(2, 1, 3, 3, dtype=torch.float64))[0].numpy())


def by_filterlab(image):
    return check.references.filters.gradient_magnitude(image)


def by_filterlab_import(image):
    from filterlab.convolution import correlate2d

    return np.hypot(correlate2d(image, np.eye(3)), 0)


def by_a_helper(image):
    return by_torch(image)


@pytest.mark.parametrize(
    ("answer", "name"),
    [
        (by_scipy, "scipy"),
        (by_scipy_through_the_back_door, "scipy"),
        (by_torch, "torch"),
        (by_torch_through_the_back_door, "torch"),
        (by_filterlab, "filterlab"),
        (by_filterlab_import, "filterlab.convolution"),
        (by_a_helper, "torch"),
        (reference.gradient_magnitude, "filterlab"),
    ],
)
def test_borrowed_answers_are_refused(answer, name):
    message = wrong(answer)
    assert f"uses {name}" in message and "write it yourself, with numpy and Python's standard library only" in message


def test_a_borrowed_constant_is_refused():
    sobel_x, sobel_y = reference.sobel_kernels()
    space = {"gx": sobel_x, "gy": sobel_y}
    exec("def sobel_kernels():\n    return gx, gy", space)
    assert "uses filterlab.kernels.sobel_x" in _message(lambda: expect(space["sobel_kernels"]).like(reference.sobel_kernels))


def test_what_the_garbage_collector_finalizes_is_not_the_answers_doing():
    library = {"__name__": "sklearn.waste"}
    exec("class Waste:\n    def __del__(self):\n        pass", library)

    def answer(image):
        kept = [[] for _ in range(5000)]  # enough containers to set the collector off
        return right(image) + 0 * len(kept)

    for _ in range(5):
        waste = library["Waste"]()
        waste.itself = waste
        del waste
        expect(answer, IMAGE).like(reference.gradient_magnitude)


def test_numpy_and_the_standard_library_are_free():
    def answer(image):
        import decimal
        import statistics

        statistics.mean([decimal.Decimal(1)])
        np.linalg.svd(image)
        np.fft.fft2(image)
        return right(image) + math.fsum([0.0])

    expect(answer, IMAGE).like(reference.gradient_magnitude)


# --- inputs -----------------------------------------------------------------------------------------------------------


def test_the_same_call_gives_the_same_picture_and_another_seed_another(monkeypatch):
    picture = random_picture(4, 5)
    assert (picture == random_picture(4, 5)).all()
    assert (picture != random_picture(4, 5, another=1)).any()
    monkeypatch.setenv("FILTERLAB_SEED", "7")
    assert (picture != random_picture(4, 5)).any()


def test_many_draws_every_kind_of_picture():
    kinds = {arguments[0].dtype.name for arguments in many(reference.response, 60)}
    assert kinds == {"float64", "float32", "uint8"}


def test_shapes_of_memory_hold_the_same_numbers():
    others = list(check.shapes_of_memory(IMAGE))
    assert all((other == IMAGE).all() for other in others)
    assert {other.strides for other in others} != {IMAGE.strides}
    assert not others[-1].flags.writeable


def _message(check_it) -> str:
    with pytest.raises(WrongAnswer) as caught:
        check_it()
    return str(caught.value)


# --- dicts of shapes, dtypes, loops -----------------------------------------------------------------------------------


def test_shapes_are_told_by_name_without_giving_them_away():
    right_shapes = sliding_window.predicted_shapes()
    expect(lambda: {name: list(shape) for name, shape in right_shapes.items()}).like(sliding_window.predicted_shapes)
    message = _message(lambda: expect(lambda: {**right_shapes, "dropped": (2, 7, 5, 5)}).like(sliding_window.predicted_shapes))
    assert "'dropped' has another shape" in message and "round down" in message
    assert "expected" not in message
    for value, sentence in [
        ({"plain": right_shapes["plain"]}, "the result has no 'same', 'halved'"),
        ({**right_shapes, "extra": (1, 2, 3, 4)}, "has 'extra' besides"),
        ([1, 2], "expected a dict from names to shapes"),
        ({**right_shapes, "same": 5}, "'same' has another shape"),
        ({**right_shapes, "same": np.array(5)}, "'same' has another shape"),
        ({**right_shapes, "same": (16, 6, 32.5, 48)}, "'same' has another shape"),
    ]:
        assert sentence in _message(lambda value=value: expect(lambda: value).like(sliding_window.predicted_shapes))


def test_a_dict_where_something_else_is_asked_for_is_told_too():
    gx, gy = reference.sobel_kernels()
    assert "expected 2 arrays (gx, gy)" in _message(lambda: expect(lambda: {"gx": gx, "gy": gy}).like(reference.sobel_kernels))
    assert "expected an array of shape (3, 5)" in wrong(lambda image: {0: image})
    refused = expect(lambda *arguments: {}, IMAGE, KERNEL, -1, 0)
    refused.reference = reference.response
    assert "it returned a dict" in _message(lambda: refused.raises(ValueError))


def test_dtype_counts_where_the_exercise_says_so():
    message = _message(lambda: expect(lambda image, padding: image.astype(float), np.ones((2, 2), np.uint8), 0).like(sliding_window.pad2d))
    assert "expected  uint8\n  got       float64" in message and "`dtype=image.dtype`" in message


def by_einsum(x, weight):
    every = np.lib.stride_tricks.sliding_window_view(x, weight.shape[2:], axis=(2, 3))
    return np.einsum("nchwij,mcij->nmhw", every, weight)


def by_taps(x, weight):
    every = np.lib.stride_tricks.sliding_window_view(x, weight.shape[2:], axis=(2, 3))
    return sum(np.einsum("nchw,mc->nmhw", every[..., i, j], weight[:, :, i, j]) for i, j in np.ndindex(weight.shape[2:]))


def filter_by_filter(x, weight):
    return np.concatenate([by_einsum(x, kernel[None]) for kernel in weight], axis=1)


def picture_by_picture(x, weight):
    return np.concatenate(list(map(lambda picture: by_einsum(picture[None], weight), x)))  # noqa: C417


def pixel_by_pixel(x, weight):
    every = np.lib.stride_tricks.sliding_window_view(x, weight.shape[2:], axis=(2, 3))
    at = np.vectorize(lambda n, m, i, j: (every[n, :, i, j] * weight[m]).sum())
    return at(*np.ogrid[: len(x), : len(weight), : every.shape[2], : every.shape[3]])


@pytest.mark.parametrize("answer", [by_einsum, by_taps])
def test_loops_over_taps_are_free(answer):
    _loops(answer)


@pytest.mark.parametrize("answer", [filter_by_filter, picture_by_picture, pixel_by_pixel])
def test_loops_over_filters_pictures_and_pixels_are_refused(answer):
    message = _message(lambda: _loops(answer))
    assert "loops in Python" in message and "only a loop over the kernel's few taps is fine" in message


def _loops(answer):
    small = random_picture(2, 2, 4, 5), random_filters(2, 2, 3, 2)
    large = random_picture(6, 7, 14, 15), random_filters(8, 7, 3, 2)
    expect(answer, *small).without_loops(*large)


def twice_on(answer, image, kernel):
    """A probe: what an answer to correlate2d makes of a picture and of that result."""
    return answer(answer(image, kernel), kernel)


def by_loops(image, kernel):
    shape = np.subtract(image.shape, kernel.shape) + 1
    return np.array(
        [[(image[r:, c:][: kernel.shape[0], : kernel.shape[1]] * kernel).sum() for c in range(shape[1])] for r in range(shape[0])]
    )


def test_a_probe_calls_the_answer_and_its_report_is_judged():
    image, kernel = random_picture(6, 7), random_filters(2, 3)
    expect(by_loops, image, kernel).through(twice_on).like(sliding_window.correlate2d)
    with pytest.raises(WrongAnswer) as caught:
        expect(lambda image, kernel: by_loops(image, kernel[::-1]), image, kernel).through(twice_on).like(sliding_window.correlate2d)
    assert "  call      twice_on(" in str(caught.value) and "image=<6×7 float64>, kernel=" in str(caught.value)
    assert "the kernel's rows are used upside down" in str(caught.value)


def test_an_answer_under_a_probe_may_not_borrow_either():
    def correlate2d(image, kernel):
        return sliding_window.correlate2d(image, kernel)

    with pytest.raises(WrongAnswer, match="correlate2d uses filterlab"):
        expect(correlate2d, IMAGE, KERNEL).through(twice_on).like(sliding_window.correlate2d)


def learn_kernel(image, target, kernel_size, steps=500, lr=0.1, seed=0):
    """Right, but for its start: the same for every seed."""
    kernel = np.random.default_rng(0).normal(size=kernel_size)
    for _ in range(steps):
        error = by_loops(image, kernel) - target
        kernel = kernel - lr * 2 / error.size * by_loops(image, error)
    return kernel


def test_what_a_probe_calls_of_filterlab_is_its_own_help():
    expect(learn_kernel, (2, 2)).through(probes.angle_of_first_step).like(learning_filters.learn_kernel)


def test_mistakes_that_one_probe_cannot_tell_apart_are_told_apart_by_the_references_own():
    with pytest.raises(WrongAnswer, match="the seed is not used, the start is always the same one"):
        expect(learn_kernel, (2, 2), seeds=2).through(probes.different_starts).like(learning_filters.learn_kernel)


def test_the_hint_for_one_part_does_not_wait_for_the_others():
    x, weight, grad_output = random_picture(2, 3, 6, 7), random_filters(2, 3, 3, 2), random_filters(2, 2, 4, 6)

    def conv2d_backward(x, weight, grad_output):
        return np.zeros_like(x), np.zeros_like(weight), grad_output.sum(axis=(2, 3))

    with pytest.raises(WrongAnswer, match="grad_bias is not summed over the batch"):
        expect(conv2d_backward, x, weight, grad_output).like(learning_filters.conv2d_backward, only="grad_bias")


def test_a_mistake_that_gives_nan_is_not_like_every_answer():
    nan, number = np.array([np.nan, 1.0]), np.array([2.0, 1.0])
    assert first_difference(None, nan, number) and first_difference(None, number, nan)
    assert first_difference(None, nan, nan) is None


# --- tensors, classes, and what a probe reports -----------------------------------------------------------------------


def tensor(*values, **settings):
    import torch

    return torch.tensor(values, **settings)


def difference(expected, got):
    found = first_difference(None, expected, got)
    return found and f"{found.sentence}; {found.expected}; {found.got}"


def test_where_a_tensor_is_expected_arrays_are_told_apart_and_where_an_array_is_both_will_do():
    expected = tensor(1.0, 2.0)
    assert difference(expected, tensor(1.0, 2.00001, requires_grad=True)) is None
    assert difference(np.array([1.0, 2.0]), expected) is None
    assert "the result is [1., 2.], expected a tensor: `torch.from_numpy` makes one" in difference(expected, np.array([1.0, 2.0]))
    assert "the result is a list of 2, expected a tensor of shape (2,)" in difference(expected, [1.0, 2.0])
    assert "has dtype torch.bool, expected a tensor of ordinary numbers" in difference(expected, tensor(True, False))
    assert difference(expected, tensor(1.0, 2.0, 3.0)) == "the result has the wrong shape; (2,); (3,)"
    assert "the first at [1]; 2; 3" in difference(expected, tensor(1.0, 3.0))
    assert difference(tensor(1.0, 2.0), tensor(1.0, 2.0).bfloat16()) is None


def test_a_number_in_a_tensor_is_no_python_number():
    assert "the result is tensor(0.5), expected a Python number: `.item()` takes it out" in difference(0.5, tensor(0.5, 0.7)[0])
    assert difference(0.5, np.float32(0.5)) is None


def test_reports_are_compared_name_by_name():
    report = {"the loss": 0.5, "its shape": (2, 3), "its mode": "eval mode", "it is frozen": True, "weight": np.eye(2)}
    assert difference(report, {**report, "its shape": [2, 3]}) is None
    for name, other, sentence in [
        ("the loss", 0.6, "the loss is the wrong number; 0.5; 0.6"),
        ("its shape", (3, 2), "its shape has another shape; (2, 3); (3, 2)"),
        ("its mode", "training mode", "its mode is not as it should be; 'eval mode'; 'training mode'"),
        ("it is frozen", False, "it is frozen: this should be so, and is not; ; "),
        ("weight", np.ones((2, 2)), "'weight' has the right shape (2, 2), but 2 of 4 numbers differ; the first at [0, 1]; 0; 1"),
    ]:
        assert difference(report, {**report, name: other}) == sentence
    assert first_difference(None, report, {**report, "the loss": 9.0}, only="its mode") is None
    # The size of the inputs says nothing about a report.
    assert first_difference(None, report, {**report, "the loss": 0.501}, [np.full(3, 1e6)])


def test_tensors_that_were_changed_are_told_and_put_back():
    def spoil(image):
        image.mul_(2)
        return right(image.numpy() / 2)

    picture = tensor(*np.random.default_rng(0).random((5, 7)).tolist())
    before = picture.clone()
    assert "spoil changed its input `0`" in _message(lambda: expect(spoil, picture).equals(right(before.numpy())))
    assert (picture == before).all()


def test_models_and_classes_are_described_in_a_word():
    from torch import nn

    assert describe(nn.Linear(2, 3)) == "a Linear"
    assert describe(nn.Linear) == "the class Linear"
    assert describe(tensor(1.0, requires_grad=True)) == "tensor([1.])"


def area_of(answer, side):
    """A probe for an answer that is a class."""
    return answer(side).area()


def _square(namespace, body):
    """A class as a student would write it: its base and its methods stand in the notebook."""
    space = {"__name__": "__main__", **namespace}
    base = f"class Base:\n    @property\n    def size(self):\n        {body}\n"
    exec(f"{base}class Square(Base):\n    def __init__(self, side): self.side = side\n    def area(self): return self.size ** 2", space)
    return space["Square"]


def test_classes_are_answers_too():
    asked = Reference(lambda side: None, libraries=("*",))
    for body, sentence in [
        ("return self.side", ""),
        ("return show.number(self.side)", "Square uses filterlab.show"),
        ("raise NotImplementedError", "Square is not written yet"),
        ("return self.side[0]", "TypeError: 'int' object is not subscriptable"),
    ]:
        expectation = expect(_square({"show": show}, body), 3).through(area_of)
        expectation.reference = asked
        if sentence:
            assert sentence in _message(lambda expectation=expectation: expectation.equals(9))
        else:
            expectation.equals(9)


def test_a_probe_may_use_the_course_where_its_answer_may_not():
    def padded_on(answer, image, kernel):
        return answer(convolution.pad2d(image, 1), kernel)

    in_the_course = {**globals(), "__name__": "filterlab.check.probes.sample"}
    probe = types.FunctionType(padded_on.__code__, in_the_course, "padded_on")
    expect(by_loops, IMAGE, KERNEL).through(probe).like(sliding_window.correlate2d)
    for borrowed in (convolution.correlate2d, sliding_window.correlate2d, functools.partial(convolution.correlate2d)):
        with pytest.raises(WrongAnswer, match="correlate2d uses filterlab"):
            expect(borrowed, IMAGE, KERNEL).through(probe).like(sliding_window.correlate2d)


def test_angles_are_compared_around_the_circle():
    from filterlab.check.references import visualizing  # loads torch

    edge = np.outer([1.0, 1, 1], [-1, 0, 1])
    for angle in (0, 9, 171, 180):
        expect(lambda kernel, angle=angle: float(angle), edge).like(visualizing.orientation)
    for angle in (11, 169, 90):
        with pytest.raises(WrongAnswer, match="wrong number"):
            expect(lambda kernel, angle=angle: float(angle), edge).like(visualizing.orientation)
