"""Plain data across the border: what goes in comes out, of the same type; everything else is a few words, or refused."""

import collections
import pickle
import socket
import struct
import threading
import time

import msgpack
import numpy as np
import pytest
import torch

from filterlab.check import shapes_of_memory
from filterlab.grading import wire
from filterlab.grading.wire import Opaque, WireError, pack, unpack

PLAIN = [None, True, 0, -(2**40), 2**300, 1.5, float("inf"), "π", b"\x00", 1 + 2j, [1, [2]], (1, (2.0, "x")), {"a": (1,), 3: None}]


def there_and_back(value):
    return unpack(pack(value))


@pytest.mark.parametrize("value", PLAIN, ids=repr)
def test_plain_values_keep_value_and_type(value):
    back = there_and_back(value)
    assert back == value and type(back) is type(value)


@pytest.mark.parametrize("dtype", ["?", "u1", "i2", "<i8", ">f4", "f2", "f8", "c16"])
def test_arrays_and_scalars_keep_dtype_shape_and_numbers(dtype):
    array = (np.arange(24).reshape(2, 3, 4) % 2).astype(dtype)
    back = there_and_back(array)
    assert back.dtype == array.dtype and np.array_equal(back, array)
    scalar = there_and_back(array[1, 0, 1])
    assert type(scalar) is type(array[1, 0, 1]) and scalar == array[1, 0, 1]


@pytest.mark.parametrize("shape", [(), (0,), (3, 0, 2), (1,)])
def test_arrays_of_odd_shapes(shape):
    assert there_and_back(np.ones(shape)).shape == shape


def test_layout_in_memory_is_kept():
    for array in shapes_of_memory(np.random.default_rng(0).random((4, 5))):
        back = there_and_back(array)
        assert np.array_equal(back, array) and back.strides == array.strides and back.flags.writeable == array.flags.writeable


def test_a_view_does_not_show_what_lies_beside_it():
    wide = np.full((50, 2), 123456789)
    wide[:, 0] = 0
    assert struct.pack("<q", 123456789) not in pack(wide[:, 0])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.int64, torch.uint8, torch.bool, torch.complex64])
def test_tensors_keep_dtype_and_numbers(dtype):
    tensor = torch.arange(6).reshape(2, 3).to(dtype)
    back = there_and_back(tensor)
    assert back.dtype == dtype and torch.equal(back, tensor)


def test_a_tensor_keeps_its_wish_for_gradients():
    assert there_and_back(torch.nn.Parameter(torch.ones(2))).requires_grad
    assert not there_and_back(torch.ones(2)).requires_grad


def test_subclasses_cross_as_what_they_hold():
    class Sly(np.ndarray):
        def __eq__(self, other):
            return True

    class Text(str):
        pass

    back = there_and_back(np.ones(3).view(Sly))
    assert type(back) is np.ndarray
    assert isinstance(there_and_back(Text("x")), Opaque)
    assert there_and_back(collections.OrderedDict(a=1)) == {"a": 1}
    assert there_and_back(collections.namedtuple("Pair", "a b")(1, 2)) == (1, 2)
    assert there_and_back({"a": 1}.values()) == [1]


def test_everything_else_is_a_few_words():
    class Liar:
        def __eq__(self, other):
            return True

        def __describe__(self):
            raise SystemError

    assert there_and_back(Liar()) == Opaque("something that cannot be described")
    assert there_and_back(torch.nn.Conv2d(1, 1, 1)) == Opaque("a Conv2d")
    assert there_and_back({1, 2}) == Opaque("a set")
    assert there_and_back(np.array([object()])).text.startswith("an array of shape (1,)")


def test_a_picture_of_a_giant_is_not_made():
    giant = np.broadcast_to(np.float64(1), (10**6, 10**6))
    assert isinstance(there_and_back(giant), Opaque)


def test_depth_is_bounded():
    nested = ()
    for _ in range(500):
        nested = (nested,)
    deepest = there_and_back(nested)
    while isinstance(deepest, tuple):
        (deepest,) = deepest
    assert isinstance(deepest, Opaque)


def test_too_much_at_once_is_refused(monkeypatch):
    monkeypatch.setattr(wire, "LARGEST_MESSAGE", 1000)
    with pytest.raises(WireError, match="too large"):
        pack(["x" * 900, "y" * 900])


FORGED = {
    "no message": b"\xc1",
    "cut short": pack(np.ones(9))[:-5],
    "pickle": pickle.dumps([1]),
    "unknown extension": msgpack.packb(msgpack.ExtType(99, b"")),
    "objects": msgpack.packb(msgpack.ExtType(4, msgpack.packb(["|O", [1], None, 0, True, b"\0" * 8]))),
    "more than it holds": msgpack.packb(msgpack.ExtType(4, msgpack.packb(["<f8", [10**6], None, 0, True, b"\0" * 8]))),
    "strides that lead out": msgpack.packb(msgpack.ExtType(4, msgpack.packb(["<f8", [4], [10**6], 0, True, b"\0" * 32]))),
    "negative shape": msgpack.packb(msgpack.ExtType(4, msgpack.packb(["<f8", [-1], None, 0, True, b""]))),
    "a tensor of what torch is": msgpack.packb(msgpack.ExtType(6, msgpack.packb(["load", False, 1]))),
    "deep": b"\x91" * 100_000,
    "keys that are lists": b"\x81\x90\x01",
}


@pytest.mark.parametrize("name", FORGED)
def test_forged_messages_are_refused(name):
    with pytest.raises(WireError):
        unpack(FORGED[name])


def test_frames_cross_a_socket_and_give_up_in_time():
    here, there = socket.socketpair()
    with here, there:
        sender = threading.Thread(target=wire.send, args=(here, np.ones(10**6), time.monotonic() + 10))
        sender.start()
        assert wire.receive(there, time.monotonic() + 10).shape == (10**6,)
        sender.join()
        here.sendall(b"\0" * 7)  # half a header, and silence
        with pytest.raises(TimeoutError):
            wire.receive(there, time.monotonic() + 0.2)

    here, there = socket.socketpair()
    with here, there:
        here.sendall(struct.pack("!Q", 2**40))
        with pytest.raises(WireError, match="too large"):
            wire.receive(there, time.monotonic() + 1)


def test_the_other_side_may_hang_up():
    here, there = socket.socketpair()
    here.close()
    with there, pytest.raises(EOFError):
        wire.receive(there, time.monotonic() + 1)
