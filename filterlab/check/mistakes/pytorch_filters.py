"""Lesson 04, filters in PyTorch: the mistakes we expect, each with its hint, and right answers in other styles.

A mistake repeats one misunderstanding and is right in all else, so that the hint it carries fits the answers that it recognises
and no others.
"""

import copy
import math

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from filterlab.check.bank import mistake, right_answer
from filterlab.check.expectation import CHANGED_INPUT
from filterlab.check.references import pytorch_filters as right

# --- SimpleCNN --------------------------------------------------------------------------------------------------------

SCORES = "`forward` gives plain scores: cross-entropy does the rest itself, so there is no {} at the end."
_Right = right.SimpleCNN.function


@mistake(right.SimpleCNN, SCORES.format("softmax"))
class SoftmaxAtTheEnd(_Right):
    def forward(self, x):
        return super().forward(x).softmax(dim=1)


@mistake(right.SimpleCNN, SCORES.format("log_softmax"))
class LogSoftmaxAtTheEnd(_Right):
    def forward(self, x):
        return super().forward(x).log_softmax(dim=1)


@mistake(right.SimpleCNN, SCORES.format("ReLU") + ' A score below 0 is what says "rather not".')
class ReluAtTheEnd(_Right):
    def forward(self, x):
        return super().forward(x).relu()


@mistake(right.SimpleCNN, SCORES.format("sigmoid"))
class SigmoidAtTheEnd(_Right):
    def forward(self, x):
        return super().forward(x).sigmoid()


@mistake(right.SimpleCNN, SCORES.format("tanh"))
class TanhAtTheEnd(_Right):
    def forward(self, x):
        return super().forward(x).tanh()


@mistake(
    right.SimpleCNN,
    "the last layer expects pictures of one size: pool the maps to a fixed size first (nn.AdaptiveAvgPool2d).",
)
class FixedPictureSize(_Right):
    def __init__(self, classes=10):
        super().__init__(classes)
        self.head = nn.Linear(6 * 32 * 32, classes)

    def forward(self, x):
        return self.head(self.features(x).flatten(1))


@mistake(right.SimpleCNN, "conv1 lacks its padding: without padding=1 the maps lose a frame of pixels.")
class WithoutPadding(_Right):
    def __init__(self, classes=10):
        super().__init__(classes)
        self.conv1 = nn.Conv2d(3, 6, kernel_size=3)


@mistake(right.SimpleCNN, "conv1 lacks its bias: Conv2d has one unless it is told otherwise.")
class WithoutBias(_Right):
    def __init__(self, classes=10):
        super().__init__(classes)
        self.conv1 = nn.Conv2d(3, 6, kernel_size=3, padding=1, bias=False)


@mistake(right.SimpleCNN, "conv1 has another number of filters: it is Conv2d(3, 6, kernel_size=3, padding=1), six of them.")
class MoreFilters(_Right):
    def __init__(self, classes=10):
        super().__init__(classes)
        self.conv1, self.head = nn.Conv2d(3, 16, kernel_size=3, padding=1), nn.Linear(16 * 4 * 4, classes)


@mistake(right.SimpleCNN, "conv1 has filters of another size: kernel_size=3.")
class LargerFilters(_Right):
    def __init__(self, classes=10):
        super().__init__(classes)
        self.conv1 = nn.Conv2d(3, 6, kernel_size=5, padding=2)


@mistake(right.SimpleCNN, "conv1 stands inside another module: it must be an attribute of the model, `self.conv1`.")
class LayersInSequential(nn.Module):
    def __init__(self, classes=10):
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(3, 6, kernel_size=3, padding=1), nn.ReLU())
        self.head = nn.Linear(6 * 4 * 4, classes)

    def features(self, x):
        return self.layers(x)

    def forward(self, x):
        return self.head(F.adaptive_avg_pool2d(self.features(x), 4).flatten(1))


@mistake(right.SimpleCNN, "`features` gives what conv1 gives, negative numbers and all: the ReLU belongs in it.")
class FeaturesBeforeRelu(_Right):
    def features(self, x):
        return self.conv1(x)

    def forward(self, x):
        return self.head(F.adaptive_avg_pool2d(F.relu(self.features(x)), 4).flatten(1))


@mistake(right.SimpleCNN, "`features` gives pooled maps: pooling belongs in forward, the maps of `features` are as large as the picture.")
class FeaturesPooled(_Right):
    def features(self, x):
        return F.max_pool2d(F.relu(self.conv1(x)), 2)


@mistake(right.SimpleCNN, "`features` uses another activation: ReLU keeps what is above 0 and makes the rest exactly 0.")
class FeaturesLeaky(_Right):
    def features(self, x):
        return F.leaky_relu(self.conv1(x), 0.1)


@mistake(right.SimpleCNN, "`classes` is ignored: the last layer gives one score for each class.")
class ClassesIgnored(_Right):
    def __init__(self, classes=10):
        super().__init__(10)


@mistake(
    right.SimpleCNN, "conv1 can learn nothing: forward must go through `features`, and nothing on the way may be detached or under no_grad."
)
class Conv1Bypassed(_Right):
    def __init__(self, classes=10):
        super().__init__(classes)
        self.conv2 = nn.Conv2d(3, 6, kernel_size=3, padding=1)

    def forward(self, x):
        return self.head(F.adaptive_avg_pool2d(F.relu(self.conv2(x)), 4).flatten(1))


@mistake(
    right.SimpleCNN,
    "the scores differ from call to call in eval mode: F.dropout needs `training=self.training` (nn.Dropout knows by itself).",
)
class DropoutAlways(_Right):
    def forward(self, x):
        return self.head(F.dropout(F.adaptive_avg_pool2d(self.features(x), 4).flatten(1), 0.3))


@mistake(right.SimpleCNN, "for a single picture the batch axis is lost: flatten(1) keeps it, squeeze() takes every axis of size 1.")
class BatchOfOneSqueezed(_Right):
    def forward(self, x):
        return super().forward(x).squeeze()


@mistake(right.SimpleCNN, CHANGED_INPUT)
class CentresInPlace(_Right):
    def features(self, x):
        x -= 0.5
        return F.relu(self.conv1(x + 0.5))


@right_answer(right.SimpleCNN)
class GlobalMean(nn.Module):
    def __init__(self, classes: int = 10):
        super(GlobalMean, self).__init__()  # noqa: UP008
        self.conv1 = nn.Conv2d(3, 6, 3, padding=1)
        self.fc = nn.Linear(6, classes)

    def features(self, x):
        return torch.relu(self.conv1(x))

    def forward(self, x):
        return self.fc(self.features(x).mean(dim=(2, 3)))


