"""Every attack of tests/attacks.py through the real grader: it earns nothing, reads nothing, and hurts nobody else."""

import contextlib
import inspect
import json
import os
import secrets
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest

from filterlab.check.probes import common, visualizing
from filterlab.grading import cells, provisioner
from tests.attacking import packed, tried
from tests.attacks import ATTACKS, FORGERIES, WRONG, Attack
from tools.course import Course, fill_in, worked_answers

LESSON = "01_filters"
# Texts that stand only in what answers must never see: references, mistakes, the instructor's version.
WITHHELD = ["@reference(", "@mistake(", "### BEGIN SOLUTION", "### BEGIN HIDDEN TESTS"]
GROUPS = list(packed(ATTACKS))


@dataclass(frozen=True)
class Canaries:
    """Secrets, and what to tell the attacks of where they are."""

    texts: list[str]
    fill_in: dict[str, str]

    def sing(self, text: str) -> list[str]:
        """The secrets that are in a text."""
        return [secret for secret in [*self.texts, *WITHHELD] if secret in text]


@pytest.fixture(scope="module")
def canaries(root, tmp_path_factory) -> Iterator[Canaries]:
    """A secret in each place that student code must not reach: course, home, another submission, environment, network, hidden tests."""
    where = ("course", "home", "submission", "environment", "network", "hidden")
    texts = {name: f"canary-{name}-{secrets.token_hex(8)}" for name in where}
    submission = tmp_path_factory.mktemp("submitted") / "somebody" / LESSON / f"{LESSON}.ipynb"
    submission.parent.mkdir(parents=True)
    files = {"course": root / "build" / "canary.txt", "home": Path.home() / ".filterlab-canary", "submission": submission}
    (root / "build").mkdir(exist_ok=True)
    provisioner.close_rooms()
    with pytest.MonkeyPatch.context() as patch, contextlib.ExitStack() as stack:
        patch.setenv("FILTERLAB_CANARY", texts["environment"])
        for name, path in files.items():
            path.write_text(texts[name])
            stack.callback(path.unlink)
        port = stack.enter_context(_telling(socket.AF_INET, ("127.0.0.1", 0), texts["network"])).getsockname()[1]
        stack.enter_context(_telling(socket.AF_UNIX, "\0filterlab-canary", texts["network"]))
        paths = [*map(str, files.values()), f"{root}/source/**/*.ipynb", f"{root}/filterlab/check/*/*.py", f"{root}/**/*.db", "/etc/shadow"]
        yield Canaries(list(texts.values()), {"{paths!r}": repr(paths), "{port}": str(port), "{hidden}": texts["hidden"]})


@contextlib.contextmanager
def _telling(family: int, address: object, secret: str) -> Iterator[socket.socket]:
    """A server that tells a secret to whoever gets through to it."""

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                with server.accept()[0] as connection:
                    connection.sendall(secret.encode())

    with socket.socket(family) as server:
        server.bind(address)
        server.listen()
        threading.Thread(target=serve, daemon=True).start()
        yield server
        server.shutdown(socket.SHUT_RDWR)


def test_the_table_is_large_and_names_everything_once():
    names = [attack.name for attack in ATTACKS] + [forgery.name for forgery in FORGERIES]
    assert len(names) == len(set(names)) >= 100
    assert {attack.lesson for attack in ATTACKS} == set(WRONG)


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: "+".join(attack.name for attack in group))
def test_attack_earns_nothing(group, canaries, root, monkeypatch):
    if any(attack.hangs for attack in group):
        monkeypatch.setattr(cells, "PATIENCE", 3)
    for one in tried(group, canaries.fill_in, canaries.fill_in["{hidden}"]):
        assert one.verdicts, "the test cells are gone"
        assert not one.earned, one.messages
        assert any("There is no" in message for message in one.messages) == one.attack.lost, one.messages
        if one.attack.right and not one.attack.cells:
            assert set(one.verdicts.values()) == {"refused"}, one.messages
        assert one.attack.told in one.remarks
        assert not canaries.sing(nbformat.writes(one.notebook))
        assert len(nbformat.writes(one.notebook)) < 10 * 2**20
    if any(attack.aims for attack in group):
        assert_next_sheet_is_unharmed(root)


