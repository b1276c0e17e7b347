"""The training player: Python's side alone, and then in a real JupyterLab, where its numbers must be Python's."""

import inspect
import json
import subprocess
import sys

import numpy as np
import pytest
from playwright.sync_api import expect

from filterlab.explore.training_player import TrainingPlayer
from filterlab.history import History
from tests.lab import chromium_page, jupyter_lab, needs_chromium, open_and_run, run_in_kernel, write_notebook


def history(count=1, slices=1, steps=6, error=True, accuracy=False, away=False, unit="step"):
    """Random filters and errors that shrink, or that grow until they are no numbers; the notebooks define it, too."""
    rng, made = np.random.default_rng(0), History(unit=unit)
    for step in range(steps):
        size = np.nan if away and step == steps - 1 else 1e9**step if away else 0.5**step
        filters = rng.normal(size=(count, slices, 3, 3)) * (size if away else 1)
        share = 1 - 0.5**step if accuracy else None
        made.record(10 * step, filters, size, rng.normal(size=(4, 5)) * size if error else None, accuracy=share)
    return made


def test_what_belongs_to_a_step_is_what_was_recorded():
    recorded = history(count=4, slices=3)
    player = TrainingPlayer(recorded)
    assert player.step == 0
    player.step = 4
    np.testing.assert_array_equal(player.filters, recorded.filters[4])
    assert player.loss == recorded.losses[4]
    assert "step 40, 5 of 6 recorded" in player.picture.alt and player.picture.png.startswith(b"\x89PNG")


@pytest.mark.parametrize("index", [-1, 6, 2.0, "3", None])
def test_step_outside_the_records_is_refused(index):
    player = TrainingPlayer(history())
    with pytest.raises(ValueError, match=r"step=.* is not one of the records, 0 to 5"):
        player.step = index
    assert player.step == 0


def huge():
    made = History()
    for step in range(2):
        made.record(step, np.zeros((3, 3)), 1.0, np.zeros((1000, 1000)))
    return made


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (History(), "history has no steps"),
        ([1.0, 0.5], "history is list, expected the History of a training"),
        (None, "history is NoneType"),
        (huge(), "history holds 2 steps of 1,000,009 numbers, more than the 1,500,000"),
    ],
)
def test_what_cannot_be_played_is_refused(given, said):
    with pytest.raises(ValueError, match=said):
        TrainingPlayer(given)


def test_a_run_that_runs_away_keeps_the_scale_of_its_beginning_and_a_picture_at_every_step():
    player = TrainingPlayer(history(away=True))
    assert player._view.limit == np.abs(player.filters).max()
    for index in range(6):
        player.step = index
        assert player.picture.png.startswith(b"\x89PNG")
    assert "loss nan" in player.picture.alt and "no value is a finite number any more" in player.picture.alt


def test_one_step_zeros_and_a_loss_that_is_no_number_from_the_start_are_shown():
    for filters, loss in ((np.zeros((3, 3)), 0.0), (np.full((3, 3), np.nan), np.nan)):
        made = History()
        made.record(0, filters, loss)
        player = TrainingPlayer(made)
        assert player._view.limit == 1 and player.picture.png


def test_weights_that_grow_while_the_loss_falls_are_on_the_scale_of_the_largest():
    made = History()
    for step, size in enumerate((0.0, 1.0, 4.0)):
        made.record(step, np.full((2, 3, 3, 3), size), 3.0 - step)
    assert TrainingPlayer(made)._view.limit == 4


def test_closing_frees_every_widget():
    import ipywidgets

    before = set(ipywidgets.widgets.widget._instances)
    TrainingPlayer(history()).close()
    assert set(ipywidgets.widgets.widget._instances) == before


# In the browser ----------------------------------------------------------------------------------------------------------

SETUP = """import json
import numpy as np
from filterlab.explore.training_player import TrainingPlayer
from filterlab.history import History
"""
CELLS = [
    SETUP + inspect.getsource(history) + "player = TrainingPlayer(history(accuracy=True)); player",
    "many = TrainingPlayer(history(count=6, slices=3, error=False, unit='epoch')); many",
    "away = TrainingPlayer(history(count=2, slices=3, away=True)); away",
]


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lab")
    write_notebook(folder / "players.ipynb", *CELLS)
    with jupyter_lab(folder) as lab:
        yield lab