@right_answer(right.SimpleCNN)
class PoolsAndDrops(nn.Module):
    def __init__(self, classes=10):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels=3, out_channels=6, kernel_size=(3, 3), padding="same")
        self.relu = nn.ReLU(inplace=True)
        self.rest = nn.Sequential(nn.AdaptiveMaxPool2d((2, 3)), nn.Flatten(), nn.Dropout(0.5), nn.Linear(36, classes))

    def features(self, x):
        return self.relu(self.conv1(x))

    def forward(self, x):
        return self.rest(self.features(x))


@right_answer(right.SimpleCNN)
class Deeper(nn.Module):
    def __init__(self, classes=10):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 6, kernel_size=3, padding=1, bias=True)
        self.norm = nn.BatchNorm2d(6)
        self.conv2 = nn.Conv2d(6, 12, 3, stride=2, padding=1)
        self.hidden = nn.Linear(12, 20)
        self.classifier = nn.Linear(20, classes)

    def features(self, x):
        return self.conv1(x).clamp(min=0)

    def forward(self, x):
        x = F.gelu(self.conv2(self.norm(self.features(x))))
        x = torch.amax(x, (2, 3))
        return self.classifier(F.leaky_relu(self.hidden(x)))


@right_answer(right.SimpleCNN)
class ConvolutionAsHead(nn.Module):
    def __init__(self, classes=10):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 6, kernel_size=3, stride=1, padding=1)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.score = nn.Conv2d(6, classes, 1)
        nn.init.kaiming_normal_(self.conv1.weight, nonlinearity="relu")

    def features(self, x):
        return F.relu(self.conv1(x), inplace=True)

    def forward(self, x):
        x = self.score(self.pool(self.features(x)))
        return x.view(x.size(0), -1)


# --- conv_parameters --------------------------------------------------------------------------------------------------


def _pair(kernel_size):
    return (kernel_size, kernel_size) if isinstance(kernel_size, int) else tuple(kernel_size)


@mistake(right.conv_parameters, "the bias is left out: one number for each filter.")
def parameters_never_bias(in_channels, out_channels, kernel_size, bias=True):
    return right.conv_parameters(in_channels, out_channels, kernel_size, False)


@mistake(right.conv_parameters, "the bias is counted although bias=False.")
def parameters_always_bias(in_channels, out_channels, kernel_size, bias=True):
    return right.conv_parameters(in_channels, out_channels, kernel_size, True)


@mistake(right.conv_parameters, "the bias belongs to the filter: one for each output channel, not for each input channel.")
def parameters_bias_per_input(in_channels, out_channels, kernel_size, bias=True):
    return right.conv_parameters(in_channels, out_channels, kernel_size, False) + bias * in_channels


@mistake(right.conv_parameters, "there is one bias for each filter, not one for the whole layer.")
def parameters_one_bias(in_channels, out_channels, kernel_size, bias=True):
    return right.conv_parameters(in_channels, out_channels, kernel_size, False) + bias


@mistake(
    right.conv_parameters,
    "each slice of a filter gets a bias of its own in your count: one filter has one bias, added after the slices are summed.",
)
def parameters_bias_per_slice(in_channels, out_channels, kernel_size, bias=True):
    return right.conv_parameters(in_channels, out_channels, kernel_size, False) + bias * in_channels * out_channels


@mistake(right.conv_parameters, "the input channels are left out: every filter has one slice for each of them.")
def parameters_without_channels(in_channels, out_channels, kernel_size, bias=True):
    return right.conv_parameters(1, out_channels, kernel_size, bias)


@mistake(right.conv_parameters, "the filters are not counted: there is one for each output channel.")
def parameters_of_one_filter(in_channels, out_channels, kernel_size, bias=True):
    return right.conv_parameters(in_channels, 1, kernel_size, bias)


@mistake(right.conv_parameters, "a slice has rows · columns weights, not rows + columns.")
def parameters_sides_added(in_channels, out_channels, kernel_size, bias=True):
    return out_channels * (in_channels * sum(_pair(kernel_size)) + bias)


@mistake(right.conv_parameters, "kernel_size is counted once: a filter of 3 has 3 · 3 weights in each slice.")
def parameters_one_side(in_channels, out_channels, kernel_size, bias=True):
    return out_channels * (in_channels * (kernel_size if isinstance(kernel_size, int) else math.prod(kernel_size)) + bias)


@mistake(right.conv_parameters, "of a pair only the first number is used: rows and columns may differ.")
def parameters_first_of_the_pair(in_channels, out_channels, kernel_size, bias=True):
    return right.conv_parameters(in_channels, out_channels, _pair(kernel_size)[0], bias)


@mistake(right.conv_parameters, "kernel_size may be a pair (rows, columns), as a tuple or a list.")
def parameters_of_an_int_only(in_channels, out_channels, kernel_size, bias=True):
    return out_channels * (in_channels * kernel_size**2 + bias)


@right_answer(right.conv_parameters)
def parameters_of_a_layer(in_channels, out_channels, kernel_size, bias=True):
    layer = nn.Conv2d(in_channels, out_channels, kernel_size, bias=bias)
    return sum(p.numel() for p in layer.parameters())


@right_answer(right.conv_parameters)
def parameters_by_product(in_channels, out_channels, kernel_size, bias=True):
    kh, kw = (kernel_size,) * 2 if isinstance(kernel_size, int) else kernel_size
    weights = math.prod((out_channels, in_channels, kh, kw))
    return weights + out_channels if bias else weights


@right_answer(right.conv_parameters)
def parameters_of_numpy(in_channels, out_channels, kernel_size, bias=True):
    area = np.prod(np.broadcast_to(kernel_size, 2))
    return np.int64(out_channels) * (in_channels * area + int(bias))


@right_answer(right.conv_parameters)
def parameters_by_trying(in_channels, out_channels, kernel_size, bias=True):
    try:
        rows, columns = kernel_size
    except TypeError:
        rows = columns = kernel_size
    per_filter = in_channels * rows * columns
    if bias:
        per_filter += 1
    return float(out_channels * per_filter)


# --- get_filters ------------------------------------------------------------------------------------------------------


@mistake(
    right.get_filters,
    "this is the living parameter, which training changes: `.detach().clone()` makes a copy that rests.",
)
def filters_alive(model):
    return model.conv1.weight


@mistake(
    right.get_filters,
    "this is the model's own memory, which training changes: `.detach()`, `.data`, state_dict() and `.numpy()` share it; `.clone()` copies.",
)
def filters_by_view(model):
    return model.conv1.weight.detach()


@mistake(right.get_filters, "the copy still asks for gradients and keeps the model's graph alive: `.detach()` it.")
def filters_with_gradient(model):
    return model.conv1.weight.clone()


@mistake(right.get_filters, "this is a NumPy array: give a tensor, without `.numpy()`.")
def filters_as_array(model):
    return model.conv1.weight.detach().numpy().copy()


@mistake(right.get_filters, "this is the bias: the filters stand in `conv1.weight`.")
def filters_bias(model):
    return model.conv1.bias.detach().clone()


@mistake(right.get_filters, "this is one filter: all six are wanted.")
def filters_first(model):
    return model.conv1.weight[0].detach().clone()


