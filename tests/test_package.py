"""The package as a whole: what it costs to import, who may import whom, and lists that must stay in step."""

import ast
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
NO_TORCH = ["filterlab", *(f"filterlab.{name}" for name in ("kernels", "convolution", "images", "show", "learning", "check"))]
NO_TORCH += ["filterlab.explore.filter_explorer", "filterlab.explore.training_player"]
# Which room may import which (DESIGN, "The house"); a room may always import itself.
ROOMS = {
    "kernels": set(),
    "convolution": set(),
    "images": set(),
    "timing": {"convolution"},
    "vision": set(),
    "desk": set(),
    "history": set(),
    "features": set(),
    "attribution": {"features", "models"},
    "excitation": {"features"},
    "selectivity": {"features"},
    "learning": {"convolution", "history"},
    "patterns": set(),
    "datasets": {"images", "patterns", "vision"},
    "models": set(),
    "pretrained": {"models", "vision"},
    "whitening": set(),
    "training": {"history", "datasets", "models"},
    "show": {"kernels", "convolution"},
    "check": {"kernels", "convolution"},
    "explore": {"show", "kernels", "convolution", "images", "history", "features"},
    "grading": {"check", "kernels", "convolution"},
}


def python(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT).stdout


def test_lessons_one_to_three_start_without_torch():
    loaded = json.loads(python(f"import json, sys; import {', '.join(NO_TORCH)}; print(json.dumps(sorted(sys.modules)))"))
    assert not {"torch", "torchvision", "sklearn", "scipy", "pandas"} & set(loaded)


def test_torchvision_imports_beside_any_torch():
    printed = python(
        "from filterlab.vision import torchvision; from torchvision.transforms import v2; import torch;"
        "print(torchvision.models.squeezenet1_1()(torch.zeros(1, 3, 64, 64)).shape[1], v2.functional.vflip(torch.eye(2))[0].tolist())"
    )
    assert printed == "1000 [0.0, 1.0]\n"


@pytest.mark.parametrize("path", sorted(ROOT.glob("filterlab/**/*.py")), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_rooms_import_only_who_they_may(path):
    room = path.relative_to(ROOT / "filterlab").parts[0].removesuffix(".py")
    if room == "__init__":
        return
    imported = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module:
            modules = (
                [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)] if node.module == "filterlab" else [node.module]
            )
        imported |= {module.split(".")[1] for module in modules if module.startswith("filterlab.")}
    assert imported <= ROOMS[room] | {room}


def _requirements() -> dict[str, str]:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = [*declared["dependencies"], *declared["optional-dependencies"]["dev"]]
    return dict(re.fullmatch(r"([\w-]+)(.*)", line).groups() for line in lines)


def test_every_requirement_has_a_range_and_an_exact_version():
    exact = dict(line.split("==") for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").split() if "==" in line)
    for name, bounds in _requirements().items():
        assert bounds.startswith(">="), name
        assert name in exact, f"{name} has no exact version in constraints.txt"
        assert _numbers(exact[name]) >= _numbers(bounds[2:]), name


def test_binder_environment_is_in_step():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    pip = next(entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict))
    conda = dict(re.fullmatch(r"([\w-]+)(.*)", entry).groups() for entry in environment["dependencies"] if isinstance(entry, str))
    assert pip == ["--editable ."], "what pyproject.toml declares comes from there alone"
    # Only the CPU builds come from conda, with the ranges that the package declares.
    requirements = _requirements()
    assert conda.pop("pytorch-cpu") == requirements["torch"]
    assert conda.pop("torchvision") == requirements["torchvision"]
    least = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["requires-python"]
    assert _numbers(conda.pop("python").strip("=")) >= _numbers(least.strip(">="))
    assert conda == {"pip": ""}


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])
