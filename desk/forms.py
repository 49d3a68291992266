"""Forms: what was typed comes back, with each error beside its field and at the top of the page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import g, render_template, request

from daisychain.errors import ConfigurationError, DaisychainError, InputError
from daisychain.web.row_numbers import row_number

# Rooms' hints are also for people who type commands.
_FOR_A_TERMINAL = re.compile(r"daisychain [a-z]|(?<!\w)--[a-z]")
ASK = "Please tell the person who looks after Daisychain."


def hint_of(error: DaisychainError) -> str:
    """Return an error's hint, or what is before "Or …"; "" if that names commands or options, of no use here."""
    hints = (error.hint, error.hint.partition("\nOr ")[0])
    return next((hint for hint in hints if not _FOR_A_TERMINAL.search(hint)), "")


def asked_number(name: str) -> int | None:
    """Return a number of the address's query or of a form; None if it is missing, or can't be a row's."""
    return row_number(request.values.get(name, ""))


def chosen_file(field: str, most: int, missing: str, hint: str = "Choose a file first.") -> tuple[str, bytes]:
    """Return name and content of a file, its `most` bytes and one more; raises InputError if none was chosen."""
    file = request.files.get(field)
    if file is None or not file.filename:
        raise InputError(missing, hint=hint)
    return file.filename, file.stream.read(most + 1)


class Form:
    """The fields of a form as they were typed, and what is wrong with them.

    Templates show it by `field(form, "name", "Label")` and `errors(form)` of parts/forms.html.
    """

    def __init__(self, *names: str, **values: str) -> None:
        typed = {name: request.form.get(name, "").strip() for name in names} if request.method == "POST" else {}
        self.values: dict[str, str] = {**values, **typed}
        self.errors: dict[str, str] = {}

    def __getitem__(self, name: str) -> str:
        return self.values.get(name, "")

    def given(self, name: str, message: str) -> str:
        """Return what was typed into a field that must not be empty; raises InputError with the message."""
        if not self[name]:
            raise InputError(message)
        return self[name]

    @contextmanager
    def check(self, field: str) -> Iterator[None]:
        """Run a step that may refuse what was typed into `field`: then it is undone, and the reason is kept to show."""
        try:
            with g.connection.begin_nested():
                yield
        except DaisychainError as error:
            self.errors[field] = f"{error.message} {hint_of(error)}".strip()
        except ConfigurationError as error:
            self.errors[field] = f"{str(error).partition(chr(10))[0]}. {ASK}"

    def page(self, template: str, **values: Any) -> tuple[str, int]:
        """Return a page with this form: 422 if something is wrong with it."""
        return render_template(template, form=self, **values), 422 if self.errors else 200