@mistake(right.get_filters, "the slices of each filter are averaged: keep all three, one for each input channel.")
def filters_averaged(model):
    return model.conv1.weight.mean(dim=1).detach()


@mistake(right.get_filters, "the channels stand last: keep PyTorch's order, (filter, channel, row, column).")
def filters_channels_last(model):
    return model.conv1.weight.detach().clone().permute(0, 2, 3, 1)


@mistake(right.get_filters, "the weights are stretched to 0…1 for a picture: give them as they are, signs and all.")
def filters_stretched(model):
    weight = model.conv1.weight.detach()
    return (weight - weight.min()) / (weight.max() - weight.min())


@mistake(right.get_filters, "the signs are gone: give the weights as they are.")
def filters_without_sign(model):
    return model.conv1.weight.detach().abs()


@mistake(
    right.get_filters,
    "the model's own weight is frozen by this: `.detach()` gives a tensor without gradients and leaves the model as it is.",
)
def filters_frozen(model):
    return model.conv1.weight.requires_grad_(False).clone()


@right_answer(right.get_filters)
def filters_under_no_grad(model):
    with torch.no_grad():
        return model.conv1.weight.clone().cpu()


@right_answer(right.get_filters)
def filters_through_numpy(model):
    return torch.tensor(model.conv1.weight.detach().cpu().numpy())


@right_answer(right.get_filters)
def filters_of_state(model):
    return copy.deepcopy(model.state_dict())["conv1.weight"].to("cpu")


@right_answer(right.get_filters)
@torch.no_grad()
def filters_filled(model):
    filters = torch.empty(6, 3, 3, 3)
    filters[:] = model.conv1.weight
    return filters


# --- train_epoch ------------------------------------------------------------------------------------------------------


def _train(model, batches, optimizer, loss_of=F.cross_entropy, before=lambda model: model.train()):
    """One right epoch with another loss, or another mode: the losses of the batches and their sizes."""
    before(model)
    losses, sizes = [], []
    for x, labels in batches:
        optimizer.zero_grad()
        loss = loss_of(model(x), labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        sizes.append(len(labels))
    return losses, sizes


def _mean(losses, sizes):
    return float(np.average(losses, weights=sizes))


@mistake(right.train_epoch, "gradients pile up from batch to batch: call optimizer.zero_grad() before each backward().")
def epoch_without_zero_grad(model, batches, optimizer):
    model.train()
    losses, sizes = [], []
    for x, labels in batches:
        loss = F.cross_entropy(model(x), labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        sizes.append(len(labels))
    return _mean(losses, sizes)


@mistake(right.train_epoch, "nothing is learned: after loss.backward() comes optimizer.step().")
def epoch_without_step(model, batches, optimizer):
    model.train()
    losses, sizes = [], []
    for x, labels in batches:
        loss = F.cross_entropy(model(x), labels)
        losses.append(loss.item())
        sizes.append(len(labels))
    return _mean(losses, sizes)


@mistake(
    right.train_epoch, "zero_grad() stands between backward() and step(): it throws the fresh gradients away. Call it before backward()."
)
def epoch_zero_grad_too_late(model, batches, optimizer):
    model.train()
    losses, sizes = [], []
    for x, labels in batches:
        loss = F.cross_entropy(model(x), labels)
        loss.backward()
        optimizer.zero_grad()
        optimizer.step()
        losses.append(loss.item())
        sizes.append(len(labels))
    return _mean(losses, sizes)


@mistake(
    right.train_epoch, "there is one step for the whole epoch: zero_grad, backward and step belong inside the loop, once for each batch."
)
def epoch_one_step(model, batches, optimizer):
    model.train()
    losses, sizes = [], []
    for x, labels in batches:
        loss = F.cross_entropy(model(x), labels)
        loss.backward()
        losses.append(loss.item())
        sizes.append(len(labels))
    optimizer.step()
    return _mean(losses, sizes)


@mistake(
    right.train_epoch,
    "this is the mean of the batches' means, in which pictures of a small last batch count for more: weight each by its pictures.",
)
def epoch_mean_of_means(model, batches, optimizer):
    return float(np.mean(_train(model, batches, optimizer)[0]))


@mistake(
    right.train_epoch,
    "the batches' mean losses are added up: multiply each by its number of pictures, and divide by all pictures in the end.",
)
def epoch_sum_of_means(model, batches, optimizer):
    return float(np.sum(_train(model, batches, optimizer)[0]))


@mistake(right.train_epoch, "the loss is summed over all pictures: divide by how many there are.")
def epoch_sum_over_pictures(model, batches, optimizer):
    return float(np.dot(*_train(model, batches, optimizer)))


@mistake(right.train_epoch, "the sum over pictures is divided by the number of batches: divide by the number of pictures.")
def epoch_divided_by_batches(model, batches, optimizer):
    losses, sizes = _train(model, batches, optimizer)
    return float(np.dot(losses, sizes)) / len(sizes)


@mistake(right.train_epoch, "this is the last batch's loss: the mean over all pictures of the epoch is wanted.")
def epoch_last_loss(model, batches, optimizer):
    return _train(model, batches, optimizer)[0][-1]


@mistake(right.train_epoch, "only the first batch is used: a `return` inside the loop ends it.")
def epoch_first_batch(model, batches, optimizer):
    return _mean(*_train(model, [next(iter(batches))], optimizer))


@mistake(right.train_epoch, "the smaller last batch is left out: its pictures count as well.")
def epoch_drops_last(model, batches, optimizer):
    batches = list(batches)
    return _mean(*_train(model, [batch for batch in batches if len(batch[1]) == len(batches[0][1])], optimizer))


@mistake(right.train_epoch, "the model stays in the mode it came in: begin with model.train().")
def epoch_mode_as_it_is(model, batches, optimizer):
    return _mean(*_train(model, batches, optimizer, before=lambda model: model))


@mistake(right.train_epoch, "the model is in eval mode: batch norm learns nothing about its pictures. Begin with model.train().")
def epoch_in_eval_mode(model, batches, optimizer):
    return _mean(*_train(model, batches, optimizer, before=lambda model: model.eval()))


@mistake(right.train_epoch, "softmax is applied twice: F.cross_entropy takes plain scores and does it itself.")
def epoch_softmax_first(model, batches, optimizer):
    return _mean(*_train(model, batches, optimizer, lambda scores, labels: F.cross_entropy(scores.softmax(dim=1), labels)))


@mistake(right.train_epoch, "F.nll_loss wants log-probabilities: use F.cross_entropy on the plain scores.")
def epoch_nll(model, batches, optimizer):
    return _mean(*_train(model, batches, optimizer, F.nll_loss))


@mistake(right.train_epoch, "this is the squared error: cross-entropy is asked for.")
def epoch_squared_error(model, batches, optimizer):
    return _mean(*_train(model, batches, optimizer, lambda scores, labels: F.mse_loss(scores, F.one_hot(labels, scores.shape[1]).float())))


@mistake(
    right.train_epoch,
    "backward() goes through the sum over the batch, which makes every step as many times longer as there are pictures: use the mean.",
)
def epoch_sum_backward(model, batches, optimizer):
    losses, sizes = _train(model, batches, optimizer, lambda scores, labels: F.cross_entropy(scores, labels, reduction="sum"))
    return sum(losses) / sum(sizes)


@mistake(right.train_epoch, "the loss is measured after the step: take the one that the step was made from.")
def epoch_loss_after_step(model, batches, optimizer):
    model.train()
    losses, sizes = [], []
    for x, labels in batches:
        optimizer.zero_grad()
        F.cross_entropy(model(x), labels).backward()
        optimizer.step()
        with torch.no_grad():
            losses.append(F.cross_entropy(model(x), labels).item())
        sizes.append(len(labels))
    return _mean(losses, sizes)


@mistake(right.train_epoch, "the result is a tensor, which keeps the graph of the epoch in memory: `.item()` gives the number.")
def epoch_gives_tensor(model, batches, optimizer):
    return torch.tensor(_mean(*_train(model, batches, optimizer)))


@mistake(right.train_epoch, "`batches` can be read only once: count the pictures while you train, in the same loop.")
def epoch_reads_twice(model, batches, optimizer):
    count = sum(len(labels) for _, labels in batches)
    return float(np.dot(*_train(model, batches, optimizer))) / count


@mistake(right.train_epoch, "`batches` is any iterable and need not have a length, or places: count batches and pictures in the loop.")
def epoch_asks_for_length(model, batches, optimizer):
    return sum(_train(model, batches, optimizer)[0]) / len(batches)


@mistake(right.train_epoch, "the accuracy is counted: the mean loss is asked for.")
def epoch_accuracy(model, batches, optimizer):
    seen = []

    def loss_of(scores, labels):
        seen.append((scores.argmax(dim=1) == labels).float())
        return F.cross_entropy(scores, labels)

    _train(model, batches, optimizer, loss_of)
    return float(torch.cat(seen).mean())


@right_answer(right.train_epoch)
def epoch_with_criterion(model, batches, optimizer):
    criterion = nn.CrossEntropyLoss()
    model.train()
    running_loss = 0.0
    n = 0
    for inputs, targets in batches:
        outputs = model(inputs)
        loss = criterion(outputs, targets)
        model.zero_grad()
        loss.backward()
        optimizer.step()
        running_loss += loss.item() * inputs.size(0)
        n += inputs.size(0)
    return running_loss / n


@right_answer(right.train_epoch)
def epoch_of_summed_losses(model, batches, optimizer):
    model.train(True)
    losses = []
    for batch in batches:
        each = F.cross_entropy(model(batch[0]), batch[1], reduction="none")
        optimizer.zero_grad(set_to_none=False)
        (each.sum() / len(each)).backward()
        optimizer.step()
        losses += each.tolist()
    return sum(losses) / len(losses)


@right_answer(right.train_epoch)
def epoch_by_hand(model, batches, optimizer):
    model.train()
    device = next(model.parameters()).device
    total, seen = torch.zeros(()), 0
    for _, (x, y) in enumerate(batches):
        x, y = x.to(device), y.to(device)
        log_probabilities = F.log_softmax(model(x), dim=1)
        loss = -log_probabilities[torch.arange(len(y)), y].mean()
        for group in optimizer.param_groups:
            for weight in group["params"]:
                weight.grad = None
        loss.backward()
        optimizer.step()
        total += loss.detach() * y.shape[0]
        seen += y.shape[0]
    return (total / seen).item()


@right_answer(right.train_epoch)
def epoch_of_a_list(model, batches, optimizer):
    batches = list(batches)
    optimizer.zero_grad()
    for module in model.modules():
        module.train()
    losses = []
    for x, labels in batches:
        loss = F.nll_loss(model(x).log_softmax(1), labels)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    return np.average(losses, weights=[len(labels) for _, labels in batches])


@right_answer(right.train_epoch)
def epoch_with_closure(model, batches, optimizer):
    model.train()
    sums = []
    for x, labels in batches:

        def closure(x=x, labels=labels):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), labels)
            loss.backward()
            return loss

        sums.append((float(optimizer.step(closure)) * len(x), len(x)))
    return sum(loss for loss, _ in sums) / sum(count for _, count in sums)


