"""The form for pictures with an organisation's own name, logo and colour. Nothing of it is stored."""

from __future__ import annotations

import base64

from flask import request

from daisychain.cache import Busy
from daisychain.errors import InputError
from newsletters.packs.logos import is_empty
from newsletters.packs.partner import Partner
from newsletters.packs.partner_codes import name_key
from newsletters.toolkits.contrast import parse_colour
from pages.toolkits.own_form import LARGEST_FORM, chosen_logo

_LONGEST_NAME = 120
_EMPTY_LOGO = "Nothing can be seen in this logo: it is clear or white all over. Choose another file."


class PictureForm:
    """A form as it was typed: `partner` is made of it, and `errors` has a message for each field that needs a change.

    The logo that was picked travels with the form, as text; an organisation with a private link has its own to begin.
    """

    def __init__(self, kept: Partner | None = None) -> None:
        request.max_content_length = LARGEST_FORM  # before anything of the form is read
        self.kept = kept
        self.errors: dict[str, str] = {}
        self.name, self.accent = (kept.name, kept.accent) if kept else ("", "")
        self.logo = kept.logo if kept else None
        if request.method == "POST":
            self._read()

    @property
    def logo_data(self) -> str:
        """The logo as text; empty without one."""
        return base64.b64encode(self.logo.content).decode() if self.logo else ""

    @property
    def partner(self) -> Partner:
        """The organisation that the pictures are for."""
        return Partner(self.name, "", logo=self.logo, accent=parse_colour(self.accent) if self.accent else "")

    def _read(self) -> None:
        self.name = self.kept.name if self.kept else " ".join(request.form.get("name", "").split())
        self.accent = request.form.get("accent", self.accent).strip()
        if not name_key(self.name):
            self.errors["name"] = "Type your organisation’s name."
        elif len(self.name) > _LONGEST_NAME:
            self.errors["name"] = f"A name can have {_LONGEST_NAME} characters."
        if self.accent and not parse_colour(self.accent):
            self.errors["accent"] = f"{self.accent[:30]} is not a colour. Write it as #1f5f4f."
        try:
            found = chosen_logo()
            self.logo = found.image if found else self.logo
            if self.logo and is_empty(self.logo):
                self.logo, self.errors["logo"] = None, _EMPTY_LOGO
        except (InputError, Busy) as error:
            self.errors["logo"] = error.in_one_line
