"""Plain data as bytes, and back: all that crosses between the examiner and the sandbox.

None, booleans, numbers, strings, bytes, lists, tuples, dicts, arrays and scalars of NumPy, tensors; of anything else a few words
(`Opaque`). No pickle; types are exact; sizes and depth are bounded on both sides. msgpack does the packing.
"""

import math
import socket
import struct
import sys
import time
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

import msgpack
import numpy as np

from filterlab.check.compare import describe
from filterlab.check.tensors import is_tensor

LARGEST_MESSAGE = 64 * 2**20
LARGEST_ARRAY = LARGEST_MESSAGE // 2
DEEPEST = 12
LONGEST_TEXT = 20_000
# Codes of msgpack's extension types.
_TUPLE, _COMPLEX, _WHOLE, _ARRAY, _SCALAR, _TENSOR, _OPAQUE = range(1, 8)
_NUMERIC = "biufc"
_HEADER = struct.Struct("!Q")


class WireError(Exception):
    """What came is no message, or what should go does not fit into one."""


@dataclass(frozen=True)
class Opaque:
    """What cannot cross, in a few words."""

    text: str

    def __describe__(self) -> str:
        return self.text


def pack(value: Any) -> bytes:
    """A value as bytes. What cannot cross becomes Opaque; WireError if all of it is too large."""
    data = msgpack.packb(_plain(value, DEEPEST), strict_types=True, use_bin_type=True)
    if len(data) > LARGEST_MESSAGE:
        raise WireError(f"a value of {len(data)} bytes is too large, at most {LARGEST_MESSAGE} can cross")
    return data


def unpack(data: bytes | memoryview, depth: int = DEEPEST + 2) -> Any:  # an array in a tensor lies two deeper
    """The value that `pack` packed. Raises WireError for anything else."""

    def extension(code: int, content: bytes) -> Any:
        if depth <= 0:
            raise WireError("a value is nested too deeply")
        if code == _OPAQUE:
            return Opaque(content.decode("utf-8", "replace")[:LONGEST_TEXT])
        if code == _WHOLE and len(content) <= LONGEST_TEXT:
            return int.from_bytes(content, "big", signed=True)
        maker = {_TUPLE: _tuple, _COMPLEX: _complex, _ARRAY: _array, _SCALAR: _scalar, _TENSOR: _tensor}.get(code)
        if maker is None:
            raise WireError(f"there is no extension {code}")
        return maker(unpack(content, depth - 1))

    try:
        return msgpack.unpackb(data, ext_hook=extension, raw=False, strict_map_key=False, max_str_len=4 * LONGEST_TEXT)
    except WireError:
        raise
    except Exception as error:  # whatever a forged message provokes in msgpack or NumPy
        raise WireError(f"a message cannot be read: {type(error).__name__}") from None


# --- out --------------------------------------------------------------------------------------------------------------


def _plain(value: Any, depth: int) -> Any:
    """The value in msgpack's own types and extensions."""
    kind = type(value)
    if value is None or kind in (bool, float):
        return value
    if kind is int:
        return value if -(2**63) <= value < 2**64 else _whole(value)
    if kind in (str, bytes):
        return value[:LONGEST_TEXT] if kind is str else value
    if depth <= 0:
        return _opaque(value)
    if kind is list:
        return [_plain(item, depth - 1) for item in value]
    if kind is complex:
        return _extension(_COMPLEX, [value.real, value.imag])
    if isinstance(value, np.ndarray):
        return _array_out(np.ndarray.view(value, np.ndarray))  # a subclass counts as what it holds
    if isinstance(value, np.generic):
        return _extension(_SCALAR, [value.dtype.str, value.tobytes()]) if value.dtype.kind in _NUMERIC else _opaque(value)
    if isinstance(value, int | float):
        return _plain(int.__int__(value) if isinstance(value, int) else float.__float__(value), depth)
    if is_tensor(value):
        return _tensor_out(value)
    return _container_out(value, depth)


def _container_out(value: Any, depth: int) -> Any:
    """Tuples, mappings and other sequences, whatever their class, by their contents."""
    if isinstance(value, tuple):
        return _extension(_TUPLE, [_plain(item, depth - 1) for item in value])
    if isinstance(value, Mapping):
        return {_key(key): _plain(item, depth - 1) for key, item in value.items()}
    if isinstance(value, Set | str | bytes) or not isinstance(value, Sequence | _views()):
        return _opaque(value)
    return [_plain(item, depth - 1) for item in value]


def _views() -> type:
    return type({}.values())


def _key(key: Any) -> Any:
    return key if type(key) in (str, int, float, bool, type(None)) else describe(key)