@pytest.fixture(scope="module")
def players(lab):
    """The page with the three players; the last tests close one, and leave the page."""
    with chromium_page() as page:
        open_and_run(lab, page, "players.ipynb")
        expect(page.locator(".filterlab-curve")).to_have_count(3)
        yield page


def held(page, place=0):
    """What a player shows: its `held`, with numbers that JSON does not know as words."""
    return (
        page.locator(".filterlab")
        .nth(place)
        .evaluate(
            "root => JSON.parse(JSON.stringify(root.held, (_, value) => ArrayBuffer.isView(value) ? [...value].map(String) :"
            " typeof value === 'number' ? String(value) : value))"
        )
    )


def numbers(words):
    return np.array(words, dtype=float)


def await_index(page, index, place=0):
    page.wait_for_function("([place, index]) => document.querySelectorAll('.filterlab')[place].held.index === index", arg=[place, index])


def explorer(page, place):
    return page.locator(".filterlab-explorer").nth(place)


def in_python(page, code):
    return json.loads(run_in_kernel(page, f"print(json.dumps({code}))"))


def await_python(page, code, wanted):
    """Python is told a moment after the page has changed."""
    for _ in range(50):
        if (said := in_python(page, code)) == wanted:
            return
        page.wait_for_timeout(100)
    assert said == wanted


def browser(test):
    for mark in needs_chromium:
        test = mark(test)
    return test


@browser
@pytest.mark.parametrize(("place", "name"), [(0, "player"), (1, "many"), (2, "away")])
def test_every_step_holds_pythons_numbers(players, place, name):
    for index in range(6):
        run_in_kernel(players, f"{name}.step = {index}")
        await_index(players, index, place)
        shown = held(players, place)
        filters = numbers(in_python(players, f"[str(w) for w in {name}.filters.ravel()]"))
        start = numbers(in_python(players, f"[str(w) for w in {name}._filters[0].ravel()]"))
        np.testing.assert_array_equal(numbers(shown["filters"]), filters)
        np.testing.assert_array_equal(numbers(shown["change"]), filters - start)
        np.testing.assert_equal(float(shown["loss"]), float(in_python(players, f"str({name}.loss)")))
        assert float(shown["step"]) == 10 * index
        if name != "many":
            error = in_python(players, f"[str(e) for e in {name}._errors[{index}].ravel()]")
            np.testing.assert_array_equal(numbers(shown["error"]), numbers(error))
    assert players.complaints == []


@browser
def test_slider_keys_and_curve_change_the_step_and_tell_python(players):
    run_in_kernel(players, "player.step = 0")
    await_index(players, 0)
    handle = explorer(players, 0).locator(".noUi-handle")
    handle.press("ArrowRight")
    await_index(players, 1)
    assert handle.get_attribute("aria-label") == "step"
    curve = explorer(players, 0).locator(".filterlab-curve")
    for key, index in (("ArrowRight", 2), ("ArrowDown", 1), ("End", 5), ("PageDown", 0), ("PageUp", 5), ("Home", 0)):
        curve.press(key)
        await_index(players, index)
        assert curve.get_attribute("aria-valuenow") == str(index)
    box = curve.bounding_box()
    players.mouse.click(box["x"] + box["width"] - 20, box["y"] + 60)
    await_index(players, 5)
    await_python(players, "player.step", 5)
    expect(explorer(players, 0).locator(".widget-readout")).to_have_text("50")
    expect(explorer(players, 0).locator(".filterlab-spoken")).to_have_text("step 50: loss 0.0313, accuracy 96.9 %")
    assert held(players, 1)["index"] == held(players, 2)["index"] == "5", "the other players stay where they were"


