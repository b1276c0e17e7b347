"""What the filters of a trained network answer: feature maps, where each answer looks, and the patches that excite a filter most."""

import contextlib
from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import pad
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

Pair = tuple[int, int]
_POOLS = {"max_pool2d", "max_pool2d_with_indices", "mkldnn_max_pool2d", "avg_pool2d"}


class Field(NamedTuple):
    """The receptive field of a layer, (rows, columns): the answer at (i, j) sees a window of `size` pixels of the picture.

    The window begins at stride·(i, j) − padding; what lies outside the picture is zero. stride 0: every answer sees all of the picture.
    """

    size: Pair
    stride: Pair
    padding: Pair


def layers(model: nn.Module) -> list[str]:
    """The dotted names of the model's convolutions, in the order in which they were made."""
    return [name for name, module in model.named_modules() if isinstance(module, nn.Conv2d) and name]


def feature_maps(model: nn.Module, layer: str, x: Tensor) -> Tensor:
    """A detached copy of what the submodule named `layer` (a dotted name) gives for pictures x (n, c, h, w), as it gives it.

    An in-place ReLU that follows does not show. The model runs in its current mode; where the layer runs more than once, the last run
    counts. No hook stays behind, whatever happens. Raises ValueError for an unknown name, and for a layer that does not run or gives no
    tensor.
    """
    given = []
    with _listening(submodule(model, layer), lambda output: given.append(_copy(output))), torch.no_grad():
        model(x)
    if not given or given[-1] is None:
        raise ValueError(f"layer={layer!r} {'gives no tensor' if given else 'does not run when the model does'}")
    return given[-1]


def all_maps(model: nn.Module, images: Tensor) -> dict[str, Tensor]:
    """What each convolution that runs on these images (n, c, h, w) gives, by its name, as `feature_maps` does it, from a single run."""
    maps = {}
    with contextlib.ExitStack() as stack, torch.no_grad():
        for name in layers(model):
            stack.enter_context(_listening(submodule(model, name), lambda output, name=name: maps.update({name: _copy(output)})))
        model(images)
    return {name: maps[name] for name in layers(model) if name in maps}


def map_shapes(model: nn.Module, images: Tensor) -> dict[str, tuple[int, ...]]:
    """The names of the convolutions that run on these images, and the shapes of what they give; the model runs in its current mode."""
    return {name: tuple(maps.shape) for name, maps in all_maps(model, images).items()}


def receptive_field(model: nn.Module, layer: str, images: Tensor) -> Field:
    """Which pixels of the picture an answer of the submodule `layer` depends on: followed through the operations of one run on `images`.

    Exact for convolutions, pooling, padding, sums and joins of branches, and operations pixel by pixel, which any other operation that
    keeps height and width is taken for (normalisation over the whole picture, too). After one that changes them, every answer counts as
    seeing all of the picture. Source of the recurrence: Araujo, Norris and Sim, "Computing Receptive Fields of Convolutional Neural
    Networks", 2019. Raises ValueError as `feature_maps` does.
    """
    found = []
    follower = _Follower(images)
    part = submodule(model, layer)
    with _listening(part, lambda output: found.append(follower.known.get(id(output)))), torch.no_grad(), follower:
        model(images)
    if not found:
        raise ValueError(f"layer={layer!r} does not run when the model does")
    return _as_field(found[-1] or follower.everything)


def top_places(maps: Tensor, channel: int, k: int, one_each: bool = False) -> tuple[Tensor, Tensor]:
    """The places (picture, row, column), shape (k, 3), of the k largest values of maps[:, channel], largest first, and the values.

    one_each: only the largest value of each picture counts, so that no picture gives two. Raises ValueError unless maps is
    (n, channels, h, w), has this channel, and 1 ≤ k ≤ n·h·w, or n with one_each.
    """
    if maps.ndim != 4 or maps.numel() == 0:
        raise ValueError(f"maps has shape {tuple(maps.shape)}, expected (n, channels, h, w)")
    if not 0 <= channel < maps.shape[1]:
        raise ValueError(f"channel={channel} is not one of the {maps.shape[1]} channels, 0 to {maps.shape[1] - 1}")
    of_channel = maps[:, channel]
    values, places = of_channel.flatten(), torch.arange(of_channel.numel(), device=maps.device)
    if one_each:
        values, within = of_channel.flatten(1).max(dim=1)
        places = torch.arange(len(maps), device=maps.device) * of_channel[0].numel() + within
    if not 1 <= k <= len(values):
        raise ValueError(f"k={k} must lie between 1 and {len(values)}, the number of {'pictures' if one_each else 'values'}")
    values, first = values.topk(k)
    return torch.stack(torch.unravel_index(places[first], of_channel.shape), dim=1), values


def top_patches(
    maps: Tensor,
    images: Tensor,
    channel: int,
    k: int,
    size: int | Pair,
    stride: int | Pair = 1,
    padding: int | Pair = 0,
    one_each: bool = False,
) -> Tensor:
    """The windows of the zero-padded images behind the k largest values of maps[:, channel], largest first: (k, c, *size).

    maps: (n, channels, h', w') of images (n, c, h, w). size, stride, padding: of the window, as `receptive_field` gives them.
    one_each: at most one window of each image.
    Raises ValueError as `top_places` does, and where maps and images are not of as many pictures.
    """
    if images.ndim != 4 or len(images) != len(maps):
        raise ValueError(f"images has shape {tuple(images.shape)}, expected (n, c, h, w) with n = {len(maps)}, as maps has")
    places, _ = top_places(maps, channel, k, one_each)
    (tall, wide), (down, right), (above, left) = _pair(size), _pair(stride), _pair(padding)
    return torch.stack([_window(images[n], row * down - above, column * right - left, tall, wide) for n, row, column in places.tolist()])


