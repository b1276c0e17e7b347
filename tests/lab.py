"""A real JupyterLab for the tests, and a real browser that looks at it."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

TOKEN = "class"
CHROMIUM = next((path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None)
# Without these Chromium tries to reach its makers; as root it cannot use its own sandbox.
CHROMIUM_FLAGS = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"]


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
    """Starts JupyterLab in a folder and stops it in the end. Its settings and work spaces are kept in the folder, too."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    own = {
        "JUPYTERLAB_SETTINGS_DIR": str(folder / ".lab"),
        "JUPYTERLAB_WORKSPACES_DIR": str(folder / ".lab"),
        "JUPYTER_CONFIG_DIR": str(folder / ".lab"),
    }
    command = [sys.executable, "-m", "jupyter", "lab", "--no-browser", f"--port={port}", f"--IdentityProvider.token={TOKEN}", *flags]
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
        server.wait(30)
        log.close()
