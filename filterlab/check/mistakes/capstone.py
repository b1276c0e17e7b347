"""Lesson 06, the capstone: the mistakes we expect, each with its hint, and right answers in other styles.

A mistake repeats one misunderstanding and is right in all else, so that the hint it carries fits the answers that it recognises
and no others.
"""

import copy
import math

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from filterlab.check import drawings
from filterlab.check.bank import mistake, right_answer
from filterlab.check.references import capstone as right

# --- detector ---------------------------------------------------------------------------------------------------------

PLUS = drawings.LARGE_PLUS
CORNERS = [(0, 0), (0, 2), (2, 0), (2, 2)]


def _stack(first, places, second_bias, first_bias=-4.0):
    """Two layers: filters `first` with one bias for all, then the sum of their maps, each read at its place (row, column) of 0 to 2."""
    second = np.zeros((1, len(first), 3, 3))
    for channel, (row, column) in enumerate(places):
        second[0, channel, row, column] = 1
    return [(np.array(first, float)[:, None], np.full(len(first), float(first_bias))), (second, np.array([float(second_bias)]))]


def _parts(off=-1.0):
    """The four corners of the window, 3×3 each: 1 where the plus is on, `off` elsewhere."""
    return [np.where(PLUS[row : row + 3, column : column + 3] == 1, 1, off) for row, column in CORNERS]


@mistake(
    right.detector,
    "it also answers to pluses that are cut off by the border. Beyond the border a map is 0: if 0 means 'nothing wrong here', a part that "
    "is missing goes unnoticed. Let your first maps count what is right, not what is wrong.",
)
def detector_by_faults():
    faults = [-part for part in _parts()]
    (weight, bias), (second, last) = _stack(faults, CORNERS, 0.5, 5)
    return [(weight, bias), (-second, last)]


@mistake(right.detector, "the 16 dark pixels are not looked at: a full picture must get no answer. Give them weights below 0.")
def detector_without_dark_pixels():
    return _stack(_parts(off=0.0), CORNERS, -3)


@mistake(right.detector, "the first layer's biases are 0, so that its maps answer to bits of a part: a bias of -4 leaves only all five.")
def detector_without_first_threshold():
    return _stack(_parts(), CORNERS, -3, 0)


@mistake(right.detector, "the last threshold is too low: some of the parts are enough for an answer, but all must be there at once.")
def detector_three_parts_are_enough():
    return _stack(_parts(), CORNERS, -2)


@mistake(
    right.detector,
    "it answers to nothing. Either a threshold is too high (with all parts in place the last map must be above 0, not at it), or the parts "
    "are looked for in the wrong places. Draw every layer's maps for a lone plus, and see where the answer is lost.",
)
def detector_never():
    return _stack(_parts(), CORNERS, -4)


@mistake(right.detector, "this looks for a small plus, 3×3 pixels: a large one has arms of two pixels, and its window is 5×5.")
def detector_of_small_pluses():
    centre = np.where(PLUS[1:4, 1:4] == 1, 1.0, -1.0)
    return _stack([centre], [(1, 1)], 0)


@mistake(right.detector, "only the horizontal bar is looked for: the plus needs both bars.")
def detector_of_horizontal_bars():
    line = np.array([[-1, -1, -1], [1, 1, 1], [-1, -1, -1.0]])
    return _stack([line], [(1, 1)], 0, -2)


@mistake(right.detector, "only the bars are looked for, with no eye on the pixels at the four outermost corners of the window.")
def detector_blind_in_the_corners():
    parts = _parts()
    for part, (row, column) in zip(parts, CORNERS, strict=True):
        part[row, column] = 0
    return _stack(parts, CORNERS, -3)


@mistake(
    right.detector,
    "it answers one place beside the centre. A filter's answer stands under its middle weight: the weight at the top left of a 3×3 "
    "filter reads the map one row up and one column to the left.",
)
def detector_one_column_off():
    moved = np.zeros((4, 3, 3))
    moved[range(4), 1, 0] = 1
    copies = np.zeros((4, 4, 3, 3))
    copies[range(4), range(4), 1, 2] = 1
    first, last = _stack(_parts(), CORNERS, -3)
    return [first, (copies, np.zeros(4)), last]


@mistake(
    right.detector,
    "the parts are looked for on the wrong sides: nothing is flipped here, so the part at the window's top left is read by the weight at "
    "the top left.",
)
def detector_flipped():
    return _stack(_parts(), CORNERS[::-1], -3)


@mistake(
    right.detector,
    "the dark pixels weigh too little: one of them alone must outweigh what the plus has above the threshold. At -1 each it does.",
)
def detector_tolerant():
    return _stack(_parts(off=-0.1), CORNERS, -3)