def _array_out(array: np.ndarray) -> Any:
    """An array with its layout in memory: reversed or skipping strides, and whether it may be written to."""
    if array.dtype.kind not in _NUMERIC or array.nbytes > LARGEST_ARRAY:
        return _opaque(array)
    low, high = np.lib.array_utils.byte_bounds(array)
    if array.size == 0 or high - low > min(4 * array.nbytes, LARGEST_ARRAY) or 0 in array.strides:
        return _extension(_ARRAY, [array.dtype.str, list(array.shape), None, 0, array.flags.writeable, array.tobytes()])
    # The same layout on fresh memory: what lies between the numbers of a view does not cross.
    memory = bytearray(high - low)
    offset = array.__array_interface__["data"][0] - low
    np.ndarray(array.shape, array.dtype, memory, offset, array.strides)[...] = array
    return _extension(_ARRAY, [array.dtype.str, list(array.shape), list(array.strides), offset, array.flags.writeable, bytes(memory)])


def _tensor_out(tensor: Any) -> Any:
    if tensor.is_quantized or tensor.numel() * tensor.element_size() > LARGEST_ARRAY:
        return _opaque(tensor)
    name, plain = str(tensor.dtype).removeprefix("torch."), tensor.detach().cpu().to_dense()
    plain = plain.float() if name == "bfloat16" else plain.resolve_conj().resolve_neg()
    return _extension(_TENSOR, [name, bool(tensor.requires_grad), _array_out(np.ascontiguousarray(plain.numpy()).reshape(plain.shape))])


def _whole(value: int) -> Any:
    data = value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True)
    return msgpack.ExtType(_WHOLE, data) if len(data) <= LONGEST_TEXT else _opaque(value)


def _opaque(value: Any) -> Any:
    try:
        text = str(describe(value))
    except Exception:  # an answer's own class may do what it likes
        text = "something that cannot be described"
    return msgpack.ExtType(_OPAQUE, text[:LONGEST_TEXT].encode("utf-8", "replace"))


def _extension(code: int, content: Any) -> Any:
    return msgpack.ExtType(code, msgpack.packb(content, strict_types=True, use_bin_type=True))


# --- in ---------------------------------------------------------------------------------------------------------------


def _tuple(content: list) -> tuple:
    return tuple(content)


def _complex(content: list) -> complex:
    real, imaginary = content
    return complex(real, imaginary)


def _dtype(text: str) -> np.dtype:
    dtype = np.dtype(text)
    if dtype.kind not in _NUMERIC:
        raise WireError(f"arrays of dtype {text} do not cross")
    return dtype


def _array(content: list) -> np.ndarray:
    text, shape, strides, offset, writeable, data = content
    dtype = _dtype(text)
    if math.prod(shape) * dtype.itemsize > LARGEST_ARRAY or len(shape) > 32 or min(shape, default=0) < 0:
        raise WireError(f"an array of shape {tuple(shape)} is too large")
    # NumPy itself refuses strides that lead out of the memory.
    array = np.ndarray(tuple(shape), dtype, bytearray(data), offset, None if strides is None else tuple(strides))
    array.flags.writeable = bool(writeable)
    return array


def _scalar(content: list) -> np.generic:
    text, data = content
    return np.frombuffer(data, _dtype(text), count=1)[0]


def _tensor(content: list) -> Any:
    name, requires_grad, array = content
    torch = sys.modules.get("torch")
    if torch is None:
        return Opaque("a tensor")
    dtype = getattr(torch, name, None)
    if not isinstance(dtype, torch.dtype) or not isinstance(array, np.ndarray):
        raise WireError(f"tensors of dtype {name} do not cross")
    tensor = torch.from_numpy(np.array(array)).to(dtype)
    return tensor.requires_grad_(True) if requires_grad and (dtype.is_floating_point or dtype.is_complex) else tensor


# --- over a socket ----------------------------------------------------------------------------------------------------


def send(connection: socket.socket, value: Any, deadline: float | None = None) -> None:
    """Sends one value. Raises WireError, TimeoutError after `deadline` (of time.monotonic; None: never), OSError where nobody listens."""
    data = pack(value)
    connection.settimeout(_left(deadline))
    connection.sendall(_HEADER.pack(len(data)) + data)


def receive(connection: socket.socket, deadline: float | None = None) -> Any:
    """One value that was sent. Raises WireError, TimeoutError after `deadline`, EOFError where the other side is gone."""
    # Each side waits for the other's answer: there is never more than one message on its way.
    data = _more(connection, deadline)
    while len(data) < _HEADER.size:
        data += _more(connection, deadline)
    (size,) = _HEADER.unpack_from(data)
    if size > LARGEST_MESSAGE:
        raise WireError(f"a message of {size} bytes is too large, at most {LARGEST_MESSAGE} can cross")
    while len(data) < _HEADER.size + size:
        data += _more(connection, deadline)
    if len(data) > _HEADER.size + size:
        raise WireError("there is more than one message")
    return unpack(memoryview(data)[_HEADER.size :])


def _more(connection: socket.socket, deadline: float | None) -> bytearray:
    connection.settimeout(_left(deadline))
    part = connection.recv(2**16)
    if not part:
        raise EOFError("the other side is gone")
    return bytearray(part)


def _left(deadline: float | None) -> float | None:
    if deadline is None:
        return None
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("there was no answer in time")
    return left
