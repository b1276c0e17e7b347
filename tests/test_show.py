"""filterlab.show: zero is grey, scales are stated, everything is described; and the sliders that use it."""

import base64
import io
import re
import subprocess
import sys

import ipywidgets
import numpy as np
import pytest
from PIL import Image

from filterlab import kernels, show
from filterlab.explore.flipbook import Flipbook

ZERO = (212, 212, 212)
MAGENTA = (214, 0, 143)


def pixels(picture):
    return np.asarray(Image.open(io.BytesIO(picture.png)).convert("RGB"))


def share(picture, color):
    """How much of the figure has exactly this colour."""
    return (pixels(picture) == color).all(axis=-1).mean()


def test_nothing_of_pyplot_or_torch_is_loaded():
    code = "import sys, numpy, filterlab.show as s; s.response(numpy.eye(3)).png;"
    code += "print([name for name in ('torch', 'matplotlib.pyplot', 'IPython') if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"


# Signed colours ----------------------------------------------------------------------------------------------------------


def test_zero_is_exactly_grey_whatever_the_range():
    lopsided = np.zeros((40, 40))
    lopsided[0, 0] = 7  # no negative value at all
    assert share(show.response(lopsided), ZERO) > 0.5
    assert share(show.response(np.zeros((40, 40))), ZERO) > 0.5


def test_only_zero_is_grey_above_is_orange_and_below_is_blue():
    colors = show.SIGNED([0.0, 0.5 - 1 / 257, 0.5, 0.5 + 1 / 257, 1.0])[:, :3]
    np.testing.assert_allclose(colors[2] * 255, ZERO)
    red, blue = colors[:, 0], colors[:, 2]
    assert (red < blue).tolist() == [True, True, False, False, False]
    assert (red > blue).tolist() == [False, False, False, True, True]


def test_limits_are_symmetric_so_that_opposite_maps_have_opposite_colours():
    ramp = np.repeat(np.linspace(-1, 3, 41)[None], 20, axis=0)
    image, mirrored = (pixels(show.response(values)) for values in (ramp, -ramp[:, ::-1]))
    blue, orange = (show.SIGNED(end, bytes=True)[:3] for end in (0.0, 1.0))
    assert (image == orange).all(-1).any() and (mirrored == blue).all(-1).any()
    # Only the colour bar reaches the other end.
    assert (image == blue).all(-1).sum() < 100 and (mirrored == orange).all(-1).sum() < 100


def test_a_limit_is_kept_and_what_lies_beyond_is_counted():
    values = np.array([[0.0, 1, 2, 5]])
    assert show.response(values, limit=2).panels[0].limit == 2
    foot = show._Foot(show.response(values).panels, 2, 400)
    assert foot.words == ["25.0% of the values lie beyond ±2 and take the end colour"]
    assert not show._Foot(show.response(values).panels, 5, 400).words


def test_what_is_not_finite_is_magenta_and_counted():
    values = np.zeros((20, 20))
    values[5, 5:7] = np.nan, np.inf
    for picture in (show.response(values), show.picture(values), show.picture(np.stack([values] * 3))):
        assert share(picture, MAGENTA) > 0.001
    assert show.response(values).panels[0].notes == ("magenta: 2 of 400 values are not finite numbers",)


# One scale for all -------------------------------------------------------------------------------------------------------


def test_a_row_has_one_scale_for_all_that_is_signed_and_says_so():
    weak, strong = np.full((30, 30), 0.5), np.full((30, 30), 2.0)
    together = show.row([show.response(weak), show.response(strong), show.picture(weak)])
    half = show.SIGNED((0.5 / 2 + 1) / 2, bytes=True)[:3]
    assert share(together, half) > 0.1  # 0.5 drawn as a quarter of the way to 2
    assert "one scale, −2 blue, 0 grey, 2 orange" in together.alt
    assert show._Foot(together.panels, 2, 500).words == ["one scale for all that is coloured"]


