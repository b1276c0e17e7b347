"""The tool that trains the shipped network, on a handful of pictures: what it writes is what `pretrained.shipped` loads."""

import sys
import zipfile

import numpy as np
import pytest
import torch
from PIL import Image

from filterlab import datasets, features, models, pretrained
from tools import cifar10, train_network


@pytest.fixture
def folder(tmp_path):
    """CIFAR-10 in small: train/ and test/, in each a folder per class with two pictures."""
    rng = np.random.default_rng(0)
    for part in ("train", "test"):
        for name in pretrained.CLASSES:
            place = tmp_path / "pictures" / part / name
            place.mkdir(parents=True)
            for number in range(2):
                Image.fromarray(rng.integers(0, 256, (32, 32, 3), np.uint8)).save(place / f"{number:04}.png")
    return tmp_path / "pictures"


@pytest.fixture
def packed(folder):
    file = folder.parent / "zipped" / "cifar10_jpeg.zip"
    file.parent.mkdir()
    with zipfile.ZipFile(file, "w") as archive:
        for path in sorted(folder.rglob("*.png")):
            archive.write(path, path.relative_to(folder))
    return file


@pytest.fixture
def pictures():
    images = torch.rand(40, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    return datasets.Pictures(images, torch.arange(40) % 10, pretrained.CLASSES)


def test_what_it_writes_is_what_ships(folder, tmp_path, monkeypatch, capsys):
    for settings in (train_network.RECIPE, train_network.FINISH):
        monkeypatch.setitem(settings, "epochs", 1)
    monkeypatch.setattr(sys, "argv", ["train_network", str(folder), "--seed", "3", "--to", str(tmp_path / "weights")])
    train_network.main()
    printed = capsys.readouterr().out
    monkeypatch.setattr(pretrained, "WEIGHTS", tmp_path / "weights" / pretrained.WEIGHTS.name)
    about, model = pretrained.about(), pretrained.shipped()
    assert about["recipe"]["seed"] == 3 and about["data"] == "CIFAR-10: 20 pictures to train on, 20 to test with"
    assert f"{about['accuracy']:.1%} of the test pictures" in printed
    test = datasets.picture_folder(folder / "test")
    assert (model(test.images).argmax(1) == test.labels).float().mean().item() == pytest.approx(about["accuracy"])


def test_no_first_filter_answers_to_more_than_half(pictures):
    with models.seeded(1):
        layer = torch.nn.Conv2d(3, 8, 5, padding=2)
    before = features.feature_maps(torch.nn.Sequential(layer), "0", pictures.images).mean((0, 2, 3))
    train_network.raise_thresholds(layer, pictures.images)
    after = features.feature_maps(torch.nn.Sequential(layer), "0", pictures.images).mean((0, 2, 3))
    assert (before > 0).any() and (before < 0).any()
    torch.testing.assert_close(after, before.clamp(max=0), atol=1e-5, rtol=0)


def test_finishing_leaves_the_first_filters_alone(pictures, monkeypatch):
    monkeypatch.setitem(train_network.FINISH, "epochs", 1)
    model = models.fold(models.small_cnn(10, channels=(4, 8), first_kernel=5))
    filters, deeper = model.conv1.weight.detach().clone(), model.conv2.weight.detach().clone()
    train_network.finish(model, pictures, seed=0)
    assert torch.equal(model.conv1.weight, filters) and not torch.equal(model.conv2.weight, deeper)
    assert all(weight.requires_grad for weight in model.parameters())


def test_pictures_are_mirrored_or_not_and_shifted_into_their_mirror_image():
    batch = torch.arange(2 * 3 * 6 * 7.0).reshape(2, 3, 6, 7).repeat(20, 1, 1, 1)
    with models.seeded(0):
        mirrored = train_network.mirrored(batch)
        whole = {tuple(train_network.shifted(batch, 2)[0, 0, 0, :2].tolist()) for _ in range(200)}
    flipped = [torch.equal(one, other.flip(2)) for one, other in zip(mirrored, batch, strict=True)]
    kept = [torch.equal(one, other) for one, other in zip(mirrored, batch, strict=True)]
    assert 5 < sum(flipped) < 35 and all(one != other for one, other in zip(flipped, kept, strict=True))
    padded = np.pad(batch[0, 0].numpy(), 2, mode="reflect")
    assert whole == {(padded[top, left], padded[top, left + 1]) for top in range(5) for left in range(5)}


def test_cifar10_is_found_in_a_folder_a_zip_file_or_beside_the_project(folder, packed, tmp_path, monkeypatch):
    expected = [datasets.picture_folder(folder / part).images for part in ("train", "test")]
    for named, found in ((folder, folder), (packed, packed), (packed.parent, packed)):
        monkeypatch.setenv("FILTERLAB_CIFAR10", str(named))
        assert cifar10.source() == found
        assert all(torch.equal(part.images, images) for part, images in zip(cifar10.load(found), expected, strict=True))
    assert torch.equal(cifar10.load(packed, parts=("test",))[0].images, expected[1])
    monkeypatch.setenv("FILTERLAB_CIFAR10", str(tmp_path))
    assert cifar10.source() is None
    monkeypatch.delenv("FILTERLAB_CIFAR10")
    monkeypatch.setattr(cifar10, "ROOT", tmp_path / "project")
    (tmp_path / "shared").mkdir()
    packed.parent.rename(tmp_path / "shared" / "data")
    assert cifar10.source() == tmp_path / "shared" / "data" / packed.name


def test_without_pictures_it_says_what_to_name(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("FILTERLAB_CIFAR10", str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["train_network"])
    with pytest.raises(SystemExit):
        train_network.main()
    assert "no pictures at hand: name their folder, or set FILTERLAB_CIFAR10" in capsys.readouterr().err
