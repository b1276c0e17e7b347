"""Reads students' code for what honest answers have no use for. It takes no points: it tells the instructor where to look."""

import ast
import functools
from collections.abc import Iterator

from nbformat import NotebookNode

from filterlab.grading.examiner import is_test

# Reaching into the interpreter, into other frames, or into what checks.
NAMES = {
    "settrace", "setprofile", "_getframe", "currentframe", "__code__", "__closure__", "get_objects", "get_referrers", "__subclasses__",
    "f_trace", "f_trace_lines", "set_trace", "import_module", "system", "popen", "start_new_thread",
    "ctypes", "ast_transformers", "input_transformers_post", "input_transformers_cleanup", "displayhook", "_exit", "fork", "killpg",
}  # fmt: skip
BUILT_IN = {"exec", "eval", "__import__"}  # not a model's `eval`
# Ways into another thread or process, or to all objects.
BEYOND = {"ctypes", "subprocess", "threading", "_thread", "multiprocessing", "concurrent", "socket", "gc", "marshal", "importlib"}
MODULES = ("filterlab.grading", "filterlab.check.references", "filterlab.check.mistakes")
# Whose attributes nobody sets but to change what others see.
FOREIGN = {"np", "numpy", "torch", "expect", "probes", "reference", "builtins", "sys", "nn", "F"}
SETTINGS = {"printoptions", "rcParams", "backends"}


def suspicions(notebook: NotebookNode) -> Iterator[str]:
    """One sentence for each thing that a person should look at."""
    found: dict[str, None] = {}
    for cell in notebook.cells:
        if cell.cell_type == "code" and not is_test(cell):
            found.update(dict.fromkeys(_in_cell(cell.source)))
    yield from found


@functools.lru_cache(maxsize=1000)  # half of all cells are in every sheet
def _in_cell(source: str) -> tuple[str, ...]:
    try:
        return tuple(_in_code(ast.parse(source)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()  # magics, or unfinished code


def _in_code(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        name = getattr(node, "attr", None) or getattr(node, "id", None)
        if name in NAMES or (isinstance(node, ast.Name) and name in BUILT_IN):
            yield f"the code uses `{name}`"
        if isinstance(node, ast.Import | ast.ImportFrom):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            yield from (f"the code imports `{module}`" for module in modules if _inside(module, *BEYOND, *MODULES[:1]))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and any(module in node.value for module in MODULES):
            yield f"a text in the code names `{next(module for module in MODULES if module in node.value)}`"
        targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AugAssign) else []
        for target in targets:
            root = _root(target)
            if isinstance(target, ast.Attribute | ast.Subscript) and root in FOREIGN and not SETTINGS & set(ast.unparse(target).split(".")):
                yield f"the code changes `{ast.unparse(target)}`"
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "setattr" and node.args and _root(node.args[0]) in FOREIGN:
            yield f"the code changes `{ast.unparse(node.args[0])}`"


def _inside(module: str, *packages: str) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def _root(node: ast.AST) -> str:
    """The first name of `a.b[c].d`."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""