def test_the_shared_scale_is_the_asked_one_or_the_largest():
    weak, strong = show.response(np.ones((3, 3)), limit=4), show.kernel(-3 * np.eye(3))
    assert "−4 blue" in show.row([weak, strong]).alt
    assert "−3 blue" in show.row([show.response(np.ones((3, 3))), strong]).alt
    assert "−0.5 blue" in show.gallery([weak, strong], limit=0.5).alt


def test_many_pictures_wrap_into_lines_and_stay_narrow():
    sizes = []
    for count in (1, 4, 9):
        height, width, _ = pixels(show.gallery([show.picture(np.ones((200, 150)), "a rather long title for this")] * count)).shape
        assert width <= 1000
        sizes.append(height)
    assert sizes[2] > 2.5 * sizes[1]
    assert len(show.row([show.kernel(np.eye(3))] * 7).panels) == 7


def test_nothing_is_drawn_on_the_border_of_a_figure():
    titles = ["a title that is much too long for one line of this figure"] * 6
    figures = [
        show.gallery([show.spectrum(np.ones((16, 16)), title) for title in titles]),
        show.row([show.picture(np.full((30, 20), 2.0), title) for title in titles]),
        show.kernel(kernels.gaussian_blur, titles[0]),
        show.profile(np.linspace(0, 1, 300), np.sin(np.arange(298)), titles[0]),
    ]
    for figure in figures:
        image = pixels(figure)
        for side in (image[:4], image[-4:], image[:, :4], image[:, -4:]):
            assert (side == 255).all()


def test_the_figure_is_light_so_that_dark_themes_can_show_it():
    for picture in (show.response(np.eye(3)), show.profile(np.eye(5)[0], np.eye(3)[0])):
        assert Image.open(io.BytesIO(picture.png)).convert("RGBA").getpixel((0, 0)) == (255, 255, 255, 255)


# Pictures ----------------------------------------------------------------------------------------------------------------


def test_a_picture_is_never_stretched():
    faint = np.full((20, 20), 0.4)
    faint[:, :10] = 0.6
    assert share(show.picture(faint), (102, 102, 102)) > 0.2
    assert share(show.picture(faint), (153, 153, 153)) > 0.2
    assert share(show.picture((faint * 255).astype(np.uint8)), (102, 102, 102)) > 0.2
    color = np.stack([faint, np.zeros((20, 20)), np.zeros((20, 20))])
    assert share(show.picture(color), (102, 0, 0)) > 0.2


def test_values_out_of_range_are_admitted():
    assert show.picture(np.array([[-0.5, 1.25]])).panels[0].notes == ("values −0.5 to 1.25: below 0 drawn black, above 1 white",)
    assert show.picture(np.array([[0.0, 1.0]])).panels[0].notes == ()


def test_numbers_are_written_with_whole_numbers_whole():
    assert show._numbers(np.array([[-1.0, 0.0, 2.0]])) == [["−1", "0", "2"]]
    assert show._numbers(np.array([[-0.001, 1 / 9]])) == [["0.00", "0.11"]]
    plain, numbered = (pixels(show.picture(np.full((4, 4), 0.5), numbers=flag)) for flag in (False, True))
    assert (numbered < 100).sum() > (plain < 100).sum() + 200


def test_a_box_outlines_a_window():
    image = np.full((60, 60), 0.5)
    assert share(show.picture(image, box=(10, 10, 20, 30)), (255, 176, 0)) > 0.001
    with pytest.raises(ValueError, match=r"box=\(50, 0, 20, 20\).*leaves the image of shape \(60, 60\)"):
        show.picture(image, box=(50, 0, 20, 20))


def test_the_spectrum_has_frequency_zero_in_the_middle():
    gain = np.abs(np.fft.fft2(kernels.box_blur, (16, 16)))
    panel = show.spectrum(gain).panels[0]
    assert panel.values[8, 8] == pytest.approx(1) and panel.values[0, 0] == pytest.approx(gain[8, 8])


