"""What the filters of a network answer: slices, maps and the patches that excite them, layer by layer."""

import math

import ipywidgets as widgets
import numpy as np
import torch
import traitlets
from torch import Tensor, nn

from filterlab import features, show
from filterlab.explore.explorer import Explorer, View, drawn, line, numbers, script

_EXACT, _MOST = 1_000_000, 8_000_000  # values of a layer that travel as float32, and those that travel at all, as bytes
_MOST_PIXELS, _LARGEST_SIDE = 4_000_000, 1024
_PATCHES = 9
_BATCH = 32
_STILL = 12  # slices that the still picture shows at most


class _View(View):
    _esm = script("feature_browser")
    pictures, picture_shape = traitlets.Bytes().tag(sync=True), traitlets.List().tag(sync=True)
    range = traitlets.List().tag(sync=True)
    layer, channel, image = traitlets.Unicode().tag(sync=True), traitlets.Int().tag(sync=True), traitlets.Int().tag(sync=True)
    maps, filters = traitlets.Bytes().tag(sync=True), traitlets.Bytes().tag(sync=True)
    contents, message = traitlets.Dict().tag(sync=True), traitlets.Unicode().tag(sync=True)


class FeatureBrowser(Explorer):
    """One filter of a network at a time: its slices, its map on a picture, and the patches of all pictures that excite it most.

    model: its convolutions are submodules; it is run in eval mode and stays as it was. images: (n, c, h, w), tensor or array, as the
    model takes them. A layer is computed when it is chosen, and then sent whole, so that the sliders for channel and picture need
    nothing more: up to a million values as they are, more of them rounded to 127 steps from zero to the filter's largest.

    `layer`, `channel` and `image_index` can be read and set from code; `maps` are those of the layer, `patches` those of the channel.
    Raises ValueError where the model has no convolution or does not take the images, and for images that are empty, not finite or too many.
    """

    def __init__(self, model: nn.Module, images: Tensor | np.ndarray):
        self._model, self._images = model, _checked_images(model, images)
        self._names = _checked_layers(model, self._images)
        self._black, self._white = _ends(self._images)
        names = widgets.Dropdown(options=self._names, description="layer")
        self._channel = widgets.IntSlider(max=0, description="channel")
        picture = widgets.IntSlider(max=len(self._images) - 1, description="picture")
        for slider in (self._channel, picture):
            slider.layout.width = "min(420px, 100%)"
        shown = self._to_show(self._images.cpu())
        view = _View(
            controls={"layer": names, "channel": self._channel, "image": picture},
            pictures=(shown * 255).round().astype(np.uint8).tobytes(),
            picture_shape=list(shown.shape),
            range=[self._black, self._white],
        )
        super().__init__(view, [line(names, self._channel, picture), view])
        self.layer = names.value
        names.observe(self._on_layer, "value")

    @property
    def layer(self) -> str:
        """The dotted name of the convolution that is shown."""
        return self._view.layer

    @layer.setter
    def layer(self, name: str) -> None:
        if name not in self._names:
            raise ValueError(f"layer={name!r} is not one of the model's convolutions: {', '.join(self._names)}")
        if name != self._view.layer:
            self._show_layer(name)

    @property
    def channel(self) -> int:
        """Which filter of the layer is shown, from 0."""
        return self._view.channel

    @channel.setter
    def channel(self, index: int) -> None:
        self._view.channel = _checked_index("channel", index, self._maps.shape[1], f"layer {self.layer} has channels")

    @property
    def image_index(self) -> int:
        """Which picture the map is of, from 0."""
        return self._view.image

    @image_index.setter
    def image_index(self, index: int) -> None:
        self._view.image = _checked_index("image_index", index, len(self._images), "the pictures are")

    @property
    def maps(self) -> np.ndarray:
        """The layer's maps on all pictures, (n, channels, h', w'), before any ReLU that follows."""
        return self._maps.numpy().copy()

    @property
    def patches(self) -> np.ndarray:
        """The patches that excite the channel most, largest answer first: (k, c, height, width), k at most 9, zero outside the picture."""
        return features.top_patches(self._maps, self._images.cpu(), self.channel, self._k, *self._field).numpy()

    @property
    def picture(self) -> show.Picture:
        """The picture, the channel's map on it, its slices, and the patches that excite it most."""
        name, index = f"layer {self.layer}, channel {self.channel}", self.image_index
        weights = self._weights[self.channel]
        before = show.picture(self._drawable(self._images[index : index + 1].cpu())[0], f"picture {index}")
        answer = drawn("response", self._maps[index, self.channel].numpy(), f"map of {name}", _limits(self._maps[None, :, self.channel])[0])
        scale = _limits(weights[None])[0]
        slices = [drawn("kernel", one.numpy(), f"slice {place}", scale) for place, one in enumerate(weights[:_STILL])]
        places, values = features.top_places(self._maps, self.channel, self._k)
        titles = [f"{show.number(value)}, picture {place[0]}" for place, value in zip(places.tolist(), values.tolist(), strict=True)]
        excite = [show.picture(*pair) for pair in zip(self._drawable(torch.from_numpy(self.patches)), titles, strict=True)]
        parts = [
            show.row([before, answer]),
            show.gallery(slices, f"slices of the filter, {len(slices)} of {len(weights)}", columns=6),
            show.gallery(excite, "patches that excite it most: answer, picture", columns=5),
        ]
        return show.stack(parts, name)

    def _to_show(self, images: Tensor) -> np.ndarray:
        """Pictures from 0, black, to 1, white: (n, 3, h, w) where they have three channels, else their mean, (n, 1, h, w)."""
        values = ((images.float() - self._black) / (self._white - self._black)).clamp(0, 1).numpy()
        return values if values.shape[1] == 3 else values.mean(axis=1, keepdims=True)

    def _drawable(self, images: Tensor) -> list[np.ndarray]:
        return [image if len(image) == 3 else image[0] for image in self._to_show(images)]

    def _show_layer(self, name: str) -> None:
        with features.evaluating(self._model):
            maps = [features.feature_maps(self._model, name, batch) for batch in self._images.split(_BATCH)]
            self._field = features.receptive_field(self._model, name, self._images[:1])
        self._maps, self._weights = torch.cat(maps).float().cpu(), self._model.get_submodule(name).weight.detach().float().cpu()
        self._k = min(_PATCHES, self._maps[:, 0].numel())
        channels = self._maps.shape[1]
        contents = self._contents() | {"first": name == self._names[0]}
        with self._view.hold_sync():
            self._view.channel = min(self._view.channel, channels - 1)
            self._view.layer, self._view.contents, self._view.message = name, contents, ""
            self._view.maps, self._view.filters = _packed(self._maps.transpose(0, 1).contiguous()), _packed(self._weights)
        self._channel.max = channels - 1
        self._view.controls["layer"].value = name

    def _contents(self) -> dict:
        """What the browser is told of a layer beside its numbers: shapes, scales, and where the largest answers are; channel by channel."""
        maps, filters = self._maps.transpose(0, 1), self._weights
        tops = [features.top_places(self._maps, channel, self._k) for channel in range(len(maps))]
        contents = {"maps": _limits(maps), "filters": _limits(filters), "field": self._field, "exact": [_exact(maps), _exact(filters)]}
        contents |= {"map_shape": list(maps.shape), "filter_shape": list(filters.shape)}
        return contents | {"places": [places.tolist() for places, _ in tops], "values": [_plain(values) for _, values in tops]}

    def _on_layer(self, change: dict) -> None:
        if change.new is None:
            return
        try:
            self.layer = change.new
        except Exception as error:  # Jupyter would swallow it
            self._view.message = f"{change.new} cannot be shown: {error}"
            self._view.controls["layer"].value = self.layer


