"""The form of an email that somebody makes their own: what was typed, the logo, and what is wrong with it."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace

from flask import request

from daisychain.cache import Busy
from daisychain.errors import InputError
from newsletters.logo_files.logo_file import LARGEST_LOGO, LogoFile, read_logo_file
from newsletters.make_it_yours.own_email import OwnEmail, refused_words
from newsletters.make_it_yours.typed_partner import FIELDS, TypedPartner, read_typed
from newsletters.packs.logos import cleaned, is_empty, plate_for
from newsletters.packs.partner import Partner

# A logo as it was chosen, and the rest of the form.
LARGEST_FORM = LARGEST_LOGO + 1024**2


class OwnForm:
    """Holds the typed values by the names of the form's fields; `errors` has a message for each wrong one."""

    def __init__(self, email: OwnEmail, kept: Partner | None = None) -> None:
        request.max_content_length = LARGEST_FORM  # before anything of the form is read
        self.values = _values_of(kept) if kept else dict.fromkeys(map(_html_name, FIELDS), "")
        self.logo: LogoFile | None = LogoFile(cleaned(kept.logo)) if kept and kept.logo else None
        self._logo_errors: dict[str, str] = {}
        self.done = ""  # what was done, to be said on the page
        self.tool, self.otherwise = request.form.get("tool", kept.dialects.partition(",")[0] if kept else ""), False
        if request.method == "POST":
            self._read()
        if kept:  # an organisation's packs are its own
            self.values["name"] = kept.name
        self._email, self._code = email, kept.code if kept else ""
        self.typed = self._typed()
        self.errors = _by_html_name(self.typed.errors_so_far) | self._logo_errors

    def __getitem__(self, field: str) -> str:
        return self.values.get(field, "")

    @property
    def logo_address(self) -> str:
        """The logo as it is shown on the page and travels with the form."""
        return f"data:{self.logo.image.media_type};base64,{self.logo_data}" if self.logo else ""

    @property
    def logo_data(self) -> str:
        """The cleaned logo, as text."""
        return base64.b64encode(self.logo.image.content).decode() if self.logo else ""

    @property
    def plate(self) -> str:
        """The plate behind the logo in the email; empty if it needs none."""
        surface = self._email.edition.toolkit.brand.colours["surface"]
        return plate_for(self.logo.image, surface) if self.logo else ""

    def all_errors(self) -> None:
        """Show what is missing, too: somebody wants to take the email now."""
        self.errors = _by_html_name(self.typed.errors) | self._logo_errors

    @contextmanager
    def check(self, field: str) -> Iterator[None]:
        """Run a step that may refuse what was typed into `field`: then the reason is kept to show."""
        try:
            yield
        except InputError as error:
            self.errors[field] = error.in_one_line

    def with_code(self, code: str) -> Partner:
        """Return the partner with that code in its links."""
        self._code = code
        return self._typed().partner

    def _typed(self) -> TypedPartner:
        toolkit, changeable = self._email.edition.toolkit, self._email.changeable
        values = {key: self.values[_html_name(key)] for key in FIELDS}
        found = read_typed(values, toolkit, changeable, self.logo, self._code)
        if refused := refused_words(self._email.edition, found.partner):
            found = read_typed(values | {"intro": ""}, toolkit, changeable, self.logo, self._code)
            found = replace(found, errors={**found.errors, "intro": refused})
        return found

    def _read(self) -> None:
        self.values = {name: request.form.get(name, "") for name in self.values}
        self.values["leave_out"] = "\n".join(request.form.getlist("leave_out"))
        self.logo = None
        try:
            self.logo = chosen_logo()
        except (InputError, Busy) as error:
            self._logo_errors = {"logo": error.in_one_line}


def chosen_logo() -> LogoFile | None:
    """Return the logo that was just picked, or the one that came back with the form, cleaned."""
    if "remove_logo" in request.form:
        return None
    picked, printed = request.files.get("logo_file"), bool(request.form.get("logo_printed"))
    if picked and picked.filename:
        with closing(picked):
            found = read_logo_file(picked.read(LARGEST_LOGO + 1), "logo")
        return found if is_empty(found.image) else LogoFile(cleaned(found.image), found.printed)
    try:
        content = base64.b64decode(request.form.get("logo", ""), validate=True)
    except (ValueError, binascii.Error):
        raise InputError("The logo got lost on the way. Choose it again.") from None
    return LogoFile(cleaned(read_logo_file(content, "logo").image), printed) if content else None


def _by_html_name(errors: Mapping[str, str]) -> dict[str, str]:
    return {_html_name(key): message for key, message in errors.items()}


def _html_name(key: str) -> str:
    return key.replace(" ", "_")


def _values_of(kept: Partner) -> dict[str, str]:
    return {
        "name": kept.name, "accent": kept.accent, "intro": kept.intro, "button": kept.button,
        "leave_out": "\n".join(kept.left_out), "address": kept.address, "charity_number": kept.charity_number,
        "reply": kept.reply, "website": kept.website,
    }  # fmt: skip
