"""torchvision, importable also beside a CPU-only torch: `from filterlab.vision import torchvision`.

torchvision's Linux wheel is linked against CUDA. Beside a CPU-only torch its C++ operators do not load, and its import
stops at the first one it describes. Declaring the two schemas lets the import through; transforms, data sets
and models then work, the operators themselves (non-maximum suppression) do not.
"""

import importlib
import sys

import torch

_SCHEMAS = {
    "nms": "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms": "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
}


def _import_torchvision():
    try:
        return importlib.import_module("torchvision")
    except RuntimeError as error:
        if "torchvision::nms does not exist" not in str(error):
            raise
    for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
        del sys.modules[name]
    # The library object must outlive this call: torch forgets the schemas with it.
    global _library
    _library = torch.library.Library("torchvision", "DEF")
    for name, schema in _SCHEMAS.items():
        _library.define(name + schema)
    return importlib.import_module("torchvision")


torchvision = _import_torchvision()