# --- evaluate ---------------------------------------------------------------------------------------------------------


def _hits(model, batches, grad=False):
    """For each batch, which pictures are recognised; in eval mode, and the old mode afterwards."""
    training = model.training
    model.eval()
    with torch.set_grad_enabled(grad):
        hits = [(model(x).argmax(dim=1) == labels).float() for x, labels in batches]
    model.train(training)
    return hits


def _share(hits):
    return torch.cat(hits).double().mean().item()


@mistake(
    right.evaluate,
    "the model is not in eval mode: batch norm uses the batch's own statistics, and changes its own. Call model.eval() first.",
)
def accuracy_in_given_mode(model, batches):
    with torch.no_grad():
        return _share([(model(x).argmax(dim=1) == labels).float() for x, labels in batches])


@mistake(right.evaluate, "the model stays in eval mode: remember `model.training` before, and put it back with model.train(…).")
def accuracy_leaves_eval(model, batches):
    accuracy = _share(_hits(model, batches))
    model.eval()
    return accuracy


@mistake(right.evaluate, "the model always ends in training mode: put it back into the mode it came in, which may be eval mode.")
def accuracy_leaves_train(model, batches):
    accuracy = _share(_hits(model, batches))
    model.train()
    return accuracy


@mistake(right.evaluate, "gradients are recorded on the way, which costs time and memory: work under torch.no_grad().")
def accuracy_with_gradients(model, batches):
    return _share(_hits(model, batches, grad=True))


@mistake(
    right.evaluate,
    "this is the mean of the batches' accuracies, in which a small last batch counts for more: count right pictures, and all pictures.",
)
def accuracy_mean_of_means(model, batches):
    return float(np.mean([hits.mean().item() for hits in _hits(model, batches)]))


@mistake(right.evaluate, "this is in percent: accuracy is a share between 0 and 1.")
def accuracy_in_percent(model, batches):
    return 100 * _share(_hits(model, batches))


@mistake(right.evaluate, "the right pictures are counted: divide by the number of all pictures.")
def accuracy_count(model, batches):
    return int(torch.cat(_hits(model, batches)).sum())


@mistake(right.evaluate, "the right pictures are divided by the number of batches: divide by the number of pictures.")
def accuracy_per_batch(model, batches):
    hits = _hits(model, batches)
    return float(torch.cat(hits).sum()) / len(hits)


@mistake(right.evaluate, "the result is a tensor: `.item()` gives the number.")
def accuracy_as_tensor(model, batches):
    return torch.cat(_hits(model, batches)).mean()