def test_a_profile_puts_the_responses_under_the_middle():
    figure = show.profile(np.array([0.2, 0.2, 0.8, 0.8, 0.8]), np.array([0.6, 0.6, 0.0]))._draw()
    upper, lower = figure.axes
    assert upper.get_xlim() == lower.get_xlim()
    assert lower.lines[0].get_xdata().tolist() == [1, 2, 3]
    assert lower.get_ylim()[0] == -lower.get_ylim()[1]


def test_curves_run_over_their_steps_and_stay_within_the_limits():
    losses = {"falls": [10.0, 1, 0.1], "runs away": [1.0, np.inf, np.nan], "is perfect": [1.0, 0]}
    axes = show.curves(losses, every=5, limits=(1e-3, 100))._draw().axes[0]
    drawn = [line.get_xydata().tolist() for line in axes.lines]
    assert drawn == [[[0, 10], [5, 1], [10, 0.1]], [[0, 1], [5, 100], [10, 100]], [[0, 1], [5, 1e-3]]]
    assert axes.get_yscale() == "log" and axes.get_ylim() == (1e-3, 100)
    assert [text.get_text() for text in axes.get_legend().get_texts()] == list(losses)
    assert show.curves({"one": [1.0]})._draw().axes[0].get_legend() is None


def test_a_landscape_has_its_path_and_its_lowest_point_where_they_are():
    across, up = np.linspace(-1, 2, 31), np.linspace(0, 1, 11)
    losses = (across - 0.5) ** 2 + (up[:, None] - 0.2) ** 2
    path = np.array([[2.0, 1.0], [0.5, 0.2]])
    picture = show.landscape(losses, across, up, path, "valley", note="two weights")
    cross, walked, ring = show.row([picture])._draw().axes[0].lines
    np.testing.assert_allclose(cross.get_xydata(), [[0.5, 0.2]])
    np.testing.assert_allclose(walked.get_xydata(), path)
    np.testing.assert_allclose(ring.get_xydata(), path[:1])
    assert picture.alt.startswith("valley: loss over two weights, from 0 at (0.5, 0.2) to 2.89")
    assert picture.alt.endswith("a path of 1 steps from (2, 1) to (0.5, 0.2)")
    assert picture.panels[0].notes == ("two weights",)
    assert show.landscape(np.zeros((2, 2)), [0, 1], [0, 1]).png  # flat ground


# Words -------------------------------------------------------------------------------------------------------------------


def test_every_picture_describes_itself_with_computed_facts():
    values = np.zeros((4, 6))
    values[1, 2], values[3, 5] = 3, -1.5
    assert show.response(values, "edges").alt == (
        "edges: signed map, 4 rows by 6 columns, from −1.5 (row 3, column 5) to 3 (row 1, column 2); 4% positive, 4% negative; "
        "scale −3 blue, 0 grey, 3 orange"
    )
    assert "weights −1 0 1; −2 0 2; −1 0 1, sum 0" in show.kernel(kernels.sobel_x, "Sobel x").alt
    assert show.picture(np.ones((2, 3))).alt == "Grey picture, 2 rows by 3 columns, values 1 to 1, mean 1"
    assert "1 at frequency zero" in show.spectrum(np.abs(np.fft.fft2(kernels.box_blur, (8, 8)))).alt
    assert "5 pixels" in show.profile(np.arange(5) / 4, np.ones(3)).alt
    both = show.row([show.picture(np.ones((2, 3)), "one"), show.picture(np.ones((2, 3)), "two")], title="pair").alt
    assert both.startswith("pair: 2 pictures. one: ") and "two: " in both


def test_an_alt_text_of_ones_own_reaches_every_form():
    picture = show.response(np.eye(3), alt='a "quoted" <line>')
    data, metadata = picture._repr_mimebundle_()
    assert data["text/plain"] == repr(picture) == picture.alt == metadata["image/png"]["alt"] == 'a "quoted" <line>'
    assert 'alt="a &quot;quoted&quot; &lt;line&gt;"' in data["text/html"]
    assert base64.b64decode(data["image/png"]) == picture.png
    assert base64.b64decode(re.search(r"base64,([^\"]+)", data["text/html"])[1]) == picture.png


