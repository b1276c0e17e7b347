"""Feature maps as the layer gave them, receptive fields against what gradients say, and patches cut out where they belong."""

import itertools

import pytest
import torch
from torch import nn
from torch.nn import functional

from filterlab import features

pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
X = torch.rand(3, 2, 17, 14, generator=torch.Generator().manual_seed(0))


class Branches(nn.Module):
    """Residual and joined branches, functional pooling, and an in-place ReLU; everything linear in the pictures but max pooling."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(2, 4, (3, 2), stride=(2, 1), padding=(1, 0))
        self.wide = nn.Conv2d(4, 4, 5, padding=2, bias=False)
        self.dilated = nn.Conv2d(4, 4, 3, padding="same", dilation=2)
        self.last = nn.Conv2d(8, 3, (2, 3), padding="same")
        self.head = nn.Linear(3, 2)

    def forward(self, x):
        x = functional.avg_pool2d(self.first(x), 2, stride=1)
        x = torch.cat([x + self.wide(x), self.dilated(x)], dim=1)
        return self.head(functional.relu(self.last(x), inplace=True).mean((2, 3)))


def seeded(make):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return make()


def chain(*parts):
    return seeded(lambda: nn.Sequential(*(part() for part in parts)))


def by_gradient(model, layer, images, row, column):
    """The bounding window of the pixels that the answer depends on, its weights made positive so that nothing cancels: (rows, columns)."""
    for weight in model.parameters():
        weight.data = weight.data.abs() + 0.1
    images = images.clone().requires_grad_()
    kept = []
    handle = model.get_submodule(layer).register_forward_hook(lambda module, given, output: kept.append(output))
    model(images)
    handle.remove()
    kept[-1][0, :, row, column].sum().backward()
    touched = images.grad[0].abs().sum(0).nonzero()
    return touched.min(0).values.tolist(), touched.max(0).values.tolist()


def test_layers_are_the_names_of_the_convolutions():
    assert features.layers(seeded(Branches)) == ["first", "wide", "dilated", "last"]
    assert features.layers(nn.Sequential(nn.Linear(3, 3))) == []


def test_maps_are_as_the_layer_gave_them_and_a_copy():
    model = chain(lambda: nn.Conv2d(2, 4, 3), lambda: nn.ReLU(inplace=True), lambda: nn.Conv2d(4, 3, 2))
    maps = features.feature_maps(model, "0", X)
    torch.testing.assert_close(maps, model[0](X))
    assert (maps < 0).any() and not maps.requires_grad
    maps.zero_()
    assert model[0](X).abs().sum() > 0


def test_all_maps_come_from_one_run():
    model = seeded(Branches)
    runs = []
    model.register_forward_hook(lambda *given: runs.append(1))
    maps = features.all_maps(model, X)
    assert runs == [1] and list(maps) == features.layers(model) and not any(part._forward_hooks for part in model.children())
    for name, given in maps.items():
        torch.testing.assert_close(given, features.feature_maps(model, name, X))
    assert features.map_shapes(model, X) == {name: tuple(given.shape) for name, given in maps.items()}


def test_the_last_run_counts_and_the_mode_stays():
    layer = nn.BatchNorm2d(2)
    model = nn.Sequential(layer, nn.Dropout(0.5), layer)
    model.train()
    maps = features.feature_maps(model, "2", X)
    assert model.training and layer.num_batches_tracked == 2
    assert features.feature_maps(model, "0", X).shape == maps.shape


def test_no_hook_stays_even_when_the_model_fails():
    model = chain(lambda: nn.Conv2d(2, 4, 3), lambda: nn.Linear(1, 1))
    for call in (features.feature_maps, features.receptive_field):
        with pytest.raises(RuntimeError):
            call(model, "0", X)
        assert not model[0]._forward_hooks


@pytest.mark.parametrize(("layer", "said"), [("3", r"layer='3' is not one of the model's parts: 0, 1"), ("", "layer=''")])
def test_an_unknown_layer_is_refused_with_the_names(layer, said):
    with pytest.raises(ValueError, match=said):
        features.feature_maps(chain(lambda: nn.Conv2d(2, 4, 3), nn.ReLU), layer, X)


def test_a_layer_that_never_runs_is_refused():
    model = seeded(Branches)
    model.spare = nn.Conv2d(1, 1, 1)
    for call in (features.feature_maps, features.receptive_field):
        with pytest.raises(ValueError, match="layer='spare' does not run"):
            call(model, "spare", X)


@pytest.mark.parametrize("layer", ["first", "wide", "dilated", "last"])
def test_field_is_what_gradients_say_through_branches(layer):
    model = seeded(Branches)
    size, stride, padding = features.receptive_field(model, layer, X)
    last = [side - 1 for side in features.feature_maps(model, layer, X).shape[-2:]]
    whole = 0
    for row, column in itertools.product((0, last[0] // 2, last[0]), (0, last[1] // 2, last[1])):
        least, most = by_gradient(model, layer, X, row, column)
        start = [row * stride[0] - padding[0], column * stride[1] - padding[1]]
        for axis, side in enumerate(X.shape[-2:]):
            inside = start[axis] >= 0 and start[axis] + size[axis] <= side
            seen, window = (least[axis], most[axis]), (start[axis], start[axis] + size[axis] - 1)
            # Beyond the border a dilated kernel may step over the last pixels.
            assert seen == window if inside else window[0] <= seen[0] and seen[1] <= window[1]
            whole += inside
    assert whole >= 6


def test_field_of_a_chain_by_hand():
    model = chain(
        lambda: nn.Conv2d(2, 4, 3, stride=2, padding=1),
        nn.ReLU,
        lambda: nn.MaxPool2d(3, 2),
        lambda: nn.Conv2d(4, 4, 3, dilation=2, padding=2),
    )
    assert features.receptive_field(model, "0", X) == ((3, 3), (2, 2), (1, 1))
    assert features.receptive_field(model, "2", X) == ((7, 7), (4, 4), (1, 1))
    assert features.receptive_field(model, "3", X) == ((23, 23), (4, 4), (9, 9))


def test_behind_an_operation_that_moves_pixels_every_answer_sees_the_whole_picture():
    model = chain(lambda: nn.Conv2d(2, 4, 3), lambda: nn.Upsample(scale_factor=2), lambda: nn.Conv2d(4, 3, 3))
    assert features.receptive_field(model, "2", X) == ((17, 14), (0, 0), (0, 0))


def test_patches_are_the_windows_of_the_largest_values():
    model = chain(lambda: nn.Conv2d(2, 4, 3, stride=2, padding=1))
    maps = features.feature_maps(model, "0", X)
    patches = features.top_patches(maps, X, channel=3, k=100, size=3, stride=2, padding=1)
    values = torch.einsum("kcij,cij->k", patches, model[0].weight[3]) + model[0].bias[3]
    torch.testing.assert_close(values.detach(), maps[:, 3].flatten().sort(descending=True).values[:100])
    places, largest = features.top_places(maps, 3, 100)
    torch.testing.assert_close(largest, values.detach())
    first, row, column = places[0].tolist()
    assert places.shape == (100, 3) and maps[first, 3, row, column] == largest[0]


def test_patches_of_a_deep_layer_give_its_answers_again():
    """A window fed to the layers without padding gives the one answer: the zeros around a picture are in the window."""
    model = chain(lambda: nn.Conv2d(2, 4, 3, bias=False), nn.ReLU, lambda: nn.MaxPool2d(2), lambda: nn.Conv2d(4, 3, 2))
    field = features.receptive_field(model, "3", X)
    maps = features.feature_maps(model, "3", X)
    patches = features.top_patches(maps, X, 1, 9, *field)
    assert patches.shape == (9, 2, *field.size)
    torch.testing.assert_close(model(patches)[:, 1].flatten().detach(), features.top_places(maps, 1, 9)[1])


def test_inside_are_the_answers_that_see_no_padding():
    model = chain(lambda: nn.Conv2d(2, 4, (3, 5), stride=2, padding=2))
    maps, field = features.feature_maps(model, "0", X), features.receptive_field(model, "0", X)
    whole = features.inside(maps, field, X)
    seen = whole.isfinite()
    torch.testing.assert_close(whole[seen].reshape(3, 4, 8, 5), model[0](X).detach()[:, :, 1:-1, 1:-1])
    for channel in range(4):
        patches = features.top_patches(whole, X, channel, 3, *field)
        assert (patches > 0).all(), "a window with padding has zeros"
    with pytest.raises(ValueError, match="windows of 3×5 pixels all leave the images"):
        features.inside(maps, field, X[:, :, :2])


def test_one_patch_of_each_picture_is_its_best():
    model = chain(lambda: nn.Conv2d(2, 4, 3, stride=2, padding=1))
    maps = features.feature_maps(model, "0", X)
    places, values = features.top_places(maps, 1, 3, one_each=True)
    torch.testing.assert_close(values, maps[:, 1].amax((1, 2)).sort(descending=True).values)
    assert sorted(places[:, 0].tolist()) == [0, 1, 2]
    torch.testing.assert_close(maps[places[:, 0], 1, places[:, 1], places[:, 2]], values)
    patches = features.top_patches(maps, X, 1, 3, 3, 2, 1, one_each=True)
    again = torch.einsum("kcij,cij->k", patches, model[0].weight[1]) + model[0].bias[1]
    torch.testing.assert_close(again.detach(), values)
    with pytest.raises(ValueError, match="k=4 must lie between 1 and 3, the number of pictures"):
        features.top_places(maps, 1, 4, one_each=True)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"channel": 4}, "channel=4 is not one of the 4 channels, 0 to 3"),
        ({"channel": -1}, "channel=-1"),
        ({"k": 0}, "k=0 must lie between 1 and 630"),
        ({"k": 631}, "k=631"),
        ({"maps": torch.zeros(3, 4, 5)}, r"maps has shape \(3, 4, 5\)"),
        ({"images": X[:2]}, r"images has shape \(2, 2, 17, 14\).* n = 3"),
    ],
)
def test_what_has_no_patches_is_refused(change, said):
    given = {"maps": torch.zeros(3, 4, 15, 14), "images": X, "channel": 0, "k": 2, "size": 3} | change
    with pytest.raises(ValueError, match=said):
        features.top_patches(**given)


def test_every_part_gets_its_own_mode_back():
    model = chain(lambda: nn.Conv2d(2, 4, 3), lambda: nn.Dropout(0.5), nn.ReLU).train()
    model[1].eval()
    with pytest.raises(KeyError), features.evaluating(model):
        assert not any(part.training for part in model.modules())
        raise KeyError
    assert [part.training for part in model] == [True, False, True] and model.training
