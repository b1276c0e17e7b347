"""filterlab.datasets: what is loaded is checked, pictures follow their seed, and what is missing or damaged is said in one sentence."""

import hashlib
import io
import pickle
import socket
import tarfile
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
import torch
from PIL import Image

from filterlab import datasets, patterns
from filterlab.vision import torchvision


def refused(kind, call, *args, **kwargs) -> str:
    with pytest.raises(kind) as error:
        call(*args, **kwargs)
    assert "\n" not in str(error.value)
    return str(error.value)


# Pictures ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("images", "labels", "said"),
    [
        (np.zeros((0, 3, 4, 4)), [], "images has shape (0, 3, 4, 4), expected pictures (n, c, h, w), at least one"),
        (np.zeros((3, 4, 4)), [0], "images has shape (3, 4, 4), expected pictures (n, c, h, w), at least one"),
        (np.zeros((3, 1, 4, 4)), [0, 1], "labels has shape (2,), but there are 3 pictures: expected (3,)"),
        (np.zeros((2, 1, 4, 4)), [[0], [1]], "labels has shape (2, 1), but there are 2 pictures: expected (2,)"),
        (np.zeros((2, 1, 4, 4)), [0.5, 1], "labels holds fractions, expected whole numbers: places in the list of classes"),
        (np.zeros((2, 1, 4, 4)), [0, 2], "labels go from 0 to 2, but there are 2 classes, from 0 on"),
        (np.zeros((2, 1, 4, 4)), [-1, 0], "labels go from -1 to 0, but there are 2 classes, from 0 on"),
        (np.full((2, 1, 4, 4), 255), [0, 1], "images has values from 255 to 255, expected 0 to 1: divide bytes by 255"),
        (
            np.stack([np.zeros((1, 4, 4)), np.full((1, 4, 4), np.nan)]),
            [0, 1],
            "images has values that are not numbers (NaN or infinite), first in picture 1",
        ),
    ],
)
def test_pictures_that_do_not_go_together_are_refused(images, labels, said):
    assert refused(ValueError, datasets.Pictures, images, labels, ["a", "b"]) == said


def test_pictures_come_as_float32_and_int64_and_can_be_taken_apart():
    pictures = datasets.Pictures(np.random.default_rng(0).random((10, 3, 5, 4)), np.arange(10.0) % 2, ["a", "b"])
    assert pictures.images.dtype == torch.float32 and pictures.labels.dtype == torch.int64
    assert len(pictures[2:5]) == 3 and torch.equal(pictures[[7]].images[0], pictures.images[7])
    first, rest = pictures.split(0.7, seed=3)
    assert (len(first), len(rest)) == (7, 3)
    together = torch.cat([first.images, rest.images]).flatten(1).sum(1)
    assert torch.equal(together.sort().values, pictures.images.flatten(1).sum(1).sort().values)
    assert torch.equal(pictures.split(0.7, seed=3)[1].images, rest.images)
    assert refused(ValueError, pictures.split, 1.0) == "share=1.0 of 10 pictures leaves one part empty"


# Generated pictures and digits -------------------------------------------------------------------------------------------


def test_patterns_follow_their_seed_and_nothing_else():
    torch.manual_seed(1)
    np.random.seed(1)
    one = datasets.patterns(40, seed=5)
    torch.manual_seed(2)
    np.random.seed(2)
    same, other = datasets.patterns(40, seed=5), datasets.patterns(40, seed=6)
    assert torch.equal(one.images, same.images) and torch.equal(one.labels, same.labels)
    assert not torch.equal(one.images, other.images) and not torch.equal(one.labels, other.labels)


def test_patterns_are_pictures_of_all_classes_in_equal_numbers():
    pictures = datasets.patterns(83, seed=0)
    assert pictures.images.shape == (83, 3, 32, 32)
    assert pictures.images.min() >= 0 and pictures.images.max() <= 1
    assert pictures.classes == patterns.CLASSES and len(pictures.classes) == 8
    assert set(np.bincount(pictures.labels)) == {10, 11}
    assert len(datasets.patterns(1, seed=0)) == 1
    assert refused(ValueError, datasets.patterns, 0, seed=0) == "n=0 must be at least 1 picture"


def test_stripes_run_as_they_are_called():
    pictures = datasets.patterns(400, seed=0)
    across = pictures.images.diff(dim=3).abs().mean((1, 2, 3))
    down = pictures.images.diff(dim=2).abs().mean((1, 2, 3))
    horizontal, vertical = pictures.labels == 0, pictures.labels == 1
    assert (down > across)[horizontal].all() and (across > down)[vertical].all()


def test_digits_are_split_by_their_seed():
    (train, test), (again, _), (other, _) = datasets.digits(), datasets.digits(), datasets.digits(seed=1)
    assert train.images.shape == (1438, 1, 8, 8) and len(test) == 359
    assert train.images.max() == 1 and len(train.classes) == 10
    assert torch.equal(train.images, again.images) and not torch.equal(train.images, other.images)


# CIFAR-10 ----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def small_cifar(monkeypatch) -> bytes:
    """An archive in CIFAR-10's own format with two pictures per batch, whose checksums torchvision is told."""
    kind, rng = torchvision.datasets.CIFAR10, np.random.default_rng(0)
    names = [name for name, _ in kind.train_list + kind.test_list]
    contents = {name: {"data": rng.integers(0, 256, (2, 3072), dtype=np.uint8), "labels": [3, 9]} for name in names}
    contents["batches.meta"] = {"label_names": ["airplane", *"bcdefghi", "truck"]}
    files = {name: pickle.dumps(content) for name, content in contents.items()}
    sums = {name: hashlib.md5(data).hexdigest() for name, data in files.items()}
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(f"{kind.base_folder}/{name}")
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    monkeypatch.setattr(kind, "tgz_md5", hashlib.md5(packed.getvalue()).hexdigest())
    monkeypatch.setattr(kind, "train_list", [[name, sums[name]] for name in names[:-1]])
    monkeypatch.setattr(kind, "test_list", [[names[-1], sums[names[-1]]]])
    monkeypatch.setattr(kind, "meta", kind.meta | {"md5": sums["batches.meta"]})
    return packed.getvalue()


