"""The parts that the pages of one toolkit share: its draft, the version that was looked at, and what was typed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from flask import abort, flash, g, redirect, render_template

from daisychain.cache import Busy
from daisychain.errors import DaisychainError, InputError
from desk.access import connection, note
from desk.forms import Form, asked_number, hint_of
from desk.newsletters.unsaved import framed
from newsletters.pieces.values import FieldError
from newsletters.preview.editor_view import ShownMail
from newsletters.toolkit_drafts.working_copy import FieldCollision, WorkingCopy, open_working_copy
from newsletters.toolkit_store.store import UnknownToolkit


def opened_toolkit(name: str) -> WorkingCopy:
    """Return the draft of this page's toolkit, or what is published, and name it in the audit log; 404 if unknown."""
    try:
        found = open_working_copy(connection(), name)
    except UnknownToolkit:
        abort(404)
    note(name)
    return found


def asked_version(draft: WorkingCopy) -> int:
    """Return the version that the person was looking at."""
    return asked_number("base") or draft.version


def form_of(values: Mapping[str, str], **others: str) -> Form:
    """Return a form with a field for each value; names with spaces have _ in the page."""
    known = {in_page(name): value for name, value in values.items()}
    return Form(*known, *others, **{**known, **others})


def typed_values(form: Form, names: Mapping[str, Any]) -> dict[str, str]:
    """Return what was typed, by the names that the room has for the fields; lines end as they do in files."""
    return {name: form[in_page(name)].replace("\r\n", "\n").replace("\r", "\n") for name in names}


def in_page(name: str) -> str:
    """Return a field's name as an id in a page, which has no spaces."""
    return name.replace(" ", "_")


@contextmanager
def at_field(form: Form, default: str) -> Iterator[None]:
    """Run a step; what it refuses is shown at the field that the error names, or else at `default`."""
    try:
        with g.connection.begin_nested():
            yield
    except DaisychainError as error:
        field = in_page(error.field if isinstance(error, FieldError) and error.field else default)
        form.errors[field] = f"{error.message} {hint_of(error)}".strip()


def refused(collision: FieldCollision, form: Form, template: str, **values: Any) -> tuple[str, int]:
    """Return the form again with both texts of what somebody else changed meanwhile: 409, and nothing is lost."""
    form.values |= {in_page(name): value for name, value in collision.values.items()}
    note(collision=collision.kept_as)
    return render_template(template, form=form, draft=collision.theirs, collision=collision, **values), 409


def done(said: str, address: str, draft: WorkingCopy) -> Any:
    """Say what was done, and go on to a page."""
    note(version=draft.version)
    flash(said)
    return redirect(address)


def frame_of(show: Callable[[], ShownMail]) -> Any:
    """Return a preview as a page for its frame; nothing if it can't be shown."""
    with suppress(InputError, Busy):
        return framed(show())
    return framed(None)
