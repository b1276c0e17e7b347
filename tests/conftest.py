"""What all tests share: the project's folder, and the wish of .ci/run that nothing is skipped."""

import os
from pathlib import Path

import pytest

# Tests run two at a time. Two programs whose threads wait for each other on the same cores take many times as long as with one thread.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from tests.lab import chromium, jupyter_lab, new_page

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """A running JupyterLab in an empty folder, for the tests of one file."""
    with jupyter_lab(tmp_path_factory.mktemp("lab")) as lab:
        yield lab


@pytest.fixture
def page(browser):
    """A page of its own in a headless Chromium."""
    with new_page(browser) as page:
        yield page


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter else []
    if os.environ.get("FILTERLAB_NO_SKIPS") and skipped:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        reporter.write_line(f"FILTERLAB_NO_SKIPS is set, and {len(skipped)} tests were skipped", red=True)