@mistake(right.evaluate, "this is the share of wrong pictures: the right ones are asked for.")
def accuracy_of_errors(model, batches):
    return 1 - _share(_hits(model, batches))


@mistake(right.evaluate, "only the last batch counts: add up over all of them.")
def accuracy_of_last_batch(model, batches):
    return _hits(model, batches)[-1].mean().item()


@mistake(right.evaluate, "only the first batch counts: a `return` inside the loop ends it.")
def accuracy_of_first_batch(model, batches):
    return _hits(model, batches)[0].mean().item()


@mistake(right.evaluate, "`batches` can be read only once: count the pictures in the same loop.")
def accuracy_reads_twice(model, batches):
    count = sum(len(labels) for _, labels in batches)
    return sum(float(hits.sum()) for hits in _hits(model, batches)) / count


@mistake(right.evaluate, "`batches` is any iterable and need not have a length, or places: count in the loop.")
def accuracy_asks_for_length(model, batches):
    hits = _hits(model, batches)
    return sum(float(one.mean()) for one in hits) / len(batches)


@mistake(right.evaluate, "the largest score is looked for among the pictures, not among the classes: argmax(dim=1).")
def accuracy_along_pictures(model, batches):
    training = model.training
    model.eval()
    with torch.no_grad():
        hits = [model(x).argmax(dim=0) == labels for x, labels in batches]
    model.train(training)
    return _share(hits)


@mistake(right.evaluate, "the weights are frozen by this: torch.no_grad() stops the recording and leaves the model as it is.")
def accuracy_freezes(model, batches):
    model.requires_grad_(False)
    return _share(_hits(model, batches))


@right_answer(right.evaluate)
@torch.no_grad()
def accuracy_decorated(model, batches):
    was_training = model.training
    model.eval()
    correct = total = 0
    for inputs, targets in batches:
        _, predicted = torch.max(model(inputs), 1)
        correct += (predicted == targets).sum().item()
        total += targets.size(0)
    model.train(was_training)
    return correct / total


@right_answer(right.evaluate)
def accuracy_inferred(model, batches):
    mode = model.training
    try:
        model.eval()
        with torch.inference_mode():
            pairs = [(model(x).softmax(dim=1).argmax(1), y) for x, y in batches]
    finally:
        model.train(mode)
    guesses, labels = map(torch.cat, zip(*pairs, strict=True))
    return (guesses == labels).float().mean().item()


@right_answer(right.evaluate)
def accuracy_of_numpy(model, batches):
    before = model.training
    model.train(False)
    hits = []
    for x, labels in batches:
        with torch.no_grad():
            scores = model(x).numpy()
        hits.extend(scores.argmax(axis=1) == labels.numpy())
    if before:
        model.train()
    return np.mean(hits)


@right_answer(right.evaluate)
def accuracy_of_a_copy(model, batches):
    model = copy.deepcopy(model).eval().requires_grad_(False)
    right_ones, count = 0, 0
    for x, labels in batches:
        right_ones += sum(int(guess) == int(label) for guess, label in zip(model(x).argmax(-1), labels, strict=True))
        count += len(x)
    return right_ones / count


# --- install_filters --------------------------------------------------------------------------------------------------


def _install_and(hint):
    """A mistake that installs the filters well and then spoils something: spoil(conv1, conv1 as it was, kernels)."""

    def register(spoil):
        def answer(model, kernels):
            old = copy.deepcopy(model.conv1)
            right.install_filters(model, kernels)
            with torch.no_grad():
                spoil(model.conv1, old, torch.as_tensor(kernels).float())

        answer.__name__ = spoil.__name__
        mistake(right.install_filters, hint)(answer)
        return spoil

    return register


@_install_and("the slices are not divided by the number of channels: a grey picture would be answered three times as strongly.")
def install_undivided(conv1, old, kernels):
    conv1.weight[: len(kernels)] *= 3


@_install_and("the slices are divided by the number of filters: divide by that of the input channels, over which a filter sums.")
def install_divided_by_filters(conv1, old, kernels):
    conv1.weight[: len(kernels)] *= 3 / 6


@_install_and("the slices are divided by the number of kernels: divide by that of the input channels, over which a filter sums.")
def install_divided_by_kernels(conv1, old, kernels):
    conv1.weight[: len(kernels)] *= 3 / len(kernels)


@_install_and("the bias keeps its old numbers: set all of it to zero.")
def install_keeps_bias(conv1, old, kernels):
    conv1.bias.copy_(old.bias)


@_install_and("only the biases of the new filters become zero: set the whole bias to zero.")
def install_keeps_other_biases(conv1, old, kernels):
    conv1.bias[len(kernels) :] = old.bias[len(kernels) :]


@_install_and("the other filters are lost: only the first k get new weights.")
def install_clears_others(conv1, old, kernels):
    conv1.weight[len(kernels) :] = 0


@_install_and("nothing is frozen: training would change your filters. `conv1.requires_grad_(False)` stops it.")
def install_unfrozen(conv1, old, kernels):
    conv1.requires_grad_(True)


@_install_and("the weight is frozen, but the bias is not: freeze all of conv1.")
def install_bias_unfrozen(conv1, old, kernels):
    conv1.bias.requires_grad_(True)


@_install_and("the bias is frozen, but the weight is not: freeze all of conv1.")
def install_weight_unfrozen(conv1, old, kernels):
    conv1.weight.requires_grad_(True)


@_install_and("only the first input channel gets the kernel, the others nothing: all channels get the same slice.")
def install_first_channel(conv1, old, kernels):
    conv1.weight[: len(kernels), 1:] = 0


@_install_and("only the first input channel gets the kernel, the others keep their old weights: all channels get the same slice.")
def install_first_channel_only(conv1, old, kernels):
    conv1.weight[: len(kernels), 1:] = old.weight[: len(kernels), 1:]


@_install_and("the kernels are flipped: conv1 computes cross-correlation, write them in as they stand.")
def install_flipped(conv1, old, kernels):
    conv1.weight[: len(kernels)] = conv1.weight[: len(kernels)].flip(2, 3)


@_install_and("rows and columns of the kernels are exchanged.")
def install_transposed(conv1, old, kernels):
    conv1.weight[: len(kernels)] = conv1.weight[: len(kernels)].transpose(2, 3).clone()


@_install_and("the kernels are added to the old weights: they take their place.")
def install_added(conv1, old, kernels):
    conv1.weight[: len(kernels)] += old.weight[: len(kernels)]


@_install_and("the kernels stand in the last filters: the first k are meant.")
def install_last_filters(conv1, old, kernels):
    k = len(kernels)
    new = conv1.weight[:k].clone()
    conv1.weight.copy_(old.weight)
    conv1.weight[6 - k :] = new


@mistake(right.install_filters, "the whole model is frozen: only conv1 is meant, the layers behind it must still learn.")
def install_freezes_all(model, kernels):
    right.install_filters(model, kernels)
    model.requires_grad_(False)


