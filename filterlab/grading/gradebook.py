"""nbgrader's gradebook while one submission is recorded in it: one session, few queries, and all or nothing."""

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any

from nbgrader.api import Comment, Grade, Gradebook
from sqlalchemy import Engine, create_engine
from sqlalchemy.orm import Session, joinedload, scoped_session, sessionmaker


@functools.cache
def engine(db_url: str) -> Engine:
    """One engine for each gradebook and process: it keeps the queries that it has compiled."""
    return create_engine(db_url)


@contextlib.contextmanager
def transaction(db_url: str, course_id: str) -> Iterator[None]:
    """Everything that nbgrader writes to its gradebook in here is written at the end, wholly, or not at all.

    nbgrader opens its gradebook ten times for one submission, looks each time whether every table is there, and for every cell asks for
    its row and commits. In here all of these are one session, whose commits wait for the end, and which reads a notebook's rows at once.
    """
    with engine(db_url).connect() as connection, connection.begin():
        maker = sessionmaker(bind=connection, class_=_Waiting, join_transaction_mode="rollback_only", expire_on_commit=False)
        session = scoped_session(maker)

        def join(gradebook: Gradebook, _url: str, course_id: str = course_id, authenticator: Any = None) -> None:
            gradebook.engine, gradebook.db = connection.engine, session
            gradebook.course_id, gradebook.authenticator = course_id, authenticator

        instead = {
            "__init__": join,
            "close": lambda gradebook: session.flush(),
            "find_grade": _at_once(Grade, Gradebook.find_grade),
            "find_comment": _at_once(Comment, Gradebook.find_comment),
        }
        before = {name: getattr(Gradebook, name) for name in instead}
        try:
            for name, method in instead.items():
                setattr(Gradebook, name, method)
            yield
        finally:
            for name, method in before.items():
                setattr(Gradebook, name, method)
            session.remove()
    # What formgrader keeps open for days may be another file by then.
    engine(db_url).dispose()


class _Waiting(Session):
    """What was merely changed waits for the next query, or for the end. What is new gets its row at once, for others refer to it."""

    def commit(self) -> None:
        if self.new or self.deleted:
            self.flush()


def _at_once(kind: type[Grade] | type[Comment], find: Callable[..., Any]) -> Callable[..., Any]:
    """nbgrader's `find`, which asks for one row of this kind, in the place of a cell: asks once for all rows of a notebook."""
    found: dict[tuple[str, str, str], dict[str, Any]] = {}

    def find_at_once(gradebook: Gradebook, cell: str, notebook: str, assignment: str, student: str) -> Any:
        place = notebook, assignment, student
        if place not in found:
            submitted = gradebook.find_submission_notebook(*place)
            rows = gradebook.db.query(kind).options(joinedload(kind.cell)).filter(kind.notebook_id == submitted.id)
            found[place] = {row.name: row for row in rows}
        return found[place][cell] if cell in found[place] else find(gradebook, cell, *place)

    return find_at_once