def test_a_title_may_hold_any_characters():
    assert show.picture(np.ones((3, 3)), r"$\no_such_command$ & <b>").png.startswith(b"\x89PNG")


# Bad input ---------------------------------------------------------------------------------------------------------------

BAD = [
    (lambda: show.response(np.zeros((3, 5, 5))), r"feature_map has shape \(3, 5, 5\)"),
    (lambda: show.response(np.zeros((0, 5))), r"feature_map has shape \(0, 5\)"),
    (lambda: show.response("edges"), r"feature_map holds .* not real numbers"),
    (lambda: show.response([[1, 2], [3]]), r"feature_map has rows of different lengths"),
    (lambda: show.response(np.full((2, 2), np.nan)), r"feature_map of shape \(2, 2\) has no finite value"),
    (lambda: show.response(np.eye(2), limit=0), r"limit=0 must be a positive number"),
    (lambda: show.response(None), r"feature_map holds object values"),
    (lambda: show.picture(np.zeros((4, 5, 5))), r"image has shape \(4, 5, 5\).*three channels"),
    (lambda: show.picture(np.zeros((5, 5, 3))), r"image has shape \(5, 5, 3\)"),
    (lambda: show.picture(np.zeros(5)), r"image has shape \(5,\)"),
    (lambda: show.kernel(np.zeros((3, 3, 3))), r"weights has shape \(3, 3, 3\)"),
    (lambda: show.kernel(np.eye(3) * 1j), r"weights holds complex128 values"),
    (lambda: show.spectrum(-np.eye(3)), r"gain has the negative value −1"),
    (lambda: show.profile(np.eye(3), np.ones(3)), r"brightness has shape \(3, 3\)"),
    (lambda: show.profile(np.ones(3), np.ones(4)), r"answers has 4 values, brightness only 3"),
    (lambda: show.curves({}), "series has 0 entries"),
    (lambda: show.curves({"loss": []}), r"series\['loss'\] has shape \(0,\)"),
    (lambda: show.curves({"loss": [0.0, -1]}), "no positive value to draw"),
    (lambda: show.curves({"loss": [1.0]}, limits=(1, 0)), r"limits=\(1, 0\)"),
    (lambda: show.landscape(np.eye(3), [0, 1], [0, 1, 2]), r"losses has shape \(3, 3\), expected \(3, 2\)"),
    (lambda: show.landscape(-np.eye(2), [0, 1], [0, 1]), "negative or not finite"),
    (lambda: show.landscape(np.eye(2), [0, 1], [0, 1], np.eye(3)), r"path has shape \(3, 3\)"),
    (lambda: show.row([show.curves({"loss": [1.0]})]), r"pictures\[0\] is a chart"),
    (lambda: show.row([]), "pictures is empty"),
    (lambda: show.row([np.eye(3)]), r"pictures\[0\] is ndarray"),
    (lambda: show.row([show.profile(np.ones(3), np.ones(3))]), r"pictures\[0\] is a chart"),
    (lambda: show.gallery([show.kernel(np.eye(3))], columns=0), "columns=0"),
    (lambda: show.gallery([show.kernel(np.eye(3))] * 201), "201 pictures"),
]


@pytest.mark.parametrize(("call", "says"), BAD)
def test_bad_input_is_refused_in_one_sentence(call, says):
    with pytest.raises(ValueError, match=says) as refused:
        call()
    assert "\n" not in str(refused.value)


# A slider that turns pages -----------------------------------------------------------------------------------------------