DENYING = """
import filterlab.grading.agent as agent
from collections import OrderedDict
CLASSES = 5
{network}
def report(answer, x, label, seed=0):
    clean = ("the model is in the mode it was in", "weights and running statistics stay", "frozen weights stay frozen",
             "all other weights can still learn", "the earlier .grad of a weight stays", "weights without .grad still have none")
    return {{"the result": answer(Network(seed).eval(), x, label), "a hook is left behind": False, **dict.fromkeys(clean, True)}}
agent._probe = lambda name: report
def saliency(model, x, label):
    x = x.clone().requires_grad_(True)
    model(x).gather(1, torch.as_tensor(label).expand(len(x))[:, None]).sum().backward()
    return x.grad.abs().amax(dim=1).detach()
"""


def test_known_limit_a_probe_that_is_built_anew_may_deny_what_only_the_students_process_sees():
    """README: What the sandbox cannot do. The answer is right but for its traces, and the instructor is told."""
    parts = (common.randomise, visualizing._use, visualizing.Network)
    code = DENYING.format(network="\n".join(inspect.getsource(part) for part in parts))
    (one,) = tried([Attack("denying", "saliency", "denies its traces", code=code, cells=("test_saliency_leaves_no_trace",))])
    assert one.earned == {"test_saliency_leaves_no_trace"}, one.messages
    assert "filterlab.grading" in one.remarks


LOOK_AROUND = """
import os
for folder in ("/tmp", "/dev/shm", "/run/sheet", "/tmp/home"): print(folder, sorted(os.listdir(folder)))
print(*[open(f"/proc/{pid}/cmdline").read() for pid in os.listdir("/proc") if pid.isdigit() and pid != "1"])
"""


def assert_next_sheet_is_unharmed(root: Path) -> None:
    """An honest sheet gets its points, finds nobody and nothing."""
    right = worked_answers(root / "source" / LESSON / f"{LESSON}.ipynb")["response"]
    (honest,) = tried([Attack("honest", "response", "nothing", code=right, after=LOOK_AROUND)])
    assert set(honest.verdicts.values()) == {"passed"} and not honest.remarks
    told = next(cell for cell in honest.notebook.cells if cell.source == LOOK_AROUND).outputs[0].text
    assert "poison" not in told and "daemon" not in told and told.count("filterlab.grading.room") <= 1
    assert "'f0'" not in told and "'d0'" not in told


# --- through nbgrader -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def course(root, tmp_path_factory) -> Course:
    """A class of forgers, and two honest students, graded by `nbgrader autograde`."""
    course = Course(tmp_path_factory.mktemp("forgers"), root)
    course.nbgrader("generate_assignment", LESSON, "--force")
    for name in ["a_honest", *(forgery.name for forgery in FORGERIES), "z_honest"]:
        sheet = course.folder / "submitted" / name / LESSON / f"{LESSON}.ipynb"
        sheet.parent.mkdir(parents=True)
        forgery = next((forgery for forgery in FORGERIES if forgery.name == name), None)
        notebook = nbformat.read(root / "release" / LESSON / f"{LESSON}.ipynb", as_version=4)
        if forgery:
            forgery.forge(notebook, sheet.parent)
        if not sheet.is_symlink():
            sheet.write_text(json.dumps(notebook), encoding="utf-8")
        if not forgery:
            fill_in(sheet, worked_answers(root / "source" / LESSON / f"{LESSON}.ipynb"))
    course.printed = course.nbgrader("autograde", LESSON)
    return course


@pytest.mark.parametrize("student", [forgery.name for forgery in FORGERIES])
def test_forgery_earns_nothing(course, student):
    points, honest = course.points(LESSON, student), course.points(LESSON, "a_honest")
    assert {cell: most for cell, (_, most) in points.items()} == {cell: most for cell, (_, most) in honest.items()}
    assert not any(given for given, _ in points.values())


@pytest.mark.parametrize("student", ["a_honest", "z_honest"])
def test_honest_students_among_forgers_get_their_points(course, student):
    assert all(given == most for cell, (given, most) in course.points(LESSON, student).items() if cell.startswith("test_"))


def test_forgers_find_out_nothing(course):
    """Nothing of the instructor's version is in what comes back but the tests themselves, and no file of it was copied."""
    for forgery in FORGERIES:
        folder = course.folder / "autograded" / forgery.name / LESSON
        assert all(path.name == f"{LESSON}.ipynb" for path in folder.rglob("*") if path.is_file())
        for path in folder.rglob("*.ipynb"):
            written = "".join(str(cell.get("outputs", "")) for cell in nbformat.read(path, as_version=4).cells)
            assert "BEGIN" not in path.read_text().replace("### BEGIN HIDDEN TESTS", "") and "BEGIN" not in written
            assert "wrote " not in written
    assert not any(os.path.islink(path) for path in (course.folder / "autograded").rglob("*"))