@mistake(
    right.detector,
    "the threshold asks for all but one pixel of a part: a plus with a pixel missing gets an answer, too. Only the sum of all five is "
    "enough, so the threshold lies between 4 and 5.",
)
def detector_generous():
    return _stack(_parts(off=-2.0), CORNERS, -3, -3)


@mistake(right.detector, "one filter of 5×5 would do it, and that is what two layers of 3×3 replace: here all filters are 3×3.")
def detector_of_one_large_filter():
    return [((2 * PLUS - 1)[None, None], np.array([-8.0])), (np.ones((1, 1, 1, 1)), np.zeros(1))]


@mistake(right.detector, "one layer of 3×3 filters cannot see 25 pixels: it takes two or three.")
def detector_of_one_layer():
    return _stack(_parts(), CORNERS, -3)[:1]


@mistake(right.detector, "the last layer gives one map for each part: it has a single filter, which reads all of them.")
def detector_with_four_maps():
    first, (second, _) = _stack(_parts(), CORNERS, -3)
    return [first, (np.stack([second[0] * (np.arange(4) == k)[:, None, None] for k in range(4)]), np.zeros(4))]


@mistake(right.detector, "each layer needs its bias: (weight, bias), with one number for each filter. Without it there is no threshold.")
def detector_without_bias():
    return [(weight, None) for weight, _ in _stack(_parts(), CORNERS, -3)]


@mistake(right.detector, "a layer is a pair: (weight, bias). Put both into the list together.")
def detector_of_weights_only():
    return [weight for weight, _ in _stack(_parts(), CORNERS, -3)]


@mistake(
    right.detector,
    "the first weight lacks the axis of the input channels: (filters, 1, 3, 3), with one channel, as conv2d takes it.",
)
def detector_without_channel_axis():
    (first, bias), second = _stack(_parts(), CORNERS, -3)
    return [(first[:, 0], bias), second]


@mistake(right.detector, "the axes of the last weight are exchanged: filters come first, then the channels that each of them reads.")
def detector_axes_exchanged():
    first, (second, bias) = _stack(_parts(), CORNERS, -3)
    return [first, (second.transpose(1, 0, 2, 3), bias)]


@mistake(right.detector, "four layers are one too many: two or three do it.")
def detector_of_four_layers():
    copying = np.zeros((1, 1, 3, 3))
    copying[0, 0, 1, 1] = 1
    return [(copying, np.zeros(1))] * 2 + _stack(_parts(), CORNERS, -3)


