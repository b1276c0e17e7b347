"""Trained networks: the shipped one is what was trained, damaged files are refused, and torchvision's come by the real way of loading."""

import dataclasses
import hashlib
import json
import shutil

import pytest
import torch

from filterlab import datasets, features, models, pretrained
from filterlab.vision import torchvision
from tools import train_network


@pytest.fixture
def images():
    return torch.rand(2, 3, 64, 80, generator=torch.Generator().manual_seed(0))


# The network that comes with the course ----------------------------------------------------------------------------------


def test_shipped_is_small_in_eval_mode_and_each_time_another():
    model, other = pretrained.shipped(), pretrained.shipped()
    names = "conv1 relu1 pool1 conv2 relu2 pool2 conv3 relu3 pool3 pool flatten classifier"
    assert [name for name, _ in model.named_children()] == names.split()
    assert not any(part.training for part in model.modules())
    assert model.conv1.weight.shape == (32, 3, 5, 5) and model.conv3.bias.shape == (128,)
    other.conv1.weight.data.zero_()
    assert model.conv1.weight.abs().sum() > 0
    assert pretrained.WEIGHTS.stat().st_size <= 1_000_000


def test_what_is_known_about_it_fits(images):
    about, model = pretrained.about(), pretrained.shipped()
    assert tuple(about["classes"]) == model.classes == pretrained.CLASSES
    assert about["accuracy"] > 0.75 and about["bytes"] == pretrained.WEIGHTS.stat().st_size
    made = train_network.describe(model, datasets.Pictures(images, [0, 1], pretrained.CLASSES), 50_000, about["recipe"]["seed"], "")
    assert json.loads(json.dumps(made["recipe"])) == about["recipe"], "the weights are older than the recipe"
    assert set(made) | {"bytes", "sha256"} == set(about)


@pytest.fixture
def copied(tmp_path, monkeypatch):
    """The weights and what is known about them, in a folder where a test may damage them."""
    for ending in (".pt", ".json"):
        shutil.copy(pretrained.WEIGHTS.with_suffix(ending), tmp_path)
    monkeypatch.setattr(pretrained, "WEIGHTS", tmp_path / pretrained.WEIGHTS.name)
    return pretrained.WEIGHTS


def flipped(data: bytes) -> bytes:
    return data[:5000] + bytes([data[5000] ^ 1]) + data[5001:]


@pytest.mark.parametrize("damage", [lambda data: data[:-1], lambda data: data[:2000], flipped, lambda data: b"", lambda data: data + b"\0"])
def test_weights_cut_short_or_changed_are_refused_before_anything_is_loaded(copied, monkeypatch, damage):
    copied.write_bytes(damage(copied.read_bytes()))
    monkeypatch.setattr(torch, "load", lambda *args, **kwargs: pytest.fail("loaded"))
    with pytest.raises(ValueError) as error:
        pretrained.shipped()
    assert str(error.value).startswith(f"{copied} is cut short or changed") and "\n" not in str(error.value)


@pytest.mark.parametrize("damage", [lambda text: text[:40], lambda text: "[]", lambda text: "{}", lambda text: "\0\xff"])
def test_a_damaged_description_is_refused(copied, damage):
    file = copied.with_suffix(".json")
    file.write_text(damage(file.read_text(encoding="utf-8")), encoding="latin-1")
    with pytest.raises(ValueError) as error:
        pretrained.shipped()
    assert str(error.value).startswith(f"{file} is damaged: fetch it again with `git checkout filterlab/weights`")


@pytest.mark.parametrize("ending", [".pt", ".json"])
def test_a_missing_file_is_named(copied, ending):
    file = copied.with_suffix(ending)
    file.unlink()
    with pytest.raises(FileNotFoundError) as error:
        pretrained.shipped()
    assert str(error.value).startswith(f"{file} is missing: ")


# torchvision's -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """torch's cache, empty, and a place on this machine from which the weights of squeezenet1_1 are downloaded: random ones."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    with models.seeded(5):
        made = torchvision.models.squeezenet1_1(weights=None)
    torch.save(made.state_dict(), tmp_path / "weights.pth")
    name = f"squeezenet1_1-{hashlib.sha256((tmp_path / 'weights.pth').read_bytes()).hexdigest()[:8]}.pth"
    (tmp_path / "weights.pth").rename(tmp_path / name)
    offered = torchvision.models.SqueezeNet1_1_Weights.DEFAULT
    monkeypatch.setattr(offered, "_value_", dataclasses.replace(offered.value, url=(tmp_path / name).as_uri()))
    return tmp_path / "torch" / "hub" / "checkpoints" / name


def plain(file) -> torch.nn.Module:
    model = torchvision.models.squeezenet1_1(weights=None)
    model.load_state_dict(torch.load(file, weights_only=True))
    return model.eval()


def test_weights_are_downloaded_with_a_bar_and_then_come_from_the_cache(cache, images, capsys):
    model = pretrained.pretrained()
    printed = capsys.readouterr()
    assert printed.err == "" and "downloading the weights of squeezenet1_1, 5 MB" in printed.out and "100%" in printed.out
    assert cache.exists() and not model.training and len(model.classes) == 1000 and model.classes[207] == "golden retriever"
    normalized = torchvision.transforms.functional.normalize(images, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    with torch.no_grad():
        torch.testing.assert_close(model(images), plain(cache)(normalized))
    (cache.parents[3] / cache.name).unlink()
    again = pretrained.pretrained("squeezenet1_1")
    assert capsys.readouterr() == ("", "")
    assert torch.equal(again.features[0].weight, model.features[0].weight)
    assert features.feature_maps(model, "features.0", images).shape == (2, 64, 31, 39)


def test_the_global_random_state_stays(cache):
    torch.manual_seed(1)
    before = torch.get_rng_state()
    pretrained.pretrained()
    assert torch.equal(torch.get_rng_state(), before)


def test_a_damaged_file_in_the_cache_is_named(cache):
    pretrained.pretrained()
    cache.write_bytes(cache.read_bytes()[:100_000])
    with pytest.raises(ValueError) as error:
        pretrained.pretrained()
    assert str(error.value) == f"{cache} is damaged, its checksum is not the one in its name: delete it and call again"


def test_a_failed_download_says_how_to_go_on_and_leaves_nothing(cache, capsys):
    source = cache.parents[3] / cache.name
    for spoil in (lambda: source.write_bytes(b"<html>please log in</html>"), source.unlink):
        spoil()
        with pytest.raises(OSError, match=r"could not be downloaded .* or go on with pretrained.shipped\(\), which needs none") as error:
            pretrained.pretrained()
        assert "\n" not in str(error.value) and list(cache.parent.iterdir()) == []
    assert capsys.readouterr().err == ""


def test_an_unknown_name_lists_those_there_are():
    with pytest.raises(ValueError, match=r"name='squeezenet' is not one of the networks: squeezenet1_1, resnet18, alexnet"):
        pretrained.pretrained("squeezenet")


@pytest.mark.parametrize("name", pretrained.NAMES)
def test_names_are_torchvision_s_with_a_checksum_in_the_file_s_name(name):
    url = torchvision.models.get_model_weights(name).DEFAULT.url
    assert url.startswith("https://download.pytorch.org/models/") and len(pretrained._checksum(pretrained.Path(url))) == 8