@pytest.fixture
def served(small_cifar, monkeypatch, tmp_path):
    """The archive at an address of this machine, from where torchvision fetches it; each request is answered with what the file holds."""
    file = tmp_path / "server" / "cifar.tar.gz"
    file.parent.mkdir()
    file.write_bytes(small_cifar)

    class Handler(SimpleHTTPRequestHandler):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, directory=file.parent, **kwargs)

        def log_message(self, *args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setattr(torchvision.datasets.CIFAR10, "url", f"http://127.0.0.1:{server.server_port}/cifar.tar.gz")
        yield file
        server.shutdown()


def test_cifar10_is_fetched_with_a_bar_on_stdout_and_kept(served, tmp_path, capsys):
    train, test = datasets.cifar10(tmp_path / "data")
    printed = capsys.readouterr()
    assert "100%" in printed.out and printed.err == ""
    assert train.images.shape == (10, 3, 32, 32) and len(test) == 2
    assert train.labels[:2].tolist() == [3, 9] and train.classes[9] == "truck"
    stored = pickle.loads((tmp_path / "data" / "cifar-10-batches-py" / "data_batch_1").read_bytes())["data"]
    assert np.array_equal((train.images[1] * 255).round().numpy().astype(np.uint8).reshape(-1), stored[1])
    served.unlink()
    assert torch.equal(datasets.cifar10(tmp_path / "data")[0].images, train.images)


def test_a_download_cut_short_is_one_sentence(served, tmp_path):
    served.write_bytes(served.read_bytes()[:1000])
    said = refused(ValueError, datasets.cifar10, tmp_path / "data")
    assert said.startswith(f"CIFAR-10 in {tmp_path / 'data'} is damaged") and "cifar-10-python.tar.gz and call again" in said


def test_a_damaged_file_is_made_good_where_it_can_be(served, tmp_path):
    datasets.cifar10(tmp_path)
    (tmp_path / "cifar-10-batches-py" / "data_batch_2").write_bytes(b"half")
    assert len(datasets.cifar10(tmp_path)[0]) == 10


def test_without_a_network_the_generated_pictures_are_named(tmp_path, monkeypatch):
    def unreachable(*args, **kwargs):
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", unreachable)
    half = tmp_path / "cifar-10-python.tar.gz"
    half.write_bytes(b"half")
    said = refused(OSError, datasets.cifar10, tmp_path)
    assert said.startswith(f"CIFAR-10 is not complete in {tmp_path} and could not be downloaded") and "datasets.patterns(n, seed)" in said


# A folder of one's own ---------------------------------------------------------------------------------------------------


def save(path, color, size=(40, 30)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, color).save(path)


def test_a_folder_of_pictures_of_any_size(tmp_path, capsys):
    save(tmp_path / "red" / "a.jpg", (255, 0, 0))
    save(tmp_path / "red" / "b.PNG", (255, 0, 0), size=(5, 9))
    save(tmp_path / "blue" / "c.png", (0, 0, 255), size=(300, 100))
    (tmp_path / "blue" / "notes.txt").write_text("no picture")
    (tmp_path / "blue" / "broken.jpg").write_bytes(b"\xff\xd8\xff half")
    save(tmp_path / ".hidden" / "d.png", (0, 255, 0))
    pictures = datasets.picture_folder(tmp_path, size=16)
    assert pictures.images.shape == (3, 3, 16, 16) and pictures.classes == ("blue", "red")
    assert pictures.labels.tolist() == [0, 1, 1]
    assert torch.allclose(pictures.images[:, :, 8, 8], torch.tensor([[0.0, 0, 1], [1, 0, 0], [1, 0, 0]]), atol=0.02)
    assert pictures.skipped == (str(tmp_path / "blue" / "broken.jpg"),)
    printed = capsys.readouterr()
    assert printed.out.startswith(f"skipped: {tmp_path / 'blue' / 'broken.jpg'}") and printed.out.count("\n") == 1 and not printed.err


def test_folders_that_hold_no_classes_are_explained(tmp_path):
    assert refused(FileNotFoundError, datasets.picture_folder, tmp_path / "none") == f"there is no folder {tmp_path / 'none'}"
    said = refused(ValueError, datasets.picture_folder, tmp_path)
    assert said == (
        f"{tmp_path} has no sub-folders with pictures, and a sub-folder is a class (there is no picture in it): move them into sub-folders"
    )
    save(tmp_path / "loose.png", (1, 2, 3))
    assert "(1 pictures lie in it directly)" in refused(ValueError, datasets.picture_folder, tmp_path)
    assert "is a file, expected a folder" in refused(ValueError, datasets.picture_folder, tmp_path / "loose.png")
    (tmp_path / "cats").mkdir()
    (tmp_path / "cats" / "a.jpg").write_bytes(b"no")
    assert refused(ValueError, datasets.picture_folder, tmp_path) == f"none of the 1 pictures in the sub-folders of {tmp_path} can be read"
    assert refused(ValueError, datasets.picture_folder, tmp_path, size=0) == "size=0 must be at least 1 pixel"