def _install(model, kernels):
    """Installs without looking: torch stretches what has one row, column or axis too few."""
    with torch.no_grad():
        model.conv1.weight[: len(kernels)] = torch.as_tensor(kernels).float().unsqueeze(1) / 3
        model.conv1.bias.zero_()
    model.conv1.requires_grad_(False)


@mistake(
    right.install_filters,
    "shapes that do not fit are not refused: before you write, see whether kernels has 3 axes, at most 6 kernels and 3×3 numbers in each, "
    "and `raise ValueError(…)` if not. (torch stretches a single row or number to 3×3 in silence, and has another error for the rest.)",
)
def install_unchecked(model, kernels):
    _install(model, kernels)


@mistake(right.install_filters, "of more than 6 kernels the rest is dropped in silence: raise ValueError.")
def install_drops_surplus(model, kernels):
    right.install_filters(model, kernels[:6] if kernels.ndim == 3 else kernels)


@mistake(right.install_filters, "the size of the kernels is not looked at: other than 3×3 must be refused with ValueError.")
def install_size_unchecked(model, kernels):
    if kernels.ndim != 3 or len(kernels) > 6:
        raise ValueError(f"kernels of shape {tuple(kernels.shape)}")
    _install(model, kernels)


@mistake(right.install_filters, "the model is changed before the kernels are refused: look at the shapes first, then write.")
def install_checks_late(model, kernels):
    with torch.no_grad():
        model.conv1.bias.zero_()
    model.conv1.requires_grad_(False)
    right.install_filters(model, kernels)


@right_answer(right.install_filters)
def install_by_loop(model, kernels):
    kernels = np.asarray(kernels)
    if kernels.ndim != 3 or kernels.shape[1:] != (3, 3) or kernels.shape[0] > 6:
        raise ValueError(f"kernels has shape {kernels.shape}, expected (k, 3, 3) with k up to 6")
    weight = model.conv1.weight.data
    for i, kernel in enumerate(kernels):
        for channel in range(3):
            weight[i, channel] = torch.tensor(kernel / 3)
    model.conv1.bias.data.fill_(0.0)
    for parameter in model.conv1.parameters():
        parameter.requires_grad = False


@right_answer(right.install_filters)
def install_new_parameters(model, kernels):
    weight = model.conv1.weight.detach().clone()
    if isinstance(kernels, np.ndarray):
        kernels = torch.from_numpy(kernels)
    kernels = kernels.to(weight)
    k = kernels.shape[0]
    if kernels.dim() != 3 or k > weight.shape[0] or tuple(kernels.shape[1:]) != tuple(weight.shape[2:]):
        raise ValueError("kernels do not fit: " + str(tuple(kernels.shape)))
    weight[:k] = kernels.unsqueeze(1).repeat(1, 3, 1, 1) / 3
    model.conv1.weight = nn.Parameter(weight, requires_grad=False)
    model.conv1.bias = nn.Parameter(torch.zeros(6), requires_grad=False)


@right_answer(right.install_filters)
def install_by_state(model, kernels):
    if len(kernels.shape) != 3:
        raise ValueError(f"kernels must have 3 axes, not {len(kernels.shape)}")
    k, kh, kw = kernels.shape
    if k > 6:
        raise ValueError(f"at most 6 kernels, got {k}")
    if (kh, kw) != (3, 3):
        raise ValueError(f"kernels are {kh}×{kw}, the filters 3×3")
    state = copy.deepcopy(model.state_dict())
    state["conv1.weight"][:k] = torch.as_tensor(kernels)[:, None].expand(k, 3, 3, 3) / 3
    state["conv1.bias"] *= 0
    model.load_state_dict(state)
    model.conv1.weight.requires_grad_(False)
    model.conv1.bias.requires_grad_(False)


@right_answer(right.install_filters)
def install_under_no_grad(model, kernels):
    layer = model.conv1
    slices = torch.stack([torch.as_tensor(kernel, dtype=torch.float32) for kernel in kernels])
    if slices.shape[1:] != layer.kernel_size or len(slices) > layer.out_channels:
        raise ValueError(f"kernels: {tuple(slices.shape)}")
    with torch.no_grad():
        layer.weight[: len(slices)].copy_(torch.stack([slices / layer.in_channels] * layer.in_channels, dim=1))
        nn.init.zeros_(layer.bias)
    layer.requires_grad_(False)
    return model


# --- train_simple_cnn -------------------------------------------------------------------------------------------------


def _recipe(images, labels, epochs, seed, batch=16):
    """A right recipe, taken apart: the model, its first filters, the mean loss of each epoch, and of each batch."""
    torch.manual_seed(seed)
    model = _Right()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    before, losses, steps = right.get_filters(model), [], []
    for _ in range(epochs):
        parts = torch.randperm(len(images)).split(batch)
        one = _train(model, [(images[part], labels[part]) for part in parts], optimizer)
        losses.append(_mean(*one))
        steps += one[0]
    return model, before, losses, steps


def _result(model, before, losses, images, labels):
    accuracy = right.evaluate(model, [(images, labels)])
    return {"before": before, "after": right.get_filters(model), "losses": losses, "accuracy": accuracy}


def _recipe_and(hint):
    """A mistake in what the recipe reports: change(result, model, steps, images, labels) gives what is to be replaced."""

    def register(change):
        def answer(images, labels, epochs, seed):
            model, before, losses, steps = _recipe(images, labels, epochs, seed)
            result = _result(model, before, losses, images, labels)
            return result | change(result, model, steps, images, labels)

        answer.__name__ = change.__name__
        mistake(right.train_simple_cnn, hint)(answer)
        return change

    return register


@_recipe_and("`before` is what the filters are afterwards: a view of the living weights changes with them. Copy them before training.")
def recipe_before_is_alive(result, model, steps, images, labels):
    return {"before": model.conv1.weight.detach()}


@_recipe_and("`losses` holds the loss of every batch: one mean for each epoch is asked for.")
def recipe_loss_of_batches(result, model, steps, images, labels):
    return {"losses": steps}


@_recipe_and("`losses` is one number: a list with the mean loss of each epoch is asked for.")
def recipe_last_loss_only(result, model, steps, images, labels):
    return {"losses": result["losses"][-1]}


@_recipe_and("the losses are sums over the pictures: divide by how many there are.")
def recipe_summed_losses(result, model, steps, images, labels):
    return {"losses": [loss * len(images) for loss in result["losses"]]}


@_recipe_and("the accuracy is in percent: give a share between 0 and 1.")
def recipe_percent(result, model, steps, images, labels):
    return {"accuracy": 100 * result["accuracy"]}


@_recipe_and("the accuracy is that of a part of the pictures: measure it on all that were given.")
def recipe_accuracy_of_a_part(result, model, steps, images, labels):
    # Whatever part: right on most of it, but not on a whole number of all pictures.
    return {"accuracy": 0.93 + 0.01 / len(images)}


