"""Lesson 05, what the filters see: the mistakes we expect, each with its hint, and right answers in other styles.

A mistake repeats one misunderstanding and is right in all else, so that the hint it carries fits the answers that it recognises
and no others.
"""

import contextlib
import copy
import functools
import math

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from filterlab.check.bank import mistake, right_answer
from filterlab.check.expectation import CHANGED_INPUT
from filterlab.check.references import visualizing as right

# --- to_display -------------------------------------------------------------------------------------------------------


def _largest(filters, per_filter):
    """The divisors of to_display, (n, 1, …), and the filters as floats."""
    filters = filters.double()
    magnitude = filters.abs().reshape(len(filters), -1)
    largest = magnitude.amax(1) if per_filter else magnitude.amax().repeat(len(filters))
    return filters, largest.reshape(-1, *[1] * (filters.ndim - 1))


def _displayed(filters, per_filter, divisor=None):
    floats, largest = _largest(filters, per_filter)
    largest = largest if divisor is None else divisor
    return 0.5 + 0.5 * floats / torch.where(largest == 0, 1, largest)


@mistake(
    right.to_display,
    "the weights are stretched from the smallest to the largest: then 0 is not grey. Divide by the largest magnitude.",
)
def display_stretched(filters, per_filter=False):
    floats, _ = _largest(filters, per_filter)
    rows = floats.reshape(len(floats), -1) if per_filter else floats.reshape(1, -1)
    low, high = rows.amin(1, keepdim=True), rows.amax(1, keepdim=True)
    return torch.where(high == low, 0.5, (rows - low) / torch.where(high == low, 1, high - low)).reshape(filters.shape)


@mistake(right.to_display, "negative weights are cut off: they are darker than grey, down to 0.")
def display_clipped(filters, per_filter=False):
    return _displayed(filters, per_filter).clamp(min=0.5)


@mistake(right.to_display, "the signs are gone: a negative weight is darker than grey, not brighter.")
def display_magnitudes(filters, per_filter=False):
    return (_displayed(filters, per_filter) - 0.5).abs() + 0.5


@mistake(right.to_display, "the signs are reversed: positive weights are brighter than grey.")
def display_reversed(filters, per_filter=False):
    return 1 - _displayed(filters, per_filter)


@mistake(right.to_display, "each filter has its own scale although per_filter is False: take the largest magnitude of all.")
def display_always_per_filter(filters, per_filter=False):
    return _displayed(filters, True)


@mistake(right.to_display, "per_filter=True makes no difference: each filter is to have its own scale then.")
def display_never_per_filter(filters, per_filter=False):
    return _displayed(filters, False)


@mistake(right.to_display, "True and False are exchanged: per_filter=True gives each filter its own scale.")
def display_opposite(filters, per_filter=False):
    return _displayed(filters, not per_filter)


@mistake(right.to_display, "0 divided by 0 is NaN: where the largest magnitude is 0, everything is 0.5.")
def display_nan(filters, per_filter=False):
    floats, largest = _largest(filters, per_filter)
    return 0.5 + 0.5 * floats / largest


@mistake(right.to_display, "zeros become 0 (black): where the largest magnitude is 0, everything is 0.5, grey.")
def display_zeros_black(filters, per_filter=False):
    floats, largest = _largest(filters, per_filter)
    return (0.5 + 0.5 * floats / largest).nan_to_num(0)


@mistake(
    right.to_display,
    "the divisor is the largest weight: a negative one may be larger in magnitude, so take the largest of the absolute values.",
)
def display_by_maximum(filters, per_filter=False):
    floats, _ = _largest(filters, per_filter)
    rows = floats.reshape(len(floats), -1)
    largest = rows.amax(1) if per_filter else rows.amax().repeat(len(floats))
    return _displayed(filters, per_filter, largest.reshape(-1, *[1] * (filters.ndim - 1)))


@mistake(
    right.to_display,
    "the scale is one for each slice of a filter, or each row: with per_filter=True there is one for each entry of the first axis.",
)
def display_per_slice(filters, per_filter=False):
    if not per_filter or filters.ndim < 2:
        return _displayed(filters, per_filter)
    return _displayed(filters, per_filter, filters.double().abs().amax(-1, keepdim=True))


@mistake(right.to_display, "`filters` may have any number of axes, not just four: `flatten(1)` brings all but the first into one.")
def display_of_four_axes(filters, per_filter=False):
    _, _, _, _ = filters.shape
    return _displayed(filters, per_filter)


@mistake(right.to_display, "whole numbers (uint8) wrap around: 200 + 255 is 199 there. Turn them into floats first.")
def display_wraps(filters, per_filter=False):
    if filters.dtype != torch.uint8:
        return _displayed(filters, per_filter)
    largest = _largest(filters, per_filter)[1]
    shifted = filters + largest.to(torch.uint8)
    return torch.where(largest == 0, 0.5, shifted / torch.where(largest == 0, 1, 2 * largest))


@mistake(right.to_display, "nothing is scaled: divide by the largest magnitude, so that it becomes 0 or 1.")
def display_unscaled(filters, per_filter=False):
    return 0.5 + 0.5 * filters.double()


@mistake(right.to_display, "the weights lie between -1 and 1 now: halve them and add 0.5.")
def display_signed(filters, per_filter=False):
    return 2 * _displayed(filters, per_filter) - 1


@mistake(right.to_display, "the scale is not linear: a weight twice as large lies twice as far from grey.")
def display_sigmoid(filters, per_filter=False):
    return torch.sigmoid(filters.double())


@mistake(right.to_display, "the values run up to 255: a picture of floats lies between 0 and 1.")
def display_of_bytes(filters, per_filter=False):
    return 255 * _displayed(filters, per_filter)


@mistake(right.to_display, CHANGED_INPUT)
def display_in_place(filters, per_filter=False):
    result = _displayed(filters, per_filter)
    filters.mul_(2)
    return result


@right_answer(right.to_display)
def display_by_loop(filters, per_filter=False):
    filters = filters.detach().clone().to(torch.float32)
    groups = list(filters) if per_filter else [filters]
    shown = []
    for group in groups:
        m = group.abs().max().item()
        shown.append(torch.full_like(group, 0.5) if m == 0 else (group / m + 1) / 2)
    return torch.stack(shown) if per_filter else shown[0]


@right_answer(right.to_display)
def display_with_eps(filters, per_filter=False):
    filters = filters * 1.0
    axes = tuple(range(1, filters.dim()))
    m = filters.abs()
    if not per_filter:
        m = m.max()
    elif axes:
        m = m.amax(dim=axes, keepdim=True)
    return filters / (2 * m.clamp(min=1e-12)) + 0.5


@right_answer(right.to_display)
def display_nan_to_grey(filters, per_filter=False):
    x = filters.float()
    m = torch.stack([one.abs().max() for one in x]).view(-1, *([1] * (x.dim() - 1))) if per_filter else x.abs().max()
    return torch.nan_to_num((x + m) / (2 * m), nan=0.5)


@right_answer(right.to_display)
def display_through_numpy(filters, per_filter=False):
    array = filters.numpy().astype(float)
    high = np.maximum(array, -array)
    scale = high.reshape(len(array), -1).max(axis=1).reshape((-1,) + (1,) * (array.ndim - 1)) if per_filter else high.max()
    with np.errstate(all="ignore"):
        return torch.from_numpy(np.where(scale > 0, 0.5 + array / scale / 2, 0.5))


# --- filter_grid ------------------------------------------------------------------------------------------------------


def _grid(filters, columns, gap=1, colour=1.0, unused=1.0, tiles=None, place=divmod):
    """A right grid, with other colours, tiles or places: place(number, columns) gives row and column."""
    n, _, k, _ = filters.shape
    rows = math.ceil(n / columns)
    grid = torch.full((rows * (k + gap) + gap, columns * (k + gap) + gap, 3), colour)
    tiles = list(right.to_display(filters) if tiles is None else tiles)
    for number in range(rows * columns):
        row, column = place(number, columns)
        top, left = row * (k + gap) + gap, column * (k + gap) + gap
        grid[top : top + k, left : left + k] = tiles[number].permute(1, 2, 0) if number < n else unused
    return grid


