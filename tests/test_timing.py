"""filterlab.timing: the loops compute what torch computes, the layers count what is there, and the median is a time."""

import time

import numpy as np
import pytest
import torch

from filterlab import timing
from filterlab.convolution import conv2d


@pytest.mark.parametrize("loops", [timing.number_loops, timing.window_loops])
def test_loops_equal_torch_on_oblong_pictures_and_kernels(loops):
    rng = np.random.default_rng(0)
    x, weight = rng.random((2, 3, 6, 9)), rng.normal(size=(4, 3, 2, 3))
    np.testing.assert_allclose(loops(x, weight), torch.conv2d(torch.from_numpy(x), torch.from_numpy(weight)).numpy(), atol=1e-12)


def test_layers_have_the_sizes_of_their_arrays():
    for layer in (timing.RESNET_28, timing.RESNET_FIRST):
        x, weight = layer.arrays()
        maps = conv2d(x, weight, stride=layer.stride, padding=layer.padding)
        assert maps.shape == (1, layer.out_channels, layer.positions, layer.positions)
        assert maps.dtype == np.float32
        assert weight.size == layer.weights
        assert layer.multiplications == maps.size * weight[0].size
        assert layer.dense == x.size * maps.size


def test_layers_are_those_of_the_papers():
    assert [layer.weights for layer in timing.LAYERS] == [1728, 36864, 9408, 147456]
    assert [layer.positions for layer in timing.LAYERS] == [224, 224, 112, 28]


def test_measure_gives_the_median_and_warms_up_once():
    waits = iter([0, 0.01, 0.2, 0.01])
    assert 0.009 < timing.measure(lambda: time.sleep(next(waits)), repeats=3) < 0.1
    assert next(waits, None) is None


def test_measure_runs_once_where_once_is_asked():
    calls = []
    assert timing.measure(lambda: calls.append(1), repeats=1) >= 0
    assert calls == [1]
    with pytest.raises(ValueError, match="repeats=0"):
        timing.measure(lambda: None, repeats=0)


def test_a_quick_way_is_timed_on_the_whole_layer_and_a_slow_one_on_a_few_filters():
    layer = timing.Layer("small", 2, 16, 6, 3, padding=1)
    seen = []

    def way(x, weight, padding):
        seen.append(len(weight))
        time.sleep(0.01 * len(weight) if slow else 0)

    slow = True
    seconds, filters = timing.layer_time(way, layer, patience=0.2)
    assert (filters, seen) == (8, [1, 8])
    assert 0.16 <= seconds < 2
    slow, seen = False, []
    _, filters = timing.layer_time(way, layer)
    assert filters == 16 and seen[-1] == 16