@right_answer(right.detector)
def detector_by_copies():
    """Nine copies of the picture, each moved; then one linear threshold over all 25 pixels."""
    plus = np.zeros((5, 5))
    plus[2], plus[:, 2] = 1, 1
    first = np.zeros((9, 1, 3, 3))
    second = np.zeros((1, 9, 3, 3))
    for channel in range(9):
        first[channel, 0, channel // 3, channel % 3] = 1
    for row in range(5):
        for column in range(5):
            # The pixel two up is read one up in the map that has moved one up.
            r, c = np.clip([row - 1, column - 1], 0, 2)
            second[0, 3 * (row - r) + column - c, r, c] = 1 if plus[row, column] else -1
    return [(first, np.zeros(9)), (second, np.array([-8.5]))]


@right_answer(right.detector)
def detector_by_sums():
    """Sums along the bars and over the four dark blocks, one threshold at the end; the centre counts four times."""
    weight = np.zeros((6, 1, 3, 3), dtype=int)
    weight[0, 0, :, 1] = 1
    weight[1, 0, 1, :] = 1
    weight[2, 0, :2, :2] = 1
    weight[3, 0, :2, 1:] = 1
    weight[4, 0, 1:, :2] = 1
    weight[5, 0, 1:, 1:] = 1
    second = np.zeros((1, 6, 3, 3), dtype=int)
    second[0, 0, [0, 2], 1] = 1
    second[0, 1, 1, [0, 2]] = 1
    second[0, 2, 0, 0] = second[0, 3, 0, 2] = second[0, 4, 2, 0] = second[0, 5, 2, 2] = -3
    return ((weight, np.zeros(6)), (second, np.array([-11])))


@right_answer(right.detector)
def detector_with_negatives():
    """Three layers: bright and dark as two maps, then the four parts out of both, then all parts at once."""
    plus = np.zeros((5, 5))
    plus[2], plus[:, 2] = 1, 1
    bright_and_dark = np.zeros((2, 1, 3, 3))
    bright_and_dark[0, 0, 1, 1], bright_and_dark[1, 0, 1, 1] = 1, -1
    parts = np.zeros((4, 2, 3, 3))
    together = np.zeros((1, 4, 3, 3))
    for k in range(4):
        r, c = 2 * (k // 2), 2 * (k % 2)
        parts[k, 0] = plus[r : r + 3, c : c + 3]
        parts[k, 1] = 1 - plus[r : r + 3, c : c + 3]
        together[0, k, r, c] = 1
    return [
        [bright_and_dark, np.array([0.0, 1.0])],
        [parts, np.full(4, -8.5)],
        [together, np.array([-1.75])],
    ]


@right_answer(right.detector)
def detector_in_tenths():
    """The four parts in float32, with weights that no float holds exactly, and large weights against the dark."""
    parts = torch.full((4, 1, 3, 3), -5.0)
    parts[0, 0, 2, :] = parts[0, 0, :, 2] = 0.1
    parts[1, 0, 2, :] = parts[1, 0, :, 0] = 0.1
    parts[2, 0, 0, :] = parts[2, 0, :, 2] = 0.1
    parts[3, 0, 0, :] = parts[3, 0, :, 0] = 0.1
    last = torch.zeros(1, 4, 3, 3)
    last[0, 0, 0, 0] = last[0, 1, 0, 2] = last[0, 2, 2, 0] = last[0, 3, 2, 2] = 0.3
    return [(parts.numpy(), np.full(4, -0.4, np.float32)), (last.numpy(), np.full(1, -0.09, np.float32))]


@right_answer(right.detector)
def detector_by_arms():
    """Three layers: four arms with dark sides and a copy; arms that meet in the middle; the dark corners last."""
    arm = np.array([[-1, 1, -1], [-1, 1, -1], [-1, 1, -1.0]])
    first = np.zeros((5, 1, 3, 3))
    first[0, 0], first[1, 0] = arm, arm.T
    first[0, 0, 2], first[1, 0, :, 2] = [0, 1, 0], [0, 1, 0]  # up and left arm end at the centre's row and column
    first[2, 0], first[3, 0] = first[0, 0, ::-1], first[1, 0, :, ::-1]
    first[4, 0, 1, 1] = 1
    second = np.zeros((2, 5, 3, 3))
    second[0, 0, 0, 1] = second[0, 2, 2, 1] = second[0, 1, 1, 0] = second[0, 3, 1, 2] = 1
    second[1, 4] = 1  # how many pixels are on around here
    third = np.zeros((1, 2, 3, 3))
    third[0, 0, 1, 1] = 30
    # The sums at the four corners hold 5 pixels each if the window's corners are dark.
    third[0, 1, ::2, ::2] = -1
    return [(first, np.array([-2, -2, -2, -2, 0.0])), (second, np.array([-3, 0.0])), (third, np.array([-9.5]))]


# --- diagnose ---------------------------------------------------------------------------------------------------------


def _facts(model, images, labels):
    """What a diagnosis rests on: the largest value of each map, the cosines without the diagonal, and the loss."""
    with torch.no_grad():
        maps = model[:2](images)
        directions = F.normalize(model[0].weight.flatten(1), dim=1)
        loss = F.cross_entropy(model(images), labels).item()
    return maps, (directions @ directions.T).fill_diagonal_(-1), loss


def _verdict(model, images, labels, dead=None, alike=None, untrained=None, order=("dead", "alike", "untrained")):
    """The reference's diagnosis, with one of its steps in another way."""
    if images.max() > 1:
        return "unscaled input"
    maps, cosines, loss = _facts(model, images, labels)
    faults = {
        "dead": (dead or (lambda m: (m.amax(dim=(0, 2, 3)) == 0).sum() >= 2))(maps),
        "alike": (alike or (lambda c: (c.amax(dim=1) > 0.99).sum() >= 2))(cosines),
        "untrained": (untrained or (lambda value: value > 0.8 * math.log(model[-1].out_features)))(loss),
    }
    names = {"dead": "dead filters", "alike": "duplicate filters", "untrained": "untrained"}
    return next((names[fault] for fault in order if faults[fault]), "healthy")


@mistake(right.diagnose, "several faults may be there: name the first in the order of the text. A model at its random start comes last.")
def diagnose_untrained_first(model, images, labels):
    return _verdict(model, images, labels, order=("untrained", "dead", "alike"))


@mistake(right.diagnose, "several faults may be there: dead filters come before duplicate ones.")
def diagnose_duplicates_first(model, images, labels):
    return _verdict(model, images, labels, order=("alike", "dead", "untrained"))


@mistake(right.diagnose, "opposite filters are no duplicates: they see different things after the ReLU. Take the cosine with its sign.")
def diagnose_opposite_ones_count(model, images, labels):
    weight = model[0].weight.detach().flatten(1)
    cosines = (F.normalize(weight, dim=1) @ F.normalize(weight, dim=1).T).abs().fill_diagonal_(-1)
    return _verdict(model, images, labels, alike=lambda _: (cosines.amax(dim=1) > 0.99).sum() >= 2)


@mistake(
    right.diagnose,
    "the means are subtracted before filters are compared: that is correlation (np.corrcoef). The cosine takes the weights as they are.",
)
def diagnose_by_correlation(model, images, labels):
    correlations = torch.corrcoef(model[0].weight.detach().flatten(1)).nan_to_num(0).fill_diagonal_(-1)
    return _verdict(model, images, labels, alike=lambda _: (correlations.amax(dim=1) > 0.99).sum() >= 2)


@mistake(right.diagnose, "the biases are compared, too: a duplicate is one by its weights alone.")
def diagnose_cosine_with_bias(model, images, labels):
    numbers = torch.cat([model[0].weight.detach().flatten(1), model[0].bias.detach()[:, None]], dim=1)
    directions = F.normalize(numbers, dim=1)
    cosines = (directions @ directions.T).fill_diagonal_(-1)
    return _verdict(model, images, labels, alike=lambda _: (cosines.amax(dim=1) > 0.99).sum() >= 2)


@mistake(right.diagnose, "every filter has cosine 1 with itself: leave the diagonal out.")
def diagnose_like_itself(model, images, labels):
    return _verdict(model, images, labels, alike=lambda c: (c.fill_diagonal_(1).amax(dim=1) > 0.99).sum() >= 2)


@mistake(right.diagnose, "a duplicate may be stronger or weaker than its twin, or a little different: compare directions, by the cosine.")
def diagnose_equal_weights_only(model, images, labels):
    weight = model[0].weight.detach().flatten(1)
    twins = sum(any(torch.allclose(weight[i], weight[j], atol=1e-6) for j in range(8) if j != i) for i in range(8))
    return _verdict(model, images, labels, alike=lambda _: twins >= 2)


@mistake(right.diagnose, "a duplicate has a cosine above 0.99: filters that are merely similar are none.")
def diagnose_similar_counts(model, images, labels):
    return _verdict(model, images, labels, alike=lambda c: (c.amax(dim=1) > 0.9).sum() >= 2)


@mistake(right.diagnose, "count the filters that have a twin, not the pairs: one pair are two filters, a quarter of eight.")
def diagnose_counts_pairs(model, images, labels):
    return _verdict(model, images, labels, alike=lambda c: (c.triu(1) > 0.99).sum() >= 2)


@mistake(right.diagnose, "a filter is dead if it is silent on all pictures: you look at the first one only.")
def diagnose_first_picture(model, images, labels):
    return _verdict(model, images, labels, dead=lambda m: (m[0].amax(dim=(1, 2)) == 0).sum() >= 2)


@mistake(right.diagnose, "a filter that is silent on some picture is not dead: dead is silent on all of them.")
def diagnose_silent_somewhere(model, images, labels):
    return _verdict(model, images, labels, dead=lambda m: ((m.amax(dim=(2, 3)) == 0).any(dim=0)).sum() >= 2)


@mistake(right.diagnose, "a map with a zero in it is not dead: it is dead if all of it is zero.")
def diagnose_any_zero(model, images, labels):
    return _verdict(model, images, labels, dead=lambda m: (m.amin(dim=(0, 2, 3)) == 0).sum() >= 2)


@mistake(right.diagnose, "look at the maps after the ReLU: before it, a dead filter's map is below zero and not equal to it.")
def diagnose_before_relu(model, images, labels):
    with torch.no_grad():
        before = model[0](images.float())
    return _verdict(model, images, labels, dead=lambda _: (before == 0).all(dim=3).all(dim=2).all(dim=0).sum() >= 2)


@mistake(right.diagnose, "one dead filter of eight is less than a quarter: a few are nothing unusual.")
def diagnose_one_dead_is_enough(model, images, labels):
    return _verdict(model, images, labels, dead=lambda m: (m.amax(dim=(0, 2, 3)) == 0).any())


@mistake(right.diagnose, "a quarter is enough: two of eight filters count already, at least and not more than.")
def diagnose_more_than_a_quarter(model, images, labels):
    return _verdict(model, images, labels, dead=lambda m: (m.amax(dim=(0, 2, 3)) == 0).sum() > 2)


@mistake(right.diagnose, "large weights may be dead, too, if a bias holds them down: judge by the maps, not by the weights.")
def diagnose_dead_by_weights(model, images, labels):
    norms = model[0].weight.detach().flatten(1).norm(dim=1)
    return _verdict(model, images, labels, dead=lambda _: (norms < 1e-3).sum() >= 2)


@mistake(right.diagnose, "only the first layer's maps are asked for: what is silent in the second is another matter.")
def diagnose_second_layer(model, images, labels):
    with torch.no_grad():
        second = model[:4](images.float())
    return _verdict(model, images, labels, dead=lambda _: (second.amax(dim=(0, 2, 3)) == 0).sum() >= 4)


@mistake(right.diagnose, "the loss of a guess is ln(classes), and the number of classes differs from model to model: it is not always 10.")
def diagnose_ten_classes(model, images, labels):
    return _verdict(model, images, labels, untrained=lambda loss: loss > 0.8 * math.log(10))


@mistake(right.diagnose, "a loss of less than half of ln(classes) is healthy: do not ask for a perfect one.")
def diagnose_asks_for_perfection(model, images, labels):
    return _verdict(model, images, labels, untrained=lambda loss: loss > 0.1)


@mistake(right.diagnose, "the model's last layer gives plain scores: cross_entropy takes them as they are, without a softmax before.")
def diagnose_softmax_twice(model, images, labels):
    with torch.no_grad():
        loss = F.cross_entropy(model(images.float()).softmax(dim=1), labels).item()
    return _verdict(model, images, labels, untrained=lambda _: loss > 0.5 * math.log(model[-1].out_features))


@mistake(right.diagnose, "pictures of 0 to 255 may be floats: look at their values, not at their dtype.")
def diagnose_unscaled_by_dtype(model, images, labels):
    if images.dtype == torch.uint8:
        return "unscaled input"
    return _verdict(model, images / images.max(), labels)


@mistake(right.diagnose, "pictures come as uint8, too: compare their values before you run the model, or turn them into floats.")
def diagnose_runs_first(model, images, labels):
    with torch.no_grad():
        model(images)
    return _verdict(model, images, labels)


@mistake(right.diagnose, "unscaled pictures are never named: look at the largest value before anything else.")
def diagnose_never_unscaled(model, images, labels):
    return _verdict(model, images.float() / images.max(), labels)


@mistake(right.diagnose, "the model is left in another mode: keep `model.training`, and put it back with `model.train(…)`.")
def diagnose_leaves_eval_mode(model, images, labels):
    model.eval()
    return _verdict(model, images, labels)


@mistake(right.diagnose, "the model's gradients have changed: a diagnosis needs no backward() and no zero_grad(). Compute under no_grad.")
def diagnose_computes_gradients(model, images, labels):
    model.zero_grad()
    return _verdict(model, images, labels)


@mistake(right.diagnose, "the hook is still there: `handle.remove()` takes it away again.")
def diagnose_leaves_a_hook(model, images, labels):
    model[1].register_forward_hook(lambda module, inputs, output: None)
    return _verdict(model, images, labels)


@mistake(right.diagnose, "the pictures given are changed in place: `/=` writes into the caller's own tensor.")
def diagnose_scales_in_place(model, images, labels):
    verdict = _verdict(model, images, labels)
    if images.dtype != torch.uint8 and images.max() > 1:
        images /= 255
    return verdict


@mistake(right.diagnose, "give the diagnosis alone, a string, spelt as in the text.")
def diagnose_gives_a_sentence(model, images, labels):
    return "The model has: " + _verdict(model, images, labels)


@right_answer(right.diagnose)
def diagnose_with_hooks(model, images, labels):
    if float(images.float().max()) > 2.0:
        return "unscaled input"
    kept = []
    handle = model[1].register_forward_hook(lambda module, inputs, output: kept.append(output.detach().clone()))
    try:
        with torch.inference_mode():
            scores = model(images)
    finally:
        handle.remove()
    loss = nn.CrossEntropyLoss()(scores, labels).item()
    n_filters = kept[0].shape[1]
    dead = sum(1 for k in range(n_filters) if kept[0][:, k].sum().item() == 0)
    if dead / n_filters >= 0.25:
        return "dead filters"
    weights = model[0].weight.detach().reshape(n_filters, -1)
    twins = set()
    for i in range(n_filters):
        for j in range(i + 1, n_filters):
            if torch.cosine_similarity(weights[i], weights[j], dim=0) > 0.99:
                twins |= {i, j}
    if len(twins) >= n_filters / 4:
        return "duplicate filters"
    if loss > 0.8 * np.log(scores.shape[1]):
        return "untrained"
    return "healthy"


@right_answer(right.diagnose)
def diagnose_in_numpy(model, images, labels):
    x = images.detach().cpu().numpy()
    if x.dtype == np.uint8 or x.max() >= 1.5:
        return "unscaled input"
    conv, *_ = model.children()
    maps = np.maximum(conv(images).detach().numpy(), 0)
    if (maps.reshape(len(maps), maps.shape[1], -1).max(axis=(0, 2)) <= 0).mean() >= 0.25:
        return "dead filters"
    w = conv.weight.detach().numpy().reshape(len(conv.weight), -1)
    lengths = np.linalg.norm(w, axis=1) + 1e-12
    cosine = w @ w.T / np.outer(lengths, lengths) - 2 * np.eye(len(w))
    if (cosine > 0.99).any(axis=1).mean() >= 0.25:
        return "duplicate filters"
    with torch.no_grad():
        scores = model(images).numpy().astype(float)
    scores = scores - scores.max(axis=1, keepdims=True)
    log_p = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
    loss = -log_p[np.arange(len(x)), labels.numpy()].mean()
    return "untrained" if loss > 0.65 * np.log(scores.shape[1]) else "healthy"


@right_answer(right.diagnose)
def diagnose_on_a_copy(model, images, labels):
    model = copy.deepcopy(model).eval()
    if images.max().item() > 1:
        return "unscaled input"
    x = F.relu(F.conv2d(images, model[0].weight, model[0].bias, padding=1))
    silent = torch.tensor([not x[:, channel].any() for channel in range(x.size(1))])
    if silent.float().mean() >= 1 / 4:
        return "dead filters"
    filters = F.normalize(model[0].weight.flatten(start_dim=1), dim=1)
    similarity = F.cosine_similarity(filters[:, None], filters[None], dim=2)
    others = ~torch.eye(len(filters), dtype=bool)
    if ((similarity > 0.99) & others).any(0).sum() >= len(filters) / 4:
        return "duplicate filters"
    loss = F.cross_entropy(model(images), labels)
    loss.backward()
    return "healthy" if loss < 0.5 * torch.log(torch.tensor(float(model[6].out_features))) else "untrained"


@right_answer(right.diagnose)
def diagnose_layer_by_layer(model, images, labels):
    with torch.no_grad():
        was_training = model.training
        model.eval()
        images = images.to(torch.float32)
        scaled_as_expected = images.amax() <= 1.0
        h = images
        outputs = []
        for layer in model:
            h = layer(h)
            outputs.append(h)
        model.train(was_training)
        classes = h.shape[-1]
        answers = outputs[1].transpose(0, 1).flatten(1)
        w = next(iter(model.parameters())).flatten(1).clone()
        w /= w.norm(dim=1, keepdim=True).clamp(min=1e-8)
        gram = torch.tril(w @ w.T, diagonal=-1)
        gram = gram + gram.T
    if not scaled_as_expected:
        return "unscaled input"
    if (answers.count_nonzero(dim=1) == 0).sum().item() * 4 >= len(w):
        return "dead filters"
    if ((gram > 0.99).sum(dim=1) > 0).sum().item() * 4 >= len(w):
        return "duplicate filters"
    right_share = (h.argmax(dim=1) == labels).float().mean().item()
    loss = F.nll_loss(F.log_softmax(h, dim=1), labels).item()
    return "untrained" if loss > 0.8 * math.log(classes) or right_share < 0.2 else "healthy"


# --- prune_filters ----------------------------------------------------------------------------------------------------


def _kept(scores, keep, ordered=True, largest=True):
    places = scores.topk(keep, largest=largest).indices
    return places.sort().values if ordered else places


def _cut(model, kept):
    """The reference's smaller model, with these filters."""
    smaller = copy.deepcopy(model)
    keep = len(kept)
    smaller[0], smaller[2] = nn.Conv2d(3, keep, 3, padding=1), nn.Conv2d(keep, model[2].out_channels, 3, padding=1)
    with torch.no_grad():
        smaller[0].weight.copy_(model[0].weight[kept])
        smaller[0].bias.copy_(model[0].bias[kept])
        smaller[2].weight.copy_(model[2].weight[:, kept])
        smaller[2].bias.copy_(model[2].bias)
    return smaller


def _checked(model, keep):
    if not 1 <= keep <= model[0].out_channels:
        raise ValueError(f"keep={keep} must lie between 1 and {model[0].out_channels}")
    return model[0].weight.detach().flatten(1)


@mistake(right.prune_filters, "you keep the smallest filters: the largest stay.")
def prune_keeps_the_smallest(model, keep):
    return _cut(model, _kept(_checked(model, keep).norm(dim=1), keep, largest=False))


@mistake(right.prune_filters, "you keep the first filters: those of largest norm stay, wherever they stand.")
def prune_keeps_the_first(model, keep):
    _checked(model, keep)
    return _cut(model, torch.arange(keep))


@mistake(right.prune_filters, "this orders the filters by the sum of magnitudes (L1): the L2 norm is the root of the sum of squares.")
def prune_by_l1(model, keep):
    return _cut(model, _kept(_checked(model, keep).abs().sum(dim=1), keep))


@mistake(right.prune_filters, "this orders the filters by their largest weight: the L2 norm takes all weights of a filter together.")
def prune_by_largest_weight(model, keep):
    return _cut(model, _kept(_checked(model, keep).abs().amax(dim=1), keep))


@mistake(right.prune_filters, "this orders the filters by the sum of their weights, where signs cancel: the norm squares first.")
def prune_by_sum(model, keep):
    return _cut(model, _kept(_checked(model, keep).sum(dim=1), keep))


@mistake(right.prune_filters, "the bias is counted into the norm: here the weights alone decide.")
def prune_by_norm_with_bias(model, keep):
    weights = torch.cat([_checked(model, keep), model[0].bias.detach()[:, None]], dim=1)
    return _cut(model, _kept(weights.norm(dim=1), keep))


@mistake(right.prune_filters, "the filters stand in the order of their norms: they keep their old order. Sort the places that you keep.")
def prune_in_the_order_of_norms(model, keep):
    return _cut(model, _kept(_checked(model, keep).norm(dim=1), keep, ordered=False))


@mistake(
    right.prune_filters,
    "the second layer reads the wrong maps: its input channels must be those of the filters that stay, `weight[:, kept]`, and not the "
    "first ones.",
)
def prune_second_layer_by_place(model, keep):
    kept = _kept(_checked(model, keep).norm(dim=1), keep)
    smaller = _cut(model, kept)
    with torch.no_grad():
        smaller[2].weight.copy_(model[2].weight[:, :keep])
    return smaller


@mistake(right.prune_filters, "the first layer's bias is not that of the filters that stay: cut it with the same places.")
def prune_bias_by_place(model, keep):
    smaller = _cut(model, _kept(_checked(model, keep).norm(dim=1), keep))
    with torch.no_grad():
        smaller[0].bias.copy_(model[0].bias[:keep])
    return smaller


@mistake(right.prune_filters, "the second layer's bias is lost: it stays as it was, for the second layer keeps all its filters.")
def prune_second_bias_lost(model, keep):
    smaller = _cut(model, _kept(_checked(model, keep).norm(dim=1), keep))
    with torch.no_grad():
        smaller[2].bias.zero_()
    return smaller


@mistake(right.prune_filters, "the weights are cut, but `out_channels` and `in_channels` still tell the old numbers: set them, too.")
def prune_old_numbers(model, keep):
    kept = _kept(_checked(model, keep).norm(dim=1), keep)
    smaller = copy.deepcopy(model)
    smaller[0].weight = nn.Parameter(model[0].weight.detach()[kept])
    smaller[0].bias = nn.Parameter(model[0].bias.detach()[kept])
    smaller[2].weight = nn.Parameter(model[2].weight.detach()[:, kept])
    return smaller


@mistake(
    right.prune_filters,
    "the filters are silenced, but still there: the new model is smaller, its first layer has `keep` filters and no more.",
)
def prune_by_silencing(model, keep):
    kept = _kept(_checked(model, keep).norm(dim=1), keep)
    gone = [place for place in range(model[0].out_channels) if place not in kept.tolist()]
    silenced = copy.deepcopy(model)
    with torch.no_grad():
        silenced[0].weight[gone] = 0
        silenced[0].bias[gone] = 0
    return silenced


@mistake(right.prune_filters, "only the first layer is cut: the second still waits for eight maps. Cut its input channels to match.")
def prune_first_layer_only(model, keep):
    kept = _kept(_checked(model, keep).norm(dim=1), keep)
    smaller = _cut(model, kept)
    smaller[2] = copy.deepcopy(model[2])
    return smaller


@mistake(right.prune_filters, "the new model shares weights with the one given: training one would change the other. Copy every layer.")
def prune_shares_the_last_layer(model, keep):
    smaller = _cut(model, _kept(_checked(model, keep).norm(dim=1), keep))
    return nn.Sequential(*smaller[:6], model[6])


@mistake(right.prune_filters, "the model given has changed: build a new one, or work on copy.deepcopy(model).")
def prune_in_place(model, keep):
    smaller = _cut(model, _kept(_checked(model, keep).norm(dim=1), keep))
    for place in (0, 2):
        model[place] = smaller[place]
    return model


@mistake(right.prune_filters, "keep below 1 or above the number of filters is refused: `raise ValueError` with keep in its message.")
def prune_takes_any_number(model, keep):
    keep = min(max(keep, 1), model[0].out_channels)
    return _cut(model, _kept(_checked(model, keep).norm(dim=1), keep))


@mistake(right.prune_filters, "keeping all filters is allowed: only more than there are is refused.")
def prune_refuses_all(model, keep):
    if keep == model[0].out_channels:
        raise ValueError(f"keep={keep} leaves nothing to prune")
    return right.prune_filters.function(model, keep)


@right_answer(right.prune_filters)
def prune_by_parameters(model, keep):
    n = model[0].weight.shape[0]
    if keep < 1 or keep > n:
        raise ValueError("keep must be from 1 to %d, not %d" % (n, keep))  # noqa: UP031
    norms = (model[0].weight ** 2).sum(dim=(1, 2, 3)).sqrt()
    order = torch.argsort(norms, descending=True)
    idx, _ = torch.sort(order[:keep])
    new = copy.deepcopy(model)
    new[0].weight = nn.Parameter(new[0].weight[idx].detach().clone())
    new[0].bias = nn.Parameter(new[0].bias[idx].detach().clone())
    new[0].out_channels = keep
    new[2].weight = nn.Parameter(new[2].weight[:, idx].detach().clone())
    new[2].in_channels = keep
    return new


@right_answer(right.prune_filters)
def prune_from_scratch(model, keep):
    conv1, conv2, linear = model[0], model[2], model[6]
    if not 0 < keep <= conv1.out_channels:
        raise ValueError(f"cannot keep {keep} of {conv1.out_channels} filters: keep={keep}")
    threshold = np.sort([float(torch.linalg.norm(f)) for f in conv1.weight.detach()])[-keep]
    mask = [float(torch.linalg.norm(f)) >= threshold for f in conv1.weight.detach()]
    small = nn.Sequential(
        nn.Conv2d(3, keep, kernel_size=3, padding="same"),
        nn.ReLU(inplace=True),
        nn.Conv2d(keep, 16, kernel_size=3, padding="same"),
        nn.ReLU(),
        nn.AdaptiveMaxPool2d((4, 4)),
        nn.Flatten(1),
        nn.Linear(linear.in_features, linear.out_features),
    )
    small[0].weight.data = conv1.weight.data[mask].clone()
    small[0].bias.data = conv1.bias.data[mask].clone()
    small[2].weight.data = conv2.weight.data[:, mask].clone()
    small[2].bias.data = conv2.bias.data.clone()
    small[6].load_state_dict(linear.state_dict())
    return small


@right_answer(right.prune_filters)
def prune_by_state_dict(model, keep):
    state = {name: values.clone() for name, values in model.state_dict().items()}
    filters = state["0.weight"]
    if keep not in range(1, len(filters) + 1):
        raise ValueError(f"keep is {keep}, but there are {len(filters)} filters")
    places = sorted(sorted(range(len(filters)), key=lambda k: -filters[k].square().sum().item())[:keep])
    state["0.weight"], state["0.bias"] = filters[places], state["0.bias"][places]
    state["2.weight"] = state["2.weight"][:, places]
    layers = [nn.Conv2d(3, keep, 3, 1, 1), nn.ReLU(), nn.Conv2d(keep, state["2.weight"].shape[0], 3, 1, 1), nn.ReLU()]
    smaller = nn.Sequential(*layers, nn.AdaptiveMaxPool2d(4), nn.Flatten(), nn.Linear(256, model[6].out_features))
    smaller.load_state_dict(state)
    return smaller


@right_answer(right.prune_filters)
def prune_layer_by_layer(model, keep):
    first, relu, second, *rest = model
    if keep < 1:
        raise ValueError(f"keep={keep}: at least one filter must stay")
    if keep > first.out_channels:
        raise ValueError(f"keep={keep}: there are only {first.out_channels} filters")
    with torch.no_grad():
        strength = first.weight.reshape(len(first.weight), -1).norm(p=2, dim=1)
        stays = torch.zeros(len(strength), dtype=torch.bool)
        stays[strength.argsort()[-keep:]] = True
        a = nn.Conv2d(first.in_channels, keep, first.kernel_size, padding=first.padding)
        a.weight[:] = first.weight[stays]
        a.bias[:] = first.bias[stays]
        b = nn.Conv2d(keep, second.out_channels, second.kernel_size, padding=second.padding)
        b.weight[:] = second.weight[:, stays]
        b.bias[:] = second.bias
    return nn.Sequential(a, copy.deepcopy(relu), b, *map(copy.deepcopy, rest))
