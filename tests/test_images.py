"""filterlab.images: photographs, drawings, and whatever file a student may bring."""

import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
from PIL import Image

from filterlab import images

# Red, green and blue side by side, and what the eye makes of them (ITU-R BT.601).
RGB = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255]]], dtype=np.uint8)
LUMA = [[0.299, 0.587, 0.114]]


def saved(tmp_path, picture, name="picture.png", **options):
    path = tmp_path / name
    picture.save(path, **options)
    return path


def test_importing_images_loads_no_heavy_package():
    code = "import sys, filterlab.images as i; i.photograph('hopper'); i.photograph('china');"
    code += "print([name for name in ('torch', 'matplotlib', 'sklearn', 'scipy') if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"


@pytest.mark.parametrize(("name", "height", "width"), [("hopper", 600, 512), ("china", 427, 640), ("flower", 427, 640)])
def test_photographs_are_floats_from_black_to_white(name, height, width):
    grey, color = images.photograph(name), images.photograph(name, color=True)
    assert grey.shape == (height, width) and color.shape == (3, height, width)
    for image in (grey, color):
        assert image.dtype == float and image.min() >= 0 and 0.8 < image.max() <= 1
    np.testing.assert_allclose(images.grey(color), grey)


def test_a_smaller_photograph_has_the_asked_longest_side_and_the_same_mean():
    full, small = images.photograph("hopper"), images.photograph("hopper", size=240)
    assert small.shape == (240, 205)
    assert abs(small.mean() - full.mean()) < 0.005


def test_an_unknown_photograph_is_refused_with_the_names_there_are():
    with pytest.raises(ValueError, match=r"name='cat'.*hopper, china, flower"):
        images.photograph("cat")


def test_a_photograph_of_a_missing_package_says_which(monkeypatch):
    monkeypatch.setattr(images, "find_spec", lambda name: None)
    with pytest.raises(FileNotFoundError, match="package sklearn"):
        images.photograph("china")


def test_color_becomes_channels_first_and_grey_by_luma(tmp_path):
    path = saved(tmp_path, Image.fromarray(RGB))
    np.testing.assert_array_equal(images.load(path, color=True), np.moveaxis(RGB / 255, -1, 0))
    np.testing.assert_allclose(images.load(path), LUMA)


def test_a_grey_file_in_color_has_three_equal_channels(tmp_path):
    path = saved(tmp_path, Image.fromarray(np.array([[0, 51, 255]], dtype=np.uint8)))
    np.testing.assert_allclose(images.load(path, color=True), [[[0, 0.2, 1]]] * 3)


def test_shrinking_averages_areas(tmp_path):
    pixels = np.arange(0, 240, 10, dtype=np.uint8).reshape(4, 6)
    path = saved(tmp_path, Image.fromarray(pixels))
    means = pixels.reshape(2, 2, 3, 2).mean(axis=(1, 3)) / 255
    np.testing.assert_allclose(images.load(path, size=3), means, atol=0.6 / 255)
    assert images.load(path, size=None).shape == images.load(path, size=6).shape == (4, 6)
    assert images.load(saved(tmp_path, Image.new("L", (900, 2))), size=100).shape == (1, 100)


def test_the_camera_orientation_is_honoured(tmp_path):
    pixels = np.zeros((16, 32), dtype=np.uint8)
    pixels[:, 16:] = 255  # bright on the right; turned by 90° clockwise it is bright at the bottom
    exif = Image.Exif()
    exif[0x0112] = 6  # "rotate 90° clockwise to view"
    image = images.load(saved(tmp_path, Image.fromarray(pixels), "turned.jpg", exif=exif, quality=95))
    assert image.shape == (32, 16)
    assert image[:12].max() < 0.1 and image[20:].min() > 0.9


@pytest.mark.parametrize("kind", ["png", "tif"])
def test_sixteen_bits_keep_their_fine_steps(tmp_path, kind):
    values = np.array([[0, 1, 32768, 65535]], dtype=np.uint16)
    np.testing.assert_allclose(images.load(saved(tmp_path, Image.fromarray(values), f"deep.{kind}")), values / 65535, atol=1e-7)


def test_floats_are_taken_as_they_are_or_refused(tmp_path):
    good = saved(tmp_path, Image.fromarray(np.array([[0, 0.25, 1]], dtype=np.float32)), "good.tif")
    np.testing.assert_allclose(images.load(good), [[0, 0.25, 1]])
    bad = saved(tmp_path, Image.fromarray(np.array([[0, 7.5]], dtype=np.float32)), "bad.tif")
    with pytest.raises(ValueError, match=r"bad\.tif.*between black and white"):
        images.load(bad)


def test_transparency_becomes_white_in_a_palette_and_with_alpha(tmp_path):
    palette = Image.fromarray(np.array([[0, 1]], dtype=np.uint8), "L").convert("P")
    palette.putpalette([255, 0, 0, 0, 0, 0])
    expected = [[[1, 1]], [[0, 1]], [[0, 1]]]  # red, then nothing
    np.testing.assert_allclose(images.load(saved(tmp_path, palette, "p.png", transparency=1), color=True), expected)
    alpha = Image.fromarray(np.array([[[255, 0, 0, 255], [0, 0, 0, 0]]], dtype=np.uint8))
    np.testing.assert_allclose(images.load(saved(tmp_path, alpha, "a.png"), color=True), expected)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr"])
