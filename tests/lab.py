"""A real JupyterLab for the tests, and a real browser that looks at it."""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbconvert import HTMLExporter
from playwright.sync_api import Browser, Locator, Page, sync_playwright

TOKEN = "class"
CHROMIUM = next((path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None)
# Without these Chromium tries to reach its makers; as root it cannot use its own sandbox.
CHROMIUM_FLAGS = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"]


SLOW = 120_000  # ms; a kernel may take its time on a busy machine
needs_chromium = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: `sudo apt-get install chromium`, or see README.md"),
]


def in_browser(test):
    """Marks a test, or a class of them, in a file that has others that need no browser."""
    for mark in needs_chromium:
        test = mark(test)
    return test


class Lab:
    """A running JupyterLab."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.address = folder, f"http://127.0.0.1:{port}"

    def ask(self, path: str, method: str = "GET") -> str:
        """What the server answers to one request."""
        request = urllib.request.Request(f"{self.address}/{path}", method=method, headers={"Authorization": f"token {TOKEN}"})
        with urllib.request.urlopen(request, timeout=120) as page:
            return page.read().decode()


@contextlib.contextmanager
def jupyter_lab(folder: Path, *flags: str) -> Iterator[Lab]:
    """Starts JupyterLab in a folder and stops it in the end. Its settings and work spaces are kept in the folder, too.

    All cells of a notebook are in the page at once, so that a test can ask for any of them, and scripts may talk to the page.
    """
    settings = folder / ".lab" / "@jupyterlab" / "notebook-extension" / "tracker.jupyterlab-settings"
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text('{"windowingMode": "none"}')
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    own = {
        "JUPYTERLAB_SETTINGS_DIR": str(folder / ".lab"),
        "JUPYTERLAB_WORKSPACES_DIR": str(folder / ".lab"),
        "JUPYTER_CONFIG_DIR": str(folder / ".lab"),
    }
    command = [sys.executable, "-m", "jupyter", "lab", "--no-browser", f"--port={port}", f"--IdentityProvider.token={TOKEN}", *flags]
    command += ["--LabApp.expose_app_in_browser=True"]
    command += ["--allow-root"] if hasattr(os, "getuid") and os.getuid() == 0 else []
    log = (folder / "lab.log").open("w")
    server = subprocess.Popen(command, cwd=folder, env={**os.environ, **own}, stdout=log, stderr=log)
    lab = Lab(folder, port)
    try:
        for _ in range(240):
            with contextlib.suppress(OSError):
                lab.ask("api/status")
                break
            time.sleep(0.25)
        yield lab
    finally:
        server.terminate()
        try:
            server.wait(30)
        except subprocess.TimeoutExpired:  # its kernels may take longer to go on a busy machine
            server.kill()
            server.wait()
        log.close()


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """A headless Chromium."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


@contextlib.contextmanager
def new_page(browser: Browser, **options) -> Iterator[Page]:
    """A page of its own; `page.complaints` fills with the errors that its scripts raise. options: those of browser.new_page."""
    page = browser.new_page(**{"viewport": {"width": 1400, "height": 1000}} | options)
    page.complaints = []
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    yield page
    page.close()


def write_notebook(path: Path, *cells: str) -> None:
    """A notebook of code cells, with a kernel, so that JupyterLab asks for none."""
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells], metadata=kernel)
    nbformat.write(notebook, path)


def open_and_run(lab: Lab, page: Page, path: str) -> None:
    """Open a notebook of the lab's folder, run all its cells and wait for the last."""
    page.goto(f"{lab.address}/lab/tree/{path}?token={TOKEN}&reset")
    page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=SLOW)
    page.wait_for_function("window.jupyterapp?.shell.currentWidget?.sessionContext?.isReady", timeout=SLOW)
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-all-cells')")
    page.wait_for_function(
        "() => window.jupyterapp.shell.currentWidget.sessionContext.session?.kernel?.status === 'idle'"
        " && ![...document.querySelectorAll('.jp-InputPrompt')].some(prompt => prompt.textContent.includes('*'))",
        timeout=4 * SLOW,  # a lecture may train for a minute where it has the machine for itself
    )


def run_in_kernel(page: Page, code: str) -> str:
    """Run code in the kernel of the notebook that is open, without a cell; what it prints."""
    return page.evaluate(
        """async (code) => {
            const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
            const future = kernel.requestExecute({ code });
            let printed = "";
            future.onIOPub = (message) => {
                if (message.header.msg_type === "stream") printed += message.content.text;
                if (message.header.msg_type === "error") printed += message.content.ename + ": " + message.content.evalue;
            };
            await future.done;
            return printed;
        }""",
        code,
    )


def in_python(page: Page, expression: str) -> object:
    """The value of an expression in the kernel of the notebook that is open, as JSON knows it."""
    return json.loads(run_in_kernel(page, f"import json; print(json.dumps({expression}))"))


def await_python(page: Page, expression: str, wanted: object) -> None:
    """Wait until an expression has this value: Python is told a moment after the page has changed."""
    for _ in range(50):
        if (said := in_python(page, expression)) == wanted:
            return
        page.wait_for_timeout(100)
    assert said == wanted


def handle(page: Page, name: str) -> Locator:
    """The handle of the visible slider with this label."""
    return page.locator(f".widget-hslider:visible:has(.widget-label:text-is('{name}')) .noUi-handle")


def dropdown(page: Page, name: str) -> Locator:
    """The dropdown with this label."""
    return page.locator(f".widget-dropdown:has(.widget-label:text-is('{name}')) select")


def executed(path: Path, with_state: bool = True) -> nbformat.NotebookNode:
    """A notebook with what its cells put out, and with the state of its widgets or without."""
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, store_widget_state=with_state, kernel_name="python3").execute()
    return notebook


def open_exported(page: Page, notebook: nbformat.NotebookNode, path: Path, template: str = "lab") -> None:
    """Export a notebook to this HTML file and open it, without waiting for scripts that the network would have."""
    path.write_text(HTMLExporter(template_name=template).from_notebook_node(notebook)[0])
    page.goto(path.as_uri(), wait_until="domcontentloaded")