def _checked_images(model: nn.Module, images: Tensor | np.ndarray) -> Tensor:
    """The images as the model's numbers on the CPU, or one sentence on what is wrong with them."""
    if not isinstance(model, nn.Module):
        raise ValueError(f"model is {type(model).__name__}, expected a torch.nn.Module")
    given = images.detach().cpu() if isinstance(images, Tensor) else images
    array = numbers("images", given, "pictures (n, c, h, w)", axes=4, largest=_LARGEST_SIDE)
    if array.size > _MOST_PIXELS:
        raise ValueError(f"images of shape {array.shape} hold {array.size:,} values, more than the {_MOST_PIXELS:,} that can be shown")
    weight = next(model.parameters(), torch.zeros(()))
    return torch.tensor(array, dtype=weight.dtype, device=weight.device)


def _checked_layers(model: nn.Module, images: Tensor) -> list[str]:
    """The names of the convolutions that run. Raises ValueError where there is none, or one with too much to show."""
    names = features.layers(model)
    if not names:
        raise ValueError("model has no convolution: expected nn.Conv2d layers among its submodules")
    try:
        with features.evaluating(model):
            shapes = features.map_shapes(model, images[:1])
    except Exception as error:
        raise ValueError(_refused(model, names[0], images, error)) from error
    if not shapes:
        raise ValueError(f"model runs none of its convolutions: {', '.join(names)}")
    for name, shape in shapes.items():
        most = max(len(images) * math.prod(shape), model.get_submodule(name).weight.numel())
        if most > _MOST:
            raise ValueError(f"layer {name} has {most:,} values to show, more than {_MOST:,}: give fewer or smaller images")
    return list(shapes)


def _refused(model: nn.Module, first: str, images: Tensor, error: Exception) -> str:
    expected = model.get_submodule(first).in_channels
    shape = tuple(images.shape)
    if shape[1] != expected:
        return f"images has shape {shape}, but the model's first convolution, {first}, takes {expected} channels"
    return f"the model does not take images of shape {shape}: {str(error).splitlines()[0]}"


def _checked_index(name: str, index: int, count: int, what: str) -> int:
    if not (isinstance(index, int | np.integer) and 0 <= index < count):
        raise ValueError(f"{name}={index!r} is out of range: {what} 0 to {count - 1}")
    return int(index)


def _ends(images: Tensor) -> tuple[float, float]:
    """What black and white stand for: 0 and 1, or where the values leave them, the smallest and the largest value."""
    low, high = images.min().item(), images.max().item()
    if low >= 0 and high <= 1:
        return 0.0, 1.0
    return low, high if high > low else low + 1


def _limits(values: Tensor) -> list[float]:
    """For each channel the largest magnitude among its finite values; 1 where all are zero."""
    largest = torch.nan_to_num(values.flatten(1), nan=0.0, posinf=0.0, neginf=0.0).abs().amax(1)
    return [one or 1.0 for one in largest.tolist()]


def _exact(values: Tensor) -> bool:
    return values.numel() <= _EXACT


def _packed(values: Tensor) -> bytes:
    """As float32, or where they are many, as whole numbers from −127 to 127, in steps of the channel's limit; −128 is no finite number."""
    if _exact(values):
        return values.numpy().astype("<f4").tobytes()
    limits = torch.tensor(_limits(values)).reshape(-1, *[1] * (values.ndim - 1))
    steps = torch.where(values.isfinite(), (values / limits * 127).round(), -128)
    return steps.to(torch.int8).numpy().tobytes()


def _plain(values: Tensor) -> list[float | str]:
    """As JSON can carry them: it knows no NaN."""
    return [value if np.isfinite(value) else str(value) for value in values.tolist()]