@mistake(right.filter_grid, "the filters run down the columns: the second stands to the right of the first.")
def grid_by_columns(filters, columns, gap=1):
    rows = math.ceil(len(filters) / columns)
    return _grid(filters, columns, gap, place=lambda number, columns: (number % rows, number // rows))


@mistake(right.filter_grid, "the gap around the outside is missing: it runs between the filters and all around.")
def grid_without_border(filters, columns, gap=1):
    grid = _grid(filters, columns, gap)
    return grid[gap : len(grid) - gap, gap : grid.shape[1] - gap]


@mistake(right.filter_grid, "the gap below and on the right is missing: it runs all around.")
def grid_without_end(filters, columns, gap=1):
    grid = _grid(filters, columns, gap)
    return grid[: len(grid) - gap, : grid.shape[1] - gap]


@mistake(right.filter_grid, "the gaps and unused places are grey: they are white, 1.0.")
def grid_grey(filters, columns, gap=1):
    return _grid(filters, columns, gap, colour=0.5, unused=0.5)


@mistake(right.filter_grid, "the gaps and unused places are black: they are white, 1.0. Start from torch.ones.")
def grid_black(filters, columns, gap=1):
    return _grid(filters, columns, gap, colour=0.0, unused=0.0)


@mistake(right.filter_grid, "unused places are grey, as filters of zeros are: leave them white.")
def grid_filled_up(filters, columns, gap=1):
    return _grid(filters, columns, gap, unused=0.5)


@mistake(right.filter_grid, "unused places are black: leave them white.")
def grid_padded(filters, columns, gap=1):
    return _grid(filters, columns, gap, unused=0.0)


@mistake(right.filter_grid, "each filter has its own scale: here they share one, so that weak filters look weak.")
def grid_per_filter(filters, columns, gap=1):
    return _grid(filters, columns, gap, tiles=right.to_display(filters, True))


@mistake(right.filter_grid, "the weights are not brought to [0, 1]: call your to_display first.")
def grid_of_weights(filters, columns, gap=1):
    return _grid(filters, columns, gap, tiles=filters.float())


@mistake(right.filter_grid, "the weights are stretched from the smallest to the largest: then 0 is not grey. Use your to_display.")
def grid_stretched(filters, columns, gap=1):
    return _grid(filters, columns, gap, tiles=((filters - filters.min()) / (filters.max() - filters.min())).float())


@mistake(right.filter_grid, "the colours stand first: `imshow` wants them last, (height, width, 3).")
def grid_channels_first(filters, columns, gap=1):
    return _grid(filters, columns, gap).permute(2, 0, 1)


@mistake(right.filter_grid, "rows and columns of each filter are exchanged: permute(1, 2, 0) moves the channels and nothing else.")
def grid_transposed(filters, columns, gap=1):
    return _grid(filters.transpose(2, 3), columns, gap)


@mistake(right.filter_grid, "the numbers of a filter are only cut anew, which mixes the colours: move the axis with permute, not reshape.")
def grid_reshaped(filters, columns, gap=1):
    k = filters.shape[2]
    return _grid(filters, columns, gap, tiles=[one.reshape(k, k, 3).permute(2, 0, 1) for one in right.to_display(filters)])


@mistake(right.filter_grid, "red and blue are exchanged: keep the order of the channels.")
def grid_bgr(filters, columns, gap=1):
    return _grid(filters.flip(1), columns, gap)


@mistake(right.filter_grid, "the last row is missing where it is not full: the number of rows is rounded up.")
def grid_floored(filters, columns, gap=1):
    return _grid(filters[: max(len(filters) // columns, 1) * columns], columns, gap, tiles=right.to_display(filters))


@mistake(right.filter_grid, "where the last row is full, an empty row follows: n // columns + 1 is one too many then.")
def grid_row_too_many(filters, columns, gap=1):
    grid = _grid(filters, columns, gap)
    return grid if len(filters) % columns else torch.cat([grid, torch.ones(filters.shape[2] + gap, *grid.shape[1:])])


@mistake(right.filter_grid, "`columns` is taken for the number of rows: it says how many filters stand side by side.")
def grid_of_rows(filters, columns, gap=1):
    return _grid(filters, math.ceil(len(filters) / columns), gap)


@mistake(right.filter_grid, "the gap is always 1 pixel: use the one that is given.")
def grid_fixed_gap(filters, columns, gap=1):
    return _grid(filters, columns)


@mistake(right.filter_grid, "with fewer filters than columns, the picture gets narrower: it is always `columns` wide.")
def grid_shrinks(filters, columns, gap=1):
    return _grid(filters, min(columns, len(filters)), gap)


@right_answer(right.filter_grid)
def grid_of_slices(filters, columns, gap=1):
    shown = display_by_loop(filters)
    k = shown.shape[-1]
    rows = -(-shown.shape[0] // columns)
    grid = torch.full([rows * (k + gap) + gap, columns * (k + gap) + gap, 3], 1.0)
    i = 0
    for r in range(rows):
        for c in range(columns):
            if i < len(shown):
                y, x = gap + r * (k + gap), gap + c * (k + gap)
                for channel in range(3):
                    grid[y : y + k, x : x + k, channel] = shown[i, channel]
            i += 1
    return grid


@right_answer(right.filter_grid)
def grid_joined(filters, columns, gap=1):
    tiles = F.pad(display_with_eps(filters), (gap, 0, gap, 0), value=1.0)
    missing = -len(tiles) % columns
    tiles = torch.cat([tiles, torch.ones(missing, *tiles.shape[1:])])
    rows = [torch.cat(list(row), dim=2) for row in tiles.split(columns)]
    return F.pad(torch.cat(rows, dim=1), (0, gap, 0, gap), value=1.0).permute(1, 2, 0)


@right_answer(right.filter_grid)
def grid_folded(filters, columns, gap=1):
    n, c, k, _ = filters.shape
    rows = (n + columns - 1) // columns
    m = filters.abs().max()
    tiles = torch.ones(rows * columns, c, k + gap, k + gap, dtype=torch.float64)
    tiles[:n, :, gap:, gap:] = 0.5 + (filters / m if m > 0 else filters) / 2
    inner = tiles.view(rows, columns, c, k + gap, k + gap).permute(0, 3, 1, 4, 2).reshape(rows * (k + gap), columns * (k + gap), c)
    grid = torch.ones(inner.shape[0] + gap, inner.shape[1] + gap, c, dtype=torch.float64)
    grid[: inner.shape[0], : inner.shape[1]] = inner
    return grid


@right_answer(right.filter_grid)
def grid_through_numpy(filters, columns, gap=1):
    tiles = np.moveaxis(display_through_numpy(filters).numpy(), 1, -1)
    k, canvas = tiles.shape[1], []
    for start in range(0, len(tiles), columns):
        line = [np.ones((k, gap, 3))]
        for tile in tiles[start : start + columns]:
            line += [tile, np.ones((k, gap, 3))]
        line = np.concatenate(line, axis=1)
        width = columns * (k + gap) + gap
        line = np.concatenate([line, np.ones((k, width - line.shape[1], 3))], axis=1)
        canvas += [np.ones((gap, width, 3)), line]
    return torch.from_numpy(np.concatenate([*canvas, np.ones((gap, width, 3))])).float()


# --- feature_maps -----------------------------------------------------------------------------------------------------


def _listen(model, layer, x, keep=lambda output: output.detach().clone()):
    """The outputs of a layer in one run, each as `keep` keeps it."""
    modules, kept = dict(model.named_modules()), []
    if layer not in modules:
        raise ValueError(f"layer={layer!r}")
    handle = modules[layer].register_forward_hook(lambda module, inputs, output: kept.append(keep(output)))
    try:
        model(x)
    finally:
        handle.remove()
    return kept


# Of a run that stops with an error both tell the same: the first one stands for it.
@mistake(right.feature_maps, "when the model stops with an error, the hook stays behind: remove it in a `finally`.")
def maps_hook_stays_after_an_error(model, layer, x):
    kept = []
    if layer not in dict(model.named_modules()):
        raise ValueError(layer)
    handle = model.get_submodule(layer).register_forward_hook(lambda module, inputs, output: kept.append(output.detach().clone()))
    model(x)
    handle.remove()
    return kept[-1]


@mistake(right.feature_maps, "the hook stays behind: `handle.remove()` when you have the maps.")
def maps_hook_stays(model, layer, x):
    kept = []
    if layer not in dict(model.named_modules()):
        raise ValueError(layer)
    model.get_submodule(layer).register_forward_hook(lambda module, inputs, output: kept.append(output.detach().clone()))
    model(x)
    return kept[-1]


@mistake(right.feature_maps, "the model's error is swallowed: remove the hook and let the error go on (try … finally, without except).")
def maps_swallow_the_error(model, layer, x):
    try:
        return right.feature_maps(model, layer, x)
    except RuntimeError:
        return None


@mistake(right.feature_maps, "the maps still ask for gradients and keep the model's graph alive: `.detach()` them.")
def maps_with_gradients(model, layer, x):
    return _listen(model, layer, x, lambda output: output.clone())[-1]


@mistake(
    right.feature_maps,
    "these are the maps as something later left them: `.detach()` is a window onto memory that an in-place ReLU changes. "
    "Clone in the hook.",
)
def maps_by_window(model, layer, x):
    return _listen(model, layer, x, lambda output: output.detach())[-1].clone()


@mistake(right.feature_maps, "these are the maps of the layer's first run: the last one counts.")
def maps_of_the_first_run(model, layer, x):
    return _listen(model, layer, x)[0]


@mistake(right.feature_maps, "the maps of all runs are joined: the last one alone counts.")
def maps_of_all_runs(model, layer, x):
    return torch.cat(_listen(model, layer, x))


@mistake(right.feature_maps, "the model ends in eval mode: leave the mode as it is.")
def maps_switch_to_eval(model, layer, x):
    result = right.feature_maps(model, layer, x)
    model.eval()
    return result


@mistake(right.feature_maps, "the model ends in training mode: leave the mode as it is.")
def maps_switch_to_train(model, layer, x):
    result = right.feature_maps(model, layer, x)
    model.train()
    return result


@mistake(
    right.feature_maps, "the model runs in training mode, whatever mode it was in: batch norm then uses, and changes, other statistics."
)
def maps_in_training_mode(model, layer, x):
    mode = model.training
    model.train()
    try:
        return right.feature_maps(model, layer, x)
    finally:
        model.train(mode)


@mistake(right.feature_maps, "an unknown name leads to another error: look whether the name is there, and `raise ValueError(…)`.")
def maps_key_error(model, layer, x):
    if layer not in dict(model.named_modules()):
        raise KeyError(layer)
    return right.feature_maps(model, layer, x)


@mistake(
    right.feature_maps,
    "for an unknown name, model.get_submodule raises an AttributeError: catch it, or look first, and `raise ValueError(…)`.",
)
def maps_attribute_error(model, layer, x):
    if layer not in dict(model.named_modules()):
        raise AttributeError(layer)
    return right.feature_maps(model, layer, x)


@mistake(right.feature_maps, "an unknown name gives None: raise ValueError.")
def maps_none(model, layer, x):
    return right.feature_maps(model, layer, x) if layer in dict(model.named_modules()) else None


@mistake(right.feature_maps, "an unknown name gives what the model itself gives: raise ValueError.")
def maps_of_the_model(model, layer, x):
    return right.feature_maps(model, layer if layer in dict(model.named_modules()) else "", x)


@mistake(
    right.feature_maps,
    "names with dots are not found: model.named_children() stops at the first level, model.named_modules() goes into the blocks.",
)
def maps_of_children(model, layer, x):
    if layer not in dict(model.named_children()):
        raise ValueError(layer)
    return right.feature_maps(model, layer, x)


@mistake(right.feature_maps, "part of a name is enough for you: compare whole names (==).")
def maps_of_part_of_a_name(model, layer, x):
    found = [name for name, _ in model.named_modules() if name and (name.startswith(layer) or name.endswith(layer))]
    return right.feature_maps(model, layer if layer in found else found[0] if found else layer, x)


@mistake(right.feature_maps, "these are the layer's inputs: a forward hook gets (module, inputs, output).")
def maps_of_inputs(model, layer, x):
    given = []
    if layer not in dict(model.named_modules()):
        raise ValueError(layer)
    handle = model.get_submodule(layer).register_forward_hook(lambda module, inputs, output: given.append(inputs[0].detach().clone()))
    try:
        model(x)
    finally:
        handle.remove()
    return given[-1]


@mistake(right.feature_maps, "the maps went through a ReLU: give them as the layer gave them, negative numbers and all.")
def maps_after_relu(model, layer, x):
    return right.feature_maps(model, layer, x).relu()


@mistake(right.feature_maps, "these are the maps of the first picture: give those of all.")
def maps_of_the_first_picture(model, layer, x):
    return right.feature_maps(model, layer, x)[0]


@mistake(right.feature_maps, "this is a NumPy array: give a tensor.")
def maps_as_array(model, layer, x):
    return right.feature_maps(model, layer, x).numpy()


@mistake(right.feature_maps, CHANGED_INPUT)
def maps_change_input(model, layer, x):
    result = right.feature_maps(model, layer, x)
    x *= 2
    return result


@right_answer(right.feature_maps)
def maps_with_dict(model, layer, x):
    if layer not in [name for name, _ in model.named_modules()]:
        raise ValueError(f"no layer {layer}")
    store = {}

    def hook(module, args, output):
        store["maps"] = output.detach().clone()

    handle = model.get_submodule(layer).register_forward_hook(hook)
    try:
        with torch.no_grad():
            model(x)
        return store["maps"]
    finally:
        handle.remove()


@right_answer(right.feature_maps)
def maps_of_a_copy(model, layer, x):
    try:
        module = copy.deepcopy(model)
        part = module.get_submodule(layer)
    except AttributeError as error:
        raise ValueError(str(error)) from error
    result = []
    part.register_forward_hook(lambda m, i, o: result.insert(0, torch.tensor(o.detach().numpy().copy())))
    module(x)
    return result[0]


@right_answer(right.feature_maps)
def maps_by_steps(model, layer, x):
    module = model
    for name in layer.split("."):
        children = dict(module.named_children())
        if name not in children:
            raise ValueError(f"{layer!r}: there is no {name!r}")
        module = children[name]
    maps = None

    def remember(_module, _inputs, output):
        nonlocal maps
        maps = output.clone().detach()

    with contextlib.ExitStack() as stack:
        stack.callback(module.register_forward_hook(remember).remove)
        model(x)
    return maps


@right_answer(right.feature_maps)
def maps_by_own_forward(model, layer, x):
    part = next((module for name, module in model.named_modules() if name == layer), None)
    if part is None:
        raise ValueError(layer)
    outputs, original = [], part.forward

    def forward(*args, **kwargs):
        output = original(*args, **kwargs)
        outputs.append(output.detach() + 0)
        return output

    part.forward = forward
    try:
        with torch.inference_mode():
            model(x)
    finally:
        del part.forward
    return outputs[-1].clone()


@right_answer(right.feature_maps)
def maps_by_global_hook(model, layer, x):
    parts = {module: name for name, module in model.named_modules()}
    if layer not in parts.values():
        raise ValueError(layer)
    seen = {}

    def hook(module, inputs, output):
        seen[parts.get(module)] = output.detach().clone()

    handle = nn.modules.module.register_module_forward_hook(hook)
    try:
        model(x)
    finally:
        handle.remove()
    return seen[layer]


# --- top_patches ------------------------------------------------------------------------------------------------------


def _places(maps, channel, k):
    """(picture, row, column) of the k largest values, largest first."""
    of_channel = maps[:, channel]
    return torch.stack(torch.unravel_index(of_channel.flatten().topk(k).indices, of_channel.shape), dim=1).tolist()


def _patches(images, places, size, stride=1, padding=0, mode="constant"):
    """The windows at these places, cut off by nothing: beyond the padding are zeros."""
    images = images.float()
    padded = F.pad(F.pad(images, [padding] * 4, mode=mode) if padding else images, (size * 20,) * 4)
    corners = [(n, row * stride + size * 20, column * stride + size * 20) for n, row, column in places]
    return torch.stack([padded[n, :, top : top + size, left : left + size] for n, top, left in corners])


@mistake(right.top_patches, "the stride is left out: a step of one in the map is a step of `stride` pixels in the picture.")
def patches_without_stride(maps, images, channel, k, size, stride=1, padding=0):
    return _patches(images, _places(maps, channel, k), size, 1, padding)


@mistake(right.top_patches, "the padding is left out, so the windows lie too far down and to the right: pad the images first.")
def patches_without_padding(maps, images, channel, k, size, stride=1, padding=0):
    return _patches(images, _places(maps, channel, k), size, stride)


@mistake(right.top_patches, "the padding is taken off before the stride is applied: the corner is place · stride - padding.")
def patches_padding_times_stride(maps, images, channel, k, size, stride=1, padding=0):
    places = [(n, row - padding, column - padding) for n, row, column in _places(maps, channel, k)]
    return _patches(images, places, size, stride)


@mistake(right.top_patches, "windows at the border are pushed into the picture: where they reach into the padding, show its zeros.")
def patches_pushed_inside(maps, images, channel, k, size, stride=1, padding=0):
    height, width = images.shape[2:]
    places = [
        (n, min(max(row * stride - padding, 0), height - size), min(max(column * stride - padding, 0), width - size))
        for n, row, column in _places(maps, channel, k)
    ]
    return _patches(images, places, size)


@mistake(right.top_patches, "the images are padded with copies of their border: the layer's padding is zero.")
def patches_replicated(maps, images, channel, k, size, stride=1, padding=0):
    return _patches(images, _places(maps, channel, k), size, stride, padding, mode="replicate")


@mistake(right.top_patches, "rows and columns are exchanged: an index into a flattened map is row · width + column.")
def patches_swapped(maps, images, channel, k, size, stride=1, padding=0):
    places = [(n, column, row) for n, row, column in _places(maps, channel, k)]
    return _patches(images, places, size, stride, padding)


@mistake(right.top_patches, "the index is divided by the map's height: there are `width` values in each row.")
def patches_divided_by_height(maps, images, channel, k, size, stride=1, padding=0):
    height, width = maps.shape[2:]
    places = []
    for index in maps[:, channel].flatten().topk(k).indices.tolist():
        n, index = divmod(index, height * width)
        places.append((n, *divmod(index, height)))
    return _patches(images, places, size, stride, padding)


@mistake(right.top_patches, "the smallest value's window comes first: turn the order round.")
def patches_upside_down(maps, images, channel, k, size, stride=1, padding=0):
    return _patches(images, _places(maps, channel, k)[::-1], size, stride, padding)


@mistake(right.top_patches, "these are the windows of the smallest values: the largest are meant.")
def patches_of_the_smallest(maps, images, channel, k, size, stride=1, padding=0):
    return _patches(images, _places(-maps, channel, k), size, stride, padding)


@mistake(right.top_patches, "the largest magnitudes are taken, negative ones too: a filter is excited by what gives large positive values.")
def patches_of_magnitudes(maps, images, channel, k, size, stride=1, padding=0):
    return _patches(images, _places(maps.abs(), channel, k), size, stride, padding)


@mistake(right.top_patches, "only the first picture is searched: the largest values of all pictures count.")
def patches_of_the_first_picture(maps, images, channel, k, size, stride=1, padding=0):
    k = min(k, maps[0, 0].numel())
    return _patches(images, _places(maps[:1], channel, k), size, stride, padding)


@mistake(right.top_patches, "each picture gives no more than its one best window: one picture may hold several of the k largest values.")
def patches_one_for_each_picture(maps, images, channel, k, size, stride=1, padding=0):
    best = [_places(maps[n : n + 1], channel, 1)[0] for n in range(len(maps))]
    places = sorted(((n, *place[1:]) for n, place in enumerate(best)), key=lambda place: -maps[place[0], channel, place[1], place[2]])
    return _patches(images, places[:k], size, stride, padding)


@mistake(right.top_patches, "the largest values of all channels are taken: `channel` alone counts.")
def patches_of_all_channels(maps, images, channel, k, size, stride=1, padding=0):
    indices = maps.flatten().topk(k).indices
    places = torch.stack(torch.unravel_index(indices, maps.shape), dim=1)[:, [0, 2, 3]].tolist()
    return _patches(images, places, size, stride, padding)


@mistake(right.top_patches, "the first channel is taken, whatever `channel` is.")
def patches_of_the_first_channel(maps, images, channel, k, size, stride=1, padding=0):
    return _patches(images, _places(maps, 0, k), size, stride, padding)


@mistake(right.top_patches, "the place in the map is taken for the window's centre: it is its upper left corner in the padded picture.")
def patches_centred(maps, images, channel, k, size, stride=1, padding=0):
    places = [(n, row * stride - size // 2, column * stride - size // 2) for n, row, column in _places(maps, channel, k)]
    return _patches(images, places, size)


@mistake(right.top_patches, "the patches are brought to 0…1: they stay as they are, 0 to 255 in pictures of whole numbers.")
def patches_divided(maps, images, channel, k, size, stride=1, padding=0):
    unit = images.float() / 255 if images.dtype == torch.uint8 else images
    return _patches(unit, _places(maps, channel, k), size, stride, padding)


@mistake(right.top_patches, "all patches stand in one row of numbers each: give them as pictures, (k, c, size, size).")
def patches_flat(maps, images, channel, k, size, stride=1, padding=0):
    return right.top_patches(maps, images, channel, k, size, stride, padding).flatten(1)


@mistake(right.top_patches, "rows and columns of each patch are exchanged.")
def patches_transposed(maps, images, channel, k, size, stride=1, padding=0):
    return right.top_patches(maps, images, channel, k, size, stride, padding).transpose(2, 3)


@right_answer(right.top_patches)
def patches_unfolded(maps, images, channel, k, size, stride=1, padding=0):
    c = images.shape[1]
    windows = F.unfold(images.float(), size, stride=stride, padding=padding)  # (n, c·size·size, places)
    windows = windows.transpose(1, 2).reshape(-1, c, size, size)
    order = maps[:, channel].reshape(-1).argsort(descending=True)
    return windows[order[:k]]


@right_answer(right.top_patches)
def patches_of_views(maps, images, channel, k, size, stride=1, padding=0):
    padded = nn.ZeroPad2d(padding)(images)
    windows = padded.unfold(2, size, stride).unfold(3, size, stride)  # (n, c, rows, columns, size, size)
    _, index = torch.topk(maps[:, channel].flatten(), k)
    n, row, column = torch.unravel_index(index, maps[:, channel].shape)
    return windows[n, :, row, column]


@right_answer(right.top_patches)
def patches_sorted(maps, images, channel, k, size, stride=1, padding=0):
    n, _, height, width = maps.shape
    scored = [(maps[i, channel, r, c].item(), i, r, c) for i in range(n) for r in range(height) for c in range(width)]
    scored.sort(reverse=True)
    c, h, w = images.shape[1:]
    result = torch.zeros(k, c, size, size)
    for patch, (_, i, row, column) in zip(result, scored, strict=False):
        for y in range(size):
            for x in range(size):
                top, left = row * stride - padding + y, column * stride - padding + x
                if 0 <= top < h and 0 <= left < w:
                    patch[:, y, x] = images[i, :, top, left]
    return result


@right_answer(right.top_patches)
def patches_of_numpy(maps, images, channel, k, size, stride=1, padding=0):
    values = maps[:, channel].numpy()
    places = np.argsort(-values, axis=None)[:k]
    padded = np.pad(images.numpy(), ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    patches = []
    for n, row, column in zip(*np.unravel_index(places, values.shape), strict=True):
        patches.append(padded[n][:, row * stride :, column * stride :][:, :size, :size])
    return torch.tensor(np.array(patches))


# --- saliency ---------------------------------------------------------------------------------------------------------


def _gradient(model, x, score):
    """The gradient by x of what score makes of the logits."""
    x = x.detach().clone().requires_grad_()
    return torch.autograd.grad(score(model(x)).sum(), x)[0]


def _of_label(label, logits):
    return logits[torch.arange(len(logits)), label]


def _saliency(model, x, label, score=lambda logits: logits):
    return _gradient(model, x, lambda logits: _of_label(label, score(logits)))


@mistake(right.saliency, "the magnitudes of the channels are added: take the largest.")
def saliency_summed(model, x, label):
    return _saliency(model, x, label).abs().sum(dim=1)


@mistake(right.saliency, "the magnitudes of the channels are averaged: take the largest.")
def saliency_averaged(model, x, label):
    return _saliency(model, x, label).abs().mean(dim=1)


@mistake(right.saliency, "the largest signed gradient is taken: a large negative one matters as much, so take magnitudes first.")
def saliency_signed(model, x, label):
    return _saliency(model, x, label).amax(dim=1)


@mistake(right.saliency, "the gradient of the largest magnitude still has its sign: the magnitude alone is asked for.")
def saliency_keeps_sign(model, x, label):
    gradient = _saliency(model, x, label)
    return gradient.gather(1, gradient.abs().argmax(dim=1, keepdim=True))[:, 0]


@mistake(right.saliency, "the magnitude is taken of the largest signed gradient: take magnitudes first, then the largest.")
def saliency_abs_too_late(model, x, label):
    return _saliency(model, x, label).amax(dim=1).abs()


@mistake(right.saliency, "the channels are kept apart: take the largest magnitude over them (dim=1).")
def saliency_per_channel(model, x, label):
    return _saliency(model, x, label).abs()


@mistake(right.saliency, "the channels' Euclidean length is taken: the largest magnitude is asked for.")
def saliency_length(model, x, label):
    return _saliency(model, x, label).norm(dim=1)


@mistake(right.saliency, "the gradients are squared: magnitudes are asked for.")
def saliency_squared(model, x, label):
    return _saliency(model, x, label).square().amax(dim=1)


@mistake(right.saliency, "the gradient goes through all logits: take the label's alone.")
def saliency_of_all_logits(model, x, label):
    return _gradient(model, x, lambda logits: logits).abs().amax(dim=1)


@mistake(right.saliency, "this is the gradient of a probability: take the logit, without softmax.")
def saliency_after_softmax(model, x, label):
    return _saliency(model, x, label, lambda logits: logits.softmax(dim=1)).abs().amax(dim=1)


@mistake(right.saliency, "this is the gradient of a log-probability or of the cross-entropy: take the logit itself.")
def saliency_of_the_loss(model, x, label):
    return _saliency(model, x, label, lambda logits: logits.log_softmax(dim=1)).abs().amax(dim=1)


@mistake(right.saliency, "this is the gradient of the largest logit: the label's is asked for, also where it is not the largest.")
def saliency_of_the_winner(model, x, label):
    return _gradient(model, x, lambda logits: logits.amax(dim=1)).abs().amax(dim=1)


@mistake(right.saliency, "all pictures get the first one's label: with one label for each, each has its own logit.")
def saliency_of_the_first_label(model, x, label):
    return right.saliency(model, x, int(torch.as_tensor(label).reshape(-1)[0]))


@mistake(
    right.saliency,
    "every picture gets the logits of all labels: logits[:, label] is a whole block, logits[torch.arange(n), label] one for each.",
)
def saliency_of_all_labels(model, x, label):
    return _gradient(model, x, lambda logits: logits[:, label]).abs().amax(dim=1)


@mistake(right.saliency, "only the first picture's logit is differentiated: the other pictures get a map of zeros.")
def saliency_of_the_first_picture(model, x, label):
    return _gradient(model, x, lambda logits: _of_label(label, logits)[0]).abs().amax(dim=1)


@mistake(right.saliency, "the mean over the pictures is differentiated, which makes every gradient smaller: take the sum.")
def saliency_of_the_mean(model, x, label):
    return right.saliency(model, x, label) / len(x)


@mistake(right.saliency, "the maps are stretched to 1: give the magnitudes as they are.")
def saliency_normalised(model, x, label):
    maps = right.saliency(model, x, label)
    return maps / maps.amax(dim=(1, 2), keepdim=True)


@mistake(right.saliency, "the gradient is multiplied by the picture, which is another method: the gradient alone is asked for.")
def saliency_times_input(model, x, label):
    return (_saliency(model, x, label) * x).abs().amax(dim=1)


@mistake(
    right.saliency,
    "backward() leaves gradients in the weights' .grad: torch.autograd.grad(…, x) gives that of the picture alone.",
)
def saliency_leaves_gradients(model, x, label):
    x = x.clone().requires_grad_()
    _of_label(label, model(x)).sum().backward()
    return x.grad.abs().amax(dim=1)


@mistake(
    right.saliency,
    "the weights' .grad is wiped out: it may hold what somebody needs. With torch.autograd.grad(…, x) there is nothing to wipe.",
)
def saliency_wipes_gradients(model, x, label):
    result = right.saliency(model, x, label)
    model.zero_grad()
    return result


@mistake(right.saliency, "the weights are frozen by this: leave requires_grad as it is.")
def saliency_freezes(model, x, label):
    model.requires_grad_(False)
    return right.saliency(model, x, label)


@mistake(right.saliency, "the model is in training mode afterwards: leave it in eval mode.")
def saliency_switches_mode(model, x, label):
    result = right.saliency(model, x, label)
    model.train()
    return result


@mistake(right.saliency, CHANGED_INPUT)
def saliency_in_place(model, x, label):
    x.requires_grad_()
    return torch.autograd.grad(_of_label(label, model(x)).sum(), x)[0].abs().amax(dim=1)


@right_answer(right.saliency)
def saliency_by_picture(model, x, label):
    labels = [int(label)] * len(x) if isinstance(label, int) else label.tolist()
    maps = []
    for picture, one in zip(x, labels, strict=True):
        picture = picture.detach().clone().requires_grad_(True)
        logit = model(picture.unsqueeze(0))[0, one]
        maps.append(torch.autograd.grad(logit, picture)[0].abs().max(dim=0).values)
    return torch.stack(maps)


@right_answer(right.saliency)
def saliency_of_a_copy(model, x, label):
    model = copy.deepcopy(model).eval()
    x = torch.tensor(x.numpy(), requires_grad=True)
    logits = model(x)
    if isinstance(label, int):
        logits[:, label].sum().backward()
    else:
        logits[range(len(x)), label].sum().backward()
    return x.grad.abs().max(1)[0]


@right_answer(right.saliency)
def saliency_by_one_hot(model, x, label):
    inputs = x.clone()
    inputs.requires_grad = True
    logits = model(inputs)
    weights = torch.zeros_like(logits)
    weights[torch.arange(len(x)), label] = 1.0
    (gradient,) = torch.autograd.grad(logits, inputs, grad_outputs=weights)
    return torch.maximum(gradient.amax(1), -gradient.amin(1))


@right_answer(right.saliency)
def saliency_by_jacobian(model, x, label):
    labels = torch.full((len(x),), label) if isinstance(label, int) else label
    weights = {name: value.detach() for name, value in model.state_dict().items()}

    def score(picture, one):
        return torch.func.functional_call(model, weights, (picture[None],))[0, one]

    maps = [torch.autograd.functional.jacobian(functools.partial(score, one=one), picture) for picture, one in zip(x, labels, strict=True)]
    return torch.stack(maps).abs().amax(-3)


# --- maximize_activation ----------------------------------------------------------------------------------------------


def _climb(model, layer, channel, shape, steps, lr, seed, *, score=None, clamp=True, start=None, restore=True, uphill=1):
    """A right picture, with other scores (of the layer's output), starts, or ends."""
    score = score or (lambda output: output[:, channel].mean())
    if start is None:
        start = torch.rand(shape, generator=torch.Generator().manual_seed(seed))
    image, kept, modes = start.requires_grad_(), [], {module: module.training for module in model.modules()}
    handle = model.get_submodule(layer).register_forward_hook(lambda module, inputs, output: kept.append(score(output)))
    model.eval()
    for _ in range(steps):
        model(image.reshape(-1, *shape[-3:]))
        gradient = torch.autograd.grad(kept.pop(), image)[0]
        with torch.no_grad():
            image += uphill * lr * gradient / (gradient.abs().max() + 1e-9)
            if clamp:
                image.clamp_(0, 1)
    handle.remove()
    for module, mode in modes.items() if restore else ():
        module.training = mode
    return image.detach()


@mistake(right.maximize_activation, "the picture goes downhill: optimizers minimise, so give them minus the activation.")
def paint_downhill(model, layer, channel, shape, steps=64, lr=0.1, seed=0):
    return _climb(model, layer, channel, shape, steps, lr, seed, uphill=-1)


@mistake(right.maximize_activation, "the picture is still the noise it began with: is it the pixels that the optimizer changes?")
def paint_noise(model, layer, channel, shape, steps=64, lr=0.1, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


@mistake(right.maximize_activation, "all channels are driven up together, which may press this one down: take output[:, channel].")
def paint_all_channels(model, layer, channel, shape, steps=64, lr=0.1, seed=0):
    return _climb(model, layer, channel, shape, steps, lr, seed, score=lambda output: output.mean())


@mistake(right.maximize_activation, "the first channel is driven up, whatever `channel` is.")
def paint_first_channel(model, layer, channel, shape, steps=64, lr=0.1, seed=0):
    return _climb(model, layer, 0, shape, steps, lr, seed)


@mistake(right.maximize_activation, "the next channel is driven up: channels count from 0.")
def paint_next_channel(model, layer, channel, shape, steps=64, lr=0.1, seed=0):
    return _climb(model, layer, (channel + 1) % 4, shape, steps, lr, seed)


@mistake(
    right.maximize_activation,
    "the first picture's channels are taken for all: output[channel] counts pictures, output[:, channel] channels.",
)
def paint_by_picture(model, layer, channel, shape, steps=64, lr=0.1, seed=0):
    return _climb(model, layer, channel, shape, steps, lr, seed, score=lambda output: output[channel % len(output)].sum())


@mistake(
    right.maximize_activation, "the model's scores are driven up, not the layer's channel: a forward hook catches what the layer gives."
)
def paint_for_the_model(model, layer, channel, shape, steps=64, lr=0.1, seed=0):
    return _climb(model, "head", channel, shape, steps, lr, seed)


@mistake(right.maximize_activation, "values leave the range: `clamp_(0, 1)` after each step.")
def paint_unclamped(model, layer, channel, shape, steps=64, lr=0.1, seed=0):
    return _climb(model, layer, channel, shape, steps, lr, seed, clamp=False)


@mistake(right.maximize_activation, "the batch axis that the model needs is still there: give the shape that was asked for.")
def paint_with_batch_axis(model, layer, channel, shape, steps=64, lr=0.1, seed=0):
    image = right.maximize_activation(model, layer, channel, shape, steps, lr, seed)
    return image[None] if len(shape) == 3 else image


@mistake(right.maximize_activation, "of several pictures only one is given: `shape` may be (n, c, h, w).")
def paint_one_of_many(model, layer, channel, shape, steps=64, lr=0.1, seed=0):
    return _climb(model, layer, channel, shape[-3:], steps, lr, seed)


@mistake(right.maximize_activation, "of several pictures only the first is driven up: take the mean over all of them.")
def paint_first_picture(model, layer, channel, shape, steps=64, lr=0.1, seed=0):
    return _climb(model, layer, channel, shape, steps, lr, seed, score=lambda output: output[0, channel].mean())


@mistake(
    right.maximize_activation,
    "the noise is drawn without the seed, so every call paints another picture: torch.Generator().manual_seed(seed).",
)
def paint_unseeded(model, layer, channel, shape, steps=64, lr=0.1, seed=0):
    return _climb(model, layer, channel, shape, steps, lr, seed, start=torch.rand(shape))


@mistake(right.maximize_activation, "the model stays in eval mode: put it back into the mode it came in.")
def paint_leaves_eval(model, layer, channel, shape, steps=64, lr=0.1, seed=0):
    return _climb(model, layer, channel, shape, steps, lr, seed, restore=False)


@mistake(right.maximize_activation, "the model is always in training mode afterwards: put it back into the mode it came in.")
def paint_leaves_train(model, layer, channel, shape, steps=64, lr=0.1, seed=0):
    image = right.maximize_activation(model, layer, channel, shape, steps, lr, seed)
    model.train()
    return image


@mistake(
    right.maximize_activation, "backward() leaves gradients in the weights' .grad: torch.autograd.grad(…, image) gives the picture's alone."
)
def paint_leaves_gradients(model, layer, channel, shape, steps=64, lr=0.1, seed=0):
    image = right.maximize_activation(model, layer, channel, shape, steps, lr, seed)
    for weight in model.parameters():
        weight.grad = torch.ones_like(weight) if weight.grad is None else weight.grad + 1
    return image


@mistake(
    right.maximize_activation,
    "the weights' .grad is wiped out: it may hold what somebody needs. With torch.autograd.grad(…, image) there is nothing to wipe.",
)
def paint_wipes_gradients(model, layer, channel, shape, steps=64, lr=0.1, seed=0):
    image = right.maximize_activation(model, layer, channel, shape, steps, lr, seed)
    model.zero_grad()
    return image


@mistake(right.maximize_activation, "the weights are frozen afterwards: leave requires_grad as it is, weight by weight.")
def paint_freezes(model, layer, channel, shape, steps=64, lr=0.1, seed=0):
    image = right.maximize_activation(model, layer, channel, shape, steps, lr, seed)
    model.requires_grad_(False)
    return image


@mistake(right.maximize_activation, "weights that were frozen can learn again: note requires_grad of each weight before you change it.")
def paint_thaws(model, layer, channel, shape, steps=64, lr=0.1, seed=0):
    image = right.maximize_activation(model, layer, channel, shape, steps, lr, seed)
    model.requires_grad_(True)
    return image


@mistake(right.maximize_activation, "the hook stays behind: `handle.remove()` in a `finally`.")
def paint_hook_stays(model, layer, channel, shape, steps=64, lr=0.1, seed=0):
    model.get_submodule(layer).register_forward_hook(lambda module, inputs, output: None)
    return right.maximize_activation(model, layer, channel, shape, steps, lr, seed)


@mistake(right.maximize_activation, "the weights are changed: give the optimizer the picture, not model.parameters().")
def paint_trains_the_model(model, layer, channel, shape, steps=64, lr=0.1, seed=0):
    image = right.maximize_activation(model, layer, channel, shape, steps, lr, seed)
    with torch.no_grad():
        for weight in model.parameters():
            weight += 0.01
    return image


@right_answer(right.maximize_activation)
def paint_with_adam(model, layer, channel, shape, steps=64, lr=0.1, seed=0):
    model = copy.deepcopy(model).eval()
    torch.manual_seed(seed)
    image = torch.rand(*shape, requires_grad=True)
    optimizer = torch.optim.Adam([image], lr=lr)
    found = {}
    dict(model.named_modules())[layer].register_forward_hook(lambda m, i, o: found.update(maps=o))
    for _ in range(steps):
        optimizer.zero_grad()
        model(image if len(shape) == 4 else image.unsqueeze(0))
        loss = -found["maps"][:, channel].mean()
        loss.backward()
        optimizer.step()
        image.data.clamp_(0, 1)
    return image.detach()


@right_answer(right.maximize_activation)
def paint_plainly(model, layer, channel, shape, steps=64, lr=0.1, seed=0):
    generator = torch.Generator()
    generator.manual_seed(seed)
    modes = [module.training for module in model.modules()]
    outputs = []
    handle = model.get_submodule(layer).register_forward_hook(lambda module, inputs, output: outputs.append(output))
    image = torch.rand(shape, generator=generator)
    try:
        model.eval()
        for _ in range(steps):
            image.requires_grad_(True)
            outputs.clear()
            model(image.view(-1, *shape[-3:]))
            (gradient,) = torch.autograd.grad(outputs[-1][:, channel].mean(), [image])
            image = (image.detach() + lr * gradient).clamp(0, 1)
    finally:
        handle.remove()
        for module, mode in zip(model.modules(), modes, strict=True):
            module.training = mode
    return image


@right_answer(right.maximize_activation)
def paint_smoothly(model, layer, channel, shape, steps=64, lr=0.1, seed=0):
    twin = copy.deepcopy(model)
    for weight in twin.parameters():
        weight.requires_grad_(False)
    twin.eval()
    rng = np.random.default_rng(seed)
    image = torch.tensor(0.5 + 0.01 * rng.normal(size=shape), dtype=torch.float32)
    for _ in range(steps):
        image.requires_grad_()
        batch = image if image.ndim == 4 else image[None]
        activation = _listen(twin, layer, batch, lambda output: output)[-1][:, channel].mean(dim=(1, 2)).sum()
        roughness = batch.diff(dim=2).square().mean() + batch.diff(dim=3).square().mean()
        (activation - 0.1 * roughness - 0.01 * (batch - 0.5).square().mean()).backward()
        step = lr * image.grad / (image.grad.norm() + 1e-8)
        image = (image.detach() + step).clamp(0.0, 1.0)
    return image


@right_answer(right.maximize_activation)
def paint_through_sigmoid(model, layer, channel, shape, steps=64, lr=0.1, seed=0):
    weights = {name: value.detach().clone() for name, value in model.state_dict().items()}
    twin = copy.deepcopy(model).eval()
    twin.load_state_dict(weights)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        logits = torch.randn(shape) * 0.1
    logits.requires_grad_()
    optimizer = torch.optim.SGD([logits], lr=lr, momentum=0.9, maximize=True)
    for _ in range(steps):
        picture = torch.sigmoid(logits)
        shifted = torch.roll(picture, shifts=1, dims=-1)
        maps = _listen(twin, layer, shifted.reshape(-1, *shape[-3:]), lambda output: output)
        optimizer.zero_grad()
        maps[-1][:, channel].mean().backward()
        optimizer.step()
    return torch.sigmoid(logits).detach()


@right_answer(right.maximize_activation)
def paint_from_black(model, layer, channel, shape, steps=64, lr=0.1, seed=0):
    before, modes = [weight.requires_grad for weight in model.parameters()], [module.training for module in model.modules()]
    image, kept = torch.zeros(shape), []
    handle = model.get_submodule(layer).register_forward_hook(lambda module, inputs, output: kept.append(output[:, channel].mean()))
    model.eval()
    model.requires_grad_(False)
    for _ in range(steps):
        image.requires_grad_()
        model(image.reshape(-1, *shape[-3:]))
        kept[-1].backward()
        image = (image + lr * image.grad.sign()).detach().clamp(0, 1)
    handle.remove()
    for weight, learning in zip(model.parameters(), before, strict=True):
        weight.requires_grad_(learning)
    for module, mode in zip(model.modules(), modes, strict=True):
        module.training = mode
    return image


# --- orientation ------------------------------------------------------------------------------------------------------


def _gradients(kernel):
    """Scharr's changes to the right and down, at each place of the kernel."""
    windows = np.lib.stride_tricks.sliding_window_view(np.asarray(kernel, dtype=float), (3, 3))
    scharr = np.array([[-3, 0, 3], [-10, 0, 10], [-3, 0, 3]])
    return (windows * scharr).sum(axis=(2, 3)), (windows * scharr.T).sum(axis=(2, 3))


def _double(gx, gy):
    """The doubled angle, in radians."""
    return math.atan2(2 * (gx * gy).sum(), (gx**2 - gy**2).sum())


@mistake(right.orientation, "the angle is in radians: `math.degrees` turns it into degrees.")
def angle_in_radians(kernel):
    return math.radians(right.orientation(kernel))


@mistake(right.orientation, "this is the angle along the edge: the direction in which brightness changes lies across it.")
def angle_along_the_edge(kernel):
    return (right.orientation(kernel) + 90) % 180


@mistake(right.orientation, "rows point down: 45 degrees is towards the lower right. Your y axis points up.")
def angle_y_up(kernel):
    return -right.orientation(kernel) % 180


@mistake(right.orientation, "the arguments of atan2 are exchanged: atan2(y, x), the sine's part first.")
def angle_swapped(kernel):
    double = _double(*_gradients(kernel))
    return math.degrees(math.atan2(math.cos(double), math.sin(double)) / 2) % 180


@mistake(right.orientation, "right and down are exchanged: np.gradient gives the change along the rows' axis (down) first.")
def angle_axes_exchanged(kernel):
    return (90 - right.orientation(kernel)) % 180


@mistake(
    right.orientation,
    "this is the direction of the mean gradient: in a filter for a line the two sides cancel. Add up squares and products.",
)
def angle_of_the_mean(kernel):
    gx, gy = _gradients(kernel)
    return math.degrees(math.atan2(gy.sum(), gx.sum())) % 180


@mistake(right.orientation, "the angle is still the doubled one: halve what atan2 gives.")
def angle_doubled(kernel):
    return math.degrees(_double(*_gradients(kernel))) % 180


@mistake(
    right.orientation, "directions beyond 90 degrees fall on their mirror image: do not take magnitudes before the products are formed."
)
def angle_folded(kernel):
    angle = right.orientation(kernel)
    return min(angle, 180 - angle)


@mistake(right.orientation, "atan forgets the quadrant: 2θ is known up to a full turn only by atan2(y, x).")
def angle_by_atan(kernel):
    gx, gy = _gradients(kernel)
    return math.degrees(math.atan(2 * (gx * gy).sum() / ((gx**2 - gy**2).sum() or 1e-12)) / 2) % 180


@mistake(right.orientation, "the angle runs from -90 to 90: `% 180` brings it into the range.")
def angle_around_zero(kernel):
    return (right.orientation(kernel) + 90) % 180 - 90


@mistake(right.orientation, "the angle runs up to 360: an edge and its negative have the same orientation, so take it `% 180`.")
def angle_of_a_full_turn(kernel):
    gx, _ = _gradients(kernel)
    return right.orientation(kernel) + 180 * bool(gx.sum() < -1e-6 * abs(gx).sum())


@mistake(right.orientation, "the angle is given to the next quarter turn: within 10 degrees is asked for.")
def angle_of_quarters(kernel):
    return round(right.orientation(kernel) / 90) * 90 % 180


@mistake(right.orientation, "the angle is given in steps of 45 degrees: within 10 degrees is asked for.")
def angle_of_eighths(kernel):
    return round(right.orientation(kernel) / 45) * 45 % 180


@mistake(right.orientation, "the result is an array or a tensor of one number: `float(…)` or `.item()` takes it out.")
def angle_as_tensor(kernel):
    return torch.tensor(right.orientation(kernel))


@mistake(right.orientation, CHANGED_INPUT)
def angle_changes_input(kernel):
    result = right.orientation(kernel)
    kernel *= 2
    return result


@right_answer(right.orientation)
def angle_of_numpy_gradient(kernel):
    gy, gx = np.gradient(np.asarray(kernel, dtype=float))
    return np.rad2deg(0.5 * np.arctan2(2 * np.sum(gx * gy), np.sum(gx * gx) - np.sum(gy * gy))) % 180


@right_answer(right.orientation)
def angle_of_eigenvectors(kernel):
    k = torch.as_tensor(kernel).double()
    padded = F.pad(k - k.mean(), (1, 1, 1, 1))[None, None]
    sobel = torch.tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]], dtype=torch.float64)
    g = F.conv2d(padded, torch.stack([sobel, sobel.T]).unsqueeze(1)).flatten(2)[0]
    _, vectors = torch.linalg.eigh(g @ g.T)
    x, y = vectors[:, -1].tolist()
    return math.degrees(math.atan2(y, x)) % 180.0


@right_answer(right.orientation)
def angle_of_the_spectrum(kernel):
    k = np.array(kernel, dtype=float)
    power = np.abs(np.fft.fft2(k - k.mean(), (64, 64))) ** 2
    fy, fx = np.meshgrid(np.fft.fftfreq(64), np.fft.fftfreq(64), indexing="ij")
    z = (power * (fx + 1j * fy) ** 2).sum()
    angle = float(np.degrees(np.angle(z)) / 2)
    return angle + 180 if angle < 0 else angle


@right_answer(right.orientation)
def angle_by_trying(kernel):
    k = np.asarray(kernel, dtype=float)
    gx = (k[1:, 1:] - k[1:, :-1] + k[:-1, 1:] - k[:-1, :-1]) / 2
    gy = (k[1:, 1:] - k[:-1, 1:] + k[1:, :-1] - k[:-1, :-1]) / 2
    change = [((gx * math.cos(math.radians(d)) + gy * math.sin(math.radians(d))) ** 2).sum() for d in range(180)]
    return float(np.argmax(change))


# --- ablate -----------------------------------------------------------------------------------------------------------


def _hooked(model, layer, hook):
    """A copy of the model in which hook(output) takes the place of the layer's output (None: keeps it)."""
    model = copy.deepcopy(model)
    model.get_submodule(layer).register_forward_hook(lambda module, inputs, output: hook(output))
    return model


def _with_channel(output, channel, value):
    output = output.clone()
    output[:, channel] = value(output[:, channel])
    return output


@mistake(right.ablate, "the given model itself is changed: work on copy.deepcopy(model).")
def ablate_in_place(model, layer, channel):
    model.get_submodule(layer).register_forward_hook(lambda module, inputs, output: _with_channel(output, channel, torch.zeros_like))
    return model


@mistake(
    right.ablate,
    "the copy shares its parts with the given model: copy.copy copies the outermost module only, copy.deepcopy all of them.",
)
def ablate_shallow(model, layer, channel):
    shallow = copy.copy(model)
    shallow.get_submodule(layer).register_forward_hook(lambda module, inputs, output: _with_channel(output, channel, torch.zeros_like))
    return shallow


@mistake(right.ablate, "the next channel is silenced: channels count from 0.")
def ablate_off_by_one(model, layer, channel):
    return _hooked(model, layer, lambda output: _with_channel(output, (channel + 1) % output.shape[1], torch.zeros_like))


@mistake(right.ablate, "the channel of one picture is not all: output[channel] counts pictures, output[:, channel] channels.")
def ablate_a_picture(model, layer, channel):
    def silence(output):
        output = output.clone()
        output[channel % len(output)] = 0
        return output

    return _hooked(model, layer, silence)


@mistake(right.ablate, "only the first picture is silenced: output[:, channel] takes the channel of all.")
def ablate_first_picture(model, layer, channel):
    def silence(output):
        output = output.clone()
        output[0, channel] = 0
        return output

    return _hooked(model, layer, silence)


@mistake(right.ablate, "all other channels are silenced: `channel` is to give zero, the others stay.")
def ablate_the_others(model, layer, channel):
    return _hooked(model, layer, lambda output: _with_channel(torch.zeros_like(output), channel, lambda _: output[:, channel]))


@mistake(right.ablate, "the channel gives its mean, not zero.")
def ablate_to_mean(model, layer, channel):
    return _hooked(model, layer, lambda output: _with_channel(output, channel, lambda values: values.mean().expand_as(values)))


@mistake(right.ablate, "nothing is silenced: what the hook makes must be returned, it then takes the output's place.")
def ablate_without_return(model, layer, channel):
    def silence(output):
        output = output.clone()
        output[:, channel] = 0

    return _hooked(model, layer, silence)


@mistake(right.ablate, "the channel is taken out, so the layers behind it do not fit any more: it stays, and gives zeros.")
def ablate_takes_out(model, layer, channel):
    return _hooked(model, layer, lambda output: torch.cat([output[:, :channel], output[:, channel + 1 :]], dim=1))


@mistake(
    right.ablate,
    "the layer's output is changed in place: a layer may hand on its very input, which others need as it was. Clone it in the hook.",
)
def ablate_writes_into_output(model, layer, channel):
    def silence(output):
        output[:, channel] = 0

    return _hooked(model, layer, silence)


@mistake(right.ablate, "the input's channel is silenced, not the output's: a forward hook on the layer gets (module, inputs, output).")
def ablate_input(model, layer, channel):
    model = copy.deepcopy(model)

    def silence(module, inputs):
        return (_with_channel(inputs[0], channel % inputs[0].shape[1], torch.zeros_like),)

    model.get_submodule(layer).register_forward_pre_hook(silence)
    return model


def _zero_weights(part, channel, bias=True):
    with torch.no_grad():
        part.weight[channel] = 0
        if bias:
            part.bias[channel] = 0


@mistake(right.ablate, "the weights are zero, but the bias is left, so the channel gives a constant: set it to zero as well.")
def ablate_keeps_bias(model, layer, channel):
    part = model.get_submodule(layer)
    if not isinstance(part, nn.Conv2d | nn.BatchNorm2d):
        return right.ablate(model, layer, channel)
    model = copy.deepcopy(model)
    _zero_weights(model.get_submodule(layer), channel, bias=False)
    return model


@mistake(
    right.ablate,
    "only parts with weights of their own can be silenced like this: a ReLU or a block has none. A forward hook works for all.",
)
def ablate_weights_only(model, layer, channel):
    model = copy.deepcopy(model)
    _zero_weights(model.get_submodule(layer), channel)
    return model


@mistake(
    right.ablate,
    "for a layer without weights nothing happens: a forward hook silences a ReLU or a block as well as a convolution.",
)
def ablate_passes_over(model, layer, channel):
    model = copy.deepcopy(model)
    part = model.get_submodule(layer)
    if isinstance(part, nn.Conv2d | nn.BatchNorm2d):
        _zero_weights(part, channel)
    return model


@mistake(right.ablate, "the input slice of the weights is zeroed, weight[:, channel]: filters stand on the first axis, weight[channel].")
def ablate_input_weights(model, layer, channel):
    part = model.get_submodule(layer)
    if not isinstance(part, nn.Conv2d):
        return right.ablate(model, layer, channel)
    model = copy.deepcopy(model)
    with torch.no_grad():
        model.get_submodule(layer).weight[:, channel % part.in_channels] = 0
    return model


class _Silenced(nn.Module):
    def __init__(self, inner, channel):
        super().__init__()
        self.inner, self.channel = inner, channel

    def forward(self, x):
        return _with_channel(self.inner(x), self.channel, torch.zeros_like)


@mistake(
    right.ablate,
    "the layer stands inside another module now, so names change and no checkpoint fits: a hook leaves the names as they are.",
)
def ablate_wraps(model, layer, channel):
    model = copy.deepcopy(model)
    parent, _, name = layer.rpartition(".")
    setattr(model.get_submodule(parent), name, _Silenced(model.get_submodule(layer), channel))
    return model


@mistake(right.ablate, "the result is the model's output: a model is asked for.")
def ablate_gives_output(model, layer, channel):
    with torch.no_grad():
        return right.ablate(model, layer, channel)(torch.rand(1, model.get_submodule("conv1").in_channels, 5, 5))


@mistake(right.ablate, "nothing is returned: give the copy.")
def ablate_gives_nothing(model, layer, channel):
    right.ablate(model, layer, channel)


@mistake(right.ablate, "a hook stays behind in the model given: register it in the copy only.")
def ablate_hooks_both(model, layer, channel):
    copied = right.ablate(model, layer, channel)
    model.get_submodule(layer).register_forward_hook(lambda module, inputs, output: None)
    return copied


@right_answer(right.ablate)
def ablate_by_mask(model, layer, channel):
    clone = copy.deepcopy(model)

    def hook(module, inputs, output):
        mask = torch.ones(output.shape[1], device=output.device)
        mask[channel] = 0
        return output * mask.view(1, -1, *[1] * (output.dim() - 2))

    dict(clone.named_modules())[layer].register_forward_hook(hook)
    return clone


def _fill(channel, module, inputs, output):
    return output.index_fill(1, torch.tensor([channel]), 0.0)


@right_answer(right.ablate)
def ablate_by_partial(model, layer, channel):
    new = copy.deepcopy(model)
    part = new
    for name in layer.split("."):
        part = getattr(part, name)
    part.register_forward_hook(functools.partial(_fill, channel))
    return new


@right_answer(right.ablate)
def ablate_by_own_forward(model, layer, channel):
    new = copy.deepcopy(model)
    part = new.get_submodule(layer)
    original = part.forward

    def forward(*inputs):
        output = original(*inputs)
        return torch.cat([output[:, :channel], 0 * output[:, channel : channel + 1], output[:, channel + 1 :]], dim=1)

    part.forward = forward
    return new


@right_answer(right.ablate)
def ablate_by_subclass(model, layer, channel):
    new = copy.deepcopy(model)
    part = new.get_submodule(layer)
    kind = type(part)

    class Ablated(kind):
        def forward(self, x):
            output = kind.forward(self, x).clone()
            output[:, channel] = 0
            return output

    part.__class__ = Ablated
    return new


@right_answer(right.ablate)
def ablate_weights_or_hook(model, layer, channel):
    new = copy.deepcopy(model)
    part = new.get_submodule(layer)
    if isinstance(part, nn.Conv2d):
        part.weight.data[channel] = 0
        if part.bias is not None:
            part.bias.data[channel] = 0
    else:
        part.register_forward_hook(lambda m, i, o: torch.where(torch.arange(o.shape[1])[:, None, None] == channel, 0, o))
    return new