@_recipe_and("the accuracy is that of the model before training: measure it at the end.")
def recipe_accuracy_before(result, model, steps, images, labels):
    return {"accuracy": round(0.1 * len(images)) / len(images)}


def _lacking(key):
    def answer(images, labels, epochs, seed):
        model, before, losses, _ = _recipe(images, labels, epochs, seed)
        return {name: value for name, value in _result(model, before, losses, images, labels).items() if name != key}

    answer.__name__ = f"recipe_without_{key}"
    mistake(right.train_simple_cnn, f"the dict lacks {key!r}: its keys are before, after, losses and accuracy.")(answer)


for _key in ("before", "after", "losses", "accuracy"):
    _lacking(_key)


@mistake(right.train_simple_cnn, "the parts stand in a tuple: a dict is asked for, with the keys before, after, losses and accuracy.")
def recipe_as_tuple(images, labels, epochs, seed):
    model, before, losses, _ = _recipe(images, labels, epochs, seed)
    return tuple(_result(model, before, losses, images, labels).values())


@mistake(right.train_simple_cnn, "the seed is not used, so every run starts elsewhere: torch.manual_seed(seed) before the model is built.")
def recipe_unseeded(images, labels, epochs, seed):
    return right.train_simple_cnn(images, labels, epochs, int(torch.randint(10**6, ())))


@mistake(
    right.train_simple_cnn, "the seed is set after the model is built: its random start comes before. Call torch.manual_seed(seed) first."
)
def recipe_seeded_late(images, labels, epochs, seed):
    model = _Right()
    torch.manual_seed(seed)
    optimizer, losses = torch.optim.Adam(model.parameters(), lr=0.01), []
    before = right.get_filters(model)
    # What follows depends on the seed alone, the start does not.
    for _ in range(epochs):
        parts = torch.randperm(len(images)).split(16)
        losses.append(_mean(*_train(model, [(images[part], labels[part]) for part in parts], optimizer)))
    return _result(model, before, losses, images, labels)


@mistake(right.train_simple_cnn, "another seed gives the same: use the seed that is given, not a number of your own.")
def recipe_seed_of_its_own(images, labels, epochs, seed):
    return right.train_simple_cnn(images, labels, epochs, 42)


@mistake(right.train_simple_cnn, "conv1 does not learn: are all weights given to the optimizer, and is it asked to step?")
def recipe_untrained_filters(images, labels, epochs, seed):
    torch.manual_seed(seed)
    model = _Right()
    optimizer, losses = torch.optim.Adam(model.head.parameters(), lr=0.01), []
    before = right.get_filters(model)
    for _ in range(epochs):
        losses.append(_mean(*_train(model, zip(images.split(16), labels.split(16), strict=True), optimizer)))
    return _result(model, before, losses, images, labels)


@mistake(
    right.train_simple_cnn, "`before` is taken when training has begun: it depends on the pictures. Take it right after the model is built."
)
def recipe_before_too_late(images, labels, epochs, seed):
    model, before, losses, _ = _recipe(images, labels, 1, seed)
    before, optimizer = right.get_filters(model), torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(epochs - 1):
        losses.append(_mean(*_train(model, zip(images.split(16), labels.split(16), strict=True), optimizer)))
    return _result(model, before, losses, images, labels)


@mistake(
    right.train_simple_cnn,
    "the loss does not fall: is a sign changed, the learning rate too large, or the list not in the order of the epochs?",
)
def recipe_uphill(images, labels, epochs, seed):
    torch.manual_seed(seed)
    model = _Right()
    optimizer, losses = torch.optim.SGD(model.parameters(), lr=0.02, maximize=True), []
    before = right.get_filters(model)
    for _ in range(epochs):
        losses.append(_mean(*_train(model, zip(images.split(16), labels.split(16), strict=True), optimizer)))
    return _result(model, before, losses, images, labels)


@mistake(right.train_simple_cnn, CHANGED_INPUT)
def recipe_centres_in_place(images, labels, epochs, seed):
    images -= images.mean()
    return right.train_simple_cnn(images, labels, epochs, seed)


@right_answer(right.train_simple_cnn)
def recipe_with_loader(images, labels, epochs, seed):
    torch.manual_seed(seed)
    model = GlobalMean()
    before = model.conv1.weight.detach().clone()
    loader = DataLoader(TensorDataset(images, labels), batch_size=8, shuffle=True)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    losses = [epoch_with_criterion(model, loader, optimizer) for _ in range(epochs)]
    accuracy = accuracy_decorated(model, loader)
    return {"before": before, "after": model.conv1.weight.detach().clone(), "losses": losses, "accuracy": accuracy}


@right_answer(right.train_simple_cnn)
def recipe_whole_batch(images, labels, epochs, seed):
    generator = torch.Generator().manual_seed(seed)
    model = ConvolutionAsHead(10)
    with torch.no_grad():
        for weight in model.parameters():
            weight.copy_(torch.randn(weight.shape, generator=generator) * 0.2)
    start = filters_through_numpy(model)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.003)
    losses = np.zeros(epochs)
    for epoch in range(epochs):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        losses[epoch] = loss.item()
    with torch.no_grad():
        accuracy = (model(images).argmax(1) == labels).float().mean().item()
    return {"after": filters_through_numpy(model), "before": start, "accuracy": accuracy, "losses": list(losses)}


@right_answer(right.train_simple_cnn)
def recipe_deeper(images, labels, epochs, seed):
    torch.manual_seed(seed)
    model = Deeper(10)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    before, losses = filters_under_no_grad(model), []
    for _ in range(epochs):
        shuffled = torch.randperm(len(images))
        batches = ((images[shuffled[i : i + 32]], labels[shuffled[i : i + 32]]) for i in range(0, len(images), 32))
        losses.append(epoch_of_summed_losses(model, batches, optimizer))
    accuracy = accuracy_inferred(model, zip(images.split(10), labels.split(10), strict=True))
    return {"before": before, "after": filters_under_no_grad(model), "losses": losses, "accuracy": accuracy}


@right_answer(right.train_simple_cnn)
def recipe_plain_sgd(images, labels, epochs, seed):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = PoolsAndDrops()
    batches = list(zip(torch.split(images, 4), torch.split(labels, 4), strict=True))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02)
    result = {"before": filters_of_state(model), "losses": []}
    torch.manual_seed(seed)
    for _ in range(epochs):
        result["losses"].append(epoch_by_hand(model, batches, optimizer))
    result["accuracy"] = accuracy_of_numpy(model, batches)
    result["after"] = filters_of_state(model)
    return result


# --- whitening_filters ------------------------------------------------------------------------------------------------


def _centred(patches):
    x = np.asarray(patches, dtype=float).reshape(len(patches), -1)
    return x - x.mean(axis=0)