@browser
def test_play_goes_to_the_end_and_starts_again_from_there(players):
    run_in_kernel(players, "player.step = 4; player._view.controls['play'].interval = 60")
    await_index(players, 4)
    play = explorer(players, 0).locator("button[aria-label='play or pause']")
    play.click()
    await_index(players, 5)
    expect(play.locator(".fa-play")).to_be_visible()  # it has stopped by itself
    play.click()
    players.wait_for_function("document.querySelector('.filterlab').held.index < 5")
    await_index(players, 5)
    await_python(players, "player.step", 5)
    explorer(players, 0).locator("button[aria-label='stop, back to the start']").click()
    await_index(players, 0)


@browser
def test_numbers_stand_in_squares_only_where_there_are_few(players):
    run_in_kernel(players, "player.step = 3; away.step = 5")
    await_index(players, 3)
    await_index(players, 5, 2)
    first = float(held(players)["filters"][0])
    square = explorer(players, 0).locator("td").first
    assert abs(float(square.inner_text().replace("−", "-")) - first) < 0.005 + 1e-9
    assert explorer(players, 0).locator("td").count() == 18
    assert explorer(players, 1).locator("td").count() == 0
    drawn = explorer(players, 1).locator("canvas[aria-label^='filters: 6 filters of 3 slices, 3×3, from']")
    assert drawn.evaluate("canvas => canvas.width * canvas.height") > 6 * 3 * 9


@browser
def test_what_has_run_away_is_shown_as_such(players):
    run_in_kernel(players, "away.step = 5")
    await_index(players, 5, 2)
    root = explorer(players, 2)
    expect(root.locator("strong")).to_contain_text("step 50: loss not a number")
    expect(root).to_contain_text("magenta: 100.0 % of the coloured squares are not finite numbers")
    expect(root.locator("canvas[aria-label^='error picture']")).to_have_attribute(
        "aria-label", "error picture, prediction − target, no value is a finite number"
    )
    run_in_kernel(players, "away.step = 3")
    expect(root).to_contain_text("lie beyond ±")


@browser
def test_a_reader_who_wants_little_motion_gets_one_picture_a_second(players):
    run_in_kernel(players, "player.step = 0; player._view.controls['play'].interval = 60")
    await_index(players, 0)
    players.emulate_media(reduced_motion="reduce")
    play = explorer(players, 0).locator("button[aria-label='play or pause']")
    play.click()
    await_index(players, 1)
    players.wait_for_timeout(500)
    assert held(players)["index"] == "1"
    play.click()
    players.emulate_media(reduced_motion="no-preference")


@browser
def test_nothing_is_cut_off_on_a_narrow_page(players):
    players.set_viewport_size({"width": 900, "height": 1000})
    players.wait_for_timeout(300)
    wider = """root => {
        const right = part => part.getBoundingClientRect().right;
        return [...root.querySelectorAll("*")].filter(part => right(part) > right(root) + 2).length;
    }"""
    for place in range(3):
        assert players.locator(".filterlab").nth(place).evaluate(wider) == 0
    players.set_viewport_size({"width": 1400, "height": 1000})


@browser
def test_closing_takes_the_player_off_the_page_and_leaves_the_others(players):
    page = players
    run_in_kernel(page, "player.step = many.step = 0")
    await_index(page, 0)
    explorer(page, 0).locator("button[aria-label='play or pause']").click()
    run_in_kernel(page, "player.close()")
    expect(page.locator(".filterlab")).to_have_count(2)
    page.locator(".filterlab-curve").first.press("ArrowRight")
    await_index(page, 1, 0)
    page.wait_for_timeout(1200)  # a timer that outlived its player would complain now
    assert page.complaints == []


@browser
def test_exported_page_shows_the_still(lab, players):
    command = [sys.executable, "-m", "nbconvert", "--execute", "--to", "html", "--output", "players.html", "players.ipynb"]
    subprocess.run(command, cwd=lab.folder, check=True, capture_output=True)
    page = players.context.browser.new_page()
    page.route("**/*", lambda route: route.continue_() if route.request.url.startswith("file:") else route.abort())
    page.goto((lab.folder / "players.html").as_uri())
    stills = page.locator("img[alt^='step 0, 1 of 6 recorded, loss 1']")
    expect(stills.first).to_be_visible()
    assert stills.count() == 2 and page.locator("img[alt^='epoch 0, 1 of 6']").count() == 1