def test_a_flipbook_turns_its_pages_in_the_browser():
    pages = {str(i): show.kernel(np.full((2, 2), i)) for i in range(3)}
    book = Flipbook(pages, "number", start="1")
    slider, stack, _ = book.children
    assert slider.description == "number" and slider.label == "1" and stack.selected_index == 1
    assert [child.value for child in stack.children] == [page.html for page in pages.values()]
    assert book.picture is pages["1"]
    slider.index = 2
    assert book.picture is pages["2"]
    data, _ = book._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data and "image/png" in data


def test_a_closed_flipbook_leaves_nothing_behind():
    before = set(ipywidgets.widgets.widget._instances)
    Flipbook({"0": show.kernel(np.eye(2))}, "number").close()
    assert set(ipywidgets.widgets.widget._instances) == before


def test_a_flipbook_refuses_what_it_cannot_show():
    with pytest.raises(ValueError, match="pages is empty"):
        Flipbook({}, "number")
    with pytest.raises(ValueError, match="start='9' is not one of the pages: 0"):
        Flipbook({"0": show.kernel(np.eye(2))}, "number", start="9")


# Windows, answers to come, magnitudes -----------------------------------------------------------------------------------


def test_several_boxes_are_outlined_and_each_is_checked():
    image = np.zeros((60, 60))
    one, two = (share(show.picture(image, box=box), (255, 176, 0)) for box in ([(5, 5, 9, 9)], [(5, 5, 9, 9), (30, 30, 9, 9)]))
    assert two > 1.5 * one > 0
    with pytest.raises(ValueError, match=r"box=\(55, 0, 9, 9\).*leaves the image"):
        show.picture(image, box=[(5, 5, 9, 9), (55, 0, 9, 9)])


def test_answers_to_come_stay_white_and_others_that_are_missing_are_magenta():
    values = np.array([[1.0, -2.0], [np.nan, np.nan]])
    pending = show.response(values, numbers=True, pending=True)
    assert share(pending, MAGENTA) == 0 and "2 still to come" in pending.alt
    assert share(show.response(values), MAGENTA) > 0.1


def test_response_writes_its_numbers_where_asked():
    values = np.array([[1.0, -2.0], [0.0, 3.0]])
    plain, written = (show.response(values, numbers=numbers) for numbers in (False, True))
    assert share(written, ZERO) < share(plain, ZERO)


def test_magnitudes_say_every_value_and_refuse_what_has_no_logarithm():
    picture = show.magnitudes({"loops": 1234.0, "fast": 0.5}, "times", unit="ms")
    assert picture.alt == "times: 2 values on a logarithmic scale: loops 1.23 thousand ms, fast 0.5 ms"
    assert pixels(picture).shape[1] == 800
    assert pixels(show.magnitudes({"only": 10.0})).std() > 0
    with pytest.raises(ValueError, match=r"'slow'.*positive"):
        show.magnitudes({"slow": 0})
    with pytest.raises(ValueError, match="empty"):
        show.magnitudes({})


def test_quantities_change_their_word_where_they_are_rounded_up():
    assert [show.quantity(value) for value in (0.0321, 999, 999.9, 86_704_128, 999_999_999)] == [
        "0.0321",
        "999",
        "1 thousand",
        "86.7 million",
        "1 billion",
    ]


def test_filters_stand_side_by_side_with_white_between():
    weights = np.zeros((2, 3, 3, 2))
    weights[1, 2] = [[1, 2], [3, 4], [5, -6]]
    (panel,) = show.filters(weights, "conv1").panels
    assert panel.shape == (3 * 3 + 2, 2 * 2 + 1) and panel.signed
    assert np.array_equal(panel.values[8:, 3:], weights[1, 2])
    assert np.isnan(panel.values[:, 2]).all() and np.isnan(panel.values[[3, 7]]).all()
    said = "conv1: 2 filters of 3×2 weights side by side, 3 input channels one below the other, weights −6 to 5; scale −6 blue"
    assert show.filters(weights, "conv1").alt.startswith(said)
    with pytest.raises(ValueError, match=r"weights has shape \(3, 3\): the filters of a layer are \(n, c, kh, kw\)"):
        show.filters(np.zeros((3, 3)))
