"""The table of layers whose output shapes a student predicts in lesson 02."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Layer:
    """One convolution: the shape of what goes in (n, c, h, w), and Conv2d's settings; pairs are (rows, columns)."""

    input: tuple[int, int, int, int]
    out_channels: int
    kernel_size: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)
    dilation: tuple[int, int] = (1, 1)


# One idea each, from plain to mixed.
LAYERS = {
    "plain": Layer((1, 1, 28, 28), 8, (5, 5)),
    "same": Layer((16, 3, 32, 48), 6, (3, 3), padding=(1, 1)),
    "halved": Layer((4, 3, 224, 160), 64, (7, 7), stride=(2, 2), padding=(3, 3)),
    "dropped": Layer((2, 5, 10, 15), 7, (3, 3), stride=(2, 3)),
    "one_by_one": Layer((8, 64, 14, 10), 16, (1, 1)),
    "dilated": Layer((2, 4, 20, 30), 9, (3, 3), dilation=(2, 4)),
    "mixed": Layer((3, 2, 17, 25), 10, (4, 3), stride=(3, 2), padding=(1, 0), dilation=(2, 1)),
}


class LayerTable:
    """The table as text; in a notebook, as the last expression of a cell, as a table."""

    def _repr_markdown_(self) -> str:
        return "\n".join(["| layer | input `(n, c, h, w)` | layer's settings |", "|---|---|---|", *self._rows()])

    def __repr__(self) -> str:
        return "\n".join(self._rows())

    def _rows(self) -> list[str]:
        return [f"| `{name}` | {layer.input} | `{_call(layer)}` |" for name, layer in LAYERS.items()]


def _call(layer: Layer) -> str:
    """The layer as PyTorch spells it."""
    settings = [f"kernel_size={layer.kernel_size}"]
    for name, plain in (("stride", (1, 1)), ("padding", (0, 0)), ("dilation", (1, 1))):
        if getattr(layer, name) != plain:
            settings.append(f"{name}={getattr(layer, name)}")
    return f"Conv2d({layer.input[1]}, {layer.out_channels}, {', '.join(settings)})"


def layer_table() -> LayerTable:
    """The layers whose output shapes are asked for in `predicted_shapes`."""
    return LayerTable()