def _spectrum(x):
    """Variances and directions (as columns) of the rows of x."""
    variances, directions = np.linalg.eigh(x.T @ x / len(x))
    return variances.clip(0), directions


def _filters(matrix, patches):
    return matrix.reshape(-1, *patches.shape[1:])


@mistake(right.whitening_filters, "the mean patch is not taken off first, so its brightness passes for a variance: centre the patches.")
def whitening_uncentred(patches, eps=1e-3):
    variances, directions = _spectrum(np.asarray(patches, dtype=float).reshape(len(patches), -1))
    return _filters((directions / np.sqrt(variances + eps)).T, patches)


@mistake(
    right.whitening_filters, "each patch's own mean is taken off: centre with the mean patch, the mean over all patches at each place."
)
def whitening_of_flat_patches(patches, eps=1e-3):
    x = np.asarray(patches, dtype=float).reshape(len(patches), -1)
    x = x - x.mean(axis=1, keepdims=True)
    variances, directions = _spectrum(x - x.mean(axis=0))
    return _filters((directions / np.sqrt(variances + eps)).T, patches)


@mistake(
    right.whitening_filters,
    "each pixel is scaled by itself: neighbours still vary together. Rotate onto the directions of the covariance first.",
)
def whitening_by_deviation(patches, eps=1e-3):
    return _filters(np.diag(1 / np.sqrt(_centred(patches).var(axis=0) + eps)), patches)


@mistake(right.whitening_filters, "the directions are used unscaled: divide each by the root of its variance.")
def whitening_rotates_only(patches, eps=1e-3):
    return _filters(_spectrum(_centred(patches))[1].T, patches)


@mistake(
    right.whitening_filters,
    "the directions are divided by their variance: divide by its root, for a filter twice as large gives a variance four times as large.",
)
def whitening_without_root(patches, eps=1e-3):
    variances, directions = _spectrum(_centred(patches))
    return _filters((directions / (variances + eps)).T, patches)


@mistake(
    right.whitening_filters, "the directions are multiplied by the root of their variance: divide, so that strong directions become weaker."
)
def whitening_multiplies(patches, eps=1e-3):
    variances, directions = _spectrum(_centred(patches))
    return _filters((directions * np.sqrt(variances + eps)).T, patches)


@mistake(
    right.whitening_filters,
    "rows and columns are exchanged: eigh gives the directions as columns, and every filter must be one of them, so transpose.",
)
def whitening_untransposed(patches, eps=1e-3):
    variances, directions = _spectrum(_centred(patches))
    return _filters(directions / np.sqrt(variances + eps)[:, None], patches)


@mistake(
    right.whitening_filters,
    "the covariance is not divided by the number of patches: the responses become the smaller, the more patches there are.",
)
def whitening_of_scatter(patches, eps=1e-3):
    variances, directions = _spectrum(_centred(patches))
    return _filters((directions / np.sqrt(len(patches) * variances + eps)).T, patches)


@mistake(
    right.whitening_filters,
    "eps is left out: where a variance is 0 the filters must stay finite. Add it to the variances before you divide.",
)
def whitening_without_eps(patches, eps=1e-3):
    x = _centred(patches)
    variances, directions = _spectrum(x)
    # Rounding leaves some 1e-17 where the variance is 0.
    lost = variances <= 1e-12 * variances.max()
    return _filters((directions / np.sqrt(np.where(lost, 0, variances))).T, patches)


@mistake(right.whitening_filters, "the filters are rows of one matrix: bring each into the shape of a patch, (c·k·k, c, k, k).")
def whitening_flat(patches, eps=1e-3):
    variances, directions = _spectrum(_centred(patches))
    return (directions / np.sqrt(variances + eps)).T


@mistake(right.whitening_filters, "these are the whitened patches: the filters that make them are asked for.")
def whitening_of_patches(patches, eps=1e-3):
    x = _centred(patches)
    variances, directions = _spectrum(x)
    return _filters(x @ directions / np.sqrt(variances + eps), patches)


@mistake(
    right.whitening_filters,
    "the channels of the filters are out of order: flattened patches are (c, k, k), so bring the filters back in that order.",
)
def whitening_channels_last(patches, eps=1e-3):
    variances, directions = _spectrum(_centred(patches))
    _, c, k, _ = patches.shape
    return (directions / np.sqrt(variances + eps)).T.reshape(-1, k, k, c).transpose(0, 3, 1, 2)


@mistake(right.whitening_filters, "patches of whole numbers are divided by 255: take their numbers as they are.")
def whitening_divides(patches, eps=1e-3):
    whole = not (patches.is_floating_point() if torch.is_tensor(patches) else patches.dtype.kind == "f")
    return right.whitening_filters(torch.as_tensor(patches).double() / (255 if whole else 1), eps)


@mistake(
    right.whitening_filters, "patches of whole numbers (uint8) wrap around below 0: turn them into floats before you take the mean off."
)
def whitening_in_uint8(patches, eps=1e-3):
    x = np.asarray(patches)
    if x.dtype == np.uint8:
        x = x - x.mean(axis=0).astype(np.uint8)
    return right.whitening_filters(x, eps)


@right_answer(right.whitening_filters)
def whitening_zca(patches, eps=1e-3):
    n, c, k, _ = patches.shape
    x = torch.as_tensor(patches).float().reshape(n, c * k * k)
    x = x - x.mean(0, keepdim=True)
    values, vectors = torch.linalg.eigh(torch.cov(x.T))
    return (vectors @ torch.diag((values + eps).rsqrt()) @ vectors.T).view(c * k * k, c, k, k)


@right_answer(right.whitening_filters)
def whitening_cholesky(patches, eps=1e-3):
    flat = np.asarray(patches).reshape(len(patches), -1).astype(np.float64)
    covariance = np.cov(flat, rowvar=False) + eps * np.eye(flat.shape[1])
    return np.linalg.inv(np.linalg.cholesky(covariance)).reshape(-1, *patches.shape[1:])


@right_answer(right.whitening_filters)
def whitening_svd(patches, eps=1e-3):
    x = np.array(patches, dtype=np.float64).reshape(patches.shape[0], -1)
    x -= x.mean(0)
    _, singular, rows = np.linalg.svd(x, full_matrices=True)
    deviations = np.zeros(len(rows))
    deviations[: len(singular)] = singular / np.sqrt(len(x))
    return (rows / np.maximum(deviations, np.sqrt(eps))[:, None]).reshape(-1, *patches.shape[1:]).astype(np.float32)


@right_answer(right.whitening_filters)
def whitening_eps_beside_the_root(patches, eps=1e-3):
    x = torch.as_tensor(np.asarray(patches, dtype="float64")).flatten(1)
    x = x - x.mean(dim=0)
    u, s, _ = torch.linalg.svd(x.T @ x / (len(x) - 1))
    return nn.Parameter(((u / (s.sqrt() + eps)).T.flip(0)).reshape(-1, *patches.shape[1:]))
