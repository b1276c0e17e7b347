"""`nbgrader collect` that follows no link. nbgrader's own copies what it leads to, with the instructor's rights: the model answers, say.

What students hand in lies in a folder that is theirs, so it is first copied, links as links, to one that is not.
"""

import os
import shutil
import stat
import tempfile
from pathlib import Path
from typing import Any

from nbgrader.exchange.default import ExchangeCollect


class Collect(ExchangeCollect):
    """Collects links as links, for the grader to refuse; leaves out pipes and devices; and goes on when a submission cannot be copied."""

    def do_copy(self, src: str, dest: str, log: Any = None) -> None:
        try:
            with tempfile.TemporaryDirectory() as folder:
                private = Path(folder, "submission")
                links = _copied(Path(src), private)
                super().do_copy(str(private), dest, log)
        except (OSError, RuntimeError, shutil.Error) as error:
            self.log.error("%s was not collected: %s", src, error)
            shutil.rmtree(dest, ignore_errors=True)
            return
        for place, target in links.items():
            self.log.warning("%s holds a link, which is not followed: %s -> %s", src, place, target)
            Path(dest, place).parent.mkdir(parents=True, exist_ok=True)
            Path(dest, place).symlink_to(target)


def _copied(source: Path, private: Path) -> dict[Path, str]:
    """Copies a folder without its links; gives those, by their place in it."""
    if source.is_symlink():
        raise OSError("it is a link")
    shutil.copytree(source, private, symlinks=True, copy_function=_copy_file)
    links = {}
    for folder, folders, files in os.walk(private):
        for path in (Path(folder, name) for name in [*folders, *files]):
            if path.is_symlink():
                links[path.relative_to(private)] = os.readlink(path)
                path.unlink()
    return links


def _copy_file(source: str, target: str) -> None:
    """Copies a file that may have become something else since it was looked at."""
    descriptor = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with open(descriptor, "rb") as file:
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            with open(target, "wb") as copy:
                shutil.copyfileobj(file, copy)