def test_every_usual_mode_gives_the_same_grey(tmp_path, mode):
    name = {"CMYK": "x.tif", "YCbCr": "x.tif"}.get(mode, "x.png")
    image = images.load(saved(tmp_path, Image.new("RGB", (3, 2), "white").convert(mode), name))
    np.testing.assert_allclose(image, np.ones((2, 3)), atol=0.01)


def test_of_an_animation_the_first_picture_is_taken(tmp_path):
    frames = [Image.new("L", (2, 2), level) for level in (255, 0)]
    assert images.load(saved(tmp_path, frames[0], "moving.gif", save_all=True, append_images=frames[1:])).mean() == pytest.approx(1)


def giant_png(path):
    """A PNG whose header promises 200,000 × 200,000 pixels."""
    chunk = b"IHDR" + struct.pack(">IIBBBBB", 200_000, 200_000, 8, 0, 0, 0, 0)
    header = struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + header + struct.pack(">I", 9) + b"IDAT" + bytes(9))
    return path


def large_png(path):
    """10,000 × 10,000 pixels, where Pillow only warns."""
    Image.new("1", (10_000, 10_000)).save(path)
    return path


def cut_short(path):
    noise = np.random.default_rng(0).integers(0, 255, (64, 64), dtype=np.uint8)
    Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[:1500])
    return path


def text_file(path):
    path.write_text("not a picture")
    return path


def folder(path):
    path.mkdir()
    return path


@pytest.mark.parametrize(
    ("make", "name", "says"),
    [
        (giant_png, "giant.png", "shrink it"),
        (large_png, "large.png", "shrink it"),
        (cut_short, "cut.jpg", "cut short"),
        (cut_short, "cut.png", "cut short"),
        (text_file, "notes.png", "not a picture"),
        (folder, "album", "is a folder"),
    ],
)
def test_a_file_that_is_no_picture_is_refused_in_one_sentence_with_its_path(tmp_path, make, name, says):
    path = make(tmp_path / name)
    with pytest.raises(ValueError, match=says) as refused:
        images.load(path)
    assert str(path) in str(refused.value) and "\n" not in str(refused.value)


def test_a_missing_file_and_a_senseless_size_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no file .*nowhere\.jpg"):
        images.load(tmp_path / "nowhere.jpg")
    with pytest.raises(ValueError, match="size=0"):
        images.photograph(size=0)


def test_grey_refuses_another_shape():
    with pytest.raises(ValueError, match=r"image has shape \(4, 5\)"):
        images.grey(np.zeros((4, 5)))


def test_step_is_dark_then_bright():
    drawing = images.step(3, 5, column=2)
    np.testing.assert_array_equal(drawing, [[0.2, 0.2, 0.8, 0.8, 0.8]] * 3)
    assert images.step().shape == (32, 32) and (np.diff(images.step()[0]) > 0).nonzero()[0] == [15]


def test_disk_is_bright_in_the_middle_symmetric_and_of_the_right_area():
    drawing = images.disk(64, radius=20)
    assert drawing[32, 32] == pytest.approx(0.8) and drawing[0, 0] == pytest.approx(0.2)
    np.testing.assert_allclose(drawing, drawing[::-1].T)
    assert ((drawing - 0.2) / 0.6).sum() == pytest.approx(np.pi * 20**2, rel=0.01)


def test_stripes_have_their_wavelength_and_direction():
    upright, lying = images.stripes(8, 24, wavelength=6), images.stripes(8, 24, wavelength=4, theta=np.pi / 2)
    np.testing.assert_allclose(upright[:, :7], [[1, 0.75, 0.25, 0, 0.25, 0.75, 1]] * 8)
    np.testing.assert_allclose(lying[:5], np.repeat([[1], [0.5], [0], [0.5], [1]], 24, axis=1), atol=1e-12)
    with pytest.raises(ValueError, match="wavelength=0"):
        images.stripes(wavelength=0)


def test_crops_are_windows_of_the_picture_and_of_smaller_ones():
    image = np.random.default_rng(0).random((3, 20, 26))
    crops = images.crops(image, 8, step=6, shrink=(1, 2))
    assert crops.shape == (3 * 4 + 1, 3, 8, 8)
    np.testing.assert_array_equal(crops[4 + 2], image[:, 6:14, 12:20])
    np.testing.assert_allclose(crops[12][:, 2, 3], image[:, 4:6, 6:8].mean(axis=(1, 2)))
    assert images.crops(image[0], 9).shape == (2 * 2, 9, 9)


@pytest.mark.parametrize(("settings", "said"), [({"size": 0}, "size=0"), ({"step": 0}, "step=0"), ({"shrink": (1, 0)}, r"shrink=\(1, 0\)")])
def test_crops_that_cannot_be_are_refused(settings, said):
    with pytest.raises(ValueError, match=said):
        images.crops(np.zeros((20, 26)), **{"size": 8} | settings)
    with pytest.raises(ValueError, match=r"size=21 fits into an image of shape \(20, 26\)"):
        images.crops(np.zeros((20, 26)), 21)