def inside(maps: Tensor, field: Field, images: Tensor) -> Tensor:
    """The maps (n, channels, h, w) of these images with −inf where the window of an answer leaves the picture and sees padding.

    Raises ValueError where every window does.
    """
    fits = []
    for answers, size, stride, padding, side in zip(maps.shape[2:], *field, images.shape[2:], strict=True):
        start = torch.arange(answers, device=maps.device) * stride - padding
        fits.append((start >= 0) & (start + size <= side))
    whole = fits[0][:, None] & fits[1]
    if not whole.any():
        raise ValueError(f"windows of {field.size[0]}×{field.size[1]} pixels all leave the images of shape {tuple(images.shape)}")
    return maps.masked_fill(~whole, -torch.inf)


@contextlib.contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """The model in eval mode; every part of it gets its own mode back."""
    modes = {module: module.training for module in model.modules()}
    try:
        yield model.eval()
    finally:
        for module, mode in modes.items():
            module.training = mode


def submodule(model: nn.Module, layer: str) -> nn.Module:
    """The part of the model that bears this dotted name. Raises ValueError, with the names there are, for another."""
    named = {name: module for name, module in model.named_modules(remove_duplicate=False) if name}
    if layer not in named:
        raise ValueError(f"layer={layer!r} is not one of the model's parts: {', '.join(named)}")
    return named[layer]


@contextlib.contextmanager
def _listening(module: nn.Module, hear) -> Iterator[None]:
    """Hears every output of the module, until the end."""
    handle = module.register_forward_hook(lambda module, inputs, output: hear(output))
    try:
        yield
    finally:
        handle.remove()


def _copy(output: object) -> Tensor | None:
    return output.detach().clone() if isinstance(output, Tensor) else None


def _window(image: Tensor, top: int, left: int, tall: int, wide: int) -> Tensor:
    """A window (c, tall, wide) of the picture, with zeros where it leaves it."""
    rows, columns = (slice(max(0, start), max(0, start + length)) for start, length in ((top, tall), (left, wide)))
    inside = image[:, rows, columns]
    above, before = min(max(0, -top), tall), min(max(0, -left), wide)
    return pad(inside, (before, wide - before - inside.shape[2], above, tall - above - inside.shape[1]))


# Following the pixels ----------------------------------------------------------------------------------------------------


class _Span(NamedTuple):
    """Along one axis: answer i sees the pixels from start + i·jump, as many as size."""

    size: int
    jump: int
    start: int

    def through(self, kernel: int, stride: int, padding: int, dilation: int) -> "_Span":
        return _Span(self.size + (kernel - 1) * dilation * self.jump, self.jump * stride, self.start - padding * self.jump)


class _Follower(TorchDispatchMode):
    """Sees every operation of a run, and knows for every tensor that comes from the pictures what its answers see, (rows, columns)."""

    def __init__(self, images: Tensor):
        super().__init__()
        self.everything = tuple(_Span(side, 0, 0) for side in images.shape[-2:])
        self.known = {id(images): tuple(_Span(1, 1, 0) for _ in range(2))}
        self.alive = [images]  # an id says which tensor it is only while the tensor lives

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        result = operation(*args, **kwargs)
        sources = [one for one in tree_leaves((args, kwargs)) if isinstance(one, Tensor) and id(one) in self.known]
        if sources:
            named = {argument.name: argument.default_value for argument in operation._schema.arguments}
            named |= dict(zip(named, args, strict=False)) | kwargs
            for output in tree_leaves(result):
                if isinstance(output, Tensor):
                    self.alive.append(output)
                    self.known[id(output)] = self._after(operation._schema.name.removeprefix("aten::"), named, sources, output)
        return result

    def _after(self, name: str, given: dict, sources: list[Tensor], output: Tensor) -> tuple[_Span, ...]:
        spans = self.known[id(sources[0])]
        if name == "convolution" and not given["transposed"]:
            return _through(spans, given["weight"].shape[-2:], given["stride"], given["padding"], given["dilation"])
        if name in _POOLS:
            kernel = given["kernel_size"]
            return _through(spans, kernel, given["stride"] or kernel, given["padding"], given.get("dilation", 1))
        if name == "constant_pad_nd" and output.ndim == 4:
            before = (*given["pad"][2:3], 0)[0], given["pad"][0]
            return _through(spans, 1, 1, before, 1)
        if output.ndim == 4 and all(source.shape[-2:] == output.shape[-2:] for source in sources):
            return tuple(self._hull(axis, [self.known[id(source)][axis] for source in sources]) for axis in range(2))
        return self.everything

    def _hull(self, axis: int, spans: list[_Span]) -> _Span:
        """What an answer sees that comes from several branches."""
        if len({span.jump for span in spans}) > 1 or spans[0].jump == 0:
            return self.everything[axis]
        start, end = min(span.start for span in spans), max(span.start + span.size for span in spans)
        return _Span(end - start, spans[0].jump, start)


def _through(spans: tuple[_Span, ...], *settings: int | list[int]) -> tuple[_Span, ...]:
    return tuple(span.through(*setting) for span, *setting in zip(spans, *map(_pair, settings), strict=True))


def _pair(value: int | list[int]) -> Pair:
    """One number for both axes, a list of one, or a list of two."""
    return (value, value) if isinstance(value, int) else (value[0], value[-1])


def _as_field(spans: tuple[_Span, ...]) -> Field:
    return Field(*zip(*((span.size, span.jump, -span.start) for span in spans), strict=True))
